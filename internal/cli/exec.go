package cli

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os/exec"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/harden"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// handedOut is what exec, env and console hand to a program that is no consumer of a credential process.
type handedOut struct {
	getOptions
	region string
}

// sessionFlags adds the flags of handedOut to cmd.
func sessionFlags(cmd *cobra.Command, o *handedOut) {
	profileFlag(cmd, &o.profile)
	cmd.Flags().StringVar(&o.region, "region", "", "`REGION` to work in, instead of the profile's")
	roleFlags(cmd, &o.flags)
}

func newExecCommand(a *app) *cobra.Command {
	var o handedOut
	var nested bool
	cmd := &cobra.Command{
		Use:   "exec [NAME] [flags] [-- COMMAND [ARG...]]",
		Short: "Run a command with the session in its environment",
		Long: `Run a command with the session of a profile in its environment, for what cannot run a credential
process. Without a command, it runs your shell, with the profile's name in ` + child.Marker + ` for the prompt.

The command gets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
AWS_CREDENTIAL_EXPIRATION, and the region in AWS_REGION and AWS_DEFAULT_REGION: that of --region,
else the profile's; if it has none, both stay as they are. It gets no variable of this program
(AWS_MFA_CREDS_...), and none that leads to other credentials, such as AWS_PROFILE.

On Unix the command takes the place of this program: it has the same process id, terminal and signals,
and its exit code is the exit code. That is 127 if there is no such command, and 126 if it cannot be run.

The session in the environment is not renewed: work that takes longer than ` + "`list`" + ` says fails in
the end. The AWS CLI and the SDKs renew sessions themselves if the profile is registered.`,
		Example: `  aws-mfa-creds exec --profile work -- make deploy
  aws-mfa-creds exec --profile admin --region eu-west-1 -- aws s3 ls
  aws-mfa-creds exec work`,
		Args: func(cmd *cobra.Command, args []string) error {
			before, _ := atDashes(cmd, args)
			names, words := cutNames(cmd, before)
			if len(words) == 0 {
				return nil
			}
			return fault.New(fault.Usage, strconv.Quote(words[0]), "write -- before the command, as in: "+program+" exec --profile "+fault.Shell(append(names, o.profile)[0])+" -- aws s3 ls", "stands before --")
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			_, command := atDashes(cmd, args)
			return runExec(cmd.Context(), a, o, nested, command)
		},
	}
	sessionFlags(cmd, &o)
	cmd.Flags().BoolVar(&nested, "nested", false, "start a shell within a shell that has a session already")
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

func runExec(ctx context.Context, a *app, o handedOut, nested bool, argv []string) error {
	marker := ""
	if len(argv) == 0 {
		if profile := a.getenv(child.Marker); profile != "" && !nested {
			return fault.New(fault.Usage, "exec", "run: exit; or give --nested", "this shell has the session of profile %s already", strconv.Quote(profile))
		}
		argv, marker = []string{a.shell()}, o.profile
	}
	path, err := exec.LookPath(argv[0]) // before a code is spent
	if errors.Is(err, exec.ErrDot) && runtime.GOOS != "windows" {
		err = nil // the user's PATH says so
	}
	if err != nil {
		return cannotRun(argv[0], err)
	}
	variables, err := a.sessionVariables(ctx, o)
	if err != nil {
		return err
	}
	if marker != "" {
		variables = append(variables, [2]string{child.Marker, marker})
	}
	harden.Undo()
	return cannotRun(argv[0], become(path, argv, child.Environ(variables)))
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
	if region = cmp.Or(o.region, region); fault.Escape(region) != region {
		return nil, fault.New(fault.Config, "region", "", "%q is not a region", region)
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
