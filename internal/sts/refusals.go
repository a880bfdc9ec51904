package sts

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// addKey is what to do about a stored access key that is no good.
const addKey = "store a valid access key and its secret (AWS_MFA_CREDS_ACCESS_KEY_ID, AWS_MFA_CREDS_SECRET_ACCESS_KEY)"

// maxSkew is how far AWS lets the time of a signature be off ("... (Z - 5 min.)").
const maxSkew = 5 * time.Minute

func (t *try) deviceThing() string { return "MFA device " + t.request.Serial }
func (t *try) regionThing() string { return "region " + t.client.options.Region }

func (t *try) keyThing() string {
	if t.request.Token.IsZero() {
		return "access key " + t.request.Key.ID
	}
	return "session key " + t.request.Key.ID
}

// roleThing names the role, or the action if there is none.
func (t *try) roleThing() string {
	if t.request.Role == nil {
		return t.action()
	}
	return "role " + t.request.Role.ARN
}

func (t *try) codeRefused(e apiError) *outcome {
	return &outcome{exchange.CodeRefused, fault.New(fault.Refused, t.deviceThing(), "if an authenticator app has the device too, compare its code with: aws-mfa-creds code --profile NAME",
		"AWS refused the token code: used already, a wrong seed, or a wrong clock%s", suffix(e.requestID))}
}

func (t *try) wrongDevice() (thing, cause, remedy string) {
	return t.deviceThing(), fmt.Sprintf("AWS knows no such device of the user of access key %s, or that key is inactive", t.request.Key.ID),
		"compare the serial with: aws iam list-mfa-devices"
}

func (t *try) codeMissing() (thing, cause, remedy string) {
	return t.roleThing(), fmt.Sprintf("it demands MFA, and the call had %s", t.factors()),
		"set mfa_serial and the seed (AWS_MFA_CREDS_SEED)"
}

func (t *try) chainedTooLong() (thing, cause, remedy string) {
	return t.roleThing(), fmt.Sprintf("%s were asked for, and from a session a role can be assumed for 1h at most", brief(t.request.Duration)),
		"--duration 1h"
}

func (t *try) roleTooLong() (thing, cause, remedy string) {
	name := t.roleThing()
	if t.request.Role != nil {
		name = t.request.Role.ARN[strings.LastIndex(t.request.Role.ARN, "/")+1:]
	}
	return t.roleThing(), fmt.Sprintf("%s were asked for, which is more than its MaxSessionDuration", brief(t.request.Duration)),
		"lower --duration to what this shows: aws iam get-role --role-name " + name + " --query Role.MaxSessionDuration"
}

func (t *try) unknownKey() (thing, cause, remedy string) {
	return t.keyThing(), fmt.Sprintf("AWS does not accept it in region %s: deleted, inactive, or of another partition", t.client.options.Region), addKey
}

func (t *try) wrongSecret() (thing, cause, remedy string) {
	return t.keyThing(), "the secret that is stored for it is not its own (the signature does not match)", addKey
}

// notAuthorized tells what decides on an AssumeRole: who asks, for which role,
// and with which proofs.
func (t *try) notAuthorized(e apiError) (thing, cause, remedy string) {
	cause = fmt.Sprintf("%s may not call %s", between(e.message, "User: ", " is not authorized"), between(e.message, "is not authorized to perform: ", " "))
	if why := policy(e.message); why != "" {
		cause += " (" + why + ")"
	}
	if t.request.Role == nil {
		return t.action(), cause, "check the policies of the user"
	}
	external := "no external id"
	if t.request.Role.ExternalID != "" {
		external = "an external id"
	}
	cause += fmt.Sprintf(", the call had %s and %s", external, t.factors())
	return t.roleThing(), cause, "check the role's trust policy and the user's policies"
}

// policy returns what AWS tells of the policy that decided: "explicit deny in
// an identity-based policy", "no identity-based policy allows the ... action".
func policy(message string) string {
	if _, why, ok := strings.Cut(message, " with an explicit deny"); ok {
		return "explicit deny" + strings.TrimSuffix(why, ".")
	}
	if _, why, ok := strings.Cut(message, " because "); ok {
		return strings.TrimSuffix(why, ".")
	}
	return ""
}

// between returns what stands between two texts, up to the end if the second
// is missing, and "it" if the first is.
func between(s, before, after string) string {
	_, rest, ok := strings.Cut(s, before)
	if !ok {
		return "it"
	}
	found, _, _ := strings.Cut(rest, after)
	return strings.TrimRight(found, ".,")
}

// factors says what of MFA the call carried.
func (t *try) factors() string {
	switch {
	case !t.request.Code.IsZero():
		return "an MFA code"
	case !t.request.Token.IsZero():
		return "an MFA session"
	}
	return "no MFA code"
}

// farOff reports whether AWS's answer shows that the signature's time was
// beyond what AWS tolerates.
func (t *try) farOff() bool {
	off, known := t.offset()
	return known && off.Abs() > maxSkew
}

// offset returns how far ahead of AWS's clock the request was signed.
func (t *try) offset() (off time.Duration, known bool) {
	server, local := t.clocks()
	if server.IsZero() {
		return 0, false
	}
	return local.Add(t.request.Skew).Sub(server), true
}

func (t *try) clockRefused(e apiError) *outcome {
	cause := "AWS refused the time of the request"
	if t.farOff() {
		off, _ := t.offset()
		side := "ahead of"
		if off < 0 {
			side = "behind"
		}
		cause = fmt.Sprintf("the request was signed for a time %s %s AWS's clock", brief(off.Abs().Round(time.Second)), side)
	}
	return &outcome{exchange.ClockRefused, fault.New(fault.Clock, "clock", "set this machine's clock", "%s%s", cause, suffix(e.requestID))}
}

// brief formats d without zero minutes and seconds: 12h, 1h30m, 15s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
