package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
)

type registerOptions struct {
	profile  string
	source   string
	flags    profile.Flags // about the role
	assumeBy string
	region   string
	output   string
	program  string
	dryRun   bool
	moving   bool // the profile's access key is moved out of the files of the AWS tools, and it may not exist yet

	given func(flag string) bool // on the command line, be it as empty
}

// Who assumes a role.
const (
	byHelper = "helper"
	bySDK    = "sdk"
)

func newRegisterCommand(a *app) *cobra.Command {
	var o registerOptions
	cmd := &cobra.Command{
		Use:   "register [NAME]",
		Short: "Make the AWS CLI and the SDKs get a profile's credentials from this program",
		Long: `Write the credential_process line of a profile into the AWS config. Nothing else in the file
changes. "` + program + ` unregister" restores what was there before.

If the profile is already registered, flags that you do not give keep their values; an empty value
(--duration "") removes one.

With --role-arn, the profile gets sessions of a role. --assume-by helper makes this program assume
it: every SDK supports that, sessions can last longer than an hour, and all processes share them.
--assume-by sdk writes role_arn and source_profile, so that the SDK assumes the role for at most an
hour; JS SDK v2 and PHP cannot do that.`,
		Example: `  aws-mfa-creds register --profile work --region eu-central-1
  aws-mfa-creds register --profile a --source-profile b --role-arn arn:aws:iam::123456789012:role/a`,
		RunE: a.interactive(func(ctx context.Context) error { return runRegister(ctx, a, o) }),
	}
	profileFlag(cmd, &o.profile)
	f := cmd.Flags()
	o.given = f.Changed
	f.StringVar(&o.source, "source-profile", "", "use the access key and MFA device of the profile `NAME`")
	roleFlags(cmd, &o.flags)
	f.StringVar(&o.assumeBy, "assume-by", byHelper, "`WHO` assumes the role: helper (this program) or sdk")
	complete(cmd, "assume-by", func() []string { return []string{byHelper, bySDK} })
	f.StringVar(&o.region, "region", "", "`REGION` for the profile, if it has none (default: that of the source profile)")
	f.StringVar(&o.output, "output", "", "output `FORMAT` of the AWS CLI for the profile, if it has none")
	complete(cmd, "output", func() []string { return []string{"json", "text", "table", "yaml", "yaml-stream"} })
	f.StringVar(&o.program, "program", "", "write this `PATH` of the program (default: its own)")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would change, without changing it")
	f.BoolVar(&a.ask.yes, "yes", false, "do not ask for confirmation")
	rare(cmd, "role-session-name", "external-id", "assume-by", "output", "program")
	return cmd
}

func runRegister(ctx context.Context, a *app, o registerOptions) error {
	if o.assumeBy != byHelper && o.assumeBy != bySDK {
		return fault.New(fault.Usage, "--assume-by", "give helper or sdk", "must be helper or sdk")
	}
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	a.ask.yes = a.ask.yes || o.dryRun
	r, err := a.planRegister(ctx, files, o)
	if err != nil {
		return err
	}
	done, err := r.write(ctx)
	if err != nil {
		return err
	}
	if o.dryRun {
		return a.print([]byte(done.Config.Diff()))
	}
	return r.report(done)
}

// registering is a profile that is to be written into the AWS config.
type registering struct {
	edit.Registration

	*app
	files   *profile.Files
	options registerOptions
	editor  edit.Editor
	was     string // the credential_process that there is
}

// registering puts a registration together: what the options say, and what is registered already.
func (a *app) registering(files *profile.Files, o registerOptions) (r registering, err error) {
	r = registering{app: a, files: files, editor: a.editor(), was: files.CredentialProcess(o.profile).Value}
	r.editor.DryRun = o.dryRun
	if r.options, err = kept(files, o); err != nil {
		return r, err
	}
	env, _ := a.host().Env()
	if r.options.source == o.profile && r.options.flags.RoleARN != "" && !env.Identity && !slices.Contains(files.Names(), o.profile) {
		return r, fault.New(fault.Usage, "--role-arn", "give --source-profile NAME, too: the profile whose session assumes the role", "profile %s is new, so it has no session of its own", strconv.Quote(o.profile))
	}
	r.Registration, err = r.options.registration()
	return r, err
}

