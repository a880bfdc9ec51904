package enroll

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// Subject is what a journal entry is about. Each has an entry of its own, since an old
// access key may wait for its deletion while a device is enrolled.
type Subject string

// The subjects.
const (
	Device    Subject = "device"
	AccessKey Subject = "key"
	Console   Subject = "console" // the device that the AWS console makes
)

// Flow is what is being done, named like its command.
type Flow string

// The flows that need a journal.
const (
	FlowEnroll       Flow = "enroll"
	FlowRotateDevice Flow = "rotate device"
	FlowRemoveDevice Flow = "remove --aws"
	FlowRotateKey    Flow = "rotate key"
	FlowConsole      Flow = "enroll --console"
)

// Phase is how far a flow has come: what is about to be done, or may have been done
// already if the process was killed.
type Phase string

// The phases. A device goes through Creating to Removing, a removal has the last only. A
// key goes through Creating, Stored, Proven, Switched, Disabled and perhaps Awaiting.
const (
	Creating Phase = "creating" // it may exist in IAM, without its secret here
	Stored   Phase = "stored"   // its secret is stored; a device may be enabled already
	Enabled  Phase = "enabled"  // a device is enabled, not yet proven
	Removing Phase = "removing" // what was replaced, or is not wanted, is removed

	Proven   Phase = "proven"   // the new key has made a session; it takes the old one's place
	Switched Phase = "switched" // the profile has the new key; the old one becomes inactive
	Disabled Phase = "disabled" // the old key is inactive, and is to be deleted
	Awaiting Phase = "awaiting" // others may need the old key; the next run deletes it
)

// Entry is the state of one flow of a profile. It holds names, and no secret.
type Entry struct {
	Version int       `json:"version"`
	About   Subject   `json:"about"`
	Flow    Flow      `json:"flow"`
	Phase   Phase     `json:"phase"`
	Started time.Time `json:"started"` // AWS's time
	Caller  string    `json:"caller"`  // the ARN of the user

	Name    string   `json:"name,omitempty"`    // of the new device
	Serial  string   `json:"serial,omitempty"`  // of the new device
	Old     string   `json:"old,omitempty"`     // serial of the device, or id of the key, that is removed
	Free    bool     `json:"free,omitempty"`    // AWS listed no device of the name before: one that is there now is ours
	Store   string   `json:"store,omitempty"`   // that the seed goes to
	Orphans []string `json:"orphans,omitempty"` // serials of devices that were made and never enabled
	Copies  []string `json:"copies,omitempty"`  // the stores that have the seed of the old device
	Pool    int      `json:"pool,omitempty"`    // how many devices there are to be; 0: no pool
	Rest    []string `json:"rest,omitempty"`    // serials of devices that are to be removed after the old one

	NewKey  string         `json:"new_key,omitempty"` // its id
	Sharing []string       `json:"sharing,omitempty"` // the profiles that have a copy of the old key, the profile itself last
	Known   []string       `json:"known,omitempty"`   // the ids of the user's keys before
	OldUse  *awsapi.KeyUse `json:"old_use,omitempty"` // of the old key, before; nil: AWS does not say
}

// Journal keeps the entries of a profile in files, one for each subject, and its lock. They rest beside the
// settings: unlike the cache they must not be lost.
type Journal struct {
	Dir     string // made by the first change
	Profile string // the name of the profile that owns the access key
	Now     func() time.Time
	Log     *slog.Logger
}

// lock makes this process the only one to change the profile's device or key. The lock rests beside
// the entries and not in the cache: whoever shares the one must share the other. A disk that has no
// locks is an error, as two runs would delete each other's key.
func (j Journal) lock() (unlock func(), err error) {
	dir, err := securefile.MakeDir(j.Dir, securefile.Writable)
	if err != nil {
		return nil, securefile.Fault(j.Dir, err)
	}
	defer func() { _ = dir.Close() }()
	unlock, held, err := dir.TryLock(j.hashed()+".lock", securefile.Alone)
	switch {
	case err != nil:
		return nil, securefile.Fault(filepath.Join(j.Dir, j.hashed()+".lock"), err)
	case !held:
		return nil, fault.New(fault.Deadline, "this profile", "try again when it has ended", "another process is changing its MFA device or access key")
	}
	return unlock, nil
}

// Unfinished returns what an earlier run has left undone, if it has.
func (j Journal) Unfinished(about Subject) (e Entry, found bool, err error) {
	dir, err := securefile.OpenDir(j.Dir, securefile.Writable)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // or it is below what is no directory
		return e, false, nil
	}
	if err != nil {
		return e, false, securefile.Fault(j.Dir, err)
	}
	defer func() { _ = dir.Close() }()
	text, err := dir.Read(j.entryFile(about), maxEntry)
	if errors.Is(err, fs.ErrNotExist) {
		return e, false, nil
	}
	if err == nil {
		e, err = parseEntry(text)
	}
	if err != nil {
		return Entry{}, false, j.unusableEntry(about, err)
	}
	return e, true, nil
}

