package edit

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/oddconfig"
)

const command = "/usr/bin/aws-mfa-creds get --profile x"

func process() Registration { return Registration{Command: command} }

func TestRegister(t *testing.T) {
	t.Parallel()
	const line = "credential_process = " + command + "\n"
	for name, c := range map[string]struct {
		before, after string
		r             Registration
		others        []string
		remembered    string
	}{
		"new file": {"", "[profile x]\n" + line, process(), nil, `{"section":true,"set":{"credential_process":"` + command + `"}}`},
		"new profile, all": {
			"[default]\nregion = a", "[default]\nregion = a\n\n[profile x]\n" + line + "region = b\noutput = json",
			Registration{Command: command, Region: "b", Output: "json"},
			nil,
			`{"section":true,"set":{"credential_process":"` + command + `","output":"json","region":"b"}}`,
		},
		"profile is there": {"[profile x]\n# mine\nmfa_serial = a\n", "[profile x]\n# mine\nmfa_serial = a\n" + line, process(), []string{"mfa_serial"}, `{"set":{"credential_process":"` + command + `"}}`},
		"region stays": {
			"[profile x]\nregion = a # mine\n", "[profile x]\nregion = a # mine\n" + line,
			Registration{Command: command, Region: "b"},
			nil, `{"set":{"credential_process":"` + command + `"}}`,
		},
		"other program, CR LF": {
			"[profile x]\r\n Credential_Process: a # mine \r\n", "[profile x]\r\n " + strings.TrimSuffix(line, "\n") + "\r\n", process(), nil,
			`{"set":{"credential_process":"` + command + `"},"was":{"credential_process":" Credential_Process: a \u0023 mine "}}`,
		},
		"other program": {
			"[profile x]\ncredential_process = \"/opt/\u00e4\U0001f511\" --x ; y\t\n", "[profile x]\n" + line, process(), nil,
			`{"set":{"credential_process":"` + command + `"},"was":{"credential_process":"credential_process = \"/opt/\u00e4\ud83d\udd11\" --x \u003b y\t"}}`,
		},
		"already so, by hand": {"[profile x]\ncredential_process=/bin/other", "[profile x]\ncredential_process=/bin/other", Registration{Command: "/bin/other"}, nil, ""},
		"extra keys":          {"[profile x]\ns3 =\n  a = b\naws_access_key_id = c\nrole_arn = d\n", "[profile x]\ns3 =\n  a = b\naws_access_key_id = c\nrole_arn = d\n" + line, process(), []string{"aws_access_key_id", "role_arn", "s3"}, `{"set":{"credential_process":"` + command + `"}}`},
		"role": {
			"[profile x]\nmfa_serial = a\n", "[profile x]\nmfa_serial = a\nrole_arn = " + roleA + "\nsource_profile = y z\nexternal_id = e\nrole_session_name = s\nduration_seconds = 3600\nregion = b\n",
			Registration{SourceProfile: "y z", Flags: profile.Flags{RoleARN: roleA, ExternalID: "e", RoleSessionName: "s", Duration: "3600"}, Region: "b"},
			[]string{"mfa_serial"},
			`{"set":{"duration_seconds":"3600","external_id":"e","region":"b","role_arn":"` + roleA + `","role_session_name":"s","source_profile":"y z"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			paths := write(t, c.before, "[y]\nstore = a\n", "")
			dry := editor(paths)
			dry.DryRun = true
			would, err := dry.Register(t.Context(), "x", c.r)
			if err != nil || would.Config.New.Reveal() != c.after || !slices.Equal(would.Others, c.others) || len(files(t, paths.Own)) > 2 {
				t.Fatalf("would be %q, %q, %v", would.Config.New.Reveal(), would.Others, err)
			}
			did, err := editor(paths).Register(t.Context(), "x", c.r)
			if err != nil || did.Config.Changed != (c.before != c.after) || !slices.Equal(did.Others, c.others) {
				t.Fatalf("%+v, %v", did, err)
			}
			own := "[y]\nstore = a\n"
			if c.remembered != "" {
				own += "\n[x]\nregistered = " + c.remembered + "\n"
			}
			if did.Config.Changed && text(t, paths.AWSConfig) != c.after || text(t, paths.Own) != own {
				t.Errorf("%q\n%s", text(t, paths.AWSConfig), text(t, paths.Own))
			}
			again, err := editor(paths).Register(t.Context(), "x", c.r)
			if err != nil || again.Config.Changed || again.Own.Changed {
				t.Errorf("a second time: %+v, %v", again, err)
			}
			undone, err := editor(paths).Unregister(t.Context(), "x")
			if err != nil || undone.Config.New.Reveal() != c.before || text(t, paths.Own) != "[y]\nstore = a\n" {
				t.Errorf("unregister leaves %q, %q, %v", undone.Config.New.Reveal(), text(t, paths.Own), err)
			}
		})
	}
}

// TestRegisterAgain registers one thing after another, with edits by hand between, and
// takes it back.
func TestRegisterAgain(t *testing.T) {
	t.Parallel()
	const before = "[profile x]\ncredential_process = old\nregion = a\n\n[profile y]\n"
	role := Registration{SourceProfile: "y", Flags: profile.Flags{RoleARN: roleA}}
	output := Registration{Command: command, Output: "b"}
	for name, c := range map[string]struct {
		steps []any // a Registration, or pairs of what a hand replaces
		then  string
		end   string
	}{
		"another command": {
			[]any{process(), Registration{Command: "/new"}},
			"[profile x]\ncredential_process = /new\nregion = a\n\n[profile y]\n", before,
		},
		"output remembered once": {
			[]any{output, Registration{Command: command, Output: "c"}},
			"[profile x]\ncredential_process = " + command + "\nregion = a\noutput = c\n\n[profile y]\n", before,
		},
		"output not mentioned again": {
			[]any{output, process()},
			"[profile x]\ncredential_process = " + command + "\nregion = a\noutput = b\n\n[profile y]\n", before,
		},
		"from command to role": {
			[]any{process(), role},
			"[profile x]\ncredential_process = old\nregion = a\nrole_arn = " + roleA + "\nsource_profile = y\n\n[profile y]\n", before,
		},
		"from role to command": {
			[]any{role, process()},
			"[profile x]\ncredential_process = " + command + "\nregion = a\n\n[profile y]\n", before,
		},
		"role with other terms": {
			[]any{Registration{SourceProfile: "y", Flags: profile.Flags{RoleARN: roleB, ExternalID: "e", Duration: "7200"}}, role},
			"[profile x]\ncredential_process = old\nregion = a\nrole_arn = " + roleA + "\nsource_profile = y\n\n[profile y]\n", before,
		},
		"output changed by hand": {
			[]any{output, [2]string{"output = b", "output = mine"}},
			"[profile x]\ncredential_process = " + command + "\nregion = a\noutput = mine\n\n[profile y]\n",
			"[profile x]\ncredential_process = old\nregion = a\noutput = mine\n\n[profile y]\n",
		},
		"path changed by hand": {
			[]any{process(), [2]string{"/usr/bin/", "/opt/"}},
			"[profile x]\ncredential_process = /opt/aws-mfa-creds get --profile x\nregion = a\n\n[profile y]\n", before,
		},
		"command changed by hand": {
			[]any{process(), [2]string{command, "theirs"}},
			"[profile x]\ncredential_process = theirs\nregion = a\n\n[profile y]\n",
			"[profile x]\ncredential_process = theirs\nregion = a\n\n[profile y]\n",
		},
		"lines deleted by hand": {
			[]any{process(), [2]string{"credential_process = " + command + "\n", ""}},
			"[profile x]\nregion = a\n\n[profile y]\n", "[profile x]\nregion = a\n\n[profile y]\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			paths := write(t, before, "", "")
			for _, step := range c.steps {
				switch step := step.(type) {
				case Registration:
					if _, err := editor(paths).Register(t.Context(), "x", step); err != nil {
						t.Fatal(err)
					}
				case [2]string:
					replaceText(t, paths.AWSConfig, step[0], step[1])
				}
			}
			if got := text(t, paths.AWSConfig); got != c.then {
				t.Fatalf("registered: %q\nwant        %q", got, c.then)
			}
			if _, err := editor(paths).Unregister(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
			if got := text(t, paths.AWSConfig); got != c.end || text(t, paths.Own) != "" {
				t.Errorf("unregistered: %q, %q\nwant          %q", got, text(t, paths.Own), c.end)
			}
		})
	}
}

func TestUnregisterByHand(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]string{
		"[profile x]\ncredential_process = " + command + "\nregion = a\n": "[profile x]\nregion = a\n",
		"[profile x]\ncredential_process = " + command + "\n":             "[profile x]\n",
		"[profile x]\ncredential_process = theirs\n":                      "[profile x]\ncredential_process = theirs\n",
		"[profile y]\ncredential_process = " + command + "\n":             "[profile y]\ncredential_process = " + command + "\n",
	} {
		paths := write(t, before, "[x]\n", "")
		c, err := editor(paths).Unregister(t.Context(), "x")
		if err != nil || text(t, paths.AWSConfig) != want || c.Own.Changed || c.Config.Changed != (before != want) {
			t.Errorf("%q becomes %q, %+v, %v", before, text(t, paths.AWSConfig), c, err)
		}
		if _, err := editor(paths).Unregister(t.Context(), "x"); err != nil || text(t, paths.AWSConfig) != want {
			t.Errorf("%q becomes %q, %v", want, text(t, paths.AWSConfig), err)
		}
	}
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		aws, own string
		r        Registration
		kind     fault.Kind
		part     string
	}{
		"loose header":       {"[ profile x ]\n", "", process(), fault.Config, "config:1: the AWS CLI does not read a header that is spelled like this; write it as [profile x]"},
		"two spellings":      {"[profile x]\n[profile y]\n[profile 'x']\n", "", process(), fault.Config, "config:3: the profile has two headers"},
		"indented header":    {"[profile x]\na = b\n  [profile y]\n", "", process(), fault.Config, "config:3: the AWS CLI takes an indented header"},
		"indented block":     {" [profile x]\n s3 =\n  a = b\n c = d\n", "", process(), fault.Config, "config:2: it is indented, and some SDKs"},
		"continued":          {"[profile x]\ncredential_process = a\n  b\n", "", process(), fault.Config, "config:3: it is indented"},
		"command":            {"", "", Registration{Command: "/a # b"}, fault.Usage, "credential_process"},
		"memory":             {"", "[x]\nregistered = canary\n", process(), fault.Config, "profiles.ini:2: what register did cannot be read"},
		"memory, two lines":  {"", "[x]\nregistered = {\"was\":{\"region\":\"a\\nb\"}}\n", process(), fault.Config, "profiles.ini:2: what register did cannot be read"},
		"memory, more of it": {"", "[x]\nregistered = {}\n  }\n", process(), fault.Config, "profiles.ini:2: what register did cannot be read"},
		"not UTF-8":          {"[profile x]\ncredential_process = \xff\n", "", process(), fault.Config, "as UTF-8"},
	} {
		paths := write(t, c.aws, c.own, "")
		_, err := editor(paths).Register(t.Context(), "x", c.r)
		wantFault(t, err, c.kind, c.part)
		for path, want := range map[string]string{paths.AWSConfig: c.aws, paths.Own: c.own} {
			if want != "" && text(t, path) != want || want == "" && slices.Contains(files(t, path), path) {
				t.Errorf("%s: %s is %q", name, path, text(t, path))
			}
		}
		if strings.Contains(fault.Line(err), "canary") {
			t.Errorf("%s: %s", name, fault.Line(err))
		}
	}
	_, err := editor(write(t, "", "", "")).Register(t.Context(), "a\nb", process())
	wantFault(t, err, fault.Usage, "control character")
}

// TestOthers are the keys in all spellings of the profile, each once.
func TestOthers(t *testing.T) {
	t.Parallel()
	paths := write(t, "[profile x]\nREGION = a\ngarbage\ns3 =\n  b = c\n[ profile x ]\nsso_session = d\nregion = e\n[profile y]\noutput = f\n", "", "")
	for name, want := range map[string][]string{"x": {"region", "s3", "sso_session"}, "nobody": nil} {
		got, err := editor(paths).Unregister(t.Context(), name)
		if err != nil || !slices.Equal(got.Others, want) {
			t.Errorf("%s: %q, %v", name, got.Others, err)
		}
	}
}

// TestRegisterRandom registers in configs that are put together at random, and takes it back:
// every byte is as before.
func TestRegisterRandom(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	done := 0
	for range 2000 {
		before := oddconfig.Random(random)
		name := []string{"a", "b", "e f", "default", "new"}[random.IntN(5)]
		r := Registration{Command: command, Region: "r", Output: "o"}
		if random.IntN(3) == 0 {
			r = Registration{SourceProfile: "s", Flags: profile.Flags{RoleARN: roleA}, Region: "r"}
		}
		e, err := newEdit("config", profile.AWSConfig, before, name)
		if err != nil {
			continue
		}
		own, err := newEdit("profiles.ini", profile.Plain, "", name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := e.register(r, memory{})
		if err == nil {
			err = m.remember(own)
		}
		if err == nil {
			_, err = e.content()
		}
		if err != nil {
			continue
		}
		done++
		if m, err = recall(own); err != nil {
			t.Fatal(err)
		}
		registered := e.file.Data
		if err := e.unregister(m); err != nil || e.file.Data != before {
			t.Fatalf("%s: %q becomes %q\nand then %q, %v", name, before, registered, e.file.Data, err)
		}
	}
	if done < 1500 {
		t.Errorf("only %d were registered", done)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		windows bool
		program string
		args    []string
		want    string // "": refused
		part    string
	}{
		{false, "/usr/bin/a", []string{"get", "--profile", "x"}, "/usr/bin/a get --profile x", ""},
		{false, "/usr/bin/a", []string{"--role-arn=arn:aws:iam::1:role/p/q@r+s.t"}, "/usr/bin/a --role-arn=arn:aws:iam::1:role/p/q@r+s.t", ""},
		{false, "/Applications/My App/a", []string{"get"}, `"/Applications/My App/a" get`, ""},
		{false, "/usr/bin/a", []string{"--profile", "a b"}, `/usr/bin/a --profile "a b"`, ""},
		{false, "/home/J\u00fcrgen/a", nil, "/home/J\u00fcrgen/a", ""},
		{true, `C:\tools\a.exe`, []string{"get"}, `C:\tools\a.exe get`, ""},
		{true, `C:\Program Files\a.exe`, []string{"get"}, `"C:\Program Files\a.exe" get`, ""},
		{true, `\\server\share\a.exe`, nil, `\\server\share\a.exe`, ""},
		{true, `c:/tools/a.exe`, []string{"--profile", "a b"}, `c:/tools/a.exe --profile "a b"`, ""},
		{true, `C:\Program Files\a.exe`, []string{"--profile", "a b"}, "", "cmd.exe"},
		{true, `C:\Program profile.Files (x86)\a.exe`, nil, "", `has '('`},
		{true, `C:\a b\c@d\a.exe`, nil, "", "@"},
		{true, `C:\a,b\a.exe`, nil, "", "','"},
		{true, `C:\a=b\a.exe`, nil, "", "'='"},
		{true, `C:a.exe`, nil, "", "absolute"},
		{true, `/usr/bin/a`, nil, "", "absolute"},
		{false, `C:\a`, nil, "", "absolute"},
		{false, "a", nil, "", "absolute"},
		{false, "", nil, "", "absolute"},
		{false, "~/a", nil, "", "absolute"},
		{false, `/a\b`, nil, "", `'\\'`},
		{false, "/a$b", nil, "", "'$'"},
		{false, `/a"b`, nil, "", `'"'`},
		{false, "/a'b", nil, "", "shell"},
		{false, "/a\nb", nil, "", "shell"},
		{false, "/a", []string{""}, "", "argument"},
		{false, "/a", []string{"b;c"}, "", "argument"},
		{false, "/a", []string{"b\nc"}, "", "argument"},
		{false, "/a", []string{"b\"c"}, "", "argument"},
		{false, "/a", []string{"\u00e4"}, "", "argument"},
		{false, "/a", []string{"%PATH%"}, "", "argument"},
	} {
		got, err := CommandLine(c.windows, c.program, c.args...)
		if c.want == "" {
			wantFault(t, err, fault.Config, c.part)
		}
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%v %s %q: %s, %v", c.windows, c.program, c.args, got, err)
		}
		if err == nil {
			if after, err := edited(profile.AWSConfig, "x", "", "credential_process="+got); err != nil {
				t.Errorf("%q cannot be written: %v", after, err)
			}
		}
	}
}
