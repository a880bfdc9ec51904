package doctor

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

var now = time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)

// section returns a section of a profile, with keys and values.
func section(name string, pairs ...string) profile.Section {
	s := profile.Section{Place: "config:1", Header: "profile " + name, Profile: name}
	for i := 0; i < len(pairs); i += 2 {
		s.Options = append(s.Options, profile.Option{Key: pairs[i], Value: pairs[i+1], Place: "config:" + string(rune('2'+i/2))})
	}
	return s
}

// work is a healthy profile with this command, in facts of which it is the only one.
func work(line string, change ...func(*Facts, *Profile)) Facts {
	s := section("work", profile.KeyCommand, line, profile.KeyRegion, "us-east-1")
	p := Profile{Name: "work", Sections: []profile.Section{s}, Register: "aws-mfa-creds register --profile work", SeedBits: 320, Settings: profile.Settings{Duration: 12 * time.Hour}}
	p.Command = Command{Line: line, Place: "config:2", Accepted: true}
	var argv []string
	if p.Command.Variables, argv = profile.Assigned(line); len(argv) > 0 {
		p.Command.Program = argv[0]
	}
	f := Facts{GOOS: "linux", Now: now, Program: "/bin/aws-mfa-creds", Env: map[string]string{envLoadConfig: "1"}, Sections: []profile.Section{s}}
	for _, c := range change {
		c(&f, &p)
	}
	f.Profiles = []Profile{p}
	return f
}

const good = "/bin/aws-mfa-creds get --profile work"

func env(pairs ...string) func(*Facts, *Profile) {
	return func(f *Facts, _ *Profile) {
		for i := 0; i < len(pairs); i += 2 {
			f.Env[pairs[i]] = pairs[i+1]
		}
	}
}

func machine(change func(*Facts)) func(*Facts, *Profile) {
	return func(f *Facts, _ *Profile) { change(f) }
}

func one(change func(*Profile)) func(*Facts, *Profile) {
	return func(_ *Facts, p *Profile) { change(p) }
}

// moved is a variable of the shell that the command may set; "" stands for one that it cannot.
func moved(word string) func(*Facts, *Profile) {
	return one(func(p *Profile) { p.Moved = []edit.Moved{{Name: "XDG_CONFIG_HOME", Lacks: "the settings", Word: word}} })
}

// options adds options to the section of work.
func options(pairs ...string) func(*Facts, *Profile) {
	return func(f *Facts, p *Profile) {
		p.Sections[0].Options = append(p.Sections[0].Options, section("work", pairs...).Options...)
		f.Sections = p.Sections
	}
}

// noRegion is work with a section that has no region.
func noRegion(f *Facts, p *Profile) {
	p.Sections = []profile.Section{section("work", profile.KeyCommand, good)}
	f.Sections = p.Sections
}

// instead replaces the sections, and takes the command of work away.
func instead(sections ...profile.Section) func(*Facts, *Profile) {
	return func(f *Facts, p *Profile) {
		f.Sections = sections
		p.Command, p.Register, p.Sections = Command{}, "", nil
		for _, s := range sections {
			if s.Profile == p.Name {
				p.Sections = append(p.Sections, s)
			}
		}
	}
}

func online(o Online) func(*Facts, *Profile) { return one(func(p *Profile) { p.Online = o }) }

func failed(s session.Status) func(*Facts, *Profile) {
	return one(func(p *Profile) { p.Sessions = append(p.Sessions, s) })
}

func refused(code bool, count int, until time.Time) *rules.Failure {
	return &rules.Failure{At: now.Add(-time.Minute), Until: until, Kind: fault.Refused, Code: code, Thing: "device", Cause: "no", Remedy: "do it --profile NAME", Count: count}
}

// expected is what a rule has to say of facts; "none" is nothing.
type expected struct {
	id, severity string
	kind         fault.Kind
	says         string // a part of place, what, consequence or remedy
	facts        Facts
}

