package awshttp

import "strings"

// Denial is what AWS tells of a call that no policy allows, or that one denies.
type Denial struct {
	Caller string // the ARN of whoever called; "it" if the text does not tell
	Action string // "iam:CreateVirtualMFADevice"; "it" if the text does not tell

	// Why tells of the policy that decided, as far as AWS does: "explicit deny in
	// an identity-based policy", "no identity-based policy allows the ... action".
	Why string
}

// Explicit reports whether a policy denies the action, rather than that none
// allows it.
func (d Denial) Explicit() bool { return strings.HasPrefix(d.Why, "explicit deny") }

// String completes a cause.
func (d Denial) String() string {
	cause := d.Caller + " may not call " + d.Action
	if d.Why != "" {
		cause += " (" + d.Why + ")"
	}
	return cause
}

// Denial returns what the refusal tells of policies, if it is about them.
func (r Refusal) Denial() (Denial, bool) {
	if !r.Says("is not authorized to perform") {
		return Denial{}, false
	}
	return Denial{
		Caller: between(r.Message, "User: ", " is not authorized"),
		Action: between(r.Message, "is not authorized to perform: ", " "),
		Why:    policy(r.Message),
	}, true
}

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
