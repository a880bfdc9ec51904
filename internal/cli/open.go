package cli

import (
	"context"
	"crypto/rand"
	"hash/crc32"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/mfaprocess"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/warm"
)

// opened is a profile with its settings, its secrets, its cache and its session broker. No store is
// opened and nothing is connected before it is used.
type opened struct {
	warm.Profile

	app    *app
	clock  storedClock
	broker *session.Broker
}

// host is what this process opens profiles with.
func (a *app) host() warm.Host {
	return warm.Host{Getenv: a.getenv, Now: a.now, Home: homeOfUser, CheckURL: awsapi.CheckURL, Rand: rand.Reader, Log: a.log().Debug}
}

// open resolves the settings of a profile and puts together what serves it. It succeeds for a
// profile that lacks secrets: see ready.
func (a *app) open(o getOptions) (*opened, error) {
	files, err := a.loadFiles()
	if err != nil {
		return nil, err
	}
	return a.openIn(files, o)
}

// openIn is open for files that are loaded already.
func (a *app) openIn(files *profile.Files, o getOptions) (*opened, error) {
	host := a.host()
	if o.fresh {
		host.New = o.Profile
	}
	found, err := host.Open(files, o.Call, o.iam)
	if err != nil {
		return nil, err
	}
	p := &opened{Profile: *found, app: a}
	p.clock = newStoredClock(p.Cache, p.Settings, a.now)
	p.broker = &session.Broker{
		STS: awsapi.New(p.awsOptions()), Secrets: p, Sessions: p.Cache, Clock: p.clock,
		Scope: func(name string) session.Scope { return p.Cache.Scope(name) },
		Now:   a.now, Sleep: sleeper(os.Getppid), Random: mathrand.Float64, Log: a.log(),
		Fleet: p.joinFleet(), AskTime: p.askTime,
	}
	if len(p.Settings.Others) > 0 {
		host, _ := os.Hostname()
		p.broker.Start = int(crc32.ChecksumIEEE([]byte(host)) >> 8)
	}
	return p, nil
}

// openDevice opens the profile that owns the MFA device behind the profile name.
func (a *app) openDevice(name string) (*opened, error) {
	p, err := a.openOwner(name)
	if err != nil {
		return nil, err
	}
	return p, p.deviceReady()
}

// openOwner opens the owner of a profile's identity.
func (a *app) openOwner(name string) (*opened, error) {
	files, owner, err := a.owner(name)
	if err != nil {
		return nil, err
	}
	return a.openIn(files, getOptions{Call: owner})
}

func (a *app) loadFiles() (*profile.Files, error) { return a.host().Load() }

// identity returns the settings of the access key behind a profile, which need not exist.
func (a *app) identity(name string) (*profile.Files, profile.Settings, error) {
	files, err := a.loadFiles()
	if err != nil {
		return nil, profile.Settings{}, err
	}
	settings, err := files.Resolve(profile.Call{Profile: name}, profile.Env{Getenv: a.getenv, New: name, CheckURL: awsapi.CheckURL})
	return files, settings, err
}

// awsOptions are the options of a client of AWS for the profile. An endpoint that cannot be used fails
// the call and not open: a cached session does not need it.
func (p *opened) awsOptions() awsapi.Options {
	s := p.Settings
	return awsapi.Options{
		Region: s.Region, Endpoint: s.Endpoint, IAMEndpoint: s.IAMEndpoint, FIPS: s.FIPS, DualStack: s.DualStack, CABundle: s.CABundle,
		Getenv: p.app.getenv, Now: p.app.now, Logger: p.app.log(),
	}
}

// owner returns how the owner of a profile's identity is asked for, and makes it the profile that errors
// tell to type.
func (a *app) owner(name string) (*profile.Files, profile.Call, error) {
	files, err := a.loadFiles()
	if err != nil {
		return nil, profile.Call{}, err
	}
	owner, err := files.Owner(name)
	if err == nil {
		a.call.Profile = owner.Profile
	}
	return files, owner, err
}

