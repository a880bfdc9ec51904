// Package early hardens the process and answers a warm get before the rest of the program is
// initialized: see package warm. It is internal to the command, so that it cannot run in a test or in
// any other program.
package early

import (
	"os"
	"syscall"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/harden"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/warm"
)

func init() { //nolint:gochecknoinits // the point of it: package warm explains
	harden.Process()
	deepen()
	defer securefile.LookOnce()()
	json, ok := warm.Answer(os.Args[1:], os.Getenv, time.Now) //nolint:forbidigo // passed on from here
	if !ok {
		return
	}
	// os.Stdout would end the process by SIGPIPE where its reader is gone. What cannot be written is
	// left to main, which says so.
	if n, _ := syscall.Write(syscall.Stdout, json); n > 0 {
		os.Exit(written(json[n:])) //nolint:forbidigo // it is done
	}
}

// written writes what a pipe did not take at once, and returns the exit code.
func written(rest []byte) int {
	if len(rest) == 0 {
		return 0
	}
	if _, err := os.Stdout.Write(rest); err != nil { //nolint:forbidigo // the rest of what init wrote
		return 1
	}
	return 0
}

// deepen gives this goroutine the stack that a warm get needs, at once. Growing step by step, with ever more
// frames to copy, takes several times as long.
//
//go:noinline
func deepen() {
	if len(os.Args) == 0 { // never: the frame is to be reserved, not used
		var frame [20 << 10]byte
		_, _ = os.Stdout.Write(frame[:]) //nolint:forbidigo // as above
	}
}
