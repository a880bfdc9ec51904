package test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// patient is a machine that doctor looks at. Without an env store its secrets are in the age store.
type patient struct {
	*testbed.Bed
	t   *testing.T
	env []string
}

// bareEnv takes the env store away.
func bareEnv() []string {
	var env []string
	for _, name := range []string{"ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SEED", "SERIAL"} {
		env = append(env, "AWS_MFA_CREDS_"+name+"=")
	}
	return env
}

// newPatient returns a healthy machine.
func newPatient(t *testing.T, envStore bool, o testbed.Options) *patient {
	t.Helper()
	p := &patient{Bed: bed(t, o), t: t}
	// The program under test is in a temporary directory, which doctor would tell.
	temp := filepath.Join(p.Dir, "temp")
	if err := os.Mkdir(temp, 0o700); err != nil {
		t.Fatal(err)
	}
	p.env = []string{"TMPDIR=" + temp, "AWS_SDK_LOAD_CONFIG=1", "PATH=" + filepath.Dir(p.Binary) + ":" + os.Getenv("PATH")}
	// Programs without AWS_MFA_CREDS_HOME find the settings, too.
	if err := errors.Join(os.MkdirAll(filepath.Dir(p.usual()), 0o700), os.Symlink(p.Own(), p.usual())); err != nil {
		t.Fatal(err)
	}
	if envStore {
		return p
	}
	p.must("add", "--profile", "work", "--from-env", "--store", "age")
	p.env = append(p.env, bareEnv()...)
	return p
}

// usual is where programs look for the settings that lack AWS_MFA_CREDS_HOME.
func (p *patient) usual() string { return filepath.Join(p.Home(), ".config", "aws-mfa-creds") }

// run runs the program, and looks for secrets in what it prints.
func (p *patient) run(args ...string) outcome {
	p.t.Helper()
	got := run(p.t, p.Bed, p.env, p.Binary, args...)
	for _, secret := range p.Secrets() {
		if strings.Contains(got.stdout+got.stderr, secret) {
			p.t.Errorf("%v shows a secret", args)
		}
	}
	return got
}

func (p *patient) must(args ...string) {
	p.t.Helper()
	if got := p.run(args...); got.code != 0 {
		p.t.Fatalf("%v: exit %d: %s", args, got.code, got.stderr)
	}
}

// own is the path of a file of ours.
func (p *patient) own(elements ...string) string {
	return filepath.Join(append([]string{p.Own()}, elements...)...)
}

// config replaces the AWS config. BIN in it is the program.
func (p *patient) config(text string) {
	p.t.Helper()
	writeFile(p.t, p.ConfigFile(), strings.ReplaceAll(text, "BIN", p.Binary))
}

// edit replaces text in a file.
func (p *patient) edit(path, old, text string) {
	p.t.Helper()
	content, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(content), old) {
		p.t.Fatalf("%s has no %q: %v", path, old, err)
	}
	writeFile(p.t, path, strings.Replace(string(content), old, text, 1))
}

func (p *patient) chmod(mode os.FileMode, path string) {
	p.t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		p.t.Fatal(err)
	}
}

// finding is one of doctor --json.
type finding struct {
	ID, Severity, Profile, Place, What, Consequence, Remedy string
	ExitCode                                                int `json:"exit_code"`
	Fixable                                                 bool
}

type diagnosis struct {
	Findings   []finding
	Fixed      []map[string]string
	NotChecked []string `json:"not_checked"`
}

// findings returns what doctor --json finds, and its exit code.
func (p *patient) findings(args ...string) (diagnosis, int) {
	p.t.Helper()
	return p.diagnosis(p.run(append([]string{"doctor", "--json"}, args...)...))
}

