package ring

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// TestStoredIsDurable kills the daemon as soon as it has stored an item, and starts another.
func TestStoredIsDurable(t *testing.T) {
	t.Parallel()
	for kind, restart := range map[string]string{
		SecretService: `printf swordfish | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null 2>&1`,
		KWallet: `QT_QPA_PLATFORM=offscreen kwalletd5 >/dev/null 2>&1 & until gdbus call --session --timeout 5 --dest org.kde.kwalletd5 ` +
			`--object-path /modules/kwalletd5 --method org.kde.KWallet.pamOpen kdewallet "[byte $(seq -s, 0 55)]" 0 >/dev/null 2>&1; do sleep 0.1; done`,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, kind)
			r := d.open(t, kind)
			mustPut(t, r, "key:x", "old")
			mustPut(t, r, "key:x", "value")
			if err := syscall.Kill(d.daemon, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			for syscall.Kill(d.daemon, 0) == nil && r.Probe(t.Context()) == nil {
				time.Sleep(time.Millisecond)
			}
			d.run(t, "", "sh", "-c", restart)
			t.Cleanup(func() {
				for _, pid := range d.processes() {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			})
			for r.Probe(t.Context()) != nil {
				time.Sleep(10 * time.Millisecond)
			}
			wantGet(t, r, "key:x", "value")
		})
	}
}

// TestGpgKilledInTheMiddle has gpg write half a file and then kill all that was run for us.
func TestGpgKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Pass)
	mustPut(t, d.open(t, Pass), "key:x", "old")
	bin := t.TempDir()
	script := `#!/bin/bash
if [ "$1" = -e ] || [ "$2" = -e ]; then
  while [ "$1" != -o ]; do shift; done
  printf half >"$2"
  kill -KILL 0
fi
PATH=${PATH#*:} exec gpg "$@"
`
	writeProgram(t, filepath.Join(bin, "gpg"), script)
	err := d.with("PATH="+bin+":"+d.get("PATH")).open(t, Pass).Put(t.Context(), "key:x", creds.NewSecret("new"))
	wantFault(t, "Put", err, fault.Store, "the worker process")
	wantGet(t, d.open(t, Pass), "key:x", "old")
}

// TestKernelItemIsReplacedAtOnce reads an item that others replace: it is always there.
func TestKernelItemIsReplacedAtOnce(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, who may have more than 200 keys")
	}
	r, name := kernelRing(t)
	done := make(chan struct{})
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if err := r.Put(ctx(), name, creds.NewSecret("value")); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for range 20_000 {
		if got, err := r.Get(ctx(), name); err != nil || got.Reveal() != "value" {
			t.Errorf("Get = %s, %v", got.Reveal(), err)
			break
		}
	}
	close(done)
	writers.Wait()
}

// liar is a keyring that stores something else, or nothing, and says nothing.
type liar struct{ stored []byte }

func (l liar) get(string) ([]byte, error) {
	if l.stored == nil {
		return nil, trouble{state: absent}
	}
	return l.stored, nil
}
func (liar) set(string, []byte) error { return nil }
func (liar) remove(string) error      { return nil }

func TestPutReadsBack(t *testing.T) {
	t.Parallel()
	for _, stored := range [][]byte{nil, []byte("valu"), []byte("value2")} {
		if err := put(liar{stored}, "key:x", []byte("value")); err == nil {
			t.Errorf("believed it, though it holds %q", stored)
		}
	}
	if err := put(liar{[]byte("value")}, "key:x", []byte("value")); err != nil {
		t.Error(err)
	}
}

func TestKWalletLocked(t *testing.T) {
	t.Parallel()
	d := newDesk(t, KWallet)
	r := d.open(t, KWallet)
	mustPut(t, r, "key:x", "value")
	d.run(t, "", "dbus-send", "--session", "--print-reply", "--dest="+walletService, walletPath, wallet+"close", "string:kdewallet", "boolean:true")
	everyCall(t, r, func(what string, err error) {
		wantFault(t, what, err, fault.Store, "KDE Wallet", "is locked", "KWalletManager", "--store age")
	})
	everyCall(t, d.with("DISABLE_KWALLET=1").open(t, KWallet), func(what string, err error) { wantFault(t, what, err, fault.Store, "KDE Wallet") })
}
