//go:build !windows

package cache

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The variables that tell a copy of the test binary what to be.
const (
	roleVar  = "CACHE_TEST_ROLE"
	dirVar   = "CACHE_TEST_DIR"
	keyVar   = "CACHE_TEST_KEY" // the name of a stored key; "": the derived one
	umaskVar = "CACHE_TEST_UMASK"
	uidVar   = "CACHE_TEST_UID"
	blockVar = "CACHE_TEST_BLOCK_KEYCTL"
)

// TestMain also plays the processes that the tests start and kill.
func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := play(role); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func play(role string) error {
	if err := errors.Join(blockKeyctl(), lowerUmask(), changeUser()); err != nil {
		return err
	}
	c, err := Open(childOptions())
	if err != nil {
		return err
	}
	act, ok := roles()[role]
	if !ok {
		return fmt.Errorf("no role %q", role)
	}
	return act(c)
}

func roles() map[string]func(*Cache) error {
	all := map[string]func(*Cache) error{
		"everything": doEverything,
		"read-only":  doReadOnly,
		"writer":     writeForEver,
		"reader":     readOften,
		"holder":     holdForEver,
		"create key": createAndTell,
		"read key":   readAndTell,
	}
	for name, act := range systemRoles() {
		all[name] = act
	}
	return all
}

func childOptions() Options {
	dir := os.Getenv(dirVar)
	o := testOptions(dir)
	if name := os.Getenv(keyVar); name != "" {
		o.Keys = StoredKey{Name: name, Dir: filepath.Join(filepath.Dir(dir), "config"), Rand: slowRandom{}}
	}
	return o
}

// slowRandom widens the gap between finding no key and making one, for processes that race
// to fall into.
type slowRandom struct{}

func (slowRandom) Read(p []byte) (int, error) {
	time.Sleep(5 * time.Millisecond)
	return rand.Read(p)
}

func lowerUmask() error {
	text := os.Getenv(umaskVar)
	if text == "" {
		return nil
	}
	mask, err := strconv.ParseUint(text, 8, 32)
	syscall.Umask(int(mask))
	return err
}

// changeUser drops root for good.
func changeUser() error {
	text := os.Getenv(uidVar)
	if text == "" {
		return nil
	}
	uid, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	return errors.Join(syscall.Setgroups(nil), syscall.Setgid(uid), syscall.Setuid(uid))
}

func child(role, dir string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, roleVar+"="+role, dirVar+"="+dir)...)
	return cmd
}

// run runs a child to its end and returns its output.
func run(t testing.TB, role, dir string, env ...string) string {
	t.Helper()
	out, err := child(role, dir, env...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", role, err, out)
	}
	return string(out)
}

// stranger is a user that is not root and owns nothing.
const stranger = 54321

// needRoot skips a test that changes users or mounts.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: sudo go test")
	}
}

// strangersHome returns a directory of the stranger, that the stranger can reach.
func strangersHome(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cache-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, stranger, stranger); err != nil {
		t.Fatal(err)
	}
	return dir
}

// doEverything writes one of each kind, and finds it again.
func doEverything(c *Cache) error {
	r := someRecord()
	if err := errors.Join(c.Put(id("a"), session("a")), c.Scope("device").Save(r), c.SaveClock("aws", someClock())); err != nil {
		return err
	}
	unlock, held, err := c.Scope("device").TryLock()
	if err != nil || !held {
		return fmt.Errorf("TryLock = %v, %w", held, err)
	}
	defer unlock()
	again, err := Open(childOptions())
	if err != nil {
		return err
	}
	if _, held, _ := again.Scope("device").TryLock(); held {
		return errors.New("the lock was taken twice")
	}
	if _, ok := again.Get(id("a")); !ok || again.LoadClock("aws") != someClock() || len(again.Scope("device").Load().Sent) != len(r.Sent) {
		return errors.New("not all was found again")
	}
	return nil
}

// doReadOnly uses a cache that cannot be written to, with the session "a" in it.
func doReadOnly(c *Cache) error {
	if _, ok := c.Get(id("a")); !ok {
		return errors.New("a miss")
	}
	for what, err := range map[string]error{
		"Put": c.Put(id("a"), session("b")), "Save": c.Scope("device").Save(someRecord()), "SaveClock": c.SaveClock("aws", someClock()),
	} {
		if err == nil {
			return fmt.Errorf("%s succeeded", what)
		}
	}
	unlock, held, err := c.Scope("device").TryLock()
	if err != nil || !held {
		return fmt.Errorf("TryLock = %v, %w", held, err)
	}
	unlock()
	if _, ok := c.Get(id("a")); !ok {
		return errors.New("a miss afterwards")
	}
	return nil
}

