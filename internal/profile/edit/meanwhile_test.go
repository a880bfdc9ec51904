package edit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// appendTo adds text to the file as a shell's >> does.
func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// TestAppendedMeanwhile has another program add profiles to a file all the time while each kind of edit
// replaces it. None is lost.
func TestAppendedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path func(profile.Paths) string
		edit func(ctx context.Context, e Editor, i int) error
	}{
		"register": {func(p profile.Paths) string { return p.AWSConfig }, func(ctx context.Context, e Editor, i int) error {
			_, err := e.Register(ctx, fmt.Sprint("ours", i), Registration{Command: "/bin/us get", Region: "eu-west-1"})
			return err
		}},
		"unregister": {func(p profile.Paths) string { return p.AWSConfig }, func(ctx context.Context, e Editor, _ int) error {
			_, err := e.Register(ctx, "ours", Registration{Command: "/bin/us get"})
			_, err2 := e.Unregister(ctx, "ours")
			return errors.Join(err, err2)
		}},
		"update": {func(p profile.Paths) string { return p.Own }, func(ctx context.Context, e Editor, i int) error {
			_, err := e.Update(ctx, fmt.Sprint("ours", i), setStore("age"))
			return err
		}},
		"remove a key": {func(p profile.Paths) string { return p.AWSCredentials }, func(ctx context.Context, e Editor, i int) error {
			name := fmt.Sprint("ours", i)
			err := appendTo(e.Paths.AWSCredentials, "\n["+name+"]\naws_access_key_id = AKIA\naws_secret_access_key = x\n")
			c, err2 := e.RemoveStaticKey(ctx, profile.Plain, name)
			if !c.Changed {
				return errors.Join(err, err2, errors.New("no key was found"))
			}
			return errors.Join(err, err2)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			paths := write(t, "[profile first]\nregion = x\n", "[first]\nstore = age\n", "[first]\nx = y\n")
			e := editor(paths)
			e.NoBackup = true
			stop, n := make(chan struct{}), 0
			var wg sync.WaitGroup
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(300 * time.Microsecond):
					}
					if err := appendTo(c.path(paths), fmt.Sprintf("\n# %d\n[profile theirs%d]\nx = y\n", n, n)); err != nil {
						t.Error(err)
						return
					}
					n++
				}
			})
			for i := range 25 {
				if err := c.edit(t.Context(), e, i); err != nil {
					t.Error(i, err)
				}
			}
			close(stop)
			wg.Wait()
			got, lost := text(t, c.path(paths)), 0
			for i := range n {
				if strings.Count(got, fmt.Sprintf("\n[profile theirs%d]\nx = y\n", i)) != 1 {
					lost++
				}
			}
			if lost > 0 {
				t.Errorf("%d of %d added profiles are lost", lost, n)
			}
			t.Logf("%d profiles were added", n)
		})
	}
}

// TestNeverQuiet has another program change the file between each try: after some, the edit gives
// up, and the file is the other's.
func TestNeverQuiet(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(old string, i int) string{
		"rewritten":         func(_ string, i int) string { return fmt.Sprintf("[a]\nx = %d\n", i) },
		"a key added":       func(old string, i int) string { return fmt.Sprintf("%sx%d = y\n", old, i) },
		"in the same line":  func(old string, i int) string { return strings.TrimSpace(old) + fmt.Sprint("[", i, "]") },
		"cut":               func(old string, _ int) string { return old[:len(old)-1] },
		"comment, then key": func(old string, i int) string { return fmt.Sprintf("%s# c\nx%d = y\n", old, i) },
	} {
		paths, i, theirs := write(t, "", "[a]\nlong = "+strings.Repeat("y", 100)+"\n", ""), 0, ""
		_, err := editor(paths).Update(t.Context(), "x", func(o *Own) {
			o.Store, i = "age", i+1
			theirs = change(text(t, paths.Own), i)
			if err := os.WriteFile(paths.Own, []byte(theirs), 0o600); err != nil {
				t.Error(err)
			}
		})
		wantFault(t, err, fault.Config, paths.Own, "changed it in the meantime; run the command again")
		if got := text(t, paths.Own); got != theirs || i != 20 {
			t.Errorf("%s: after %d tries the file is %q", name, i, got)
		}
	}
}

// TestWrittenTooLate has another program write to the old file while it is replaced.
func TestWrittenTooLate(t *testing.T) {
	t.Parallel()
	paths := write(t, "", "[a]\n", "")
	file, err := openTarget(paths.Own)
	if err != nil {
		t.Fatal(err)
	}
	file.new = "[a]\n[ours]\n"
	old, err := os.OpenFile(paths.Own, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := errors.Join(file.stage(), file.publish()); err != nil {
		t.Fatal(err)
	}
	old.WriteString("[b]\n")
	if err := file.keepLate(); err != nil || text(t, paths.Own) != "[a]\n[ours]\n[b]\n" {
		t.Errorf("%q, %v", text(t, paths.Own), err)
	}
	late := func(rest string) error {
		err := file.keepLate()
		_, err2 := old.WriteString(rest)
		return errors.Join(err, err2, file.keepLate())
	}
	old.WriteString("[c]\nx =") // a reader may see the first half of what is written
	if err := late(" y\n"); err != nil || text(t, paths.Own) != "[a]\n[ours]\n[b]\n[c]\nx = y\n" {
		t.Errorf("%q, %v", text(t, paths.Own), err)
	}
	old.Truncate(0)
	old.WriteString("all new")
	wantFault(t, file.keepLate(), fault.Config, "what it wrote is in "+paths.Own+".aws-mfa-creds-backup")
	if got := text(t, paths.Own+".aws-mfa-creds-backup"); got != "all new" {
		t.Errorf("kept: %q", got)
	}
}

// TestRewrittenWhileReplaced rewrites the old file as soon as another is in its place: what was written is
// in the file that the error names.
func TestRewrittenWhileReplaced(t *testing.T) {
	t.Parallel()
	var path string
	var failed error
	for try := 0; failed == nil && try < 50; try++ { // a busy machine may be too late
		paths := write(t, "", "[a]\n", "")
		path = paths.Own
		old, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		written := make(chan error)
		go func() { written <- rewriteReplaced(old, path) }()
		_, failed = editor(paths).Update(t.Context(), "b", setStore("age"))
		if err := <-written; err != nil {
			t.Fatal(err)
		}
	}
	wantFault(t, failed, fault.Config, "what it wrote is in "+path+".aws-mfa-creds-backup")
	if got := text(t, path+".aws-mfa-creds-backup"); got != "[other]\n" {
		t.Errorf("kept %q", got)
	}
}

// rewriteReplaced waits until another file than old is at path, and writes to old.
func rewriteReplaced(old *os.File, path string) error {
	defer old.Close()
	before, err := old.Stat()
	for now := before; err == nil && os.SameFile(now, before); now, err = os.Stat(path) {
	}
	if err != nil {
		return err
	}
	_, err = old.WriteString("[other]\n")
	return err
}
