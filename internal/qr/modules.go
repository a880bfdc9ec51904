package qr

import (
	"image"

	goqr "github.com/piglig/go-qr"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// decodeModules returns the text that the modules of a code spell, mirrored or not.
func decodeModules(version int, modules []bool) (creds.Secret, bool) {
	if text, ok := decodeExact(version, modules); ok {
		return text, true
	}
	return decodeExact(version, mirror(modules, side(version)))
}

// decodeExact hands the modules to the library as a picture of a pixel each, which
// its path for exact pictures reads. The finders, which it orients itself by, are
// drawn anew.
func decodeExact(version int, modules []bool) (creds.Secret, bool) {
	n := side(version)
	picture := image.NewGray(image.Rect(0, 0, n, n))
	set := func(column, row int, dark bool) {
		picture.Pix[row*picture.Stride+column] = 0xff
		if dark {
			picture.Pix[row*picture.Stride+column] = 0
		}
	}
	for i, dark := range modules {
		set(i%n, i/n, dark)
	}
	for _, m := range finderModules(version) {
		set(m.column, m.row, m.dark)
	}
	result, err := goqr.DecodeDetailed(picture, goqr.WithFastPathOnly())
	if err != nil || result.Text == "" {
		return creds.Secret{}, false
	}
	return creds.NewSecret(result.Text), true
}

func mirror(modules []bool, n int) []bool {
	mirrored := make([]bool, len(modules))
	for i, dark := range modules {
		mirrored[i%n*n+i/n] = dark
	}
	return mirrored
}
