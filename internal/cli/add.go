package cli

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

type addOptions struct {
	name   string // of the profile
	serial string

	key    keySource
	seed   seedSource
	stores storeOptions

	mfaProcess string
	dryRun     bool
	verify     bool
}

// storeOptions say where secrets go.
type storeOptions struct{ both, key, seed string }

func newAddCommand(a *app) *cobra.Command {
	var o addOptions
	cmd := &cobra.Command{
		Use:   "add [NAME]",
		Short: "Store an access key and the seed of an MFA device",
		Long: `Store the access key of a profile, and the seed of its MFA device, in a secret store of this
computer. It asks for what no flag gives, and changes nothing before it has read all of it. It does
not contact AWS, except with --verify.

Secrets go to the store that the profile already uses, or else to the platform's keyring, or else
to files encrypted with age. "` + program + ` store list" shows what this computer has. With
--key-store and --seed-store they go to different stores, so that losing one does not give away
both factors.

FILE is a path, or - for stdin. For an access key it is the console's CSV file, the JSON of "aws iam
create-access-key", lines of ~/.aws/credentials, or id and secret. For a seed it is the "secret key"
that the console shows, an otpauth URI, a picture of a QR code (PNG, JPEG, WebP), or an export of
Google Authenticator.`,
		Example: `  aws-mfa-creds add --profile work
  aws-mfa-creds add --profile work --from-credentials-file
  aws-mfa-creds add --profile work --from-aws-vault work
  aws-mfa-creds add --profile work --seed-file qr.png
  aws-mfa-creds add --profile work --mfa-process 'ykman oath accounts code -s aws'`,
		RunE: a.interactive(func(ctx context.Context) error { return runAdd(ctx, a, o) }),
	}
	namingFlag(cmd, &o.name, unnamedNew)
	f := cmd.Flags()
	o.key.define(cmd)
	f.StringVar(&o.key.vault.name, "from-aws-vault", "", "copy the access key that aws-vault stores for the profile `NAME`")
	f.StringVar(&o.key.vault.backend, "aws-vault-backend", "", "with --from-aws-vault: the `KEYRING` to look in, as for aws-vault --backend")
	complete(cmd, "aws-vault-backend", vaultBackends)
	f.BoolVar(&o.key.env, "from-env", false, "take access key, seed and serial from the AWS_MFA_CREDS_* variables")
	o.seed.define(cmd)
	f.StringVar(&o.serial, "serial", "", "serial (`ARN`) of the MFA device, unless mfa_serial is set for the profile")
	f.StringVar(&o.mfaProcess, "mfa-process", "", "run this `COMMAND` for the codes, instead of storing a seed")
	o.stores.define(cmd)
	f.BoolVar(&o.verify, "verify", false, "get a session from AWS to check that access key and seed work")
	f.BoolVar(&a.ask.yes, "yes", false, "replace stored secrets without asking")
	rare(cmd, "aws-vault-backend", "from-env")
	needs(cmd, "from-aws-vault", "aws-vault-backend")
	cmd.MarkFlagsMutuallyExclusive("access-key-file", "from-credentials-file", "from-aws-vault", "from-env")
	cmd.MarkFlagsMutuallyExclusive("seed-file", "mfa-process", "from-env")
	cmd.MarkFlagsMutuallyExclusive("seed-clipboard", "mfa-process", "from-env")
	cmd.MarkFlagsMutuallyExclusive("store", "key-store")
	cmd.MarkFlagsMutuallyExclusive("store", "seed-store")
	return cmd
}

// define adds the flags that choose stores.
func (o *storeOptions) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.both, "store", "", "`STORE` for access key and seed, of those that \"aws-mfa-creds store list\" shows")
	f.StringVar(&o.key, "key-store", "", "`STORE` for the access key")
	f.StringVar(&o.seed, "seed-store", "", "`STORE` for the seed")
	rare(cmd, "key-store", "seed-store")
}

