package ring

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// kernelRing returns the kernel's keyring, with an item in it that does not outlive the test.
func kernelRing(t *testing.T) (r *Ring, name string) {
	t.Helper()
	needKernel(t)
	r, name = (desk{}).open(t, Keyctl), "key:test-"+rand.Text()
	mustPut(t, r, name, "value")
	t.Cleanup(func() { _ = r.Delete(t.Context(), name) })
	return r, name
}

func TestKernelItemIsPrivateAndEnds(t *testing.T) {
	t.Parallel()
	_, name := kernelRing(t)
	keys, err := os.ReadFile("/proc/keys")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(keys)) {
		if !strings.Contains(line, keyctl{}.key(name).Name) {
			continue
		}
		if fields := strings.Fields(line); fields[3] != "24h" && fields[3] != "23h" && fields[3] != "1d" || fields[4] != "3b2b0000" {
			t.Errorf("time-out and permissions: %s", line)
		}
		return
	}
	t.Error("not in /proc/keys")
}

// TestKernelItemFromAForeignSession reads and replaces it where the session keyring is another,
// as from cron or sudo.
func TestKernelItemFromAForeignSession(t *testing.T) {
	t.Parallel()
	need(t, "keyctl")
	r, name := kernelRing(t)
	cmd := (desk{env: os.Environ()}).role(t.Context(), "foreign session")
	cmd.Env = append(cmd.Env, nameVar+"="+name)
	cmd.Args = []string{"keyctl", "session", "-", os.Args[0]}
	cmd.Path, _ = exec.LookPath("keyctl")
	if out, err := cmd.Output(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wantGet(t, r, name, "from a foreign session")
}

// nameVar names the item that a role works on.
const nameVar = "RING_TEST_NAME"

func foreignSession() error {
	r, name := roleRing(Keyctl), os.Getenv(nameVar)
	got, err := r.Get(ctx(), name)
	if err != nil || got.Reveal() != "value" {
		return fmt.Errorf("Get = %s, %w", got.Reveal(), err)
	}
	return r.Put(ctx(), name, creds.NewSecret("from a foreign session"))
}

func TestKernelQuotaFull(t *testing.T) {
	t.Parallel()
	needKernel(t)
	if os.Getuid() != 0 {
		t.Skip("needs root, to become a user whose quota can be filled")
	}
	cmd := exec.Command("/proc/self/exe") // the test binary may be in a directory that is root's alone
	cmd.Env = []string{roleVar + "=quota"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54331, Gid: 54331}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// quotaFull leaves no room for a key, and stores one.
func quotaFull() error {
	for i := 0; ; i++ {
		_, err := unix.AddKey("user", "filler"+strconv.Itoa(i), []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
		if errors.Is(err, unix.EDQUOT) {
			break
		}
		if err != nil || i > 100_000 {
			return fmt.Errorf("no quota after %d keys: %w", i, err)
		}
	}
	return wantLine(roleRing(Keyctl).Put(ctx(), "key:x", creds.NewSecret("value")), "has no room left", "quota")
}

func wantLine(err error, parts ...string) error {
	if fault.KindOf(err) != fault.Store {
		return fmt.Errorf("exit code %d: %w", fault.KindOf(err), err)
	}
	for _, part := range parts {
		if !strings.Contains(fault.Line(err), part) {
			return errors.New(fault.Line(err))
		}
	}
	return nil
}

func TestKernelKeyringBlocked(t *testing.T) {
	t.Parallel()
	for _, errno := range []unix.Errno{unix.EPERM, unix.ENOSYS, unix.EACCES} {
		cmd := (desk{env: os.Environ()}).role(t.Context(), "blocked "+strconv.Itoa(int(errno)))
		if out, err := cmd.Output(); err != nil {
			t.Errorf("%v: %v: %s", errno, err, out)
		}
	}
}

// keyctlBlocked makes every call with keyctl refused, as the seccomp filters of container platforms do.
func keyctlBlocked(errno string) error {
	number, err := strconv.Atoi(errno)
	if err != nil {
		return err
	}
	if err := refuse(uint32(number), unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY); err != nil {
		return err
	}
	r := roleRing(Keyctl)
	_, err = r.Get(ctx(), "key:x")
	for _, err := range []error{err, r.Put(ctx(), "key:x", creds.NewSecret("v")), r.Delete(ctx(), "key:x"), r.Probe(ctx())} {
		if err := wantLine(err, "the kernel's keyring: is blocked", "containers", "--store age"); err != nil {
			return err
		}
	}
	return nil
}

// refuse has the kernel answer these system calls with errno, in all threads.
func refuse(errno uint32, calls ...uint32) error {
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}}
	for _, call := range calls {
		filter = append(filter,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | errno})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if _, _, failed := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))); failed != 0 {
		return failed
	}
	return nil
}

// TestPlantedKernelKey has a key of the item's name that is not of our making.
func TestPlantedKernelKey(t *testing.T) {
	t.Parallel()
	for what, size := range map[string]int{"too large": MaxItem + 1} {
		r, name := kernelRing(t)
		if err := r.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.AddKey("user", keyctl{}.key(name).Name, make([]byte, size), unix.KEY_SPEC_USER_KEYRING); err != nil {
			t.Fatal(err)
		}
		_, err := r.Get(t.Context(), name)
		wantFault(t, what, err, fault.NoSecret, quoted(name), "is damaged")
		mustPut(t, r, name, "value")
		wantGet(t, r, name, "value")
	}
}