func (p *patient) diagnosis(got outcome) (diagnosis, int) {
	p.t.Helper()
	var d diagnosis
	decoder := json.NewDecoder(strings.NewReader(got.stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil || d.Findings == nil {
		p.t.Fatalf("not the JSON of doctor: %v\n%s%s", err, got.stdout, got.stderr)
	}
	for _, f := range d.Findings {
		if f.ID == "" || f.What == "" || f.Consequence == "" || f.Remedy == "" || !slices.Contains([]string{"error", "warning", "info"}, f.Severity) || (f.ExitCode != 0) != (f.Severity == "error") {
			p.t.Errorf("incomplete: %+v", f)
		}
	}
	return d, got.code
}

// healthy fails the test unless doctor is silent.
func (p *patient) healthy(when string, args ...string) {
	p.t.Helper()
	if got := p.run(append([]string{"doctor"}, args...)...); got.code != 0 || got.stdout != "" || got.stderr != "" {
		p.t.Errorf("%s: exit %d\n%s%s", when, got.code, got.stdout, got.stderr)
	}
}

func TestDoctorHealthy(t *testing.T) {
	t.Parallel()
	for name, envStore := range map[string]bool{"env store": true, "age store": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t, envStore, testbed.Options{})
			p.healthy("before the first session")
			for _, role := range []string{"--assume-by=helper", "--assume-by=sdk"} {
				p.must("register", "--profile", "role"+role[12:], "--source-profile", "work", "--role-arn", "arn:aws:iam::123456789012:role/deploy", "--region", "us-east-1", role)
			}
			p.must("get", "--profile", "work")
			p.healthy("with a session")
			p.healthy("of one profile", "--profile", "work")
			p.healthy("online", "--online")
			if codes := len(p.Server.State().Attempts); codes != 1 {
				t.Errorf("%d codes were spent, one of them by get", codes)
			}
			p.healthy("verified", "--verify", "--profile", "work")
			if codes := len(p.Server.State().Attempts); codes < 2 {
				t.Error("--verify has spent no code")
			}
			if got := p.run("doctor", "--verbose"); got.code != 0 || !strings.Contains(got.stdout, "Nothing is wrong") && !strings.Contains(got.stdout, "info:") || !strings.Contains(got.stdout, "Not checked: AWS was not asked (--online)") {
				t.Errorf("--verbose: exit %d\n%s%s", got.code, got.stdout, got.stderr)
			}
			d, code := p.findings()
			if code != 0 || len(d.NotChecked) != 1 {
				t.Errorf("exit %d, %+v", code, d)
			}
			for _, f := range d.Findings {
				if f.Severity != "info" {
					t.Errorf("%+v", f)
				}
			}
		})
	}
}

// illness is one thing that is wrong with a machine.
type illness struct {
	id       string
	about    string // of several with the same id
	severity string // "error" unless given
	code     int    // the exit code
	remedy   string // a regular expression
	envStore bool
	env      []string
	args     []string
	infect   func(p *patient)

	// cure says what makes the machine healthy again: "remedy" to run the remedy, "fix" for --fix
	// or "" for nothing that a test could do.
	cure string
}

const (
	deploy  = "arn:aws:iam::123456789012:role/deploy"
	noTrust = "arn:aws:iam::123456789012:role/no-trust"
)

// commandIs makes the credential_process of work another one.
func commandIs(line string) func(*patient) {
	return func(p *patient) {
		p.config("[profile work]\ncredential_process = " + line + "\nregion = us-east-1\n")
	}
}

func settingsAre(old, text string) func(*patient) {
	return func(p *patient) { p.edit(p.own("profiles.ini"), old, text) }
}

func worldIs(change func(*sandbox.World)) func(*patient) {
	return func(p *patient) {
		if err := p.Server.Update(change); err != nil {
			p.t.Fatal(err)
		}
	}
}

// writeKeyTo writes the user's access key in clear.
func writeKeyTo(file func(*patient) string, header string) func(*patient) {
	return func(p *patient) {
		id := p.Identity()
		path := file(p)
		content, _ := os.ReadFile(path)
		key := "aws_access_key_id = " + id.AccessKeyID + "\naws_secret_access_key = " + id.SecretAccessKey + "\n"
		if text := string(content); strings.Contains(text, header) {
			writeFile(p.t, path, strings.Replace(text, header+"\n", header+"\n"+key, 1))
			return
		}
		writeFile(p.t, path, header+"\n"+key)
	}
}

func credentialsFile(p *patient) string { return filepath.Join(p.Home(), ".aws", "credentials") }
func configFile(p *patient) string      { return p.ConfigFile() }

