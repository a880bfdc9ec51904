package creds

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Credentials are the temporary credentials of one session, as STS returns them.
type Credentials struct {
	AccessKeyID     string // "ASIA..."
	SecretAccessKey Secret
	SessionToken    Secret
	Expiration      time.Time // UTC, to the second (STS gives no finer)
}

// Role is one role to assume, in the terms of AssumeRole.
type Role struct {
	ARN         string
	SessionName string        // RoleSessionName, 2 to 64 characters of [\w+=,.@-]
	ExternalID  string        // "": none is sent
	Duration    time.Duration // 900 s to 12 h; at most 1 h if another session assumes it

	SourceIdentity string   // 2 to 64 characters of [\w+=,.@-]; "": none is sent
	Tags           []Tag    // the session tags, at most 50, sorted by key
	TransitiveTags []string // keys of Tags that go on to the roles assumed from the session, sorted
}

// Tag is a session tag.
type Tag struct {
	Key   string // 1 to 128 characters
	Value string // up to 256 characters
}

// Session is a set of credentials with the moment it was minted. Both times are
// AWS's, not this machine's: they come from the answer and its Date header.
type Session struct {
	Credentials Credentials
	Minted      time.Time
}

// Remaining returns how long the session is still valid at now, AWS's time. It
// is negative for an expired one.
func (s Session) Remaining(now time.Time) time.Duration {
	return s.Credentials.Expiration.Sub(now)
}

// Lifetime returns how long the session was valid when it was minted.
func (s Session) Lifetime() time.Duration {
	return s.Credentials.Expiration.Sub(s.Minted)
}

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
func (c Credentials) ProcessJSON() ([]byte, error) { return c.json(`{"Version":1,`, "SessionToken") }

// ContainerJSON returns c as the JSON object that the container credential endpoint of ECS answers with,
// under the conditions of ProcessJSON. A base session has no roleARN.
func (c Credentials) ContainerJSON(roleARN string) ([]byte, error) {
	switch {
	case roleARN == "":
		return c.json("{", "Token")
	case !plain(roleARN):
		return nil, errors.New("credentials whose RoleArn is not plain ASCII")
	}
	return c.json(`{"RoleArn":"`+roleARN+`",`, "Token")
}

// json returns head and the fields of c, of which the session token has the name token.
func (c Credentials) json(head, token string) ([]byte, error) {
	if c.Expiration.IsZero() {
		return nil, errors.New("credentials without an expiration")
	}
	b := append(make([]byte, 0, 2<<10), head...)
	for _, field := range []struct{ key, value string }{
		{"AccessKeyId", c.AccessKeyID},
		{"SecretAccessKey", c.SecretAccessKey.Reveal()},
		{token, c.SessionToken.Reveal()},
		{"Expiration", c.Expiration.UTC().Truncate(time.Second).Format(processTime)},
	} {
		if !plain(field.value) {
			return nil, fmt.Errorf("credentials whose %s is empty or not plain ASCII", field.key)
		}
		b = append(b, `"`+field.key+`":"`...)
		b = append(append(b, field.value...), `",`...)
	}
	b[len(b)-1] = '}'
	return append(b, '\n'), nil
}

// Values returns id, secret, session token and expiration as the variables of the AWS SDKs have them, under the
// conditions of ProcessJSON.
func (c Credentials) Values() ([4]string, error) {
	_, err := c.ProcessJSON()
	return [4]string{c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), c.Expiration.UTC().Format(processTime)}, err
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

// ARN is an Amazon Resource Name of IAM or STS, cut into its parts.
type ARN struct {
	Partition string // "aws", "aws-cn", ...
	Service   string // "iam", "sts"
	Account   string
	Resource  string // "mfa/name", "role/path/name", ...
}

// ParseARN cuts text into its parts. It reports false if text does not have the form
// arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE; what the parts hold is not checked.
func ParseARN(text string) (ARN, bool) {
	p := strings.SplitN(text, ":", 6)
	if len(p) < 6 || p[0] != "arn" {
		return ARN{}, false
	}
	return ARN{p[1], p[2], p[4], p[5]}, true
}
