// Package edit changes profiles.ini and the files of the AWS tools, and reads what only those changes
// and reports need. It works on the sections and lines that package profile finds, and keeps every byte
// that an edit does not change. gopkg.in/ini.v1 reads what profiles.ini says about a profile.
package edit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// Editor changes profiles.ini and the files of the AWS tools. Every byte that an edit is
// not about stays, and so do a file's mode, its group where the system allows it, and the
// symbolic link that leads to it. New files are 0600, new directories 0700.
//
// A file is replaced as a whole, durably, and only if nobody has changed it since it was
// read; edits of this program wait for each other. Where there is nothing to change,
// nothing is written.
//
// Errors are *fault.Error: of kind Config for a file that cannot be edited as it is or was
// changed meanwhile, Filesystem for what the disk refuses, Permissions for a profiles.ini that
// others can change, Usage for a name or value that cannot be written, Deadline if other
// edits do not end.
type Editor struct {
	Paths  profile.Paths
	DryRun bool // work everything out, but write and create nothing

	// NoBackup has RemoveStaticKey keep no copy of the file.
	NoBackup bool
}

// Change is what an edit has done to one file, or with DryRun would do.
type Change struct {
	Path    string       // of the file, as it is configured
	Old     creds.Secret // its content before; empty if there was no file
	New     creds.Secret // its content after
	Changed bool         // whether there is a difference, and so was something to write
	Backup  string       // path of the copy of Old that was made, or ""
}

// The lock is one for all files: edits are rare and short, and some are about two.
const (
	lockName = ".profiles.lock"
	lockWait = 20 * time.Second
)

