package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/mfaprocess"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// AccessKey implements session.Secrets.
func (p *opened) AccessKey(ctx context.Context) (creds.AccessKey, error) {
	if !p.KeyFromEnv() {
		return p.storedKey(ctx)
	}
	key, err := p.Env.AccessKey(ctx)
	if err != nil {
		return key, err
	}
	return key, key.Check(envstore.VarSecretAccessKey, p.Settings.OfAWS())
}

func (p *opened) storedKey(ctx context.Context) (creds.AccessKey, error) {
	items, err := p.app.items(p.Settings.KeyStore, nil)
	if err != nil {
		return creds.AccessKey{}, err
	}
	key, err := items.AccessKey(ctx, p.Settings.Identity)
	if err == nil && p.Settings.AccessKeyID != "" && key.ID != p.Settings.AccessKeyID {
		// A rotation may be about to put the next key into its place.
		if next, err := items.NewKey(ctx, p.Settings.Identity); err == nil && next.ID == p.Settings.AccessKeyID {
			return next, nil
		}
		err = fault.New(fault.Config, "profile "+strconv.Quote(p.Settings.Identity), "run: "+program+" add --profile NAME",
			"profiles.ini has the access key %s, but the %s store has %s", p.Settings.AccessKeyID, p.Settings.KeyStore, key.ID)
	}
	return key, err
}

// Codes implements session.Secrets.
func (p *opened) Codes(ctx context.Context) (session.Codes, error) {
	if p.CodeFromProgram() {
		return session.Codes{Code: p.program, Origin: creds.NewSecret(strings.Join(p.Settings.MFAProcess, "\x00"))}, nil
	}
	return session.CodesOf(p.Seed(ctx))
}

// program has the program of mfa_process make the current code.
func (p *opened) program(ctx context.Context, _ totp.Step) (creds.Secret, error) {
	waiting := envDepth + "=" + strings.TrimSpace(p.app.getenv(envDepth)+" "+p.Settings.Serial)
	source := mfaprocess.Source{Argv: p.Settings.MFAProcess, Env: []string{waiting}, Place: "profile " + strconv.Quote(p.Settings.Profile)}
	return source.Code(ctx)
}

// Seed returns the seed of the MFA device.
func (p *opened) Seed(ctx context.Context) (totp.Seed, error) {
	if p.SeedFromEnv() {
		return p.Env.Seed(ctx)
	}
	items, err := p.app.items(p.Settings.SeedStore, nil)
	if err != nil {
		return totp.Seed{}, err
	}
	return items.Seed(ctx, p.Settings.Serial)
}

// seedLost reports whether a store has no longer the seed that the settings expect there.
func (p *opened) seedLost(ctx context.Context) bool {
	if p.CodeFromProgram() || p.SeedFromEnv() {
		return false
	}
	_, err := p.Seed(ctx)
	return fault.KindOf(err) == fault.NoSecret
}

// where tells where access key and codes come from; "" where that is not known.
func (p *opened) where() (key, seed, mfaProcess string) {
	key, seed = p.Settings.KeyStore, p.Settings.SeedStore
	if p.KeyFromEnv() {
		key = keystore.KindEnv
	}
	if p.SeedFromEnv() {
		seed = keystore.KindEnv
	}
	if p.CodeFromProgram() {
		return key, "", fault.Conceal(p.Settings.MFAProcess[0])
	}
	return key, seed, ""
}

// ready refuses a profile of which no access key, or no source of codes, is known.
func (p *opened) ready() error {
	if p.HasKey() {
		return p.deviceReady()
	}
	variables := strings.Join([]string{envstore.VarAccessKeyID, envstore.VarSecretAccessKey, envstore.VarSeed, envstore.VarSerial}, ", ")
	return fault.New(fault.NoSecret, "profile "+strconv.Quote(p.Settings.Identity), "run: "+program+" add --profile "+fault.Shell(p.Settings.Identity)+", or set "+variables,
		"no access key is stored for it")
}

// deviceReady refuses a profile of which no source of codes is known.
func (p *opened) deviceReady() error {
	thing := "profile " + strconv.Quote(p.Settings.Identity)
	add := program + " add --profile " + fault.Shell(p.Settings.Identity)
	switch {
	case !p.HasCodes():
		return fault.New(fault.NoSecret, thing, "run: "+program+" enroll --profile "+fault.Shell(p.Settings.Identity)+", or for an existing device: "+add,
			"no seed is stored for it, and mfa_process is not set")
	case p.Settings.Serial == "" && strings.Contains(p.app.unfinished(p.Settings.Identity), string(enroll.FlowConsole)):
		return fault.New(fault.Config, thing, program+" enroll --console --profile "+fault.Shell(p.Settings.Identity), "its enrollment in the AWS console did not finish")
	case p.Settings.Serial == "":
		return fault.New(fault.Config, thing, "add mfa_serial = ARN to its section in "+p.app.editor().Paths.Own+"; the IAM console shows the ARN", "the serial of its MFA device is unknown")
	}
	return nil
}

// envDepth tells a program that this one runs, and all that it runs, which MFA devices are waiting
// for its code: serials, separated by spaces.
const envDepth = "AWS_MFA_CREDS_DEPTH"

// maxDepth is how many programs may wait for each other.
const maxDepth = 4

// notRecursing refuses to wait for a code of a device that waits for this very process: its
// mfa_process runs something, such as the AWS CLI, that has this program as its credential process.
// That would end in a deadlock, or in as many processes as the computer can take.
func (p *opened) notRecursing(profile string) error {
	serial := p.Settings.Serial
	waiting := strings.Fields(p.app.getenv(envDepth))
	if !slices.Contains(waiting, serial) && len(waiting) < maxDepth {
		return nil
	}
	return fault.New(fault.Config, "profile "+strconv.Quote(profile), "make mfa_process use another profile, or none", "mfa_process of %s runs this program again", serial)
}
