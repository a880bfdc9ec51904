package cli

import (
	"cmp"
	"context"
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
	yes      bool

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
		Use:   "register --profile NAME",
		Short: "Have the AWS CLI and the SDKs get a profile's credentials from this program",
		Long: `Write the credential_process line of a profile into the AWS config, and nothing else there: every other byte of the file
stays. What was there before comes back with "` + program + ` unregister".

For a profile that is registered already, what is not given stays as it is registered; an empty flag (--duration "") takes
something out.

With --role-arn the profile hands out sessions of a role. --assume-by helper has this program assume it: all SDKs can use that,
sessions can last longer than an hour, and all processes share them. --assume-by sdk writes role_arn and source_profile, and
the SDK assumes the role; JS SDK v2 and PHP cannot, and an hour is the most.`,
		Example: `  aws-mfa-creds register --profile work --region eu-central-1
  aws-mfa-creds register --profile admin --source-profile work --role-arn arn:aws:iam::123456789012:role/admin`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.given = cmd.Flags().Changed
			return runRegister(cmd.Context(), a, o)
		},
	}
	profileFlag(a, cmd, &o.profile, "the `name` of the profile, as the AWS CLI and the SDKs will know it")
	f := cmd.Flags()
	f.StringVar(&o.source, "source-profile", "", "the `name` of the profile whose access key and MFA device are used, if it is another one")
	complete(cmd, "source-profile", a.profileNames)
	roleFlags(cmd, &o.flags)
	f.StringVar(&o.assumeBy, "assume-by", byHelper, "`who` assumes the role: helper (this program) or sdk")
	complete(cmd, "assume-by", func() []string { return []string{byHelper, bySDK} })
	f.StringVar(&o.region, "region", "", "the `region` for the profile, if it has none")
	f.StringVar(&o.output, "output", "", "the output `format` of the AWS CLI for the profile, if it has none")
	f.StringVar(&o.program, "program", "", "the `path` of this program to write; its own unless given")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would change, and change nothing")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	return cmd
}

func runRegister(ctx context.Context, a *app, o registerOptions) error {
	if err := a.forProfile("register", o.profile); err != nil {
		return err
	}
	if o.assumeBy != byHelper && o.assumeBy != bySDK {
		return fault.New(fault.Usage, "--assume-by", "give helper or sdk", "is neither helper nor sdk")
	}
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	if o, err = a.kept(files, o); err != nil {
		return err
	}
	registration, err := a.registration(o)
	if err != nil {
		return err
	}
	if err := a.canServe(files, o); err != nil {
		return err
	}
	if err := a.mayRegister(ctx, files, o, registration); err != nil {
		return err
	}
	editor := a.editor()
	editor.DryRun = o.dryRun
	done, err := editor.Register(ctx, o.profile, registration)
	if err != nil {
		return err
	}
	if o.dryRun {
		return a.print([]byte(done.Config.Diff()))
	}
	a.tellRegistered(o, registration, done)
	return nil
}

// kept fills in what is registered already, where nothing else is given.
func (a *app) kept(files *profile.Files, o registerOptions) (registerOptions, error) {
	role, _, err := edit.ReadRegistration(files, o.profile)
	if err != nil {
		return o, err
	}
	call, assumeBy := a.registered(files, o.profile), byHelper
	if role.RoleARN != "" {
		assumeBy = bySDK
		call = getOptions{profile: role.SourceProfile, flags: profile.Flags{RoleARN: role.RoleARN, RoleSessionName: role.SessionName, ExternalID: role.ExternalID}}
		if role.Duration > 0 {
			call.flags.Duration = strconv.Itoa(int(role.Duration / time.Second))
		}
	}
	for _, flag := range []struct {
		name    string
		value   *string
		present string
	}{
		{"source-profile", &o.source, call.profile},
		{"role-arn", &o.flags.RoleARN, call.flags.RoleARN},
		{"role-session-name", &o.flags.RoleSessionName, call.flags.RoleSessionName},
		{"external-id", &o.flags.ExternalID, call.flags.ExternalID},
		{"duration", &o.flags.Duration, call.flags.Duration},
		{"assume-by", &o.assumeBy, assumeBy},
	} {
		if o.given == nil || !o.given(flag.name) {
			*flag.value = flag.present
		}
	}
	return o, nil
}

// canServe refuses what every get would refuse.
func (a *app) canServe(files *profile.Files, o registerOptions) error {
	env, err := a.profileEnv()
	if err != nil {
		return err
	}
	_, err = files.Resolve(cmp.Or(o.source, o.profile), o.flags, env)
	return err
}

// registration is what to write.
func (a *app) registration(o registerOptions) (edit.Registration, error) {
	r := edit.Registration{Region: o.region, Output: o.output}
	source := cmp.Or(o.source, o.profile)
	if o.assumeBy == bySDK {
		if o.flags.RoleARN == "" || source == o.profile {
			return r, fault.New(fault.Usage, "--assume-by sdk", "give both, or --assume-by helper", "needs --role-arn and a --source-profile that is another profile")
		}
		duration, err := roleDuration(o.flags.Duration)
		r.RoleARN, r.SourceProfile, r.ExternalID, r.SessionName, r.Duration = o.flags.RoleARN, source, o.flags.ExternalID, o.flags.RoleSessionName, duration
		return r, err
	}
	path, err := programPath(o.program)
	if err != nil {
		return r, err
	}
	args := []string{"get", "--profile", source}
	for _, flag := range [][2]string{
		{"--role-arn", o.flags.RoleARN}, {"--role-session-name", o.flags.RoleSessionName}, {"--external-id", o.flags.ExternalID}, {"--duration", o.flags.Duration},
	} {
		if flag[1] != "" {
			args = append(args, flag[0], flag[1])
		}
	}
	r.Command, err = edit.CommandLine(runtime.GOOS == "windows", path, args...)
	return r, err
}