// session gets a session, within the time that get has.
func (p *opened) session(ctx context.Context, o session.Options) (creds.Credentials, error) {
	if err := p.ready(); err != nil {
		return creds.Credentials{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, session.Deadline)
	defer cancel()
	return p.broker.Get(ctx, p.Plan, o)
}

// verify gets a new session for a profile, which shows that its secrets work.
func (a *app) verify(ctx context.Context, name string) error {
	p, err := a.openOwner(name)
	if err != nil {
		return err
	}
	c, err := p.session(ctx, session.Options{Refresh: true, Ahead: true})
	if err != nil {
		return err
	}
	a.say("It works: AWS returned a session that expires %s.", fault.Time(c.Expiration, a.now()))
	return nil
}

// storedClock keeps the skew of this host against one endpoint in the cache.
type storedClock struct {
	cache *cache.Cache
	name  string // rules.ClockName
	now   func() time.Time
}

func newStoredClock(c *cache.Cache, s profile.Settings, now func() time.Time) storedClock {
	return storedClock{c, rules.ClockName(s.Partition, s.Endpoint), now}
}

// LoadClock returns the clock as it is now. One that is stale is removed: it must not come back
// when time has caught up.
func (b storedClock) LoadClock() rules.Clock {
	stored := b.cache.LoadClock(b.name)
	clock := stored.Current(b.now())
	if clock.IsZero() && !stored.IsZero() {
		_ = b.SaveClock(clock)
	}
	return clock
}

// Skew returns AWS's clock minus this machine's, as last measured.
func (b storedClock) Skew() time.Duration { return b.LoadClock().SkewAt(b.now()) }

// Now returns AWS's time, as far as it is known.
func (b storedClock) Now() time.Time { return b.now().Add(b.Skew()) }

// SaveClock stores c with what this machine's clock counts from.
func (b storedClock) SaveClock(c rules.Clock) error {
	return b.cache.SaveClock(b.name, c.Anchored(b.now()))
}

// serialFlag adds --serial to a command that is about one MFA device.
func serialFlag(cmd *cobra.Command, serial *string, byDefault string) {
	cmd.Flags().StringVar(serial, "serial", "", "serial (`ARN`) of the MFA device, if the profile has several (default: "+byDefault+")")
}

// ofPool returns the one of its devices that a command is about: the one of this serial, or for "" the first.
func ofPool(devices []string, serial string) (string, error) {
	if serial == "" && len(devices) > 0 {
		return devices[0], nil
	}
	if !slices.Contains(devices, serial) {
		return "", fault.New(fault.Usage, "--serial", "give one of: "+strings.Join(devices, ", "), "the profile has no MFA device %s", fault.Printable(serial))
	}
	return serial, nil
}

// AccessKey implements session.Secrets.
func (p *opened) AccessKey(ctx context.Context) (creds.AccessKey, error) {
	if !p.KeyFromEnv() {
		return p.storedKey(ctx)
	}
	return envKey(ctx, p.Env, p.Settings)
}

// envKey returns the access key in the environment.
func envKey(ctx context.Context, env envstore.Store, s profile.Settings) (creds.AccessKey, error) {
	key, err := env.AccessKey(ctx)
	if err != nil {
		return key, err
	}
	return key, key.Check(envstore.VarSecretAccessKey, s.OfAWS())
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
func (p *opened) Codes(ctx context.Context, serial string) (session.Codes, error) {
	if p.CodeFromProgram() {
		return session.Codes{Code: p.program, Origin: creds.NewSecret(strings.Join(p.Settings.MFAProcess, "\x00"))}, nil
	}
	return session.CodesOf(p.Seed(ctx, serial))
}

// program has the program of mfa_process make the current code.
func (p *opened) program(ctx context.Context, _ totp.Step) (creds.Secret, error) {
	waiting := child.Depth + "=" + strings.TrimSpace(p.app.getenv(child.Depth)+" "+p.Settings.Serial)
	source := mfaprocess.Source{Argv: p.Settings.MFAProcess, Env: []string{waiting}, Place: "profile " + strconv.Quote(p.Settings.Profile)}
	return source.Code(ctx)
}

// Seed returns the seed of one of the profile's MFA devices.
func (p *opened) Seed(ctx context.Context, serial string) (totp.Seed, error) {
	if p.SeedFromEnv() {
		seeds, err := p.Env.Seeds(len(p.Settings.Devices()))
		if err != nil {
			return totp.Seed{}, err
		}
		return seeds[max(0, slices.Index(p.Settings.Devices(), serial))], nil
	}
	items, err := p.app.items(p.Settings.SeedStore, nil)
	if err != nil {
		return totp.Seed{}, err
	}
	return items.Seed(ctx, serial)
}

// seedLost reports whether a store has no longer the seed that the settings expect there.
func (p *opened) seedLost(ctx context.Context) bool {
	if p.CodeFromProgram() || p.SeedFromEnv() {
		return false
	}
	_, err := p.Seed(ctx, p.Settings.Serial)
	return fault.KindOf(err) == fault.NoSecret
}

// origins tells where access key and codes come from; "" where that is not known.
func (p *opened) origins() (key, seed, mfaProcess string) {
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
	variables := strings.Join(envstore.Variables(), ", ")
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
	case p.CodeFromProgram() && len(p.Settings.Others) > 0:
		return fault.New(fault.Config, thing, "name that device alone in mfa_serial", "mfa_process makes the codes of one MFA device, and mfa_serial names %d", len(p.Settings.Devices()))
	}
	return nil
}

// maxDepth is how many programs may wait for each other.
const maxDepth = 4

// notRecursing refuses to wait for a code of a device that waits for this very process: its
// mfa_process runs something, such as the AWS CLI, that has this program as its credential process.
// That would end in a deadlock, or in as many processes as the computer can take.
func (p *opened) notRecursing(profile string) error {
	serial := p.Settings.Serial
	waiting := strings.Fields(p.app.getenv(child.Depth))
	if !slices.Contains(waiting, serial) && len(waiting) < maxDepth {
		return nil
	}
	return fault.New(fault.Config, "profile "+strconv.Quote(profile), "make mfa_process use another profile, or none", "mfa_process of %s runs this program again", serial)
}
