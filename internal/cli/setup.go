package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
)

type setupOptions struct {
	add      addOptions // the access key, or a seed that exists
	device   enroll.DeviceOptions
	other    otherDevice
	console  bool
	region   string
	noConfig bool
}

func newSetupCommand(a *app) *cobra.Command {
	var o setupOptions
	cmd := &cobra.Command{
		Use:   "setup [NAME]",
		Short: "Turn an access key into a working profile",
		Long: `Store the access key of an IAM user, make this computer an MFA device of the user, register the
profile for the AWS CLI and the SDKs, and get a first session. It asks for what no flag gives, and
skips what is already done, so you can run it again at any time. It asks and checks everything
before the first change. An access key in ~/.aws/credentials is moved from there, at the end.`,
		Example: `  aws-mfa-creds setup --profile work
  aws-mfa-creds setup --profile work --access-key-file key.csv --region eu-central-1 --yes`,
		RunE: a.interactive(func(ctx context.Context) error { return runSetup(ctx, a, o) }),
	}
	namingFlag(cmd, &o.add.name, unnamedNew)
	f := cmd.Flags()
	f.StringVar(&o.region, "region", "", "`REGION` for the profile, if it has none")
	o.add.key.define(cmd)
	f.BoolVar(&o.console, "console", false, "create the device in the AWS console, for users without IAM permissions")
	f.BoolVar(&a.ask.yes, "yes", false, "do not ask for confirmation")
	o.add.stores.define(cmd)
	deviceFlags(cmd, &o.device)
	o.other.define(cmd)
	o.add.seed.define(cmd)
	f.StringVar(&o.add.serial, "serial", "", "with --seed-file: serial (`ARN`) of the device")
	f.BoolVar(&o.noConfig, "no-register", false, "do not change the AWS config")
	f.BoolVar(&o.add.dryRun, "dry-run", false, "check everything, say what would be done, step by step, and change nothing")
	rare(cmd, "store", "device-name", "replace-unassigned", "mfa-serial", "mfa-code-file", "seed-file", "seed-clipboard", "serial", "no-register")
	cmd.MarkFlagsMutuallyExclusive("access-key-file", "from-credentials-file")
	return cmd
}

func runSetup(ctx context.Context, a *app, o setupOptions) error {
	a.ask.yes = a.ask.yes || o.add.dryRun
	add, err := a.adding(o.add)
	if err != nil {
		return err
	}
	s := &setup{adding: add, setupOptions: o}
	return inOrder(ctx, s.plan, s.enrollDevice, s.register, s.prove)
}

// setup is one run of setup. All questions are asked and all checks are made before its first change, which
// is to store the access key. Each step finds out by itself what is done already.
type setup struct {
	*adding
	setupOptions
	m            *manager
	registration registering
}

// plan finds out all that setup needs to know, except what AWS says once it is asked for a device.
func (s *setup) plan(ctx context.Context) error {
	if err := s.preflight(s.files, changes{profile: s.settings.Identity, device: s.device.Name, region: s.region}); err != nil {
		return err
	}
	steps := []func(context.Context) error{s.chooseRegion, s.lookForKey, s.planRegistration, s.planDevice, s.planKey}
	if s.seed.given() && !s.console {
		steps = append(steps, s.planSeed)
	}
	return inOrder(ctx, steps...)
}

// planDevice chooses the store of the seed, and makes ready to ask AWS.
func (s *setup) planDevice(ctx context.Context) error {
	at, err := s.storeFor(ctx, "seed", "--seed", s.stores.seed, s.settings.SeedStore)
	if err != nil {
		return err
	}
	if s.m, err = s.withAWS(ctx, at.kind, s.other); err == nil {
		s.m.region = s.region
	}
	return err
}

// lookForKey uses the access key that the files of the AWS tools have for the profile, if the
// person agrees. It would take precedence.
func (s *setup) lookForKey(ctx context.Context) error {
	static, err := s.files.StaticKeys(s.settings.Identity)
	if err != nil || len(static) == 0 || static[0].Temporary || s.key.given() || s.hasEnvKey() {
		return err
	}
	question := fmt.Sprintf("%s has access key %s in plain text. Move it to the store?", static[0].Place, static[0].Key.ID)
	if err := s.ask.confirm(ctx, question); err != nil {
		return err
	}
	s.key.credentials = true
	return nil
}

// planKey finds an access key that AWS takes: the given one, the stored one, or one that a person enters.
func (s *setup) planKey(ctx context.Context) error {
	add := s.adding
	if !add.key.given() && (add.settings.KeyStore != "" || s.hasEnvKey()) {
		err := add.check(ctx, creds.AccessKey{})
		switch kind := fault.KindOf(err); {
		case err == nil:
			return s.sameAsStatic()
		case kind != fault.Refused && kind != fault.NoSecret:
			return err
		}
		if s.hasEnvKey() {
			return err
		}
		if !s.ask.present() {
			return withRemedy(err, "run: "+program+" setup --profile NAME --access-key-file FILE --yes")
		}
		s.ask.complain(err)
		add.rejected = true
	}
	if err := add.planKey(ctx); err != nil {
		return err
	}
	s.m.pending = add.newKey
	return s.sameAsStatic()
}

// hasEnvKey reports whether the access key of the profile is in the environment.
func (s *setup) hasEnvKey() bool {
	kind := s.settings.KeyStore
	return (kind == "" || kind == keystore.KindEnv) && envstore.New(s.getenv).Configured()
}

