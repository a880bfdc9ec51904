package ring

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/worker"
)

// roleVar names what a process of this test binary is to do in place of the tests.
const roleVar = "RING_TEST_ROLE"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == WorkerArg {
		os.Exit(Worker(os.Stdin, os.Stdout))
	}
	worker.RestoreBus() // as main does
	child.TakeSecrets()
	if role := os.Getenv(roleVar); role != "" {
		if err := playRole(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// desk is a place with a keyring of its own, made by scripts/keyrings.
type desk struct {
	env         []string
	home        string
	bus, daemon int // process ids, or 0
}

func newDesk(t testing.TB, store string, env ...string) desk {
	t.Helper()
	for _, program := range map[string][]string{
		"bus": {"dbus-daemon"}, SecretService: {"dbus-daemon", "gnome-keyring-daemon", "dbus-send", "secret-tool"},
		KWallet: {"dbus-daemon", "kwalletd5", "gdbus"}, Pass: {"pass", "gpg"}, "pass-locked": {"pass", "gpg"},
	}[store] {
		need(t, program)
	}
	cmd := exec.Command("../../../scripts/keyrings", store, "sh", "-c", `env -0; printf '\n\0'; exec cat`)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	var d desk
	for out := bufio.NewReader(stdout); ; {
		pair, err := out.ReadString(0)
		if err != nil {
			t.Fatal("scripts/keyrings ", store, ": ", err)
		}
		if pair = strings.TrimSuffix(pair, "\x00"); pair == "\n" {
			break
		}
		d.env = append(d.env, pair)
	}
	d.env = append(d.env, "GORACE=atexit_sleep_ms=0") // else each worker of a test with -race takes a second more
	d.home = d.get("HOME")
	d.bus, _ = strconv.Atoi(d.get("BUS_PID"))
	d.daemon, _ = strconv.Atoi(d.get("DAEMON_PID"))
	return d
}

func (d desk) get(name string) string {
	for _, pair := range d.env {
		if value, found := strings.CutPrefix(pair, name+"="); found {
			return value
		}
	}
	return ""
}

// with returns the desk with other variables.
func (d desk) with(pairs ...string) desk {
	var env []string
	for _, pair := range d.env {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(strings.Join(pairs, "\n"), name+"=") && !strings.Contains("\n"+strings.Join(pairs, "\n"), "\n"+name+"=") {
			env = append(env, pair)
		}
	}
	d.env = append(env, pairs...)
	return d
}

// writeProgram writes a script that can be run at once. While a test starts a process, that holds all files open that
// are open here, and Linux runs none that is open for writing.
func writeProgram(t testing.TB, path, script string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
}

// run runs a program at the desk.
func (d desk) run(t testing.TB, stdin string, argv ...string) string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = d.env
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v: %s", argv, err, out)
	}
	return string(out)
}

// role returns a process of this binary with a role, at the desk.
func (d desk) role(ctx context.Context, role string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(append([]string(nil), d.env...), roleVar+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}

// patient is how long a call may take in tests that are not about that.
const patient = 2 * time.Minute

// open opens a keyring at the desk, with all the time in the world.
func (d desk) open(t testing.TB, kind string) *Ring {
	t.Helper()
	r, err := Open(Options{Kind: kind, Executable: os.Args[0], Env: d.env})
	if err != nil {
		t.Fatal(err)
	}
	r.limit = patient
	return r
}

// stop halts a process, so that it keeps its connections and answers nothing.
func stop(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
}

// processes returns the processes with the environment of the desk, other than its daemons.
func (d desk) processes() (pids []int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		env, _ := os.ReadFile(dir + "/environ")
		args, _ := os.ReadFile(dir + "/cmdline")
		name, _, _ := bytes.Cut(args, []byte{0})
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if bytes.Contains(env, []byte("HOME="+d.home+"\x00")) && pid != d.bus && pid != d.daemon && pid != os.Getpid() && string(name) != "cat" && string(name) != "gpg-agent" {
			pids = append(pids, pid)
		}
	}
	return pids
}

// wantNoProcesses waits until nothing is left of what was run at the desk.
func (d desk) wantNoProcesses(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		left := d.processes()
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", left[0]))
			t.Fatalf("%d processes are left, %q first", len(left), args)
		}
	}
}

func need(t testing.TB, program string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skipf("needs %s: run scripts/install-test-tools", program)
	}
}

func mustPut(t testing.TB, r *Ring, name, value string) {
	t.Helper()
	if err := r.Put(t.Context(), name, creds.NewSecret(value)); err != nil {
		t.Fatalf("Put %.40q: %s", name, fault.Line(err))
	}
}

func wantGet(t testing.TB, r *Ring, name, value string) {
	t.Helper()
	got, err := r.Get(t.Context(), name)
	if err != nil {
		t.Fatalf("Get %.40q: %s", name, fault.Line(err))
	}
	if got.Reveal() != value {
		t.Errorf("Get %.40q = %.60q, want %.60q", name, got.Reveal(), value)
	}
}

// wantFault checks the kind of an error and that its line says what a person needs.
func wantFault(t testing.TB, what string, err error, kind fault.Kind, says ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	line := fault.Line(err)
	if fault.KindOf(err) != kind {
		t.Errorf("%s: exit code %d, want %d: %s", what, fault.KindOf(err), kind, line)
	}
	for _, part := range says {
		if !strings.Contains(line, part) {
			t.Errorf("%s: does not say %q: %s", what, part, line)
		}
	}
	if failure, found := errors.AsType[*fault.Error](err); !found || failure.Remedy == "" {
		t.Errorf("%s: no remedy: %s", what, line)
	}
}

// everyCall makes each call there is.
func everyCall(t testing.TB, r *Ring, check func(what string, err error)) {
	t.Helper()
	_, err := r.Get(t.Context(), "key:x")
	check("Get", err)
	check("Put", r.Put(t.Context(), "key:x", creds.NewSecret("new")))
	check("Delete", r.Delete(t.Context(), "key:x"))
	check("Probe", r.Probe(t.Context()))
}
