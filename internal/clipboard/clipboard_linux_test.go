package clipboard

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// need skips for want of a program, loudly, or fails in CI.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err == nil {
			continue
		} else if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("SKIPPED: %s is missing: scripts/install-test-tools", p)
	}
}

// desktop starts a display of its own and returns a clipboard on it.
func desktop(t *testing.T) Clipboard {
	t.Helper()
	need(t, "Xvfb", "xclip")
	ctx, cancel := context.WithCancel(context.Background())
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(ctx, "Xvfb", "-displayfd", "3", "-nolisten", "tcp")
	server.ExtraFiles = []*os.File{write}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = server.Wait() })
	write.Close()
	number := make([]byte, 16)
	n, err := read.Read(number)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DISPLAY", ":"+strings.TrimSpace(string(number[:n])))
	return Clipboard{Getenv: os.Getenv, OS: "linux"}
}

func xclip(t *testing.T, stdin []byte, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "xclip", append([]string{"-selection", "clipboard"}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	if stdin != nil { // it stays in the background as the owner of the clipboard
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		return ""
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// awaitOwner waits until the X server knows the owner of the clipboard: xclip ends before that.
func awaitOwner(t *testing.T) {
	t.Helper()
	var err error
	for range 500 {
		if err = exec.CommandContext(t.Context(), "xclip", "-selection", "clipboard", "-out", "-target", "TARGETS").Run(); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal(err)
}

func TestCopy(t *testing.T) {
	c := desktop(t)
	if err := c.Copy(t.Context(), creds.NewSecret("012345")); err != nil {
		t.Fatal(err)
	}
	awaitOwner(t)
	if got := xclip(t, nil, "-out"); got != "012345" {
		t.Errorf("%q is on the clipboard", got)
	}
}

func TestPicture(t *testing.T) {
	c := desktop(t)
	if _, err := c.Picture(t.Context(), 1<<20); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "xclip") {
		t.Errorf("an empty clipboard: %v", err)
	}
	var want bytes.Buffer
	if err := png.Encode(&want, image.NewGray(image.Rect(0, 0, 50, 50))); err != nil {
		t.Fatal(err)
	}
	xclip(t, want.Bytes(), "-target", "image/png", "-in")
	awaitOwner(t)
	got, err := c.Picture(t.Context(), 1<<20)
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := c.Picture(t.Context(), 10); err == nil {
		t.Error("a picture over the limit is taken")
	}
}

func TestNoClipboard(t *testing.T) {
	t.Setenv("DISPLAY", ":4711") // which is not there
	t.Setenv("WAYLAND_DISPLAY", "")
	t.Setenv("WSL_DISTRO_NAME", "")
	for name, c := range map[string]Clipboard{
		"no desktop":    {Getenv: func(string) string { return "" }, OS: "linux"},
		"wrong display": {Getenv: os.Getenv, OS: "linux"},
		"macOS":         {Getenv: os.Getenv, OS: "darwin"}, // whose programs are not here
	} {
		err := c.Copy(t.Context(), creds.NewSecret("012345"))
		if fault.KindOf(err) != fault.Usage || strings.Contains(fault.Line(err), "012345") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