func cases() []expected { //nolint:maintidx // a table
	permission := fault.New(fault.Permissions, "/own/cache", "run: chmod 700 /own/cache", "is open to other users (mode 0755)")
	missing := fault.New(fault.NoSecret, "profile \"work\"", "run: aws-mfa-creds add --profile NAME", "nothing there")
	old := now.AddDate(0, 0, -91)
	return []expected{
		{"files-unreadable", "error", fault.Permissions, "chmod go-w", Facts{Unreadable: fault.New(fault.Permissions, "/own/profiles.ini", "chmod go-w /own/profiles.ini", "open")}},
		{"directory-unsafe", "error", fault.Permissions, "chmod 700", work(good, machine(func(f *Facts) { f.Dirs = []Dir{{Path: "/own/cache", Problem: permission}} }))},
		{"directory-unsafe", "warning", 0, "chmod 700", work(good, machine(func(f *Facts) { f.Dirs = []Dir{{Path: "/own", Settings: true, Problem: permission}} }))},
		{"file-exposed", "error", fault.Permissions, "chmod 600 '/own/a b'", work(good, machine(func(f *Facts) { f.Files = []File{{Path: "/own/a b", Mode: 0o640}} }))},
		{"file-exposed", "error", fault.Permissions, "chown", work(good, machine(func(f *Facts) {
			f.Files = []File{{Path: "/own/a", Foreign: fault.New(fault.Permissions, "/own/a", "chown", "belongs to another user")}}
		}))},
		{"file-exposed", "warning", 0, "new key", work(good, machine(func(f *Facts) { f.Files = []File{{Path: "/own/sealing.key", Mode: 0o604, Sealing: true}} }))},
		{"none", "", 0, "", work(good, machine(func(f *Facts) {
			f.Files = []File{{Path: "/own/a", Mode: 0o600}}
		}))},
		{"cache-off", "warning", 0, "HOME", work(good, machine(func(f *Facts) {
			f.Cache.Unusable = fault.New(fault.Filesystem, "/own", "set AWS_MFA_CREDS_HOME", "full")
		}))},
		{"cache-off", "warning", 0, "nothing is cached", work(good, machine(func(f *Facts) {
			f.Cache.Unusable = fault.New(fault.Filesystem, "/own", "set AWS_MFA_CREDS_HOME", "full")
		}))},
		{"cache-off", "warning", 0, "kept in /dev/shm/x instead", work(good, machine(func(f *Facts) {
			f.Cache.Unusable, f.Cache.Instead = fault.New(fault.Filesystem, "/own", "set AWS_MFA_CREDS_HOME", "full"), "/dev/shm/x"
		}))},
		{"cache-on-network", "info", 0, "NFS", work(good, machine(func(f *Facts) { f.Cache.Network = "NFS" }))},
		{"cache-no-locks", "warning", 0, "HOME", work(good, machine(func(f *Facts) { f.Cache.NoLocks = true }))},
		{"leftovers", "warning", 0, "2 temporary files", work(good, machine(func(f *Facts) { f.Dirs = []Dir{{Path: "/own", Left: []string{"a", "b"}}} }))},
		{"sealing-key-in-file", "info", 0, "keyctl", work(good, machine(func(f *Facts) { f.Sealing = errors.New("blocked") }))},
		{"no-keychain", "info", 0, "cgo", work(good, machine(func(f *Facts) { f.GOOS, f.Stores = "darwin", []string{"pass", "age"} }))},
		{"none", "", 0, "", work(good, machine(func(f *Facts) { f.GOOS, f.Stores = "darwin", []string{"keychain", "age"} }))},

		{"env-keys", "error", fault.Config, "JS SDK v3", work(good, env(envKeyID, "set", envSecretKey, "set", envProfile, "work"))},
		{"env-keys", "warning", 0, "unset", work(good, env(envKeyID, "set", envSecretKey, "set"))},
		{"none", "", 0, "", Facts{Env: map[string]string{envKeyID: "set", envSecretKey: "set"}}},
		{"env-keys-partial", "warning", 0, "unset AWS_SECRET_ACCESS_KEY", work(good, env(envSecretKey, "set"))},
		{"default-profile", "warning", 0, "the first", work(good, env(envDefault, "a", envProfile, "b"))},
		{"default-profile", "warning", 0, "export AWS_PROFILE=a", work(good, env(envDefault, "a"))},
		{"none", "", 0, "", work(good, env(envDefault, "a", envProfile, "a"))},
		{"load-config", "info", 0, "=1", work(good, env(envLoadConfig, ""))},
		{"java-profiles-file", "info", 0, "Hadoop", work(good, env(envJavaFile, "/other"))},
		{"proxy-malformed", "error", fault.Network, "HTTPS_PROXY", work(good, machine(func(f *Facts) { f.Proxy = fault.New(fault.Network, "HTTPS_PROXY", "unset it", "no URL") }))},
		{"env-store-twice", "error", fault.Config, "unset AWS_MFA_CREDS_SERIAL", work(good, env("AWS_MFA_CREDS_SERIAL", "a", "AWS_MFA_CREDS_SERIAL_FILE", "b"))},
		{"env-store-partial", "error", fault.NoSecret, "AWS_MFA_CREDS_SECRET_ACCESS_KEY, AWS_MFA_CREDS_SEED", work(good, one(func(p *Profile) { p.Serial = "x" }), env("AWS_MFA_CREDS_ACCESS_KEY_ID", "set"))},
		{"none", "", 0, "", work(good, one(func(p *Profile) { p.Serial, p.MFAProcess = "x", []string{"oathtool"} }), env("AWS_MFA_CREDS_ACCESS_KEY_ID", "set", "AWS_MFA_CREDS_SECRET_ACCESS_KEY_FILE", "x"))},
		{"env-store-ignored", "warning", 0, "age", work(good, one(func(p *Profile) { p.KeyStore, p.SeedStore, p.Serial = "age", "age", "x" }), env("AWS_MFA_CREDS_SEED", "set"))},
		{"none", "", 0, "", work(good, one(func(p *Profile) { p.KeyStore, p.SeedStore = "age", "age" }), env("AWS_MFA_CREDS_SERIAL", "x"))},

		{"none", "", 0, "", work(good, env("AWS_MFA_CREDS_ACCESS_KEY_ID", "set", "AWS_MFA_CREDS_SECRET_ACCESS_KEY", "set", "AWS_MFA_CREDS_SEED_FILE", "x", "AWS_MFA_CREDS_SERIAL", "x"))},
		{"env-store-ignored", "warning", 0, "pass", work(good, one(func(p *Profile) { p.SeedStore = "pass" }), env("AWS_MFA_CREDS_ACCESS_KEY_ID", "set", "AWS_MFA_CREDS_SECRET_ACCESS_KEY", "set", "AWS_MFA_CREDS_SERIAL", "x"))},

		{"none", "", 0, "", work(good, machine(func(f *Facts) { // Python merges those
			f.Sections = append(f.Sections, profile.Section{Header: "DEFAULT"}, profile.Section{Header: "DEFAULT"}, profile.Section{Header: "x", Options: []profile.Option{{Key: profile.KeyCommand, Value: "other", Place: ""}}})
		}))},
		{"section-repeated", "error", fault.Config, "config:1", work(good, machine(func(f *Facts) { f.Sections = append(f.Sections, section("other"), section("other")) }))},
		{"key-repeated", "error", fault.Config, "region", work(good, options(profile.KeyRegion, "x"))},
		{"section-untitled", "error", fault.Config, "[profile work]", work(good, instead(profile.Section{Place: "config:1", Header: "work", Options: []profile.Option{{Key: profile.KeyCommand, Value: good, Place: "config:2"}}}))},
		{"section-untitled", "error", fault.Config, "[profile other]", work(good, machine(func(f *Facts) {
			f.Sections, f.Own = append(f.Sections, profile.Section{Header: "other"}), []string{"other"}
		}))},
		{"none", "", 0, "", work(good, machine(func(f *Facts) {
			f.Sections, f.Own = append(f.Sections, profile.Section{Header: "work"}, profile.Section{Header: "sso-session x"}), []string{"work"}
		}))},
		{"helper-recursion", "error", fault.Config, "without end", work(good, machine(func(f *Facts) {
			f.Sections = append(f.Sections, section("a", profile.KeyCommand, "/usr/bin/aws configure export-credentials --profile a"))
		}))},
		{"helper-recursion", "error", fault.Config, "without end", work(good, machine(func(f *Facts) {
			f.Sections = append(f.Sections, section("default", profile.KeyCommand, "sh -c 'aws sts get-session-token'"))
		}))},
		{"helper-recursion", "error", fault.Config, "without end", work(good, env(envProfile, "a"), machine(func(f *Facts) {
			f.Sections = append(f.Sections, section("a", profile.KeyCommand, "aws x"), section("b", profile.KeySource, "a"))
		}))},
		{"helper-recursion", "error", fault.Config, "without end", work(good, env(envProfile, "work"), machine(func(f *Facts) {
			f.Sections = append(f.Sections, section("a", profile.KeyCommand, "env AWS_PROFILE=a aws x"))
		}))},
		{"helper-recursion", "error", fault.Config, "of a runs", work(good, machine(func(f *Facts) {
			f.Sections = append(f.Sections, section("a", profile.KeyCommand, "aws x --profile b"), section("b", profile.KeySource, "a"))
		}))},
		{"none", "", 0, "", work(good, machine(func(f *Facts) {
			f.Sections = append(f.Sections, profile.Section{Header: "services x", Options: []profile.Option{{Key: profile.KeyCommand, Value: "aws x", Place: ""}}}, section("b", profile.KeySource, "c"), section("c", profile.KeySource, "b"))
		}))},
		{"none", "", 0, "", work(good, machine(func(f *Facts) { // what stands behind aws is no variable, nor is this one
			f.Sections = append(f.Sections, section("a", profile.KeyCommand, "aws x AWS_PROFILE=a"), section("b", profile.KeyCommand, "env AWS_REGION=b X--profile=b aws x"))
		}))},
		{"none", "", 0, "", work(good, env(envProfile, "work"), machine(func(f *Facts) {
			f.Sections = append(f.Sections, section("a", profile.KeyCommand, "aws configure export-credentials"), section("b", profile.KeyCommand, "AWS_PROFILE=work aws x"), section("c", profile.KeyCommand, "other --profile c"))
		}))},

		{"section-loose", "error", fault.Config, "Go and Java", work(good, one(func(p *Profile) { p.Sections[0].Loose = true }))},
		{"static-keys", "error", fault.Config, "the AWS CLI, boto3, Go", work(good, one(func(p *Profile) { p.Static = []profile.StaticKey{{File: profile.Plain, Place: "credentials:2"}} }))},
		{"static-keys", "error", fault.Config, "the AWS CLI, boto3, Java and Rust run it", work(good, one(func(p *Profile) { p.Static = []profile.StaticKey{{File: profile.AWSConfig, Place: "config:2"}} }))},
		{"static-keys", "error", fault.Config, "expire", work(good, one(func(p *Profile) {
			p.Static = []profile.StaticKey{{File: profile.AWSConfig, Place: "config:2", Temporary: true}}
		}))},
		{"role-in-section", "error", fault.Config, "--role-arn arn:x", work(good, options(profile.KeyRole, "arn:x"))},
		{"source-self", "error", fault.Config, "Infinite loop", work(good, instead(section("work", profile.KeySource, "work", profile.KeyRole, "arn:x", profile.KeyRegion, "x")))},
		{"two-sources", "error", fault.Config, "credential_process and source_profile", work(good, options(profile.KeySource, "other"))},
		{"none", "", 0, "", work(good, instead(section("work", "sso_session", "x", "sso_start_url", "y", profile.KeyRegion, "x")))},
		{"two-sources", "error", fault.Config, "sso_session and", work(good, instead(section("work", "sso_session", "x", profile.KeyCommand, "other", profile.KeyRegion, "x")))},
		{"extra-keys", "warning", 0, "AWS_MFA_CREDS_SERIAL", work(good, options(profile.KeySerial, "x"))},
		{"extra-keys", "warning", 0, "reads it from profiles.ini", work(good, options("endpoint_url", "x"))},
		{"extra-keys", "warning", 0, "services", work(good, options("services", "x", "cli_pager", "less"))},
		{"mfa-serial-in-role", "error", fault.Config, "AssumeRoleTokenProvider", work(good, instead(section("base", profile.KeyCommand, good), section("work", profile.KeyRole, "arn:x", profile.KeySource, "base", profile.KeySerial, "x", profile.KeyRegion, "x")))},
		{"none", "", 0, "", work(good, instead(section("base", profile.KeyCommand, "other"), section("work", profile.KeyRole, "arn:x", profile.KeySource, "base", profile.KeySerial, "x", profile.KeyRegion, "x")))}, // its source is another helper's
		{"none", "", 0, "", work(good, instead(section("work", profile.KeyRole, "arn:x", profile.KeySource, "base", profile.KeySerial, "x", profile.KeyRegion, "x")))},                                               // its source is nothing of ours
		{"region-missing", "warning", 0, "--region us-east-1", work(good, noRegion)},
		{"none", "", 0, "", work(good, env("AWS_REGION", "x"), noRegion)},
		{"name-quoting", "info", 0, "quoted", work(good, one(func(p *Profile) { p.Name = "a b" }))},
		{"unfinished", "warning", 0, "aws-mfa-creds enroll --profile work", work(good, one(func(p *Profile) {
			p.Unfinished = "\"enroll\" was started 2026-01-01T00:00:00Z and did not finish; run it again: aws-mfa-creds enroll --profile work"
		}))},
		{"not-registered", "warning", 0, "register --profile work", work(good, one(func(p *Profile) { p.Command, p.InOwn, p.KeyStore = Command{}, true, "age" }))},
		{"not-registered", "warning", 0, "+ only: aws-mfa-creds add --profile NEW", work(good, one(func(p *Profile) { p.Command, p.InOwn, p.KeyStore = Command{}, true, "age"; p.Name = "größe" }))},
		{"none", "", 0, "", work(good, one(func(p *Profile) { p.Command, p.InOwn, p.KeyStore, p.Used = Command{}, true, "age", true }))},

		{"command-shell", "error", fault.Config, ">", work(good + " 2>&1")},
		{"command-shell", "error", fault.Config, "$", work(good + "-$USER")},
		{"command-comment", "error", fault.Config, "AWS CLI", work(good + " # a & b")},
		{"none", "", 0, "", work(good + "#1")},
		{"command-refused", "error", fault.Config, "--profile is missing", work(good, one(func(p *Profile) { p.Command.Accepted = false }))},
		{"program-unexpanded", "error", fault.Config, "~/bin", work("~/bin/aws-mfa-creds get")},
		{"program-unexpanded", "error", fault.Config, "%HOME%", work(`%HOME%\aws-mfa-creds.exe get`)},
		{"program-relative", "error", fault.Config, "bin/aws-mfa-creds", work("bin/aws-mfa-creds get")},
		{"program-relative", "warning", 0, "PATH", work("aws-mfa-creds get")},
		{"none", "", 0, "", work(`C:\bin\aws-mfa-creds.exe get`)},
		{"program-quoted", "warning", 0, "Go SDK v1", work(`"/bin/aws-mfa-creds" get`)},
		{"program-quoted", "warning", 0, "PowerShell", work(`"C:\Program Files\aws-mfa-creds.exe" get`, machine(func(f *Facts) { f.GOOS = "windows" }))},
		{"program-gone", "error", fault.Config, "does not exist", work(good, one(func(p *Profile) { p.Command.State = Gone }))},
		{"program-gone", "error", fault.Config, "directory", work(good, one(func(p *Profile) { p.Command.State = Directory }))},
		{"program-gone", "error", fault.Config, "executed", work(good, one(func(p *Profile) { p.Command.State = NotExecutable }))},
		{"program-other", "warning", 0, "another version", work(good, one(func(p *Profile) { p.Command.State = Another }))},
		{"program-other", "info", 0, "not checked", work("/bin/nice "+good, one(func(p *Profile) { p.Command.State = Another }))},
		{"program-temporary", "warning", 0, "install", work(good, one(func(p *Profile) { p.Command.Temp = true }))},

		{"settings-refused", "error", fault.NoSecret, "aws-mfa-creds add --profile work", work(good, one(func(p *Profile) { p.Unusable = missing }))},
		{"settings-corrected", "warning", 0, "config:9", work(good, one(func(p *Profile) { p.Notes = []string{"config:9: too long"} }))},
		{"key-unreadable", "error", fault.NoSecret, "access key cannot", work(good, one(func(p *Profile) { p.Key, p.Seed = missing, missing }))},
		{"seed-unreadable", "error", fault.NoSecret, "seed cannot", work(good, one(func(p *Profile) { p.Seed = missing }))},
		{"seed-length", "warning", 0, "128 bits", work(good, one(func(p *Profile) { p.SeedBits = 128 }))},
		{"seed-length", "info", 0, "160 bits", work(good, one(func(p *Profile) { p.SeedBits = 160 }))},
		{"none", "", 0, "", work(good, one(func(p *Profile) { p.SeedBits = 0 }))},
		{"settings-moved", "warning", 0, "does not set XDG_CONFIG_HOME", work(good, moved("XDG_CONFIG_HOME=/x"))},
		{"settings-moved", "warning", 0, "does not set XDG_CONFIG_HOME", work("/usr/bin/env XDG_CONFIG_HOME=/y "+good, moved("XDG_CONFIG_HOME=/x"))},
		{"settings-moved", "warning", 0, "environment.d", work(good, moved(""))},
		{"settings-moved", "warning", 0, "export 'XDG_CONFIG_HOME=/y'", work("/usr/bin/env XDG_CONFIG_HOME=/y "+good, one(func(p *Profile) { p.OtherHome = "XDG_CONFIG_HOME=/y" }))},
		{"none", "", 0, "", work("/usr/bin/env XDG_CONFIG_HOME=/x "+good, moved("XDG_CONFIG_HOME=/x"))},
		{"none", "", 0, "", work(`/usr/bin/env "XDG_CONFIG_HOME=/x y" `+good, moved(`"XDG_CONFIG_HOME=/x y"`))},
		{"none", "", 0, "", work("aws-vault export work", moved("XDG_CONFIG_HOME=/x"), one(func(p *Profile) { p.Command = Command{} }))},
		{"program-gone", "error", fault.Config, "/bin/aws-mfa-creds does not exist", work("/usr/bin/env A=b "+good, one(func(p *Profile) { p.Command.State = Gone }))},
		{"program-relative", "warning", 0, "PATH", work("/usr/bin/env A=b aws-mfa-creds get")},
		{"keys-ignored", "warning", 0, "jump_role_arn", with("jump_role_arn")},
		{"mfa-process-recursion", "error", fault.Config, "profile work", work(good, one(func(p *Profile) { p.MFAProcess = []string{"aws", "x", "--profile=work"} }))},
		{"mfa-process-recursion", "error", fault.Config, "profile work", work(good, env(envProfile, "work"), one(func(p *Profile) { p.MFAProcess = []string{"sh", "-c", "aws", "x"} }))},
		{"mfa-process-recursion", "error", fault.Config, "runs aws-mfa-creds get", work(good, one(func(p *Profile) { p.MFAProcess = strings.Fields(good) }))},
		{"none", "", 0, "", work(good, env(envProfile, "work"), one(func(p *Profile) { p.MFAProcess = []string{"aws", "x", "--profile", "other"} }))},
		{"none", "", 0, "", work(good, one(func(p *Profile) { p.MFAProcess = []string{"oathtool", "--profile", "work"} }))},
		{"mfa-process-recursion", "error", fault.Config, "profile c", work(good, machine(func(f *Facts) {
			f.Sections = append(f.Sections, section("c", profile.KeySource, "d", profile.KeyRole, "arn:x"), section("d", profile.KeyCommand, "aws x --profile work"))
		}), one(func(p *Profile) { p.MFAProcess = []string{"aws", "x", "--profile", "c"} }))},
		{"none", "", 0, "", work(good, one(func(p *Profile) { p.MFAProcess = []string{"/bin/aws-mfa-creds", "code", "--profile", "other"} }))},
		{"none", "", 0, "", work(good, env(envProfile, "work"), one(func(p *Profile) { p.MFAProcess = strings.Fields("ykman oath accounts code -s aws") }))},
		{"none", "", 0, "", work(good, machine(func(f *Facts) {
			f.Sections = append(f.Sections, section("c", profile.KeySource, "d"), section("d", profile.KeySource, "c"))
		}), one(func(p *Profile) { p.MFAProcess = []string{"aws", "x", "--profile", "c"} }))},
		{"role-account", "info", 0, "222222222222", work(good, one(func(p *Profile) {
			p.Serial, p.Roles = "arn:aws:iam::111111111111:mfa/a", []creds.Role{{ARN: "arn:aws:iam::111111111111:role/a"}, {ARN: "arn:aws:iam::222222222222:role/b"}}
		}))},
		{"session-short", "warning", 0, "15m", work(good, one(func(p *Profile) { p.Duration = 15 * time.Minute }))},
		{"none", "", 0, "", work(good, one(func(p *Profile) { p.Duration = 30 * time.Minute }))},
		{"session-large", "warning", 0, "Go SDK v1", work(good, one(func(p *Profile) { p.Printed = 8193 }))},
		{"session-large", "info", 0, "Ruby", work(good, one(func(p *Profile) { p.Printed = 8192 }))},
		{"none", "", 0, "", work(good, one(func(p *Profile) { p.Printed = 4096 }))},
		{"endpoint-override", "warning", 0, "example.com", work(good, one(func(p *Profile) { p.Endpoint = "https://sts.example.com:8443" }))},
		{"endpoint-override", "info", 0, "unset", work(good, one(func(p *Profile) { p.Endpoint = "https://vpce-1.sts.us-east-1.vpce.amazonaws.com" }))},
		{"endpoint-override", "info", 0, "unset", work(good, one(func(p *Profile) { p.Endpoint = "http://127.0.0.1:1" }))},
		{"ca-bundle-unusable", "error", fault.Config, "no cached", work(good, one(func(p *Profile) { p.CABundle = fault.New(fault.Config, "CA bundle", "unset it", "gone") }))},

		{"clock-skew", "warning", 0, "12s behind", work(good, one(func(p *Profile) { p.Skew = 12 * time.Second }))},
		{"clock-skew", "warning", 0, "2s behind", work(good, one(func(p *Profile) { p.Skew = 2 * time.Second }))},
		{"clock-skew", "error", fault.Clock, "5m ahead of", work(good, one(func(p *Profile) { p.Skew = -5 * time.Minute }))},
		{"clock-skew", "error", fault.Clock, "shows 1969-12-31", Facts{Now: time.Unix(-1, 0), Profiles: []Profile{{Name: "work"}}}},
		{"clock-skew", "error", fault.Clock, "shows 9999", Facts{Now: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), Profiles: []Profile{{Name: "work"}}}},
		{"clock-skew", "warning", 0, "measured now", work(good, one(func(p *Profile) { p.Skew = time.Hour }), online(Online{Measured: true, Skew: time.Minute}))},
		{"none", "", 0, "", work(good, one(func(p *Profile) { p.Skew = time.Hour }), online(Online{Measured: true, Skew: time.Second}))},
		{"pool-device-refused", "warning", 0, "aws-mfa-creds rotate device --profile work --serial x", work(good, one(func(p *Profile) {
			p.Pool = []session.DeviceStatus{{Serial: "y"}, {Serial: "x", Failure: refused(false, 1, now)}}
		}))},
		{"pool-device-refused", "warning", 0, "aws-mfa-creds resync --profile work", work(good, one(func(p *Profile) {
			p.Pool = []session.DeviceStatus{{Serial: "x", Failure: refused(true, 1, now)}}
		}))},
		{"serial-foreign", "warning", 0, "aws-mfa-creds rotate device --profile work --serial x", work(good, one(func(p *Profile) {
			p.Serial, p.Others, p.Online.Devices = "y", []string{"x"}, []string{"y"}
		}))},
		{"device-out-of-sync", "error", fault.Refused, "aws-mfa-creds resync --profile work", work(good, failed(session.Status{Failure: refused(true, 2, now)}))},
		{"last-error", "warning", 0, "others", work(good, failed(session.Status{Failure: &rules.Failure{At: now, Kind: fault.Deadline, Cause: "AWS refused the token code: others", Count: 9}}))},
		{"shared-cache-unusable", "error", fault.Config, "bad", work(good, one(func(p *Profile) { p.Sharing.Refused = fault.New(fault.Config, "shared_cache", "fix it", "bad") }))},
		{"shared-cache-unusable", "error", fault.Network, "no host gets a session", work(good, one(func(p *Profile) {
			p.Sharing = Sharing{Place: "10.0.0.1:6379", Required: true, Asked: true, Failed: errors.New("refused")}
		}))},
		{"shared-cache-unusable", "warning", 0, "of those that ask in the same half minute one succeeds", work(good, one(func(p *Profile) {
			p.Sharing = Sharing{Place: "10.0.0.1:6379", Asked: true, Failed: errors.New("refused")}
		}))},
		{"shared-cache-unusable", "warning", 0, "(1m ago): refused", work(good, one(func(p *Profile) {
			p.Sharing = Sharing{Place: "10.0.0.1:6379", Last: cache.Sharing{Failed: now.Add(-time.Minute), Cause: "refused"}}
		}))},
		{"shared-cache-weak", "warning", 0, "without TLS", work(good, one(func(p *Profile) { p.Sharing = Sharing{Place: "10.0.0.1:6379", Plain: true} }))},
		{"none", "", 0, "", work(good, one(func(p *Profile) { p.Sharing = Sharing{Place: "127.0.0.1:6379", Plain: true, Asked: true} }))},
		{"shared-cache-weak", "warning", 0, "(in 24h)", work(good, one(func(p *Profile) {
			p.Sharing = Sharing{Place: "10.0.0.1:6379", Asked: true, Expires: now.Add(24 * time.Hour)}
		}))},
		{"shared-cache-weak", "warning", 0, "takes 1s", work(good, one(func(p *Profile) { p.Sharing = Sharing{Place: "10.0.0.1:6379", Asked: true, Latency: time.Second} }))},
		{"shared-cache-weak", "info", 0, "volatile-ttl", work(good, one(func(p *Profile) { p.Sharing = Sharing{Place: "10.0.0.1:6379", Asked: true, Policy: "allkeys-lru"} }))},
		{"lock-suspended", "error", fault.Deadline, "kill -CONT 7", work(good, failed(session.Status{Stuck: fault.New(fault.Deadline, "", "run: kill -CONT 7", "stuck")}))},
		{"last-error", "error", fault.Refused, "GetSessionToken failed 2026-", work(good, failed(session.Status{Failure: refused(true, 1, now)}))},
		{"last-error", "error", fault.Refused, "do it --profile work", work(good, failed(session.Status{Failure: refused(true, 1, now)}))},
		{"last-error", "error", fault.Refused, "session of arn:x failed 2026-", work(good, failed(session.Status{RoleARN: "arn:x", Failure: refused(false, 1, now)}))},
		{"last-error", "error", fault.Refused, "for 1h more", work(good, failed(session.Status{Failure: refused(false, 9, now.Add(time.Hour))}))},
		{"last-error", "error", fault.Refused, "30s more", work(good, failed(session.Status{Failure: refused(false, 9, now.Add(30*time.Second))}))},
		{"last-error", "warning", 0, "until it expires", work(good, failed(session.Status{Left: time.Hour, RoleARN: "arn:x", Failure: refused(false, 1, now)}))},
		{"last-error", "warning", 0, "(1m ago) with exit code 7", work(good, failed(session.Status{Failure: &rules.Failure{At: now.Add(-time.Minute), Kind: fault.Network, Thing: "host", Cause: "down"}}))},

		{"key-refused", "error", fault.Refused, "once no cached", work(good, online(Online{Identity: fault.New(fault.Refused, "key", "add", "no")}))},
		{"root-key", "warning", 0, "root user", work(good, online(Online{Root: true, Account: "1"}))},
		{"key-old", "warning", 0, "rotate key --profile work", work(good, online(Online{KeyCreated: old}))},
		{"none", "", 0, "", work(good, online(Online{KeyCreated: old.AddDate(0, 0, 1)}))},
		{"serial-foreign", "error", fault.Refused, "(none)", work(good, one(func(p *Profile) { p.Serial = "s" }), online(Online{User: "u", Devices: []string{}}))},
		{"none", "", 0, "", work(good, one(func(p *Profile) { p.Serial = "s" }), online(Online{User: "u", Devices: []string{"t", "s"}}))},
		{"none", "", 0, "", work(good, one(func(p *Profile) { p.Serial = "s" }), online(Online{User: "u"}))},
		{"session-refused", "error", fault.Refused, "every tool", work(good, online(Online{Session: fault.New(fault.Refused, "key", "add", "no")}))},
	}
}

