//go:build linux

package test

import (
	"bufio"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// enrolled is a newcomer who has enrolled, and the seed of the device.
func enrolled(t *testing.T) (n *newcomer, seed string) {
	t.Helper()
	n = stored(t)
	n.must("enroll", "--profile", "work")
	return n, n.Server.World().Devices[0].Seed
}

// TestCodeWatch looks at the line that shows the codes.
func TestCodeWatch(t *testing.T) {
	t.Parallel()
	n, seed := enrolled(t)
	roomInStep()
	s := n.shell("code", "--profile", "work", "--watch")
	n.check(s.Expect("next: "))
	n.check(s.Expect("\r")) // a second later it is drawn anew
	n.check(s.Expect("\x1b[K"))
	n.check(s.Type("\x03"))
	shown := s.ends(130)
	line := regexp.MustCompile(`^\r(\d{6})  \(used\)  \[#+-*\] [ 123]\d s  next: (\d{6})\x1b\[K`).FindStringSubmatch(shown)
	if line == nil || !strings.HasSuffix(shown, "\r\x1b[K") {
		t.Fatalf("shows %q", shown)
	}
	for i, at := range []time.Time{time.Now(), time.Now().Add(30 * time.Second)} {
		if code, err := sandbox.Code(seed, at); err != nil || line[i+1] != code {
			t.Errorf("code %d is not that of its step", i)
		}
	}
}

// TestCodePair compares two consecutive codes with another program's.
func TestCodePair(t *testing.T) {
	t.Parallel()
	oathtool := need(t, "oathtool", "apt-get install oathtool")
	n, seed := enrolled(t)
	roomInStep()
	at := time.Now().Add(-30 * time.Second).Unix()
	cmd := exec.CommandContext(t.Context(), oathtool, "--totp", "-b", "-w", "1", "-N", fmt.Sprintf("@%d", at), "-")
	cmd.Stdin = strings.NewReader(seed + "\n")
	want, err := cmd.Output()
	n.check(err)
	got := n.run("code", "--profile", "work", "--pair")
	if got.stdout != string(want) || got.code != 0 || !strings.Contains(got.stderr, "warning: this code was already used") {
		t.Errorf("exit %d, and the codes are other ones than oathtool's: %s", got.code, got.stderr)
	}
}

// TestCodeCopy puts a code onto the clipboard of a desktop without a screen.
func TestCodeCopy(t *testing.T) {
	t.Parallel()
	xclip := need(t, "xclip", "apt-get install xclip")
	n, seed := enrolled(t)
	n.env = append(n.env, "DISPLAY="+desktop(t))
	roomInStep()
	got := n.run("code", "--profile", "work", "--copy")
	if got.code != 0 || got.stdout != "" || !strings.Contains(got.stderr, "copied the code to the clipboard") {
		t.Fatalf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	code, err := sandbox.Code(seed, time.Now())
	n.check(err)
	eventually(t, "the code on the clipboard", func() bool { // xclip ends before the X server knows of it
		return run(t, n.Bed, n.env, xclip, "-selection", "clipboard", "-out").stdout == code
	})
}

// desktop starts an X server without a screen and returns its DISPLAY.
func desktop(t *testing.T) string {
	t.Helper()
	server := exec.CommandContext(t.Context(), need(t, "Xvfb", "apt-get install xvfb"), "-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "640x480x24")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	number, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return ":" + strings.TrimSpace(number)
}

// tmux is a terminal emulator with one program on it.
type tmux struct {
	n      *newcomer
	socket string
}

func (n *newcomer) tmux(args ...string) *tmux {
	n.t.Helper()
	x := &tmux{n, filepath.Join(n.Dir, "tmux")}
	n.env = append(n.env, "LC_ALL=C.UTF-8")
	x.do(append([]string{"-f", os.DevNull, "new-session", "-d", "-x", "120", "-y", "60", ";", "set", "-g", "remain-on-exit", "on", ";", "respawn-pane", "-k", n.Binary}, args...)...)
	n.t.Cleanup(func() { _ = exec.Command("tmux", "-S", x.socket, "kill-server").Run() })
	return x
}

func (x *tmux) do(args ...string) string {
	x.n.t.Helper()
	got := run(x.n.t, x.n.Bed, x.n.env, need(x.n.t, "tmux", "apt-get install tmux"), append([]string{"-u", "-S", x.socket}, args...)...)
	if got.code != 0 {
		x.n.t.Fatalf("tmux: %s", got.stderr)
	}
	return got.stdout
}

// shows waits until text is on the screen, and returns the screen.
func (x *tmux) shows(text string) (screen string) {
	x.n.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if screen = x.do("capture-pane", "-p"); strings.Contains(screen, text) {
			return screen
		}
	}
	x.n.t.Fatalf("the terminal does not show %q but\n%s", text, screen)
	return ""
}

// TestExportOnATerminal shows the QR code on a terminal emulator, without colours, and has another
// program read it off the screen. When it has been read, nothing of it is left, in the scrollback
// neither.
func TestExportOnATerminal(t *testing.T) {
	t.Parallel()
	n, seed := enrolled(t)
	n.env = append(n.env, "NO_COLOR=1")
	x := n.tmux("export", "--profile", "work")
	x.shows("Anyone who sees it can generate your codes. [y/N]:")
	x.do("send-keys", "y", "Enter")
	path := filepath.Join(n.Dir, "secrets", "screen.png")
	paint(t, path, x.shows("then press Enter"))
	if got := n.read(path); !strings.Contains(got, "secret="+seed) {
		t.Error("zbarimg does not read the seed off the screen")
	}
	x.do("send-keys", "Enter")
	eventually(t, "the end of the program", func() bool { // tmux does not always draw "Pane is dead"
		return x.do("display-message", "-p", "#{pane_dead}") == "1\n"
	})
	if left := x.do("capture-pane", "-p", "-S", "-"); strings.ContainsAny(left, "█▀▄") {
		t.Errorf("the terminal still has\n%s", left)
	}
}

// TestExportOnASmallTerminal has no room for the code: nothing of it is shown.
func TestExportOnASmallTerminal(t *testing.T) {
	t.Parallel()
	n, _ := enrolled(t)
	x := n.tmux("export", "--profile", "work")
	x.shows("[y/N]:")
	x.do("resize-window", "-x", "80", "-y", "24")
	x.do("send-keys", "y", "Enter")
	screen := x.shows("or give --png FILE")
	hint := regexp.MustCompile(`enlarge the window to 80x(\d+), or give --png FILE`).FindStringSubmatch(screen)
	if hint == nil || !strings.Contains(screen, "does not fit the window of 80x24") || strings.ContainsAny(screen, "█▀▄") {
		t.Fatalf("the terminal shows\n%s", screen)
	}
	x.do("resize-window", "-x", "80", "-y", hint[1])
	x.do("respawn-pane", "-k", n.Binary, "export", "--profile", "work", "--yes")
	x.shows("then press Enter")
}

// paint draws what a terminal shows, as dark as a terminal is, 8 pixels for half a character.
func paint(t *testing.T, path, screen string) {
	t.Helper()
	const dot = 8
	lines := strings.Split(screen, "\n")
	picture := image.NewGray(image.Rect(0, 0, 120*dot, len(lines)*2*dot))
	for row, line := range lines {
		for column, char := range []rune(line) {
			for y := range 2 * dot {
				if char != '█' && (char != '▀' || y >= dot) && (char != '▄' || y < dot) {
					continue
				}
				for x := range dot {
					picture.SetGray(column*dot+x, row*2*dot+y, color.Gray{Y: 0xff})
				}
			}
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, picture); err != nil {
		t.Fatal(err)
	}
}

// read has another program read a QR code.
func (n *newcomer) read(path string) string {
	n.t.Helper()
	return run(n.t, n.Bed, nil, need(n.t, "zbarimg", "apt-get install zbar-tools"), "--raw", "-q", path).stdout
}

// TestExport writes a picture, once, and only when somebody has said so.
func TestExport(t *testing.T) {
	t.Parallel()
	n, seed := enrolled(t)
	path := filepath.Join(n.Dir, "secrets", "seed.png")
	n.refused(2, []string{"no terminal", "--yes"}, "export", "--profile", "work", "--png", path)
	s := n.shell("export", "--profile", "work", "--png", path)
	s.answer("[y/N]: ", "n")
	s.ends(2)
	n.refused(2, []string{"no terminal", "--uri or --png FILE"}, "export", "--profile", "work", "--yes")
	if _, err := os.Stat(path); err == nil {
		t.Error("it was written all the same")
	}
	n.must("export", "--profile", "work", "--png", path, "--yes")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if uri := n.read(path); uri != n.must("export", "--profile", "work", "--uri", "--yes") || !strings.Contains(uri, "secret="+seed+"&") {
		t.Error("zbarimg reads something else")
	}
	n.refused(11, []string{"--png " + path, "cannot be created", "a file that does not exist"}, "export", "--profile", "work", "--png", path, "--yes")
	// What was exported makes another machine a second copy.
	n.must("add", "--profile", "copy", "--access-key-file", n.key, "--seed-file", path, "--serial", n.Server.World().Devices[0].Serial)
	n.works("copy")
}

// migration returns the codes of an export of Google Authenticator: one URI for each batch of
// accounts, given as name and base32 seed.
func migration(t *testing.T, batches ...[][2]string) (uris []string) {
	t.Helper()
	for i, accounts := range batches {
		var payload []byte
		field := func(to []byte, number byte, value []byte) []byte {
			to = append(to, number<<3|2, byte(len(value))) // all are shorter than 128 bytes
			return append(to, value...)
		}
		for _, account := range accounts {
			secret, err := base32.StdEncoding.DecodeString(account[1])
			if err != nil {
				t.Fatal(err)
			}
			one := field(nil, 1, secret)
			one = field(one, 2, []byte(account[0]))
			one = append(one, 4<<3, 1, 5<<3, 1, 6<<3, 2) // SHA-1, six digits, TOTP
			payload = field(payload, 1, one)
		}
		payload = append(payload, 2<<3, 1, 3<<3, byte(len(batches)), 4<<3, byte(i), 5<<3, 77)
		uris = append(uris, "otpauth-migration://offline?data="+url.QueryEscape(base64.StdEncoding.EncodeToString(payload)))
	}
	return uris
}

// TestImportExport takes a seed from an export of Google Authenticator: one account of many, in two
// pictures.
func TestImportExport(t *testing.T) {
	t.Parallel()
	other := base32.StdEncoding.EncodeToString([]byte("twenty bytes of seed"))
	machine := func(t *testing.T) (n *newcomer, files []string) {
		n = newNewcomer(t, withDevice(consoleSerial, testbed.UserName))
		n.change(func(w *sandbox.World) { w.Devices[0].Seed = consoleSeed })
		uris := migration(t,
			[][2]string{{"mail@example.com", other}, {"Amazon Web Services:bob@123456789012", other}},
			[][2]string{{"Amazon Web Services:alice-phone@123456789012", consoleSeed}},
		)
		return n, []string{"--seed-file", n.picture("one", uris[0]), "--seed-file", n.picture("two.jpg", uris[1], "-quality", "70")}
	}
	add := func(n *newcomer, files []string, more ...string) []string {
		return append(append([]string{"add", "--profile", "work", "--access-key-file", n.key}, files...), more...)
	}
	t.Run("chosen", func(t *testing.T) {
		t.Parallel()
		n, files := machine(t)
		s := n.shell(add(n, files)...)
		n.check(s.Expect("1: Amazon Web Services:bob@123456789012"))
		n.check(s.Expect("2: Amazon Web Services:alice-phone@123456789012"))
		s.answer("Number of the one to take: ", "3")
		n.check(s.Expect("there is no account with that number"))
		s.answer("Number of the one to take: ", "2")
		s.answer("["+consoleSerial+"]: ", "")
		s.ends(0)
		n.works("work")
	})
	t.Run("named", func(t *testing.T) {
		t.Parallel()
		n, files := machine(t)
		n.refused(2, []string{"several accounts", "--account"}, add(n, files, "--serial", consoleSerial)...)
		n.refused(2, nil, add(n, files[:2], "--serial", consoleSerial, "--account", "Amazon Web Services:alice-phone@123456789012")...)
		n.must(add(n, files, "--serial", consoleSerial, "--account", "Amazon Web Services:alice-phone@123456789012")...)
		n.works("work")
	})
}

// TestEnrollCanary enrols, rotates and removes with --debug, watched by strace, and looks for secrets: in
// all that is printed and stored, and in the arguments and the environment of child processes.
func TestEnrollCanary(t *testing.T) {
	t.Parallel()
	strace := need(t, "strace", "apt-get install strace")
	began := time.Now()
	n := newNewcomer(t)
	c := newCanary(t)
	note := func() {
		world := n.Server.World()
		for _, d := range world.Devices {
			c.add("seed of "+d.Serial, d.Seed)
			c.addCodes(d.Seed, began)
		}
		for _, k := range world.User(testbed.UserName).Keys {
			c.add("secret of "+k.ID, k.Secret)
		}
	}
	trace := filepath.Join(n.Dir, "trace")
	for _, args := range [][]string{
		{"setup", "--profile", "work", "--access-key-file", n.key, "--region", "us-east-1", "--yes"},
		{"rotate", "device", "--profile", "work", "--yes"},
		{"rotate", "key", "--profile", "work", "--yes"},
		{"resync", "--profile", "work"},
		{"enroll", "--profile", "work", "--device-name", "spare"},
		{"remove", "--profile", "work", "--aws", "--yes"},
	} {
		note()
		got := run(t, n.Bed, n.env, strace, append([]string{"-f", "-qq", "-A", "-o", trace, "-v", "-s", "65536", "-e", "trace=execve", n.Binary, "--debug"}, args...)...)
		note()
		n.printed.WriteString(got.stdout + got.stderr)
		if got.code != 0 || !strings.Contains(got.stderr, "level=DEBUG") {
			t.Errorf("%v: exit %d: %s%s", args, got.code, got.stdout, got.stderr)
		}
		n.later()
	}
	children, err := os.ReadFile(trace)
	n.check(err)
	if !strings.Contains(string(children), "execve(") {
		t.Error("nothing was traced")
	}
	c.search("a child process", children)
	c.search("the output", []byte(n.printed.String()))
	if files := c.searchFiles(n.Own()); files < 3 {
		t.Errorf("only %d files were searched", files)
	}
}
