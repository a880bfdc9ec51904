package test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	if err := b.AddProfile("deploy"); err != nil {
		t.Fatal(err)
	}
	for command, words := range map[string][]string{
		"get":                                {"--profile is missing", "get --profile NAME"},
		"get --profile work --nonsense":      {"nonsense", "get --help"},
		"get --profile work --refersh":       {"--refersh", "did you mean --refresh?"},
		"get --profile work extra":           {"extra", "leave it out"},
		"get extra":                          {"extra", "give --profile extra"},
		"get --profile work --duration 12x":  {"--duration", "12x", "12h, 90m"},
		"get --profile work --duration":      {"--duration: needs a value", "give --duration LONG"},
		"get --profile work --external-id x": {"--external-id", "give --role-arn"},
		"get --profile work --role-arn x":    {"--role-arn", "arn:aws:iam::"},
		"code":                               {"--profile is missing", "code --profile NAME"},
		"enroll":                             {"--profile is missing", "enroll --profile NAME"},
		"register":                           {"--profile is missing", "register --profile NAME"},
		"unregister":                         {"--profile is missing", "unregister --profile NAME"},
		"remove":                             {"--profile is missing", "remove --profile NAME"},
		"export":                             {"--profile is missing", "export --profile NAME"},
		"add":                                {"--profile is missing", "add --profile NAME"},
		"resync":                             {"--profile is missing", "resync --profile NAME"},
		"rotate key":                         {"--profile is missing", "rotate key --profile NAME"},
		"store move":                         {"--profile is missing", "store move --profile NAME"},
		"clear":                              {"--profile is missing", "clear --profile NAME"},
		"clear --all --profile work":         {"--profile or --all"},
		"code --profile work --pair --copy":  {"--copy, --pair: exclude each other", "give one of them"},
		"add --profile x --no-backup":        {"--no-backup", "--from-credentials-file"},
		"add --profile x --aws-vault-backend file": {"--aws-vault-backend", "--from-aws-vault"},
		"add --profile x --from-env --seed-file x": {"--from-env, --seed-file: exclude each other"},
		"enroll --profile work --seed-file x":      {"--seed-file", "give --console, too"},
		"enroll --profile work --mfa-code-file x":  {"--mfa-code-file", "give --mfa-serial, too"},
		"store protect":                   {"--passphrase, --none, --recipient: one of them", "store protect --help"},
		"store protect --recipient age1x": {"--identity: is missing", "give it, too"},
		"store protect --passphrase --passphrase-file - --old-passphrase-file -": {"--old-passphrase-file, --passphrase-file", "stdin", "give a file for all but one"},
		"store mvoe --profile work":           {"mvoe", "store move --help"},
		"export --profile work --uri --png x": {"--png, --uri: exclude each other", "give one of them"},
		"unlock --for xx":                     {"--for", "xx", "write it as 1h"},
		"unlock --for 999h":                   {"--for", "give --for 8h"},
		"nonsense":                            {"nonsense", "--help"},
		"gett --profile work":                 {"gett", "aws-mfa-creds get --help"},
		"--profile work":                      {"--profile", "aws-mfa-creds --help"},
		"completion":                          {"name one shell", "completion bash"},
		"completion tcsh":                     {"name one shell", "completion bash"},
		"list --json=maybe":                   {"--json: takes no value", "without ="},
		"doctor work extra":                   {"extra", "leave it out"},
		"version extra":                       {"extra", "leave it out"},
		"stup --profile x":                    {`unknown command "stup"`, "did you mean setup? run: aws-mfa-creds setup --help"},
		"--debug stup --profile x":            {`unknown command "stup"`, "did you mean setup?"},
		"help nope":                           {`unknown command "nope"`, "run: aws-mfa-creds --help"},
		"nope --help":                         {`unknown command "nope"`, "run: aws-mfa-creds --help"},
		"rotate nope --help":                  {`unknown command "nope"`, "run: aws-mfa-creds rotate --help"},
		"help stup":                           {`unknown command "stup"`, "did you mean setup?"},
		"help rotate keys":                    {`unknown command "keys" for "aws-mfa-creds rotate"`, "rotate key --help"},
		"get -p work":                         {"unknown flag: -p", "did you mean --profile?"},
		"code -wp":                            {"unknown flag: -w", "did you mean --watch?"},
		"code --=x":                           {`"--=x": is no flag`, "code --help"},
		"code -p":                             {"--profile: needs a value", "give --profile NAME"},
		"code --pair=7":                       {"--pair: takes no value", "without ="},
		"rotate nonsense":                     {`unknown command "nonsense"`, "rotate --help"},
		"unlock --for 5d":                     {`"5d" is not a duration`, "write it as 1h, 90m or 3600"},
		"unlock --for -1h":                    {`"-1h" is not a duration`, "write it as"},
		"__complete":                          {"cannot be understood"},
	} {
		got := run(t, b, []string{"AWS_PROFILE="}, b.Binary, strings.Fields(command)...)
		if got.code != 2 || got.stdout != "" || !strings.HasPrefix(got.stderr, "aws-mfa-creds: error: ") {
			t.Errorf("%s: exit %d, stdout %q, stderr %q", command, got.code, got.stdout, got.stderr)
		}
		if strings.HasPrefix(command+" ", "get ") && strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: a consumer shows one line only: %q", command, got.stderr)
		}
		for _, word := range words {
			if !strings.Contains(got.stderr, word) {
				t.Errorf("%s: no %q in %q", command, word, got.stderr)
			}
		}
		for _, raw := range []string{"arg(s)", "shorthand", "needs an argument", "invalid argument", "required flag", "strconv", "time:", "unknown unit", "flags in the group", "bad flag syntax"} {
			if strings.Contains(got.stderr, raw) {
				t.Errorf("%s: the words of a library: %q", command, got.stderr)
			}
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	for command, word := range map[string]string{
		"": "Other commands", "help": "Other commands", "help environment": "AWS_MFA_CREDS_SEED", "help exit-codes": "12   unsafe permissions", "help files": "profiles.ini", "--help": "credential process", "--version": "aws-mfa-creds ", "help get": "--role-arn",
		"get --help": "--refresh", "version": "aws-mfa-creds ", "version --json": `"go": "go1.`,
	} {
		got := run(t, b, nil, b.Binary, strings.Fields(command)...)
		if got.code != 0 || got.stderr != "" || !strings.Contains(got.stdout, word) {
			t.Errorf("%q: exit %d, stderr %q, stdout %q", command, got.code, got.stderr, got.stdout)
		}
	}
}

