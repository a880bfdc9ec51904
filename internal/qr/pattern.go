package qr

import "math"

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
	var list []module
	for _, corner := range [][2]int{{3, 3}, {n - 4, 3}, {3, n - 4}} {
		for dy := -4; dy <= 4; dy++ {
			for dx := -4; dx <= 4; dx++ {
				m := module{corner[0] + dx, corner[1] + dy, rings(dx, dy) != 2 && rings(dx, dy) != 4}
				if min(m.column, m.row) >= 0 && max(m.column, m.row) < n {
					list = append(list, m)
				}
			}
		}
	}
	return list
}

// rings returns how many squares lie round the centre within (dx, dy).
func rings(dx, dy int) int { return max(dx, -dx, dy, -dy) }

// timingModules returns the two dotted lines between the finders.
func timingModules(version int) []module {
	var list []module
	for i := 8; i < side(version)-8; i++ {
		list = append(list, module{i, 6, i%2 == 0}, module{6, i, i%2 == 0})
	}
	return list
}

// alignmentModules returns the small squares within the code.
func alignmentModules(version int) []module {
	var list []module
	places := alignment(version)
	last := len(places) - 1
	for i, x := range places {
		for j, y := range places {
			if i+j == 0 || i == 0 && j == last || i == last && j == 0 {
				continue // a finder is there
			}
			list = append(list, square(x, y)...)
		}
	}
	return list
}

// square returns the alignment pattern with that centre.
func square(x, y int) []module {
	list := make([]module, 0, 25)
	for dy := -2; dy <= 2; dy++ {
		for dx := -2; dx <= 2; dx++ {
			list = append(list, module{x + dx, y + dy, rings(dx, dy) != 1})
		}
	}
	return list
}

// alignment returns the columns, and rows, on which the centres of the small
// squares lie: annex E of the standard, which spaces them evenly from the end.
func alignment(version int) []int {
	if version == 1 {
		return nil
	}
	count := version/7 + 2
	gap := 2 * int(math.Ceil(float64(side(version)-13)/float64(2*count-2)))
	if version == 32 {
		gap = 26 // the table's one exception
	}
	places := make([]int, count)
	for i := range places {
		places[i] = side(version) - 7 - (count-1-i)*gap
	}
	places[0] = 6
	return places
}
