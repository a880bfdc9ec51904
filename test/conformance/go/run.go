package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// runJava is Java v2: an open pipe as stdin; stdout up to 64 000 bytes; stderr is read only
// after the end of stdout, and only if the process has failed.
func runJava(command string) (string, error) {
	return runPiped(command, 64_000, func(out io.Reader) (string, error) {
		all, err := io.ReadAll(io.LimitReader(out, 64_001))
		return string(all), err
	})
}

// runKotlin is Kotlin on the JVM: as Java, but it reads into a buffer of 1024 characters and
// appends all of it, however much was read, so that every read but the last has to fill it.
func runKotlin(command string) (string, error) {
	return runPiped(command, 64<<10, func(out io.Reader) (string, error) {
		var all strings.Builder
		chunk := make([]byte, 1024)
		for {
			n, err := out.Read(chunk)
			if n > 0 {
				all.Write(chunk)
			}
			if errors.Is(err, io.EOF) {
				return all.String(), nil
			}
			if err != nil {
				return "", err
			}
		}
	})
}

func runPiped(command string, limit int, read func(io.Reader) (string, error)) (string, error) {
	cmd := exec.Command("sh", "-c", command)
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	defer in.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	output, err := read(stdout)
	if err != nil || len(output) > limit {
		return "", fmt.Errorf("stdout of %d bytes: %w", len(output), errors.Join(err, cmd.Process.Kill()))
	}
	said, _ := io.ReadAll(stderr)
	if err := cmd.Wait(); err != nil {
		return "", fmt.Errorf("Command returned non-zero exit value (%d) with error message: %s", cmd.ProcessState.ExitCode(), said) //nolint:staticcheck // as the SDK words it
	}
	return output, nil
}

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

// runCpp is C++: popen(command + " 2>&1"). What is written to stderr is parsed, too, and the
// exit code is not looked at.
func runCpp(command string) (string, error) {
	cmd := exec.Command("sh", "-c", command+" 2>&1")
	cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
	output, _ := cmd.Output()
	return string(output), nil
}

// runPHP is PHP: shell_exec. The exit code is not looked at; stderr goes to the terminal.
func runPHP(command string) (string, error) {
	cmd := exec.Command("sh", "-c", command)
	cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
	output, _ := cmd.Output()
	return string(output), nil
}

// runRust is Rust as released: five seconds, and a process that takes longer is left alone.
func runRust(command string) (string, error) {
	type result struct {
		output, said string
		err          error
	}
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	done := make(chan result, 1)
	go func() {
		var stdout, stderr bytes.Buffer
		cmd := exec.Command("sh", "-c", command)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, &stdout, &stderr
		err := cmd.Run()
		done <- result{stdout.String(), stderr.String(), err}
	}()
	select {
	case <-ctx.Done():
		return "", errors.New("the credentials provider timed out after 5 s")
	case r := <-done:
		if r.err != nil {
			return "", fmt.Errorf("error retrieving credentials: external process exited with %w: %s", r.err, r.said)
		}
		return r.output, nil
	}
}
