// A get lives for two milliseconds. It needs neither to adapt to a changed CPU limit nor names for its
// mappings, and starting without takes less.
//go:debug updatemaxprocs=0
//go:debug decoratemappings=0

// Aws-mfa-creds prints temporary AWS credentials in accounts that enforce MFA. It is its own virtual MFA
// device, and is registered as credential_process in the AWS config.
//
// The way from here to AWS: main -> internal/cli (the command) -> internal/session (the decision) ->
// internal/awsapi (the call). A get that finds a cached session never reaches main: see internal/warm.
package main

import (
	"os"

	_ "github.com/aws-mfa-creds/aws-mfa-creds/cmd/aws-mfa-creds/internal/early" // hardens the process, and answers a warm get
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cli"
)

// version is set by the linker in a release.
var version string

func main() { os.Exit(cli.Main(version)) }
