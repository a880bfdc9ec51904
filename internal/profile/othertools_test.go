package profile

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// TestInclude follows include_profile as aws-vault does: to the fragment, and on from there.
func TestInclude(t *testing.T) {
	t.Parallel()
	const role = "role_arn = " + roleA + "\n"
	fragment := "[profile common]\nregion = eu-west-1\nmfa_serial = " + serial + "\nsource_profile = root\n[profile root]\ninclude_profile = common\n"
	for name, c := range map[string]struct {
		aws, identity, region, session string
	}{
		"fragment":            {"[profile x]\ninclude_profile = common # shared\n" + role + fragment, "root", "eu-west-1", sessionName},
		"the nearest first":   {"[profile x]\ninclude_profile = common\nregion = eu-west-2\n" + role + fragment, "root", "eu-west-2", sessionName},
		"the role, too":       {"[profile x]\ninclude_profile = y\n[profile y]\ninclude_profile = common\nrole_session_name = bob\n" + role + fragment, "root", "eu-west-1", "bob"},
		"parent of old":       {"[profile x]\nparent_profile = common\n" + role + fragment, "root", "eu-west-1", sessionName},
		"both: the new one":   {"[profile x]\nparent_profile = none\ninclude_profile = common\n" + role + fragment, "root", "eu-west-1", sessionName},
		"of the source":       {"[profile x]\nsource_profile = root\n" + role + fragment, "root", "eu-west-1", sessionName},
		"of default":          {"[profile x]\ninclude_profile = default\n" + role + "[default]\nsource_profile = root\n" + fragment, "root", "eu-west-1", sessionName},
		"empty value is none": {"[profile x]\ninclude_profile = common\nregion =\n" + role + fragment, "root", "eu-west-1", sessionName},
	} {
		s := resolve(t, c.aws, "")
		if s.Identity != c.identity || s.Region != c.region || s.Serial != serial || len(s.Roles) != 1 || s.Roles[0].ARN != roleA || s.Roles[0].SessionName != c.session {
			t.Errorf("%s: %+v", name, s)
		}
	}
	for name, c := range map[string]struct {
		aws   string
		parts []string
	}{
		"missing":          {"[profile x]\ninclude_profile = y\n", []string{"config:2: include_profile \"y\" does not exist"}},
		"itself":           {"[profile x]\ninclude_profile = x\n", []string{"config:2: include_profile runs in a loop: x -> x"}},
		"loop":             {"[profile x]\ninclude_profile = y\n[profile y]\nparent_profile = x\n", []string{"config:4: parent_profile runs in a loop: x -> y -> x"}},
		"broken":           {"[profile x]\ninclude_profile = y\n[profile y]\nregion = eu\n  -west-1\n", []string{"config:5: ", "belongs to the value of region"}},
		"bad value of its": {"[profile x]\ninclude_profile = y\n[profile y]\nrole_arn = admin\n", []string{"config:4: \"admin\" is not the ARN of a role"}},
	} {
		_, err := load(t, c.aws, "").Resolve(Call{Profile: "x"}, environment())
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantFault(t, err, fault.Config, c.parts...)
	}
}

// TestSessionTags reads what aws-vault sends with AssumeRole.
func TestSessionTags(t *testing.T) {
	t.Parallel()
	const head = "[profile x]\nrole_arn = " + roleA + "\nsource_profile = id\n"
	const rest = "\n[profile id]\nsource_identity = ignored # no role here\n"
	long := strings.Repeat("k", 128) + "=" + strings.Repeat("ü", 256)
	for lines, want := range map[string]creds.Role{
		"": {},
		"source_identity = anna@example.com # me":                   {SourceIdentity: "anna@example.com"},
		"session_tags = b=2, a = 1":                                 {Tags: []creds.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}},
		"session_tags = a=x=y z,empty=":                             {Tags: []creds.Tag{{Key: "a", Value: "x=y z"}, {Key: "empty"}}},
		"session_tags = a=1,b=2\ntransitive_session_tags = b, a,b,": {Tags: []creds.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}, TransitiveTags: []string{"a", "b"}},
		"session_tags = " + long:                                    {Tags: []creds.Tag{{Key: long[:128], Value: long[129:]}}},
		"transitive_session_tags =\nsession_tags =":                 {},
	} {
		want.ARN, want.SessionName, want.Duration = roleA, sessionName, defaultRole
		if got := resolve(t, head+lines+rest, "").Roles; len(got) != 1 || got[0].SourceIdentity != want.SourceIdentity ||
			!reflect.DeepEqual(got[0].Tags, want.Tags) || strings.Join(got[0].TransitiveTags, ",") != strings.Join(want.TransitiveTags, ",") {
			t.Errorf("%s: got %+v, want %+v", lines, got, want)
		}
		own := "[x]\nrole_arn = " + roleA + "\nsource_profile = id\n" + lines + "\n[id]\n"
		if got := resolve(t, "", own).Roles; len(got) != 1 || got[0].SourceIdentity != want.SourceIdentity || len(got[0].Tags) != len(want.Tags) {
			t.Errorf("profiles.ini, %s: got %+v", lines, got)
		}
	}
	var many []string
	for i := range 51 {
		many = append(many, "k"+strings.Repeat("x", i)+"=1")
	}
	for lines, cause := range map[string]string{
		"source_identity = a":                               "has 1 characters, not 2 to 64",
		"source_identity = " + strings.Repeat("a", 65):      "has 65 characters",
		"source_identity = aws:me":                          "U+003A",
		"source_identity = anna b":                          "U+0020",
		"session_tags = a":                                  "is not a list of KEY=VALUE",
		"session_tags = a=1,":                               "is not a list of KEY=VALUE",
		"session_tags = =1":                                 "key that is not 1 to 128",
		"session_tags = " + strings.Repeat("k", 129) + "=1": "key that is not 1 to 128",
		"session_tags = a=" + strings.Repeat("v", 257):      "more than 256",
		"session_tags = a=1,A=2":                            "twice",
		"session_tags = aws:a=1":                            "only AWS may set",
		"session_tags = a=1*":                               "has a character other than",
		"session_tags = " + strings.Join(many, ","):         "there are 51 session tags",
		"session_tags = a=1\ntransitive_session_tags = b":   "\"b\" is not one of the session tags",
		"transitive_session_tags = a":                       "is not one of the session tags",
		"session_tags = a=1\ntransitive_session_tags = A":   "is not one of the session tags",
	} {
		_, err := load(t, head+lines+rest, "").Resolve(Call{Profile: "x"}, environment())
		if err == nil {
			t.Errorf("%s: no error", lines)
			continue
		}
		wantFault(t, err, fault.Config, "config:", cause)
	}
}

