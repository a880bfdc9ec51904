package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// parser says how an SDK differs from the others in reading the JSON.
type parser struct {
	numberVersion bool // Version has to be a number
	needsToken    bool // SessionToken has to be there
	offsets       bool // Expiration may have an offset
	anyCase       bool // the case of keys is ignored
	trailing      bool // what follows the object is ignored
}

// parse reads the output of a credential process.
func (p parser) parse(output string) (aws.Credentials, error) {
	var fields map[string]json.RawMessage
	decoder := json.NewDecoder(strings.NewReader(output))
	if err := decoder.Decode(&fields); err != nil {
		return aws.Credentials{}, fmt.Errorf("credential_process does not return valid credentials: %w", hide(err))
	}
	if _, err := decoder.Token(); !p.trailing && !errors.Is(err, io.EOF) {
		return aws.Credentials{}, errors.New("text after the JSON")
	}
	if p.anyCase {
		fields = folded(fields)
	}
	if version := string(p.raw(fields, "Version")); version != "1" && (p.numberVersion || version != `"1"`) {
		return aws.Credentials{}, fmt.Errorf("unsupported version %s", version)
	}
	c := aws.Credentials{AccessKeyID: p.text(fields, "AccessKeyId"), SecretAccessKey: p.text(fields, "SecretAccessKey"), SessionToken: p.text(fields, "SessionToken"), CanExpire: true}
	if !c.HasKeys() || p.needsToken && c.SessionToken == "" {
		return aws.Credentials{}, errors.New("a key is missing")
	}
	expires, err := p.expiration(p.text(fields, "Expiration"))
	c.Expires = expires
	return c, err
}

// expiration takes the one form that all SDKs take; some take an offset in place of the Z.
func (p parser) expiration(text string) (time.Time, error) {
	if p.offsets {
		return time.Parse(time.RFC3339, text)
	}
	return time.Parse("2006-01-02T15:04:05Z", text)
}

func (p parser) raw(fields map[string]json.RawMessage, name string) json.RawMessage {
	if p.anyCase {
		name = strings.ToLower(name)
	}
	return fields[name]
}

func (p parser) text(fields map[string]json.RawMessage, name string) string {
	var text string
	_ = json.Unmarshal(p.raw(fields, name), &text)
	return text
}

func folded(fields map[string]json.RawMessage) map[string]json.RawMessage {
	low := make(map[string]json.RawMessage, len(fields))
	for name, value := range fields {
		low[strings.ToLower(name)] = value
	}
	return low
}

// hide keeps what did not parse out of the error.
func hide(error) error { return errors.New("not JSON") }