func illnesses() []illness { //nolint:maintidx // a table
	const register = "^aws-mfa-creds register --profile work$"
	return []illness{
		{id: "static-keys", about: "credentials", code: 3, remedy: "^aws-mfa-creds add --profile work --from-credentials-file$", cure: "remedy", infect: writeKeyTo(credentialsFile, "[work]")},
		{id: "static-keys", about: "config", code: 3, remedy: "--from-credentials-file$", cure: "remedy", infect: writeKeyTo(configFile, "[profile work]")},
		{id: "env-keys", code: 3, remedy: "^unset AWS_ACCESS_KEY_ID", env: []string{"AWS_ACCESS_KEY_ID=AKIAOTHEROTHEROTHER1", "AWS_SECRET_ACCESS_KEY=x"}},
		{id: "env-keys-partial", severity: "warning", remedy: "^unset AWS_ACCESS_KEY_ID$", env: []string{"AWS_ACCESS_KEY_ID=AKIAOTHEROTHEROTHER1"}},
		{id: "default-profile", severity: "warning", remedy: "^unset AWS_DEFAULT_PROFILE$", env: []string{"AWS_DEFAULT_PROFILE=other"}},
		{id: "load-config", severity: "info", remedy: "^export AWS_SDK_LOAD_CONFIG=1$", env: []string{"AWS_SDK_LOAD_CONFIG="}},
		{id: "java-profiles-file", severity: "info", remedy: "^export AWS_CREDENTIAL_PROFILES_FILE=/.*/config$", env: []string{"AWS_CREDENTIAL_PROFILES_FILE=/other"}},
		{id: "proxy-malformed", code: 7, remedy: "HTTPS_PROXY=http://HOST:PORT", env: []string{"HTTPS_PROXY=http://user:pass#word@proxy"}},
		{id: "settings-moved", severity: "warning", remedy: register, cure: "remedy", infect: func(p *patient) {
			if err := os.Remove(p.usual()); err != nil {
				p.t.Fatal(err)
			}
		}},
		{id: "ca-bundle-unusable", code: 3, remedy: "AWS_CA_BUNDLE", env: []string{"AWS_CA_BUNDLE=/nowhere/ca.pem"}},
		{id: "endpoint-override", severity: "warning", remedy: "unset", env: []string{"AWS_ENDPOINT_URL_STS=https://sts.example.com"}},

		{id: "env-store-partial", about: "seed", code: 4, remedy: "AWS_MFA_CREDS_SEED", envStore: true, env: []string{"AWS_MFA_CREDS_SEED="}},
		{id: "env-store-partial", about: "key", code: 4, remedy: "AWS_MFA_CREDS_ACCESS_KEY_ID", envStore: true, env: []string{"AWS_MFA_CREDS_ACCESS_KEY_ID="}},
		{id: "env-store-twice", code: 3, remedy: "^unset AWS_MFA_CREDS_SEED$", envStore: true, env: []string{"AWS_MFA_CREDS_SEED_FILE=/nowhere"}},
		{id: "env-store-ignored", severity: "warning", remedy: "^unset AWS_MFA_CREDS_", env: []string{"AWS_MFA_CREDS_ACCESS_KEY_ID=AKIAOTHEROTHEROTHER1", "AWS_MFA_CREDS_SECRET_ACCESS_KEY=x", "AWS_MFA_CREDS_SEED=x", "AWS_MFA_CREDS_SERIAL=x"}},
		{id: "seed-unreadable", about: "malformed", code: 4, remedy: ".", envStore: true, env: []string{"AWS_MFA_CREDS_SEED=JBSWY3DPEHPK3PX1"}},
		{id: "seed-length", severity: "info", remedy: "^compare", envStore: true, env: []string{"AWS_MFA_CREDS_SEED=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}},

		{id: "section-repeated", code: 3, remedy: "join", infect: func(p *patient) {
			p.config("[profile work]\ncredential_process = BIN get --profile work\n[profile work]\nregion = us-east-1\n")
		}},
		{id: "key-repeated", code: 3, remedy: "delete", infect: func(p *patient) {
			p.config("[profile work]\ncredential_process = BIN get --profile work\nregion = us-east-2\nregion = us-east-1\n")
		}},
		{id: "section-untitled", code: 3, remedy: `\[profile work\]`, infect: func(p *patient) {
			p.config("[work]\ncredential_process = BIN get --profile work\nregion = us-east-1\n")
		}},
		{id: "section-loose", code: 3, remedy: `\[profile work\]`, infect: func(p *patient) {
			p.config("[ profile work ]\ncredential_process = BIN get --profile work\nregion = us-east-1\n")
		}},
		{id: "role-in-section", code: 3, remedy: "register --profile work-role --source-profile work --role-arn " + deploy, infect: func(p *patient) {
			p.config("[profile work]\ncredential_process = BIN get --profile work\nregion = us-east-1\nrole_arn = " + deploy + "\n")
		}},
		{id: "source-self", code: 3, remedy: "another profile", infect: func(p *patient) {
			p.config("[profile work]\nregion = us-east-1\nsource_profile = work\nrole_arn = " + deploy + "\n")
		}},
		{id: "two-sources", code: 3, remedy: "delete", infect: func(p *patient) {
			p.config("[profile work]\ncredential_process = BIN get --profile work\nregion = us-east-1\nsource_profile = other\n")
		}},
		{id: "extra-keys", severity: "warning", remedy: "delete", infect: func(p *patient) {
			p.config("[profile work]\ncredential_process = BIN get --profile work\nregion = us-east-1\nmfa_serial = " + p.Identity().Serial + "\n")
		}},
		{id: "mfa-serial-in-role", code: 3, remedy: "delete", infect: func(p *patient) {
			if err := p.AddConfig("[profile role]\nregion = us-east-1\nsource_profile = work\nrole_arn = " + deploy + "\nmfa_serial = " + p.Identity().Serial); err != nil {
				p.t.Fatal(err)
			}
		}},
		{id: "region-missing", severity: "warning", remedy: "^aws-mfa-creds register --profile work --region us-east-1$", cure: "remedy", infect: func(p *patient) {
			p.config("[profile work]\ncredential_process = BIN get --profile work\n")
		}},
		{id: "name-quoting", severity: "info", remedy: "register", infect: func(p *patient) {
			if err := p.AddConfig("[profile \"my work\"]\nregion = us-east-1\ncredential_process = " + p.Binary + " get --profile work"); err != nil {
				p.t.Fatal(err)
			}
		}},
		{id: "not-registered", severity: "warning", remedy: register, cure: "remedy", infect: func(p *patient) { p.config("[profile work]\nregion = us-east-1\n") }},
		{id: "helper-recursion", code: 3, remedy: "register --profile loop", infect: func(p *patient) {
			if err := p.AddConfig("[profile loop]\ncredential_process = aws configure export-credentials --profile loop\n"); err != nil {
				p.t.Fatal(err)
			}
		}},

		{id: "command-comment", code: 3, remedy: register, cure: "remedy", infect: commandIs("BIN get --profile work # for work")},
		{id: "command-shell", code: 3, remedy: register, cure: "fix", infect: commandIs("BIN get --profile work 2>/dev/null")},
		{id: "command-refused", code: 3, remedy: register, cure: "remedy", infect: commandIs("BIN get --profil work")},
		{id: "program-unexpanded", code: 3, remedy: register, cure: "remedy", infect: commandIs("~/bin/aws-mfa-creds get --profile work")},
		{id: "program-unexpanded", about: "variable", code: 3, remedy: register, cure: "fix", infect: commandIs("$HOME/bin/aws-mfa-creds get --profile work")},
		{id: "program-relative", code: 3, remedy: register, cure: "fix", infect: commandIs("./aws-mfa-creds get --profile work")},
		{id: "program-relative", about: "PATH", severity: "warning", remedy: register, cure: "remedy", infect: commandIs("aws-mfa-creds get --profile work")},
		{id: "program-quoted", severity: "warning", remedy: register, cure: "fix", infect: commandIs(`"BIN" get --profile work`)},
		{id: "program-gone", code: 3, remedy: "^aws-mfa-creds register --profile work --role-arn " + deploy + " --duration 2h$", cure: "fix", infect: commandIs("/nowhere/aws-mfa-creds get --profile work --role-arn " + deploy + " --duration 2h")},
		{id: "program-gone", about: "directory", code: 3, remedy: register, cure: "remedy", infect: func(p *patient) {
			dir := filepath.Join(p.Dir, "aws-mfa-creds")
			if err := os.Mkdir(dir, 0o700); err != nil {
				p.t.Fatal(err)
			}
			commandIs(dir + " get --profile work")(p)
		}},
		{id: "program-gone", about: "not executable", code: 3, remedy: register, cure: "remedy", infect: func(p *patient) {
			writeFile(p.t, filepath.Join(p.Dir, "aws-mfa-creds"), "#!/bin/sh\n")
			commandIs(filepath.Join(p.Dir, "aws-mfa-creds") + " get --profile work")(p)
		}},
		{id: "program-other", severity: "warning", remedy: register, cure: "remedy", infect: func(p *patient) {
			other := filepath.Join(p.Dir, "aws-mfa-creds")
			writeFile(p.t, other, "#!/bin/sh\n")
			p.chmod(0o755, other)
			commandIs(other + " get --profile work")(p)
		}},
		{id: "program-temporary", severity: "warning", remedy: "^install it .*make build.*register --profile role --source-profile work --role-arn " + deploy + " --duration 2h$", env: []string{"TMPDIR=" + filepath.Dir(binary)}, infect: func(p *patient) {
			p.must("register", "--profile", "role", "--source-profile", "work", "--region", "us-east-1", "--role-arn", deploy, "--duration", "2h")
		}},

		{id: "settings-refused", about: "unknown key", code: 3, remedy: "did you mean store", infect: settingsAre("store", "stone")},
		{id: "settings-refused", about: "serial", code: 3, remedy: "arn:aws:iam::123456789012:mfa/name", infect: settingsAre(":mfa/", ":user/")},
		{id: "settings-refused", about: "partition", code: 3, remedy: "one partition", infect: func(p *patient) {
			p.must("register", "--profile", "role", "--source-profile", "work", "--region", "us-east-1", "--role-arn", deploy)
			p.edit(p.ConfigFile(), deploy, "arn:aws-cn:iam::123456789012:role/deploy")
		}},
		{id: "settings-refused", about: "loop", code: 3, remedy: "end the chain", infect: func(p *patient) {
			if err := p.AddConfig("[profile a]\nrole_arn = " + deploy + "\nsource_profile = b\nmfa_serial = x\n[profile b]\nrole_arn = " + deploy + "\nsource_profile = a\n"); err != nil {
				p.t.Fatal(err)
			}
		}},
		{id: "settings-corrected", severity: "warning", remedy: "correct it", infect: settingsAre("[work]\n", "[work]\nduration = 99h\n")},
		{id: "session-short", severity: "warning", remedy: "30m", infect: settingsAre("[work]\n", "[work]\nduration = 15m\n")},
		{id: "role-account", severity: "info", remedy: "nothing", infect: func(p *patient) {
			p.must("register", "--profile", "role", "--source-profile", "work", "--region", "us-east-1", "--role-arn", "arn:aws:iam::210987654321:role/deploy")
		}},
		{id: "mfa-process-recursion", code: 3, remedy: "OTHER", infect: settingsAre("[work]\n", "[work]\nmfa_process = aws secretsmanager get-secret-value --secret-id seed --profile work\n")},

		{id: "key-unreadable", about: "missing", code: 4, remedy: "^aws-mfa-creds add --profile work$", infect: func(p *patient) {
			items, _ := filepath.Glob(p.own("age", "*.age"))
			if len(items) != 2 {
				p.t.Fatalf("items: %v", items)
			}
			for _, item := range items {
				if err := os.Remove(item); err != nil {
					p.t.Fatal(err)
				}
			}
		}},
		{id: "key-unreadable", about: "another key", code: 3, remedy: "^aws-mfa-creds add --profile work$", infect: func(p *patient) {
			settingsAre(p.Identity().AccessKeyID, "AKIAOTHEROTHEROTHER1")(p)
		}},
		{id: "key-unreadable", about: "no such store", code: 3, remedy: "use one of", infect: settingsAre("= age", "= vault")},
		{id: "key-unreadable", about: "no D-Bus", code: 5, remedy: "--store age", env: []string{"DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere"}, infect: settingsAre("= age", "= secret-service")},
		{id: "key-unreadable", about: "locked", code: 5, remedy: "aws-mfa-creds unlock", infect: func(p *patient) {
			writeFile(p.t, filepath.Join(p.Dir, "passphrase"), "correct horse battery staple\n")
			p.must("store", "protect", "--passphrase", "--passphrase-file", filepath.Join(p.Dir, "passphrase"))
			p.must("lock")
		}},
		{id: "key-unreadable", about: "identity", code: 4, remedy: "restore", infect: func(p *patient) { writeFile(p.t, p.own("age", "identity.txt"), "nonsense\n") }},

		{id: "files-unreadable", code: 12, remedy: "chmod go-w", cure: "fix", infect: func(p *patient) { p.chmod(0o666, p.own("profiles.ini")) }},
		{id: "files-unreadable", about: "UTF-16", code: 3, remedy: "UTF-8", infect: func(p *patient) { p.config("\xff\xfe[\x00") }},
		{id: "directory-unsafe", about: "cache", code: 12, remedy: "^chmod 700 ", cure: "remedy", infect: func(p *patient) { p.must("get", "--profile", "work"); p.chmod(0o755, p.own("cache")) }},
		{id: "directory-unsafe", about: "age", code: 12, remedy: "^chmod 700 ", cure: "fix", infect: func(p *patient) { p.chmod(0o750, p.own("age")) }},
		{id: "file-exposed", code: 12, remedy: "^chmod 600 ", cure: "fix", infect: func(p *patient) { p.chmod(0o644, p.own("age", "identity.txt")) }},
		{id: "files-unreadable", about: "AWS config", code: 12, remedy: "^chmod go-w ", cure: "remedy", infect: func(p *patient) { p.chmod(0o666, p.ConfigFile()) }},
		{id: "files-unreadable", about: "directory", code: 12, remedy: "^chmod go-w ", cure: "fix", infect: func(p *patient) { p.chmod(0o777, filepath.Dir(p.ConfigFile())) }},
		{id: "files-unreadable", about: "credentials", code: 12, remedy: "^chmod go-w ", cure: "remedy", infect: func(p *patient) {
			writeFile(p.t, credentialsFile(p), "")
			p.chmod(0o666, credentialsFile(p))
		}},
		{id: "leftovers", severity: "warning", remedy: "^aws-mfa-creds doctor --fix$", cure: "remedy", infect: func(p *patient) {
			left, old := p.own("age", ".aws-mfa-creds-0123456789abcdef.tmp"), time.Now().Add(-2*time.Hour)
			writeFile(p.t, left, "x")
			if err := os.Chtimes(left, old, old); err != nil {
				p.t.Fatal(err)
			}
		}},
		{id: "cache-off", severity: "warning", remedy: "AWS_MFA_CREDS_HOME", envStore: true, env: []string{"AWS_MFA_CREDS_HOME=/dev/null/home"}},

		{id: "clock-skew", about: "in the book", code: 10, remedy: "^sudo timedatectl set-ntp true; if the clock is right: aws-mfa-creds clear --profile ", infect: func(p *patient) {
			p.Server.SetClockOffset(10 * time.Minute)
			p.must("get", "--profile", "work")
		}},
		{id: "clock-skew", about: "online", severity: "warning", remedy: "timedatectl", args: []string{"--online"}, infect: func(p *patient) { p.Server.SetClockOffset(-90 * time.Second) }},
		{id: "clock-skew", about: "online, an hour", code: 10, remedy: "timedatectl", args: []string{"--online"}, infect: func(p *patient) { p.Server.SetClockOffset(-time.Hour) }},
		{id: "last-error", code: 6, remedy: "trust policy", infect: func(p *patient) {
			p.must("register", "--profile", "role", "--source-profile", "work", "--region", "us-east-1", "--role-arn", noTrust)
			if got := p.run("get", "--profile", "work", "--role-arn", noTrust); got.code != 6 {
				p.t.Fatalf("%+v", got)
			}
		}},
		{id: "session-large", severity: "warning", remedy: "fewer", infect: func(p *patient) { p.must("get", "--profile", "work") }},
		{id: "device-out-of-sync", code: 6, remedy: "^aws-mfa-creds resync --profile work$", infect: func(p *patient) {
			worldIs(func(w *sandbox.World) { w.Devices[0].OutOfSync = true })(p)
			for range 2 { // each waits for its second code
				if got := p.run("get", "--profile", "work", "--refresh"); got.code != 6 {
					p.t.Fatalf("%+v", got)
				}
			}
		}},

		{id: "key-refused", about: "inactive", code: 6, remedy: ".", args: []string{"--online"}, infect: worldIs(func(w *sandbox.World) { w.Users[0].Keys[0].Inactive = true })},
		{id: "key-refused", about: "region", code: 6, remedy: "another region", args: []string{"--online"}, infect: func(p *patient) {
			refuse := sandbox.Fault{Kind: sandbox.Refuse, Action: "GetCallerIdentity", Times: -1, Code: "RegionDisabledException", Message: "STS is not activated in this region."}
			if err := p.Server.Inject(refuse); err != nil {
				p.t.Fatal(err)
			}
		}},
		{id: "key-refused", about: "unreachable", code: 7, remedy: ".", args: []string{"--online"}, env: []string{"AWS_ENDPOINT_URL_STS=https://127.0.0.1:1"}},
		{id: "key-old", severity: "warning", remedy: "^aws-mfa-creds rotate key --profile work$", args: []string{"--online"}, infect: worldIs(func(w *sandbox.World) { w.Users[0].Keys[0].Created = time.Now().AddDate(0, 0, -100) })},
		{id: "serial-foreign", code: 6, remedy: "list-mfa-devices --user-name alice", args: []string{"--online"}, infect: worldIs(func(w *sandbox.World) { w.Devices[0].User = "" })},
		{id: "session-refused", code: 6, remedy: ".", args: []string{"--verify"}, infect: worldIs(func(w *sandbox.World) { w.Users[0].Deny = map[string]string{"sts:GetSessionToken": ""} })},
	}
}

// TestDoctor makes machines ill in every way, one each. Doctor has to find it, say what it leads to and
// end with that exit code; and where it names a command of ours, or mends it itself, the machine
// has to be well afterwards.
func TestDoctor(t *testing.T) {
	t.Parallel()
	for _, ill := range illnesses() {
		t.Run(strings.TrimSuffix(ill.id+" "+ill.about, " "), func(t *testing.T) {
			t.Parallel()
			options := testbed.Options{}
			if ill.id == "session-large" {
				options.Sandbox.TokenSize = 9000
			}
			ill.test(newPatient(t, ill.envStore, options))
		})
	}
}

func (ill illness) test(p *patient) {
	t := p.t
	healthy := p.env
	if ill.infect != nil {
		ill.infect(p)
	}
	p.env = append(slices.Clone(healthy), ill.env...)
	d, code := p.findings(ill.args...)
	if code != ill.code {
		t.Errorf("exit %d, want %d: %+v", code, ill.code, d.Findings)
	}
	found, severity := ill.find(d), ill.severity
	if severity == "" {
		severity = "error"
	}
	if found == nil {
		t.Fatalf("not found, but %+v", d.Findings)
	}
	if found.Severity != severity || found.ExitCode != ill.code || !regexp.MustCompile(ill.remedy).MatchString(found.Remedy) {
		t.Errorf("%+v", *found)
	}
	for _, other := range d.Findings {
		if other != *found && other.Severity != "info" {
			t.Logf("also: %+v", other)
		}
	}
	ill.text(p, *found)
	switch ill.cure {
	case "remedy":
		if got := run(t, p.Bed, p.env, "sh", "-c", found.Remedy); got.code != 0 {
			t.Fatalf("%s: exit %d: %s", found.Remedy, got.code, got.stderr)
		}
		p.healthy("after the remedy", ill.args...)
	case "fix":
		if !found.Fixable {
			t.Error("not fixable")
		}
		if got := p.run("doctor", "--fix"); got.code != 0 || !strings.HasPrefix(got.stdout, "fixed: ") {
			t.Fatalf("--fix: exit %d\n%s%s", got.code, got.stdout, got.stderr)
		}
		p.healthy("after --fix", ill.args...)
	default:
		p.env = healthy
		if ill.infect == nil {
			p.healthy("without the variables", ill.args...)
		}
	}
}

func (ill illness) find(d diagnosis) *finding {
	i := slices.IndexFunc(d.Findings, func(f finding) bool { return f.ID == ill.id })
	if i < 0 {
		return nil
	}
	return &d.Findings[i]
}

// text checks what a person reads: the same, in words, without colour; stderr has the verdict alone.
func (ill illness) text(p *patient, found finding) {
	p.t.Helper()
	if ill.id == "session-refused" {
		return // it would cost another code
	}
	got := p.run(append([]string{"doctor", "--verbose"}, ill.args...)...)
	want := []string{found.Severity + ": ", "[" + ill.id + "]", "impact: ", "fix:    ", found.Remedy}
	for _, word := range want {
		if !strings.Contains(got.stdout, word) {
			p.t.Errorf("no %q in\n%s", word, got.stdout)
		}
	}
	if strings.Contains(got.stdout, "\x1b") {
		p.t.Error("colour, though stdout is no terminal")
	}
	if verdict := "aws-mfa-creds: error: doctor: found "; (ill.code != 0) != strings.HasPrefix(got.stderr, verdict) || ill.code == 0 && got.stderr != "" {
		p.t.Errorf("stderr: %q", got.stderr)
	}
	if strings.Contains(got.stdout+got.stderr, "pass#word") {
		p.t.Error("the password of the proxy shows")
	}
}

// TestDoctorFixIsSafe has --fix leave alone what could be lost: keys, and lines that another path would
// not mend.
func TestDoctorFixIsSafe(t *testing.T) {
	t.Parallel()
	p := newPatient(t, false, testbed.Options{})
	writeKeyTo(credentialsFile, "[work]")(p)
	commandIs("~/aws-mfa-creds get --profile work")(p)
	p.env = append(p.env, "TMPDIR="+filepath.Dir(p.Binary))
	before := []string{readFile(t, credentialsFile(p)), readFile(t, p.ConfigFile()), readFile(t, p.own("profiles.ini"))}
	d, code := p.findings("--fix")
	if code != 3 || len(d.Fixed) != 1 || !strings.Contains(d.Fixed[0]["problem"], "temporary") {
		t.Errorf("exit %d, %+v", code, d.Fixed)
	}
	after := []string{readFile(t, credentialsFile(p)), readFile(t, p.ConfigFile()), readFile(t, p.own("profiles.ini"))}
	if !slices.Equal(before, after) {
		t.Errorf("before %q\nafter %q", before, after)
	}
	if got := p.run("doctor", "--fix"); got.code != 3 || !strings.HasPrefix(got.stdout, "not fixed: ") {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestDoctorMayNotLook asks AWS about a user whose policies hide devices and keys. That is no
// trouble, but it is told. With a session that has MFA, some may be seen.
func TestDoctorMayNotLook(t *testing.T) {
	t.Parallel()
	p := newPatient(t, false, testbed.Options{})
	worldIs(func(w *sandbox.World) { w.Users[0].RequireMFA = true })(p)
	d, code := p.findings("--online")
	if unchecked := strings.Join(d.NotChecked, "\n"); code != 0 || !strings.Contains(unchecked, "iam:ListAccessKeys of user alice") {
		t.Errorf("exit %d, %q", code, d.NotChecked)
	}
	p.must("get", "--profile", "work")
	d, code = p.findings("--online")
	if unchecked := strings.Join(d.NotChecked, "\n"); code != 0 || strings.Contains(unchecked, "iam:") {
		t.Errorf("with a session: exit %d, %q", code, d.NotChecked)
	}
}

// TestDoctorOfOneProfile does not tell of the others.
func TestDoctorOfOneProfile(t *testing.T) {
	t.Parallel()
	p := newPatient(t, false, testbed.Options{})
	if err := p.AddConfig("[profile ill]\nregion = us-east-1\ncredential_process = ~/aws-mfa-creds get --profile work\n"); err != nil {
		t.Fatal(err)
	}
	p.healthy("the other profile", "--profile", "work")
	if d, code := p.findings("--profile", "ill"); code != 3 || slices.ContainsFunc(d.Findings, func(f finding) bool { return f.Profile != "ill" }) {
		t.Errorf("exit %d, %+v", code, d.Findings)
	}
	if d, code := p.findings("--profile", "wor"); code != 3 || len(d.Findings) != 1 || !strings.Contains(d.Findings[0].Remedy, `did you mean "work"?`) {
		t.Errorf("exit %d, %+v", code, d.Findings)
	}
}
