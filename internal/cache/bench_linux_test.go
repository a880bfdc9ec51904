package cache

import "testing"

// BenchmarkGetKernelKey is the warm path where the key rests in the kernel.
func BenchmarkGetKernelKey(b *testing.B) { benchmarkGet(b, needKernelKey(b)) }

// BenchmarkReadKernelKey is the part of it that the kernel's keyring costs.
func BenchmarkReadKernelKey(b *testing.B) {
	s := needKernelKey(b)
	mustCreate(b, s)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.read(); err != nil {
			b.Fatal(err)
		}
	}
}