// transact reads files, has work decide what becomes of them, and writes them in their order, all
// under the lock.
func (e Editor) transact(ctx context.Context, work func([]*target) error, paths ...string) (all []*target, err error) {
	if _, err := e.Paths.ConfigDir(); err != nil {
		return nil, err
	}
	if !e.DryRun {
		unlock, err := e.lock(ctx)
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	const tries = 20
	for try := 1; ; try++ {
		all = nil
		for _, path := range paths {
			t, err := openTarget(path)
			if err != nil {
				return nil, err
			}
			all = append(all, t)
		}
		err = work(all)
		if err == nil && !e.DryRun {
			err = commit(all)
		}
		if !errors.Is(err, errChanged) || try == tries {
			return all, err
		}
	}
}

// errChanged says that another program has changed a file since it was read.
var errChanged = errors.New("changed in the meantime")

// lock waits for the lock. Where the disk cannot give one, work goes on without: that
// nobody changed a file meanwhile is checked in any case.
func (e Editor) lock(ctx context.Context) (unlock func(), err error) {
	path := filepath.Dir(e.Paths.Own)
	dir, err := openDir(path)
	if err != nil {
		return func() {}, nil // writing the file itself says what is wrong
	}
	defer func() { _ = dir.Close() }()
	waiting, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	unlock, err = dir.Lock(waiting, lockName, securefile.Alone)
	switch {
	case err == nil:
		return unlock, nil
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fault.New(fault.Deadline, filepath.Join(path, lockName), "try again; one that is suspended goes on with: pkill -CONT -x aws-mfa-creds", "another edit has held the lock for %s", lockWait)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("wait for the lock: %w", ctx.Err())
	}
	return func() {}, nil
}

// target is a file to replace.
type target struct {
	path   string      // as it is configured
	end    string      // where the symbolic links lead
	info   fs.FileInfo // nil if there is no file
	old    string
	new    string
	backup bool // keep a copy of the old content

	dir    *securefile.Dir // its directory, once it is staged
	staged string          // the name of the new content there

	replaced *os.File // the old file, once it is to be replaced
	unended  bool     // what others have added to it last is a part of a line: its program is still writing
	copied   string   // the name of the copy there
}

// openTarget reads the file at path. Its links are followed here, once.
func openTarget(path string) (*target, error) {
	switch path {
	case "":
		return nil, fault.New(fault.Config, "the AWS config", "set HOME, or AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE", "has no place, because HOME is not set")
	case os.DevNull:
		return nil, fault.New(fault.Config, path, "name a file", "the null device cannot hold settings")
	}
	data, info, err := profile.Read(path)
	if err != nil {
		return nil, err
	}
	end, _ := securefile.Resolve(path) // what Read has not refused
	return &target{path: path, end: end, info: info, old: data, new: data}, nil
}

func (t *target) changed() bool { return t.old != t.new }

// change tells what becomes, or has become, of the file.
func (t *target) change() Change {
	c := Change{Path: t.path, Old: creds.NewSecret(t.old), New: creds.NewSecret(t.new), Changed: t.changed()}
	if t.copied != "" {
		c.Backup = filepath.Join(filepath.Dir(t.end), t.copied)
	}
	return c
}

// commit replaces the files that change. All that is likely to fail comes first: only when
// each new content is on the disk under another name, and no file was changed by others, do
// they take their places. Each file is looked at once more right before and after it is replaced.
func commit(all []*target) error {
	var done bool
	for _, t := range all {
		defer func() { t.close(done) }()
	}
	if err := each(all, (*target).stage, (*target).unchanged, (*target).publish); err != nil {
		return err
	}
	done = true
	time.Sleep(settle)
	return each(all, (*target).keepLate)
}

// each takes one step after the other, each for all files.
func each(all []*target, steps ...func(*target) error) error {
	for _, step := range steps {
		for _, t := range all {
			if err := step(t); err != nil {
				return t.inWords(err)
			}
		}
	}
	return nil
}

// settle is how long a program that opened the old file just before it was replaced has to write to it.
const settle = 20 * time.Millisecond

// stage writes the new content beside the old, with its mode and owner, and the backup.
func (t *target) stage() error {
	if !t.changed() {
		return nil
	}
	if t.info != nil && t.info.Mode().Perm()&0o200 == 0 {
		return fault.New(fault.Filesystem, t.path, "make it writable: "+fault.Chmod("u+w", t.path), "is read-only (mode %s)", t.info.Mode())
	}
	var err error
	if t.dir, err = openDir(filepath.Dir(t.end)); err != nil {
		return err
	}
	if t.backup && t.info != nil {
		if err := t.copyOld(); err != nil {
			return err
		}
	}
	if t.staged, err = t.dir.Stage([]byte(t.new), securefile.Options{Mode: t.mode(), Durable: true}); err != nil || t.info == nil {
		return err
	}
	return t.dir.KeepAccess(t.staged, t.info)
}

// CheckWritable reports why the file at path could not be replaced, or nil. It leaves nothing behind. Where
// there is no directory yet, the nearest above it tells.
func CheckWritable(path string) error {
	t, err := openTarget(path)
	if err != nil {
		return err
	}
	t.new += "\n" // so that there is something to write
	for {
		above := filepath.Dir(filepath.Dir(t.end))
		if _, err := os.Stat(filepath.Dir(t.end)); !errors.Is(err, fs.ErrNotExist) || above == filepath.Dir(t.end) {
			break
		}
		t.end = filepath.Join(above, filepath.Base(t.end))
	}
	defer t.close(false)
	return each([]*target{t}, (*target).stage)
}

func (t *target) mode() fs.FileMode {
	if t.info == nil {
		return 0o600
	}
	return t.info.Mode().Perm()
}

// copyOld keeps the old content under a name that is free.
func (t *target) copyOld() error {
	const most = 1000
	base := filepath.Base(t.end) + ".aws-mfa-creds-backup"
	name := base
	for i := 2; ; i++ {
		err := t.dir.Create(name, []byte(t.old), securefile.Options{Mode: 0o600, Durable: true})
		if err == nil {
			t.copied = name
			return t.dir.KeepAccess(name, t.info)
		}
		if !errors.Is(err, fs.ErrExist) || i > most {
			return err
		}
		name = base + "." + strconv.Itoa(i)
	}
}

// added returns what another program has added to the file, which now holds data, since it was read. Any
// other change is errChanged: whole sections at the end mean the same behind any edit, but nothing else does.
func (t *target) added(data string) (string, error) {
	more, ok := strings.CutPrefix(data, t.old)
	onItsLine := t.old == "" || strings.HasSuffix(t.old, "\n") || strings.HasPrefix(more, "\n")
	if ok && (more == "" || t.unended || onItsLine && beginsSection(more)) {
		return more, nil
	}
	bad := fault.New(fault.Config, t.path, "run the command again", "another program changed it in the meantime")
	bad.Err = errChanged
	return "", bad
}

// beginsSection reports whether the first line of text that is not blank or a comment is a header.
func beginsSection(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != ';' {
			return line[0] == '['
		}
	}
	return false
}

// unchanged fails if the file is not what was read any more.
func (t *target) unchanged() error {
	data, info, err := profile.Read(t.end)
	if err == nil && (info == nil) != (t.info == nil) {
		data = "?" + t.old
	}
	if err == nil {
		_, err = t.added(data)
	}
	return err
}

// publish puts the new content in the place of the old. There is no lock that other programs respect, so
// what they have added until now goes with it, and keepLate looks for more.
func (t *target) publish() error {
	if t.staged == "" {
		return nil
	}
	name := filepath.Base(t.end)
	if t.info == nil {
		err := t.dir.Create(name, []byte(t.new), securefile.Options{Durable: true})
		if errors.Is(err, fs.ErrExist) {
			err = t.unchanged()
		}
		return err
	}
	var err error
	if t.replaced, _, err = securefile.OpenRegular(t.end); err != nil {
		return err
	}
	if err := t.addTo(t.staged); err != nil {
		return err
	}
	if err := t.dir.Replace(t.staged, name, t.replaced); err != nil {
		return err
	}
	t.staged = ""
	t.sweep()
	return nil
}