// TestProgramWithoutShell refuses command lines that aws-vault gives to a shell and that mean something
// else without one; what means the same is run.
func TestProgramWithoutShell(t *testing.T) {
	t.Parallel()
	for line, cause := range map[string]string{
		"pass otp aws | head -n 1":          "no shell runs it",
		"$HOME/bin/code":                    "no shell runs it",
		`"$HOME/bin/code"`:                  "no shell runs it",
		"~/bin/code":                        "no shell runs it",
		"code ~/seed":                       "no shell runs it",
		"code `cat name`":                   "no shell runs it",
		"code $(cat name)":                  "no shell runs it",
		"code && true":                      "no shell runs it",
		"code; true":                        "no shell runs it",
		"code 2>/dev/null":                  "no shell runs it",
		"code < in":                         "no shell runs it",
		"(code)":                            "no shell runs it",
		"code # my phone":                   "no shell runs it",
		"PASSWORD_STORE_DIR=/x pass otp":    "no shell runs it",
		"sh -c pass otp aws | head":         "no shell runs it",
		`'a\' | b`:                          "no shell runs it",
		"./code":                            "relative path",
		"bin/code --x":                      "relative path",
		"code 'x":                           "open quotation",
		"oathtool --totp -b JBSWY3DP | cat": "no shell runs it",
	} {
		_, err := load(t, "[profile x]\nmfa_process = "+line+"\n", "").Resolve(Call{Profile: "x"}, environment())
		if err == nil {
			t.Errorf("%s: no error", line)
			continue
		}
		wantFault(t, err, fault.Config, "config:2: mfa_process ", cause)
		if strings.Contains(fault.Line(err), "JBSWY3DP") {
			t.Errorf("%v quotes the command, which may have a seed", err)
		}
		wantFault(t, CheckProgram("--mfa-process", line), fault.Usage, "--mfa-process: ", cause)
	}
	for line, last := range map[string]string{
		"ykman oath accounts code -s aws":       "aws",
		"/usr/bin/op item get 'AWS (prod)|$x'":  "AWS (prod)|$x",
		`code "AWS (prod) ~ #1; a & b"`:         "AWS (prod) ~ #1; a & b",
		`code a\|b`:                             "a|b",
		`code "\$x"`:                            `\$x`,
		"code a~b x#y":                          "x#y",
		"code --name=a":                         "--name=a",
		"/opt/a=b/code":                         "/opt/a=b/code",
		"/bin/sh -c 'pass otp aws | head -n 1'": "pass otp aws | head -n 1",
		`sh -c "echo $HOME | cat"`:              "echo $HOME | cat",
	} {
		s := resolve(t, "[profile x]\nmfa_process = "+line+"\n", "")
		if len(s.MFAProcess) == 0 || s.MFAProcess[len(s.MFAProcess)-1] != last {
			t.Errorf("%s: %q", line, s.MFAProcess)
		}
	}
	for line, want := range map[string]bool{
		`C:\bin\code.exe -s aws`: false, `"C:\Program Files (x86)\code.exe" $x`: false, `cmd /C "code | more"`: false, `C:\Windows\cmd.exe /C code | more`: false,
		`%USERPROFILE%\code.exe`: true, "code | more": true, "code > x": true, "code & x": true,
	} {
		if got := needsShell(line, true); got != want {
			t.Errorf("Windows, %s: %v", line, got)
		}
	}
}
