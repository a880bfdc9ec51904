package enroll

import "time"

// Event is one thing that happens.
type Event struct {
	Stage Stage
	Thing string        // the serial, name or key id it is about
	Left  time.Duration // of a wait, in whole seconds; 0 when it is over
}

// Stage is the kind of an Event.
type Stage string

// The stages.
const (
	Resuming Stage = "resuming" // an earlier run that did not finish
	Making   Stage = "making"   // a device or key, in IAM
	Storing  Stage = "storing"  // its secret
	Enabling Stage = "enabling" // a device
	Waiting  Stage = "waiting"  // see Event.Left
	Proving  Stage = "proving"  // a real session

	Resyncing Stage = "resyncing" // AWS has to learn the device's time
	Spreading Stage = "spreading" // AWS does not know the new key everywhere yet

	Undoing Stage = "undoing" // what did not work is removed
	Kept    Stage = "kept"    // a device could not be undone; the next run uses it

	RemovingDevice Stage = "removing device" // the old one, or the unwanted
	Orphaned       Stage = "orphaned"        // a device that nobody has stays in the account
	DisablingKey   Stage = "disabling key"   // the old one
	DeletingKey    Stage = "deleting key"    // the old one
)
