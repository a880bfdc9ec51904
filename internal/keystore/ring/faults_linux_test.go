package ring

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// lock locks the keyring "login".
func (d desk) lock(t testing.TB) {
	t.Helper()
	d.run(t, "", "dbus-send", "--session", "--print-reply", "--dest="+secrets, secretsPath, secretsService+".Lock", "array:objpath:"+collectionsPath+login)
}

// short gives calls a limit that a test can wait for.
func short(r *Ring) *Ring {
	r.limit = time.Second
	return r
}

// tripwire puts a program first on PATH that leaves a mark and starts nothing.
func (d desk) tripwire(t testing.TB, program string) (tripped desk, mark string) {
	t.Helper()
	dir := t.TempDir()
	mark = filepath.Join(dir, "mark")
	writeProgram(t, filepath.Join(dir, program), "#!/bin/sh\necho \"$0 $*\" >>"+mark+"\nexit 1\n")
	return d.with("PATH=" + dir + ":" + d.get("PATH")), mark
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for ask, want := range map[bool]time.Duration{false: 3 * time.Second, true: time.Minute} {
		r, err := Open(Options{Kind: SecretService, Ask: ask})
		if err != nil || r.limit != want {
			t.Errorf("ask %v: %v, %v", ask, r.limit, err)
		}
	}
}

func TestSecretServiceLocked(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SecretService)
	r := d.open(t, SecretService)
	mustPut(t, r, "key:x", "old")
	d.lock(t)
	everyCall(t, r, func(what string, err error) {
		wantFault(t, what, err, fault.Store, "keyring", "is locked", "Seahorse", "--store age")
	})
	// Where a person may be asked, but there is no display to ask on.
	r.options.Ask = true
	_, err := r.Get(t.Context(), "key:x")
	wantFault(t, "Get that asks nobody", err, fault.Store)
	d.wantNoProcesses(t)
}

// TestPrompterThatHangs has a person who does not answer: the limit ends it. Then the bus
// breaks down while the person is asked.
func TestPrompterThatHangs(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SecretService)
	r := d.open(t, SecretService)
	mustPut(t, r, "key:x", "old")
	d.lock(t)
	prompter := d.role(t.Context(), "prompter")
	out, err := prompter.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := prompter.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = prompter.Process.Kill(); _ = prompter.Wait() })
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	everyCall(t, r, func(what string, err error) { wantFault(t, what+" without asking", err, fault.Store, "is locked") })
	stop(t, prompter.Process.Pid)

	r.options.Ask = true
	quick := *r
	_, err = short(&quick).Get(t.Context(), "key:x")
	wantFault(t, "Get with a prompter that hangs", err, fault.Store, "has not answered within 1s")

	go func() {
		for len(d.processes()) < 2 { // the prompter and the worker
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(300 * time.Millisecond)
		_ = syscall.Kill(d.bus, syscall.SIGKILL)
	}()
	_, err = r.Get(t.Context(), "key:x")
	wantFault(t, "Get while the bus dies", err, fault.Store)
	if strings.Contains(fault.Line(err), "has not answered") {
		t.Errorf("waited for a bus that is no more: %s", fault.Line(err))
	}
}

// prompter owns the name of the desktop's prompter and answers nothing.
func prompter() error {
	conn, err := dbus.Dial(os.Getenv("DBUS_SESSION_BUS_ADDRESS"))
	if err != nil {
		return err
	}
	if err := conn.Auth(nil); err != nil {
		return err
	}
	if err := conn.Hello(); err != nil {
		return err
	}
	if _, err := conn.RequestName("org.gnome.keyring.SystemPrompter", 0); err != nil {
		return err
	}
	fmt.Println("ready")
	select {}
}

func TestNobodyOnTheBus(t *testing.T) {
	t.Parallel()
	d, mark := newDesk(t, "bus").tripwire(t, "dbus-launch")
	for _, kind := range []string{SecretService, KWallet} {
		everyCall(t, d.open(t, kind), func(what string, err error) {
			wantFault(t, kind+" "+what, err, fault.Store, "no program that offers it is running", "install", "--store age")
		})
	}
	if out, err := os.ReadFile(mark); err == nil {
		t.Errorf("ran %s", out)
	}
}

