package qr

import "testing"

// TestLayoutFillsTheCode compares the tables with each other and with what the
// patterns leave of a code.
func TestLayoutFillsTheCode(t *testing.T) {
	t.Parallel()
	for version := 1; version <= maxVersion; version++ {
		free := 0
		for range newSymbol(version, make([]bool, side(version)*side(version))).path() {
			free++
		}
		previous := free
		for l := levelL; l <= levelH; l++ {
			layout := newLayout(version, l)
			if rest := free - 8*layout.total; rest < 0 || rest > 7 {
				t.Errorf("version %d has room for %d bits, not %d codewords", version, free, layout.total)
			}
			data, places := 0, map[[2]int]bool{}
			for block := range layout.blocks {
				data += layout.data(block)
			}
			for block, i := range layout.order() {
				if block >= layout.blocks || i >= layout.data(block)+layout.check || places[[2]int{block, i}] {
					t.Fatalf("version %d, level %d: codeword %d of block %d", version, l, i, block)
				}
				places[[2]int{block, i}] = true
			}
			if data != layout.capacity() || data+layout.blocks*layout.check != layout.total || len(places) != layout.total {
				t.Errorf("version %d, level %d: %d of %d codewords are data, %d have a place", version, l, data, layout.total, len(places))
			}
			if data >= previous || layout.check < 2*layout.correctable() {
				t.Errorf("version %d, level %d: %d codewords for data after %d, %d for correction of %d", version, l, data, previous, layout.check, layout.correctable())
			}
			previous = data
		}
	}
}

// TestLayout has rows of tables 1 and 9 of the standard.
func TestLayout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version, total int
		capacity       [4]int
		correctable    [4]int
	}{
		{1, 26, [4]int{19, 16, 13, 9}, [4]int{2, 4, 6, 8}},
		{2, 44, [4]int{34, 28, 22, 16}, [4]int{4, 8, 11, 14}},
		{3, 70, [4]int{55, 44, 34, 26}, [4]int{7, 13, 9, 11}},
		{7, 196, [4]int{156, 124, 88, 66}, [4]int{10, 9, 9, 13}},
		{15, 655, [4]int{523, 415, 295, 223}, [4]int{11, 12, 15, 12}},
		{32, 2465, [4]int{1955, 1541, 1115, 845}, [4]int{15, 14, 15, 15}},
		{40, 3706, [4]int{2956, 2334, 1666, 1276}, [4]int{15, 14, 15, 15}},
	} {
		for l := levelL; l <= levelH; l++ {
			layout := newLayout(test.version, l)
			if layout.total != test.total || layout.capacity() != test.capacity[l] || layout.correctable() != test.correctable[l] {
				t.Errorf("version %d, level %d: %d codewords, %d for data, %d correctable", test.version, l, layout.total, layout.capacity(), layout.correctable())
			}
		}
	}
}