func TestCode(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	seed, err := totp.ParseSeed(b.Identity().Seed, totp.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	code := func() outcome { return run(t, b, nil, b.Binary, "code", "--profile", "work") }
	before := totp.StepAt(time.Now())
	got := code()
	if after := totp.StepAt(time.Now()); got.stdout != seed.Code(before).Reveal()+"\n" && got.stdout != seed.Code(after).Reveal()+"\n" {
		t.Errorf("got %q", got.stdout)
	}
	if got.stderr != "" || got.code != 0 {
		t.Errorf("exit %d, stderr %q", got.code, got.stderr)
	}
	roomInStep()
	mustGet(t, b)
	step := totp.StepAt(time.Now())
	if got = code(); totp.StepAt(time.Now()) == step && !strings.Contains(got.stderr, "warning: this code was already used") {
		t.Errorf("no warning of a spent code: %q", got.stderr)
	}
}

func TestClearAndList(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	if err := b.AddProfile("deploy", "--role-arn", "arn:aws:iam::123456789012:role/deploy"); err != nil {
		t.Fatal(err)
	}
	if err := b.AddConfig("[profile roles]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = work\nmfa_serial = " + b.Identity().Serial); err != nil {
		t.Fatal(err)
	}
	list := func() outcome { return run(t, b, nil, b.Binary, "list") }
	if got := list(); got.code != 0 || !strings.Contains(got.stdout, "not cached") || strings.Contains(got.stdout, "in 1") {
		t.Errorf("before: %s%s", got.stdout, got.stderr)
	}
	mustGet(t, b)
	credentials(t, run(t, b, nil, b.Binary, "get", "--profile", "roles"))
	if err := b.AddProfile("refused", "--role-arn", "arn:aws:iam::123456789012:role/no-trust"); err != nil {
		t.Fatal(err)
	}
	refused := []string{"get", "--profile", "refused", "--role-arn", "arn:aws:iam::123456789012:role/no-trust"}
	wantFailure(t, b, run(t, b, nil, b.Binary, refused...), 6)
	got := list()
	for _, word := range []string{"work", "roles", "base session", "role/deploy", "in 11h59m", "in 59m", b.Identity().Serial, "refused: last error", "ago), exit 6: role arn:aws:iam::123456789012:role/no-trust"} {
		if !strings.Contains(strings.NewReplacer("in 12h)", "in 11h59m)", "in 1h)", "in 59m)").Replace(got.stdout), word) {
			t.Errorf("list does not say %q:\n%s", word, got.stdout)
		}
	}
	if got := run(t, b, nil, b.Binary, "clear", "--profile", "refused"); got.code != 0 {
		t.Errorf("clear: %+v", got)
	}
	assumed := calls(b, "AssumeRole")
	wantFailure(t, b, run(t, b, nil, b.Binary, refused...), 6)
	if calls(b, "AssumeRole") != assumed+1 {
		t.Error("clear has left the hold-off of a role that only credential_process names")
	}
	if got := run(t, b, nil, b.Binary, "clear", "--profile", "work"); got.code != 0 || !strings.Contains(got.stdout, "work") {
		t.Errorf("clear: %+v", got)
	}
	var profiles []struct {
		Profile  string
		Sessions []struct{ Expires *time.Time }
	}
	if err := json.Unmarshal([]byte(run(t, b, nil, b.Binary, "list", "--json").stdout), &profiles); err != nil || len(profiles) != 4 {
		t.Fatalf("%d profiles, %v", len(profiles), err)
	}
	for _, p := range profiles {
		if p.Profile == "work" && p.Sessions[0].Expires != nil {
			t.Error("the session of work is still there")
		}
	}
	if got := run(t, b, nil, b.Binary, "clear", "--all"); got.code != 0 || !strings.Contains(got.stdout, "Deleted 1 session from") {
		t.Errorf("clear --all: %+v", got)
	}
	if left, _ := filepath.Glob(filepath.Join(b.Own(), "cache", "*.session")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestNamesCannotDriveTheTerminal prints names that hold escape sequences.
func TestNamesCannotDriveTheTerminal(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	if err := b.AddConfig("[profile \x1b[31mred]\nmfa_serial = x\n"); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"list"}, {"list", "--profile", "\x1b[31mred"}, {"clear", "--profile", "\x1b[31mred"}, {"get", "--profile", "\x1b[31mred"}, {"get", "--profile", "x", "--\x1b[31mred"}} {
		got := run(t, b, []string{"AWS_MFA_CREDS_SERIAL="}, b.Binary, command...)
		if strings.Contains(got.stdout+got.stderr, "\x1b") {
			t.Errorf("%q: %q%q", command, got.stdout, got.stderr)
		}
	}
}

// TestRoleProfileOfTheCLI serves a profile that was written for the AWS CLI.
func TestRoleProfileOfTheCLI(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	if err := b.AddConfig(`[profile base]
region = us-east-1

[profile auditor]
role_arn = arn:aws:iam::123456789012:role/audit
source_profile = base
mfa_serial = ` + b.Identity().Serial + `
external_id = audit-4711
role_session_name = alice
duration_seconds = 1800
`); err != nil {
		t.Fatal(err)
	}
	c := credentials(t, run(t, b, nil, b.Binary, "get", "--profile", "auditor"))
	if left := time.Until(c.Expiration); left > 31*time.Minute || left < 29*time.Minute {
		t.Errorf("expires in %v", left)
	}
	wantMints(t, b, 1)
}

// TestEnvStoreFromFiles reads the secrets from files, as container platforms mount them.
func TestEnvStoreFromFiles(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	id := b.Identity()
	var env []string
	for variable, value := range map[string]string{
		"AWS_MFA_CREDS_ACCESS_KEY_ID": id.AccessKeyID, "AWS_MFA_CREDS_SECRET_ACCESS_KEY": id.SecretAccessKey,
		"AWS_MFA_CREDS_SEED": "otpauth://totp/Amazon%20Web%20Services:alice@123?secret=" + id.Seed + "&issuer=Amazon%20Web%20Services", "AWS_MFA_CREDS_SERIAL": id.Serial,
	} {
		path := filepath.Join(b.Dir, "secrets", variable)
		writeFile(t, path, value+"\n")
		env = append(env, variable+"=", variable+"_FILE="+path)
	}
	// Where there are no files, any profile will do. The same secrets, told otherwise, open the same cache.
	for _, env := range [][]string{env, nil} {
		env = append(env, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=")
		credentials(t, run(t, b, env, b.Binary, "get", "--profile", "anything"))
	}
	wantMints(t, b, 1)
}
