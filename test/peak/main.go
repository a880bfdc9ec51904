//go:build unix

// Peak runs a command and prints the most memory it had, in KiB (getrusage(2), ru_maxrss on
// Linux). It is small itself, because what a process has before exec counts as well.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, usage.Maxrss)
}
