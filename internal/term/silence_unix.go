//go:build unix

package term

import "golang.org/x/sys/unix"

// silence stops the echo; lines are still edited, and the keys that interrupt still work.
func silence(fd int) error {
	state, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	state.Lflag &^= unix.ECHO
	return unix.IoctlSetTermios(fd, setTermios, state)
}