// keepLate keeps what another program has written to the old file while that was replaced.
func (t *target) keepLate() error {
	if t.replaced.Fd() == ^uintptr(0) { // there was none, or it had to be closed
		return nil
	}
	err := t.addTo(filepath.Base(t.end))
	if !errors.Is(err, errChanged) {
		return err
	}
	t.old = content(t.replaced)
	if err := t.copyOld(); err != nil {
		return err
	}
	theirs := t.change().Backup
	return fault.New(fault.Config, t.path, "compare them: diff "+fault.Shell(theirs)+" "+fault.Shell(t.path), "another program changed it while it was replaced; what it wrote is in %s", theirs)
}

// addTo adds what other programs have added to the old file, and that is not known yet, to the file name.
func (t *target) addTo(name string) error {
	more, err := t.added(content(t.replaced))
	if err != nil || more == "" {
		return err
	}
	t.old += more
	t.new += more
	t.unended = !strings.HasSuffix(more, "\n")
	f, err := t.dir.Root.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(more)
	return errors.Join(err, f.Sync(), f.Close())
}

// content returns what the file holds; what cannot be read is no change.
func content(f *os.File) string {
	data, _ := io.ReadAll(io.NewSectionReader(f, 0, profile.MaxSize))
	return string(data)
}

// sweep removes what killed edits have left beside the file. Its own time stamp says
// what time it is.
func (t *target) sweep() {
	if info, err := t.dir.Root.Stat(filepath.Base(t.end)); err == nil {
		_ = t.dir.Sweep(info.ModTime().Add(-securefile.Abandoned))
	}
}

// close removes what was staged for nothing.
func (t *target) close(done bool) {
	if t.dir == nil {
		return
	}
	_ = t.replaced.Close() // of nil is an error, too
	if t.staged != "" {
		_ = t.dir.Remove(t.staged)
	}
	if t.copied != "" && !done {
		_ = t.dir.Remove(t.copied)
		t.copied = ""
	}
	_ = t.dir.Close()
}

// inWords returns err, from writing the file, as a *fault.Error.
func (t *target) inWords(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	dir := filepath.Dir(t.end)
	remedy := "look at the permissions and the free space of " + dir
	if info, failed := os.Stat(dir); errors.Is(err, fs.ErrPermission) && failed == nil && securefile.Owned(info) && runtime.GOOS != "windows" {
		remedy = "make it writable: chmod u+w " + fault.Shell(dir)
	}
	bad := fault.New(fault.Filesystem, t.path, remedy, "cannot be written: %s", securefile.Reason(err))
	bad.Err = err
	return bad
}

// openDir opens the directory at path, and makes it first, with those above it, if there
// is none. It makes none where another user could replace it.
func openDir(path string) (*securefile.Dir, error) {
	end, err := securefile.Resolve(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = securefile.MakeAll(end)
	}
	if err != nil {
		return nil, err
	}
	return securefile.OpenAnyDir(path)
}

// Diff returns the change as a unified diff, or "" if there is none. It is for a person to read:
// the values of keys that hold secrets, and what fault.Conceal hides, are hidden, control characters are escaped, and a CR at the
// end of a line is not shown.
func (c Change) Diff() string {
	path := visible(c.Path)
	all := diff.Diff(path, []byte(conceal(c.Old.Reveal())), path, []byte(conceal(c.New.Reveal())))
	_, text, _ := strings.Cut(string(all), "\n") // the first line is "diff PATH PATH"
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(visible(strings.TrimRight(line, "\r\n")) + "\n")
	}
	return b.String()
}

// conceal hides the values of secrets, also in the lines that continue them.
func conceal(text string) string {
	var b strings.Builder
	secret := false
	for line := range strings.Lines(text) {
		eol := line[len(line)-trailingEOL(line):]
		if indented := line[0] == ' ' || line[0] == '\t'; indented && secret {
			b.WriteString("  [hidden]" + eol)
			continue
		}
		if strings.TrimSpace(line) == "" { // it may continue behind
			b.WriteString(line)
			continue
		}
		end := strings.IndexAny(line, "=:")
		if secret = end >= 0 && fault.NamesSecret(line[:end]); secret {
			b.WriteString(line[:end+1] + " [hidden]" + eol)
		} else {
			b.WriteString(fault.Conceal(line))
		}
	}
	return b.String()
}

// visible escapes what a terminal would take for a command.
func visible(text string) string {
	quoted := strconv.Quote(strings.ToValidUTF8(text, "\ufffd"))
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\t`, "\t").Replace(quoted[1 : len(quoted)-1])
}
