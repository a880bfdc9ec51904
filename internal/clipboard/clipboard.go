// Package clipboard copies text to the desktop's clipboard and reads pictures from it, through the
// programs that each desktop has for that.
package clipboard

import (
	"context"
	"os/exec"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// patience is how long a program of the desktop may take.
const patience = 10 * time.Second

// Clipboard is the clipboard of this user's desktop.
type Clipboard struct {
	Getenv func(string) string // reads the environment, which tells which desktop there is
	OS     string              // runtime.GOOS
}

// Copy puts text onto the clipboard. It is handed over on a pipe, never as an argument. The error
// is a *fault.Error of kind Usage: there is no clipboard, or its program fails.
func (c Clipboard) Copy(ctx context.Context, text creds.Secret) error {
	_, err := c.run(ctx, func(t tool) []string { return t.write }, []byte(text.Reveal()), 0, "leave out --copy")
	return err
}

// Picture returns the picture on the clipboard, as a PNG file of at most limit bytes. It fails as
// Copy does.
func (c Clipboard) Picture(ctx context.Context, limit int64) ([]byte, error) {
	return c.run(ctx, func(t tool) []string { return t.read }, nil, limit, "give --seed-file FILE")
}

// run runs the first program that is installed, of those that use takes from the tools. The remedy is
// what does without a clipboard.
func (c Clipboard) run(ctx context.Context, use func(tool) []string, stdin []byte, limit int64, remedy string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var names []string
	for _, t := range c.tools() {
		argv := use(t)
		if argv == nil {
			continue
		}
		names = append(names, argv[0])
		if _, err := exec.LookPath(argv[0]); err != nil {
			continue
		}
		out, err := child.Program{Argv: argv, Stdin: stdin, Limit: limit}.Run(ctx)
		if err != nil || limit > 0 && len(out) == 0 {
			return nil, fault.New(fault.Usage, "clipboard", remedy, "%s failed: is there a desktop, and a picture on the clipboard?", argv[0])
		}
		return out, nil
	}
	if len(names) == 0 {
		return nil, fault.New(fault.Usage, "clipboard", remedy, "there is no desktop here (neither WAYLAND_DISPLAY nor DISPLAY is set)")
	}
	return nil, fault.New(fault.Usage, "clipboard", "install "+strings.Join(names, " or ")+", or "+remedy, "no program for it is installed")
}

// tool is what a desktop has for its clipboard: command lines, of which the first reads stdin, and the
// second, which may be missing, writes stdout.
type tool struct{ write, read []string }

// tools returns those of this desktop.
func (c Clipboard) tools() (all []tool) {
	windows := tool{[]string{"clip.exe"}, []string{"powershell.exe", "-NoProfile", "-STA", "-Command", windowsPicture}}
	switch c.OS {
	case "darwin":
		return []tool{{[]string{"pbcopy"}, []string{"pngpaste", "-"}}}
	case "windows":
		return []tool{windows}
	}
	if c.Getenv("WAYLAND_DISPLAY") != "" {
		all = append(all, tool{[]string{"wl-copy"}, []string{"wl-paste", "--type", "image/png"}})
	}
	if c.Getenv("DISPLAY") != "" {
		all = append(all, tool{[]string{"xclip", "-selection", "clipboard", "-in"}, []string{"xclip", "-selection", "clipboard", "-target", "image/png", "-out"}},
			tool{write: []string{"xsel", "--clipboard", "--input"}})
	}
	if c.Getenv("WSL_DISTRO_NAME") != "" {
		all = append(all, windows)
	}
	return all
}

// windowsPicture writes the picture on the clipboard to stdout as PNG.
const windowsPicture = `Add-Type -AssemblyName System.Windows.Forms; $p = [Windows.Forms.Clipboard]::GetImage(); ` +
	`if ($p -eq $null) { exit 1 }; $m = New-Object IO.MemoryStream; $p.Save($m, [Drawing.Imaging.ImageFormat]::Png); ` +
	`$o = [Console]::OpenStandardOutput(); $m.WriteTo($o); $o.Flush()`
