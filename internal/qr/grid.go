package qr

// grid maps the modules of a code to places in the picture, as a plane seen from
// anywhere.
type grid struct {
	side int
	at   [4]point // the centres of the finders: top left, top right, bottom left, and where a fourth would be

	a, b, c, d, e, f, g, h float64
}

// newGrid returns the projection that takes the centres of the finders to at:
// Heckbert, Fundamentals of Texture Mapping, section 2.2.3, the square to a quadrilateral.
func newGrid(side int, at [4]point) grid {
	topLeft, topRight, bottomLeft, bottomRight := at[0], at[1], at[2], at[3]
	right, under := topRight.minus(bottomRight), bottomLeft.minus(bottomRight)
	skew := topLeft.minus(topRight).plus(bottomRight).minus(bottomLeft)
	area := turn(right, under)
	g, h := turn(skew, under)/area, turn(right, skew)/area
	x, y := topRight.minus(topLeft).plus(topRight.times(g)), bottomLeft.minus(topLeft).plus(bottomLeft.times(h))
	return grid{side, at, x.x, y.x, topLeft.x, x.y, y.y, topLeft.y, g, h}
}

// place returns where a point lies that is given in modules from the code's corner.
func (g *grid) place(column, row float64) point {
	u, v := (column-3.5)/float64(g.side-7), (row-3.5)/float64(g.side-7)
	scale := 1 / (g.g*u + g.h*v + 1)
	return point{(g.a*u + g.b*v + g.c) * scale, (g.d*u + g.e*v + g.f) * scale}
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
