//go:build linux

package test

import (
	"os"
	"strings"
	"testing"
)

// withRole returns a machine with the profile work, and the profile adm that is registered for a role.
func withRole(t *testing.T, more ...string) *newcomer {
	t.Helper()
	n := stored(t)
	n.must("enroll", "--profile", "work")
	n.later()
	n.must(append([]string{"register", "--profile", "adm", "--source-profile", "work", "--role-arn", deploy, "--region", "eu-west-1"}, more...)...)
	return n
}

func (n *newcomer) config() string {
	n.t.Helper()
	return n.text(n.ConfigFile())
}

func (n *newcomer) text(path string) string {
	n.t.Helper()
	text, err := os.ReadFile(path)
	n.check(err)
	return string(text)
}

// wantConfig fails unless the AWS config has all the words, or, of those that begin with !, none.
func (n *newcomer) wantConfig(words ...string) {
	n.t.Helper()
	config := n.config()
	for _, word := range words {
		if without, not := strings.CutPrefix(word, "!"); strings.Contains(config, without) == not {
			n.t.Errorf("%q: %s", word, config)
		}
	}
}

// TestRegisterKeeps registers again what is registered.
func TestRegisterKeeps(t *testing.T) {
	t.Parallel()
	t.Run("helper", func(t *testing.T) {
		t.Parallel()
		n := withRole(t, "--duration", "2h", "--external-id", "4711", "--role-session-name", "alice")
		before := n.config()
		if n.must("register", "--profile", "adm"); n.config() != before {
			t.Errorf("was %s, is %s", before, n.config())
		}
		n.must("register", "--profile", "adm", "--duration", "3h", "--external-id", "")
		n.wantConfig("get --profile work --role-arn "+deploy+" --role-session-name alice --duration 3h\n", "region = eu-west-1\n")
		n.must("register", "--profile", "adm", "--assume-by", "sdk", "--duration", "30m")
		n.wantConfig("role_arn = "+deploy+"\n", "source_profile = work\n", "duration_seconds = 1800\n", "role_session_name = alice\n", "!credential_process")
	})
	t.Run("sdk", func(t *testing.T) {
		t.Parallel()
		n := withRole(t, "--assume-by", "sdk", "--duration", "30m", "--external-id", "4711")
		before := n.config()
		if n.must("register", "--profile", "adm"); n.config() != before {
			t.Errorf("was %s, is %s", before, n.config())
		}
		n.must("register", "--profile", "adm", "--assume-by", "helper")
		n.wantConfig("get --profile work --role-arn "+deploy+" --external-id 4711 --duration 1800\n", "!source_profile")
	})
	t.Run("name with a space", func(t *testing.T) {
		t.Parallel()
		n := stored(t)
		if err := n.AddConfig("[profile 'my work']\n"); err != nil { // a new name may have none
			t.Fatal(err)
		}
		n.must("add", "--profile", "my work", "--access-key-file", n.key)
		n.must("register", "--profile", "my work")
		before := n.config()
		if n.must("register", "--profile", "my work"); n.config() != before {
			t.Errorf("was %s, is %s", before, n.config())
		}
	})
	t.Run("setup", func(t *testing.T) {
		t.Parallel()
		n := stored(t)
		n.must("register", "--profile", "work", "--duration", "2h", "--region", "eu-west-1")
		n.must("setup", "--profile", "work", "--yes")
		n.wantConfig("get --profile work --duration 2h\n")
	})
}