// adding is what is to be stored for one profile. While it is planned, everything is read, asked and checked;
// the changes come after that.
type adding struct {
	*app
	addOptions
	files    *profile.Files
	settings profile.Settings // of the profile as it is; its Identity is what is added to
	own      edit.Own         // what profiles.ini says of the identity
	chosen   string           // the default store, once it has been asked for

	check    func(context.Context, creds.AccessKey) error // has AWS say whether an access key is right; nil: it is not asked
	rejected bool                                         // AWS refuses the stored access key
	newKey   creds.AccessKey                              // that is to be stored; zero: none
	planned  []func(context.Context) error
}

// place is a store that is open.
type place struct {
	kind  string
	items keystore.Items
}

func runAdd(ctx context.Context, a *app, o addOptions) error {
	add, err := a.adding(o)
	if err != nil {
		return err
	}
	if o.verify {
		if _, err := add.withAWS(ctx, keystore.KindAge, otherDevice{}); err != nil {
			return err
		}
	}
	if err := add.secrets(ctx); err != nil {
		return err
	}
	if p, err := a.openOwner(add.settings.Identity); err == nil {
		p.broker.Forget(p.Plan) // list has nothing to say of the secrets before
	}
	if o.verify {
		if err := a.verify(ctx, o.name); err != nil {
			return err
		}
	}
	return a.sayNext(add.settings.Identity)
}

// adding finds out what is known of the profile, which need not exist.
func (a *app) adding(o addOptions) (*adding, error) {
	files, settings, err := a.identity(o.name)
	if err != nil {
		return nil, err
	}
	add := &adding{app: a, addOptions: o, files: files, settings: settings}
	if id := add.settings.Identity; id != add.name {
		add.say("Profile %s uses the access key of profile %s, so the secrets are stored for that one.", fault.Printable(add.name), fault.Printable(id))
	}
	add.own, _, err = edit.ReadOwn(add.files, add.settings.Identity)
	if err == nil && add.serial != "" {
		add.settings.Serial, err = profile.CheckSerial("--serial", add.serial)
	}
	if err == nil {
		add.mfaProcess = absoluteProgram(add.mfaProcess)
		err = profile.CheckProgram("--mfa-process", add.mfaProcess)
	}
	return add, err
}

// absoluteProgram returns a command line with the absolute path of its program, if that is found: tools
// run in other directories, and some with another PATH.
func absoluteProgram(line string) string {
	words := profile.CommandWords(line)
	if len(words) == 0 {
		return line
	}
	path, err := exec.LookPath(words[0])
	if err == nil {
		path, err = filepath.Abs(path)
	}
	for _, quote := range []string{"", `"`, "'"} {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), quote+words[0]+quote); ok && err == nil {
			if strings.ContainsAny(path, " '\t") {
				path = `"` + path + `"`
			}
			return path + rest
		}
	}
	return line
}

// withAWS has access keys checked by AWS before they are stored, and returns the manager that asks it.
func (add *adding) withAWS(ctx context.Context, seedStore string, other otherDevice) (*manager, error) {
	p, err := add.open(getOptions{Call: profile.Call{Profile: add.settings.Identity}, iam: true, fresh: true})
	if err != nil {
		return nil, err
	}
	m, err := add.managerOf(ctx, p, seedStore, other)
	add.check = func(ctx context.Context, key creds.AccessKey) error {
		_, err := m.identify(ctx, key)
		if fault.KindOf(err) != fault.Refused {
			return err
		}
		return withRemedy(err, "give id and secret of an active access key, as the console or the AWS CLI showed them")
	}
	return m, err
}

// secrets adds what the flags name, or else asks for both. All is read, asked and checked before the first
// change.
func (add *adding) secrets(ctx context.Context) error {
	asked := add.key.given() || add.seed.given() || add.mfaProcess != ""
	if !asked && !add.ask.present() {
		return fault.New(fault.Usage, "add", "give --access-key-file and --seed-file, or --from-env, --from-credentials-file, --from-aws-vault, --mfa-process",
			"there is no terminal to ask on")
	}
	if err := add.preflight(add.files, changes{profile: add.settings.Identity, files: add.rewrites()}); err != nil {
		return err
	}
	var err error
	if !asked || add.key.given() {
		err = add.planKey(ctx)
	}
	switch {
	case err != nil:
	case add.mfaProcess != "":
		err = add.needSerial(ctx, "")
	case add.seed.given() || add.key.env || !asked && add.own.MFAProcess == "":
		err = add.planSeed(ctx)
	}
	if err != nil {
		return err
	}
	add.planned = append(add.planned, add.removeStatic)
	if add.mfaProcess != "" {
		add.planned = append(add.planned, add.setProgram)
	}
	return add.apply(ctx)
}

