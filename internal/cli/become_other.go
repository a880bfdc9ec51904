//go:build !unix

package cli

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// become runs the program at path and returns its exit code as an exitError. Windows sends Ctrl-C
// and the end of the console to both: the program decides.
func become(path string, argv, env []string) error {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM)                                     // ignored, it would end this process
	cmd := &exec.Cmd{Path: path, Args: argv, Env: env, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr} //nolint:forbidigo // the program's own
	err := cmd.Run()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitError(ended.ExitCode())
	}
	return err
}

// detach has nothing to do.
func detach(*exec.Cmd) {}
