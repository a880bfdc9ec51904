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
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"

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
