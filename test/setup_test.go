//go:build linux

package test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// allCalls returns how many calls of each action have arrived at AWS.
func allCalls(b *testbed.Bed) map[string]int {
	all := make(map[string]int)
	for action, count := range b.Server.State().Actions {
		all[action] = count.Calls
	}
	return all
}

func (n *newcomer) wantCalls(want map[string]int) {
	n.t.Helper()
	if got := allCalls(n.Bed); !maps.Equal(got, want) {
		n.t.Errorf("calls %v, want %v", got, want)
	}
}

// isAlice fails unless the AWS CLIs of this machine are alice with the profile p.
func (n *newcomer) isAlice() {
	n.t.Helper()
	for _, aws := range awsCLIs(n.t) {
		got := run(n.t, n.Bed, n.env, aws, "sts", "get-caller-identity", "--profile", "p", "--endpoint-url", n.Server.URL(), "--output", "json")
		var identity struct{ Arn string }
		if err := json.Unmarshal([]byte(got.stdout), &identity); err != nil || identity.Arn != "arn:aws:iam::123456789012:user/alice" {
			n.t.Errorf("%s: exit %d: %s%s", aws, got.code, got.stdout, got.stderr)
		}
	}
}

// steps returns the time steps of all codes that have arrived, relative to that of the first
// arrival.
func (n *newcomer) steps() (all []int64) {
	attempts := n.Server.State().Attempts
	for _, a := range attempts {
		all = append(all, a.Step-attempts[0].Time.Unix()/30)
	}
	return all
}

// fewest are the calls of an enrollment that nothing stands in the way of: whose key it is, which
// devices there are, one device made and enabled, and one session.
func fewest() map[string]int {
	return map[string]int{"GetCallerIdentity": 1, "ListMFADevices": 1, "ListVirtualMFADevices": 1, "CreateVirtualMFADevice": 1, "EnableMFADevice": 1, "GetSessionToken": 1}
}

// TestSetup goes from an access key to a working AWS CLI with one command.
func TestSetup(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	roomInStep()
	got := n.run("setup", "--profile", "p", "--access-key-file", n.key, "--region", "us-east-1", "--yes")
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	t.Logf("setup took %v, and said\n%s", got.took, got.stdout)
	n.wantCalls(fewest())
	if steps := n.steps(); !slices.Equal(steps, []int64{-1, 0, 1}) {
		t.Errorf("time steps %v: something was waited for", steps)
	}
	n.isAlice()
	if minted := calls(n.Bed, "GetSessionToken"); minted != 1 {
		t.Errorf("%d sessions: that of setup was not kept", minted)
	}
	n.works("p")
}

// TestSetupDryRun says what setup would do, of a new profile, of one whose key is in ~/.aws/credentials, and
// of one that works, and changes nothing: neither a file, but for the cache, nor AWS.
func TestSetupDryRun(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	key := n.user().Keys[0]
	plain := filepath.Join(n.Home(), ".aws", "credentials")
	dryRun := func(args ...string) string {
		t.Helper()
		before := n.tree()
		got := n.must(append([]string{"setup", "--profile", "p", "--dry-run"}, args...)...)
		if !maps.Equal(before, n.tree()) {
			t.Errorf("%v has changed the disk: %v", args, n.tree())
		}
		return got
	}
	wantIn := func(got string, lines ...string) {
		t.Helper()
		for _, line := range lines {
			if !strings.Contains(got, line) {
				t.Errorf("no %q in %s", line, got)
			}
		}
	}
	device := "Would create the MFA device alice-laptop for user alice in IAM, store its seed in the age store, and enable the device.\n"
	steps := []string{
		"Would store access key " + key.ID + " of profile p in the age store.\n", device,
		"Would change " + n.ConfigFile() + ", so that the AWS CLI and the SDKs use it.\n", "+credential_process = ", "+region = us-east-1", "Would get a first session.\n",
	}
	wantIn(dryRun("--access-key-file", n.key, "--region", "us-east-1", "--device-name", "alice-laptop"), steps...)
	wantIn(dryRun("--access-key-file", n.key, "--console"), "Would read the seed that the AWS console shows, store it in the age store, and print two codes for the console.\n")
	writeFile(t, plain, "[p]\naws_access_key_id = "+key.ID+"\naws_secret_access_key = "+key.Secret+"\n")
	wantIn(dryRun("--device-name", "alice-laptop"), steps[0], device, "Would delete access key "+key.ID+" from the files of the AWS tools.\n")
	if calls := allCalls(n.Bed); calls["GetCallerIdentity"] != 3 || calls["CreateVirtualMFADevice"]+calls["GetSessionToken"] != 0 {
		t.Errorf("calls: %v", calls)
	}
	writeFile(t, n.ConfigFile(), "[profile p]\nregion = eu-west-1\n")
	wantIn(n.must("setup", "--profile", "p", "--yes", "--region", "us-east-1"), "The profile keeps its region, eu-west-1. To change it, run: aws configure set region us-east-1 --profile p\n")
	if got := dryRun(); strings.Count(got, "Would ") != 1 {
		t.Errorf("of a profile that works: %s", got)
	}
	n.isAlice()
}

