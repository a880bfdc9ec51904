package agefile

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// sealedStore returns a store with a passphrase and the item "a", that is locked again when the test
// ends.
func sealedStore(t testing.TB) *Store {
	t.Helper()
	s := newStore(t)
	must(t, s.Rekey(t.Context(), Protection{Passphrase: secret(passphrase)}))
	put(t, s, "a", canary) // needs no passphrase
	t.Cleanup(func() { _ = s.Lock(t.Context()) })
	return s
}

func unlock(t testing.TB, s *Store, life time.Duration) {
	t.Helper()
	err := s.Unlock(t.Context(), secret(passphrase), life)
	if errors.Is(err, syscall.ENOSYS) && os.Getenv("CI") != "true" {
		t.Skip("no kernel keyring here:", err)
	}
	must(t, err)
}

func TestUnlockAndLock(t *testing.T) {
	t.Parallel()
	s := sealedStore(t)
	wantGetFault(t, s, "a", fault.Store, "the age store: is locked; run: aws-mfa-creds unlock")
	wantGetFault(t, s, "none", fault.NoSecret)
	wantFault(t, s.Unlock(t.Context(), secret("wrong"), time.Minute), fault.Store, "passphrase", "wrong")
	wantFault(t, s.Unlock(t.Context(), secret(""), time.Minute), fault.Usage)
	wantFault(t, s.Unlock(t.Context(), secret(passphrase), time.Millisecond), fault.Usage)
	wantGetFault(t, s, "a", fault.Store, "locked")
	unlock(t, s, time.Minute)
	wantSecret(t, s, "a", canary)
	got, err := s.Status(t.Context())
	if left := time.Until(got.Until); err != nil || got.Mode != Passphrase || got.Locked || left < 30*time.Second || left > time.Minute {
		t.Errorf("Status = %+v, %v", got, err)
	}
	finish(t, process(t, "get", s.Dir, "a"))
	for range 2 {
		must(t, s.Lock(t.Context()))
		wantGetFault(t, s, "a", fault.Store, "locked")
	}
	put(t, s, "b", "stored while it is locked")
	wantFiles(t, s, sealedFile, recipientsFile, fileName("a"), fileName("b"))
}

func TestUnlockedStoreLocksItself(t *testing.T) {
	t.Parallel()
	s := sealedStore(t)
	unlock(t, s, time.Second)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		_, err := s.Get(t.Context(), "a")
		if err != nil {
			wantFault(t, err, fault.Store, "locked")
			return
		}
		if time.Now().After(end) {
			t.Fatal("it is still unlocked")
		}
	}
}

// TestForeignSession reads from a session that does not possess the user's keyring.
func TestForeignSession(t *testing.T) {
	t.Parallel()
	s := sealedStore(t)
	unlock(t, s, time.Minute)
	get := process(t, "get", s.Dir, "a")
	cmd := exec.CommandContext(t.Context(), program(t, "keyctl", "keyutils"), "session", "-", get.Path)
	cmd.Env, cmd.Stderr = get.Env, get.Stderr
	finish(t, cmd)
}

// TestOneUnlockedStoreOpensNoOther has two stores with the same passphrase.
func TestOneUnlockedStoreOpensNoOther(t *testing.T) {
	t.Parallel()
	one, other := sealedStore(t), sealedStore(t)
	unlock(t, one, time.Minute)
	wantGetFault(t, other, "a", fault.Store, "locked")
	must(t, other.Lock(t.Context()))
	wantSecret(t, one, "a", canary)
}

// TestRekeyOfAnUnlockedStore locks it, and forgets the identity of before.
func TestRekeyOfAnUnlockedStore(t *testing.T) {
	t.Parallel()
	s := sealedStore(t)
	unlock(t, s, time.Minute)
	sealed := readFile(t, s.path(sealedFile))
	must(t, s.Rekey(t.Context(), Protection{Passphrase: secret("new")}))
	wantGetFault(t, s, "a", fault.Store, "locked")
	if _, _, err := readUnlocked(sealed); err == nil {
		t.Error("the identity of before is still unlocked")
	}
	wantFault(t, s.Unlock(t.Context(), secret(passphrase), time.Minute), fault.Store, "wrong")
	must(t, s.Unlock(t.Context(), secret("new"), time.Minute))
	wantSecret(t, s, "a", canary)
}

// TestNothingInClear looks for secrets in all that a store with a passphrase has ever written.
func TestNothingInClear(t *testing.T) {
	t.Parallel()
	s := sealedStore(t)
	unlock(t, s, time.Minute)
	must(t, s.Rekey(t.Context(), Protection{Passphrase: secret(passphrase + "2")}))
	for _, name := range fileNames(t, s.Dir) {
		data := name + string(readFile(t, s.path(name)))
		for _, text := range []string{canary, passphrase} {
			for _, form := range []string{text, hex.EncodeToString([]byte(text)), base64.RawStdEncoding.EncodeToString([]byte(text)), "AGE-SECRET-KEY"} {
				if strings.Contains(data, form) {
					t.Errorf("%s shows %q", name, form)
				}
			}
		}
	}
}

// TestUnlockMendsAHalfMadeStore, whose first Rekey was killed between its two files.
func TestUnlockMendsAHalfMadeStore(t *testing.T) {
	t.Parallel()
	s := sealedStore(t)
	public := readFile(t, s.path(recipientsFile))
	must(t, os.Remove(s.path(recipientsFile)))
	wantFault(t, s.Put(t.Context(), "b", secret("x")), fault.Store, "locked")
	unlock(t, s, time.Minute)
	if !slices.Equal(readFile(t, s.path(recipientsFile)), public) {
		t.Error("other recipients")
	}
}

