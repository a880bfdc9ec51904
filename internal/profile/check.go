package profile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// The forms that messages show.
const (
	serialForm = "an MFA device's serial looks like arn:aws:iam::123456789012:mfa/name"
	roleForm   = "a role's ARN looks like arn:aws:iam::123456789012:role/name"
)

// CheckSerial returns text, the serial of an MFA device, without the ASCII white space
// around it. It is the ARN of a virtual device, or the number on a hardware token such as
// GAHT12345678. Anything else fails with a *fault.Error of kind Config about thing: the
// variable or file the serial is from.
func CheckSerial(thing, text string) (string, error) {
	return checkSerial(value{text: text, source: thing})
}

func checkSerial(v value) (string, error) {
	serial := strings.Trim(v.text, " \t\r\n")
	if cause, remedy := serialProblem(serial); cause != "" {
		return "", fault.New(fault.Config, v.place(), remedy, "%s", cause)
	}
	return serial, nil
}

// CheckSerials returns the serials of a pool in text, or of the only device, each as CheckSerial has it.
func CheckSerials(thing, text string) ([]string, error) {
	return checkSerials(value{text: text, source: thing})
}

func checkSerials(v value) ([]string, error) {
	all := strings.Fields(v.text)
	if len(all) < 2 {
		all = []string{v.text}
	}
	for i := range all {
		one := v
		one.text = all[i]
		serial, err := checkSerial(one)
		if err != nil {
			return nil, err
		}
		all[i] = serial
	}
	if len(all) == 1 {
		return all, nil
	}
	return all, checkPool(v, all)
}

// MaxDevices is how many MFA devices IAM allows a user ("IAM and AWS STS quotas").
const MaxDevices = 8

// checkPool refuses serials that cannot be those of one user's devices.
func checkPool(v value, serials []string) error {
	cause, seen, accounts := "", make(map[string]bool), make(map[string]bool)
	for _, serial := range serials {
		if seen[serial] {
			cause = serial + " is named twice"
		}
		seen[serial] = true
		if arn, ok := creds.ParseARN(serial); ok {
			accounts[arn.Partition+" "+arn.Account] = true
		}
	}
	switch {
	case len(serials) > MaxDevices:
		cause = fmt.Sprintf("%d MFA devices are named, and a user has at most %d", len(serials), MaxDevices)
	case len(accounts) > 1:
		cause = "MFA devices of several accounts are named"
	}
	if cause == "" {
		return nil
	}
	return fault.New(fault.Config, v.place(), "name the devices of one IAM user, each once, with spaces between them", "%s", cause)
}

func serialProblem(serial string) (cause, remedy string) {
	switch {
	case serial == "":
		return "the serial of the MFA device is empty", serialForm
	case len(serial) > 256: // STS API, SerialNumber
		return fmt.Sprintf("the serial of the MFA device has %d characters, at most 256 are possible", len(serial)), serialForm
	}
	if cause := strangeCharacter("the serial", serial, "+=/:,.@-_"); cause != "" {
		return cause, serialForm
	}
	if isHardware(serial) {
		return "", ""
	}
	arn, ok := creds.ParseARN(serial)
	if !ok {
		return notARN(serial, "the serial of an MFA device"), serialForm
	}
	return deviceProblem(serial, arn)
}

func deviceProblem(serial string, arn creds.ARN) (cause, remedy string) {
	if kind, _, _ := strings.Cut(arn.Resource, "/"); kind == "sms-mfa" || kind == "u2f" {
		return fmt.Sprintf("%s is a %s device, and the API accepts TOTP devices only", serial, kind),
			"add a virtual MFA device in the IAM console"
	}
	return arnProblem(serial, arn, "mfa", "an", "MFA device"), serialForm
}

// checkRole validates the ARN of a role, as AssumeRole wants it.
func checkRole(v value) (string, error) {
	if cause := roleProblem(v.text); cause != "" {
		return "", fault.New(v.kind(), v.place(), roleForm, "%s", cause)
	}
	return v.text, nil
}

func roleProblem(text string) string {
	if len(text) > 2048 { // STS API, RoleArn
		return fmt.Sprintf("the role's ARN has %d characters, at most 2048 are possible", len(text))
	}
	// A path may hold any visible ASCII character (IAM API, Path).
	if cause := strangeCharacter("the role's ARN", text, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"); cause != "" {
		return cause
	}
	arn, ok := creds.ParseARN(text)
	if !ok {
		return notARN(text, "the ARN of a role")
	}
	return arnProblem(text, arn, "role", "a", "role")
}

