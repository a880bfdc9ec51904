package cli

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// labelOf returns the label of an otpauth URI, or "".
func labelOf(uri creds.Secret) string {
	u, err := url.Parse(strings.TrimSpace(uri.Reveal()))
	if err != nil || u.Scheme != "otpauth" {
		return ""
	}
	return strings.TrimPrefix(u.Path, "/")
}

// serialOf guesses the serial of a device from what an authenticator app calls it. It is a
// suggestion, "" if there is none.
func serialOf(label, partition string) string {
	name, account := cutLabel(label)
	if name == "" {
		return ""
	}
	return "arn:" + partition + ":iam::" + account + ":mfa/" + name
}

// deviceOf returns the NAME@ACCOUNT in what an authenticator app calls a device, or "".
func deviceOf(label string) string {
	name, account := cutLabel(label)
	if name == "" {
		return ""
	}
	return name + "@" + account
}

// cutLabel takes a label apart: the console writes NAME@ACCOUNT, after an issuer.
func cutLabel(label string) (name, account string) {
	match := regexp.MustCompile(`^(?:.*:\s*)?([\w+=,.@/-]+)@(\d{12})$`).FindStringSubmatch(label)
	if match == nil {
		return "", ""
	}
	return match[1], match[2]
}
