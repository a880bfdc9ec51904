//go:build linux

package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/keys"
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
	about func(effect string)    // and this before each effect
	left  func(thread int) error // and this behind each system call
}

// effect names the system call if it has an effect outside the process. To sync is none: what a killed process has
// written stays.
func effect(nr uint64, args [6]uint64) string {
	switch nr {
	case unix.SYS_OPENAT:
		if args[2]&unix.O_CREAT != 0 {
			return "create"
		}
	case unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_WRITEV:
		const wakeUp = 8 // what the Go runtime writes to its own eventfd
		if args[0] > 2 && args[2] != wakeUp {
			return "write"
		}
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		return "rename"
	case unix.SYS_LINKAT:
		return "link"
	case unix.SYS_UNLINKAT:
		return "unlink"
	case unix.SYS_MKDIRAT:
		return "mkdir"
	case unix.SYS_FTRUNCATE:
		return "truncate"
	case unix.SYS_FCHMOD:
		return "chmod"
	case unix.SYS_CONNECT:
		return "connect"
	case unix.SYS_KEYCTL:
		if !slices.Contains([]uint64{unix.KEYCTL_GET_KEYRING_ID, unix.KEYCTL_DESCRIBE, unix.KEYCTL_SEARCH, unix.KEYCTL_READ}, args[0]) {
			return "kernel key"
		}
	case unix.SYS_ADD_KEY:
		return "kernel key"
	}
	return ""
}

// run runs the command line on the machine n, its output going to a file there.
func (k *killer) run(n *newcomer, args ...string) error {
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
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
	process, err := os.StartProcess(n.Binary, append([]string{n.Binary}, args...), &os.ProcAttr{
		Dir: n.Home(), Env: append(n.Env(), n.env...), Files: []*os.File{nothing, out, out}, Sys: &syscall.SysProcAttr{Ptrace: true, Setsid: true},
	})
	if err != nil {
		return err
	}
	defer func() { _ = process.Release() }()
	return k.trace(process.Pid)
}

