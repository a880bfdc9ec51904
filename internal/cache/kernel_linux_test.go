package cache

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/kernelkey"
)

func systemRoles() map[string]func(*Cache) error {
	return map[string]func(*Cache) error{
		"read serial": readSerial,
		"fill quota":  fillQuota,
	}
}

// blockKeyctl makes the key calls fail as Docker's default seccomp profile does.
func blockKeyctl() error {
	if os.Getenv(blockVar) == "" {
		return nil
	}
	errno, err := strconv.Atoi(os.Getenv(blockVar))
	if err != nil {
		return err
	}
	calls := []uint32{unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL}
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}}
	for i, call := range calls {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jt: uint8(len(calls) - i)})
	}
	filter = append(filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)})
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

// storedKey returns a stored key of its own, whose kernel key does not outlive the test.
func storedKey(t testing.TB) StoredKey {
	t.Helper()
	name := "aws-mfa-creds-test-" + rand.Text()
	t.Cleanup(func() {
		kernelkey.Key{Name: name}.Remove()
	})
	return StoredKey{Name: name, Dir: filepath.Join(t.TempDir(), "config"), Rand: rand.Reader}
}

// needKernelKey skips where the kernel's keyring is blocked, as in a container.
func needKernelKey(t testing.TB) StoredKey {
	t.Helper()
	s := storedKey(t)
	err := s.kernel().Create(make([]byte, keySize))
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("no kernel keyring here:", err)
	}
	if err != nil {
		t.Skip("no kernel keyring here:", err)
	}
	drop(t, s)
	return s
}

func drop(t testing.TB, s StoredKey) {
	t.Helper()
	serial, err := s.kernel().Find()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.KeyctlInt(unix.KEYCTL_UNLINK, serial, unix.KEY_SPEC_USER_KEYRING, 0, 0); err != nil {
		t.Fatal(err)
	}
}

func mustCreate(t testing.TB, s KeySource) Key {
	t.Helper()
	k, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func same(a, b Key) bool { return string(a.encryption()) == string(b.encryption()) }

func TestKernelKey(t *testing.T) {
	t.Parallel()
	s := needKernelKey(t)
	if _, err := s.Read(); !errors.Is(err, ErrNoKey) {
		t.Errorf("Read before Create = %v", err)
	}
	if err := s.InFile(); err != nil {
		t.Errorf("InFile = %v", err)
	}
	k := mustCreate(t, s)
	again, err := s.Read()
	if err != nil || !same(k, again) || !same(k, mustCreate(t, s)) {
		t.Errorf("not the same key: %v", err)
	}
	if err := s.InFile(); err != nil {
		t.Errorf("InFile = %v", err)
	}
	if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
		t.Errorf("something was written to the disk: %v", err)
	}
	serial, err := s.kernel().Find()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 256)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_DESCRIBE, serial, buf, 0)
	if err != nil || !strings.Contains(string(buf[:n]), ";3b2b0000;") {
		t.Errorf("permissions: %s, %v", buf[:n], err)
	}
	if left := timeLeft(t, serial); left != "37h" && left != "36h" && !strings.HasSuffix(left, "d") {
		t.Errorf("%s of life left", left)
	}
}

// timeLeft returns the time-out of a key as /proc/keys tells it.
func timeLeft(t testing.TB, serial int) string {
	t.Helper()
	for line := range strings.Lines(string(readFile(t, "/proc/keys"))) {
		if fields := strings.Fields(line); fields[0] == fmt.Sprintf("%08x", serial) {
			return fields[3]
		}
	}
	t.Fatal("not in /proc/keys")
	return ""
}

func TestCreateRenewsAndReadDoesNot(t *testing.T) {
	t.Parallel()
	s := needKernelKey(t)
	k := mustCreate(t, s)
	serial, _ := s.kernel().Find()
	if _, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, serial, 50, 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(); err != nil || !strings.HasSuffix(timeLeft(t, serial), "s") {
		t.Errorf("after Read %s left, %v", timeLeft(t, serial), err)
	}
	if !same(k, mustCreate(t, s)) || strings.HasSuffix(timeLeft(t, serial), "s") {
		t.Errorf("after Create %s left", timeLeft(t, serial))
	}
}

// TestLostKernelKey loses the key in every way there is: what it sealed is a miss, and a
// new key takes over.
func TestLostKernelKey(t *testing.T) {
	t.Parallel()
	keyctl := func(command, arg int) func(int) error {
		return func(serial int) error { _, err := unix.KeyctlInt(command, serial, arg, 0, 0); return err }
	}
	for name, lose := range map[string]func(serial int) error{
		"revoked":     keyctl(unix.KEYCTL_REVOKE, 0),
		"invalidated": keyctl(unix.KEYCTL_INVALIDATE, 0),
		"unlinked":    keyctl(unix.KEYCTL_UNLINK, unix.KEY_SPEC_USER_KEYRING),
		"expired":     expireAtOnce,
		"unreadable":  func(serial int) error { return unix.KeyctlSetperm(serial, 0x01000000) },
		"exposed":     func(serial int) error { return unix.KeyctlSetperm(serial, 0x3b2b0002) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := needKernelKey(t)
			o := testOptions(filepath.Join(t.TempDir(), "cache"))
			o.Keys = s
			c := openCache(t, o)
			put(t, c, id("a"), session("a"))
			wantHit(t, c, id("a"), session("a"))
			old, _ := s.Read()
			serial, err := s.kernel().Find()
			if err != nil {
				t.Fatal(err)
			}
			if err := lose(serial); err != nil {
				t.Fatal(err)
			}
			wantMiss(t, c, id("a"), name)
			put(t, c, id("a"), session("b"))
			wantHit(t, c, id("a"), session("b"))
			if k, err := s.Read(); err != nil || same(k, old) {
				t.Errorf("no new key: %v", err)
			}
			if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
				t.Error("the new key is on the disk")
			}
		})
	}
}

