// Package stack gives the main goroutine the stack that a warm get needs, before nearly everything else: it
// imports nothing, so Go initializes it among the first. Grown step by step, with ever more frames to copy
// and cold tables to read for each, the stack would take a twentieth of a warm get.
package stack

var used byte //nolint:gochecknoglobals // always 0, but the compiler does not know

func init() { reserve() } //nolint:gochecknoinits // the point of it

// reserve has a large frame, and does not touch it.
//
//go:noinline
func reserve() {
	if used != 0 {
		var frame [20 << 10]byte
		frame[used] = used
		used = frame[2*used]
	}
}
