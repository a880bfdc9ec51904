package cli

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   program,
		Short: "Temporary AWS credentials where MFA is enforced, without typing codes",
		Long: `aws-mfa-creds is a virtual MFA device and a credential process in one. It makes the
token code from a seed that this computer holds, calls STS GetSessionToken, keeps the
session until shortly before it expires, and hands it to the AWS CLI, Terraform and every SDK.

Begin with

    aws-mfa-creds setup --profile work

which stores your access key, enrols this computer as an MFA device, and registers the profile in ~/.aws/config.

In CI, access key and seed come from the environment, or from the files that the same variables with _FILE name:

    AWS_MFA_CREDS_ACCESS_KEY_ID, AWS_MFA_CREDS_SECRET_ACCESS_KEY
    AWS_MFA_CREDS_SEED      base32 as the console shows it, or an otpauth URI
    AWS_MFA_CREDS_SERIAL    the ARN of the device; or mfa_serial in the profile

Exit codes: 0 ok, 1 internal, 2 usage, 3 configuration, 4 no secret stored, 5 store locked or unavailable, 6 AWS refused,
7 network, 8 throttled or 5xx, 9 deadline, 10 clock, 11 file system, 12 unsafe permissions.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		Args:              cobra.NoArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.start(cmd) },
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.PersistentFlags().BoolVar(&a.debug, "debug", false, "tell on stderr what is done; never shows a secret")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fault.New(fault.Usage, "", "run: "+cmd.CommandPath()+" --help", "%v", err)
	})
	for _, newCommand := range a.commands() {
		root.AddCommand(newCommand(a))
	}
	root.CompletionOptions.DisableDefaultCmd = true
	return root
}

// start checks what cobra would check only after it, so that all mistakes of the command line are told
// alike.
func (a *app) start(cmd *cobra.Command) error {
	err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups())
	a.started = err == nil
	return err
}

// commands returns what makes the commands. A credential process is started all the time, and one
// command is made in a tenth of the time of all of them.
func (a *app) commands() []func(*app) *cobra.Command {
	if len(a.args) > 0 && a.args[0] == "get" {
		return []func(*app) *cobra.Command{newGetCommand}
	}
	return []func(*app) *cobra.Command{
		newGetCommand,
		newCodeCommand,
		newListCommand,
		newDoctorCommand,
		newClearCommand,
		newExportCommand,
		newSetupCommand,
		newAddCommand,
		newEnrollCommand,
		newResyncCommand,
		newRotateCommand,
		newRegisterCommand,
		newUnregisterCommand,
		newRemoveCommand,
		newStoreCommand,
		newUnlockCommand,
		newLockCommand,
		newCompletionCommand,
		newVersionCommand,
	}
}

// profileFlag adds --profile to cmd, with the names in the files as completions.
func profileFlag(a *app, cmd *cobra.Command, value *string, usage string) {
	cmd.Flags().StringVar(value, "profile", "", usage)
	complete(cmd, "profile", a.profileNames)
}

// forProfile makes name the profile of what the command verb says, and refuses an empty one.
func (a *app) forProfile(verb, name string) error {
	a.profile = name
	if name == "" {
		return fault.New(fault.Usage, verb, "run: "+program+" "+verb+" --profile NAME", "--profile is missing")
	}
	return nil
}

// complete has the shell complete a flag with names.
func complete(cmd *cobra.Command, flag string, names func() []string) {
	completion := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names(), cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, completion); err != nil {
		panic(err) // the flag was defined just now
	}
}

// profileNames returns the names to complete. A shell has no use for an error.
func (a *app) profileNames() []string {
	files, err := a.loadFiles()
	if err != nil {
		return nil
	}
	return files.Names()
}

func newCompletionCommand(a *app) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a completion script for your shell",
		Long: `Print a script that completes commands, flags and profile names. To load it in every session:

    bash:        aws-mfa-creds completion bash > ~/.local/share/bash-completion/completions/aws-mfa-creds
    zsh:         aws-mfa-creds completion zsh > "${fpath[1]}/_aws-mfa-creds"
    fish:        aws-mfa-creds completion fish > ~/.config/fish/completions/aws-mfa-creds.fish
    PowerShell:  aws-mfa-creds completion powershell | Out-String | Invoke-Expression`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			script, err := completionScript(cmd.Root(), args[0])
			if err != nil {
				return fault.New(fault.Internal, "completion "+args[0], "", "%v", err)
			}
			return a.print(script)
		},
	}
}

func completionScript(root *cobra.Command, shell string) ([]byte, error) {
	var script bytes.Buffer
	generate := map[string]func() error{
		"bash":       func() error { return root.GenBashCompletionV2(&script, true) },
		"zsh":        func() error { return root.GenZshCompletion(&script) },
		"fish":       func() error { return root.GenFishCompletion(&script, true) },
		"powershell": func() error { return root.GenPowerShellCompletionWithDesc(&script) },
	}
	err := generate[shell]()
	return script.Bytes(), err
}

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.print(fmt.Appendf(nil, "%s %s %s %s/%s\n", program, a.versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH))
		},
	}
}

// versionText returns the version of the release, or else the module's, as the Go tool recorded it.
func (a *app) versionText() string {
	if a.version != "" {
		return a.version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
