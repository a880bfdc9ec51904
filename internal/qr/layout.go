package qr

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
	return layout{codewords(version), int(blockCount(version)[l]), int(checkCount(version)[l]), spare(version, l)}
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
	if version >= versioned {
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

// blockCount returns the number of blocks for each level.
func blockCount(version int) [4]uint8 {
	return [maxVersion][4]uint8{
		{1, 1, 1, 1},
		{1, 1, 1, 1},
		{1, 1, 2, 2},
		{1, 2, 2, 4},
		{1, 2, 4, 4},
		{2, 4, 4, 4},
		{2, 4, 6, 5},
		{2, 4, 6, 6},
		{2, 5, 8, 8},
		{4, 5, 8, 8},
		{4, 5, 8, 11},
		{4, 8, 10, 11},
		{4, 9, 12, 16},
		{4, 9, 16, 16},
		{6, 10, 12, 18},
		{6, 10, 17, 16},
		{6, 11, 16, 19},
		{6, 13, 18, 21},
		{7, 14, 21, 25},
		{8, 16, 20, 25},
		{8, 17, 23, 25},
		{9, 17, 23, 34},
		{9, 18, 25, 30},
		{10, 20, 27, 32},
		{12, 21, 29, 35},
		{12, 23, 34, 37},
		{12, 25, 34, 40},
		{13, 26, 35, 42},
		{14, 28, 38, 45},
		{15, 29, 40, 48},
		{16, 31, 43, 51},
		{17, 33, 45, 54},
		{18, 35, 48, 57},
		{19, 37, 51, 60},
		{19, 38, 53, 63},
		{20, 40, 56, 66},
		{21, 43, 59, 70},
		{22, 45, 62, 74},
		{24, 47, 65, 77},
		{25, 49, 68, 81},
	}[version-1]
}

// checkCount returns the codewords for error correction of a block for each level.
func checkCount(version int) [4]uint8 {
	return [maxVersion][4]uint8{
		{7, 10, 13, 17},
		{10, 16, 22, 28},
		{15, 26, 18, 22},
		{20, 18, 26, 16},
		{26, 24, 18, 22},
		{18, 16, 24, 28},
		{20, 18, 18, 26},
		{24, 22, 22, 26},
		{30, 22, 20, 24},
		{18, 26, 24, 28},
		{20, 30, 28, 24},
		{24, 22, 26, 28},
		{26, 22, 24, 22},
		{30, 24, 20, 24},
		{22, 24, 30, 24},
		{24, 28, 24, 30},
		{28, 28, 28, 28},
		{30, 26, 28, 28},
		{28, 26, 26, 26},
		{28, 26, 30, 28},
		{28, 26, 28, 30},
		{28, 28, 30, 24},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
		{26, 28, 30, 30},
		{28, 28, 28, 30},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
		{30, 28, 30, 30},
	}[version-1]
}
