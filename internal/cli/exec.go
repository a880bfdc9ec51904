package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/endpoint"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/harden"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/term"
)

// handedOut is what exec, env and console hand to a program that is no consumer of a credential process.
type handedOut struct {
	getOptions
	region string
}

// sessionFlags adds the flags of handedOut to cmd.
func sessionFlags(cmd *cobra.Command, o *handedOut) {
	profileFlag(cmd, &o.Profile)
	cmd.Flags().StringVar(&o.region, "region", "", "`REGION` to work in, instead of the profile's")
	roleFlags(cmd, &o.Flags)
}

// regionOr returns the region of the flag, or else the given one. Where sessions are not of AWS, regions have any name.
func (o handedOut) regionOr(s profile.Settings, region string) (string, error) {
	if o.region != "" && s.OfAWS() {
		return o.region, profile.CheckRegion("--region", o.region)
	}
	if region = cmp.Or(o.region, region); fault.Escape(region) != region {
		return "", fault.New(fault.Config, "region", "", "%q is not a region", region)
	}
	return region, nil
}

type execOptions struct {
	handedOut
	serve, nested bool
}

func newExecCommand(a *app) *cobra.Command {
	var o execOptions
	cmd := &cobra.Command{
		Use:   "exec [NAME] [flags] [-- COMMAND [ARG...]]",
		Short: "Run a command with the session in its environment",
		Long: `Run a command with the session of a profile in its environment, for programs that cannot run a
credential process. Without a command, it runs your shell, and ` + child.Marker + ` has the name of the
profile, for your prompt.

It gets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION, and
AWS_REGION and AWS_DEFAULT_REGION: the region of --region, or else the profile's. If there is none,
these two stay as they are. AWS_MFA_CREDS_... variables are removed, except AWS_MFA_CREDS_HOME, and
those that lead to other credentials, such as AWS_PROFILE.

On Unix the command takes the place of this program: it has the same process id, terminal and
signals, and its exit code is the exit code. That is 127 if there is no such command, and 126 if it
cannot be run.

A session in the environment is not renewed. For work that may take longer, --serve gives the
command the address of a credential endpoint instead (see serve), which lives as long as the
command. This program then stays: it passes signals on, and exits as the command does.`,
		Example: `  aws-mfa-creds exec --profile work -- make deploy
  aws-mfa-creds exec --profile admin --region eu-west-1 -- aws s3 ls
  aws-mfa-creds exec admin --serve -- ./nightly-copy
  aws-mfa-creds exec work`,
		Args: func(cmd *cobra.Command, args []string) error {
			before, command := atDashes(cmd, args)
			names, words := cutNames(cmd, before)
			name := strings.Join(names, "")
			if _, err := exec.LookPath(name); len(words) > 0 || err == nil && len(command) == 0 {
				if err := a.withoutDashes(name+o.Profile, words); err != nil { // one of the two
					return err
				}
			}
			return refuseNested(a, o, command)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			_, command := atDashes(cmd, args)
			return runExec(cmd.Context(), a, o, command)
		},
	}
	sessionFlags(cmd, &o.handedOut)
	cmd.Flags().BoolVar(&o.serve, "serve", false, "serve sessions to the command, which SDKs renew, in place of one in variables")
	cmd.Flags().BoolVar(&o.nested, "nested", false, "start a shell within a shell that has a session already")
	return cmd
}

// atDashes cuts the arguments at --.
func atDashes(cmd *cobra.Command, args []string) (before, behind []string) {
	at := cmd.ArgsLenAtDash()
	if at < 0 {
		at = len(args)
	}
	return args[:at], args[at:]
}

// withoutDashes refuses a command that is not behind --. If the name that is before its words is of no profile, it
// was meant for the first.
func (a *app) withoutDashes(name string, words []string) error {
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	of := " --profile " + fault.Shell(name)
	if env, _ := a.host().Env(); !env.Identity && !slices.Contains(files.Names(), name) {
		of, words = "", []string{name}
	}
	if len(words) == 0 {
		return nil
	}
	return fault.New(fault.Usage, strconv.Quote(words[0]), "write -- before the command, as in: "+program+" exec"+of+" -- aws s3 ls", "stands before --")
}

// refuseNested refuses a shell within a shell that has a session, before anything is asked.
func refuseNested(a *app, o execOptions, command []string) error {
	if profile := a.getenv(child.Marker); profile != "" && len(command) == 0 && !o.nested {
		return fault.New(fault.Usage, "exec", "run: exit; or give --nested", "this shell has the session of profile %s already", strconv.Quote(profile))
	}
	return nil
}

