package qr

import (
	"cmp"
	"math"
	"slices"

	"github.com/makiuchi-d/gozxing/common"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// versions returns the three versions that a code most likely has: where its dotted
// lines are seen as they should be, or else, because perspective moves them, by the
// distance of its finders.
func (b bitmap) versions(at [4]point, module float64) []int {
	estimate := estimate(at, module)
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

// estimate returns the version, not rounded, from the distance of the finders along two
// sides and the size of their modules, which a rotation makes look larger.
func estimate(at [4]point, module float64) float64 {
	modules := 0.0
	for _, end := range at[1:3] {
		across := end.minus(at[0])
		upright := max(math.Abs(across.x), math.Abs(across.y)) / across.length()
		modules += across.length() / (module * upright) / 2
	}
	return (modules + 7 - 17) / 4
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
	pattern := alignment(g.side, g.side-7, g.side-7)
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

// grid maps the modules of a code to places in the picture, as a plane seen from
// anywhere.
type grid struct {
	side  int
	at    [4]point                     // the centres of the finders: top left, top right, bottom left, and where a fourth would be
	plane *common.PerspectiveTransform // from the unit square to these
}

// newGrid returns the projection that takes the centres of the finders to at.
func newGrid(side int, at [4]point) grid {
	return grid{side, at, common.PerspectiveTransform_SquareToQuadrilateral(at[0].x, at[0].y, at[1].x, at[1].y, at[3].x, at[3].y, at[2].x, at[2].y)}
}

// place returns where a point lies that is given in modules from the code's corner.
func (g *grid) place(column, row float64) point {
	at := [2]float64{(column - 3.5) / float64(g.side-7), (row - 3.5) / float64(g.side-7)}
	g.plane.TransformPoints(at[:])
	return point{at[0], at[1]}
}

// score returns which part of what list demands is seen in b, looking at four
// points of each module, so that it is best where all are met in the middle.
func (g *grid) score(b bitmap, list []module) float64 {
	return (g.seen(b, list, 0.25, 0.25) + g.seen(b, list, 0.25, 0.75) + g.seen(b, list, 0.75, 0.25) + g.seen(b, list, 0.75, 0.75)) / 4
}

// seen returns which part of list is seen in b at the point (dx, dy) of its modules.
func (g *grid) seen(b bitmap, list []module, dx, dy float64) float64 {
	right := 0
	for _, m := range list {
		if b.darkAt(g.place(float64(m.column)+dx, float64(m.row)+dy)) == m.dark {
			right++
		}
	}
	return float64(right) / float64(len(list))
}

// sample returns the modules of the code, row by row, each by the majority of
// five of its points.
func (g *grid) sample(b bitmap) []bool {
	modules := make([]bool, 0, g.side*g.side)
	for row := range g.side {
		for column := range g.side {
			dark := 0
			for _, d := range [5]point{{0.5, 0.5}, {0.3, 0.3}, {0.7, 0.3}, {0.3, 0.7}, {0.7, 0.7}} {
				if b.darkAt(g.place(float64(column)+d.x, float64(row)+d.y)) {
					dark++
				}
			}
			modules = append(modules, dark >= 3)
		}
	}
	return modules
}

// module is one of the squares of a code that every code of its version has alike.
type module struct {
	column, row int
	dark        bool
}

// The versions of ISO/IEC 18004: their side goes from 21 to 177 modules.
const maxVersion = 40

func side(version int) int { return 4*version + 17 }

// finderModules returns the three finders with the light border to the inside.
func finderModules(version int) []module {
	n := side(version)
	return slices.Concat(squares(n, 3, 3, 4, 2, 4), squares(n, n-4, 3, 4, 2, 4), squares(n, 3, n-4, 4, 2, 4))
}

// squares returns the modules that lie at most reach from the centre (x, y), in a code of n modules to a side:
// dark, but for those in the light ones of the squares round it.
func squares(n, x, y, reach int, light ...int) (list []module) {
	for dy := -reach; dy <= reach; dy++ {
		for dx := -reach; dx <= reach; dx++ {
			m := module{x + dx, y + dy, !slices.Contains(light, max(dx, -dx, dy, -dy))}
			if min(m.column, m.row) >= 0 && max(m.column, m.row) < n {
				list = append(list, m)
			}
		}
	}
	return list
}

// timingModules returns the two dotted lines between the finders.
func timingModules(version int) []module {
	var list []module
	for i := 8; i < side(version)-8; i++ {
		list = append(list, module{i, 6, i%2 == 0}, module{6, i, i%2 == 0})
	}
	return list
}

// alignmentModules returns the small squares within the code.
func alignmentModules(version int) (list []module) {
	known, err := decoder.Version_GetVersionForNumber(version)
	if err != nil {
		return nil
	}
	places, n := known.GetAlignmentPatternCenters(), side(version)
	for _, x := range places {
		for _, y := range places {
			if finder := min(x, y) == 6 && (max(x, y) == 6 || max(x, y) == n-7); !finder {
				list = append(list, alignment(n, x, y)...)
			}
		}
	}
	return list
}

// alignment returns the small square with that centre.
func alignment(n, x, y int) []module { return squares(n, x, y, 2, 1) }