// would reports whether nothing is to be changed, and then says what would be.
func (add *adding) would(format string, args ...any) bool {
	if add.dryRun {
		add.say("Would "+format+".", args...)
	}
	return add.dryRun
}

// apply makes the changes that were planned.
func (add *adding) apply(ctx context.Context) error { return inOrder(ctx, add.planned...) }

// rewrites are the files of the AWS tools from which the access key is to be removed.
func (add *adding) rewrites() (paths []string) {
	if add.key.credentials {
		static, _ := add.files.StaticKeys(add.settings.Identity) // the error comes back when the key is read
		for _, s := range static {
			path := add.editor().Paths.AWSCredentials
			if s.File == profile.AWSConfig {
				path = add.editor().Paths.AWSConfig
			}
			paths = append(paths, path)
		}
	}
	return paths
}

// setProgram has a program of the user's make the codes.
func (add *adding) setProgram(ctx context.Context) error {
	err := add.update(ctx, add.settings.Identity, func(own *edit.Own) {
		own.MFAProcess = add.mfaProcess
		own.Serial = cmp.Or(own.Serial, add.settings.Serial)
	})
	if err != nil {
		return err
	}
	word := profile.CommandWords(add.mfaProcess)[0]
	add.say("%s now prints the codes of profile %s.", fault.Printable(word), fault.Printable(add.settings.Identity))
	if _, err := exec.LookPath(word); err != nil {
		add.say("Warning: %s is not on PATH, or cannot be run.", fault.Printable(word))
	}
	return nil
}

// storeFor opens the store of one kind of secret: the one asked for, the one that the
// profile has, or this computer's default. What is recorded already is never silently replaced
// by another.
func (add *adding) storeFor(ctx context.Context, what, flag, asked, recorded string) (at place, err error) {
	asked = cmp.Or(asked, add.stores.both)
	if asked != "" && recorded != "" && asked != recorded && add.holds(ctx, recorded, what) {
		return at, fault.New(fault.Usage, "--store "+asked, moveTo(add.settings.Identity, asked)+" "+flag,
			"the %s of profile %s is already stored in %s", what, add.settings.Identity, recorded)
	}
	if at.kind = cmp.Or(asked, recorded, add.chosen); at.kind == "" {
		if add.chosen, err = add.defaultStore(ctx, add.say); err != nil {
			return at, err
		}
		at.kind = add.chosen
	}
	if at.items, err = add.items(at.kind, &add.ask); err != nil {
		return at, err
	}
	return at, add.preflight(add.files, changes{profile: add.settings.Identity, stores: []string{at.kind}})
}

// holds reports whether a store has the secret. One that cannot be used must not keep a profile from
// getting another.
func (add *adding) holds(ctx context.Context, kind, what string) bool {
	items, err := add.items(kind, &add.ask)
	switch {
	case err != nil:
	case what == "seed":
		_, err = items.Seed(ctx, add.settings.Serial)
	default:
		_, err = items.AccessKey(ctx, add.settings.Identity)
	}
	return err == nil
}

// planSeed reads the seed and finds out under which serial to store it, and where.
func (add *adding) planSeed(ctx context.Context) error {
	if add.own.MFAProcess != "" {
		return add.codesElsewhere(add.settings.Identity)
	}
	at, err := add.storeFor(ctx, "seed", "--seed", add.stores.seed, add.settings.SeedStore)
	if err != nil {
		return err
	}
	agreed := false
	if serial := add.settings.Serial; serial != "" && !add.seed.given() && !add.key.env {
		if _, err := at.items.Seed(ctx, serial); err == nil {
			if agreed, err = add.ask.agrees(ctx, "The seed of "+serial+" is stored already. Replace it? This cannot be undone."); err != nil || !agreed {
				return err
			}
		}
	}
	if add.key.env {
		return add.planFromEnv(ctx, at)
	}
	got, err := add.seed.read(ctx, &add.ask)
	if err != nil {
		return err
	}
	labeled := guessSerial(got, add.settings.Partition)
	if serial := add.settings.Serial; serial != "" && labeled != "" && keystore.Label(labeled) != keystore.Label(serial) {
		add.say("Warning: the seed is labeled %s, but the serial is %s.", keystore.Label(labeled), serial)
	}
	if err := add.needSerial(ctx, labeled); err != nil {
		return err
	}
	return add.planDevices(ctx, at, []string{add.settings.Serial}, []totp.Seed{got.Seed}, agreed)
}