// TestDamagedSealedIdentity tells damage from a wrong passphrase, wherever that is possible.
func TestDamagedSealedIdentity(t *testing.T) {
	t.Parallel()
	s := sealedStore(t)
	whole := readFile(t, s.path(sealedFile))
	mac := strings.Index(string(whole), "\n---")
	for i := range whole {
		damaged := slices.Clone(whole)
		damaged[i] ^= 0x01
		writeFile(t, s.path(sealedFile), damaged)
		err := s.Unlock(t.Context(), secret(passphrase), time.Minute)
		kind := fault.KindOf(err)
		// Salt, cost and wrapped key are what the passphrase is checked with.
		if kind == fault.Store && i < mac {
			continue
		}
		wantFault(t, err, fault.NoSecret, s.path(sealedFile), "damaged")
	}
	for n := range whole {
		writeFile(t, s.path(sealedFile), whole[:n])
		wantFault(t, s.Unlock(t.Context(), secret(passphrase), time.Minute), fault.NoSecret, s.path(sealedFile))
	}
}

// TestHostileCost has a file that asks for 2^30 rounds, which would take a terabyte.
func TestHostileCost(t *testing.T) {
	t.Parallel()
	s := sealedStore(t)
	whole := string(readFile(t, s.path(sealedFile)))
	for _, cost := range []string{"21", "22", "30", "63", "999999999999999999"} {
		writeFile(t, s.path(sealedFile), []byte(strings.Replace(whole, " 2\n", " "+cost+"\n", 1)))
		wantFault(t, s.Unlock(t.Context(), secret(passphrase), time.Minute), fault.NoSecret, s.path(sealedFile), "asks for more work")
	}
}

// mender mends the store while it is asked for the passphrase.
type mender struct {
	scripted
	mend func()
}

func (m *mender) Secret(context.Context, string) (creds.Secret, error) {
	m.mend()
	return secret(passphrase), nil
}

// TestReaderLooksAgain has the item change while it is being opened, as Rekey changes it.
func TestReaderLooksAgain(t *testing.T) {
	t.Parallel()
	s, other := sealedStore(t), sealedStore(t)
	whole := readFile(t, itemPath(s, "a"))
	writeFile(t, itemPath(s, "a"), readFile(t, itemPath(other, "a")))
	s.Person = &mender{mend: func() { writeFile(t, itemPath(s, "a"), whole) }}
	wantSecret(t, s, "a", canary)
}

// TestLockedHalfway has a store that was on its way to a passphrase: what is encrypted to the new
// identity is locked, not damaged.
func TestLockedHalfway(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	put(t, s, "a", canary)
	s.beforeWrite = failAfter(3) // the identity, its recipient and the item
	wantFault(t, s.Rekey(t.Context(), Protection{Passphrase: secret(passphrase)}), fault.Filesystem)
	wantFiles(t, s, identityFile, sealedFile, recipientsFile, fileName("a"))
	wantGetFault(t, s, "a", fault.Store, "locked")
	unlock(t, s, time.Minute)
	wantSecret(t, s, "a", canary)
	must(t, s.Lock(t.Context()))
}

func TestNothingToUnlock(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	wantFault(t, s.Unlock(t.Context(), secret(passphrase), time.Minute), fault.Usage, "no passphrase")
	put(t, s, "a", canary)
	wantFault(t, s.Unlock(t.Context(), secret(passphrase), time.Minute), fault.Usage, "no passphrase")
	must(t, s.Lock(t.Context()))
}

// TestAsksForThePassphrase once, of a person who is there.
func TestAsksForThePassphrase(t *testing.T) {
	t.Parallel()
	s := sealedStore(t)
	person := &scripted{secret: "wrong"}
	s.Person = person
	wantGetFault(t, s, "a", fault.Store, "wrong")
	person.secret, person.asked = passphrase, nil
	for range 3 {
		wantSecret(t, s, "a", canary)
	}
	if len(person.asked) != 1 {
		t.Errorf("asked %q", person.asked)
	}
	wantGetFault(t, at(s.Dir), "a", fault.Store, "locked")
}

// TestNoKernelKeyring is in a process that the system forbids it, as containers do.
func TestNoKernelKeyring(t *testing.T) {
	t.Parallel()
	s := sealedStore(t)
	finish(t, process(t, "no keyring", s.Dir, passphrase))
}

func systemRoles() map[string]func(*Store, string) error {
	return map[string]func(*Store, string) error{"no keyring": playNoKeyring}
}

func playNoKeyring(s *Store, word string) error {
	if err := forbidKeyctl(); err != nil {
		return err
	}
	ctx := context.Background()
	err := s.Unlock(ctx, secret(word), time.Minute)
	if fault.KindOf(err) != fault.Store || !strings.Contains(fault.Line(err), "no kernel keyring") {
		return fmt.Errorf("Unlock: %w", err)
	}
	if _, err := s.Get(ctx, "a"); fault.KindOf(err) != fault.Store {
		return fmt.Errorf("Get: %w", err)
	}
	return s.Lock(ctx)
}

// forbidKeyctl makes the key calls fail as Docker's default seccomp profile does.
func forbidKeyctl() error {
	calls := []uint32{unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL}
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}}
	for i, call := range calls {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jt: uint8(len(calls) - i)})
	}
	filter = append(filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, failed := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if failed != 0 {
		return failed
	}
	return nil
}