// sameAsStatic sees to it that no access key in plain text takes precedence over the profile: one that is to
// be stored is moved.
func (s *setup) sameAsStatic() error {
	static, err := s.files.StaticKeys(s.name)
	if err != nil || s.noConfig {
		return err
	}
	for _, one := range static {
		if one.Key.ID != s.m.pending.ID {
			return fault.New(fault.Config, one.Place, "delete it from the file, or choose another name for the profile",
				"most SDKs would use this access key of profile %s instead of running this program", s.name)
		}
		s.key.credentials = true
	}
	return s.preflight(s.files, changes{profile: s.settings.Identity, files: s.rewrites()})
}

// enrollDevice makes this computer an MFA device, or takes the one that is given, unless there is
// one.
func (s *setup) enrollDevice(ctx context.Context) error {
	if s.console && s.dryRun {
		return s.wouldEnroll(ctx)
	}
	if s.console {
		c, err := s.beginConsole(ctx, s.m.SeedStore)
		if err != nil {
			return err
		}
		return c.enroll(ctx)
	}
	w, err := s.open(getOptions{Call: profile.Call{Profile: s.name}, fresh: true})
	if err != nil {
		return err
	}
	known := w.deviceReady() == nil && !w.seedLost(ctx)
	left, unfinished, err := s.m.Unfinished(enroll.Device)
	switch {
	case err != nil:
		return err
	case s.seed.given():
		return s.apply(ctx)
	case known && (w.CodeFromProgram() || w.SeedFromEnv() || !unfinished || left.Flow != enroll.FlowEnroll):
		s.say("Profile %s already has the MFA device %s.", fault.Printable(s.name), w.Settings.Serial)
		return s.apply(ctx)
	case len(w.Settings.MFAProcess) > 0:
		return s.codesElsewhere(w.Settings.Identity)
	}
	if s.dryRun {
		return s.wouldEnroll(ctx)
	}
	s.m.Begin = s.apply
	return s.m.enroll(ctx, s.device)
}

// wouldEnroll says which device would be made.
func (s *setup) wouldEnroll(ctx context.Context) error {
	if err := s.apply(ctx); err != nil {
		return err
	}
	if s.console {
		s.would("read the seed that the AWS console shows, store it in the %s store, and print two codes for the console", s.m.SeedStore)
		return nil
	}
	who, err := s.m.identify(ctx, creds.AccessKey{})
	host, _ := os.Hostname()
	if err == nil {
		s.would("create the MFA device %s for user %s in IAM, store its seed in the %s store, and enable the device",
			cmp.Or(s.device.Name, enroll.DefaultName(who.User(), host)), fault.Printable(who.User()), s.m.SeedStore)
	}
	return err
}

// planRegistration finds out whether the AWS config can be written, and may be.
func (s *setup) planRegistration(ctx context.Context) (err error) {
	if s.noConfig {
		return nil
	}
	s.registration, err = s.planRegister(ctx, s.files, registerOptions{profile: s.name, region: s.region, moving: true})
	return err
}

// register writes the profile into the AWS config.
func (s *setup) register(ctx context.Context) (err error) {
	if s.noConfig {
		return nil
	}
	s.registration.editor.DryRun = s.dryRun
	done, err := s.registration.write(ctx)
	if err == nil && done.Config.Changed && s.would("change %s, so that the AWS CLI and the SDKs use it", done.Config.Path) {
		err = s.print([]byte(done.Config.Diff()))
	}
	return err
}

// chooseRegion asks for the region of a profile that has none.
func (s *setup) chooseRegion(ctx context.Context) (err error) {
	if s.region != "" || regionOf(s.files, s.name) != "" || !s.ask.present() || s.ask.yes {
		return nil
	}
	s.region, err = insist(ctx, &s.ask, s.ask.line, "Region, such as eu-central-1 (Enter for none)", "--region REGION", func(region string) (string, error) {
		if region == "" {
			return "", nil
		}
		return region, profile.CheckRegion("region", region)
	})
	return err
}

// regionOf returns the region that a profile of the AWS config has, or "".
func regionOf(files *profile.Files, profileName string) string {
	if region, ok := files.AWS.Last(profileName, profile.KeyRegion); ok {
		return region.Value()
	}
	return ""
}

// prove gets a session as a consumer would, and sums up.
func (s *setup) prove(ctx context.Context) error {
	if s.would("get a first session") {
		return s.removeStatic(ctx)
	}
	w, err := s.openOwner(s.name)
	if err != nil {
		return err
	}
	c, err := w.session(ctx, session.Options{Ahead: true})
	if err != nil {
		return err
	}
	if err := s.removeStatic(ctx); err != nil {
		return err
	}
	name := fault.Shell(s.name)
	s.say("\nProfile %s works. Its session lasts until %s, and is renewed automatically.", name, fault.Time(c.Expiration, s.now()))
	if command := s.registration.Command; command != "" {
		s.say("The AWS CLI and the SDKs now run: %s\nTry it: aws sts get-caller-identity --profile %s", command, name)
	}
	s.sayRegion(s.name, s.region)
	if s.region == "" && !s.noConfig && regionOf(s.files, s.name) == "" {
		s.say("It has no region, which most AWS calls need. To set one, run: %s register --profile %s --region REGION", program, name)
	}
	undo := program + " remove --profile " + name
	if key, seed, codes := w.origins(); key != keystore.KindEnv && seed != keystore.KindEnv && codes == "" && !s.seed.given() {
		undo += " --aws"
	}
	s.say("To undo all of this, run: %s", undo)
	return nil
}
