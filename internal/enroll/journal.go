package enroll

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/private"
)

// FileJournal keeps what a change of a profile's MFA device or access key has left to do, in files
// beside the settings: unlike the cache they must not be lost.
type FileJournal struct {
	Dir     string // a directory of its own; made by the first change
	Profile string
	Now     func() time.Time
	Log     *slog.Logger
}

// Load returns what is recorded, or the zero Entry.
func (j FileJournal) Load(about Subject) (Entry, error) {
	root, err := private.OpenDir(j.Dir, private.Writable)
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, nil
	}
	if err != nil {
		return Entry{}, private.InWords(j.Dir, err)
	}
	defer func() { _ = root.Close() }()
	text, err := private.ReadFile(root, j.file(about), MaxEntry)
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, nil
	}
	if err != nil {
		return Entry{}, j.unusable(about, err)
	}
	entry, err := ParseEntry(text)
	if err != nil {
		return Entry{}, j.unusable(about, err)
	}
	return entry, nil
}

// Save replaces what is recorded.
func (j FileJournal) Save(e Entry) error {
	text, err := MarshalEntry(e)
	if err != nil {
		return err
	}
	err = j.change(func(d atomicfile.Dir) error {
		return d.Write(j.file(e.About), text, atomicfile.Options{Durable: true})
	})
	if err == nil {
		j.Log.Debug("journal written", "about", string(e.About), "phase", string(e.Phase))
	}
	return err
}

// Clear removes what is recorded.
func (j FileJournal) Clear(about Subject) error {
	err := j.change(func(d atomicfile.Dir) error { return d.Remove(j.file(about)) })
	if err == nil {
		j.Log.Debug("journal cleared", "about", string(about))
	}
	return err
}

func (j FileJournal) change(work func(atomicfile.Dir) error) error {
	root, err := private.MakeDir(j.Dir, private.Writable)
	if err != nil {
		return private.InWords(j.Dir, err)
	}
	defer func() { _ = root.Close() }()
	_ = atomicfile.Sweep(root, j.Now().Add(-leftAfter)) // what stays, the next change removes
	if err := work(atomicfile.Dir{Root: root, Rand: rand.Reader}); err != nil {
		return private.InWords(j.Dir, err)
	}
	return nil
}

// leftAfter is when the temporary file of a killed process is nobody's any more.
const leftAfter = time.Hour

func (j FileJournal) file(about Subject) string { return j.hashed() + "." + string(about) + ".json" }

// hashed begins the names of the profile's files: its own may be none for a file.
func (j FileJournal) hashed() string {
	sum := sha256.Sum256([]byte(j.Profile))
	return hex.EncodeToString(sum[:8])
}

func (j FileJournal) unusable(about Subject, err error) error {
	path := filepath.Join(j.Dir, j.file(about))
	remedy := "look at the user's MFA devices and access keys in IAM, then delete the file: rm " + fault.Shell(path)
	if _, statErr := os.Lstat(path); statErr != nil {
		remedy = ""
	}
	return fault.New(fault.Config, path, remedy, "tells what an earlier run has left undone, and cannot be used: %v", err)
}
