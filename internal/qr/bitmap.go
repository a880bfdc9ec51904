package qr

// bitmap is a picture in black and white.
type bitmap struct {
	w, h int
	dark []bool // row by row
}

// at reports whether the pixel is dark. All is light outside of the picture.
func (b bitmap) at(x, y int) bool {
	return uint(x) < uint(b.w) && uint(y) < uint(b.h) && b.dark[y*b.w+x]
}

// dark reports whether the pixel that p lies in is dark.
func (b bitmap) darkAt(p point) bool {
	return p.x >= 0 && p.y >= 0 && b.at(int(p.x), int(p.y))
}

// local returns g with everything dark that is darker than its surroundings, which
// copes with shadows, gradients and windows of other colours round the code.
func (g gray) local() bitmap {
	const (
		reach = 16 // pixels to each side: some ten modules, as one of the sizes has them
		bias  = 6  // levels; an even surface is light in spite of noise
	)
	b := bitmap{g.w, g.h, make([]bool, len(g.pix))}
	columns := make([]int, g.w) // the sum of each, over the rows within reach
	rows := 0
	add := func(y, sign int) {
		if y < 0 || y >= g.h {
			return
		}
		rows += sign
		for x, v := range g.pix[y*g.w : (y+1)*g.w] {
			columns[x] += sign * int(v)
		}
	}
	for y := range reach {
		add(y, 1)
	}
	for y := range g.h {
		add(y+reach, 1)
		add(y-reach-1, -1)
		markRow(b.dark[y*g.w:(y+1)*g.w], g.pix[y*g.w:(y+1)*g.w], columns, rows, reach, bias)
	}
	return b
}

// markRow sets dark where a pixel is below the mean of its surroundings less bias.
func markRow(dark []bool, pix []uint8, columns []int, rows, reach, bias int) {
	sum, width := 0, 0
	for x := range min(reach, len(columns)) {
		sum += columns[x]
		width++
	}
	for x, v := range pix {
		if x+reach < len(columns) {
			sum += columns[x+reach]
			width++
		}
		if x > reach {
			sum -= columns[x-reach-1]
			width--
		}
		dark[x] = (int(v)+bias)*rows*width < sum
	}
}

// global returns g with everything dark that is below the one threshold which
// divides its levels best, by the method of Otsu.
func (g gray) global() bitmap {
	var histogram [256]int
	for _, v := range g.pix {
		histogram[v]++
	}
	limit := otsu(histogram)
	b := bitmap{g.w, g.h, make([]bool, len(g.pix))}
	for i, v := range g.pix {
		b.dark[i] = v <= limit
	}
	return b
}

// otsu returns the level up to which the darker of two classes goes, if the
// variance between them is to be greatest.
func otsu(histogram [256]int) uint8 {
	var total, sum float64
	for level, n := range histogram {
		total += float64(n)
		sum += float64(level * n)
	}
	var best, under, underSum float64
	limit := uint8(0)
	for level, n := range histogram {
		under += float64(n)
		underSum += float64(level * n)
		if under == 0 || under == total {
			continue
		}
		gap := underSum/under - (sum-underSum)/(total-under)
		if variance := under * (total - under) * gap * gap; variance > best {
			best, limit = variance, uint8(level)
		}
	}
	return limit
}