// write writes the registration, with the variables that the consumers need: which they are depends on the
// stores, and those are known now. It warns of what it cannot write.
func (r registering) write(ctx context.Context) (edit.Registered, error) {
	_, s, err := r.identity(r.options.source)
	if err != nil {
		return edit.Registered{}, err
	}
	moved := edit.MovedBy(r.getenv, r.editor.Paths, profile.UserDirs(homeOfUser).Home, s.KeyStore, s.SeedStore)
	if r.Command != "" {
		r.Command = edit.WithVariables(r.Command, moved, r.was)
	}
	for _, m := range moved {
		if m.Word == "" && !r.editor.DryRun {
			r.say("Warning: programs that are started without the %s of this shell, such as IDEs, do not find %s. Set it for your whole session.", m.Name, m.Lacks)
		}
	}
	return r.editor.Register(ctx, r.options.profile, r.Registration)
}

// planRegister makes all checks of a registration, and asks where something is in the way.
func (a *app) planRegister(ctx context.Context, files *profile.Files, o registerOptions) (r registering, err error) {
	if r, err = a.registering(files, o); err != nil {
		return r, err
	}
	planned := changes{profile: o.profile, region: o.region}
	if !o.dryRun {
		planned.files = []string{r.editor.Paths.AWSConfig}
	}
	if err := a.preflight(files, planned); err != nil {
		return r, err
	}
	r.Region = cmp.Or(o.region, regionOf(files, o.profile), regionOf(files, r.options.source)) // SDKs inherit none
	return r, r.mayRegister(ctx)
}

// kept fills in what is registered already, where nothing else is given.
func kept(files *profile.Files, o registerOptions) (registerOptions, error) {
	role, _, err := edit.ReadRegistration(files, o.profile)
	if err != nil {
		return o, err
	}
	call, assumeBy := files.Registered(o.profile), byHelper
	if role.RoleARN != "" {
		call, assumeBy = profile.Call{Profile: role.SourceProfile, Flags: role.Flags}, bySDK
	}
	for _, flag := range []struct {
		name    string
		value   *string
		present string
	}{
		{"source-profile", &o.source, call.Profile},
		{"role-arn", &o.flags.RoleARN, call.Flags.RoleARN},
		{"role-session-name", &o.flags.RoleSessionName, call.Flags.RoleSessionName},
		{"external-id", &o.flags.ExternalID, call.Flags.ExternalID},
		{"duration", &o.flags.Duration, call.Flags.Duration},
		{"assume-by", &o.assumeBy, assumeBy},
	} {
		if o.given == nil || !o.given(flag.name) {
			*flag.value = flag.present
		}
	}
	o.source = cmp.Or(o.source, o.profile)
	return o, nil
}

// registration is what to write.
func (o registerOptions) registration() (edit.Registration, error) {
	r := edit.Registration{Region: o.region, Output: o.output}
	if o.assumeBy == bySDK {
		if o.flags.RoleARN == "" || o.source == o.profile {
			return r, fault.New(fault.Usage, "--assume-by sdk", "give both, or --assume-by helper", "needs --role-arn, and --source-profile with another profile")
		}
		r.SourceProfile, r.Flags = o.source, o.flags
		err := inSeconds(&r.Duration)
		return r, err
	}
	path, err := programPath(o.program)
	if err != nil {
		return r, err
	}
	args := append([]string{"get", "--profile", o.source}, o.flags.Args()...)
	r.Command, err = edit.CommandLine(runtime.GOOS == "windows", path, args...)
	return r, err
}

// inSeconds reads --duration for a role that an SDK assumes.
func inSeconds(duration *string) error {
	if *duration == "" {
		return nil
	}
	d, err := profile.ParseDuration("--duration", *duration)
	if err == nil && d > time.Hour {
		err = fault.New(fault.Usage, "--duration", "give --assume-by helper", "an SDK assumes the role from a session, which AWS limits to an hour")
	}
	*duration = strconv.Itoa(int(d / time.Second))
	return err
}

