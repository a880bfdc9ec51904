package harden

import "golang.org/x/sys/unix"

// Process forbids debuggers and core dumps for this process.
func Process() {
	_ = unix.PtraceDenyAttach()
	noCore()
}
