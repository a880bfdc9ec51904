package qr

import (
	"image"
	"slices"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// maxFits bounds the work on a picture full of what looks like finders. Each fit
// takes some milliseconds, and a code that can be read takes a few.
const maxFits = 200

// minScore is the part of a code's fixed modules that must be seen before it is
// worth decoding. Chance gives a half.
const minScore = 0.75

// search returns the texts of the codes in picture. It ends with the first size of
// it in which there are any, having tried all ways to tell dark from light.
func search(picture image.Image) []creds.Secret {
	backgrounds := []uint8{0xff, 0}
	if opaque(picture) {
		backgrounds = backgrounds[:1]
	}
	s := searcher{fits: maxFits}
	for _, background := range backgrounds {
		for g := range grayOver(picture, background).sizes() {
			for _, g := range []gray{g, g.negative()} {
				s.read(g.local())
				s.read(g.global())
			}
			if len(s.texts) > 0 {
				return s.texts
			}
		}
	}
	return nil
}

// searcher collects what was found, and counts down what may be tried.
type searcher struct {
	texts []creds.Secret
	fits  int
}

// read collects the codes in b. A finder belongs to one code only.
func (s *searcher) read(b bitmap) {
	list := b.finders()
	used := make([]bool, len(list))
	for _, c := range triples(list) {
		if s.fits == 0 || used[c.topLeft] || used[c.topRight] || used[c.bottomLeft] {
			continue
		}
		text, ok := s.readCode(b, list[c.topLeft].point, list[c.topRight].point, list[c.bottomLeft].point)
		if !ok {
			continue
		}
		used[c.topLeft], used[c.topRight], used[c.bottomLeft] = true, true, true
		if !slices.ContainsFunc(s.texts, text.Equal) {
			s.texts = append(s.texts, text)
		}
	}
}

// readCode returns the text of the code with these finders, if there is one.
func (s *searcher) readCode(b bitmap, topLeft, topRight, bottomLeft point) (creds.Secret, bool) {
	at := [4]point{topLeft, topRight, bottomLeft, topRight.plus(bottomLeft).minus(topLeft)}
	for _, version := range b.versions(at) {
		if s.fits == 0 {
			return creds.Secret{}, false
		}
		s.fits--
		g, score := b.fit(version, at)
		if score < minScore {
			continue
		}
		if text, ok := decodeModules(version, g.sample(b)); ok {
			return text, true
		}
	}
	return creds.Secret{}, false
}
