//go:build unix

package agefile

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// withPlugin returns a store whose keys are those of a plugin, with the item "a" in it. It is
// made without Rekey, which would try them.
func withPlugin(t *testing.T, name string) *Store {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	must(t, err)
	s := newStore(t)
	must(t, os.MkdirAll(s.Dir, 0o700))
	must(t, os.Chmod(s.Dir, 0o700))
	writeFile(t, s.path(identityFile), []byte("# a token\n"+plugin.EncodeIdentity(name, []byte(identity.String()))+"\n"))
	writeFile(t, s.path(recipientsFile), []byte(plugin.EncodeRecipient(name, []byte(identity.Recipient().String()))+"\n"))
	put(t, s, "a", canary)
	return s
}

func TestPlugin(t *testing.T) {
	t.Parallel()
	s := withPlugin(t, "good")
	wantSecret(t, s, "a", canary)
	if got, err := s.Status(t.Context()); err != nil || got.Mode != Own {
		t.Errorf("Status = %+v, %v", got, err)
	}
	whole := readFile(t, itemPath(s, "a"))
	whole[30] ^= 1
	writeFile(t, itemPath(s, "a"), whole)
	wantGetFault(t, s, "a", fault.NoSecret, "damaged")
}

// TestPluginIsTried has the user's own keys tried before they are taken.
func TestPluginIsTried(t *testing.T) {
	t.Parallel()
	given, other := withPlugin(t, "good"), withPlugin(t, "good")
	p := Protection{Recipients: keyLines(string(readFile(t, given.path(recipientsFile)))), IdentityFile: given.path(identityFile)}
	s := newStore(t)
	must(t, s.Rekey(t.Context(), p))
	put(t, s, "a", canary)
	wantSecret(t, s, "a", canary)
	p.IdentityFile = other.path(identityFile)
	wantFault(t, newStore(t).Rekey(t.Context(), p), fault.Usage, "does not open")
	wantFault(t, s.Rekey(t.Context(), p), fault.Usage, "does not open")
	wantSecret(t, s, "a", canary)
}

func TestPluginFailures(t *testing.T) {
	t.Parallel()
	for name, words := range map[string]string{
		"fail":   "the age plugin fail: failed: no token with serial 4711 is there",
		"blab":   "the age plugin blab: failed; try it",
		"crash":  "the age plugin crash: ended without an answer",
		"babble": "the age plugin babble: does not speak the protocol",
		"pin":    "the age plugin pin: wants an answer to: PIN of the token",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantGetFault(t, withPlugin(t, name), "a", fault.Store, words)
		})
	}
}

// TestMixedRecipients has a post-quantum recipient beside one that is not, which would make it
// worthless.
func TestMixedRecipients(t *testing.T) {
	t.Parallel()
	hybrid, err := age.GenerateHybridIdentity()
	must(t, err)
	s := newStore(t)
	put(t, s, "a", canary)
	classic := readFile(t, s.path(recipientsFile))
	writeFile(t, s.path(recipientsFile), append([]byte(hybrid.Recipient().String()+"\n"), classic...))
	wantFault(t, s.Put(t.Context(), "a", secret("b")), fault.Store, s.path(recipientsFile), "do not mix")
	wantSecret(t, s, "a", canary)
}

func TestPluginMissing(t *testing.T) {
	t.Parallel()
	s := withPlugin(t, "good")
	identity, err := age.GenerateX25519Identity()
	must(t, err)
	writeFile(t, s.path(identityFile), []byte(plugin.EncodeIdentity("absent", []byte(identity.String()))))
	wantGetFault(t, s, "a", fault.Store, "the age plugin absent", "age-plugin-absent", "PATH")
}

// TestPluginAsks has a person answer what plugins want to know.
func TestPluginAsks(t *testing.T) {
	t.Parallel()
	s := withPlugin(t, "pin")
	person := &scripted{secret: "1234"}
	s.Person = person
	wantSecret(t, s, "a", canary)
	if len(person.asked) != 1 || person.asked[0] != "age-plugin-pin: PIN of the token" {
		t.Errorf("asked %q", person.asked)
	}
	person.secret = "9876"
	_, err := s.Get(t.Context(), "a")
	wantFault(t, err, fault.Store, "the age plugin pin: failed")
	if strings.Contains(fault.Line(err), "9876") {
		t.Errorf("%s shows the PIN", fault.Line(err))
	}
	person.secret = ""
	wantGetFault(t, s, "a", fault.Store, "the age plugin pin: failed")
	quiz := withPlugin(t, "quiz")
	host := &scripted{public: "9a", yes: true}
	quiz.Person = host
	wantSecret(t, quiz, "a", canary)
	if got := strings.Join(host.asked, "|"); got != "age-plugin-quiz: slot|age-plugin-quiz: really (yes: do it, no: leave it)" {
		t.Errorf("asked %q", got)
	}
	if got := host.shown.String(); got != "age-plugin-quiz: a quiz\n" {
		t.Errorf("shown %q", got)
	}
	host.yes = false
	wantGetFault(t, quiz, "a", fault.Store, "not confirmed")
}

