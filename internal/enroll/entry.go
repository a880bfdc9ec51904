package enroll

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
)

// Subject is what a journal entry is about. Each has an entry of its own, since an old
// access key may wait for its deletion while a device is enrolled.
type Subject string

// The subjects.
const (
	Device    Subject = "device"
	AccessKey Subject = "key"
)

// Flow is what is being done, named like its command.
type Flow string

// The flows that need a journal.
const (
	FlowEnrol        Flow = "enroll"
	FlowRotateDevice Flow = "rotate device"
	FlowRemoveDevice Flow = "remove --aws"
	FlowRotateKey    Flow = "rotate key"
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
	Removing Phase = "removing" // what has been replaced, or is unwanted, goes

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
	Old     string   `json:"old,omitempty"`     // serial of the device, or id of the key, that goes
	Free    bool     `json:"free,omitempty"`    // AWS listed no device of the name before: one that is there now is ours
	Store   string   `json:"store,omitempty"`   // that the seed goes to
	Orphans []string `json:"orphans,omitempty"` // serials of devices that were made and never enabled
	Copies  []string `json:"copies,omitempty"`  // the stores that have the seed of the device that goes

	NewKey  string         `json:"new_key,omitempty"` // its id
	Sharing []string       `json:"sharing,omitempty"` // the profiles that have a copy of the old key, the profile itself last
	Known   []string       `json:"known,omitempty"`   // the ids of the user's keys before
	OldUse  *awsapi.KeyUse `json:"old_use,omitempty"` // of the old key, before; nil: AWS does not tell
}

const entryVersion = 1

// MaxEntry is the largest entry there is, in bytes.
const MaxEntry = 64 << 10

// MarshalEntry returns e as it rests in a file.
func MarshalEntry(e Entry) ([]byte, error) {
	text, err := json.MarshalIndent(e, "", "  ")
	return append(text, '\n'), err
}

// ParseEntry reads what MarshalEntry has written. It refuses what it cannot understand
// whole, since half of an entry would lead to a wrong change in IAM. The errors quote nothing.
func ParseEntry(text []byte) (Entry, error) {
	if len(text) > MaxEntry {
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
	if e.Caller == "" {
		return false
	}
	switch e.Flow {
	case FlowEnrol, FlowRotateDevice:
		return e.About == Device && e.Name != "" && e.Serial != "" && (e.Old != "") == (e.Flow == FlowRotateDevice) &&
			oneOf(e.Phase, Creating, Stored, Enabled, Removing)
	case FlowRemoveDevice:
		return e.About == Device && e.Old != "" && e.Phase == Removing
	case FlowRotateKey:
		return e.About == AccessKey && e.Old != "" && len(e.Sharing) > 0 && (e.NewKey != "" || e.Phase == Creating) &&
			oneOf(e.Phase, Creating, Stored, Proven, Switched, Disabled, Awaiting)
	}
	return false
}

func oneOf(p Phase, all ...Phase) bool {
	for _, one := range all {
		if p == one {
			return true
		}
	}
	return false
}
