//go:build windows

// Command windows runs the line of a credential_process, its second argument, as the consumer that its first one
// names does on Windows, and prints what that gets. Or it starts a program, and kills it after a while.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(consumer, line string) error {
	if consumer == "kill" { // after the time in line
		after, err := time.ParseDuration(line)
		ctx, cancel := context.WithTimeout(context.Background(), after)
		defer cancel()
		_ = exec.CommandContext(ctx, os.Args[3], os.Args[4:]...).Run()
		return err
	}
	cmd := exec.Command("cmd.exe")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	switch consumer {
	case "go":
		got, err := processcreds.NewProvider(line).Retrieve(context.Background())
		fmt.Println(got.AccessKeyID)
		return err
	case "node": // child_process.exec
		line = `cmd.exe /d /s /c "` + line + `"`
	case "dotnet": // ProcessAWSCredentials
		line = "cmd.exe /c " + line
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: line}
	return cmd.Run()
}
