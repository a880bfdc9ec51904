// Package terminal gives tests a real terminal to type on, and a disk that is read-only.
package terminal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Console is a real terminal with one program on it, for tests that type.
type Console struct {
	cmd    *exec.Cmd
	master *os.File
	ended  chan struct{}

	mu    sync.Mutex
	shown bytes.Buffer
	seen  int // of shown, what Expect has gone past
}

// consolePatience is how long Expect and Wait wait.
const consolePatience = 2 * time.Minute

// Start starts cmd on a terminal of its own. Streams of cmd that are set already
// stay what they are; the others are the terminal.
func Start(cmd *exec.Cmd) (*Console, error) {
	master, slave, err := openPTY()
	if err != nil {
		return nil, err
	}
	defer func() { _ = slave.Close() }()
	if cmd.Stdin == nil {
		cmd.Stdin = slave
	}
	if cmd.Stdout == nil {
		cmd.Stdout = slave
	}
	if cmd.Stderr == nil {
		cmd.Stderr = slave
	}
	const terminal = 9 // clear of the three streams
	cmd.ExtraFiles = make([]*os.File, terminal-2)
	cmd.ExtraFiles[terminal-3] = slave
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty, cmd.SysProcAttr.Ctty = true, true, terminal
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, master.Close())
	}
	c := &Console{cmd: cmd, master: master, ended: make(chan struct{})}
	go c.watch()
	return c, nil
}

// openPTY returns the two ends of a new pseudo terminal, pty(7).
func openPTY() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(err, master.Close())
	}
	return master, slave, nil
}

// watch keeps what the terminal shows, until no process has it open.
func (c *Console) watch() {
	defer close(c.ended)
	chunk := make([]byte, 4096)
	for {
		n, err := c.master.Read(chunk)
		c.mu.Lock()
		c.shown.Write(chunk[:n])
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Expect waits until text is shown after what was expected last.
func (c *Console) Expect(text string) error {
	for end := time.Now().Add(consolePatience); ; time.Sleep(5 * time.Millisecond) {
		over := false
		select {
		case <-c.ended:
			over = true
		default:
		}
		if c.pass(text) {
			return nil
		}
		if over || time.Now().After(end) {
			return fmt.Errorf("the terminal does not show %q but %q", text, c.Shown())
		}
	}
}

func (c *Console) pass(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := strings.Index(c.shown.String()[c.seen:], text)
	if at < 0 {
		return false
	}
	c.seen += at + len(text)
	return true
}

// Type types text, as it is.
func (c *Console) Type(text string) error {
	_, err := c.master.WriteString(text)
	return err
}

// Raw waits until the terminal passes each key on as it is typed. Wine has it do so only once a program reads from its
// console, after the program has shown its question: an Enter before that would be a line feed, which is no Enter.
func (c *Console) Raw() error {
	for end := time.Now().Add(consolePatience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if mode, err := unix.IoctlGetTermios(int(c.master.Fd()), unix.TCGETS); err != nil || mode.Lflag&unix.ICANON == 0 && mode.Iflag&unix.ICRNL == 0 {
			return err
		}
	}
	return errors.New("the terminal keeps lines")
}

// Wait waits for the end of the program and returns its exit code; -1 if a signal ended it.
func (c *Console) Wait() (code int, err error) {
	timer := time.AfterFunc(consolePatience, func() { _ = c.cmd.Process.Kill() })
	defer timer.Stop()
	err = c.cmd.Wait()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		err = nil
	}
	select {
	case <-c.ended:
	case <-time.After(time.Second): // something it has started keeps the terminal
	}
	_ = c.master.Close()
	return c.cmd.ProcessState.ExitCode(), err
}

// Resize sets the width of the window, in characters.
func (c *Console) Resize(columns uint16) error {
	return unix.IoctlSetWinsize(int(c.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns})
}

// Shown returns all that the terminal has shown, with CR LF as line ends.
func (c *Console) Shown() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shown.String()
}

// ReadOnly makes the file system that is mounted at dir read-only. A process that another test is
// just starting has all our files open until it runs, so the kernel may want to be asked again.
func ReadOnly(dir string) error {
	const tries = 500
	var err error
	for range tries {
		err = syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
		if !errors.Is(err, syscall.EBUSY) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}