// TestNoBus has no bus at all, in every way there is. Nobody may launch one.
func TestNoBus(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	base := desk{home: home, env: []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0"}}
	d, mark := base.tripwire(t, "dbus-launch")
	for what, address := range map[string]string{
		"none": "", "autolaunch": "autolaunch:", "scope": "autolaunch:scope=*user", "no socket": "unix:path=" + home + "/none", "nonsense": "nonsense", "other": "magic:path=/x",
	} {
		for _, kind := range []string{SecretService, KWallet} {
			r := d.with("DBUS_SESSION_BUS_ADDRESS="+address, "XDG_RUNTIME_DIR="+home).open(t, kind)
			everyCall(t, r, func(call string, err error) {
				wantFault(t, what+" "+kind+" "+call, err, fault.Store, "there is no D-Bus session bus", "--store age")
			})
		}
	}
	for range 20 {
		if out, err := d.role(t.Context(), "nothing").Output(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if out, err := os.ReadFile(mark); err == nil {
		t.Errorf("ran %s", out)
	}
	d.wantNoProcesses(t)
}

// TestEverythingHangs stops the daemon, and then the bus: each call ends within the limit,
// nothing is left running, and other processes of this program do not even notice.
func TestEverythingHangs(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{SecretService, KWallet} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, kind)
			mustPut(t, d.open(t, kind), "key:x", "old")
			for what, pid := range map[string]int{"daemon": d.daemon, "bus": d.bus} {
				stop(t, pid)
				everyCall(t, short(d.open(t, kind)), func(call string, err error) {
					wantFault(t, what+" "+call, err, fault.Store, "has not answered within", "--store age")
				})
				d.wantNoProcesses(t)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if out, err := d.role(ctx, "nothing").Output(); err != nil {
					t.Errorf("a process that has nothing to do with keyrings: %v: %s", err, out)
				}
				_ = syscall.Kill(pid, syscall.SIGCONT)
			}
			wantGet(t, d.open(t, kind), "key:x", "old")
		})
	}
}

// TestInterrupted has the caller give up before the limit.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SecretService)
	stop(t, d.bus)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	_, err := d.open(t, SecretService).Get(ctx, "key:x")
	if fault.KindOf(err) != fault.Store || !isCanceled(err) {
		t.Errorf("got %v", err)
	}
	d.wantNoProcesses(t)
}

// TestWorkerEndsByItself kills the parent of a worker that hangs before its main.
func TestWorkerEndsByItself(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SecretService)
	stop(t, d.bus)
	parent := d.role(t.Context(), "hang")
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	for len(d.processes()) < 2 {
		time.Sleep(time.Millisecond)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	d.wantNoProcesses(t)
}

// TestNothingInTheOpen looks at a worker that hangs with a secret: it is not in its arguments or its
// environment, though it was in that of its parent, nor in the arguments of that.
func TestNothingInTheOpen(t *testing.T) {
	t.Parallel()
	const canary = "canary-wJalrXUtnFEMI"
	d := newDesk(t, SecretService)
	stop(t, d.daemon)
	parent := d.with("AWS_MFA_CREDS_SECRET_ACCESS_KEY="+canary).role(t.Context(), "hanging put")
	var said bytes.Buffer
	parent.Stdin, parent.Stderr = strings.NewReader(canary), &said
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- parent.Wait() }()
	seen := 0
	for running := true; running; {
		for _, pid := range d.processes() {
			arguments, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			environment, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
			if bytes.Contains(arguments, []byte(WorkerArg)) {
				seen++
			}
			if bytes.Contains(arguments, []byte(canary)) || pid != parent.Process.Pid && bytes.Contains(environment, []byte(canary)) {
				t.Errorf("%q shows the secret", arguments)
			}
		}
		select {
		case err := <-done:
			if err == nil || !strings.Contains(said.String(), "has not answered") || strings.Contains(said.String(), canary) {
				t.Errorf("Put: %v: %s", err, said.String())
			}
			running = false
		default:
			time.Sleep(10 * time.Millisecond)
		}
	}
	if seen == 0 {
		t.Error("no worker was seen")
	}
}

// TestAnswerIsAlone has something else print on stdout in a worker.
func TestAnswerIsAlone(t *testing.T) {
	t.Parallel()
	cmd := (desk{env: os.Environ()}).role(t.Context(), "noise")
	var printed bytes.Buffer
	cmd.Stderr = &printed
	cmd.Stdin = strings.NewReader(`{"op":"get","kind":"none","name":"key:x"}`)
	out, err := cmd.Output()
	if err != nil || string(out) != `{"state":"broken"}`+"\n" || !strings.Contains(printed.String(), "noise") {
		t.Errorf("stdout %q, stderr %q, %v", out, printed.String(), err)
	}
}

// TestWorkerThatFails has other programs in the worker's place.
func TestWorkerThatFails(t *testing.T) {
	t.Parallel()
	for what, script := range map[string]string{
		"fails": "exit 1", "says nothing": "exit 0", "panics": "echo 'panic: canary' >&2; exit 2", "says more": `echo '{"state":"ok"}' '{"state":"ok"}'`,
		"floods": "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxx; done", "half": `printf '{"state":"o'`, "too large": `printf '{"state":"ok","value":"%s"}' $(head -c 3000 /dev/zero | base64 -w0)`,
	} {
		file := filepath.Join(t.TempDir(), "worker")
		writeProgram(t, file, "#!/bin/sh\n"+script+"\n")
		r := (desk{env: os.Environ()}).open(t, SecretService)
		r.options.Executable = file
		_, err := r.Get(t.Context(), "key:x")
		wantFault(t, what, err, fault.Store, "the worker process", "has failed")
	}
	r := (desk{}).open(t, SecretService)
	r.options.Executable = "/nowhere"
	_, err := r.Get(t.Context(), "key:x")
	wantFault(t, "no such program", err, fault.Store, "the worker process")
}