// TestSetupWithoutPastStep has an AWS that takes the current and the coming code only. The pair that
// it refuses cannot be sent again, so there are two waits: for the next step, whose code and
// the one after enable the device, and for the one in which AWS takes a third code. Both are
// counted down.
func TestSetupWithoutPastStep(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t, func(o *sandbox.Options) { o.RefusePastStep = true })
	roomInStep()
	began := time.Now()
	shown := n.shell("setup", "--profile", "p", "--access-key-file", n.key, "--region", "us-east-1", "--yes").ends(0)
	t.Logf("setup took %v", time.Since(began))
	want := fewest()
	want["EnableMFADevice"] = 2
	n.wantCalls(want)
	if steps := n.steps(); !slices.Equal(steps, []int64{-1, 0, 1, 2, 3}) {
		t.Errorf("time steps %v", steps)
	}
	attempts := n.Server.State().Attempts
	for i, sent := range []int64{0, 0, 1, 1, 2} {
		if got := attempts[i].Time.Unix()/30 - attempts[0].Time.Unix()/30; got != sent {
			t.Errorf("code %d was sent in step %d, want %d", i, got, sent)
		}
	}
	waits := strings.Split(shown, "Getting a session")
	if len(waits) != 2 || !countedDown(waits[0]) || !countedDown(waits[1]) {
		t.Errorf("no countdown before and after the device was enabled: %q", shown)
	}
	n.isAlice()
	n.works("p")
}

// countedDown reports whether text shows seconds, each one less, down to 1, on a line that is erased
// in the end.
func countedDown(text string) bool {
	var left []int
	for _, match := range regexp.MustCompile(`\rwaiting for the next token code: (\d+)s\x1b\[K`).FindAllStringSubmatch(text, -1) {
		seconds, _ := strconv.Atoi(match[1])
		left = append(left, seconds)
	}
	for i := range left {
		if left[i] != len(left)-i {
			return false
		}
	}
	return len(left) > 0 && strings.Contains(text, " 1s\x1b[K\r\x1b[K")
}

// TestSetupTakesATypedPath reads the access key from the file whose path is typed where its id is asked for.
func TestSetupTakesATypedPath(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	s := n.shell("add", "p", "--store", "age")
	s.answer("Access key ID (AKIA...): ", "AKIAIOSFODNN7EXAMPLE")
	s.answer("Secret access key (not shown): ", n.key)
	n.check(s.Expect("it has access key " + n.user().Keys[0].ID + ", not AKIAIOSFODNN7EXAMPLE"))
	n.check(s.Type("\x03"))
	s.ends(130)
	s = n.shell("setup", "p", "--region", "us-east-1")
	s.answer("Access key ID (AKIA...): ", filepath.Join(n.Home(), "no-such-file.csv"))
	n.check(s.Expect("no such file"))
	s.answer("Access key ID (AKIA...): ", n.key)
	if shown := s.ends(0); strings.Contains(shown, "Secret access key") {
		t.Errorf("asks for what the file has: %s", shown)
	}
	n.works("p")
}

// TestSetupAsksForAll answers every question on the terminal.
func TestSetupAsksForAll(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	key := n.user().Keys[0]
	n.env = append(n.env, "AWS_PROFILE=")
	s := n.shell("setup", "--region", "us-east-1")
	s.answer("Name of the profile: ", "p")
	s.answer("Access key ID (AKIA...): ", key.ID)
	s.answer("Secret access key (not shown): ", key.Secret)
	if shown := s.ends(0); strings.Contains(shown, key.Secret) || !strings.Contains(shown, "Profile p works") {
		t.Errorf("shows %q", shown)
	}
	n.isAlice()
	n.works("p")
}

