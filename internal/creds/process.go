package creds

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// processTime is the one spelling of a time that every SDK parses: second
// precision, UTC, upper-case T and Z.
const processTime = "2006-01-02T15:04:05Z"

// ProcessJSON returns c as the one JSON object a credential process prints,
// compact and with a final newline, as the AWS SDKs and Tools Reference Guide
// ("Process credential provider") describes it:
//
//	{"Version":1,"AccessKeyId":"...","SecretAccessKey":"...","SessionToken":"...","Expiration":"2026-11-23T19:55:05Z"}
//
// It fails, without naming any value, if a value is missing or holds a
// character that JSON would have to escape: some SDKs mangle escapes, and AWS
// never issues such a value.
func (c Credentials) ProcessJSON() ([]byte, error) {
	if c.Expiration.IsZero() {
		return nil, errors.New("credentials without an expiration")
	}
	var b strings.Builder
	b.WriteString(`{"Version":1`)
	for _, field := range []struct{ key, value string }{
		{"AccessKeyId", c.AccessKeyID},
		{"SecretAccessKey", c.SecretAccessKey.Reveal()},
		{"SessionToken", c.SessionToken.Reveal()},
		{"Expiration", c.Expiration.UTC().Truncate(time.Second).Format(processTime)},
	} {
		if !plain(field.value) {
			return nil, fmt.Errorf("credentials whose %s is empty or not plain ASCII", field.key)
		}
		b.WriteString(`,"` + field.key + `":"` + field.value + `"`)
	}
	b.WriteString("}\n")
	return []byte(b.String()), nil
}

// plain reports whether s is not empty and stands for itself in JSON.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
			return false
		}
	}
	return s != ""
}
