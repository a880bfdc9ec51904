// Package qr reads QR codes from pictures, such as screenshots and photos, and draws them for the
// terminal and as PNG.
//
// A code holds a seed, so texts are passed as creds.Secret, and no error repeats any part of them.
//
// A library draws the codes. Reading is written here, after ISO/IEC 18004: of 415 pictures (the tests'
// 314, and 101 rotated, blurred, dark, noisy, bent or seen at an angle) it reads 409. gozxing v0.1.1,
// tried on all sizes, inverted and rotated, reads 397 of the same.
package qr

import (
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