func runExec(ctx context.Context, a *app, o execOptions, argv []string) error {
	marker := ""
	if len(argv) == 0 {
		argv, marker = []string{a.shell()}, o.Profile
	}
	path, err := exec.LookPath(argv[0]) // before a code is spent
	if errors.Is(err, exec.ErrDot) && runtime.GOOS != "windows" {
		err = nil // the user's PATH says so
	}
	if err != nil {
		return cannotRun(argv[0], err)
	}
	if o.serve {
		err = a.mayServe(o.getOptions)
	}
	if err != nil {
		return err
	}
	variables, err := a.sessionVariables(ctx, o.handedOut)
	if err != nil {
		return err
	}
	if marker != "" {
		variables = append(variables, [2]string{child.Marker, marker})
		if term.Is(a.stderr) {
			fmt.Fprintf(a.stderr, "%s: this shell has the session of profile %s; exit ends it\n", program, fault.Printable(marker))
		}
	}
	run := become
	if o.serve {
		server, err := endpoint.Start(ctx, a.endpointOptions([]string{o.Profile}, o.Flags, creds.Secret{}), rand.Reader)
		if err != nil {
			return err
		}
		variables = append(variables[len(child.OfSession()):],
			[2]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URI(o.Profile)}, [2]string{"AWS_CONTAINER_AUTHORIZATION_TOKEN", server.Token().Reveal()})
		run = runChild
	}
	harden.Undo()
	return cannotRun(argv[0], run(path, argv, child.Environ(variables)))
}

// mayServe refuses an endpoint that the command would not ask: without AWS_PROFILE, SDKs take what their files have of the
// profile default first.
func (a *app) mayServe(o getOptions) error {
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	same := o.Flags == (profile.Flags{}) && files.Registered(sdkDefault) == files.Registered(o.Profile)
	for _, option := range files.Origins(sdkDefault) {
		if !same || option.Key != profile.KeyCommand {
			return fault.New(fault.Config, option.Place, "leave out --serve", "SDKs take what the profile %s has there (%s) before what an endpoint serves", sdkDefault, option.Key)
		}
	}
	return nil
}

// sdkDefault is the profile that SDKs take if none is named.
const sdkDefault = "default"

// runChild runs the program at path and returns its exit code as an exitError. What a terminal sends, such as Ctrl-C and
// Ctrl-Z, it sends to the program as well; other signals are passed on.
func runChild(path string, argv, env []string) error {
	signals := make(chan os.Signal, 16)
	for _, s := range append(userSignals(), os.Interrupt, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP) {
		if !signal.Ignored(s) { // as nohup wants it
			signal.Notify(signals, s)
		}
	}
	terminal, err := term.Open()
	if err == nil {
		terminal.Close()
	}
	cmd := &exec.Cmd{Path: path, Args: argv, Env: env, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr} //nolint:forbidigo // the program's own
	if err := cmd.Start(); err != nil {
		return err
	}
	harden.Process()
	signal.Ignore(syscall.SIGPIPE) // whoever reads what the endpoint says may go
	go func() {
		for s := range signals {
			if terminal == nil || s != os.Interrupt && s != syscall.SIGQUIT {
				_ = cmd.Process.Signal(s)
			}
		}
	}()
	err = cmd.Wait()
	ended, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return err
	}
	if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitError(128 + int(status.Signal()))
	}
	return exitError(ended.ExitCode())
}

// shell is the user's shell.
func (a *app) shell() string {
	if runtime.GOOS == "windows" {
		return cmp.Or(a.getenv("COMSPEC"), "cmd.exe")
	}
	return cmp.Or(a.getenv("SHELL"), "/bin/sh")
}

// cannotRun explains why a command was not run, with the exit code of env(1). What the command's end says, it
// passes on.
func cannotRun(command string, err error) error {
	var ended interruptError
	var exit exitError
	switch {
	case err == nil, errors.As(err, &ended), errors.As(err, &exit):
		return err
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "exec "+command, "correct the name, or give its path", "no such command")
	}
	if failed, ok := errors.AsType[*exec.Error](err); ok {
		err = failed.Err
	}
	return fault.New(fault.NotExecutable, "exec "+command, "", "cannot be run: %s", securefile.Reason(err))
}

// sessionVariables returns the names and values of the session's variables and of the region's. All are printable ASCII.
func (a *app) sessionVariables(ctx context.Context, o handedOut) ([][2]string, error) {
	w, region, err := a.asTools(&o.getOptions)
	if err != nil {
		return nil, err
	}
	if region, err = o.regionOr(w.Settings, region); err != nil {
		return nil, err
	}
	c, err := cachedOrNew(ctx, w, o.getOptions)
	if err != nil {
		return nil, err
	}
	values, err := c.Values()
	if err != nil {
		return nil, err
	}
	var all [][2]string
	for i, name := range child.OfSession() {
		all = append(all, [2]string{name, values[i]})
	}
	if region != "" {
		all = append(all, [2]string{"AWS_REGION", region}, [2]string{"AWS_DEFAULT_REGION", region})
	}
	return all, nil
}
