//go:build unix

package agefile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// The variables that tell a copy of the test binary what to be.
const (
	roleVar  = "AGEFILE_TEST_ROLE"
	dirVar   = "AGEFILE_TEST_DIR"
	wordVar  = "AGEFILE_TEST_WORD" // what the role works with
	umaskVar = "AGEFILE_TEST_UMASK"
	uidVar   = "AGEFILE_TEST_UID"
)

// pluginDir is where the plugins of the tests are, on PATH.
var pluginDir string

// TestMain also plays the processes that the tests start, and the age plugins.
func TestMain(m *testing.M) {
	if name, ok := strings.CutPrefix(filepath.Base(os.Args[0]), "age-plugin-"); ok {
		os.Exit(playPlugin(name))
	}
	if len(os.Args) > 1 && os.Args[1] == WorkerArg {
		os.Exit(Worker(os.Stdin, os.Stdout))
	}
	if role := os.Getenv(roleVar); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(withPlugins(m))
}

func withPlugins(m *testing.M) int {
	dir, err := os.MkdirTemp("", "agefile-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	pluginDir = dir
	os.Chmod(dir, 0o755)
	binary, _ := os.Executable()
	for name := range pluginActs("") {
		if err := os.Symlink(binary, filepath.Join(dir, "age-plugin-"+name)); err != nil {
			panic(err)
		}
	}
	os.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return m.Run()
}

// pidsFile is the file in which the plugin of an identity tells what processes it has started.
func pidsFile(identity string) string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("agefile-test-%x", sha256.Sum256([]byte(identity))))
}

// pluginActs are the plugins of the tests. Each wraps file keys for the X25519 identity that
// is in its own keys, after it has done what its name says.
func pluginActs(pids string) map[string]func(*plugin.Plugin) error {
	return map[string]func(*plugin.Plugin) error{
		"good":   func(*plugin.Plugin) error { return nil },
		"linger": func(*plugin.Plugin) error { return leaveBehind(pids) },
		"fail":   func(*plugin.Plugin) error { return errors.New("no token with serial 4711 is there") },
		"blab":   func(*plugin.Plugin) error { return errors.New("bad key age-plugin-blab-1QQQQ") },
		"crash":  func(*plugin.Plugin) error { os.Exit(3); return nil },
		"babble": func(*plugin.Plugin) error { fmt.Println("hello"); time.Sleep(time.Hour); return nil },
		"hang":   func(*plugin.Plugin) error { return hang(pids) },
		"stray":  func(*plugin.Plugin) error { return errors.Join(leaveBehind(pids), hang(pids)) },
		"touch": func(p *plugin.Plugin) error {
			p.DisplayMessage("please touch\x1b[2J the token")
			return hang(pids)
		},
		"pin": func(p *plugin.Plugin) error {
			pin, err := p.RequestValue("PIN of the token", true)
			if err == nil && pin != "1234" {
				err = fmt.Errorf("wrong PIN %s", pin)
			}
			return err
		},
		"quiz": func(p *plugin.Plugin) error {
			if err := p.DisplayMessage("a quiz"); err != nil {
				return err
			}
			slot, err := p.RequestValue("slot", false)
			if err != nil || slot != "9a" {
				return fmt.Errorf("slot %q, %w", slot, err)
			}
			if yes, err := p.Confirm("really", "do it", "leave it"); err != nil || !yes {
				return fmt.Errorf("not confirmed: %w", err)
			}
			return nil
		},
	}
}

// hang tells its process and its child's, and ignores what can be ignored.
func hang(pids string) error {
	cmd := exec.Command("/bin/sh", "-c", "trap '' INT TERM HUP; sleep 3600 & wait")
	if err := cmd.Start(); err != nil {
		return err
	}
	os.WriteFile(pids, fmt.Appendf(nil, "%d %d\n", os.Getpid(), cmd.Process.Pid), 0o600)
	time.Sleep(time.Hour)
	return nil
}

// leaveBehind starts something in a session of its own that holds all the plugin's pipes.
func leaveBehind(pids string) error {
	cmd := exec.Command("sleep", "600")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return os.WriteFile(pids+".left", []byte(strconv.Itoa(cmd.Process.Pid)), 0o600)
}

type pluginIdentity struct {
	*age.X25519Identity
	act func() error
}

func (i pluginIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if err := i.act(); err != nil {
		return nil, err
	}
	return i.X25519Identity.Unwrap(stanzas)
}

func playPlugin(name string) int {
	if leak := os.Getenv("AWS_MFA_CREDS_SEED") + os.Getenv("AGEDEBUG"); leak != "" {
		fmt.Println("this variable is not for me")
		return 1
	}
	if _, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil && name != "pin" && name != "quiz" {
		fmt.Println("I have a terminal")
		return 1
	}
	fmt.Fprintln(os.Stderr, "noise of the plugin")
	p, _ := plugin.New(name)
	p.HandleRecipient(func(data []byte) (age.Recipient, error) { return age.ParseX25519Recipient(string(data)) })
	p.HandleIdentity(func(data []byte) (age.Identity, error) {
		identity, err := age.ParseX25519Identity(string(data))
		return pluginIdentity{identity, func() error { return pluginActs(pidsFile(string(data)))[name](p) }}, err
	})
	return p.Main()
}

func play(role string) error {
	if err := errors.Join(setUmask(), setUser()); err != nil {
		return err
	}
	return roles()[role](at(os.Getenv(dirVar)), os.Getenv(wordVar))
}

func setUmask() error {
	text := os.Getenv(umaskVar)
	if text == "" {
		return nil
	}
	mask, err := strconv.ParseUint(text, 8, 32)
	syscall.Umask(int(mask))
	return err
}

// setUser drops root for good.
func setUser() error {
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

// process returns a copy of this program in a role.
func process(t testing.TB, role, dir, word string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), append(env, roleVar+"="+role, dirVar+"="+dir, wordVar+"="+word)...)
	cmd.Stderr = new(strings.Builder)
	return cmd
}

// finish runs a process to its end.
func finish(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Run(); err != nil {
		t.Errorf("%v: %s", err, cmd.Stderr)
	}
}