func (k *killer) trace(pid int) error {
	// Only the threads of the process, which has a process group of its own: other tests have children, too.
	const mine = unix.WALL | unix.WNOTHREAD
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, mine, nil); err != nil {
		return err
	}
	if err := unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL); err != nil {
		return err
	}
	if k.begun != nil {
		if err := k.begun(pid); err != nil {
			return err
		}
	}
	for thread, signal := pid, 0; ; {
		if err := unix.PtraceSyscall(thread, signal); err != nil && !errors.Is(err, unix.ESRCH) { // it may be dying
			return err
		}
		var err error
		for {
			if thread, err = unix.Wait4(-pid, &status, mine, nil); err != nil {
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
		if signal, err = k.stopped(pid, thread, status.StopSignal()); err != nil {
			return err
		}
	}
}

// stopped is called at each stop of a thread and returns the signal that it is to get.
func (k *killer) stopped(pid, thread int, why unix.Signal) (signal int, err error) {
	switch why {
	case unix.SIGTRAP | 0x80:
		nr, args, entry := syscallInfo(thread)
		if !entry && k.left != nil {
			if err := k.left(thread); !errors.Is(err, unix.ESRCH) { // as above
				return 0, err
			}
			return 0, nil
		}
		name := effect(nr, args)
		if !entry || name == "" || k.effects == k.at && k.at > 0 {
			return 0, nil
		}
		if k.about != nil {
			k.about(name)
		}
		k.effects, k.last = k.effects+1, name
		if k.effects == k.at {
			return 0, unix.Kill(pid, unix.SIGKILL)
		}
		return 0, nil
	case unix.SIGTRAP, unix.SIGSTOP: // a new thread
		return 0, nil
	default:
		return int(why), nil
	}
}

// syscallInfo returns the system call that a thread is about to make; PTRACE_GET_SYSCALL_INFO, of Linux 5.3.
func syscallInfo(thread int) (nr uint64, args [6]uint64, entry bool) {
	const get, atEntry = 0x420e, 1
	var info struct {
		Op   uint8
		_    [3]uint8
		Arch uint32
		_    [2]uint64 // instruction and stack pointer
		Nr   uint64
		Args [6]uint64
	}
	_, _, failed := unix.Syscall6(unix.SYS_PTRACE, get, uintptr(thread), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	return info.Nr, info.Args, failed == 0 && info.Op == atEntry
}

// killScenario is a command that changes what AWS has, on a machine that is ready for it.
type killScenario struct {
	prepare func(t *testing.T) *newcomer
	args    func(n *newcomer) []string

	profiles []string       // that work afterwards
	left     map[string]int // how many files of a pattern there are then

	// back undoes the command, so that what is not among leftovers, the kernel's keyring, is as before.
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
				keys.Remove("aws-mfa-creds:store:key:" + name)
				keys.Remove("aws-mfa-creds:store:seed:arn:aws:iam::123456789012:mfa%2f" + name)
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

// leftovers is what a kill before an effect leaves: files, and AWS. The kernel frees all else but its keys.
type leftovers struct {
	point  int
	effect string
	dir    string
	world  sandbox.World
	seen   sandbox.State
}

// killPoints runs the command line and returns what kills would leave, before each of its effects at which the
// machine, or AWS, is not as it was before the one before: only there does it matter whether the program is killed.
func (n *newcomer) killPoints(args ...string) (points []leftovers, whole killer) {
	n.t.Helper()
	var last, kind string
	whole.about = func(effect string) {
		if now := n.seen(); now != last || kind == "kernel key" {
			dir := n.t.TempDir()
			n.copyTree(n.Dir, dir)
			points, last = append(points, leftovers{whole.effects + 1, effect, dir, n.Server.World(), n.Server.State()}), now
		}
		kind = effect
	}
	n.check(whole.run(n, args...))
	return points, whole
}

// seen is all that the program may have changed, but the kernel's keyring.
func (n *newcomer) seen() string {
	n.t.Helper()
	text, err := json.Marshal([]any{n.Server.World(), n.Server.State().Actions})
	n.check(err)
	out := bytes.NewBuffer(text)
	n.check(filepath.Walk(n.Dir, func(path string, info fs.FileInfo, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // another thread has just removed it
			return nil
		}
		if err != nil {
			return err
		}
		content, _ := os.ReadFile(path) // of a directory, none
		fmt.Fprintf(out, "%s %v %q\n", path, info.Mode(), content)
		return nil
	}))
	return out.String()
}

// copyTree copies what is in a directory, with modes and times.
func (n *newcomer) copyTree(from, to string) {
	n.t.Helper()
	if out, err := exec.Command("cp", "-a", from+"/.", to).CombinedOutput(); err != nil {
		n.t.Fatalf("%v: %s", err, out)
	}
}

// restored is the machine n as it was left, for a test of its own.
func (n *newcomer) restored(t *testing.T, l leftovers) *newcomer {
	t.Helper()
	m := &newcomer{Bed: n.Bed, t: t, key: n.key, env: n.env, offset: n.offset}
	leaveNoKeys(m.Bed) // they know of codes that AWS is not to have seen
	entries, err := os.ReadDir(m.Dir)
	m.check(err)
	for _, entry := range entries {
		m.check(os.RemoveAll(filepath.Join(m.Dir, entry.Name())))
	}
	m.copyTree(l.dir, m.Dir)
	m.Server.SetClockOffset(m.offset)
	m.check(m.Server.Restore(l.world, l.seen))
	return m
}

// TestKill kills each command before every one of its effects (of those behind which nothing differs, before the
// first), and runs it again: then it works, IAM and store fit each other, and nothing is left over. What a kill
// leaves is kept while the command runs once, stopped before each effect; but the kernel's keys cannot be put back,
// so a command that changes those is run and killed each time. With -short only some of the points are tried.
func TestKill(t *testing.T) {
	t.Parallel()
	for name, scenario := range killScenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := scenario.prepare(t)
			points, whole := n.killPoints(scenario.args(n)...)
			if whole.killed || whole.code != 0 || whole.effects < 20 {
				t.Fatalf("the dry run: %+v", whole)
			}
			scenario.undo(n)
			stride := 1
			if testing.Short() {
				stride = 8
			}
			missed, hit := 0, make(map[string]int)
			for i := 0; i < len(points); i += stride {
				t.Run(strconv.Itoa(points[i].point), func(t *testing.T) {
					m, killed := scenario.killed(t, n, points, i)
					if !killed {
						missed++
						return
					}
					hit[points[i].effect]++
					scenario.runAgain(m)
					if t.Failed() {
						t.Logf("killed before %s", points[i].effect)
					}
				})
			}
			t.Logf("killed before %v of %d effects", hit, whole.effects)
			if missed > len(points)/10 { // a run may need an effect less than another
				t.Errorf("%d runs ended by themselves", missed)
			}
		})
	}
}

// killed returns the machine n as a kill at the ith point leaves it, and whether there was one.
func (s killScenario) killed(t *testing.T, n *newcomer, points []leftovers, i int) (*newcomer, bool) {
	t.Helper()
	if s.back == nil {
		return n.restored(t, points[i]), true
	}
	m, k := n.restored(t, points[0]), killer{at: points[i].point}
	m.check(k.run(m, s.args(m)...))
	if !k.killed && k.code != 0 {
		t.Errorf("exit %d", k.code)
	}
	return m, k.killed
}

func (s killScenario) runAgain(n *newcomer) {
	n.t.Helper()
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
