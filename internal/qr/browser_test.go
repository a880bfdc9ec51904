package qr

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// page is a step of a wizard like that of AWS's console, with the code as a canvas.
const page = `<!DOCTYPE html><meta charset="utf-8"><style>
body { margin: 0; font: 14px sans-serif; background: %[1]s; color: %[2]s }
header { background: #232f3e; color: white; padding: 12px 24px }
main { margin: 32px auto; width: 800px; border: 1px solid #888; border-radius: 16px; padding: 24px }
button { border: 2px solid; border-radius: 20px; padding: 4px 20px }
</style>
<header>aws &#9776; Search [Alt+S] &#9881; N. Virginia</header>
<main><h1>Set up device</h1><p>1 &#9312; Install a compatible application such as Google Authenticator, Duo Mobile, or Authy app on your mobile device or computer.
<p>2 &#9313; Open your authenticator app, choose <b>Show QR code</b> on this page, then use the app to scan the code.
<p><canvas id="code" width="1" height="1" style="image-rendering: pixelated; %[3]s"></canvas>
<p>3 &#9314; Type two consecutive MFA codes below. <p><input value="MFA code 1"> <input value="MFA code 2"> <button>Cancel</button> <button>Add MFA</button></main>
<script>
const rows = %[4]q.trim().split("\n"), canvas = document.getElementById("code");
canvas.width = canvas.height = rows.length;
canvas.style.width = canvas.style.height = %[5]g * rows.length + "px";
const c = canvas.getContext("2d");
rows.forEach((row, y) => [...row].forEach((m, x) => { c.fillStyle = m == "1" ? "#000" : "#fff"; c.fillRect(x, y, 1, 1) }));
</script>`

// TestDecodeBrowser takes screenshots of a page in Chromium that shows a code drawn
// by qrencode, and compares codes of the seed in it with oathtool's.
func TestDecodeBrowser(t *testing.T) {
	t.Parallel()
	chromium := need(t, "chromium", "chromium")
	rows := asciiModules(t, otpauth)
	for name, test := range map[string]struct {
		back, fore, style string
		module, zoom      float64 // CSS pixels, and pixels of the screen for each
	}{
		"light":                  {"#fff", "#16191f", "", 4, 1},
		"light, zoomed":          {"#fff", "#16191f", "", 3, 1.25},
		"light, small":           {"#fff", "#16191f", "", 2, 1},
		"light, retina":          {"#fff", "#16191f", "", 2, 2},
		"dark, code stays light": {"#0f1b2a", "#d1d5db", "", 4, 1},
		"dark, code inverted":    {"#0f1b2a", "#d1d5db", "filter: invert(1)", 4, 1},
		"dark reader":            {"#181a1b", "#e8e6e3", "filter: invert(0.93) hue-rotate(180deg)", 3.3, 1.1},
	} {
		dir := t.TempDir()
		path, shot := filepath.Join(dir, "page.html"), filepath.Join(dir, "shot.png")
		if err := os.WriteFile(path, fmt.Appendf(nil, page, test.back, test.fore, test.style, rows, test.module), 0o600); err != nil {
			t.Fatal(err)
		}
		command := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir="+filepath.Join(dir, "profile"),
			"--window-size=1280,1000", fmt.Sprintf("--force-device-scale-factor=%g", test.zoom), "--screenshot="+shot, "file://"+path)
		command.Env = append(os.Environ(), "HOME="+dir) // for its crash reports, and settings of GNOME's
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("chromium: %v\n%s", err, out)
		}
		picture, err := os.ReadFile(shot)
		if err != nil {
			t.Fatal(err)
		}
		texts, err := Decode(picture)
		if err != nil || !slices.Equal(reveal(texts), []string{otpauth}) {
			t.Errorf("%s: %q, %v", name, reveal(texts), err)
			continue
		}
		checkCode(t, texts[0])
	}
}

// asciiModules returns the rows of a code that qrencode makes, in digits.
func asciiModules(t *testing.T, text string) string {
	t.Helper()
	art := string(output(t, []byte(text), need(t, "qrencode", "qrencode"), "-t", "ASCII", "-o", "-"))
	var rows strings.Builder
	for line := range strings.Lines(art) {
		for column := 0; column+1 < len(line); column += 2 {
			rows.WriteString(map[byte]string{'#': "1", ' ': "0"}[line[column]])
		}
		rows.WriteByte('\n')
	}
	return rows.String()
}

// checkCode compares the code of the seed that a URI has with oathtool's.
func checkCode(t *testing.T, uri creds.Secret) {
	t.Helper()
	parsed, err := totp.ParseSeed(uri.Reveal(), totp.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 0)
	want := output(t, []byte(seed+"\n"), need(t, "oathtool", "oathtool"), "--totp", "-b", "-N", fmt.Sprintf("@%d", at.Unix()), "-")
	if got := parsed.Code(totp.StepAt(at)).Reveal(); got != strings.TrimSpace(string(want)) {
		t.Errorf("code %s, oathtool says %s", got, want)
	}
}

// TestSeedComesBack draws the URI of a seed, as a phone gets it, and reads it again.
func TestSeedComesBack(t *testing.T) {
	t.Parallel()
	original, err := totp.ParseSeed(seed, totp.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	uri := original.URI("alice@123456789012", "Amazon Web Services")
	matrix, err := Encode(uri)
	if err != nil {
		t.Fatal(err)
	}
	picture := mustPNG(t, matrix, 4)
	if got := zbarimg(t, picture); got != uri.Reveal()+"\n" {
		t.Errorf("zbarimg reads %q", got)
	}
	texts, err := Decode(picture)
	if err != nil || len(texts) != 1 || !texts[0].Equal(uri) {
		t.Fatalf("read as %q, %v", reveal(texts), err)
	}
	if back, err := totp.ParseSeed(texts[0].Reveal(), totp.Policy{}); err != nil || !back.Equal(original) {
		t.Errorf("another seed comes back: %v", err)
	}
}
