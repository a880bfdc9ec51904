package cli

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/private"
)

// journal keeps what a change of a profile's MFA device or access key has left to do, in files
// beside the settings: unlike the cache they must not be lost.
type journal struct {
	dir     string
	profile string
	now     func() time.Time
}

func (a *app) journal(profileName string) (journal, error) {
	dir, err := a.configDir()
	return journal{filepath.Join(dir, "unfinished"), profileName, a.now}, err
}

// Load returns what is recorded, or the zero Entry.
func (j journal) Load(about enroll.Subject) (enroll.Entry, error) {
	root, err := private.OpenDir(j.dir, private.Writable)
	if errors.Is(err, fs.ErrNotExist) {
		return enroll.Entry{}, nil
	}
	if err != nil {
		return enroll.Entry{}, private.InWords(j.dir, err)
	}
	defer func() { _ = root.Close() }()
	text, err := private.ReadFile(root, j.file(about), enroll.MaxEntry)
	if errors.Is(err, fs.ErrNotExist) {
		return enroll.Entry{}, nil
	}
	if err != nil {
		return enroll.Entry{}, j.unusable(about, err)
	}
	entry, err := enroll.ParseEntry(text)
	if err != nil {
		return enroll.Entry{}, j.unusable(about, err)
	}
	return entry, nil
}

// Save replaces what is recorded.
func (j journal) Save(e enroll.Entry) error {
	text, err := enroll.MarshalEntry(e)
	if err != nil {
		return err
	}
	return j.change(func(d atomicfile.Dir) error {
		return d.Write(j.file(e.About), text, atomicfile.Options{Durable: true})
	})
}

// Clear removes what is recorded.
func (j journal) Clear(about enroll.Subject) error {
	return j.change(func(d atomicfile.Dir) error { return d.Remove(j.file(about)) })
}

func (j journal) change(work func(atomicfile.Dir) error) error {
	root, err := private.MakeDir(j.dir, private.Writable)
	if err != nil {
		return private.InWords(j.dir, err)
	}
	defer func() { _ = root.Close() }()
	_ = atomicfile.Sweep(root, j.now().Add(-leftAfter)) // what stays, the next change removes
	if err := work(atomicfile.Dir{Root: root, Rand: rand.Reader}); err != nil {
		return private.InWords(j.dir, err)
	}
	return nil
}

// leftAfter is when the temporary file of a killed process is nobody's any more.
const leftAfter = time.Hour

func (j journal) file(about enroll.Subject) string { return j.hashed() + "." + string(about) + ".json" }

// hashed begins the names of the profile's files: its own may be none for a file.
func (j journal) hashed() string {
	sum := sha256.Sum256([]byte(j.profile))
	return hex.EncodeToString(sum[:8])
}

func (j journal) unusable(about enroll.Subject, err error) error {
	path := filepath.Join(j.dir, j.file(about))
	remedy := "look at the user's MFA devices and access keys in IAM, then delete the file: rm " + fault.Shell(path)
	if _, statErr := os.Lstat(path); statErr != nil {
		remedy = ""
	}
	return fault.New(fault.Config, path, remedy, "tells what an earlier run has left undone, and cannot be used: %v", err)
}
