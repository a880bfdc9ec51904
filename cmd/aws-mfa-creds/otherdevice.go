package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enrol"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sts"
)

// otherDevice is an MFA device that works and is not here, a phone: where an account demands MFA
// already, its code lets the first one of this computer in.
type otherDevice struct {
	serial   string
	codeFile string
}

func (o *otherDevice) define(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.serial, "mfa-serial", "", "where the account demands MFA already: the serial (`ARN`) of a device that works, such as your phone's")
	cmd.Flags().StringVar(&o.codeFile, "mfa-code-file", "", "read its current code from `FILE`, or from stdin for -, instead of asking for it")
}

// otherSession is how long a session lasts that is made with a typed code: as long as the change
// needs.
const otherSession = 15 * time.Minute

// session makes a session with a typed code. Where nobody can type one, the error is
// enrol.ErrNoSession.
func (o otherDevice) session(ctx context.Context, c *caretaker, w *wiring, key creds.AccessKey) (creds.Credentials, error) {
	serial := o.serial
	if serial == "" {
		if o.codeFile != "" || !c.ask.present() {
			return creds.Credentials{}, enrol.ErrNoSession
		}
		text, err := c.ask.line(ctx, "The account demands MFA. Serial (ARN) of a device that works, such as your phone's", "--mfa-serial ARN")
		if err != nil {
			return creds.Credentials{}, err
		}
		serial = text
	}
	serial, err := profile.CheckSerial("--mfa-serial", serial)
	if err != nil {
		return creds.Credentials{}, err
	}
	code, err := o.code(ctx, c, serial)
	if err != nil {
		return creds.Credentials{}, err
	}
	client, err := sts.New(c.stsOptions(w.settings, c.log())) //nolint:contextcheck // resolving the endpoint asks nobody
	if err != nil {
		return creds.Credentials{}, err
	}
	result := client.Call(ctx, exchange.Request{Key: key, Serial: serial, Code: code, Duration: otherSession, Skew: c.skew()})
	return result.Credentials, result.Err
}

func (o otherDevice) code(ctx context.Context, c *caretaker, serial string) (creds.Secret, error) {
	if o.codeFile == "" {
		return c.ask.secret(ctx, fmt.Sprintf("Its current code (%s)", serial), "--mfa-code-file FILE")
	}
	text, err := c.readInput("--mfa-code-file", o.codeFile, maxSecret)
	defer clear(text)
	return firstLine(text), err
}
