package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/qr"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/term"
)

type exportOptions struct {
	profile string
	serial  string
	uri     bool
	png     string
}

func newExportCommand(a *app) *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export [NAME]",
		Short: "Show the seed as a QR code, to copy it to a phone",
		Long: `Show the seed of the MFA device as a QR code in the terminal. Scan it with Google Authenticator,
Authy, Microsoft Authenticator or another app: the phone becomes a second copy of the same device.
The QR code disappears when you press Enter. Anyone who sees it can generate your codes.`,
		Example: `  aws-mfa-creds export --profile work
  aws-mfa-creds export --profile work --png phone.png`,
		RunE: a.interactive(func(ctx context.Context) error { return runExport(ctx, a, o) }),
	}
	profileFlag(cmd, &o.profile)
	serialFlag(cmd, &o.serial, "the first")
	cmd.Flags().BoolVar(&o.uri, "uri", false, "print the otpauth URI instead")
	cmd.Flags().StringVar(&o.png, "png", "", "write the QR code to a new PNG `FILE` instead")
	cmd.Flags().BoolVar(&a.ask.yes, "yes", false, "do not ask for confirmation")
	cmd.MarkFlagsMutuallyExclusive("uri", "png")
	return cmd
}

func runExport(ctx context.Context, a *app, o exportOptions) error {
	w, err := a.openDevice(o.profile)
	if err != nil {
		return err
	}
	if w.CodeFromProgram() {
		return fault.New(fault.Usage, "export", "export it from the program or device that stores it", "mfa_process generates the codes of the profile, so this program has no seed")
	}
	if o.serial, err = ofPool(w.Settings.Devices(), o.serial); err != nil {
		return err
	}
	if err := a.ask.confirm(ctx, "Show the seed of "+o.serial+"? Anyone who sees it can generate your codes."); err != nil {
		return err
	}
	seed, err := w.Seed(ctx, o.serial)
	if err != nil {
		return err
	}
	return export(ctx, a, o, seed.URI(keystore.Label(o.serial), keystore.Issuer))
}

func export(ctx context.Context, a *app, o exportOptions, uri creds.Secret) error {
	if o.uri {
		return a.print([]byte(uri.Reveal() + "\n"))
	}
	code, err := qr.Encode(uri)
	if err != nil {
		return withRemedy(err, "give --uri")
	}
	if o.png != "" {
		return exportPNG(a, code, o.png)
	}
	if !a.ask.present() {
		return fault.New(fault.Usage, "export", "give --uri or --png FILE", "there is no terminal to show the QR code on")
	}
	if cause := a.cannotDraw(); cause != "" {
		return fault.New(fault.Usage, "export", "give --uri or --png FILE", "the terminal cannot show the QR code: %s", cause)
	}
	return showCode(ctx, code, a.ask.terminal, a.getenv("NO_COLOR") == "")
}

// cannotDraw says why the terminal cannot show a screen of block characters, or returns "". A locale
// that nobody has set says nothing: containers have none.
func (a *app) cannotDraw() string {
	if a.getenv("TERM") == "dumb" {
		return "TERM is dumb"
	}
	locale := cmp.Or(a.getenv("LC_ALL"), a.getenv("LC_CTYPE"), a.getenv("LANG"))
	if plain := strings.ReplaceAll(strings.ToLower(locale), "-", ""); locale != "" && !strings.Contains(plain, "utf8") {
		return "the locale, " + locale + ", is not UTF-8"
	}
	return ""
}

const pngScale = 8 // pixels a module

func exportPNG(a *app, code qr.Matrix, path string) error {
	picture, err := code.PNG(pngScale)
	defer clear(picture)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the user's own choice
	if err != nil {
		return fault.New(fault.Filesystem, "--png "+path, "name a file that does not exist, in a directory you can write to", "cannot be created: %s", securefile.Reason(err))
	}
	_, err = f.Write(picture)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(path)
		return fault.New(fault.Filesystem, "--png "+path, "", "cannot be written: %s", securefile.Reason(err))
	}
	a.say("Wrote %s. Delete it once the phone has scanned it.", path)
	return nil
}

// The screen of its own (xterm, private mode 1049): what is shown there leaves nothing in the
// scrollback.
const (
	ownScreen  = "\x1b[?1049h\x1b[2J\x1b[H"
	backScreen = "\x1b[2J\x1b[?1049l"
)

// fits refuses to show a part of the code. A terminal of unknown size is large enough.
func fits(code qr.Matrix, terminal *term.Terminal) error {
	columns, rows, err := terminal.Size()
	if err != nil || columns == 0 || rows == 0 {
		return nil //nolint:nilerr // as said
	}
	width, height := code.Width(), (code.Width()+1)/2+1 // a line has two rows; the last is the prompt's
	if width <= columns && height <= rows {
		return nil
	}
	return fault.New(fault.Usage, "export", fmt.Sprintf("enlarge the window to %dx%d, or give --png FILE", max(width, columns), max(height, rows)), "the QR code does not fit the window of %dx%d", columns, rows)
}

func showCode(ctx context.Context, code qr.Matrix, terminal *term.Terminal, colour bool) error {
	if err := fits(code, terminal); err != nil {
		return err
	}
	picture := code.Terminal(colour)
	if _, err := fmt.Fprint(terminal, ownScreen+picture.Reveal()); err != nil {
		return err
	}
	defer func() { _, _ = fmt.Fprint(terminal, backScreen) }()
	_, err := terminal.Line(ctx, "Scan it with the phone, then press Enter")
	return ended(err)
}
