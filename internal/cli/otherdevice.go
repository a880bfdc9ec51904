package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
)

// otherDevice is an MFA device that works and is not here, a phone: where an account demands MFA
// already, a code of it authorizes the first device of this computer.
type otherDevice struct {
	serial   string
	codeFile string
}

func (o *otherDevice) define(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.serial, "mfa-serial", "", "if the account already requires MFA: the serial (`ARN`) of a device that works, such as your phone")
	cmd.Flags().StringVar(&o.codeFile, "mfa-code-file", "", "read its current code from `FILE`, or from stdin for -, instead of asking for it")
	rare(cmd, "mfa-serial", "mfa-code-file")
	needs(cmd, "mfa-serial", "mfa-code-file")
}

// otherSession is how long a session lasts that is made with a typed code: as long as the change
// needs.
const otherSession = 15 * time.Minute

// session makes a session with a typed code. If there is no one to type it, the error is
// enroll.ErrNoSession.
func (o otherDevice) session(ctx context.Context, m *manager, p *opened, key creds.AccessKey) (creds.Credentials, error) {
	devices := []string{o.serial}
	if o.serial == "" {
		devices = m.devices(ctx)
	}
	if store, serial := m.seedHere(ctx, devices); store != "" && o.codeFile == "" {
		return m.sessionWith(ctx, p, proven{m, key, store, serial}, session.Options{})
	}
	serial, err := o.device(ctx, m, devices)
	if err != nil {
		return creds.Credentials{}, err
	}
	client := awsapi.New(p.awsOptions())
	for try := 1; ; try++ {
		code, err := o.code(ctx, m, serial)
		if err != nil {
			return creds.Credentials{}, err
		}
		m.sent = append(m.sent, code)
		result := client.Call(ctx, awsapi.Request{Key: key, Serial: serial, Code: code, Duration: otherSession, Skew: m.clock.Skew()})
		if awsapi.KindOf(result.Err) != awsapi.CodeRefused {
			return result.Credentials, result.Err
		}
		err = fault.New(fault.Refused, "MFA device "+serial, "wait for its next code and give that", "AWS refused the code: it was used before, mistyped, or from another device")
		if o.codeFile != "" || try == tries {
			return creds.Credentials{}, err
		}
		m.ask.complain(err)
	}
}

// device returns the serial of the device: the one named, or the one that is chosen.
func (o otherDevice) device(ctx context.Context, m *manager, devices []string) (string, error) {
	switch {
	case o.serial != "":
		return profile.CheckSerial("--mfa-serial", o.serial)
	case o.codeFile != "" || !m.ask.present():
		return "", enroll.ErrNoSession
	}
	prompt, suggestion := "The account requires MFA. Serial (ARN) of a device that works, such as your phone's", ""
	switch len(devices) {
	case 0:
		prompt += " (the console shows it under Security credentials)"
	case 1:
		suggestion = devices[0]
	default:
		m.print("The user has these MFA devices:\n  %s", strings.Join(devices, "\n  "))
	}
	return m.ask.serial(ctx, prompt, "--mfa-serial ARN", suggestion)
}

// seedHere finds one of the devices whose seed another profile of this computer has, and its store: nobody
// has to type a code of it.
func (m *manager) seedHere(ctx context.Context, serials []string) (store, serial string) {
	files, err := m.loadFiles()
	if err != nil {
		return "", ""
	}
	for _, serial := range serials {
		for _, name := range edit.Sharing(files, serial) {
			own, _, err := edit.ReadOwn(files, name)
			if err != nil || own.WhereSeed() == "" || own.WhereSeed() == keystore.KindEnv {
				continue
			}
			items, err := m.Open(own.WhereSeed())
			if err != nil {
				continue
			}
			if _, err := items.Seed(ctx, serial); err == nil {
				return own.WhereSeed(), serial
			}
		}
	}
	return "", ""
}

// devices returns the serials of the user's devices that make codes; none if AWS does not say.
func (m *manager) devices(ctx context.Context) (serials []string) {
	api, err := m.dial(ctx, false)
	if err != nil {
		return nil
	}
	all, err := api.ListMFADevices(ctx, "")
	if err != nil {
		return nil
	}
	for _, device := range all {
		if serial, err := profile.CheckSerial("", device.Serial); err == nil {
			serials = append(serials, serial)
		}
	}
	return serials
}

// code returns a code that was not sent yet. It is good for one call only, so that it may be seen.
func (o otherDevice) code(ctx context.Context, m *manager, serial string) (creds.Secret, error) {
	if o.codeFile != "" {
		text, err := m.ask.text(ctx, "--mfa-code-file", o.codeFile)
		if err != nil {
			return creds.Secret{}, err
		}
		return m.typedCode("--mfa-code-file", text)
	}
	return insist(ctx, &m.ask, m.ask.line, fmt.Sprintf("Its current code (%s)", serial), "--mfa-code-file FILE", func(text string) (creds.Secret, error) { return m.typedCode("", text) })
}

// typedCode returns the code in text, which apps show in two groups. from is the flag that gave it, or "".
func (m *manager) typedCode(from, text string) (creds.Secret, error) {
	text = strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(text)
	code := creds.NewSecret(text)
	switch {
	case len(text) != 6 || strings.Trim(text, "0123456789") != "":
		return creds.Secret{}, fault.New(fault.Usage, from, "give the six digits that the device shows now", "a code has six digits")
	case slices.ContainsFunc(m.sent, code.Equal):
		return creds.Secret{}, fault.New(fault.Usage, from, "wait for the next one", "this code was already sent")
	}
	return code, nil
}
