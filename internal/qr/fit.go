package qr

import (
	"cmp"
	"math"
	"slices"
)

// versions returns the three versions that a code most likely has: where its dotted
// lines are seen as they should be, or else, because perspective moves them, by the
// distance of its finders.
func (b bitmap) versions(at [4]point) []int {
	estimate := b.estimate(at)
	var list []int
	unlikely := map[int]float64{}
	for version := 1; version <= maxVersion; version++ {
		off := math.Abs(float64(version) - estimate)
		if off > 2+estimate/4 {
			continue
		}
		g := newGrid(side(version), at)
		if g.score(b, timingModules(version)) < 0.85 {
			off += maxVersion
		}
		list = append(list, version)
		unlikely[version] = off
	}
	slices.SortFunc(list, func(a, b int) int { return cmp.Compare(unlikely[a], unlikely[b]) })
	return list[:min(len(list), 3)]
}

// estimate returns the version, not rounded, from the size of the finders along
// the two sides between them.
func (b bitmap) estimate(at [4]point) float64 {
	modules := 0.0
	for _, end := range at[1:3] {
		across := end.minus(at[0])
		width := (b.width(at[0], across) + b.width(end, across)) / 2
		modules += 7 * across.length() / width / 2
	}
	return (modules + 7 - 17) / 4
}

// width returns that of the finder with that centre, in pixels along direction.
func (b bitmap) width(centre, direction point) float64 {
	step := direction.times(1 / (4 * direction.length()))
	return (b.reach(centre, step) + b.reach(centre, step.times(-1))) / 4
}

// reach counts the steps from the centre of a finder to its outer edge.
func (b bitmap) reach(p, step point) float64 {
	steps, changes := 0.0, 0
	for dark := true; changes < 3 && steps < float64(4*(b.w+b.h)); steps++ {
		if p = p.plus(step); b.darkAt(p) != dark {
			dark = !dark
			changes++
		}
	}
	return max(steps-0.5, 1)
}

// fit returns the grid of a code of that version which agrees best with all that
// such codes have in common, and how well.
func (b bitmap) fit(version int, at [4]point) (grid, float64) {
	list := slices.Concat(finderModules(version), timingModules(version), alignmentModules(version))
	g := newGrid(side(version), at)
	best := g.score(b, list)
	if best > 0.995 {
		return g, best
	}
	if version > 1 {
		g = b.seekFourth(g, version)
		best = g.score(b, list)
	}
	pixels := at[1].minus(at[0]).length() / float64(g.side-7) // a module's side
	for _, step := range []float64{1, 0.5, 0.5, 0.25, 0.25, 0.12, 0.12} {
		g, best = b.nudge(g, best, step*pixels, list)
	}
	return g, best
}

// seekFourth moves the fourth corner, which perspective puts anywhere near, to
// where the alignment pattern beside it is seen best.
func (b bitmap) seekFourth(g grid, version int) grid {
	pattern := square(g.side-7, g.side-7)
	unit := 1 / float64(g.side-7)
	right, down := g.at[1].minus(g.at[0]).times(unit), g.at[2].minus(g.at[0]).times(unit)
	found, best := g, g.seen(b, pattern, 0.5, 0.5)
	reach := 2 * (2 + side(version)/4) // half modules
	for dy := -reach; dy <= reach; dy++ {
		for dx := -reach; dx <= reach; dx++ {
			at := g.at
			at[3] = at[3].plus(right.times(float64(dx) / 2)).plus(down.times(float64(dy) / 2))
			moved := newGrid(g.side, at)
			// Of two that are seen alike, the nearer one is meant.
			score := moved.seen(b, pattern, 0.5, 0.5) - 0.001*math.Hypot(float64(dx), float64(dy))
			if score > best {
				found, best = moved, score
			}
		}
	}
	return found
}

// nudge moves each corner by step pixels to all four sides, and keeps what helps.
func (b bitmap) nudge(g grid, best, step float64, list []module) (grid, float64) {
	for corner := range g.at {
		for _, by := range []point{{step, 0}, {-step, 0}, {0, step}, {0, -step}} {
			at := g.at
			at[corner] = at[corner].plus(by)
			moved := newGrid(g.side, at)
			if score := moved.score(b, list); score > best {
				g, best = moved, score
			}
		}
	}
	return g, best
}
