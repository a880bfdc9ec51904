//go:build !windows

package securefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	roleVar  = "SECUREFILE_TEST_ROLE"
	umaskVar = "SECUREFILE_TEST_UMASK"
)

// TestMain also plays the processes that the tests start and kill.
func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVar) {
	case "":
		os.Exit(m.Run())
	case "umask":
		err = writeUnderUmask()
	case "mkdir":
		err = makeUnderUmask()
	case "writer":
		err = writeForEver()
	case "locker":
		err = lockForEver()
	case "reader":
		_, _, err = OpenTrusted("/etc/passwd")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(role, dir string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, roleVar+"="+role)...)
	cmd.Dir = dir
	return cmd
}

func childDir() (*Dir, error) { return OpenAnyDir(".") }

func setUmask() error {
	mask, err := strconv.ParseUint(os.Getenv(umaskVar), 8, 32)
	syscall.Umask(int(mask))
	return err
}

func makeUnderUmask() error {
	if err := setUmask(); err != nil {
		return err
	}
	_, err := MakeDir("a/b/c", Open)
	return err
}

func writeUnderUmask() error {
	if err := setUmask(); err != nil {
		return err
	}
	dir, err := childDir()
	if err != nil {
		return err
	}
	return errors.Join(
		dir.Write("written", []byte("x"), Options{}),
		dir.Create("created", []byte("x"), Options{}),
		dir.createInPlace("in place", []byte("x"), Options{}),
		dir.Write("public", []byte("x"), Options{Mode: 0o644}),
	)
}

func TestModeWhateverTheUmask(t *testing.T) {
	t.Parallel()
	for _, umask := range []string{"000", "022", "077", "0277", "0777"} {
		path := t.TempDir()
		if out, err := child("umask", path, umaskVar+"="+umask).CombinedOutput(); err != nil {
			t.Fatalf("umask %s: %v: %s", umask, err, out)
		}
		for name, want := range map[string]fs.FileMode{"written": 0o600, "created": 0o600, "in place": 0o600, "public": 0o644} {
			if info, err := os.Stat(filepath.Join(path, name)); err != nil || info.Mode().Perm() != want {
				t.Errorf("umask %s: %s has mode %v, %v", umask, name, info.Mode(), err)
			}
		}
	}
}

const killedSize = 300_000

// writeForEver replaces a file by one of all "a", one of all "b", and so on.
func writeForEver() error {
	dir, err := childDir()
	for i := 0; err == nil; i++ {
		err = dir.Write("file", bytes.Repeat([]byte{byte('a' + i%26)}, killedSize), Options{Durable: i%8 == 0})
	}
	return err
}

func TestKilledWriterLeavesOneOrTheOther(t *testing.T) {
	t.Parallel()
	dir, path := newDir(t)
	if err := dir.Write("file", bytes.Repeat([]byte("z"), killedSize), Options{}); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		cmd := child("writer", path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(5+3*i) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		got := content(t, path, "file")
		if len(got) != killedSize || strings.Trim(got, got[:1]) != "" {
			t.Fatalf("torn after kill %d: %d bytes", i, len(got))
		}
	}
	if err := dir.Sweep(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	only(t, path, "file")
}
