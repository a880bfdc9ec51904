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

// program is a command line that reads stdin, or writes stdout.
type program []string

// Copy puts text onto the clipboard. It is handed over on a pipe, never as an argument. The error
// is a *fault.Error of kind Usage: there is no clipboard, or its program fails.
func (c Clipboard) Copy(ctx context.Context, text creds.Secret) error {
	_, err := c.run(ctx, c.writers(), []byte(text.Reveal()), 0)
	return err
}

// Picture returns the picture on the clipboard, as a PNG file of at most limit bytes. It fails as
// Copy does.
func (c Clipboard) Picture(ctx context.Context, limit int64) ([]byte, error) {
	return c.run(ctx, c.readers(), nil, limit)
}

// run runs the first of the programs that is installed.
func (c Clipboard) run(ctx context.Context, programs []program, stdin []byte, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, p := range programs {
		if _, err := exec.LookPath(p[0]); err != nil {
			continue
		}
		out, err := child.Program{Argv: p, Stdin: stdin, Limit: limit}.Run(ctx)
		if err != nil || limit > 0 && len(out) == 0 {
			return nil, fault.New(fault.Usage, "clipboard", "", "%s failed: is there a desktop, and a picture on the clipboard?", p[0])
		}
		return out, nil
	}
	var names []string
	for _, p := range programs {
		names = append(names, p[0])
	}
	if len(names) == 0 {
		return nil, fault.New(fault.Usage, "clipboard", "use a file", "there is no desktop here (neither WAYLAND_DISPLAY nor DISPLAY is set)")
	}
	return nil, fault.New(fault.Usage, "clipboard", "install "+strings.Join(names, " or ")+", or use a file", "no program for it is installed")
}

func (c Clipboard) writers() []program {
	switch c.OS {
	case "darwin":
		return []program{{"pbcopy"}}
	case "windows":
		return []program{{"clip.exe"}}
	}
	var all []program
	if c.Getenv("WAYLAND_DISPLAY") != "" {
		all = append(all, program{"wl-copy"})
	}
	if c.Getenv("DISPLAY") != "" {
		all = append(all, program{"xclip", "-selection", "clipboard", "-in"}, program{"xsel", "--clipboard", "--input"})
	}
	if c.Getenv("WSL_DISTRO_NAME") != "" {
		all = append(all, program{"clip.exe"})
	}
	return all
}

func (c Clipboard) readers() []program {
	switch c.OS {
	case "darwin":
		return []program{{"pngpaste", "-"}}
	case "windows":
		return []program{{"powershell.exe", "-NoProfile", "-STA", "-Command", windowsPicture}}
	}
	var all []program
	if c.Getenv("WAYLAND_DISPLAY") != "" {
		all = append(all, program{"wl-paste", "--type", "image/png"})
	}
	if c.Getenv("DISPLAY") != "" {
		all = append(all, program{"xclip", "-selection", "clipboard", "-target", "image/png", "-out"})
	}
	if c.Getenv("WSL_DISTRO_NAME") != "" {
		all = append(all, program{"powershell.exe", "-NoProfile", "-STA", "-Command", windowsPicture})
	}
	return all
}

// windowsPicture writes the picture on the clipboard to stdout as PNG.
const windowsPicture = `Add-Type -AssemblyName System.Windows.Forms; $p = [Windows.Forms.Clipboard]::GetImage(); ` +
	`if ($p -eq $null) { exit 1 }; $m = New-Object IO.MemoryStream; $p.Save($m, [Drawing.Imaging.ImageFormat]::Png); ` +
	`$o = [Console]::OpenStandardOutput(); $m.WriteTo($o); $o.Flush()`
