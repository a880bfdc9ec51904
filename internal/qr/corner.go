package qr

import (
	"cmp"
	"math"
	"slices"
)

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
