// Aws-mfa-creds hands out temporary AWS credentials where MFA is enforced. Registered
// as credential_process in the AWS config, it is its own virtual MFA device.
//
// The way from here to AWS: main -> get.go -> wire.go -> internal/session (the
// decision) -> internal/sts (the call).
package main

import (
	"io"
	"log"
	"os"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/harden"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/busguard"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/ring"
)

func main() {
	harden.Process()
	if len(os.Args) > 1 && os.Args[1] == ring.WorkerArg {
		os.Exit(ring.Worker(os.Stdin, os.Stdout)) // a child of this program that talks to a keyring
	}
	log.SetOutput(io.Discard) // net/http logs there what strange servers send
	os.Exit(run(&app{
		args:    os.Args[1:],
		stdin:   os.Stdin,
		stdout:  os.Stdout,
		stderr:  os.Stderr,
		getenv:  os.Getenv,
		environ: busguard.Environ,
		now:     time.Now,
	}))
}
