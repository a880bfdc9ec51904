//go:build linux

package test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// killer runs a program and kills it, as kill -9 does, right before it makes its nth system call with
// an effect on files or on the network, counted over all its threads.
//
// strace cannot do that: its inject=...:when=N counts for each thread by itself, and the Go
// runtime moves work between threads, so that many points would be missed, and which ones would be
// chance. This is a tracer of its own, ptrace(2), that counts for the process. What a call
// has done, on disk or at AWS, is there when the next one is about to be made: so every point
// between two effects is hit, AWS's answer not having been read included.
type killer struct {
	at      int // 0: it is not killed
	effects int // how many there were, up to the kill
	last    string
	code    int  // the exit code
	killed  bool // it did not end by itself

	begun func(pid int) error    // is called before its first instruction, if set
	left  func(thread int) error // and this at both ends of each system call; then effects are not counted
}

// effects are the system calls that may have an effect outside the process. To sync is none: what a killed
// process has written stays.
var effects = map[uint64]string{
	unix.SYS_OPENAT: "create", unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "write", unix.SYS_SENDTO: "write", unix.SYS_SENDMSG: "write", unix.SYS_WRITEV: "write",
	unix.SYS_RENAMEAT: "rename", unix.SYS_RENAMEAT2: "rename", unix.SYS_LINKAT: "link", unix.SYS_UNLINKAT: "unlink", unix.SYS_MKDIRAT: "mkdir",
	unix.SYS_FTRUNCATE: "truncate", unix.SYS_FCHMOD: "chmod", unix.SYS_CONNECT: "connect", unix.SYS_ADD_KEY: "kernel key", unix.SYS_KEYCTL: "kernel key",
}

const wakeUp = 8 // bytes are what the Go runtime writes to its own eventfd

// effect names the system call if it has an effect outside the process.
func effect(nr uint64, args [6]uint64) string {
	name := effects[nr]
	switch {
	case nr == unix.SYS_OPENAT && args[2]&unix.O_CREAT == 0, name == "write" && (args[0] <= 2 || args[2] == wakeUp):
		return ""
	case nr == unix.SYS_KEYCTL && slices.Contains([]uint64{unix.KEYCTL_GET_KEYRING_ID, unix.KEYCTL_DESCRIBE, unix.KEYCTL_SEARCH, unix.KEYCTL_READ}, args[0]):
		return ""
	}
	return name
}

// stopAtEffects has the kernel stop what this thread will start and trace at the system calls of effects, and at no
// other. The thread itself cannot make them any more, but for the runtime's wake-ups.
func stopAtEffects() error {
	const number, firstByteOfThird = 0, 16 + 2*8 // in struct seccomp_data
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	is := func(value uint32, otherwise uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: otherwise, K: value}
	}
	allow, stop := unix.SockFilter{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW}, unix.SockFilter{Code: unix.BPF_RET, K: unix.SECCOMP_RET_TRACE}
	filter := []unix.SockFilter{load(number), is(unix.SYS_WRITE, 3), load(firstByteOfThird), is(wakeUp, 1), allow, load(number)}
	for nr := range effects {
		filter = append(filter, is(uint32(nr), 1), stop)
	}
	filter = append(filter, allow)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}

// run runs the command line on the machine n, its output going to a file there.
func (k *killer) run(n *newcomer, args ...string) error {
	out, err := os.OpenFile(filepath.Join(n.Dir, "printed"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer nothing.Close()
	attributes := &os.ProcAttr{
		Dir: n.Home(), Env: append(n.Env(), n.env...), Files: []*os.File{nothing, out, out}, Sys: &syscall.SysProcAttr{Ptrace: true, Setsid: true},
	}
	return onThreadOfItsOwn(func() error {
		if k.left == nil {
			if err := stopAtEffects(); err != nil {
				return err
			}
		}
		process, err := os.StartProcess(n.Binary, append([]string{n.Binary}, args...), attributes)
		if err != nil {
			return err
		}
		defer func() { _ = process.Release() }()
		return k.trace(process.Pid)
	})
}

// onThreadOfItsOwn runs f on a thread that has no children, so that it may wait for any, and that ends with f.
func onThreadOfItsOwn(f func() error) error {
	begun, done := make(chan struct{}), make(chan error)
	var try func()
	try = func() {
		runtime.LockOSThread()
		children, err := os.ReadFile("/proc/thread-self/children")
		if err == nil && len(children) > 0 {
			go try()
			<-begun
			runtime.UnlockOSThread()
			return
		}
		close(begun)
		if err == nil {
			err = f()
		}
		done <- err
	}
	go try()
	return <-done
}

func (k *killer) trace(pid int) error {
	// Only what this thread traces: other tests have children, too.
	const mine = unix.WALL | unix.WNOTHREAD
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, mine, nil); err != nil {
		return err
	}
	if err := unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACESECCOMP|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_TRACEFORK|unix.PTRACE_O_TRACEVFORK|unix.PTRACE_O_EXITKILL); err != nil {
		return err
	}
	if k.begun != nil {
		if err := k.begun(pid); err != nil {
			return err
		}
	}
	resume := unix.PtraceCont
	if k.left != nil {
		resume = unix.PtraceSyscall
	}
	for thread, signal := pid, 0; ; {
		if err := resume(thread, signal); err != nil && !errors.Is(err, unix.ESRCH) { // it may be dying
			return err
		}
		var err error
		for {
			if thread, err = unix.Wait4(-1, &status, mine, nil); err != nil {
				return err
			}
			if status.Stopped() {
				break
			}
			if thread == pid {
				k.code, k.killed = status.ExitStatus(), status.Signaled()
				return nil
			}
		}
		if signal, err = k.stopped(pid, thread, status); err != nil {
			return err
		}
	}
}

