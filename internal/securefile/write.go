package securefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// A temporary file has a name of its own, not its target's with something added, which might
// become too long. It tells whoever finds one where it comes from.
const (
	tempPrefix = ".aws-mfa-creds-"
	tempSuffix = ".tmp"
	tempDigits = 16 // hexadecimal
	tempTries  = 8
)

const defaultMode fs.FileMode = 0o600

// Options say how a file is written. The zero value is a private file that power loss may undo.
type Options struct {
	// Mode is the file's mode, whatever the umask is; 0 means 0600.
	Mode fs.FileMode

	// Durable makes the file survive power loss once the call has returned: content and
	// directory entry are flushed to the disk. Without it, power loss may leave the old content,
	// the new or, on some file systems, an empty file.
	Durable bool
}

// Write replaces the file name with one that holds data, or creates it. After an error, which is
// the file system's, the old file is untouched and nothing is left behind; only when flushing
// the directory fails is the new content in place, though not durable.
func (d *Dir) Write(name string, data []byte, o Options) error {
	return d.publish(name, data, o, func(temp string) error { return d.replace(temp, name, nil) })
}

// Create makes the file name with data in it, or fails with fs.ErrExist if there is one. Of many
// processes that create it at once exactly one succeeds, and none sees it incomplete, except on
// a file system without hard links.
func (d *Dir) Create(name string, data []byte, o Options) error {
	err := d.publish(name, data, o, func(temp string) error {
		if err := d.Root.Link(temp, name); err != nil {
			return err
		}
		_ = d.remove(temp) // the file is there; Sweep gets what stays
		return nil
	})
	if err == nil || errors.Is(err, fs.ErrExist) || !linkless(err) {
		return err
	}
	if err := d.createInPlace(name, data, o); err != nil { // a file system without hard links
		return err
	}
	return d.flush(o)
}

// Stage writes data to a new temporary file and returns its name, for Replace.
func (d *Dir) Stage(data []byte, o Options) (temp string, err error) {
	for range tempTries {
		temp = fmt.Sprintf("%s%0*x%s", tempPrefix, tempDigits, d.random(), tempSuffix)
		if err = d.createInPlace(temp, data, o); err == nil {
			return temp, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return "", err
}

// Replace durably puts the staged file temp in the place of the file name. Old is that file, if the caller has
// it open; a file system that replaces no open file has it closed.
func (d *Dir) Replace(temp, name string, old *os.File) error {
	if err := d.replace(temp, name, old); err != nil {
		return err
	}
	return d.flush(Options{Durable: true})
}

// Remove removes the file name durably. It is no error if there is none.
func (d *Dir) Remove(name string) error {
	if err := plainName(name); err != nil {
		return err
	}
	switch err := d.remove(name); {
	case err == nil:
		return d.flush(Options{Durable: true})
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

// publish writes data to a temporary file, hands its name to put, which brings it to its place,
// and removes it if that fails.
func (d *Dir) publish(name string, data []byte, o Options, put func(temp string) error) error {
	if err := plainName(name); err != nil {
		return err
	}
	temp, err := d.Stage(data, o)
	if err != nil {
		return err
	}
	if err := put(temp); err != nil {
		_ = d.remove(temp)
		return err
	}
	return d.flush(o)
}

// createInPlace makes the file name, which others can see before it is complete.
func (d *Dir) createInPlace(name string, data []byte, o Options) error {
	f, err := d.Root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, defaultMode)
	if err != nil {
		return err
	}
	if o.Mode == 0 {
		d.protect(name)
	}
	if err := errors.Join(fill(f, data, o), f.Close()); err != nil {
		_ = d.remove(name)
		return err
	}
	return nil
}

var errNoModes = errors.New("the file system keeps no permissions, so others could read it")

// fill gives f its content and its mode, of which the umask may have taken a part.
func fill(f *os.File, data []byte, o Options) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	mode := o.Mode
	if mode == 0 {
		mode = defaultMode
	}
	// A file system that keeps no modes (vfat, drvfs of WSL) refuses some. Where the caller chose the mode,
	// as for the AWS config, the file is as open there as the one that it replaces.
	err := f.Chmod(mode.Perm())
	switch {
	case errors.Is(err, fs.ErrPermission) && o.Mode == 0:
		return errNoModes
	case err != nil && !errors.Is(err, fs.ErrPermission):
		return err
	}
	if !o.Durable {
		return nil
	}
	return f.Sync()
}

// plainName refuses what is not the name of a file directly in the directory: the temporary file
// has to be on the same file system, and flushed with it.
func plainName(name string) error {
	if strings.ContainsAny(name, separators) || name == "" || name == "." || name == ".." {
		return &fs.PathError{Op: "write", Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

// Abandoned is the age from which nobody is still writing a temporary file: that takes
// milliseconds.
const Abandoned = time.Hour

// Left returns the names of the temporary files that were last changed before the given time,
// which is usually Abandoned ago: their writers were killed.
func (d *Dir) Left(before time.Time) ([]string, error) {
	entries, err := fs.ReadDir(d.Root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if !isTemp(entry.Name()) {
			continue
		}
		if info, err := d.Root.Lstat(entry.Name()); err == nil && info.Mode().IsRegular() && info.ModTime().Before(before) {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// Sweep removes the files that Left returns.
func (d *Dir) Sweep(before time.Time) error {
	names, failed := d.Left(before)
	for _, name := range names {
		if err := d.remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = err
		}
	}
	return failed
}

// SweepAll removes all temporary files. It is for who knows that nobody is writing one.
func (d *Dir) SweepAll() error { return d.Sweep(time.Unix(1<<40, 0)) }

// isTemp reports whether name is one that this package gives to temporary files.
func isTemp(name string) bool {
	is, _ := path.Match(tempPrefix+strings.Repeat("[0-9a-f]", tempDigits)+tempSuffix, name)
	return is
}
