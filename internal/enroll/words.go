package enroll

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// refuseCaller refuses a caller for whom IAM has no API to enable an MFA device.
func refuseCaller(who awsapi.Identity) error {
	switch {
	case who.Root():
		return fault.New(fault.Config, "the root user of account "+who.Account, "aws-mfa-creds enroll --console --profile NAME",
			"IAM has no API to enable an MFA device for it, and it should have no access keys")
	case who.User() == "":
		return fault.New(fault.Config, who.ARN, "", "it is not an IAM user, and only IAM users have MFA devices and access keys")
	}
	return nil
}

func unfinished(e Entry, now time.Time) error {
	return fault.New(fault.Config, "this profile", "run it again: aws-mfa-creds "+string(e.Flow)+" --profile NAME",
		"%q was started %s and did not finish", e.Flow, fault.Time(e.Started, now))
}

// Line says of an unfinished run of a profile what it was and how to finish it.
func (e Entry) Line(profile string, now time.Time) string {
	return fmt.Sprintf("%q was started %s and did not finish; run it again: aws-mfa-creds %s --profile %s", e.Flow, fault.Time(e.Started, now), e.Flow, fault.Shell(profile))
}

func otherCaller(e Entry, who awsapi.Identity) error {
	forget := FlowEnroll
	if e.About == AccessKey {
		forget = FlowRotateKey
	}
	return fault.New(fault.Config, "this profile", "store an access key of that user: aws-mfa-creds add --profile NAME, or forget what it began: aws-mfa-creds "+string(forget)+" --abandon --profile NAME",
		"%q was started for %s and did not finish, but the access key belongs to %s", e.Flow, e.Caller, who.ARN)
}

// reworded gives a failure of AWS another line, and leaves its reason.
func reworded(err error, thing, remedy, format string, args ...any) error {
	line := fault.New(fault.KindOf(err), thing, remedy, format, args...)
	line.Err = err
	failure, ok := errors.AsType[*awsapi.Error](err)
	if !ok {
		return line
	}
	again := *failure
	again.Err = line
	return &again
}

// tooMany lists the devices that leave no room for more, so that one can be chosen.
func tooMany(user string, devices []awsapi.Device, more int) error {
	most := "the most that IAM allows"
	if len(devices) < profile.MaxDevices {
		most = fmt.Sprintf("and with %d more it would have more than the %d that IAM allows", more, profile.MaxDevices)
	}
	var names []string
	for _, d := range devices {
		names = append(names, cmp.Or(d.Name(), d.Serial))
	}
	line := fault.New(fault.Refused, "user "+user, awsapi.FreeDevice(user), "it has %d MFA devices, %s: %s", len(devices), most, strings.Join(names, ", "))
	return &awsapi.Error{Kind: awsapi.LimitExceeded, Err: line}
}

// taken says who has the device of that name.
func (r *run) taken(err error, d *awsapi.Device) error {
	thing := "MFA device " + r.entry.Name
	another := "choose another name: aws-mfa-creds " + string(r.entry.Flow) + " --device-name " + otherName(r.entry.Name) + " --profile NAME"
	replace := r.replace(r.entry.Serial)
	switch {
	case d == nil && is(err, awsapi.StillAssigned):
		return reworded(err, thing, another, "it is enabled for a user, and AWS does not say for whom")
	case d == nil:
		return reworded(err, thing, replace+", or "+another, "the account has a virtual MFA device of that name, and AWS does not say whose it is")
	case d.User == "":
		return reworded(err, thing, replace+", or "+another,
			"the account has a device of that name that is not enabled for anyone, perhaps left over from an enrollment that did not finish")
	case d.User == r.who.User():
		return reworded(err, thing, r.deactivate(d.Serial), "it is enabled for user %s already, and its seed is not stored here", d.User)
	}
	return reworded(err, thing, another, "it is enabled for user %s", d.User)
}

// deactivate is the way on where nobody has the seed of a device that is enabled.
func (r *run) deactivate(serial string) (remedy string) {
	return "have an administrator run: aws iam deactivate-mfa-device --user-name " + r.who.User() + " --serial-number " + serial + "; then: " + r.replace(serial)
}

// replace is the command that makes a device, also in the place of one that nobody has.
func (r *run) replace(serial string) (command string) {
	words := []string{"aws-mfa-creds", string(FlowEnroll), "--replace-unassigned"}
	if r.entry.Flow == FlowRotateDevice {
		words[1] = string(FlowRotateDevice)
	}
	if serial == r.entry.Serial && r.entry.Name != "" {
		words = append(words, "--device-name", r.entry.Name)
	}
	return strings.Join(append(words, "--profile NAME"), " ")
}

// withoutMFA says how to get on where AWS wants a session with MFA and none can be had.
func (r *run) withoutMFA(err error) error {
	serial, _ := r.serial()
	remedy := "give a device that works already: --mfa-serial ARN --mfa-code-file FILE; if there is none, " + r.deactivate(cmp.Or(serial, r.only, "ARN"))
	return &MFAError{advised(err, remedy)}
}

// denied adds to a denial of a name what policies often allow: only a device that is named like the user.
func (r *run) denied(err error) error {
	user := r.who.User()
	if _, needsMFA := errors.AsType[*MFAError](err); needsMFA || !is(err, awsapi.Denied) || r.entry.Name == user || r.entry.Old == r.serialOf(user) || r.hasNamesake() {
		return err
	}
	return advised(err, "many policies allow only a device named like the user: aws-mfa-creds "+string(r.entry.Flow)+" --device-name "+user+" --profile NAME; or "+fault.Remedy(err))
}

// advised gives a failure of AWS another remedy.
func advised(err error, remedy string) error {
	failure, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	return reworded(err, failure.Thing, remedy, "%s", failure.Cause)
}

// describe returns an access key and its last use in a few words.
func describe(k awsapi.Key, use *awsapi.KeyUse) string {
	state := "inactive"
	if k.Active {
		state = "active"
	}
	switch {
	case use == nil:
		return fmt.Sprintf("%s (%s)", k.ID, state)
	case use.Time.IsZero():
		return fmt.Sprintf("%s (%s, never used)", k.ID, state)
	}
	return fmt.Sprintf("%s (%s, last used %s for %s)", k.ID, state, fault.Time(use.Time, time.Time{}), use.Service)
}