// TestRules has each rule find what it is for, and stay silent on what is nearly so.
func TestRules(t *testing.T) {
	t.Parallel()
	if found := Examine(work(good)); len(found) != 0 {
		t.Fatalf("a healthy machine: %+v", found)
	}
	tried := make(map[string]bool)
	for i, c := range cases() {
		tried[c.id] = true
		found := Examine(c.facts)
		if c.id == "none" {
			if len(found) != 0 {
				t.Errorf("case %d: %+v", i, found)
			}
			continue
		}
		at := slices.IndexFunc(found, func(f Finding) bool { return f.ID == c.id })
		if at < 0 {
			t.Errorf("%s (case %d) not found: %+v", c.id, i, found)
			continue
		}
		f := found[at]
		if f.Severity.String() != c.severity || f.Kind != c.kind || !strings.Contains(strings.Join([]string{f.Place, f.What, f.Consequence, f.Remedy}, "\n"), c.says) {
			t.Errorf("%s (case %d): %+v", c.id, i, f)
		}
		if f.What == "" || f.Consequence == "" || f.Remedy == "" || strings.Contains(f.Remedy, "NAME") {
			t.Errorf("%s (case %d) is incomplete: %+v", c.id, i, f)
		}
	}
	for _, rule := range Rules() {
		if !tried[rule.ID] {
			t.Errorf("%s has never been tried", rule.ID)
		}
	}
}

