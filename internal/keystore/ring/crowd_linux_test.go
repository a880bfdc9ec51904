package ring

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// crowd is what each of many processes does: it stores an item of its own and one that all
// share, and must find its own again, and in the other what any of them has stored, whole.
func crowd(kind, number string) error {
	r := roleRing(kind)
	own, ownValue := "key:"+number, strings.Repeat(number+" ", 100)
	for range 2 {
		if err := r.Put(ctx(), own, creds.NewSecret(ownValue)); err != nil {
			return err
		}
		// Its read-back may find the value of another: that is no failure of the keyring.
		if err := r.Put(ctx(), "seed:shared", creds.NewSecret(ownValue)); err != nil && !strings.Contains(err.Error(), "something else") {
			return err
		}
		shared, err := r.Get(ctx(), "seed:shared")
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(shared.Reveal(), " ")
		if shared.Reveal() != strings.Repeat(first+" ", 100) {
			return fmt.Errorf("torn: %q", shared.Reveal())
		}
	}
	got, err := r.Get(ctx(), own)
	if err == nil && got.Reveal() != ownValue {
		err = fmt.Errorf("%s holds %q", own, got.Reveal())
	}
	return err
}

func TestFiftyProcessesAtOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind      string
		processes int
	}{{SecretService, 50}, {KWallet, 50}, {Pass, 10}, {Keyctl, 50}} {
		t.Run(test.kind, func(t *testing.T) {
			t.Parallel()
			d := desk{env: os.Environ()}
			if test.kind == Keyctl {
				needKernel(t)
				if os.Geteuid() != 0 {
					test.processes = 10 // a user may have 200 keys, and each of their threads has a keyring as well
				}
				t.Cleanup(func() {
					r := d.open(t, Keyctl)
					for i := range test.processes {
						_ = r.Delete(ctx(), "key:"+strconv.Itoa(i))
					}
					_ = r.Delete(ctx(), "seed:shared")
				})
			} else {
				d = newDesk(t, test.kind)
			}
			var all sync.WaitGroup
			for i := range test.processes {
				all.Go(func() {
					if err := d.role(ctx(), "crowd "+test.kind+" "+strconv.Itoa(i)).Run(); err != nil {
						t.Errorf("process %d: %v", i, err)
					}
				})
			}
			all.Wait()
			r := d.open(t, test.kind)
			for i := range test.processes {
				wantGet(t, r, "key:"+strconv.Itoa(i), strings.Repeat(strconv.Itoa(i)+" ", 100))
			}
			if test.kind != Keyctl {
				d.wantNoProcesses(t)
			}
		})
	}
}

// TestKilledWhileStoring kills, at times that move through the whole of it, the process that
// stores or its worker: the item holds the old or the new value.
func TestKilledWhileStoring(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{SecretService, KWallet, Pass} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, kind)
			r := d.open(t, kind)
			mustPut(t, r, "key:x", strings.Repeat("old", 600))
			for i := range 24 {
				value := strings.Repeat(fmt.Sprintf("%03d", i), 600)
				before, err := r.Get(ctx(), "key:x")
				if err != nil {
					t.Fatal(fault.Line(err))
				}
				killWhileStoring(t, d, i, kind, value)
				got, err := r.Get(ctx(), "key:x")
				if err != nil {
					t.Fatalf("round %d: %s", i, fault.Line(err))
				}
				if got.Reveal() != value && !got.Equal(before) {
					t.Fatalf("round %d: torn: %.60q", i, got.Reveal())
				}
			}
			if err := r.Delete(ctx(), "key:x"); err != nil {
				t.Error(err)
			}
			if left, _ := filepath.Glob(d.home + "/.password-store/" + service + "/*"); len(left) > 0 {
				t.Errorf("after Delete: %q", left)
			}
		})
	}
}

func killWhileStoring(t *testing.T, d desk, round int, kind, value string) {
	t.Helper()
	parent := d.role(ctx(), "put "+kind)
	parent.Stderr = nil
	parent.Stdin = strings.NewReader(value)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = parent.Wait(); close(done) }()
	step := 250 // microseconds
	if kind == Pass {
		step = 1000
	}
	time.Sleep(time.Duration(round*round*step) * time.Microsecond)
	if round%2 == 0 {
		_ = parent.Process.Kill()
	} else if worker := d.worker(); worker > 0 {
		_ = syscall.Kill(worker, syscall.SIGKILL)
	}
	<-done
	d.wantNoProcesses(t)
}

// worker returns a worker of the desk, or 0.
func (d desk) worker() int {
	for _, pid := range d.processes() {
		args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if strings.Contains(string(args), "\x00"+WorkerArg+"\x00") {
			return pid
		}
	}
	return 0
}

// TestSerialised has a keyring that refuses simultaneous calls, as macOS's does, used by many
// processes. The worker is run by a script that notices another.
func TestSerialised(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SecretService)
	dir := t.TempDir()
	script := filepath.Join(dir, "worker")
	text := "#!/bin/sh\nmkdir " + dir + "/running || echo two at once >>" + dir + "/refused\n" + os.Args[0] + ` "$@"` + "\nrmdir " + dir + "/running\n"
	writeProgram(t, script, text)
	mustPut(t, d.open(t, SecretService), "key:x", "value")
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			cmd := d.role(ctx(), "serialised "+dir)
			if err := cmd.Run(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if out, err := os.ReadFile(dir + "/refused"); err == nil {
		t.Errorf("%s", out)
	}
	// Whoever does not get the lock says so.
	r := d.open(t, SecretService)
	r.serial, r.options.Serialize = true, lockFile(dir+"/lock")
	unlock, err := lockFile(dir + "/lock")(ctx())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	_, err = short(r).Get(ctx(), "key:x")
	wantFault(t, "locked out", err, fault.Store, "other processes have been using it")
}

// serialised reads an item under a lock, by the script in dir.
func serialised(dir string) error {
	r := roleRing(SecretService)
	r.options.Executable = dir + "/worker"
	r.serial, r.options.Serialize = true, lockFile(dir+"/lock")
	for range 3 {
		if _, err := r.Get(ctx(), "key:x"); err != nil {
			return err
		}
	}
	return nil
}

func TestOnlyTheKeychainIsSerialised(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		r, err := Open(Options{Kind: kind})
		if err != nil || r.serial != (kind == Keychain) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// TestNoOrphans makes a hundred calls, of which nothing is left.
func TestNoOrphans(t *testing.T) {
	t.Parallel()
	d, mark := newDesk(t, SecretService).tripwire(t, "dbus-launch")
	r := d.open(t, SecretService)
	mustPut(t, r, "key:x", "value")
	for range 100 {
		wantGet(t, r, "key:x", "value")
	}
	d.wantNoProcesses(t)
	if out, err := os.ReadFile(mark); err == nil {
		t.Errorf("ran %s", out)
	}
}

// TestTenThousandItems fills the collection and reads one.
func TestTenThousandItems(t *testing.T) {
	t.Parallel()
	r := newFullDesk(t, 10_000).open(t, SecretService)
	mustPut(t, r, "key:x", "value")
	wantGet(t, r, "key:x", "value")
	mustPut(t, r, "key:x", "new")
	wantGet(t, r, "key:x", "new")
	wantGet(t, r, "key:filler 9999", "v")
	if err := r.Delete(ctx(), "key:x"); err != nil {
		t.Error(err)
	}
}
