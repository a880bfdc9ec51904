package main

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

// serialOf guesses the serial of a device from what an authenticator app calls it: the
// console writes NAME@ACCOUNT. It is a suggestion, "" if there is none.
func serialOf(label, partition string) string {
	match := regexp.MustCompile(`^(?:.*:\s*)?([\w+=,.@/-]+)@(\d{12})$`).FindStringSubmatch(label)
	if match == nil {
		return ""
	}
	return "arn:" + partition + ":iam::" + match[2] + ":mfa/" + match[1]
}