// roleDuration reads --duration for a role that an SDK assumes.
func roleDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := profile.ParseDuration("--duration", text)
	if err == nil && d > time.Hour {
		err = fault.New(fault.Usage, "--duration", "give --assume-by helper", "an SDK assumes the role from a session, and AWS limits that to an hour")
	}
	return d, err
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
	if called, err := findProgram(os.Args[0]); err == nil && sameFile(called, path) {
		path = called
	}
	if strings.Contains(path, "go-build") {
		return "", fault.New(fault.Usage, program, "install it first: go install, or make build", "it runs from a temporary directory (go run), which will be gone")
	}
	return path, nil
}

func findProgram(name string) (string, error) {
	if strings.ContainsRune(name, os.PathSeparator) {
		return filepath.Abs(name)
	}
	return exec.LookPath(name)
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a) //nolint:gosec // our own path
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// mayRegister looks for what would keep the SDKs from running the program, and asks what to do.
func (a *app) mayRegister(ctx context.Context, files *profile.Files, o registerOptions, r edit.Registration) error {
	ask := a.asker(o.yes || o.dryRun)
	defer ask.close()
	static, err := files.StaticKeys(o.profile)
	if err != nil {
		return err
	}
	for _, s := range static {
		remedy := "run: " + program + " add --profile " + fault.Shell(o.profile) + " --from-credentials-file"
		if s.Temporary {
			remedy = "delete it there: it is temporary, and of no use any more"
		}
		if !ask.present() && !ask.yes {
			return fault.New(fault.Config, s.Place, remedy, "there is an access key for profile %s, and most SDKs would use it instead of running this program", o.profile)
		}
		if err := ask.confirm(ctx, s.Place+" has an access key for the profile, and most SDKs would use it instead of running this program\n(to move it: "+strings.TrimPrefix(remedy, "run: ")+"). Register nevertheless?"); err != nil {
			return err
		}
	}
	trial := a.editor()
	trial.DryRun = true
	would, err := trial.Register(ctx, o.profile, r)
	if err != nil {
		return err
	}
	for _, key := range []string{"role_arn", "source_profile", "sso_session", "sso_start_url", "web_identity_token_file", "credential_source", "credential_process"} {
		if slices.Contains(would.Others, key) {
			return fault.New(fault.Config, "profile "+o.profile, "register another name for it: "+program+" register --profile "+fault.Shell(o.profile+"-mfa")+" --source-profile "+fault.Shell(o.profile),
				"it has %s in the AWS config, and SDKs take one source of credentials for a profile", key)
		}
	}
	return nil
}

func (a *app) tellRegistered(o registerOptions, r edit.Registration, done edit.Registered) {
	name := fault.Printable(o.profile)
	switch {
	case !done.Config.Changed:
		a.say("Profile %s is registered in %s already.", name, done.Config.Path)
	case r.Command != "":
		a.say("Registered profile %s in %s: the AWS CLI and the SDKs run\n  %s", name, done.Config.Path, r.Command)
	default:
		a.say("Registered profile %s in %s: the SDKs assume %s\nfrom the session of profile %s.", name, done.Config.Path, r.RoleARN, fault.Printable(r.SourceProfile))
	}
	if others := slices.DeleteFunc(slices.Clone(done.Others), isStatic); len(others) > 0 {
		a.say("The profile has other keys (%s): all SDKs but that for .NET accept them.", strings.Join(others, ", "))
	}
	a.say("Try it: aws sts get-caller-identity --profile %s", fault.Shell(o.profile))
}

func isStatic(key string) bool { return strings.HasPrefix(key, "aws_") }

type unregisterOptions struct {
	profile string
	dryRun  bool
}

func newUnregisterCommand(a *app) *cobra.Command {
	var o unregisterOptions
	cmd := &cobra.Command{
		Use:   "unregister --profile NAME",
		Short: "Take back what register wrote into the AWS config",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return runUnregister(cmd.Context(), a, o) },
	}
	profileFlag(a, cmd, &o.profile, "the `name` of the profile")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change, and change nothing")
	return cmd
}

func runUnregister(ctx context.Context, a *app, o unregisterOptions) error {
	if err := a.forProfile("unregister", o.profile); err != nil {
		return err
	}
	editor := a.editor()
	editor.DryRun = o.dryRun
	done, err := editor.Unregister(ctx, o.profile, program)
	switch {
	case err != nil:
		return err
	case o.dryRun:
		return a.print([]byte(done.Config.Diff()))
	case !done.Config.Changed:
		a.say("Profile %s is not registered in %s.", fault.Printable(o.profile), done.Config.Path)
	default:
		a.say("Took profile %s out of %s.", fault.Printable(o.profile), done.Config.Path)
	}
	return nil
}

// roleFlags adds the flags about a role to cmd.
func roleFlags(cmd *cobra.Command, flags *profile.Flags) {
	f := cmd.Flags()
	f.StringVar(&flags.RoleARN, "role-arn", "", "assume the role with this `ARN`")
	f.StringVar(&flags.RoleSessionName, "role-session-name", "", "the `name` of the role session, as CloudTrail shows it")
	f.StringVar(&flags.ExternalID, "external-id", "", "the external `id` that the role's trust policy asks for")
	f.StringVar(&flags.Duration, "duration", "", "how `long` the credentials shall last, as 12h, 90m or seconds: 15m to 36h, 12h unless given; a role 15m to 12h, 1h unless given")
}
