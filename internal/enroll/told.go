package enroll

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// refuseCaller refuses who has no MFA device that an API could enable.
func refuseCaller(who awsapi.Identity) error {
	switch {
	case who.Root():
		return fault.New(fault.Config, "the root user of account "+who.Account, "aws-mfa-creds enroll --console --profile NAME",
			"no API enables an MFA device for it, and it should have no access keys")
	case who.User() == "":
		return fault.New(fault.Config, who.ARN, "store the access key of an IAM user: aws-mfa-creds add --profile NAME",
			"it is not an IAM user, and only users have MFA devices and access keys")
	}
	return nil
}

func unfinished(e Entry) error {
	return fault.New(fault.Config, "this profile", "run it again: aws-mfa-creds "+string(e.Flow)+" --profile NAME",
		"%q was begun %s and did not finish", e.Flow, e.Started.Format(time.RFC3339))
}

func otherCaller(e Entry, who awsapi.Identity) error {
	return fault.New(fault.Config, "this profile", "run it again with the access key of that user",
		"%q was begun for %s and did not finish, and the access key is one of %s", e.Flow, e.Caller, who.ARN)
}

// retold gives a failure of AWS another line, and leaves its reason.
func retold(err error, thing, remedy, format string, args ...any) error {
	told := fault.New(fault.KindOf(err), thing, remedy, format, args...)
	told.Err = err
	reason, ok := errors.AsType[*awsapi.Error](err)
	if !ok {
		return told
	}
	again := *reason
	again.Err = told
	return &again
}

// names lists devices in the space of a line.
func names(devices []awsapi.Device) string {
	var all []string
	for _, d := range devices {
		name := d.Name()
		if name == "" {
			name = d.Serial
		}
		all = append(all, name)
	}
	return strings.Join(all, ", ")
}

// tooMany is row E2 of the faults: the devices are listed, so that one can be chosen.
func tooMany(user string, devices []awsapi.Device) error {
	told := fault.New(fault.Refused, "user "+user, "remove one: aws iam deactivate-mfa-device --user-name "+user+" --serial-number SERIAL",
		"it has %d MFA devices, the most that IAM allows: %s", len(devices), names(devices))
	return &awsapi.Error{Kind: awsapi.LimitExceeded, Err: told}
}

// taken is row E1: who has the device of that name.
func (r *run) taken(err error, d *awsapi.Device) error {
	thing := "MFA device " + r.entry.Name
	if d == nil {
		return retold(err, thing, "if it is left over from an enrolment that did not finish: --replace-unassigned; otherwise choose another name with --device-name",
			"the account has a virtual MFA device of that name, and AWS does not tell whose it is")
	}
	switch d.User {
	case "":
		return retold(err, thing, "replace it with --replace-unassigned, or choose another name with --device-name",
			"the account has a device of that name that is enabled for nobody, perhaps left over from an enrolment that did not finish")
	case r.who.User():
		return retold(err, thing, "choose another name with --device-name, or replace the device: aws-mfa-creds rotate device --profile NAME",
			"it is enabled for user %s already", d.User)
	}
	return retold(err, thing, "choose another name with --device-name", "it is enabled for user %s", d.User)
}

// seedGone is for a device that is enabled and whose seed is not where it was stored.
func seedGone(user, serial string) error {
	return fault.New(fault.NoSecret, "MFA device "+serial,
		"remove it: aws iam deactivate-mfa-device --user-name "+user+" --serial-number "+serial,
		"it is enabled, and its seed has gone from the store")
}

// perhapsLost is for a key that an earlier run may have made, and somebody else as well.
func perhapsLost(user, id string) error {
	return fault.New(fault.Refused, "access key "+id,
		"if nobody needs it: aws iam delete-access-key --user-name "+user+" --access-key-id "+id+" && aws-mfa-creds rotate key --profile NAME",
		"an earlier run may have made it, and AWS does not tell whether it is in use")
}

// describe tells an access key and its last use in a few words.
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
	return fmt.Sprintf("%s (%s, last used %s for %s)", k.ID, state, use.Time.UTC().Format(time.DateOnly), use.Service)
}
