package cli

import (
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/mfaprocess"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// keyFromEnv reports whether the env store has the access key: what a profile says in profiles.ini
// goes first.
func (p *opened) keyFromEnv() bool { return fromEnv(p.settings.KeyStore, p.env) }

// seedFromEnv reports the same of the seed. That in the environment belongs to the access key there,
// which may be another identity's.
func (p *opened) seedFromEnv() bool {
	if p.settings.SeedStore == "" && !p.keyFromEnv() {
		id, err := p.env.AccessKeyID()
		return err == nil && id == p.settings.AccessKeyID
	}
	return fromEnv(p.settings.SeedStore, p.env)
}

func fromEnv(kind string, env envstore.Store) bool {
	return kind == keystore.KindEnv || kind == "" && env.Configured()
}

// codeFromProgram reports whether a program of the user's makes the codes.
func (p *opened) codeFromProgram() bool {
	return len(p.settings.MFAProcess) > 0 && (!p.seedFromEnv() || !p.env.HasSeed())
}

// AccessKey implements session.Secrets.
func (p *opened) AccessKey(ctx context.Context) (creds.AccessKey, error) {
	if p.keyFromEnv() {
		return p.env.AccessKey(ctx)
	}
	items, err := p.app.items(p.settings.KeyStore, nil)
	if err != nil {
		return creds.AccessKey{}, err
	}
	key, err := items.AccessKey(ctx, p.settings.Identity)
	if err == nil && p.settings.AccessKeyID != "" && key.ID != p.settings.AccessKeyID {
		// A rotation may be about to put the next key into its place.
		if next, err := items.NewKey(ctx, p.settings.Identity); err == nil && next.ID == p.settings.AccessKeyID {
			return next, nil
		}
		err = fault.New(fault.Config, "profile "+strconv.Quote(p.settings.Identity), "run: "+program+" add --profile NAME",
			"profiles.ini has the access key %s, but the %s store has %s", p.settings.AccessKeyID, p.settings.KeyStore, key.ID)
	}
	return key, err
}

// Codes implements session.Secrets.
func (p *opened) Codes(ctx context.Context) (session.Codes, error) {
	if p.codeFromProgram() {
		return p.program, nil
	}
	seed, err := p.Seed(ctx)
	return func(_ context.Context, step totp.Step) (creds.Secret, error) { return seed.Code(step), nil }, err
}

// program has the program of mfa_process make the current code.
func (p *opened) program(ctx context.Context, _ totp.Step) (creds.Secret, error) {
	source := mfaprocess.Source{Argv: p.settings.MFAProcess, Env: p.app.programEnv(p.settings.Serial), Place: "profile " + strconv.Quote(p.settings.Profile)}
	return source.Code(ctx)
}

// Seed returns the seed of the MFA device.
func (p *opened) Seed(ctx context.Context) (totp.Seed, error) {
	if p.seedFromEnv() {
		return p.env.Seed(ctx)
	}
	items, err := p.app.items(p.settings.SeedStore, nil)
	if err != nil {
		return totp.Seed{}, err
	}
	return items.Seed(ctx, p.settings.Serial)
}

// sealingKeys is where the key comes from that sessions are sealed with. That of the env store
// is derived from its secrets, so that none rests anywhere. Otherwise a warm get must not
// depend on the store, and the key is one of its own.
func (p *opened) sealingKeys() (cache.KeySource, error) {
	if p.keyFromEnv() && p.seedFromEnv() && !p.codeFromProgram() {
		return cache.KeyFunc(sync.OnceValues(p.derivedKey)), nil
	}
	dir, err := p.app.configDir()
	return storedKey(dir), err
}

// storedKey is the sealing key of all profiles whose secrets are not in the environment. Dir is the
// directory of the settings.
func storedKey(dir string) cache.StoredKey {
	return cache.StoredKey{Name: sealingKeyName, Dir: dir, Rand: rand.Reader}
}

func (p *opened) derivedKey() (cache.Key, error) {
	key, err := p.env.AccessKey(context.Background())
	if err != nil {
		return cache.Key{}, err
	}
	seed, err := p.env.Seed(context.Background())
	if err != nil {
		return cache.Key{}, err
	}
	return cache.DeriveKey(key.Secret, seed.Base32()), nil
}

// where tells where access key and codes come from; "" where that is not known.
func (p *opened) where() (key, seed, mfaProcess string) {
	key, seed = p.settings.KeyStore, p.settings.SeedStore
	if p.keyFromEnv() {
		key = keystore.KindEnv
	}
	if p.seedFromEnv() {
		seed = keystore.KindEnv
	}
	if p.codeFromProgram() {
		return key, "", p.settings.MFAProcess[0]
	}
	return key, seed, ""
}

// ready refuses a profile of which no access key, or no source of codes, is known.
func (p *opened) ready() error {
	thing := "profile " + strconv.Quote(p.settings.Identity)
	add := "run: " + program + " add --profile " + fault.Shell(p.settings.Identity)
	if p.settings.KeyStore == "" && !p.env.Configured() {
		return fault.New(fault.NoSecret, thing, add+", or set "+strings.Join([]string{envstore.VarAccessKeyID, envstore.VarSecretAccessKey, envstore.VarSeed, envstore.VarSerial}, ", "),
			"no access key is stored for it")
	}
	return p.deviceReady()
}

// deviceReady refuses a profile of which no source of codes is known.
func (p *opened) deviceReady() error {
	thing := "profile " + strconv.Quote(p.settings.Identity)
	add := "run: " + program + " add --profile " + fault.Shell(p.settings.Identity)
	switch {
	case p.settings.SeedStore == "" && !p.seedFromEnv() && !p.codeFromProgram():
		return fault.New(fault.NoSecret, thing, "run: "+program+" enroll --profile "+fault.Shell(p.settings.Identity)+", or for an existing device: "+strings.TrimPrefix(add, "run: "),
			"no seed is stored for it, and mfa_process is not set")
	case p.settings.Serial == "":
		return fault.New(fault.Config, thing, add+" --serial ARN", "the serial of its MFA device is unknown")
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
	serial := p.settings.Serial
	waiting := strings.Fields(p.app.getenv(envDepth))
	if !slices.Contains(waiting, serial) && len(waiting) < maxDepth {
		return nil
	}
	return fault.New(fault.Config, "profile "+strconv.Quote(profile), "make mfa_process use another profile, or none", "mfa_process of %s runs this program again", serial)
}

// programEnv is the environment of a program that makes the code of the device serial.
func (a *app) programEnv(serial string) []string {
	return append(child.WithoutSecrets(a.environ()), envDepth+"="+strings.TrimSpace(a.getenv(envDepth)+" "+serial))
}
