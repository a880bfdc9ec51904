package qr

import (
	"image"
	"image/color"
	"image/draw"
	"iter"
)

// gray is a picture of 256 levels, 0 being black.
type gray struct {
	w, h int
	pix  []uint8 // row by row
}

// grayOver returns picture on a background of that level. Only transparent
// pictures show it.
func grayOver(picture image.Image, background uint8) gray {
	bounds := picture.Bounds()
	g := image.NewGray(image.Rect(0, 0, bounds.Dx(), bounds.Dy()))
	draw.Draw(g, g.Rect, image.NewUniform(color.Gray{background}), image.Point{}, draw.Src)
	draw.Draw(g, g.Rect, picture, bounds.Min, draw.Over)
	return gray{bounds.Dx(), bounds.Dy(), g.Pix}
}

// opaque reports whether the background of picture is never seen.
func opaque(picture image.Image) bool {
	p, ok := picture.(interface{ Opaque() bool })
	return ok && p.Opaque()
}

// negative returns g with light and dark exchanged.
func (g gray) negative() gray {
	pix := make([]uint8, len(g.pix))
	for i, v := range g.pix {
		pix[i] = ^v
	}
	return gray{g.w, g.h, pix}
}

// half returns g in half its size, each pixel the mean of four.
func (g gray) half() gray {
	small := gray{g.w / 2, g.h / 2, make([]uint8, 0, g.w/2*(g.h/2))}
	for y := range small.h {
		upper, under := g.pix[2*y*g.w:], g.pix[(2*y+1)*g.w:]
		for x := range small.w {
			sum := int(upper[2*x]) + int(upper[2*x+1]) + int(under[2*x]) + int(under[2*x+1])
			small.pix = append(small.pix, uint8(sum/4)) //nolint:gosec // a mean of bytes
		}
	}
	return small
}

// enlarged returns g in k times its size, with what lies between two pixels
// interpolated.
func (g gray) enlarged(k int) gray {
	large := gray{g.w * k, g.h * k, make([]uint8, 0, g.w*k*g.h*k)}
	columns := weights(g.w, k)
	for _, row := range weights(g.h, k) {
		upper, under := g.pix[row.first*g.w:], g.pix[row.second*g.w:]
		for _, c := range columns {
			a := int(upper[c.first])*(2*k-c.part) + int(upper[c.second])*c.part
			b := int(under[c.first])*(2*k-c.part) + int(under[c.second])*c.part
			large.pix = append(large.pix, uint8((a*(2*k-row.part)+b*row.part)/(4*k*k))) //nolint:gosec // a mean of bytes
		}
	}
	return large
}

// weight says that a pixel consists of part/2k of the second and else of the first.
type weight struct{ first, second, part int }

// weights returns those of n pixels enlarged k times.
func weights(n, k int) []weight {
	list := make([]weight, n*k)
	for i := range list {
		at := 2*i + 1 - k // in 2k-ths of a pixel, from the middle of the first
		first := 0
		if at > 0 {
			first = at / (2 * k)
		}
		list[i] = weight{first, min(first+1, n-1), max(at-first*2*k, 0)}
	}
	return list
}

// sizes returns g as it is, then ever smaller, which takes away noise and moire,
// then enlarged, which helps where a module has one or two pixels.
func (g gray) sizes() iter.Seq[gray] {
	return func(yield func(gray) bool) {
		for s := g; min(s.w, s.h) >= minSide; s = s.half() {
			if !yield(s) {
				return
			}
		}
		for k := 2; k <= 3 && g.w*k*g.h*k <= maxPixels; k++ {
			if !yield(g.enlarged(k)) {
				return
			}
		}
	}
}

// minSide is that of the smallest code, one pixel a module.
const minSide = 21

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