// saveEntry replaces what is recorded. It and clearEntry return nil only when the change is durable.
func (j Journal) saveEntry(e Entry) error {
	text, err := marshalEntry(e)
	if err != nil {
		return err
	}
	err = j.changeJournal(func(d *securefile.Dir) error {
		return d.Write(j.entryFile(e.About), text, securefile.Options{Durable: true})
	})
	if err == nil {
		j.Log.Debug("journal written", "about", string(e.About), "phase", string(e.Phase))
	}
	return err
}

// clearEntry removes what is recorded.
func (j Journal) clearEntry(about Subject) error {
	err := j.changeJournal(func(d *securefile.Dir) error { return d.Remove(j.entryFile(about)) })
	if err == nil {
		j.Log.Debug("journal cleared", "about", string(about))
	}
	return err
}

func (j Journal) changeJournal(work func(*securefile.Dir) error) error {
	dir, err := securefile.MakeDir(j.Dir, securefile.Writable)
	if err != nil {
		return securefile.Fault(j.Dir, err)
	}
	defer func() { _ = dir.Close() }()
	_ = dir.Sweep(j.Now().Add(-securefile.Abandoned)) // what stays, the next change removes
	if err := work(dir); err != nil {
		return securefile.Fault(j.Dir, err)
	}
	return nil
}

func (j Journal) entryFile(about Subject) string { return j.hashed() + "." + string(about) + ".json" }

// hashed begins the names of the profile's files: the profile's own name may not be one that a file
// can have.
func (j Journal) hashed() string {
	sum := sha256.Sum256([]byte(j.Profile))
	return hex.EncodeToString(sum[:8])
}

func (j Journal) unusableEntry(about Subject, err error) error {
	path := filepath.Join(j.Dir, j.entryFile(about))
	remedy := "look at the user's MFA devices and access keys in IAM, then delete the file: rm " + fault.Shell(path)
	if _, statErr := os.Lstat(path); statErr != nil {
		remedy = ""
	}
	return fault.New(fault.Config, path, remedy, "records an unfinished run, and cannot be used: %v", err)
}

// BeginConsole records that the AWS console is to take a device.
func (j Journal) BeginConsole() error {
	return j.saveEntry(Entry{Version: entryVersion, About: Console, Flow: FlowConsole, Phase: Stored, Started: j.Now().UTC()})
}

// EndConsole takes back what BeginConsole has recorded.
func (j Journal) EndConsole() error { return j.clearEntry(Console) }

// Abandon forgets what an earlier run has left undone, for when it can never be finished. What
// there is in IAM and in the store stays; Unfinished names it.
func (j Journal) Abandon(about Subject) error {
	unlock, err := j.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return j.clearEntry(about)
}

const entryVersion = 1

// maxEntry is the largest entry there is, in bytes.
const maxEntry = 64 << 10

// marshalEntry returns e as it rests in a file.
func marshalEntry(e Entry) ([]byte, error) {
	text, err := json.MarshalIndent(e, "", "  ")
	return append(text, '\n'), err
}

// parseEntry reads what marshalEntry has written. It refuses what it cannot understand
// whole, since half of an entry would lead to a wrong change in IAM. The errors quote nothing.
func parseEntry(text []byte) (Entry, error) {
	if len(text) > maxEntry {
		return Entry{}, errors.New("too large")
	}
	var e Entry
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&e) != nil || decoder.More() {
		return Entry{}, errors.New("damaged, or of another version")
	}
	if e.Version != entryVersion || !e.valid() {
		return Entry{}, errors.New("incomplete, or of another version")
	}
	return e, nil
}

// valid reports whether e has what its phase works with.
func (e Entry) valid() bool {
	if e.Caller == "" && e.Flow != FlowConsole {
		return false
	}
	switch e.Flow {
	case FlowConsole:
		return e.About == Console && e.Phase == Stored
	case FlowEnroll, FlowRotateDevice:
		return e.About == Device && e.Name != "" && e.Serial != "" && (e.Old != "") == (e.Flow == FlowRotateDevice) &&
			slices.Contains([]Phase{Creating, Stored, Enabled, Removing}, e.Phase)
	case FlowRemoveDevice:
		return e.About == Device && e.Old != "" && e.Phase == Removing
	case FlowRotateKey:
		return e.About == AccessKey && e.Old != "" && len(e.Sharing) > 0 && (e.NewKey != "" || e.Phase == Creating) &&
			slices.Contains([]Phase{Creating, Stored, Proven, Switched, Disabled, Awaiting}, e.Phase)
	}
	return false
}
