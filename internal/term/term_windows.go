package term

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

func open() (in, out *os.File, err error) {
	in, err = os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	out, err = os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, errors.Join(err, in.Close())
	}
	escapes(out)
	return in, out, nil
}

// escapes has a console obey escape sequences, which it shows otherwise, and reports whether it does.
func escapes(f *os.File) bool {
	console := windows.Handle(f.Fd())
	var mode uint32
	return windows.GetConsoleMode(console, &mode) == nil && windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

// silence stops the echo; lines are still edited and ended as usual.
func silence(fd int) error {
	console := windows.Handle(fd)
	var mode uint32
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return err
	}
	return windows.SetConsoleMode(console, mode&^windows.ENABLE_ECHO_INPUT)
}

// whenStopped has nothing to do: nobody stops a process here.
func whenStopped(_, _ func()) (end func()) { return func() {} }