// TestNoFix has what others than their owner have to mend not be mended.
func TestNoFix(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]Facts{
		"unreadable": {Unreadable: fault.New(fault.Config, "/own/profiles.ini", "", "is a directory")},
		"foreign":    {Dirs: []Dir{{Path: "/own", Problem: fault.New(fault.Permissions, "/own", "chown", "belongs to another user")}}},
		"file":       {Files: []File{{Path: "/own/a", Foreign: fault.New(fault.Permissions, "/own/a", "chown", "belongs to another user"), Mode: 0o666}}},
		"other":      work(good, one(func(p *Profile) { p.Command.State = Another })),
		"wrapper":    work("/bin/nice "+good, one(func(p *Profile) { p.Command.State = Another })),
		"arguments":  work(good, one(func(p *Profile) { p.Command.Accepted = false })),
		"spaces":     work(`"/my bin/aws-mfa-creds" get`),
		"keys":       work(good, one(func(p *Profile) { p.Static = []profile.StaticKey{{File: profile.AWSConfig, Place: "config:2"}} })),
	} {
		found := Examine(f)
		if len(found) != 1 || found[0].Fix != nil {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// with is a healthy profile whose section has one key more.
func with(key string) Facts {
	return work(good, one(func(p *Profile) {
		p.Sections = []profile.Section{section("work", profile.KeyCommand, good, profile.KeyRegion, "us-east-1", key, "x")}
	}))
}

// TestKeysOfOtherTools names the keys that would change which credentials come back, and no others.
func TestKeysOfOtherTools(t *testing.T) {
	t.Parallel()
	for key, tool := range map[string]string{
		"jump_role_arn": "aws-runas", "saml_auth_url": "aws-runas", "saml_provider": "aws-runas", "web_identity_auth_url": "aws-runas",
		"web_identity_token_process": "aws-vault", "granted_sso_start_url": "Granted", "granted_sso_account_id": "Granted", "granted_sso_role_name": "Granted",
		"aws_saml_url": "aws-okta", "azure_tenant_id": "aws-azure-login", "azure_default_role_arn": "aws-azure-login",
		"mfa_type": "", "credentials_duration": "", "session_token_duration": "", "granted_color": "", "granted_sso_region": "", "x_principal_arn": "",
		"role_duration": "", "assume_role_ttl": "", "session_tags": "", "source_identity": "", "include_profile": "", "cli_pager": "",
	} {
		f := with(key)
		found := keysIgnored(f, f.Profiles[0])
		if named := len(found) == 1 && strings.Contains(found[0].What+found[0].Remedy, tool) && found[0].Place == "config:4"; named != (tool != "") {
			t.Errorf("%s: %+v", key, found)
		}
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	var open []string
	for _, name := range Variables() {
		if !IsSecret(name) {
			open = append(open, name)
		}
	}
	want := []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SDK_LOAD_CONFIG", "AWS_CREDENTIAL_PROFILES_FILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_MFA_CREDS_SERIAL", "AWS_MFA_CREDS_SERIAL_FILE"}
	if !slices.Equal(open, want) {
		t.Errorf("got %q", open)
	}
}

func TestRuleTable(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, rule := range Rules() {
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(rule.ID) || seen[rule.ID] || rule.Title == "" || (rule.machine == nil) == (rule.profile == nil) {
			t.Errorf("%+v", rule)
		}
		seen[rule.ID] = true
	}
}

// TestOnlyOne finds in one case what one rule alone should tell of.
func TestOnlyOne(t *testing.T) {
	t.Parallel()
	exposed := fault.New(fault.Permissions, "/own/age/identity.txt", "chmod", "is open to other users (mode 0644)")
	unset := fault.New(fault.NoSecret, "AWS_MFA_CREDS_SEED", "set it", "is not set")
	for name, f := range map[string]Facts{
		"file-exposed":      work(good, one(func(p *Profile) { p.Key, p.Seed = exposed, exposed }), machine(func(f *Facts) { f.Files = []File{{Path: "/own/age/identity.txt", Mode: 0o644}} })),
		"env-store-partial": work(good, one(func(p *Profile) { p.Serial, p.Seed, p.Unusable = "x", unset, unset }), env("AWS_MFA_CREDS_ACCESS_KEY_ID", "set", "AWS_MFA_CREDS_SECRET_ACCESS_KEY", "set")),
		"key-repeated":      work(good, options(profile.KeyRegion, "x"), one(func(p *Profile) { p.Notes = []string{"config:2: repeats the key region"} })),
	} {
		if found := Examine(f); len(found) != 1 || found[0].ID != name {
			t.Errorf("%s: %+v", name, found)
		}
	}
}
