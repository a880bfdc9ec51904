package agefile

import (
	"path/filepath"
	"strconv"
	"testing"
)

// BenchmarkGet reads an item of a store that has one, and of one that has ten thousand.
func BenchmarkGet(b *testing.B) {
	for _, n := range []int{1, 10_000} {
		s := at(filepath.Join(b.TempDir(), "age"))
		put(b, s, "0", canary)
		file := readFile(b, itemPath(s, "0"))
		for i := 1; i < n; i++ {
			writeFile(b, itemPath(s, strconv.Itoa(i)), file)
		}
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				wantSecret(b, s, "0", canary)
			}
		})
	}
}

func BenchmarkPut(b *testing.B) {
	s := newStore(b)
	for b.Loop() {
		put(b, s, "0", canary)
	}
}
