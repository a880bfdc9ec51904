package qr

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func secret(text string) creds.Secret { return creds.NewSecret(text) }

func mustEncode(t *testing.T, text string) Matrix {
	t.Helper()
	matrix, err := Encode(secret(text))
	if err != nil {
		t.Fatal(err)
	}
	return matrix
}

func mustPNG(t *testing.T, m Matrix, scale int) []byte {
	t.Helper()
	picture, err := m.PNG(scale)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// encoded are texts of many lengths, up to what a code holds.
func encoded() []string {
	return []string{otpauth, "x", "0123456789", strings.Repeat("otpauth://totp/", 40), strings.Repeat("a", 2331), strings.Repeat("a", 2332), strings.Repeat("a", 2953)}
}

func TestPNGIsRead(t *testing.T) {
	t.Parallel()
	for i, text := range encoded() {
		matrix, scale := mustEncode(t, text), 3+i%3
		picture := mustPNG(t, matrix, scale)
		if got := zbarimg(t, picture); got != text+"\n" {
			t.Errorf("zbarimg reads %.80q, want %.80q", got, text)
		}
		if got := mustDecode(t, picture); !slices.Equal(got, []string{text}) {
			t.Errorf("we read %.80q, want %.80q", got, text)
		}
		config, err := png.DecodeConfig(bytes.NewReader(picture))
		if err != nil || config.Width != matrix.Width()*scale || config.Height != config.Width {
			t.Errorf("%d x %d pixels for %d modules of %d, %v", config.Width, config.Height, matrix.Width(), scale, err)
		}
	}
}

func TestPNGScaleIsBounded(t *testing.T) {
	t.Parallel()
	matrix := mustEncode(t, "x")
	if !bytes.Equal(mustPNG(t, matrix, -5), mustPNG(t, matrix, 1)) || !bytes.Equal(mustPNG(t, matrix, 1<<40), mustPNG(t, matrix, 32)) {
		t.Error("scale is not bounded")
	}
}

// TestEncodePrefersLevelM has the longest texts of version 9 with levels M and L.
func TestEncodePrefersLevelM(t *testing.T) {
	t.Parallel()
	for length, version := range map[int]int{180: 9, 181: 10, 2331: 40, 2332: 36, 2953: 40} {
		if got := mustEncode(t, strings.Repeat("a", length)).Width(); got != side(version)+8 {
			t.Errorf("%d bytes take %d modules, want version %d", length, got, version)
		}
	}
	matrix, err := Encode(secret(strings.Repeat("a", 2954)))
	if bad, ok := errors.AsType[*fault.Error](err); !ok || bad.Kind != fault.Usage || matrix != (Matrix{}) {
		t.Errorf("2954 bytes: %v", err)
	}
}

func TestMatrixRedacts(t *testing.T) {
	t.Parallel()
	matrix := mustEncode(t, otpauth)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%t"} {
		for _, holder := range []any{matrix, &matrix, []Matrix{matrix}, struct{ m Matrix }{matrix}} {
			if text := fmt.Sprintf(format, holder); strings.Contains(text, matrix.modules.Reveal()[:40]) || strings.Contains(text, "true true") || strings.Contains(text, "alice") {
				t.Errorf("%s of %T shows the code: %s", format, holder, text)
			}
		}
	}
	if text := fmt.Sprint(matrix.Terminal(true)); text != "[redacted]" {
		t.Errorf("Terminal prints as %s", text)
	}
}

// TestTerminalIsRead paints the characters as a perfect terminal would.
func TestTerminalIsRead(t *testing.T) {
	t.Parallel()
	for _, text := range encoded() {
		matrix := mustEncode(t, text)
		for _, colour := range []bool{true, false} {
			lines := matrix.Terminal(colour).Reveal()
			if got := zbarimg(t, paint(t, lines, 3)); got != text+"\n" {
				t.Errorf("with colour %v, zbarimg reads %.80q, want %.80q", colour, got, text)
			}
			if rows := strings.Count(lines, "\n"); rows != (matrix.Width()+1)/2 {
				t.Errorf("%d rows for %d modules", rows, matrix.Width())
			}
		}
	}
}

