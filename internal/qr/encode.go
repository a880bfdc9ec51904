package qr

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// quiet is the width of the light border in modules, as ISO/IEC 18004 demands it.
const quiet = 4

// Matrix is a QR code to be drawn. It is as secret as its text, and prints as
// "[redacted]". Encode makes one; the zero Matrix is blank.
type Matrix struct {
	side    int
	modules creds.Secret // row by row, '1' being dark
}

// Encode returns the QR code of text with error correction of level M, or of level L where only that has
// room. No code holds more than 2953 bytes; longer texts are a
// *fault.Error of the kind fault.Usage.
func Encode(text creds.Secret) (Matrix, error) {
	for _, level := range []decoder.ErrorCorrectionLevel{decoder.ErrorCorrectionLevel_M, decoder.ErrorCorrectionLevel_L} {
		if code, err := encoder.Encoder_encode(text.Reveal(), level, nil); err == nil {
			return newMatrix(code.GetMatrix()), nil
		}
	}
	return Matrix{}, fault.New(fault.Usage, "QR code", "", "text is too long for one")
}

func newMatrix(code *encoder.ByteMatrix) Matrix {
	side := code.GetWidth()
	modules := bytes.Repeat([]byte("0"), side*side)
	for i := range modules {
		if code.Get(i%side, i/side) == 1 {
			modules[i] = '1'
		}
	}
	return Matrix{side, creds.NewSecret(string(modules))}
}

// Format implements fmt.Formatter: every verb and flag prints "[redacted]".
func (Matrix) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, creds.Secret{}.String()) }

// Width returns the side of the drawing in modules, with its light border. In a
// terminal it takes that many columns, and half as many rows.
func (m Matrix) Width() int { return m.side + 2*quiet }

// dark reports whether a module is dark, counted from the corner of the border.
func (m Matrix) dark(column, row int) bool {
	x, y := column-quiet, row-quiet
	return min(x, y) >= 0 && max(x, y) < m.side && m.modules.Reveal()[y*m.side+x] == '1'
}

// Terminal returns the code as lines of text with two modules in each character.
// With colour it is black on white, whatever the terminal's own colours are;
// without, it counts on a dark background, and draws the light modules.
func (m Matrix) Terminal(colour bool) creds.Secret {
	var out strings.Builder
	for row := 0; row < m.Width(); row += 2 {
		if colour {
			m.colourRow(&out, row)
		} else {
			m.plainRow(&out, row)
		}
		out.WriteByte('\n')
	}
	return creds.NewSecret(out.String())
}

// colourRow draws two rows of modules with spaces, and with one half block only:
// fonts draw the two kinds with an overlap, and the full one with gaps between lines.
func (m Matrix) colourRow(out *strings.Builder, row int) {
	previous := ""
	for column := range m.Width() {
		upper, under := m.dark(column, row), m.dark(column, row+1)
		if paint := "\x1b[38;5;" + shade(under) + ";48;5;" + shade(upper) + "m"; paint != previous {
			out.WriteString(paint)
			previous = paint
		}
		if upper == under {
			out.WriteByte(' ')
		} else {
			out.WriteRune('▄')
		}
	}
	out.WriteString("\x1b[0m")
}

// shade returns black or white from the part of the 256 colours that themes leave alone.
func shade(dark bool) string {
	if dark {
		return "16"
	}
	return "231"
}

// plainRow draws the light ones of two rows of modules in the foreground.
func (m Matrix) plainRow(out *strings.Builder, row int) {
	for column := range m.Width() {
		upper, under := !m.dark(column, row), !m.dark(column, row+1) && row+1 < m.Width()
		switch {
		case upper && under:
			out.WriteRune('█')
		case upper:
			out.WriteRune('▀')
		case under:
			out.WriteRune('▄')
		default:
			out.WriteByte(' ')
		}
	}
}

// PNG returns the code as a PNG file with scale pixels, from 1 to 32, to a module.
func (m Matrix) PNG(scale int) ([]byte, error) {
	scale = max(1, min(scale, 32))
	width := m.Width() * scale
	picture := image.NewPaletted(image.Rect(0, 0, width, width), color.Palette{color.White, color.Black})
	for y := range width {
		for x := range width {
			if m.dark(x/scale, y/scale) {
				picture.Pix[y*picture.Stride+x] = 1
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return nil, fmt.Errorf("write PNG: %w", err)
	}
	return out.Bytes(), nil
}
