package qr

import (
	"slices"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// decodeModules returns the text that the modules of a code spell, mirrored or not.
func decodeModules(version int, modules []bool) (creds.Secret, bool) {
	if text, ok := decodeExact(version, modules); ok {
		return text, true
	}
	return decodeExact(version, mirror(modules, side(version)))
}

// decodeExact returns the text of a code that is not mirrored. What all codes of
// the version have alike is not looked at again.
func decodeExact(version int, modules []bool) (creds.Secret, bool) {
	s := newSymbol(version)
	s.dark = modules
	for _, f := range s.formats() {
		plain := symbol{version, s.side, slices.Clone(modules), s.fixed}
		plain.mask(f.mask)
		data, ok := newLayout(version, f.level).restore(plain.read())
		if !ok {
			continue
		}
		if text, ok := parse(data, version); ok && text != "" {
			return creds.NewSecret(text), true
		}
	}
	return creds.Secret{}, false
}

func mirror(modules []bool, n int) []bool {
	mirrored := make([]bool, len(modules))
	for i, dark := range modules {
		mirrored[i%n*n+i/n] = dark
	}
	return mirrored
}
