//go:build linux

package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// newcomer is the machine of a user who has an access key in a file, and no MFA device: the AWS
// config does not exist.
type newcomer struct {
	*testbed.Bed
	t   *testing.T
	key string // the file
	env []string

	offset  time.Duration // of AWS's clock
	printed strings.Builder
}

func newNewcomer(t *testing.T, adjust ...func(*sandbox.Options)) *newcomer {
	t.Helper()
	o := sandbox.Options{World: sandbox.DefaultWorld()}
	o.World.Devices = nil
	for _, f := range adjust {
		f(&o)
	}
	n := &newcomer{Bed: bed(t, testbed.Options{Bare: true, Sandbox: o}), t: t}
	n.key = filepath.Join(n.Dir, "secrets", "key")
	n.writeKey(n.user())
	n.check(os.Remove(n.ConfigFile()))
	return n
}

func (n *newcomer) writeKey(u sandbox.User) {
	writeFile(n.t, n.key, u.Keys[0].ID+" "+u.Keys[0].Secret+"\n")
}

func (n *newcomer) check(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *newcomer) user() sandbox.User {
	world := n.Server.World()
	return *world.User(testbed.UserName)
}

func (n *newcomer) change(change func(*sandbox.World)) {
	n.t.Helper()
	n.check(n.Server.Update(change))
}

func (n *newcomer) inject(f sandbox.Fault) {
	n.t.Helper()
	n.check(n.Server.Inject(f))
}

// later moves AWS's clock on, so that no time step has to be waited for. The program learns it from
// the first answer of AWS.
func (n *newcomer) later() {
	n.offset += 2 * time.Minute
	n.Server.SetClockOffset(n.offset)
}

// waited is what is told of a wait where there is no terminal.
var waited = regexp.MustCompile(`^aws-mfa-creds: waiting up to \d+s for the next token code\n`)

// run runs the program. That it has to wait, which depends on the time of day, is not among what
// it prints.
func (n *newcomer) run(args ...string) outcome {
	n.t.Helper()
	got := run(n.t, n.Bed, n.env, n.Binary, args...)
	n.printed.WriteString(got.stdout + got.stderr)
	got.stderr = waited.ReplaceAllString(got.stderr, "")
	return got
}

// must runs the program, which must succeed and say nothing on stderr.
func (n *newcomer) must(args ...string) string {
	n.t.Helper()
	got := n.run(args...)
	if got.code != 0 || got.stderr != "" {
		n.t.Fatalf("%v: exit %d: %s%s", args, got.code, got.stdout, got.stderr)
	}
	return got.stdout
}

// refused runs the program, which must fail with the exit code and all the words on stderr: a
// line with the error, and perhaps one with a hint.
func (n *newcomer) refused(code int, words []string, args ...string) {
	n.t.Helper()
	got := n.run(args...)
	n.t.Logf("%s", got.stderr)
	if got.code != code || !strings.HasPrefix(got.stderr, "aws-mfa-creds: error: ") {
		n.t.Errorf("%v: exit %d, want %d: %s%s", args, got.code, code, got.stdout, got.stderr)
	}
	lines := strings.Split(strings.TrimSuffix(got.stderr, "\n"), "\n")
	if len(lines) > 2 || len(lines) == 2 && !strings.HasPrefix(lines[1], "aws-mfa-creds: hint: ") || strings.Contains(got.stderr, "--profile NAME") {
		n.t.Errorf("%v: not a line and a hint: %q", args, got.stderr)
	}
	for _, word := range words {
		if !strings.Contains(got.stderr, word) {
			n.t.Errorf("%v: no %q in %q", args, word, got.stderr)
		}
	}
}

// shell is a terminal with the program on it.
type shell struct {
	*terminal.Console
	n   *newcomer
	cmd *exec.Cmd
}

func (n *newcomer) shell(args ...string) *shell {
	n.t.Helper()
	cmd := n.Command(n.t.Context(), n.Binary, args...)
	cmd.Env = append(cmd.Env, n.env...)
	return n.onTerminal(cmd)
}