// TestRegisterRefuses gives what every get would refuse.
func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	n := stored(t)
	for name, c := range map[string]struct {
		code  int
		words []string
		args  []string
	}{
		"role":           {2, []string{"--role-arn", "not the ARN of a role"}, []string{"--profile", "adm", "--source-profile", "work", "--role-arn", "admin"}},
		"role, sdk":      {2, []string{"--role-arn", "not the ARN of a role"}, []string{"--profile", "adm", "--source-profile", "work", "--role-arn", "admin", "--assume-by", "sdk"}},
		"duration":       {2, []string{"--duration", "from 15m to 36h"}, []string{"--profile", "work", "--duration", "37h"}},
		"role's":         {2, []string{"--duration", "from 15m to 12h"}, []string{"--profile", "adm", "--source-profile", "work", "--role-arn", deploy, "--duration", "13h"}},
		"sdk's":          {2, []string{"--duration", "from 15m to 12h"}, []string{"--profile", "adm", "--source-profile", "work", "--role-arn", deploy, "--duration", "1m", "--assume-by", "sdk"}},
		"source":         {3, []string{`profile "worl"`, `did you mean "work"?`}, []string{"--profile", "adm", "--source-profile", "worl", "--role-arn", deploy}},
		"profile itself": {3, []string{`profile "worl"`, `did you mean "work"?`, "aws-mfa-creds setup --profile worl"}, []string{"--profile", "worl"}},
	} {
		t.Log(name)
		n.refused(c.code, c.words, append([]string{"register"}, c.args...)...)
	}
	if _, err := os.Stat(n.ConfigFile()); err == nil {
		t.Errorf("something was written: %s", n.config())
	}
	got := run(t, n.Bed, append(n.env, "AWS_MFA_CREDS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_MFA_CREDS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), n.Binary, "register", "--profile", "ci")
	if got.code != 0 {
		t.Errorf("with the env store: exit %d: %s", got.code, got.stderr)
	}
}

// TestRoleProfile uses a profile that only credential_process leads from to its identity.
func TestRoleProfile(t *testing.T) {
	t.Parallel()
	n := withRole(t)
	if got := n.run("code", "--profile", "adm"); got.code != 0 || len(got.stdout) != len("123456\n") {
		t.Errorf("code: %+v", got)
	}
	if uri := n.must("export", "--profile", "adm", "--uri", "--yes"); !strings.HasPrefix(uri, "otpauth://totp/") {
		t.Error("export gives no URI")
	}
	n.must("get", "--profile", "work", "--role-arn", deploy)
	if said := n.must("clear", "--profile", "adm"); !strings.Contains(said, "Deleted 2 sessions of profile adm") {
		t.Errorf("clear: %s", said)
	}
	n.later()
	n.must("resync", "--profile", "adm")
	n.later()
	if said := n.must("rotate", "key", "--profile", "adm", "--yes"); !strings.Contains(said, "Replaced access key") {
		t.Errorf("rotate key: %s", said)
	}
	n.later()
	n.must("rotate", "device", "--profile", "adm", "--yes")
	n.works("work")
	n.refused(4, []string{"profile work", "aws-mfa-creds store move --profile work --to pass"}, "store", "move", "--profile", "adm", "--to", "pass")
	n.refused(3, []string{"run the command that the AWS config has for the profile"}, "get", "--profile", "adm")
}

// TestEnrollForRoleProfile enrols the device of the profile that a role profile lives on.
func TestEnrollForRoleProfile(t *testing.T) {
	t.Parallel()
	n := stored(t)
	n.must("register", "--profile", "adm", "--source-profile", "work", "--role-arn", deploy)
	n.must("enroll", "--profile", "adm")
	n.works("work")
}

func TestClearHasNoRefresh(t *testing.T) {
	t.Parallel()
	n := stored(t)
	if help := n.must("clear", "--help"); strings.Contains(help, "--refresh") || !strings.Contains(help, "--role-arn") {
		t.Errorf("%s", help)
	}
}

// TestRemoveRegistered removes profiles that the AWS config knows.
func TestRemoveRegistered(t *testing.T) {
	t.Parallel()
	n := withRole(t)
	before := n.config()
	if said := n.must("remove", "--profile", "adm", "--yes"); strings.Contains(said, "Deleted") || !strings.Contains(said, "Nothing is stored") || !strings.Contains(said, "aws-mfa-creds unregister --profile adm\n") {
		t.Errorf("a role profile: %s", said)
	}
	if n.config() != before {
		t.Errorf("was %s, is %s", before, n.config())
	}
	n.check(os.WriteFile(n.ConfigFile(), []byte("[profile work]\noutput = json\n"), 0o600))
	n.must("register", "--profile", "work", "--region", "eu-west-1")
	if said := n.must("remove", "--profile", "work", "--yes"); !strings.Contains(said, "Removed profile work from "+n.ConfigFile()) || !strings.Contains(said, "Deleted what was stored for profile work") {
		t.Errorf("work: %s", said)
	}
	if left := n.config(); left != "[profile work]\noutput = json\n" {
		t.Errorf("left: %s", left)
	}
}

// TestRemoveAsks looks at what the question names.
func TestRemoveAsks(t *testing.T) {
	t.Parallel()
	n := stored(t)
	key := "access key " + n.user().Keys[0].ID + " (age)"
	n.must("enroll", "--profile", "work")
	serial := n.Server.World().Devices[0].Serial
	seed := "the seed of " + serial + " (age)"
	s := n.shell("remove", "--profile", "work")
	s.answer("Permanently delete "+key+" and "+seed+"? The settings and sessions of profile work are deleted too. In IAM, the access key and the MFA device (remove --aws removes it too) will stay active. [y/N]: ", "n")
	s.ends(2)
	n.must("register", "--profile", "work")
	s = n.shell("remove", "--profile", "work", "--aws")
	s.answer("Permanently delete "+key+", "+seed+", and the MFA device "+serial+" in IAM? The settings, sessions and registration of profile work are deleted too. In IAM, the access key will stay active. [y/N]: ", "n")
	s.ends(2)
	n.works("work")
}

// TestRemoveNamesWhoUsesTheSeed has two more profiles with the MFA device, and one of them makes its
// codes with a program.
func TestRemoveNamesWhoUsesTheSeed(t *testing.T) {
	t.Parallel()
	n := stored(t)
	n.must("enroll", "--profile", "work")
	serial := n.Server.World().Devices[0].Serial
	own := n.Own() + "/profiles.ini"
	text := n.text(own) + "\n[a2]\nkey_store = age\nmfa_process = /bin/false\nmfa_serial = " + serial + "\n"
	n.check(os.WriteFile(own, []byte(text+"\n[b]\nstore = age\nmfa_serial = "+serial+"\n"), 0o600))
	if said := n.must("remove", "--profile", "work", "--yes"); !strings.Contains(said, "Kept the seed of "+serial+": profile b uses it.") {
		t.Errorf("%s", said)
	}
	n.must("remove", "--profile", "b", "--yes")
	if left := n.text(own); !strings.Contains(left, "[a2]") || strings.Contains(left, "[b]") {
		t.Errorf("left: %s", left)
	}
	if got := n.run("code", "--profile", "b"); got.code == 0 {
		t.Error("the seed is still there")
	}
}

// TestSetupRegion sets up profiles that have no region.
func TestSetupRegion(t *testing.T) {
	t.Parallel()
	const asked, hint = "Region, such as eu-central-1 (Enter for none): ", "aws-mfa-creds register --profile p --region REGION"
	t.Run("typed", func(t *testing.T) {
		t.Parallel()
		n := newNewcomer(t)
		s := n.shell("setup", "--profile", "p", "--access-key-file", n.key)
		s.answer(asked, "eu-west-1")
		if shown := s.ends(0); strings.Contains(shown, hint) {
			t.Errorf("%q", shown)
		}
		n.wantConfig("region = eu-west-1\n")
		s = n.shell("setup", "--profile", "p")
		if shown := s.ends(0); strings.Contains(shown, "Region for") || strings.Contains(shown, hint) {
			t.Errorf("again: %q", shown)
		}
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		n := newNewcomer(t)
		s := n.shell("setup", "--profile", "p", "--access-key-file", n.key)
		s.answer(asked, "")
		if shown := s.ends(0); !strings.Contains(shown, hint) {
			t.Errorf("%q", shown)
		}
		n.wantConfig("!region")
	})
	t.Run("no terminal", func(t *testing.T) {
		t.Parallel()
		n := newNewcomer(t)
		if said := n.must("setup", "--profile", "p", "--access-key-file", n.key); !strings.Contains(said, hint) {
			t.Errorf("%q", said)
		}
	})
}
