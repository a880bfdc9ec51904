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
}

// parse reads the output of a credential process.
func (p parser) parse(output string) (aws.Credentials, error) {
	var fields map[string]json.RawMessage
	decoder := json.NewDecoder(strings.NewReader(output))
	if err := decoder.Decode(&fields); err != nil {
		return aws.Credentials{}, fmt.Errorf("credential_process does not return valid credentials: %w", hide(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return aws.Credentials{}, errors.New("text after the JSON")
	}
	if version := string(fields["Version"]); version != "1" && (p.numberVersion || version != `"1"`) {
		return aws.Credentials{}, fmt.Errorf("unsupported version %s", version)
	}
	c := aws.Credentials{AccessKeyID: text(fields, "AccessKeyId"), SecretAccessKey: text(fields, "SecretAccessKey"), SessionToken: text(fields, "SessionToken"), CanExpire: true}
	if !c.HasKeys() {
		return aws.Credentials{}, errors.New("a key is missing")
	}
	expires, err := time.Parse(time.RFC3339, text(fields, "Expiration"))
	c.Expires = expires
	return c, err
}

func text(fields map[string]json.RawMessage, name string) string {
	var text string
	_ = json.Unmarshal(fields[name], &text)
	return text
}

// hide keeps what did not parse out of the error.
func hide(error) error { return errors.New("not JSON") }