// stopped is called at each stop of a thread and returns the signal that it is to get.
func (k *killer) stopped(pid, thread int, why unix.WaitStatus) (signal int, err error) {
	switch {
	case why.TrapCause() == unix.PTRACE_EVENT_SECCOMP:
		// What a keyring worker does is its own.
		_, other := os.Lstat(fmt.Sprintf("/proc/%d/task/%d", pid, thread))
		if name := effect(syscallInfo(thread)); name != "" && other == nil && (k.effects < k.at || k.at == 0) {
			if k.effects, k.last = k.effects+1, name; k.effects == k.at {
				return 0, unix.Kill(pid, unix.SIGKILL)
			}
		}
		return 0, nil
	case why.StopSignal() == unix.SIGTRAP|0x80:
		if err := k.left(thread); !errors.Is(err, unix.ESRCH) { // as above
			return 0, err
		}
		return 0, nil
	case why.StopSignal() == unix.SIGTRAP, why.StopSignal() == unix.SIGSTOP: // a new thread or process
		return 0, nil
	default:
		return int(why.StopSignal()), nil
	}
}

// syscallInfo returns the system call that a thread is about to make; PTRACE_GET_SYSCALL_INFO, of Linux 5.3.
func syscallInfo(thread int) (nr uint64, args [6]uint64) {
	const get = 0x420e
	var info struct {
		Op   uint8
		_    [3]uint8
		Arch uint32
		_    [2]uint64 // instruction and stack pointer
		Nr   uint64
		Args [6]uint64
	}
	_, _, _ = unix.Syscall6(unix.SYS_PTRACE, get, uintptr(thread), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	return info.Nr, info.Args
}

// killScenario is a command that changes what AWS has, on a machine that is ready for it.
type killScenario struct {
	prepare func(t *testing.T) *newcomer
	args    func(n *newcomer) []string

	profiles []string       // that work afterwards
	left     map[string]int // how many files of a pattern there are then

	// back undoes the command, so that what all machines share, the kernel's keyring, is as before. Such runs
	// come one after the other.
	back func(n *newcomer) []string
}

func killScenarios() map[string]killScenario {
	enrolled := func(t *testing.T) *newcomer {
		n := stored(t)
		n.must("enroll", "--profile", "work")
		n.later() // what comes next has time steps to use
		return n
	}
	fixed := func(args ...string) func(*newcomer) []string {
		return func(*newcomer) []string { return append(args, "--profile", "work", "--yes") }
	}
	oneSession, itemsInAge := map[string]int{"cache/*.session": 1}, map[string]int{"age": 2}
	moving := func(from, to string) killScenario {
		name := fmt.Sprintf("moved-from-%s-%d", from, os.Getpid())
		move := func(to string) func(*newcomer) []string {
			return func(*newcomer) []string { return []string{"store", "move", "--profile", name, "--to", to, "--yes"} }
		}
		return killScenario{prepare: func(t *testing.T) *newcomer {
			t.Cleanup(func() {
				testbed.RemoveKeys("aws-mfa-creds:store:key:" + name)
				testbed.RemoveKeys("aws-mfa-creds:store:seed:arn:aws:iam::123456789012:mfa%2f" + name)
			})
			n := newNewcomer(t)
			n.must("add", "--profile", name, "--store", from, "--access-key-file", n.key)
			n.must("enroll", "--profile", name, "--device-name", name)
			n.later()
			return n
		}, args: move(to), back: move(from), profiles: []string{name}, left: map[string]int{"age/*-*.age": itemsInAge[to]}}
	}
	return map[string]killScenario{
		"enroll":        {prepare: func(t *testing.T) *newcomer { return stored(t) }, args: fixed("enroll"), profiles: []string{"work"}},
		"rotate device": {prepare: enrolled, args: fixed("rotate", "device"), profiles: []string{"work"}},
		"rotate key":    {prepare: enrolled, args: fixed("rotate", "key"), profiles: []string{"work"}, left: oneSession},
		"rotate a shared key": {
			prepare: func(t *testing.T) *newcomer { return twice(t, "age") },
			args:    fixed("rotate", "key"), profiles: []string{"work", "second"}, left: oneSession,
		},
		"setup": {prepare: func(t *testing.T) *newcomer { return newNewcomer(t) }, args: func(n *newcomer) []string {
			return []string{"setup", "--profile", "p", "--access-key-file", n.key, "--region", "us-east-1", "--yes"}
		}, profiles: []string{"p"}},
		"store move to the kernel":   moving("age", "keyctl"),
		"store move from the kernel": moving("keyctl", "age"),
	}
}

// again returns a machine, with an AWS, like n.
func (n *newcomer) again(t *testing.T) *newcomer {
	t.Helper()
	c := newNewcomer(t, func(o *sandbox.Options) { o.World = n.Server.World() })
	c.offset = n.offset
	c.Server.SetClockOffset(c.offset)
	if err := os.CopyFS(c.Own(), os.DirFS(n.Own())); err != nil {
		t.Fatal(err)
	}
	c.check(filepath.WalkDir(c.Own(), func(path string, d os.DirEntry, err error) error { // CopyFS goes by the umask
		if err != nil || d.IsDir() {
			return errors.Join(err, os.Chmod(path, 0o700))
		}
		return os.Chmod(path, 0o600)
	}))
	return c
}

// TestKill kills each command before every one of its effects, one after the other, and runs it
// again: then it works, IAM and store fit each other, and nothing is left over. With -short
// only some of the points are tried.
func TestKill(t *testing.T) {
	t.Parallel()
	for name, scenario := range killScenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ready := scenario.prepare(t)
			dry, whole := ready.again(t), killer{}
			dry.check(whole.run(dry, scenario.args(dry)...))
			if whole.killed || whole.code != 0 || whole.effects < 20 {
				t.Fatalf("the dry run: %+v", whole)
			}
			scenario.undo(dry)
			stride := 1
			if testing.Short() {
				stride = 8
			}
			var mu sync.Mutex
			hit, lived := make(map[string]int), 0
			t.Run("at", func(t *testing.T) {
				for point := 1; point <= whole.effects; point += stride {
					t.Run(strconv.Itoa(point), func(t *testing.T) {
						if scenario.back == nil {
							t.Parallel()
						}
						k := killer{at: point}
						scenario.killAndRunAgain(ready.again(t), &k)
						mu.Lock()
						defer mu.Unlock()
						hit[k.last]++
						if !k.killed {
							lived++
						}
					})
				}
			})
			t.Logf("killed before %v of %d effects", hit, whole.effects)
			if lived > whole.effects/10 { // a run may need an effect less than another
				t.Errorf("%d runs ended by themselves", lived)
			}
		})
	}
}

