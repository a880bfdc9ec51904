package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/enroll"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
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
		Use:   "setup --profile NAME",
		Short: "Turn an access key into a working profile",
		Long: `Store the access key of an IAM user, make this computer an MFA device of the user, register the
profile for the AWS CLI and the SDKs, and get a first session. It asks for what no flag gives, and
skips what is already done, so you can run it again at any time. An access key in
~/.aws/credentials is moved from there.`,
		Example: `  aws-mfa-creds setup --profile work
  aws-mfa-creds setup --profile work --access-key-file key.csv --region eu-central-1 --yes`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSetup(cmd.Context(), a, o) },
	}
	optionalProfile(a, cmd, &o.add.name)
	f := cmd.Flags()
	f.StringVar(&o.region, "region", "", "`REGION` for the profile, if it has none")
	o.add.key.define(cmd)
	f.BoolVar(&o.console, "console", false, "create the device in the AWS console, for users without IAM permissions")
	f.BoolVar(&o.add.yes, "yes", false, "do not ask for confirmation")
	o.add.stores.define(cmd)
	deviceFlags(cmd, &o.device)
	o.other.define(cmd)
	o.add.seed.define(cmd)
	f.StringVar(&o.add.serial, "serial", "", "with --seed-file: serial (`ARN`) of the device")
	f.BoolVar(&o.noConfig, "no-register", false, "do not change the AWS config")
	rare(cmd, "store", "device-name", "replace-unassigned", "mfa-serial", "mfa-code-file", "seed-file", "seed-clipboard", "serial", "no-register")
	cmd.MarkFlagsMutuallyExclusive("access-key-file", "from-credentials-file")
	return cmd
}

func runSetup(ctx context.Context, a *app, o setupOptions) error {
	ctx, ask, end := a.interact(ctx, o.add.yes)
	defer end()
	if o.add.name == "" {
		name, err := ask.line(ctx, "Name of the profile", "--profile NAME")
		if err != nil {
			return err
		}
		o.add.name = name
	}
	a.profile = o.add.name
	s := &setup{app: a, setupOptions: o, ask: ask}
	for _, step := range []func(context.Context) error{s.key, s.enrollDevice, s.register, s.prove} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// setup is one run of setup. Each step finds out by itself what is done already.
type setup struct {
	*app
	setupOptions
	ask      *asker
	command  string // that was registered
	noRegion bool   // the profile is registered without one
}

// key stores the access key, unless one is stored.
func (s *setup) key(ctx context.Context) error {
	add, err := s.adding(s.add, s.ask)
	if err != nil {
		return err
	}
	if !s.add.key.given() && add.settings.KeyStore != "" {
		return nil
	}
	if !s.add.key.given() {
		if err := s.lookForKey(ctx, add); err != nil {
			return err
		}
	}
	return add.addKey(ctx)
}

// lookForKey uses the access key that the files of the AWS tools have for the profile, if the
// person agrees.
func (s *setup) lookForKey(ctx context.Context, add *adding) error {
	static, err := add.files.StaticKeys(add.settings.Identity)
	if err != nil || len(static) == 0 || static[0].Temporary {
		return err
	}
	question := fmt.Sprintf("%s has access key %s in plain text. Move it to the store?", static[0].Place, static[0].Key.ID)
	if err := s.ask.confirm(ctx, question); err != nil {
		return err
	}
	add.key.credentials = true
	return nil
}

// enrollDevice makes this computer an MFA device, or takes the one that is given, unless there is
// one.
func (s *setup) enrollDevice(ctx context.Context) error {
	w, err := s.open(getOptions{profile: s.add.name})
	if err != nil {
		return err
	}
	switch {
	case s.console:
		return s.enrollInConsole(ctx, enrollOptions{
			profile: s.add.name, seedStore: cmp.Or(s.add.stores.seed, s.add.stores.both), console: consoleOptions{on: true, serial: s.add.serial, seed: s.add.seed},
		}, s.ask)
	case s.add.seed.given():
		add, err := s.adding(s.add, s.ask)
		if err != nil {
			return err
		}
		return add.addSeed(ctx)
	}
	known := w.deviceReady() == nil
	if known && (w.CodeFromProgram() || w.SeedFromEnv()) {
		return s.hasDevice(w)
	}
	m, err := s.manager(ctx, s.add.name, cmp.Or(s.add.stores.seed, s.add.stores.both), s.other, s.ask)
	if err != nil {
		return err
	}
	left, unfinished, err := m.Unfinished(enroll.Device)
	switch {
	case err != nil:
		return err
	case known && (!unfinished || left.Flow != enroll.FlowEnroll):
		return s.hasDevice(w)
	}
	return m.enroll(ctx, s.device)
}

func (s *setup) hasDevice(w *opened) error {
	s.say("Profile %s already has the MFA device %s.", fault.Printable(s.add.name), w.Settings.Serial)
	return nil
}

// register writes the profile into the AWS config.
func (s *setup) register(ctx context.Context) error {
	if s.noConfig {
		return nil
	}
	files, err := s.loadFiles()
	if err != nil {
		return err
	}
	if err := s.chooseRegion(ctx, files); err != nil {
		return err
	}
	registration, _, err := register(ctx, s.app, files, registerOptions{profile: s.add.name, region: s.region}, s.ask)
	s.command = registration.Command
	return err
}

// chooseRegion asks for the region of a profile that has none.
func (s *setup) chooseRegion(ctx context.Context, files *profile.Files) (err error) {
	if s.region != "" || hasRegion(files, s.add.name) {
		return nil
	}
	if s.ask.present() && !s.add.yes {
		s.region, err = s.ask.line(ctx, "Region for the profile (Enter for none)", "--region REGION")
	}
	s.noRegion = s.region == ""
	return err
}

func hasRegion(files *profile.Files, profileName string) bool {
	for _, section := range files.Sections() {
		for _, o := range section.Options {
			if section.Profile == profileName && o.Key == "region" && o.Value != "" {
				return true
			}
		}
	}
	return false
}

// prove gets a session as a consumer would, and sums up.
func (s *setup) prove(ctx context.Context) error {
	w, err := s.open(getOptions{profile: s.add.name})
	if err != nil {
		return err
	}
	c, err := w.session(ctx, session.Options{Ahead: true})
	if err != nil {
		return err
	}
	name := fault.Shell(s.add.name)
	s.say("\nProfile %s works. Its session lasts until %s, and is renewed automatically.", name, c.Expiration.Local().Format(time.DateTime))
	if s.command != "" {
		s.say("The AWS CLI and the SDKs now run: %s\nTry it: aws sts get-caller-identity --profile %s", s.command, name)
	}
	if s.noRegion {
		s.say("It has no region, which most AWS calls need. To set one, run: %s register --profile %s --region REGION", program, name)
	}
	key, seed, _ := w.where()
	undo := program + " remove --profile " + name
	if key != keystore.KindEnv && seed != keystore.KindEnv {
		undo += " --aws"
	}
	s.say("To undo all of this, run: %s", undo)
	return nil
}