func (n *newcomer) onTerminal(cmd *exec.Cmd) *shell {
	n.t.Helper()
	console, err := terminal.Start(cmd)
	n.check(err)
	return &shell{console, n, cmd}
}

// answer waits for a question and types the answer.
func (s *shell) answer(question, answer string) {
	s.n.t.Helper()
	s.n.check(s.Expect(question))
	s.n.check(s.Type(answer + "\n"))
}

// ends waits for the end and returns all that was shown.
func (s *shell) ends(code int) string {
	s.n.t.Helper()
	got, err := s.Wait()
	s.n.check(err)
	if got != code {
		s.n.t.Errorf("exit %d, want %d: %s", got, code, s.Shown())
	}
	s.n.printed.WriteString(s.Shown())
	return s.Shown()
}

// works fails unless the profile has a working session, some time later, and what IAM has fits
// what is stored: the one device of the profile, with the seed that is stored for it, nothing that
// nobody has, one active key, the profile's, and an empty journal. others are devices that are
// none of the profile's business.
func (n *newcomer) works(profile string, others ...string) {
	n.t.Helper()
	n.later()
	n.run("doctor", "--profile", profile, "--online") // measures the clock
	credentials(n.t, n.run("get", "--profile", profile, "--refresh"))
	n.consistent(profile, others...)
	wantNoCodeTwice(n.t, n.Bed)
}

func (n *newcomer) consistent(profile string, others ...string) {
	n.t.Helper()
	own, err := os.ReadFile(filepath.Join(n.Own(), "profiles.ini"))
	n.check(err)
	world := n.Server.World()
	devices := 0
	for _, d := range world.Devices {
		if slices.Contains(others, d.Serial) {
			continue
		}
		devices++
		if d.User != testbed.UserName || d.OutOfSync || !strings.Contains(string(own), "= "+d.Serial+"\n") {
			n.t.Errorf("IAM has %s, of %q, out of sync %v, and profiles.ini has\n%s", d.Serial, d.User, d.OutOfSync, own)
		}
		if uri := n.must("export", "--profile", profile, "--uri", "--yes"); !strings.Contains(uri, "secret="+d.Seed) {
			n.t.Errorf("the seed of %s is not the stored one", d.Serial)
		}
	}
	if devices != 1 {
		n.t.Errorf("%d devices", devices)
	}
	n.noJournal()
	n.oneKey(string(own))
}

func (n *newcomer) noJournal() {
	n.t.Helper()
	if left, _ := filepath.Glob(filepath.Join(n.Own(), "unfinished", "*.json")); len(left) != 0 {
		n.t.Errorf("the journal has %v", left)
	}
}

func (n *newcomer) oneKey(own string) {
	n.t.Helper()
	keys := n.user().Keys
	if len(keys) != 1 || keys[0].Inactive || !strings.Contains(own, "= "+keys[0].ID+"\n") {
		n.t.Errorf("%d access keys, the first one %s, inactive %v, and profiles.ini has\n%s", len(keys), keys[0].ID, keys[0].Inactive, own)
	}
}

// untouched fails if anything of an enrollment is left: in IAM, beside the devices others, in
// the settings, or in the journal.
func (n *newcomer) untouched(others ...string) {
	n.t.Helper()
	for _, d := range n.Server.World().Devices {
		if !slices.Contains(others, d.Serial) {
			n.t.Errorf("IAM has %s, of %q", d.Serial, d.User)
		}
	}
	if own, err := os.ReadFile(filepath.Join(n.Own(), "profiles.ini")); err == nil && strings.Contains(string(own), ":mfa/") {
		n.t.Errorf("profiles.ini has %s", own)
	}
	n.noJournal()
}

// stored is a newcomer whose access key is stored for the profile work.
func stored(t *testing.T, adjust ...func(*sandbox.Options)) *newcomer {
	t.Helper()
	n := newNewcomer(t, adjust...)
	n.must("add", "--profile", "work", "--access-key-file", n.key)
	return n
}