// notARN says that text is not what it should be. It is echoed only if it cannot be a
// secret, pasted into the wrong place: if it begins like an ARN, or is a short word.
func notARN(text, what string) string {
	const shortest = 16 // characters of anything secret but a token code, which has no letter
	word := len(text) < shortest && strings.ContainsFunc(text, func(r rune) bool { return r >= 'A' })
	if word || strings.HasPrefix(text, "arn:") {
		return fmt.Sprintf("%q is not %s", Shorten(text), what)
	}
	return "its value is not " + what
}

// arnProblem checks the ARN text of a resource of IAM of that kind; an thing is what messages call it.
func arnProblem(text string, arn creds.ARN, want, an, thing string) string {
	kind, name, _ := strings.Cut(arn.Resource, "/")
	digits := strings.Trim(arn.Account, "0123456789") == ""
	switch {
	case kind != want || arn.Service != "iam":
		return fmt.Sprintf("%s is %s, not %s %s", text, describe(arn), an, thing)
	case name == "" || strings.HasSuffix(name, "/"):
		return fmt.Sprintf("%s lacks the name of the %s", text, thing)
	case !isPartition(arn.Partition):
		return fmt.Sprintf("%s: %q is not a partition of AWS", text, arn.Partition)
	case !strings.HasPrefix(text, "arn:"+arn.Partition+":iam::"):
		return text + ": an ARN of IAM has no region"
	case digits && len(arn.Account) == 11:
		return text + ": the account has 11 digits instead of 12 (leading zero lost?)"
	case !digits || len(arn.Account) != 12:
		return fmt.Sprintf("%s: %q is not an account of 12 digits", text, arn.Account)
	}
	return ""
}

// describe says what kind of thing an ARN names.
func describe(arn creds.ARN) string {
	kind, _, _ := strings.Cut(arn.Resource, "/")
	switch arn.Service + " " + kind {
	case "iam user":
		return "the ARN of a user"
	case "iam role":
		return "the ARN of a role"
	case "iam root":
		return "the ARN of the root user"
	case "iam mfa":
		return "the ARN of an MFA device"
	case "iam group", "iam policy", "iam instance-profile":
		return "the ARN of a " + strings.ReplaceAll(kind, "-", " ")
	case "sts assumed-role", "sts federated-user":
		return "the ARN of a session"
	}
	return "the ARN of something else"
}

// strangeCharacter names the first character that is neither an ASCII letter or digit
// nor one of the others, by its code point: many such cannot be seen.
func strangeCharacter(what, text, others string) string {
	for i, r := range text {
		if !strings.ContainsRune(alphanumeric+others, r) {
			return fmt.Sprintf("%s has the character %U at position %d", what, r, i+1)
		}
	}
	return ""
}

// isHardware reports the form of the number on a hardware token: capitals, then
// digits. The API allows anything; this is what is sold.
func isHardware(serial string) bool {
	digits := strings.TrimLeft(serial, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	return len(serial) >= 9 && len(digits) >= 6 && len(digits) < len(serial) && strings.Trim(digits, "0123456789") == ""
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// NameCharacters are those of a profile's name that every SDK reads in a header and passes on in a
// command. JS SDK v3 has no others (@smithy/core, shared-ini-file-loader), the Go SDK finds no profile
// whose header needs quotation marks, and to a shell % and = may mean something.
const NameCharacters = alphanumeric + "._/@:+-"

// NameForm tells of them, as a remedy.
const NameForm = "use letters (a-z, A-Z), digits and . _ - / @ : + only"

// Callable reports whether a command of every SDK can have the name, if it is in quotation marks. Versions
// before this one stored secrets for others, too.
func Callable(name string) bool { return strings.Trim(name, NameCharacters+" ") == "" }

// HeaderForm tells how to write the header of a profile in the AWS config, or that the name is of no use, as a
// remedy.
func HeaderForm(name string) string {
	if strings.Contains(name, " ") {
		return NameForm
	}
	return "write it as [profile " + name + "]"
}

// CheckName refuses a name for a new profile that some SDK cannot find. The error is a *fault.Error of kind
// Usage.
func CheckName(name string) error {
	refused := func(cause string) error {
		return fault.New(fault.Usage, "profile name "+strconv.Quote(Shorten(name)), NameForm, "%s", cause)
	}
	for _, r := range name {
		switch {
		case strings.ContainsRune(NameCharacters, r):
		case r == ' ':
			return refused("it has a space; the SDKs for JavaScript and Go do not find such a profile")
		default:
			return refused("it has " + fault.Printable(string(r)) + ", and not every SDK finds such a profile")
		}
	}
	switch {
	case name == "":
		return refused("it is empty")
	case name[0] == '-':
		return refused("the AWS CLI takes a name that begins with - for an option")
	}
	return nil
}