func (s killScenario) killAndRunAgain(n *newcomer, k *killer) {
	n.t.Helper()
	n.check(k.run(n, s.args(n)...))
	if !k.killed && k.code != 0 {
		n.t.Errorf("exit %d", k.code)
	}
	n.clean()
	n.later()
	n.must(s.args(n)...)
	for _, name := range s.profiles {
		n.works(name)
	}
	for pattern, want := range s.left {
		if left, err := filepath.Glob(filepath.Join(n.Own(), pattern)); err != nil || len(left) != want {
			n.t.Errorf("%d files are left, want %d: %q", len(left), want, left)
		}
	}
	n.clean()
	s.undo(n)
	if n.t.Failed() {
		n.t.Logf("killed before %s", k.last)
	}
}

func (s killScenario) undo(n *newcomer) {
	n.t.Helper()
	if s.back != nil {
		n.must(s.back(n)...)
	}
}

// clean searches all that rests on the disk, and all that was printed, for the secrets that there
// are now.
func (n *newcomer) clean() {
	n.t.Helper()
	c := newCanary(n.t)
	world := n.Server.World()
	for _, d := range world.Devices {
		c.add("seed of "+d.Serial, d.Seed)
	}
	for _, k := range world.User(testbed.UserName).Keys {
		c.add("secret of "+k.ID, k.Secret)
	}
	c.searchFiles(n.Own())
	if printed, err := os.ReadFile(filepath.Join(n.Dir, "printed")); err == nil {
		c.search("the output", printed)
	}
}
