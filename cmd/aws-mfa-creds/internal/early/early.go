// Package early hardens the process and answers a warm get before the rest of the program is
// initialized: see package warm. It is internal to the command, so that it cannot run in a test or in
// any other program.
package early

import (
	"os"
	"syscall"
	"time"

	_ "github.com/aws-mfa-creds/aws-mfa-creds/cmd/aws-mfa-creds/internal/stack" // makes room first
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/harden"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/warm"
)

func init() { //nolint:gochecknoinits // the point of it: package warm explains
	harden.Process()
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
