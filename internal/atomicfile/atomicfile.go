// Package atomicfile writes files so that at every instant, through kill -9, power
// loss and a full disk, either the old content or the new is there, whole.
//
// It works inside an *os.Root, so that neither a symbolic link nor a renamed parent can
// lead a write out of the directory that the caller has opened and checked. A link
// in the place of a file is replaced, never followed.
package atomicfile

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A temporary file has a name of its own, not its target's with something added,
// which might become too long. It tells whoever finds one where it comes from.
const (
	tempPrefix = ".aws-mfa-creds-"
	tempSuffix = ".tmp"
	tempRandom = 8 // bytes
	tempTries  = 8
)

// private is the mode of a file unless Options say otherwise.
const private fs.FileMode = 0o600

// Dir is a directory to write files in.
type Dir struct {
	Root *os.Root
	Rand io.Reader // for the names of temporary files
}

// Options say how a file is written. The zero value is a private file that power loss
// may undo.
type Options struct {
	// Mode is the file's mode, whatever the umask is; 0 means 0600.
	Mode fs.FileMode

	// Durable makes the file survive power loss once the call has returned: content
	// and directory entry are flushed to the disk. Without it, power loss may leave the
	// old content, the new or, on some file systems, an empty file.
	Durable bool
}

// Write replaces the file name with one that holds data, or creates it. On an error,
// which is the file system's, the old file is untouched and nothing is left behind; only
// when flushing the directory fails is the new content in place, though not durable.
func (d Dir) Write(name string, data []byte, o Options) error {
	return d.publish(name, data, o, func(temp string) error { return replace(d.Root, temp, name) })
}

// Create makes the file name with data in it, or fails with fs.ErrExist if there is
// one. Of many that create it at once exactly one succeeds, and nobody ever sees it
// incomplete, except on a file system without hard links.
func (d Dir) Create(name string, data []byte, o Options) error {
	err := d.publish(name, data, o, func(temp string) error {
		if err := d.Root.Link(temp, name); err != nil {
			return err
		}
		_ = d.Root.Remove(temp) // the file is there; Sweep gets what stays
		return nil
	})
	if err == nil || errors.Is(err, fs.ErrExist) || !linkless(err) {
		return err
	}
	return d.createInPlace(name, data, o)
}

// Remove removes the file name, for good once it has returned nil: power loss does not bring it
// back. That there is none is no error.
func (d Dir) Remove(name string) error {
	if err := plainName(name); err != nil {
		return err
	}
	if err := d.Root.Remove(name); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return syncDir(d.Root)
}

// publish writes data to a temporary file, hands its name to put, which brings it to
// its place, and removes it if that fails.
func (d Dir) publish(name string, data []byte, o Options, put func(temp string) error) error {
	if err := plainName(name); err != nil {
		return err
	}
	f, temp, err := d.temp()
	if err != nil {
		return err
	}
	if err = errors.Join(fill(f, data, o), f.Close()); err == nil {
		err = put(temp)
	}
	if err != nil {
		_ = d.Root.Remove(temp)
		return err
	}
	return d.settle(o)
}

// temp creates an empty file that is nobody else's.
func (d Dir) temp() (f *os.File, name string, err error) {
	random := make([]byte, tempRandom)
	for range tempTries {
		if _, err = io.ReadFull(d.Rand, random); err != nil {
			return nil, "", fmt.Errorf("name of a temporary file: %w", err)
		}
		name = tempPrefix + hex.EncodeToString(random) + tempSuffix
		f, err = d.Root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, private)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return f, name, err
}

// createInPlace is Create for a file system without hard links.
func (d Dir) createInPlace(name string, data []byte, o Options) error {
	f, err := d.Root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, private)
	if err != nil {
		return err
	}
	if err := errors.Join(fill(f, data, o), f.Close()); err != nil {
		_ = d.Root.Remove(name)
		return err
	}
	return d.settle(o)
}

// fill gives f its content and its mode: the one it was created with is what the umask
// has left of it.
func fill(f *os.File, data []byte, o Options) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	mode := o.Mode
	if mode == 0 {
		mode = private
	}
	if err := f.Chmod(mode.Perm()); err != nil {
		return err
	}
	if !o.Durable {
		return nil
	}
	return f.Sync()
}

// settle makes the directory entry durable.
func (d Dir) settle(o Options) error {
	if !o.Durable {
		return nil
	}
	return syncDir(d.Root)
}

// plainName refuses what is not the name of a file directly in the directory: the
// temporary file has to be on the same file system, and flushed with it.
func plainName(name string) error {
	for i := range len(name) {
		if os.IsPathSeparator(name[i]) {
			return &fs.PathError{Op: "write", Path: name, Err: fs.ErrInvalid}
		}
	}
	if name == "" || name == "." || name == ".." {
		return &fs.PathError{Op: "write", Path: name, Err: fs.ErrInvalid}
	}
	return nil
}
