package qr

import (
	"cmp"
	"image"
	"iter"
	"math"
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
		text, ok := s.readCode(b, list[c.topLeft], list[c.topRight], list[c.bottomLeft])
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
func (s *searcher) readCode(b bitmap, topLeft, topRight, bottomLeft finder) (creds.Secret, bool) {
	at := [4]point{topLeft.point, topRight.point, bottomLeft.point, topRight.plus(bottomLeft.point).minus(topLeft.point)}
	module := (topLeft.module + topRight.module + bottomLeft.module) / 3
	for _, version := range b.versions(at, module) {
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

// finder is one of the three large squares of a code, or what looks like one.
type finder struct {
	point

	module float64 // the side of a module in pixels, too large by the rotation
	rows   int     // how many rows of pixels it was seen in
	last   int     // the last of these
}

// maxFinders is how many are looked at further, and how many lie side by side.
// Nothing but a sheet of codes has so many.
const maxFinders = 64

// finders returns what looks like finders, those seen best first. Whatever line
// goes through the centre of one passes dark, light, dark, light and dark for 1, 1,
// 3, 1 and 1 parts of its length.
func (b bitmap) finders() []finder {
	var open, closed []finder
	for y := range b.h {
		open = slices.DeleteFunc(open, func(f finder) bool {
			past := float64(y-f.last) > 2*f.module+1
			if past {
				closed = append(closed, f)
			}
			return past
		})
		for x, core := range b.candidates(y) {
			if f, ok := b.confirm(x, y, core); ok {
				open = merge(open, f)
			}
		}
	}
	closed = append(closed, open...)
	slices.SortStableFunc(closed, func(a, b finder) int { return b.rows - a.rows })
	return closed[:min(len(closed), maxFinders)]
}

// candidates yields the columns of row y that five runs in proportion centre on,
// with the length of the third.
func (b bitmap) candidates(y int) iter.Seq2[int, int] {
	row := b.dark[y*b.w : (y+1)*b.w]
	return func(yield func(int, int) bool) {
		var runs [5]int
		for begin := 0; begin < len(row); {
			dark, end := row[begin], begin+1
			for end < len(row) && row[end] == dark {
				end++
			}
			runs = [5]int{runs[1], runs[2], runs[3], runs[4], end - begin}
			if dark && proportional(runs, 0.5) && !yield(begin-runs[3]-(runs[2]+1)/2, runs[2]) {
				return
			}
			begin = end
		}
	}
}

// proportional reports whether runs are as 1:1:3:1:1, each within slack of its share.
func proportional(runs [5]int, slack float64) bool {
	total := runs[0] + runs[1] + runs[2] + runs[3] + runs[4]
	if total < 7 || 7*runs[2] < total {
		return false
	}
	for i, n := range runs {
		share := total // sevenths
		if i == 2 {
			share = 3 * total
		}
		if n == 0 || math.Abs(float64(7*n-share)) > slack*float64(share) {
			return false
		}
	}
	return true
}

// confirm looks from the pixel upwards and downwards, then sideways, then along
// the diagonals, and returns the finder round it, whose core has about that width.
func (b bitmap) confirm(x, y, core int) (finder, bool) {
	vertical, middleY, ok := b.cross(x, y, 0, 1, 2*core, 0.5)
	if !ok {
		return finder{}, false
	}
	horizontal, middleX, ok := b.cross(x, int(middleY), 1, 0, vertical, 0.5)
	if !ok || horizontal > 2*vertical || vertical > 2*horizontal {
		return finder{}, false
	}
	for _, dy := range []int{1, -1} {
		if _, _, ok := b.cross(int(middleX), int(middleY), 1, dy, vertical, 0.8); !ok {
			return finder{}, false
		}
	}
	return finder{point{middleX, middleY}, float64(horizontal+vertical) / 14, 1, y}, true
}

// cross measures the five runs through the pixel in direction (dx, dy): their
// length in steps, and the middle of the third, as x or, if dx is 0, as y. No part
// of them is followed for more than limit steps.
func (b bitmap) cross(x, y, dx, dy, limit int, slack float64) (length int, middle float64, ok bool) {
	if !b.at(x, y) {
		return 0, 0, false
	}
	after, before := b.walk(x, y, dx, dy, limit), b.walk(x-dx, y-dy, -dx, -dy, limit)
	runs := [5]int{before[2], before[1], before[0] + after[0], after[1], after[2]}
	if !proportional(runs, slack) {
		return 0, 0, false
	}
	for _, n := range runs {
		length += n
	}
	from := x
	if dx == 0 {
		from = y
	}
	return length, float64(from) + float64(after[0]-before[0])/2, true
}

// walk counts the pixels from (x, y) on that are dark, then light, then dark, each
// up to limit.
func (b bitmap) walk(x, y, dx, dy, limit int) [3]int {
	var counts [3]int
	for i := range counts {
		for uint(x) < uint(b.w) && uint(y) < uint(b.h) && b.at(x, y) == (i != 1) && counts[i] < limit {
			counts[i]++
			x, y = x+dx, y+dy
		}
	}
	return counts
}

// merge counts f in with the one of list that it is another row of, or adds it, if
// there is room.
func merge(list []finder, f finder) []finder {
	for i, known := range list {
		near := 1.5 * max(known.module, f.module)
		if math.Abs(known.x-f.x) > near || math.Abs(known.y-f.y) > near || known.module > 2*f.module || f.module > 2*known.module {
			continue
		}
		n := float64(known.rows)
		list[i] = finder{
			point:  point{(known.x*n + f.x) / (n + 1), (known.y*n + f.y) / (n + 1)},
			module: (known.module*n + f.module) / (n + 1),
			rows:   known.rows + 1,
			last:   f.last,
		}
		return list
	}
	if len(list) == maxFinders {
		return list
	}
	return append(list, f)
}

// point is a place in a picture. Pixel (0, 0) reaches from 0 to 1 both ways.
type point struct{ x, y float64 }

func (p point) plus(q point) point         { return point{p.x + q.x, p.y + q.y} }
func (p point) minus(q point) point        { return point{p.x - q.x, p.y - q.y} }
func (p point) times(factor float64) point { return point{factor * p.x, factor * p.y} }
func (p point) length() float64            { return math.Hypot(p.x, p.y) }
func dot(p, q point) float64               { return p.x*q.x + p.y*q.y }
func turn(p, q point) float64              { return p.x*q.y - p.y*q.x }
func disparity(a, b float64) float64       { return math.Abs(math.Log(a / b)) }
func isSmall(value, limit float64) bool    { return value < limit } // false for NaN

// corners are three finders that may belong to one code.
type corners struct {
	topLeft, topRight, bottomLeft int     // indexes into the list of finders
	distortion                    float64 // 0 for a square seen from in front
}

// triples returns what could be the corners of codes, the least distorted first.
func triples(list []finder) []corners {
	var all []corners
	for i := range list {
		for j := range i {
			for k := range j {
				if c, ok := arrange(list, i, j, k); ok {
					all = append(all, c)
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b corners) int { return cmp.Compare(a.distortion, b.distortion) })
	return all
}

// arrange decides which of three finders is which corner: the top left one is
// opposite the longest side, and from it the others follow clockwise.
func arrange(list []finder, i, j, k int) (corners, bool) {
	ij, jk, ki := list[i].minus(list[j].point).length(), list[j].minus(list[k].point).length(), list[k].minus(list[i].point).length()
	switch longest := max(ij, jk, ki); longest {
	case ij:
		i, k = k, i
	case ki:
		i, j = j, i
	}
	right, down := list[j].minus(list[i].point), list[k].minus(list[i].point)
	if turn(right, down) < 0 {
		j, k, right, down = k, j, down, right
	}
	a, b := right.length(), down.length()
	slope := math.Abs(dot(right, down)) / (a * b)
	small := min(list[i].module, list[j].module, list[k].module)
	large := max(list[i].module, list[j].module, list[k].module)
	// The finders of the smallest code are 14 modules apart, those of the largest 170.
	fits := isSmall(slope, 0.6) && isSmall(disparity(a, b), 0.7) && large < 2.2*small && min(a, b) > 8*small && max(a, b) < 250*large
	return corners{i, j, k, slope + disparity(a, b) + disparity(large, small)}, fits
}
