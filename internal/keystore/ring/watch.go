//go:build !windows

package ring

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"time"
)

// maxStatus is how much of what pass and gpg say on stderr is looked at, in bytes.
const maxStatus = 64 << 10

// watched does something that runs pass, and finds the reason in what gpg reports if it fails: pass
// itself has but one exit code.
func watched(do func() error) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	said := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(io.LimitReader(r, maxStatus))
		_, _ = io.Copy(io.Discard, r)
		said <- string(text)
	}()
	stderr := os.Stderr
	os.Stderr = w //nolint:reassign // the library passes it on to pass
	err = do()
	os.Stderr = stderr //nolint:reassign // as above
	_ = w.Close()
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		return err
	}
	select {
	case text := <-said:
		return ofGpg(text)
	case <-time.After(100 * time.Millisecond): // somebody has inherited the pipe
		return err
	}
}