// TestHangingPlugin has plugins that hang killed with all that they have started, and shows what they
// wanted to be shown.
func TestHangingPlugin(t *testing.T) {
	t.Parallel()
	for name, words := range map[string]string{
		"hang":  "did not answer in time; try it",
		"stray": "did not answer in time; try it",
		"touch": `did not answer in time; it said: please touch\x1b[2J the token; do what it says`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, running := hanging(t, name)
			ctx := expiring{make(chan struct{})}
			failed := make(chan error)
			go func() { _, err := s.Get(ctx, "a"); failed <- err }()
			started := running()
			close(ctx.done)
			wantFault(t, <-failed, fault.Store, words)
			wantGone(t, started...)
			if name == "stray" {
				endLeft(t, s)
			}
		})
	}
}

func TestInterruptedPlugin(t *testing.T) {
	t.Parallel()
	s, running := hanging(t, "hang")
	ctx, cancel := context.WithCancelCause(t.Context())
	failed := make(chan error)
	go func() { _, err := s.Get(ctx, "a"); failed <- err }()
	started := running()
	interrupted := errors.New("interrupted")
	cancel(interrupted)
	if err := <-failed; !errors.Is(err, interrupted) {
		t.Errorf("Get = %v", err)
	}
	wantGone(t, started...)
}

func wantGone(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		for end := time.Now().Add(time.Minute); syscall.Kill(pid, 0) == nil && !zombie(pid); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("process %d is still running", pid)
			}
		}
	}
}

// zombie reports a process that has ended, but that nobody has waited for.
func zombie(pid int) bool {
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z")
}

// expiring is a context whose time is over when the test says so.
type expiring struct{ done chan struct{} }

func (e expiring) Deadline() (time.Time, bool) { return time.Time{}, false }
func (e expiring) Done() <-chan struct{}       { return e.done }
func (e expiring) Value(any) any               { return nil }

func (e expiring) Err() error {
	select {
	case <-e.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// hanging returns a store of a plugin that hangs, and what waits for the ids of its processes, which
// end with the test at the latest.
func hanging(t *testing.T, name string) (s *Store, running func() []int) {
	s = withPlugin(t, name)
	return s, func() (started []int) {
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
			text, _ := os.ReadFile(pids(t, s))
			if fields := strings.Fields(string(text)); strings.HasSuffix(string(text), "\n") {
				for _, field := range fields {
					pid, err := strconv.Atoi(field)
					must(t, err)
					started = append(started, pid)
					t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
				}
				return started
			}
		}
		t.Fatal("the plugin never ran")
		return nil
	}
}

// pids returns the file in which the plugin of the store tells what it has started.
func pids(t *testing.T, s *Store) string {
	_, data, err := plugin.ParseIdentity(keyLines(string(readFile(t, s.path(identityFile))))[0])
	must(t, err)
	file := pidsFile(string(data))
	t.Cleanup(func() { _, _ = os.Remove(file), os.Remove(file+".left") })
	return file
}

// TestPluginLeavesNothingOpen runs a whole process whose plugin leaves behind another that holds
// all its streams. Whoever reads our stdout and stderr to their end does not wait for it.
func TestPluginLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	s := withPlugin(t, "linger")
	cmd := process(t, "get", s.Dir, "a", "AGEDEBUG=plugin", "AWS_MFA_CREDS_SEED="+canary)
	cmd.Stderr = nil
	out, err := cmd.CombinedOutput() // waits for the end of both streams
	if err != nil || string(out) != "got it\n" {
		t.Errorf("%v: %q", err, out)
	}
	endLeft(t, s)
}

// endLeft ends what a plugin has left behind.
func endLeft(t *testing.T, s *Store) {
	t.Helper()
	pid, err := strconv.Atoi(string(readFile(t, pids(t, s)+".left")))
	must(t, err)
	if syscall.Kill(pid, 0) != nil {
		t.Error("nothing was left behind, so this shows nothing")
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

// TestRealPlugin uses one of age's own plugins. With it the age of the distributions opens what is
// encrypted to post-quantum recipients.
func TestRealPlugin(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(pluginDir, "age-plugin-pq"), "filippo.io/age/extra/age-plugin-pq")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	identity, err := age.GenerateHybridIdentity()
	must(t, err)
	writeFile(t, filepath.Join(dir, "native"), []byte(identity.String()+"\n"))
	run(t, "age-plugin-pq", "", "-identity", "-o", filepath.Join(dir, "plugin"), filepath.Join(dir, "native"))
	s := newStore(t)
	must(t, s.Rekey(t.Context(), Protection{Recipients: []string{identity.Recipient().String()}, IdentityFile: filepath.Join(dir, "plugin")}))
	put(t, s, "a", canary)
	wantSecret(t, s, "a", canary)
	if got := run(t, "age", "age", "-d", "-i", s.path(identityFile), itemPath(s, "a")); !strings.Contains(got, canary) {
		t.Errorf("age says %q", got)
	}
	must(t, s.Rekey(t.Context(), Protection{Recipients: []string{identity.Recipient().String()}, IdentityFile: filepath.Join(dir, "native")}))
	wantSecret(t, s, "a", canary)
}