func writeForEver(c *Cache) error {
	for i := os.Getpid(); ; i++ {
		if err := c.Put(id("a"), session(string(rune('a'+i%26)))); err != nil {
			return err
		}
	}
}

func readOften(c *Cache) error {
	for range 1000 {
		s, ok := c.Get(id("a"))
		if !ok {
			return errors.New("a miss")
		}
		letter := s.Credentials.AccessKeyID[4:5]
		if fmt.Sprint(reveal(s)...) != fmt.Sprint(reveal(session(letter))...) {
			return errors.New("a torn session")
		}
	}
	return nil
}

// holdForEver takes the lock, says so, and never frees it.
func holdForEver(c *Cache) error {
	unlock, held, err := c.Scope("device").TryLock()
	if err != nil || !held {
		return fmt.Errorf("TryLock = %v, %w", held, err)
	}
	defer unlock() // who refers to it holds it
	fmt.Println("held")
	time.Sleep(time.Hour) // with select{} the runtime would see a deadlock, and end the process
	return nil
}

func createAndTell(c *Cache) error {
	k, err := c.createKey()
	return tell(k, err)
}

func readAndTell(c *Cache) error {
	k, err := c.Keys.Read()
	return tell(k, err)
}

// tell prints the key's id, which tells keys apart and nothing more.
func tell(k Key, err error) error {
	if err != nil {
		return err
	}
	fmt.Printf("key %x\n", k.id())
	return nil
}

func TestUmaskDoesNotMatter(t *testing.T) {
	t.Parallel()
	needRoot(t) // who is not hindered by modes, so a stranger has to do it
	for _, umask := range []string{"000", "022", "077", "0277", "0777"} {
		home := strangersHome(t)
		dir := filepath.Join(home, "above", "parent", "cache")
		run(t, "everything", dir, umaskVar+"="+umask, uidVar+"="+strconv.Itoa(stranger))
		for _, made := range []string{filepath.Join(home, "above"), filepath.Dir(dir), dir} {
			wantMode(t, made, 0o700)
		}
		for _, name := range names(t, dir) {
			wantMode(t, filepath.Join(dir, name), 0o600)
		}
	}
}

func wantMode(t testing.TB, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm() != want {
		t.Errorf("%s: mode %v, %v; want %v", path, info.Mode(), err, want)
	}
}

func TestProcessesNeverSeeATornEntry(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	put(t, c, id("a"), session("a"))
	for range 3 {
		start(t, "writer", c.Dir)
	}
	var readers []*exec.Cmd
	for range 4 {
		readers = append(readers, start(t, "reader", c.Dir))
	}
	for _, reader := range readers {
		if err := reader.Wait(); err != nil {
			t.Errorf("reader: %v: %s", err, reader.Stderr)
		}
	}
}

// start starts a child that is killed at the end of the test.
func start(t testing.TB, role, dir string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := child(role, dir, env...)
	cmd.Stderr = new(strings.Builder)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd
}

func TestKilledWritersLeaveAWholeEntry(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	put(t, c, id("a"), session("a"))
	for i := range 30 {
		cmd := start(t, "writer", c.Dir)
		time.Sleep(time.Duration(5+2*i) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		wantWhole(t, c)
	}
}

func TestKilledHolderFreesTheLock(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	for range 5 {
		cmd := child("holder", c.Dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, 5)); err != nil {
			t.Fatal("the holder never held the lock:", err)
		}
		if _, held, err := c.Scope("device").TryLock(); held || err != nil {
			t.Errorf("taken from a living holder: %v, %v", held, err)
		}
		cmd.Process.Kill()
		cmd.Wait()
		unlock, held, err := c.Scope("device").TryLock()
		if err != nil || !held {
			t.Fatalf("not freed: %v, %v", held, err)
		}
		unlock()
	}
}

func TestChildrenDoNotInheritTheLock(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	unlock, held, err := c.Scope("device").TryLock()
	if err != nil || !held {
		t.Fatal(held, err)
	}
	sleep := exec.Command("sleep", "60")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { sleep.Process.Kill(); sleep.Wait() }()
	unlock()
	unlock, held, err = c.Scope("device").TryLock()
	if err != nil || !held {
		t.Fatalf("a child keeps the lock: %v, %v", held, err)
	}
	unlock()
}
