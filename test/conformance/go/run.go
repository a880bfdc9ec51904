package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
)

// runDotNet is .NET: stdout and stderr are captured, and a failure tells both.
func runDotNet(command string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("sh", "-c", command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("Command returned non-zero exit value %d with the error - %s", cmd.ProcessState.ExitCode(), stderr.String()) //nolint:staticcheck // as the SDK words it
	}
	return stdout.String(), nil
}