// programPath returns the absolute path of this program, as the user knows it: a link that a
// package manager moves to the next version stays a link.
func programPath(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	path, err := os.Executable()
	if err != nil {
		return "", fault.New(fault.Usage, program, "give --program PATH", "its own path cannot be found")
	}
	if called, err := exec.LookPath(os.Args[0]); err == nil {
		if called, err = filepath.Abs(called); err == nil && edit.SameFile(called, path) {
			path = called
		}
	}
	if strings.Contains(path, "go-build") {
		return "", fault.New(fault.Usage, program, installFirst, "it runs from a temporary directory (go run), which will be deleted")
	}
	return shortPath(path), nil
}

const installFirst = "install it first: go install, or make build"

// mayRegister looks for what would keep the SDKs from running the program, and asks what to do.
func (r registering) mayRegister(ctx context.Context) error {
	o, trial := r.options, r.editor
	trial.DryRun = true
	would, err := trial.Register(ctx, o.profile, r.Registration)
	if err != nil {
		return err
	}
	for _, key := range []string{"role_arn", "source_profile", "sso_session", "sso_start_url", "web_identity_token_file", "credential_source", "credential_process"} {
		if slices.Contains(would.Others, key) {
			return fault.New(fault.Config, "profile "+o.profile, "register it under another name: "+program+" register --profile "+fault.Shell(o.profile+"-mfa")+" --source-profile "+fault.Shell(o.profile),
				"it has %s in the AWS config, and SDKs accept only one source of credentials per profile", key)
		}
	}
	if err := r.wouldWork(would.Config.New.Reveal()); err != nil {
		return err
	}
	static, err := r.files.StaticKeys(o.profile)
	if err != nil {
		return err
	}
	if o.moving {
		static = nil
	}
	for _, s := range static {
		remedy := "run: " + program + " add --profile " + fault.Shell(o.profile) + " --from-credentials-file"
		if s.Temporary {
			remedy = "delete it from the file: it is temporary, and no longer of use"
		}
		if !r.ask.present() && !r.ask.yes {
			return fault.New(fault.Config, s.Place, remedy, "most SDKs would use this access key of profile %s instead of running this program", o.profile)
		}
		if err := r.ask.confirm(ctx, s.Place+" has an access key for the profile, which most SDKs would use instead of running this program\n("+remedy+"). Register anyway?"); err != nil {
			return err
		}
	}
	return r.mayReplaceProcess(ctx)
}

// wouldWork resolves what is to be registered as get will, once the AWS config is text: a line that is not
// of the registration may make every get fail. What the registration would only hide is looked at as well:
// that there is no such profile, or that its header is misspelt.
func (r registering) wouldWork(text string) error {
	o := r.options
	env, err := r.host().Env()
	if err != nil {
		return err
	}
	call := profile.Call{Profile: o.source, Flags: o.flags}
	if !slices.Contains(r.files.AWS.Names(), call.Profile) {
		now := env
		if env.Identity || o.moving {
			now.New = o.profile
		}
		if _, err := r.files.Resolve(call, now); err != nil {
			return err
		}
	}
	if o.moving {
		env.New = o.profile
	}
	files, err := r.files.WithConfig(text)
	if err == nil {
		_, err = files.Resolve(call, env)
	}
	return err
}

// mayReplaceProcess asks before the credential_process of another program is replaced, or one of this
// program that has other settings.
func (r registering) mayReplaceProcess(ctx context.Context) error {
	name, elsewhere := r.options.profile, edit.OtherHome(r.was, r.editor.Paths.Own)
	if process := r.files.CredentialProcess(name); process.File == profile.AWSCredentials && process.Value != r.Command {
		return fault.New(fault.Config, process.Place, "delete the line", "tools run this command of profile %s, whatever the AWS config says", name)
	}
	same := profile.Ours(r.was) || r.Command != "" && strings.HasSuffix(" "+r.was, " "+r.Command)
	if past, _, err := edit.ReadRegistration(r.files, name); err != nil || past.Command == r.was || same && elsewhere == "" {
		return err
	}
	word, _, _ := strings.Cut(fault.Conceal(r.was), " ")
	what, remedy := "runs "+word+" as its credential_process", "to replace it, give --yes; unregister brings it back"
	if elsewhere != "" {
		what = "is registered with " + elsewhere + ", where there are other settings"
		remedy = "to use those, run: export " + fault.Shell(elsewhere) + "; to replace it, give --yes: unregister brings it back"
	}
	if !r.ask.present() && !r.ask.yes {
		return fault.New(fault.Config, "profile "+name, remedy, "it %s", what)
	}
	return r.ask.confirm(ctx, fmt.Sprintf("Profile %s %s. Replace that (unregister brings it back)?", fault.Printable(name), fault.Printable(what)))
}

