//go:build unix

package term

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func open() (in, out *os.File, err error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	return tty, tty, err
}

// escapes is about Windows: other terminals obey escape sequences.
func escapes(*os.File) bool { return true }

// silence stops the echo; lines are still edited, and the keys that interrupt still work.
func silence(fd int) error {
	state, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	state.Lflag &^= unix.ECHO
	return unix.IoctlSetTermios(fd, setTermios, state)
}

// stopDelay is how long a stop may take to begin. A process that nobody could continue, because no shell
// waits for it, is not stopped at all.
const stopDelay = 200 * time.Millisecond

// whenStopped has leave called before the person stops this process (Ctrl-Z), and back when it goes
// on. Until end is called, which waits for them.
func whenStopped(leave, back func()) (end func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGCONT)
	if !signal.Ignored(syscall.SIGTSTP) {
		signal.Notify(signals, syscall.SIGTSTP)
	}
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case s := <-signals:
				if s == syscall.SIGTSTP {
					leave()
					stop(signals)
				}
				back()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
		<-over
	}
}

// stop stops this process. Go cannot give SIGTSTP its own effect back once it was asked for, so
// another signal is sent that has the same.
func stop(signals <-chan os.Signal) {
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGTTOU)
	select {
	case <-signals: // it goes on
	case <-time.After(stopDelay):
	}
}
