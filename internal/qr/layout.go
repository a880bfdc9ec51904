package qr

import "iter"

// level is how much damage a code bears: about 7, 15, 25 or 30 % of its codewords.
type level int

const (
	levelL level = iota
	levelM
	levelQ
	levelH
)

// layout says how the codewords of a code are divided: into blocks that are
// corrected one by one. The last total%blocks of them are one codeword longer.
type layout struct {
	total  int // codewords of the code
	blocks int
	check  int // codewords for error correction in each block
	spare  int // of these, the ones that only guard against a wrong correction
}

// newLayout returns the layout from table 9 of ISO/IEC 18004:2015.
func newLayout(version int, l level) layout {
	return layout{codewords(version), blockCount(version, l), checkCount(version, l), spare(version, l)}
}

// data returns how many codewords carry data in the block of that index.
func (l layout) data(block int) int {
	size := l.total/l.blocks - l.check
	if block >= l.blocks-l.total%l.blocks {
		size++
	}
	return size
}

// capacity returns how many codewords carry data in all blocks.
func (l layout) capacity() int { return l.total - l.blocks*l.check }

// correctable returns how many wrong codewords of a block are put right.
func (l layout) correctable() int { return (l.check - l.spare) / 2 }

// codewords returns how many a code has room for. Bits that are left over stay empty.
func codewords(version int) int {
	n := side(version)
	free := n*n - 3*64 - 2*(n-16) - 31 // less finders, dotted lines, format information
	if a := len(alignment(version)); a > 0 {
		free -= 25*(a*a-3) - 2*5*(a-2) // some squares share five modules with a dotted line
	}
	if version >= 7 {
		free -= 2 * 18
	}
	return free / 8
}

// spare returns what table 9 calls p, as far as it makes a difference.
func spare(version int, l level) int {
	switch {
	case version == 1 && l == levelL:
		return 3
	case version == 1 && l == levelM, version == 2 && l == levelL:
		return 2
	}
	return 0
}

// blockCount returns the number of blocks.
func blockCount(version int, l level) int {
	return int([4][maxVersion]uint8{
		{1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25},
		{1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49},
		{1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10, 12, 16, 12, 17, 16, 18, 21, 20, 23, 23, 25, 27, 29, 34, 34, 35, 38, 40, 43, 45, 48, 51, 53, 56, 59, 62, 65, 68},
		{1, 1, 2, 4, 4, 4, 5, 6, 8, 8, 11, 11, 16, 16, 18, 16, 19, 21, 25, 25, 25, 34, 30, 32, 35, 37, 40, 42, 45, 48, 51, 54, 57, 60, 63, 66, 70, 74, 77, 81},
	}[l][version-1])
}

// checkCount returns the codewords for error correction in each block.
func checkCount(version int, l level) int {
	return int([4][maxVersion]uint8{
		{7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28, 28, 28, 30, 30, 26, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30},
		{10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28},
		{13, 22, 18, 26, 18, 24, 18, 22, 20, 24, 28, 26, 24, 20, 30, 24, 28, 28, 26, 30, 28, 30, 30, 30, 30, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30},
		{17, 28, 22, 16, 22, 28, 26, 26, 24, 28, 24, 28, 22, 24, 24, 30, 28, 28, 26, 28, 30, 24, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30},
	}[l][version-1])
}

// order yields the block, and the index in it, of each codeword in the order in
// which a code has them: the first of each block, the second of each, and so on,
// with those for error correction behind all data. So damage to one place is
// shared by all blocks.
func (l layout) order() iter.Seq2[int, int] {
	longest := l.data(l.blocks - 1)
	return func(yield func(int, int) bool) {
		for i := range longest + l.check {
			for block := range l.blocks {
				data, at := l.data(block), i
				if i >= longest {
					at = i - longest + data
				} else if i >= data {
					continue
				}
				if !yield(block, at) {
					return
				}
			}
		}
	}
}

// restore returns the data of a code, corrected, or false if it is too damaged.
func (l layout) restore(list []byte) ([]byte, bool) {
	blocks := make([][]byte, l.blocks)
	for i := range blocks {
		blocks[i] = make([]byte, l.data(i)+l.check)
	}
	next := 0
	for block, i := range l.order() {
		blocks[block][i] = list[next]
		next++
	}
	f := newField()
	data := make([]byte, 0, l.capacity())
	for i, block := range blocks {
		if !f.correct(block, l.check, l.correctable()) {
			return nil, false
		}
		data = append(data, block[:l.data(i)]...)
	}
	return data, true
}
