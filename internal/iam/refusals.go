package iam

import (
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/account"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awshttp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// The quotas of one user, which no request raises for keys and devices ("IAM and
// AWS STS quotas").
const (
	tooManyDevices = "it has eight MFA devices, the most that IAM allows"
	tooManyKeys    = "it has two access keys, the most that IAM allows"
)

// thing names what the call is about.
func (t *try) thing() string {
	switch about := t.about; {
	case about.serial != "":
		return t.device()
	case about.name != "":
		return "MFA device " + about.name
	case about.key != "":
		return "access key " + about.key
	case about.user != "":
		return "user " + about.user
	}
	return t.Key()
}

func (t *try) device() string { return "MFA device " + t.about.serial }

// owner names the user whose device or key it is. Without a name it is whoever
// signs.
func (t *try) owner() string {
	if t.about.user == "" {
		return "the user of " + t.Key()
	}
	return "user " + t.about.user
}

// ofUser is the flag of the AWS CLI that names the user, with a space before it.
func (t *try) ofUser() string {
	if t.about.user == "" {
		return ""
	}
	return " --user-name " + t.about.user
}

func (t *try) alreadyExists() (thing, cause, remedy string) {
	if t.about.name != "" {
		return t.thing(), "the account has a virtual MFA device of that name, perhaps left over from an enrolment that did not finish",
			"choose another name with --device-name, or replace one that nobody has with --replace-unassigned"
	}
	return t.thing(), "it is enabled for a user already", "aws iam list-virtual-mfa-devices --assignment-status Assigned"
}

func (t *try) limitExceeded(r awshttp.Refusal) (thing, cause, remedy string) {
	switch t.about.action {
	case "EnableMFADevice":
		return t.owner(), tooManyDevices, "remove one of those that this lists: aws iam list-mfa-devices" + t.ofUser()
	case "CreateAccessKey":
		return t.owner(), tooManyKeys, "delete one of those that this lists: aws iam list-access-keys" + t.ofUser()
	}
	return t.thing(), "the account has reached a quota of IAM: " + r.Message, ""
}

func (t *try) notFound(r awshttp.Refusal) (thing, cause, remedy string) {
	switch {
	case r.Says("user with name"):
		return t.owner(), "there is no such user in the account", "aws sts get-caller-identity"
	case t.about.serial != "":
		return t.device(), "there is no such device, or it is not one of " + t.owner(), "aws iam list-mfa-devices" + t.ofUser()
	case t.about.key != "":
		return t.thing(), t.owner() + " has no such access key", "aws iam list-access-keys" + t.ofUser()
	}
	return t.thing(), "AWS answered " + r.Code + ": " + r.Message, ""
}

// denied is for a permission that is missing. Self-service policies deny nearly
// everything to a call without MFA, and many allow only a device that is named
// like the user. IAM itself wants MFA before a user gets a further device.
func (t *try) denied(r awshttp.Refusal) *account.Error {
	told, ok := r.Denial()
	if !ok {
		return t.fail(account.Denied, fault.New(fault.Refused, t.thing(), "", "AWS denied %s: %s%s", t.about.action, r.Message, r.Suffix()))
	}
	wantsMFA := t.client.options.Token.IsZero() && (told.Explicit() || t.about.action == "EnableMFADevice")
	failed := t.fail(account.Denied, fault.New(fault.Refused, t.thing(), t.permission(told, wantsMFA), "%s%s", told, r.Suffix()))
	failed.Denial = account.Denial{Action: told.Action, Explicit: told.Explicit(), WantsMFA: wantsMFA}
	return failed
}

// permission says how to come by a permission.
func (t *try) permission(told awshttp.Denial, wantsMFA bool) string {
	user := account.Identity{ARN: told.Caller}.User()
	ownName := t.about.name != "" && user != "" && t.about.name != user
	var ways []string
	if wantsMFA {
		ways = append(ways, "sign with a session of a device that works already")
	}
	if ownName {
		ways = append(ways, "try --device-name "+user+" (many policies allow only a device named like the user)")
	}
	return strings.Join(append(ways, "have an administrator allow "+told.Action), ", or ")
}
