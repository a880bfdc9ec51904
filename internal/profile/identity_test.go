package profile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// identityCase is what the files say, and which identity "admin" is: the roles in the order they are
// assumed, on top of the profile that has the access key; or what an error says.
type identityCase struct {
	aws, credentials, own string
	flags                 Flags

	roles, identity string
	refused         string // with the access key in the environment; parts, with … between
	refusedAlways   bool   // without it, too
}

const (
	envID   = "AKIAIOSFODNN7EXAMPLE"
	otherID = "AKIAI44QH8DHBEXAMPLE"
	isRole  = "role_arn = " + roleA + "\n"
	ofBase  = isRole + "source_profile = base\n"
)

func identityCases() map[string]identityCase {
	all := map[string]identityCase{
		// Found.
		"role of a source":              {aws: "[profile admin]\n" + ofBase + "[profile base]\n", roles: roleA, identity: "base"},
		"role without a source":         {aws: "[profile admin]\n" + isRole, roles: roleA, identity: "admin"},
		"no role":                       {aws: "[profile admin]\nregion = eu-west-1\n", identity: "admin"},
		"only in profiles.ini":          {aws: "[default]\n", own: "[admin]\n" + isRole, roles: roleA, identity: "admin"},
		"with a byte order mark":        {aws: "\ufeff[profile admin]\n" + isRole, roles: roleA, identity: "admin"},
		"loose header":                  {aws: "[ profile  admin ]\n" + isRole, roles: roleA, identity: "admin"},
		"in the credentials file":       {credentials: "[admin]\n" + ofBase + "[base]\n", roles: roleA, identity: "base"},
		"source in the credentials":     {aws: "[profile admin]\n" + ofBase, credentials: "[base]\naws_access_key_id = " + envID + "\n", roles: roleA, identity: "base"},
		"half in either":                {aws: "[profile admin]\nsource_profile = base\n[profile base]\n", credentials: "[admin]\n" + isRole, roles: roleA, identity: "base"},
		"the credentials file first":    {aws: "[profile admin]\nrole_arn = " + roleB + "\n", credentials: "[admin]\n" + isRole, roles: roleA, identity: "admin"},
		"profiles.ini first":            {aws: "[profile admin]\nrole_arn = " + roleB + "\n", credentials: "[admin]\nrole_arn = " + roleC + "\n", own: "[admin]\n" + isRole, roles: roleA, identity: "admin"},
		"no role in profiles.ini":       {aws: "[profile admin]\n" + ofBase + "[profile base]\n", own: "[admin]\nregion = eu-west-1\n", roles: roleA, identity: "base"},
		"empty in profiles.ini":         {aws: "[profile admin]\n" + isRole, own: "[admin]\nrole_arn =\n", roles: roleA, identity: "admin"},
		"DEFAULT":                       {aws: "[DEFAULT]\n" + isRole + "[profile admin]\n", roles: roleA, identity: "admin"},
		"itself as the source":          {aws: "[profile admin]\n" + isRole + "source_profile = admin\n", own: "[admin]\nstore = age\n", roles: roleA, identity: "admin"},
		"SSO, but a key of its own":     {aws: "[profile admin]\n" + ofBase + "[profile base]\nsso_session = s\n", own: "[base]\nstore = env\n", roles: roleA, identity: "base"},
		"a process, but a key":          {aws: "[profile admin]\ncredential_process = other\n", own: "[admin]\nstore = env\n", identity: "admin"},
		"registered":                    {aws: "[profile admin]\ncredential_process = aws-mfa-creds get --profile admin --duration 2h\n", identity: "admin"},
		"registered, in a shell":        {aws: "[profile admin]\ncredential_process = sh -c 'exec aws-mfa-creds get --profile admin 2>/dev/null'\n", identity: "admin"},
		"registered, with a comment":    {aws: "[profile admin]\ncredential_process = aws-mfa-creds get --profile admin # mine\n", identity: "admin"},
		"called as registered":          {aws: "[profile admin]\ncredential_process = aws-mfa-creds get --profile admin --role-arn " + roleA + "\n", flags: Flags{RoleARN: roleA}, roles: roleA, identity: "admin"},
		"another role by flag":          {aws: "[profile admin]\ncredential_process = aws-mfa-creds get --profile admin --role-arn " + roleB + "\n", flags: Flags{RoleARN: roleA}, roles: roleA, identity: "admin"},
		"the registered role, settled":  {aws: "[profile admin]\ncredential_process = aws-mfa-creds get --profile admin --role-arn " + roleA + "\n" + isRole, roles: roleA, identity: "admin"},
		"registered alias with a key":   {aws: "[profile admin]\ncredential_process = aws-mfa-creds get --profile base\n[profile base]\n", own: "[admin]\nstore = env\n", identity: "admin"},
		"source registered with a role": {aws: "[profile admin]\n" + ofBase + "[profile base]\ncredential_process = aws-mfa-creds get --profile work --role-arn " + roleB + "\n[profile work]\n", roles: roleB + " " + roleA, identity: "work"},
		"source registered as another":  {aws: "[profile admin]\n" + ofBase + "[profile base]\ncredential_process = aws-mfa-creds get --profile work\n[profile work]\n", roles: roleA, identity: "work"},
		"source of a source":            {aws: "[profile admin]\n" + ofBase + "[profile base]\nrole_arn = " + roleB + "\nsource_profile = work\n", credentials: "[work]\n", roles: roleB + " " + roleA, identity: "work"},
		"included":                      {aws: "[profile admin]\ninclude_profile = work\n[profile work]\n" + isRole + "credential_process = aws-mfa-creds get --profile work\n", roles: roleA, identity: "admin"},

		// Not found, or not read.
		"misspelt, near":            {aws: "[profile admins]\n" + ofBase, refused: `profile "admin"…does not exist…did you mean "admins"?`, refusedAlways: true},
		"misspelt, nothing near":    {aws: "[profile zzz]\n", refused: `profile "admin"…does not exist`, refusedAlways: true},
		"another case":              {aws: "\n[profile Admin]\n" + ofBase, refused: `config:2: profile "admin"…did you mean "Admin"?`, refusedAlways: true},
		"near, in the credentials":  {credentials: "[Admin]\n" + ofBase, refused: `credentials:1: profile "admin"…did you mean "Admin"?`, refusedAlways: true},
		"an empty config":           {aws: "\n", refused: "does not exist", refusedAlways: true},
		"another in profiles.ini":   {own: "[work]\n", refused: "does not exist", refusedAlways: true},
		"CR alone in the section":   {aws: "[profile admin]\rregion = a\r" + isRole, refused: "CR without an LF", refusedAlways: true},
		"NUL":                       {aws: "[profile admin]\n\x00\n" + isRole, refused: "NUL", refusedAlways: true},
		"UTF-16":                    {aws: "\xff\xfe[\x00", refused: "is UTF-16", refusedAlways: true},
		"UTF-16 credentials":        {aws: "[profile admin]\n", credentials: "\xff\xfe[\x00", refused: "is UTF-16", refusedAlways: true},
		"indented line":             {aws: "[profile admin]\nregion = a\n  " + isRole, refused: "config:3…begin the line at the margin", refusedAlways: true},
		"indented below another's":  {aws: "[profile admin]\noutput = json\n  " + isRole, refused: "config:3…begin the line at the margin", refusedAlways: true},
		"indented in credentials":   {credentials: "[admin]\naws_access_key_id = " + envID + "\n  " + isRole, refused: "credentials:3…margin", refusedAlways: true},
		"role_arn without a value":  {aws: "[profile admin]\nrole_arn =\nsource_profile = base\n[profile base]\n", refused: "config:2: role_arn is empty", refusedAlways: true},
		"source without a value":    {aws: "[profile admin]\n" + isRole + "source_profile =\n", refused: "config:3: source_profile is empty", refusedAlways: true},
		"source without a role":     {aws: "[profile admin]\nsource_profile = base\n[profile base]\n", refused: "config:2…no role_arn", refusedAlways: true},
		"two spellings":             {aws: "[profile admin]\n" + isRole + "[profile 'admin']\n", refused: "two headers", refusedAlways: true},
		"loose and strict":          {aws: "[profile admin ]\n[ profile admin ]\n" + isRole, refused: "two headers", refusedAlways: true},
		"source misspelt":           {aws: "[profile admin]\n" + ofBase + "[profile bases]\n", refused: `config:3: source_profile "base"…did you mean "bases"?`, refusedAlways: true},
		"source in quotes":          {aws: "[profile admin]\n" + isRole + "source_profile = \"base\"\n[profile base]\n", refused: "config:3: source_profile", refusedAlways: true},
		"source misspelt in its []": {aws: "[profile admin]\n" + ofBase + "[base]\n", refused: "config:4: [base] is not a profile…[profile base]", refusedAlways: true},

		// Registered as something else.
		"registered with a role":        {aws: "[profile admin]\ncredential_process = aws-mfa-creds get --profile admin --role-arn " + roleA + "\n", refused: "config:2…run the command that the AWS config has for the profile: aws-mfa-creds get --profile admin --role-arn " + roleA, refusedAlways: true},
		"registered, own key":           {aws: "[profile admin]\ncredential_process = aws-mfa-creds get --profile admin --role-arn " + roleA + "\n", own: "[admin]\nstore = age\n", refused: "config:2…run the command", refusedAlways: true},
		"registered, another role":      {aws: "[profile admin]\ncredential_process = aws-mfa-creds get --profile admin --role-arn " + roleA + "\n", own: "[admin]\nrole_arn = " + roleB + "\n", refused: "config:2…run the command", refusedAlways: true},
		"registered as another":         {aws: "[profile admin]\ncredential_process = aws-mfa-creds get --profile base\n[profile base]\n", refused: "config:2…--profile base", refusedAlways: true},
		"registered in the credentials": {credentials: "[admin]\ncredential_process = aws-mfa-creds get --profile base\n[base]\n", refused: "credentials:2…--profile base", refusedAlways: true},

		// A loop.
		"loop of source": {aws: "[profile admin]\n" + ofBase + "[profile base]\nrole_arn = " + roleB + "\nsource_profile = admin\n", refused: "runs in a loop: admin -> base -> admin", refusedAlways: true},

		// Another access key.
		"a key in clear":          {credentials: "[admin]\naws_access_key_id = " + otherID + "\n", refused: "credentials:2…come from elsewhere: aws_access_key_id…store = env", identity: "admin"},
		"a source's key in clear": {aws: "[profile admin]\n" + ofBase + "[profile base]\naws_access_key_id = " + otherID + "\n", refused: "config:5…elsewhere: aws_access_key_id", roles: roleA, identity: "base"},
		"a key in profiles.ini":   {own: "[admin]\naccess_key_id = " + otherID + "\n", refused: "profiles.ini:2…another access key", identity: "admin"},
	}
	for _, header := range []string{
		"[admin]", "[profile admin", "[Profile admin]", "[PROFILE admin]", "[profile:admin]", "[profile=admin]", "[profile/admin]", "[porfile admin]", "[profil admin]",
		"\u00a0[profile admin", "[profile admin\u200b]", "[\u200bprofile admin]", "[profile \u201cadmin\u201d]", `["profile admin"]`, `["profile" "admin"]`, "[profile\u00a0admin]",
		"\u200b[profile admin]", "\ufeff[profile admin]", "'[profile admin]'",
	} {
		all["header "+header] = identityCase{aws: "[profile x]\n" + header + "\n" + ofBase, refused: "config:2: …[profile admin]", refusedAlways: true}
		all["header "+header+", own section"] = identityCase{aws: "[profile x]\n" + header + "\n" + ofBase, own: "[admin]\nstore = env\n", refused: "config:2: …[profile admin]", refusedAlways: true}
	}
	all["indented header"] = identityCase{aws: "[profile x]\noutput = json\n  [profile admin]\n" + ofBase, refused: "config:3: …margin", refusedAlways: true}
	for _, key := range []string{"role-arn", "rolearn", "role_anr", "role arn", "role_arns", `"role_arn"`} {
		all["key "+key] = identityCase{aws: "[profile admin]\n" + key + " = " + roleA + "\n", refused: "config:2: unknown key…did you mean role_arn?", refusedAlways: true}
	}
	for key, value := range map[string]string{
		"sso_session": "s", "sso_start_url": "https://x", "credential_source": "Ec2InstanceMetadata", "web_identity_token_file": "/t",
		"login_session": "arn:x", "credential_process": "/opt/other --json",
	} {
		line := key + " = " + value + "\n"
		elsewhere := "come from elsewhere: " + key
		all[key] = identityCase{aws: "[profile admin]\n" + line, refused: "config:2…" + elsewhere, refusedAlways: true}
		all[key+" beside a role"] = identityCase{aws: "[profile admin]\n" + isRole + line, refused: "config:3…" + elsewhere, refusedAlways: true}
		all[key+" of the source"] = identityCase{aws: "[profile admin]\n" + ofBase + "[profile base]\n" + line, refused: "config:5…" + elsewhere, refusedAlways: true}
		all[key+" of the source's source"] = identityCase{aws: "[profile admin]\n" + ofBase + "[profile base]\nrole_arn = " + roleB + "\nsource_profile = work\n[profile work]\n" + line, refused: elsewhere, refusedAlways: true}
		all[key+" in the credentials file"] = identityCase{aws: "[profile admin]\n" + ofBase + "[profile base]\n", credentials: "[base]\n" + line, refused: "credentials:2…" + elsewhere, refusedAlways: true}
	}
	return all
}

