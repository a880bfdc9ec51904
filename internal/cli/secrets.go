package cli

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/mfaprocess"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// secrets are the long-lived secrets of one profile's identity, wherever they rest.
type secrets struct {
	app      *app
	env      envstore.Store
	settings profile.Settings
}

// keyFromEnv reports whether the env store has the access key: what a profile says in profiles.ini
// goes first.
func (s secrets) keyFromEnv() bool { return fromEnv(s.settings.KeyStore, s.env) }

// seedFromEnv reports the same of the seed. That in the environment belongs to the access key there,
// which may be another identity's.
func (s secrets) seedFromEnv() bool {
	if s.settings.SeedStore == "" && !s.keyFromEnv() {
		id, err := s.env.AccessKeyID()
		return err == nil && id == s.settings.AccessKeyID
	}
	return fromEnv(s.settings.SeedStore, s.env)
}

func fromEnv(kind string, env envstore.Store) bool {
	return kind == keystore.KindEnv || kind == "" && env.Configured()
}

// codeFromProgram reports whether a program of the user's makes the codes.
func (s secrets) codeFromProgram() bool {
	return len(s.settings.MFAProcess) > 0 && (!s.seedFromEnv() || !s.env.HasSeed())
}

// AccessKey implements session.Secrets.
func (s secrets) AccessKey(ctx context.Context) (creds.AccessKey, error) {
	if s.keyFromEnv() {
		return s.env.AccessKey(ctx)
	}
	items, err := s.app.items(s.settings.KeyStore, nil)
	if err != nil {
		return creds.AccessKey{}, err
	}
	key, err := items.AccessKey(ctx, s.settings.Identity)
	if err == nil && s.settings.AccessKeyID != "" && key.ID != s.settings.AccessKeyID {
		// A rotation may be about to put the next key into its place.
		if next, err := items.NewKey(ctx, s.settings.Identity); err == nil && next.ID == s.settings.AccessKeyID {
			return next, nil
		}
		err = fault.New(fault.Config, "profile "+strconv.Quote(s.settings.Identity), "run: "+program+" add --profile NAME",
			"profiles.ini names the access key %s, but %s holds %s", s.settings.AccessKeyID, s.settings.KeyStore, key.ID)
	}
	return key, err
}

// Codes implements session.Secrets.
func (s secrets) Codes(ctx context.Context) (session.Codes, error) {
	if s.codeFromProgram() {
		return s.program, nil
	}
	seed, err := s.Seed(ctx)
	return func(_ context.Context, step totp.Step) (creds.Secret, error) { return seed.Code(step), nil }, err
}

// program has the program of mfa_process make the current code.
func (s secrets) program(ctx context.Context, _ totp.Step) (creds.Secret, error) {
	source := mfaprocess.Source{Argv: s.settings.MFAProcess, Env: s.app.programEnv(s.settings.Serial), Place: "profile " + strconv.Quote(s.settings.Profile)}
	return source.Code(ctx)
}

// Seed returns the seed of the MFA device.
func (s secrets) Seed(ctx context.Context) (totp.Seed, error) {
	if s.seedFromEnv() {
		return s.env.Seed(ctx)
	}
	items, err := s.app.items(s.settings.SeedStore, nil)
	if err != nil {
		return totp.Seed{}, err
	}
	return items.Seed(ctx, s.settings.Serial)
}

// sealingKeys is where the key comes from that sessions are sealed with. That of the env store
// is derived from its secrets, so that none rests anywhere. Otherwise a warm get must not
// depend on the store, and the key is one of its own.
func (s secrets) sealingKeys() (cache.KeySource, error) {
	if s.keyFromEnv() && s.seedFromEnv() && !s.codeFromProgram() {
		return cache.KeyFunc(sync.OnceValues(s.derivedKey)), nil
	}
	return s.app.storedKey()
}

func (s secrets) derivedKey() (cache.Key, error) {
	key, err := s.env.AccessKey(context.Background())
	if err != nil {
		return cache.Key{}, err
	}
	seed, err := s.env.Seed(context.Background())
	if err != nil {
		return cache.Key{}, err
	}
	return cache.DeriveKey(key.Secret, seed.Base32()), nil
}

// where tells where access key and codes come from; "" where that is not known.
func (s secrets) where() (key, seed, mfaProcess string) {
	key, seed = s.settings.KeyStore, s.settings.SeedStore
	if s.keyFromEnv() {
		key = keystore.KindEnv
	}
	if s.seedFromEnv() {
		seed = keystore.KindEnv
	}
	if s.codeFromProgram() {
		return key, "", s.settings.MFAProcess[0]
	}
	return key, seed, ""
}

// known refuses a profile of which no access key, or no source of codes, is known.
func (s secrets) known() error {
	thing := "profile " + strconv.Quote(s.settings.Identity)
	add := "run: " + program + " add --profile " + fault.Shell(s.settings.Identity)
	if s.settings.KeyStore == "" && !s.env.Configured() {
		return fault.New(fault.NoSecret, thing, add+", or set "+strings.Join([]string{envstore.VarAccessKeyID, envstore.VarSecretAccessKey, envstore.VarSeed, envstore.VarSerial}, ", "),
			"there is no access key for it")
	}
	return s.deviceKnown()
}

// deviceKnown refuses a profile of which no source of codes is known.
func (s secrets) deviceKnown() error {
	thing := "profile " + strconv.Quote(s.settings.Identity)
	add := "run: " + program + " add --profile " + fault.Shell(s.settings.Identity)
	switch {
	case s.settings.SeedStore == "" && !s.seedFromEnv() && !s.codeFromProgram():
		return fault.New(fault.NoSecret, thing, "run: "+program+" enroll --profile "+fault.Shell(s.settings.Identity)+", or for a device that exists: "+strings.TrimPrefix(add, "run: "),
			"there is no seed for it, and no mfa_process")
	case s.settings.Serial == "":
		return fault.New(fault.Config, thing, add+" --serial ARN", "the serial of its MFA device is not known")
	}
	return nil
}
