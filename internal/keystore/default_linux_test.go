package keystore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/ring"
)

// TestDefault has the worker that looks at the keyring answer, fail and hang: only an answer chooses age.
func TestDefault(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx       context.Context
		worker    string
		kind, why string
		err       error
	}{
		"usable":      {t.Context(), `echo '{"state":"ok"}'`, ring.SecretService, "", nil},
		"absent":      {t.Context(), `echo '{"state":"no bus"}'`, KindAge, "there is no D-Bus session bus, as in a container or over SSH", nil},
		"failed":      {t.Context(), "exit 1", "", "", ring.ErrNoAnswer},
		"slow":        {t.Context(), "exec sleep 60", "", "", ring.ErrNoAnswer},
		"interrupted": {over, `echo '{"state":"ok"}'`, "", "", context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			worker := filepath.Join(t.TempDir(), "worker")
			syscall.ForkLock.RLock() // a process that another test starts would hold the script open, and so keep it from running
			err := os.WriteFile(worker, []byte("#!/bin/sh\ncat >/dev/null\n"+c.worker+"\n"), 0o700)
			syscall.ForkLock.RUnlock()
			if err != nil {
				t.Fatal(err)
			}
			kind, why, err := Default(c.ctx, Options{Executable: worker, Patient: name != "slow"})
			if kind != c.kind || why != c.why || !errors.Is(err, c.err) || err != nil && fault.KindOf(err) != fault.Store {
				t.Errorf("%q, %q, %v", kind, why, err)
			}
		})
	}
}