// planFromEnv plans to store the seeds of the environment, of one device or a pool.
func (add *adding) planFromEnv(ctx context.Context, at place) error {
	env := envstore.New(add.getenv)
	text, err := env.Serial()
	serials := add.settings.Devices()
	switch {
	case err != nil:
	case add.serial != "":
		serials = []string{add.settings.Serial}
	case text != "":
		serials, err = profile.CheckSerials(envstore.VarSerial, text)
	case len(serials) == 0:
		err = add.needSerial(ctx, "")
		serials = []string{add.settings.Serial}
	}
	if err != nil {
		return err
	}
	seeds, err := env.Seeds(len(serials))
	if err != nil {
		return err
	}
	return add.planDevices(ctx, at, serials, seeds, false)
}

// newSeed is the seed of a device that is to be stored.
type newSeed struct {
	serial   string
	seed     totp.Seed
	known    bool // it is stored already
	replaces bool // another one of the device is stored
}

// planDevices plans to store the seeds of these devices, which are to be those of the profile.
func (add *adding) planDevices(ctx context.Context, at place, serials []string, seeds []totp.Seed, agreed bool) error {
	for i, serial := range serials {
		stored, err := at.items.Seed(ctx, serial)
		if err != nil && fault.KindOf(err) != fault.NoSecret {
			return err
		}
		known := err == nil && stored.Equal(seeds[i])
		s := newSeed{serial: serial, seed: seeds[i], known: known, replaces: err == nil && !known}
		var record []string
		if i == len(serials)-1 { // once all of them are stored
			record = serials
		}
		add.planned = append(add.planned, func(ctx context.Context) error { return add.storeSeed(ctx, at, s, record) })
		if !s.replaces || agreed {
			continue
		}
		if err := add.ask.confirm(ctx, fmt.Sprintf("A different seed is stored for %s. Replace it? This cannot be undone.", serial)); err != nil {
			return err
		}
	}
	return nil
}

// storeSeed stores a seed, and records where those of the devices in record are, if there are any.
func (add *adding) storeSeed(ctx context.Context, at place, s newSeed, record []string) error {
	switch {
	case s.known:
		add.say("The seed of %s is already in the %s store.", s.serial, at.kind)
	case add.would("store the seed of %s in the %s store", s.serial, at.kind):
	default:
		if err := at.items.PutSeed(ctx, s.serial, s.seed); err != nil {
			return err
		}
	}
	if add.dryRun {
		return nil
	}
	if s.replaces {
		if cached, err := add.host().OpenCache(noKey()); err == nil {
			session.Change(cached.Scope(rules.DeviceScope(s.serial)), func(r *rules.Record) { *r = rules.Record{} })
		}
	}
	if len(record) > 0 {
		if err := add.recordSeed(ctx, add.settings.Identity, at.kind, record...); err != nil {
			return err
		}
	}
	if s.known {
		return nil
	}
	add.say("Stored the seed of %s in the %s store.", s.serial, at.kind)
	if s.seed.Weak() {
		add.say("It has %d bits; RFC 4226 recommends 160. Enroll a new device when you can.", s.seed.Bits())
	}
	return nil
}

// needSerial asks for the serial of the MFA device if it is not known. suggestion is what it
// probably is, or "".
func (add *adding) needSerial(ctx context.Context, suggestion string) error {
	if add.settings.Serial != "" {
		return nil
	}
	if suggestion != "" && !add.ask.present() {
		add.settings.Serial = suggestion
		add.say("Using the serial %s, from the label of the seed.", suggestion)
		return nil
	}
	var err error
	add.settings.Serial, err = add.ask.serial(ctx, "Serial (ARN) of the MFA device", "--serial ARN", suggestion)
	return err
}
