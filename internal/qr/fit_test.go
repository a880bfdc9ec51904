package qr

import "testing"

// TestFitMovesCorners begins with corners that noise has put half a module off.
func TestFitMovesCorners(t *testing.T) {
	t.Parallel()
	const version, scale = 9, 6
	picture, err := load(mustPNG(t, mustEncode(t, otpauth), scale))
	if err != nil {
		t.Fatal(err)
	}
	near, far := scale*(quiet+3.5), scale*(quiet+float64(side(version))-3.5)
	at := [4]point{{near + 3, near - 3}, {far - 3, near}, {near, far + 3}, {far + 2, far - 3}}
	for name, b := range map[string]bitmap{"local": grayOver(picture, 0xff).local(), "global": grayOver(picture, 0xff).global()} {
		g, score := b.fit(version, at)
		text, ok := decodeModules(version, g.sample(b))
		if score < 0.99 || !ok || text.Reveal() != otpauth {
			t.Errorf("%s: score %.3f, read: %v", name, score, ok)
		}
	}
}