// paint returns a PNG of what a dark terminal shows, with cells of scale x 2 scale.
func paint(t *testing.T, text string, scale int) []byte {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	picture := image.NewGray(image.Rect(0, 0, 300*scale, 2*(len(lines)+4)*scale))
	for row, line := range lines {
		column, fore, back := 5, uint8(0xff), uint8(0)
		for line != "" {
			if rest, found := strings.CutPrefix(line, "\x1b["); found {
				sequence, after, _ := strings.Cut(rest, "m")
				fore, back = attributes(t, sequence)
				line = after
				continue
			}
			r := []rune(line)[0]
			line = line[len(string(r)):]
			upper, under := map[rune]bool{'█': true, '▀': true}[r], map[rune]bool{'█': true, '▄': true}[r]
			fill(picture, column, 2*row+4, scale, upper, fore, back)
			fill(picture, column, 2*row+5, scale, under, fore, back)
			column++
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func attributes(t *testing.T, sequence string) (fore, back uint8) {
	t.Helper()
	levels := map[string]uint8{"16": 0, "231": 0xff}
	if sequence == "0" {
		return 0xff, 0
	}
	parts := strings.Split(sequence, ";")
	if len(parts) != 6 || parts[0]+parts[1]+parts[3]+parts[4] != "385485" {
		t.Fatalf("a sequence that terminals need not know: %q", sequence)
	}
	return levels[parts[2]], levels[parts[5]]
}

func fill(picture *image.Gray, column, row, scale int, set bool, fore, back uint8) {
	level := back
	if set {
		level = fore
	}
	for i := range scale * scale {
		picture.SetGray(column*scale+i%scale, row*scale+i/scale, color.Gray{Y: level})
	}
}

// TestTerminalOnAScreen shows the code in xterm, takes a picture of the screen, and
// has it read. Fonts of different sizes divide their characters unevenly.
func TestTerminalOnAScreen(t *testing.T) {
	t.Parallel()
	xvfb, xterm, shot := need(t, "Xvfb", "xvfb"), need(t, "xterm", "xterm"), need(t, "import", "imagemagick")
	matrix := mustEncode(t, otpauth)
	for name, test := range map[string]struct {
		colour           bool
		size, fore, back string
	}{
		"dark":            {true, "8", "white", "black"},
		"light":           {true, "6", "black", "white"},
		"solarized":       {true, "7", "#839496", "#002b36"},
		"dark, no colour": {false, "9", "white", "black"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "code.txt")
			if err := os.WriteFile(path, []byte(matrix.Terminal(test.colour).Reveal()), 0o600); err != nil {
				t.Fatal(err)
			}
			display := startXvfb(t, xvfb)
			terminal := exec.Command(xterm, "-display", display, "-u8", "-fa", "DejaVu Sans Mono", "-fs", test.size, "-geometry", "90x50+30+30",
				"-fg", test.fore, "-bg", test.back, "-e", "sh", "-c", `cat "$0"; sleep 60`, path)
			terminal.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
			start(t, terminal)
			var picture []byte
			for range 50 { // until the terminal has drawn everything
				time.Sleep(200 * time.Millisecond)
				picture = output(t, nil, shot, "-display", display, "-window", "root", "png:-")
				if _, err := Decode(picture); err == nil {
					break
				}
			}
			if got := mustDecode(t, picture); !slices.Equal(got, []string{otpauth}) {
				t.Errorf("we read %q", got)
			}
			if got := zbarimg(t, picture); got != otpauth+"\n" {
				t.Errorf("zbarimg reads %q", got)
			}
		})
	}
}

// startXvfb starts a screen and returns its display, once it is there.
func startXvfb(t *testing.T, xvfb string) string {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	server := exec.Command(xvfb, "-displayfd", "3", "-screen", "0", "900x900x24", "-nolisten", "tcp")
	server.ExtraFiles = []*os.File{writer}
	start(t, server)
	writer.Close()
	number := make([]byte, 16)
	n, err := reader.Read(number)
	if err != nil {
		t.Fatalf("Xvfb: %v", err)
	}
	return ":" + strings.TrimSpace(string(number[:n]))
}

// start starts a program that the end of the test stops.
func start(t *testing.T, command *exec.Cmd) {
	t.Helper()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
}

// FuzzRoundTrip: what is drawn is read, whatever it is, in UTF-8.
func FuzzRoundTrip(f *testing.F) {
	for i, text := range encoded() {
		f.Add(text, uint8(i))
	}
	f.Add("\x00\xff", uint8(1))
	f.Fuzz(func(t *testing.T, text string, scale uint8) {
		matrix, err := Encode(secret(text))
		if err != nil || !utf8.ValidString(text) {
			if len(text) <= 2000 && err != nil {
				t.Fatal(err)
			}
			return
		}
		texts, err := Decode(mustPNG(t, matrix, 1+int(scale%4)))
		if text == "" && err != nil {
			return // an empty code says nothing
		}
		if err != nil || len(texts) != 1 || texts[0].Reveal() != text {
			t.Fatalf("%q comes back as %q, %v", text, reveal(texts), err)
		}
	})
}
