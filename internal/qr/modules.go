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
	for _, f := range (symbol{version, s.side, modules, s.fixed}).formats() {
		s.dark = slices.Clone(modules)
		s.mask(f.mask)
		data, ok := newLayout(version, f.level).restore(s.read())
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