// report says what was registered, and what is left to do.
func (r registering) report(done edit.Registered) error {
	o := r.options
	name := fault.Printable(o.profile)
	switch {
	case !done.Config.Changed:
		r.say("Profile %s is already registered in %s.", name, done.Config.Path)
	case r.Command != "":
		r.say("Registered profile %s in %s. The AWS CLI and the SDKs now run:\n  %s", name, done.Config.Path, r.Command)
	default:
		r.say("Registered profile %s in %s. The SDKs now assume %s\nfrom the session of profile %s.", name, done.Config.Path, r.RoleARN, fault.Printable(r.SourceProfile))
	}
	if others := slices.DeleteFunc(slices.Clone(done.Others), func(key string) bool { return strings.HasPrefix(key, "aws_") }); len(others) > 0 {
		r.say("The profile has other keys (%s). All SDKs except the one for .NET accept them.", strings.Join(others, ", "))
	}
	r.sayRegion(o.profile, r.Region)
	if err := r.sayNext(o.source); err != nil {
		return err
	}
	r.say("Try it: aws sts get-caller-identity --profile %s", fault.Shell(o.profile))
	return nil
}

// sayRegion says that a profile keeps the region that it had, if that is not the one that was asked for.
func (a *app) sayRegion(name, asked string) {
	files, err := a.loadFiles()
	if err != nil {
		return
	}
	if has := regionOf(files, name); asked != "" && has != "" && has != asked {
		a.say("The profile keeps its region, %s. To change it, run: aws configure set region %s --profile %s", fault.Printable(has), asked, fault.Shell(name))
	}
}

func newUnregisterCommand(a *app) *cobra.Command {
	var profileName string
	var dryRun bool
	cmd := &cobra.Command{
		Use:     "unregister [NAME]",
		Short:   "Remove from the AWS config what register wrote",
		Example: `  aws-mfa-creds unregister --profile work --dry-run`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runUnregister(cmd.Context(), a, profileName, dryRun)
		},
	}
	namingFlag(cmd, &profileName, unnamedChosen)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would change, without changing it")
	return cmd
}

func runUnregister(ctx context.Context, a *app, profileName string, dryRun bool) error {
	editor := a.editor()
	editor.DryRun = dryRun
	done, err := editor.Unregister(ctx, profileName)
	switch {
	case err != nil:
		return err
	case dryRun:
		return a.print([]byte(done.Config.Diff()))
	case !done.Config.Changed:
		a.say("Profile %s is not registered in %s.", fault.Printable(profileName), done.Config.Path)
	default:
		a.say("Removed profile %s from %s.", fault.Printable(profileName), done.Config.Path)
	}
	return nil
}

// roleFlags adds the flags about a role to cmd.
func roleFlags(cmd *cobra.Command, flags *profile.Flags) {
	f := cmd.Flags()
	f.StringVar(&flags.RoleARN, "role-arn", "", "assume the role `ARN`")
	f.StringVar(&flags.RoleSessionName, "role-session-name", "", "`NAME` of the role session, as CloudTrail shows it")
	f.StringVar(&flags.ExternalID, "external-id", "", "external `ID` that the trust policy of the role requires")
	f.StringVar(&flags.Duration, "duration", "", "how `LONG` the session lasts, such as 12h, 90m or seconds: 15m to 36h (default 12h); with a role, 15m to 12h (default 1h)")
}
