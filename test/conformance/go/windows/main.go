//go:build windows

// Command windows runs the line of a credential_process, its second argument, as the consumer that its first one
// names does on Windows, and prints what that gets.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(consumer, line string) error {
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
