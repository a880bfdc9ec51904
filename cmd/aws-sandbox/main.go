// Aws-sandbox runs STS and IAM on loopback, as strict as AWS, to try aws-mfa-creds without an
// AWS account.
//
//	aws-sandbox                  plays the main job with the real program
//	aws-sandbox -- COMMAND ...   runs a command on a machine that uses the sandbox
//
// It needs the Go tool, to build the program, and leaves nothing behind.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}