// TestSetupMovesTheKey finds an access key in ~/.aws/credentials, and runs twice.
func TestSetupMovesTheKey(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	key := n.user().Keys[0]
	credentialsFile := filepath.Join(n.Home(), ".aws", "credentials")
	writeFile(t, credentialsFile, "[other]\naws_access_key_id = x\n\n[p]\naws_access_key_id = "+key.ID+"\naws_secret_access_key = "+key.Secret+"\n")
	s := n.shell("setup", "--profile", "p", "--region", "us-east-1")
	s.answer("has access key "+key.ID+" in plain text. Move it to the store? [y/N]: ", "y")
	s.ends(0)
	left, err := os.ReadFile(credentialsFile)
	n.check(err)
	if strings.Contains(string(left), key.Secret) || !strings.Contains(string(left), "[other]\naws_access_key_id = x\n") {
		t.Errorf("left: %s", left)
	}
	n.isAlice()
	before := allCalls(n.Bed)
	said := n.must("setup", "--profile", "p", "--yes")
	if !strings.Contains(said, "has the MFA device arn:aws:iam::123456789012:mfa/alice-") || !strings.Contains(said, "already") || !strings.Contains(said, "Profile p works") {
		t.Errorf("the second run said %q", said)
	}
	before["GetCallerIdentity"]++ // the stored access key still works
	n.wantCalls(before)
	n.works("p")
}

// TestSetupWhereMFAIsDemanded lets a phone's code in, typed or from a file.
func TestSetupWhereMFAIsDemanded(t *testing.T) {
	t.Parallel()
	demanding := func(t *testing.T) *newcomer {
		return newNewcomer(t, demandsMFA, withDevice(phoneSerial, testbed.UserName))
	}
	t.Run("typed", func(t *testing.T) {
		t.Parallel()
		n := demanding(t)
		s := n.shell("setup", "--profile", "p", "--access-key-file", n.key, "--region", "us-east-1")
		s.answer("such as your phone's ["+phoneSerial+"]: ", "")
		question := "Its current code (" + phoneSerial + "): "
		wrong := n.noCodeOf(phoneSerial)
		s.answer(question, wrong+"0")
		n.check(s.Expect("a code has six digits"))
		s.answer(question, wrong)
		n.check(s.Expect("wait for its next code and give that"))
		s.answer(question, wrong)
		n.check(s.Expect("this code was already sent"))
		s.answer(question, n.codeOf(phoneSerial))
		s.ends(0)
		if minted := calls(n.Bed, "GetSessionToken"); minted != 3 {
			t.Errorf("%d calls of GetSessionToken", minted)
		}
		n.isAlice()
		n.works("p", phoneSerial)
	})
	t.Run("one of several", func(t *testing.T) {
		t.Parallel()
		n := newNewcomer(t, demandsMFA, withDevice(phoneSerial, testbed.UserName), withDevice(otherSerial, testbed.UserName))
		s := n.shell("setup", "--profile", "p", "--access-key-file", n.key, "--region", "us-east-1")
		n.check(s.Expect("The user has these MFA devices:\r\n  " + phoneSerial + "\r\n  " + otherSerial + "\r\n"))
		s.answer("such as your phone's: ", "my phone")
		n.check(s.Expect("the serial: "))
		s.answer("such as your phone's: ", phoneSerial)
		s.answer("): ", n.codeOf(phoneSerial))
		s.ends(0)
		n.works("p", phoneSerial, otherSerial)
	})
	t.Run("not told which", func(t *testing.T) {
		t.Parallel()
		n := newNewcomer(t, demandsMFA, denied("ListMFADevices"), withDevice(phoneSerial, testbed.UserName))
		s := n.shell("setup", "--profile", "p", "--access-key-file", n.key, "--region", "us-east-1")
		s.answer("(the console shows it under Security credentials): ", phoneSerial)
		s.answer("): ", n.codeOf(phoneSerial))
		s.ends(0)
		n.isAlice()
	})
	t.Run("wrong from a file", func(t *testing.T) {
		t.Parallel()
		n := demanding(t)
		code := filepath.Join(n.Dir, "secrets", "code")
		writeFile(t, code, n.noCodeOf(phoneSerial)+"\n")
		n.refused(6, []string{"wait for its next code and give that"}, "setup", "--profile", "p", "--access-key-file", n.key, "--region", "us-east-1", "--yes", "--mfa-serial", phoneSerial, "--mfa-code-file", code)
	})
	t.Run("from a file", func(t *testing.T) {
		t.Parallel()
		n := demanding(t)
		code := filepath.Join(n.Dir, "secrets", "code")
		writeFile(t, code, n.codeOf(phoneSerial)+"\n")
		n.must("setup", "--profile", "p", "--access-key-file", n.key, "--region", "us-east-1", "--yes", "--mfa-serial", phoneSerial, "--mfa-code-file", code)
		want := fewest()
		want["GetSessionToken"] = 2
		n.wantCalls(want)
		n.isAlice()
		n.works("p", phoneSerial)
	})
}

// TestSetupOfTheShellsProfile takes the profile from AWS_PROFILE where no flag names one.
func TestSetupOfTheShellsProfile(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	n.env = append(n.env, "AWS_PROFILE=p")
	n.must("setup", "--access-key-file", n.key, "--region", "us-east-1", "--yes")
	n.isAlice()
}
