// Package qr reads QR codes from pictures, such as screenshots and photos, and draws them for the
// terminal and as PNG.
//
// A code holds a seed, so texts are passed as creds.Secret, and no error repeats any part of them.
//
// A library draws the codes, and reads the modules of those that are found. Finding them is written here:
// of 415 pictures (the tests' 314, and 101 rotated, blurred, dark, noisy, bent or seen at an angle) 409 are
// read. gozxing v0.1.1, tried on all sizes, inverted and rotated, finds and reads 397 of the same.
package qr

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	_ "image/gif" // each of these registers its format with package image
	_ "image/jpeg"
	_ "image/png"
	"strings"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	_ "golang.org/x/image/webp"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// thing is what errors are about. Callers know the name of the file, we do not.
const thing = "image"

// Decode returns the text of each QR code in a picture, given as the bytes of a
// PNG, JPEG, WebP or GIF file of at most 32 MiB and 50 million pixels. Equal texts
// are returned once. Codes may be rotated, mirrored, inverted, small, or seen at an
// angle; several in one picture should be about equally sharp.
//
// All errors are *fault.Error of the kind fault.Usage: it is no such picture, is
// too large, is damaged, or shows no code that can be read.
func Decode(data []byte) (texts []creds.Secret, err error) {
	defer func() {
		if recover() != nil { // its value may hold what the code says
			texts, err = nil, refuse("take a new screenshot, as PNG", "cannot be read: it breaks the image decoder")
		}
	}()
	picture, err := load(data)
	if err != nil {
		return nil, err
	}
	texts = search(picture)
	if len(texts) == 0 {
		return nil, refuse("crop the picture to the code, or take a larger screenshot, or paste the secret key instead", "no QR code found in it")
	}
	return texts, nil
}

func refuse(remedy, cause string, args ...any) error {
	return fault.New(fault.Usage, thing, remedy, cause, args...)
}

// decodeModules returns the text that the modules of a code spell, row by row, mirrored or not. A part
// of a text (Structured Append) is refused: a part of a seed is worse than none.
func decodeModules(version int, modules []bool) (creds.Secret, bool) {
	n := side(version)
	matrix, err := gozxing.NewSquareBitMatrix(n)
	if err != nil {
		return creds.Secret{}, false
	}
	for i, dark := range modules {
		if dark {
			matrix.Set(i%n, i/n)
		}
	}
	result, err := decoder.NewDecoder().DecodeWithoutHint(matrix)
	if err != nil || result.GetText() == "" || result.HasStructuredAppend() {
		return creds.Secret{}, false
	}
	return creds.NewSecret(result.GetText()), true
}

// The limits of what is read. Phones take pictures of up to 50 million pixels,
// which are 200 MB in memory. A small file can have as many of twice the size or more.
const (
	maxBytes   = 32 << 20
	maxPixels  = 50_000_000
	maxDecoded = 256 << 20
)

// load decodes a picture, after a look at how large it will be.
func load(data []byte) (image.Image, error) {
	if len(data) > maxBytes {
		return nil, refuse("crop it to the QR code", "has more than %d MiB", maxBytes>>20)
	}
	config, kind, err := image.DecodeConfig(bytes.NewReader(data)) // by the first bytes: names are often wrong
	if errors.Is(err, image.ErrFormat) {
		return nil, unreadable(data)
	}
	if err != nil {
		return nil, damaged()
	}
	// Formats have 32 bits for a side at most, so the product does not overflow.
	if int64(config.Width)*int64(config.Height) > maxPixels {
		return nil, refuse("crop it to the QR code", "has %d x %d pixels, more than %d million", config.Width, config.Height, maxPixels/1_000_000)
	}
	if size := bytesPerPixel(config.ColorModel, kind, data); config.Width*config.Height > maxDecoded/size {
		return nil, refuse("crop it to the QR code", "has %d x %d pixels of %d bytes, more than %d MiB", config.Width, config.Height, size, maxDecoded>>20)
	}
	picture, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, damaged()
	}
	return picture, nil
}

// bytesPerPixel returns what the decoder of the file data, of that kind, needs for a pixel at most.
func bytesPerPixel(model color.Model, kind string, data []byte) int {
	switch {
	case model == color.RGBA64Model, model == color.NRGBA64Model, model == color.Gray16Model:
		return 8 // grey ones too: with transparency they become coloured
	case kind == "jpeg" && bytes.Contains(data, []byte("\xff\xc2\x00")):
		return 15 // a progressive JPEG: 3 samples, and a coefficient of 4 bytes for each
	}
	return 4
}

func damaged() error {
	return refuse("take a new screenshot, as PNG", "is damaged, or of a kind that cannot be read")
}

// unreadable names what was given in place of a picture.
func unreadable(data []byte) error {
	const convert = "convert it to PNG, or take a screenshot"
	head := string(data[:min(len(data), 1024)])
	switch {
	case strings.HasPrefix(head, "%PDF"):
		return refuse("take a screenshot of it", "is a PDF document")
	case len(head) > 12 && head[4:8] == "ftyp":
		return refuse(convert, "is a HEIC, AVIF or video file, which cannot be read")
	case strings.HasPrefix(head, "BM"), strings.HasPrefix(head, "II*\x00"), strings.HasPrefix(head, "MM\x00*"):
		return refuse(convert, "is a BMP or TIFF file, which cannot be read")
	case strings.Contains(strings.ToLower(head), "<svg"):
		return refuse("open it in a browser and take a screenshot", "is an SVG drawing")
	}
	return refuse("give the seed as a text of its own, or a PNG, JPEG or WebP file", "is neither a text nor a picture of a known kind")
}