// expireAtOnce gives the key a second, the shortest there is, and waits for its end.
func expireAtOnce(serial int) error {
	if _, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, serial, 1, 0, 0); err != nil {
		return err
	}
	alive := func() bool {
		_, err := unix.KeyctlBuffer(unix.KEYCTL_READ, serial, make([]byte, keySize), 0)
		return err == nil
	}
	for alive() {
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// TestPlantedKernelKey has a key of the same name there that is not of our making.
func TestPlantedKernelKey(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string][]byte{"short": []byte("x"), "long": make([]byte, 100)} {
		s := needKernelKey(t)
		if _, err := unix.AddKey("user", s.Name, payload, unix.KEY_SPEC_USER_KEYRING); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(); !errors.Is(err, ErrNoKey) {
			t.Errorf("%s: Read = %v", name, err)
		}
		k := mustCreate(t, s)
		if again, err := s.Read(); err != nil || !same(k, again) {
			t.Errorf("%s: not replaced: %v", name, err)
		}
	}
}

func TestFiftyProcessesAgreeOnTheKernelKey(t *testing.T) {
	t.Parallel()
	s := needKernelKey(t)
	for range 3 {
		dir := filepath.Join(t.TempDir(), "cache")
		said := createAtOnce(t, dir, 50, keyVar+"="+s.Name)
		if len(said) != 1 || run(t, "read key", dir, keyVar+"="+s.Name) != said[0] {
			t.Errorf("they disagree: %q", said)
		}
		drop(t, s)
	}
}

func TestForeignSessionReadsTheKernelKey(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("keyctl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("needs keyctl: apt-get install keyutils")
	}
	s := needKernelKey(t)
	dir := filepath.Join(t.TempDir(), "cache")
	env := keyVar + "=" + s.Name
	want := run(t, "create key", dir, env)
	for _, role := range []string{"read key", "create key", "everything"} {
		cmd := child(role, dir, env)
		cmd.Args = []string{"keyctl", "session", "-", os.Args[0]}
		cmd.Path, _ = exec.LookPath("keyctl")
		out, err := cmd.CombinedOutput()
		if err != nil || role != "everything" && !strings.HasSuffix(string(out), want) {
			t.Errorf("%s in a foreign session: %v: %s", role, err, out)
		}
	}
	if got := run(t, "read key", dir, env); got != want {
		t.Errorf("the foreign session has changed the key")
	}
}

// readSerial tries to read a key that it knows the serial number of.
func readSerial(*Cache) error {
	serial, err := strconv.Atoi(os.Getenv(keyVar))
	if err != nil {
		return err
	}
	for _, command := range []int{unix.KEYCTL_READ, unix.KEYCTL_DESCRIBE} {
		if _, err := unix.KeyctlBuffer(command, serial, make([]byte, 256), 0); !errors.Is(err, unix.EACCES) {
			return fmt.Errorf("command %d = %w", command, err)
		}
	}
	return nil
}

func TestStrangersCannotReadTheKernelKey(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := needKernelKey(t)
	mustCreate(t, s)
	serial, err := s.kernel().Find()
	if err != nil {
		t.Fatal(err)
	}
	run(t, "read serial", filepath.Join(t.TempDir(), "cache"), keyVar+"="+strconv.Itoa(serial), uidVar+"=54322")
}

// fillQuota leaves no room for a key.
func fillQuota(c *Cache) error {
	for i := 0; ; i++ {
		_, err := unix.AddKey("user", "filler"+strconv.Itoa(i), []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
		if errors.Is(err, unix.EDQUOT) {
			break
		}
		if err != nil || i > 100_000 {
			return fmt.Errorf("no quota after %d keys: %w", i, err)
		}
	}
	if err := doEverything(c); err != nil {
		return err
	}
	if c.Keys.(StoredKey).InFile() == nil {
		return errors.New("the key is not in a file")
	}
	return nil
}

func TestQuotaFullFallsBack(t *testing.T) {
	t.Parallel()
	needRoot(t)
	needKernelKey(t)
	home := strangersHome(t)
	run(t, "fill quota", filepath.Join(home, "cache"), keyVar+"=aws-mfa-creds-test-quota", uidVar+"=54321")
	wantMode(t, filepath.Join(home, "config", keyFileName), 0o600)
}

func TestBlockedKeyctlFallsBack(t *testing.T) {
	t.Parallel()
	for _, errno := range []unix.Errno{unix.EPERM, unix.ENOSYS, unix.EACCES, unix.EDQUOT} {
		dir := filepath.Join(t.TempDir(), "cache")
		env := []string{keyVar + "=unused", blockVar + "=" + strconv.Itoa(int(errno))}
		run(t, "everything", dir, env...)
		config := filepath.Join(filepath.Dir(dir), "config")
		wantMode(t, config, 0o700)
		wantMode(t, filepath.Join(config, keyFileName), 0o600)
		first := run(t, "read key", dir, env...)
		if again := run(t, "create key", dir, env...); again != first {
			t.Errorf("%v: another key: %s%s", errno, first, again)
		}
	}
}
