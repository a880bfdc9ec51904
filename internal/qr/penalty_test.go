package qr

import (
	"slices"
	"strings"
	"testing"
)

// drawn returns a symbol from rows of binary digits.
func drawn(rows string) symbol {
	s := symbol{side: strings.Index(rows+"/", "/")}
	for _, digit := range strings.ReplaceAll(rows, "/", "") {
		s.dark = append(s.dark, digit == '1')
	}
	return s
}

func TestPenaltyOfLines(t *testing.T) {
	t.Parallel()
	const finder = "1011101"
	for row, want := range map[string]int{
		"1010101010":                   0,
		"1111011110000":                0,
		"111110":                       3,
		"10000010":                     3,
		"1000001":                      3,
		"1111111":                      5,
		"0000000":                      5, // the border is not counted as alike
		"111110000011111":              9,
		finder:                         80, // the border on both sides
		finder + "0001" + "01":         40 + 0,
		"1010" + finder + "0101":       0,
		"10100" + finder + "0000101":   40,
		"101000" + finder + "00001":    40,
		"1010000" + finder + "0101":    40,
		"1010000" + finder + "0000101": 80,
		"1010000" + "10111011" + "01":  0, // its last run is too long
		"1010000" + "1011101" + "11":   0,
		"1010000" + "1010101" + "01":   0,
	} {
		if got := drawn(row).line(0, 1); got != want {
			t.Errorf("%s: %d, want %d", row, got, want)
		}
	}
}

func TestPenaltyOfSquares(t *testing.T) {
	t.Parallel()
	for rows, want := range map[string]int{
		"01/10": 0, "11/10": 0, "11/01": 0, "10/11": 0, "01/11": 0, "11/11": 3, "00/00": 3, "111/111/101": 6, "000/000/000": 12, "100/000/001": 6,
	} {
		if got := drawn(rows).squares(); got != want {
			t.Errorf("%s: %d, want %d", rows, got, want)
		}
	}
}

func TestPenaltyOfImbalance(t *testing.T) {
	t.Parallel()
	for dark, want := range map[int]int{0: 100, 1: 90, 41: 10, 44: 10, 46: 0, 50: 0, 54: 0, 56: 10, 59: 10, 61: 20, 100: 100} {
		s := symbol{dark: slices.Repeat([]bool{false}, 100)}
		for i := range dark {
			s.dark[i] = true
		}
		if got := s.imbalance(); got != want {
			t.Errorf("%d %% are dark: %d, want %d", dark, got, want)
		}
	}
}

// TestPenalty has both rows and columns count, and all rules.
func TestPenalty(t *testing.T) {
	t.Parallel()
	for rows, want := range map[string]int{
		"10101/01010/10101/01010/10101": 0,
		"11111/01010/10101/01010/10100": 3 + 10,
		"11010/11010/10101/11010/10100": 3 + 3 + 10,
		"00000/00000/00000/00000/00000": 10*3 + 16*3 + 100,
	} {
		if got := drawn(rows).penalty(); got != want {
			t.Errorf("%s: %d, want %d", rows, got, want)
		}
	}
}

// TestDrawChoosesTheMask: of the eight, none is easier to read.
func TestDrawChoosesTheMask(t *testing.T) {
	t.Parallel()
	chosen := map[int]bool{}
	for length := 1; length < 60; length++ {
		s, _ := drawCode(strings.Repeat("x", length))
		f := s.formats()[0]
		version, l, _ := choose(length)
		if version != s.version || l != f.level {
			t.Fatalf("%d bytes: version %d, level %d", length, s.version, f.level)
		}
		for mask := range 8 {
			if least := compose(strings.Repeat("x", length), version, l).masked(codeFormat{l, mask}).penalty(); least < s.penalty() {
				t.Errorf("%d bytes: mask %d has a penalty of %d, mask %d of %d", length, f.mask, s.penalty(), mask, least)
			}
		}
		chosen[f.mask] = true
	}
	if len(chosen) < 4 {
		t.Errorf("only the masks %v are chosen", chosen)
	}
}