// TestWhichIdentity goes through where a profile, its role and its source can stand, and how they can be
// misspelt: with and without the access key in the environment it is the same identity, or an error.
func TestWhichIdentity(t *testing.T) {
	t.Parallel()
	for name, c := range identityCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, env := range []Env{{}, {Identity: true, AccessKeyID: envID}} {
				env.Getenv = environment().Getenv
				c.check(t, env)
			}
		})
	}
}

func (c identityCase) check(t *testing.T, env Env) {
	t.Helper()
	files, err := Load(write(t, c.aws, c.own, c.credentials))
	var s Settings
	if err == nil {
		s, err = files.Resolve(Call{"admin", c.flags}, env)
	}
	if c.refused != "" && (env.Identity || c.refusedAlways) {
		wantFault(t, err, fault.Config, strings.Split(c.refused, "…")...)
		return
	}
	var roles []string
	for _, role := range s.Roles {
		roles = append(roles, role.ARN)
	}
	if got := strings.Join(roles, " "); err != nil || got != c.roles || s.Identity != c.identity {
		t.Errorf("identity in the environment %v: %q of %q, want %q of %q; %v", env.Identity, got, s.Identity, c.roles, c.identity, err)
	}
}

// TestNoFiles has the access key in the environment and no profile anywhere: only where there is no file,
// nor to be one, is it anybody's.
func TestNoFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), dangling); err != nil {
		t.Skip(err)
	}
	for name, c := range map[string]struct {
		paths Paths
		env   []string
		parts []string
	}{
		"none":                      {},
		"none there":                {paths: Paths{AWSConfig: dir + "/a", AWSCredentials: dir + "/b", Own: dir + "/c"}},
		"the null device":           {paths: Paths{AWSConfig: os.DevNull, AWSCredentials: os.DevNull}, env: []string{"AWS_CONFIG_FILE", os.DevNull}},
		"link to nowhere":           {paths: Paths{AWSConfig: dangling}, parts: []string{"does not exist"}},
		"variable to nowhere":       {paths: Paths{AWSConfig: dir + "/a"}, env: []string{"AWS_CONFIG_FILE", dir + "/a"}, parts: []string{"AWS_CONFIG_FILE", "does not exist", os.DevNull}},
		"credentials to nowhere":    {paths: Paths{AWSCredentials: dir + "/a"}, env: []string{"AWS_SHARED_CREDENTIALS_FILE", dir + "/a"}, parts: []string{"AWS_SHARED_CREDENTIALS_FILE", os.DevNull}},
		"a directory is no config":  {paths: Paths{AWSConfig: dir}, parts: []string{"is a directory"}},
		"a directory, as the other": {paths: Paths{AWSCredentials: dir}, parts: []string{"is a directory"}},
	} {
		files, err := Load(c.paths)
		if err == nil {
			env := environment(c.env...)
			env.Identity, env.AccessKeyID = true, envID
			_, err = files.Resolve(Call{Profile: "admin"}, env)
		}
		if len(c.parts) > 0 {
			wantFault(t, err, fault.Config, c.parts...)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNewProfile lets only the profile that is about to be written be missing.
func TestNewProfile(t *testing.T) {
	t.Parallel()
	files := load(t, "[profile work]\n[profile role]\n"+ofBase, "")
	env := environment()
	env.New = "new"
	if s, err := files.Resolve(Call{Profile: "new"}, env); err != nil || s.Identity != "new" {
		t.Errorf("%+v, %v", s, err)
	}
	for _, name := range []string{"wor", "role"} {
		_, err := files.Resolve(Call{Profile: name}, env)
		wantFault(t, err, fault.Config, "does not exist")
	}
}

// TestAdviceForANewProfile: a variable is not advised where it is set, or where a file has the profiles.
func TestAdviceForANewProfile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		aws      string
		identity bool
		want     string
		never    string
	}{
		"a file":                              {"[profile zzz]\n", false, "run: aws-mfa-creds setup --profile admin; with an MFA device", "AWS_MFA_CREDS"},
		"a file and a key in the environment": {"[profile zzz]\n", true, "config: [profile admin]", "setup"},
		"letters exchanged":                   {"[profile amdin]\n", true, `did you mean "amdin"?`, "zzz"},
	} {
		files, err := Load(write(t, c.aws, "", ""))
		if err != nil {
			t.Fatal(err)
		}
		_, err = files.Resolve(Call{"admin", Flags{}}, Env{Identity: c.identity, AccessKeyID: envID, Getenv: environment().Getenv})
		if text := fault.Text(err) + "; " + fault.Remedy(err); !strings.Contains(text, c.want) || strings.Contains(text, c.never) {
			t.Errorf("%s: %s", name, text)
		}
	}
}
