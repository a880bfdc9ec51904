package enroll

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// refuseCaller refuses a caller for whom IAM has no API to enable an MFA device.
func refuseCaller(who awsapi.Identity) error {
	switch {
	case who.Root():
		return fault.New(fault.Config, "the root user of account "+who.Account, "aws-mfa-creds enroll --console --profile NAME",
			"IAM has no API to enable an MFA device for it, and it should have no access keys")
	case who.User() == "":
		return fault.New(fault.Config, who.ARN, "store the access key of an IAM user: aws-mfa-creds add --profile NAME",
			"it is not an IAM user, and only IAM users have MFA devices and access keys")
	}
	return nil
}

func unfinished(e Entry) error {
	return fault.New(fault.Config, "this profile", "run it again: aws-mfa-creds "+string(e.Flow)+" --profile NAME",
		"%q was started %s and did not finish", e.Flow, e.Started.Format(time.RFC3339))
}

// Line says of an unfinished run of a profile what it was and how to finish it.
func (e Entry) Line(profile string) string {
	return fmt.Sprintf("%q was started %s and did not finish; run it again: aws-mfa-creds %s --profile %s", e.Flow, e.Started.Format(time.RFC3339), e.Flow, fault.Shell(profile))
}

func otherCaller(e Entry, who awsapi.Identity) error {
	return fault.New(fault.Config, "this profile", "run it again with the access key of that user",
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

// names lists devices in the space of a line.
func names(devices []awsapi.Device) string {
	var all []string
	for _, d := range devices {
		all = append(all, cmp.Or(d.Name(), d.Serial))
	}
	return strings.Join(all, ", ")
}

// tooMany lists the devices, so that one can be chosen.
func tooMany(user string, devices []awsapi.Device) error {
	line := fault.New(fault.Refused, "user "+user, "remove one: aws iam deactivate-mfa-device --user-name "+user+" --serial-number SERIAL",
		"it has %d MFA devices, the most that IAM allows: %s", len(devices), names(devices))
	return &awsapi.Error{Kind: awsapi.LimitExceeded, Err: line}
}

// taken says who has the device of that name.
func (r *run) taken(err error, d *awsapi.Device) error {
	thing := "MFA device " + r.entry.Name
	if d == nil {
		return reworded(err, thing, "if it is left over from an enrollment that did not finish: --replace-unassigned; otherwise choose another name with --device-name",
			"the account has a virtual MFA device of that name, and AWS does not say whose it is")
	}
	switch d.User {
	case "":
		return reworded(err, thing, "replace it with --replace-unassigned, or choose another name with --device-name",
			"the account has a device of that name that is not enabled for anyone, perhaps left over from an enrollment that did not finish")
	case r.who.User():
		return reworded(err, thing, "choose another name with --device-name; if the seed of this one is lost, have an administrator run: aws iam deactivate-mfa-device --user-name "+d.User+" --serial-number "+d.Serial+", and then give --replace-unassigned",
			"it is enabled for user %s already", d.User)
	}
	return reworded(err, thing, "choose another name with --device-name", "it is enabled for user %s", d.User)
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
	return fmt.Sprintf("%s (%s, last used %s for %s)", k.ID, state, use.Time.UTC().Format(time.DateOnly), use.Service)
}
