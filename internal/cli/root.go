package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   program,
		Short: "Temporary AWS credentials where MFA is required, without typing codes",
		Long: `aws-mfa-creds is a virtual MFA device and a credential process in one. It makes the token code
from a seed on this computer, calls STS GetSessionToken, caches the session until shortly before it
expires, and hands it to the AWS CLI, Terraform and every SDK.

To store your access key, make this computer an MFA device of your IAM user, and register the
profile in ~/.aws/config, run:

    aws-mfa-creds setup work

Every command but get takes the name of the profile as its argument, or with --profile or -p. Without a
name, it is about the profile of AWS_PROFILE, or the only one that this program serves, or one that you
choose at the terminal. Where nothing is asked before something is removed or replaced (unregister, and
all with --yes, except setup), name it.

In CI, set the access key and the seed in the environment, or name files with NAME_FILE:

    AWS_MFA_CREDS_ACCESS_KEY_ID, AWS_MFA_CREDS_SECRET_ACCESS_KEY
    AWS_MFA_CREDS_SEED      base32 as the console shows it, or an otpauth URI
    AWS_MFA_CREDS_SERIAL    the ARN of the MFA device; or mfa_serial in the profile

Hosts with the same access key and seed share sessions through a Redis or Valkey server, if you set:

    AWS_MFA_CREDS_SHARED_CACHE             rediss://USER@HOST:6379, or shared_cache in the profile
    AWS_MFA_CREDS_SHARED_CACHE_PASSWORD    its password

Exit codes: 0 ok, 1 internal, 2 usage, 3 configuration, 4 no secret stored, 5 store locked or
unavailable, 6 AWS refused, 7 network, 8 throttled or 5xx, 9 deadline, 10 clock, 11 file system,
12 unsafe permissions; of exec: 126 the command cannot be run, 127 there is none, else its own.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		PersistentPreRunE: func(cmd *cobra.Command, args []string) error { return start(a, cmd, args) },
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(a)
	root.SetErr(a.stderr)
	root.SetUsageFunc(usage)
	root.PersistentFlags().BoolVar(&a.debug, "debug", false, "log what happens to stderr, without secrets")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return mistake(cmd, a.args, err)
	})
	addCommands(a, root)
	root.CompletionOptions.DisableDefaultCmd = true
	checkHelp(root)
	return root
}

// start checks the flags of cmd before cobra does, so that all mistakes on the command line get the same
// form of error, and notes the profile that errors name.
func start(a *app, cmd *cobra.Command, args []string) error {
	err := errors.Join(nameProfile(cmd, args), cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups(), checkFlags(cmd))
	if a.started = err == nil; a.started {
		err = a.chooseProfile(cmd)
	}
	if f := cmd.Flags().Lookup("profile"); f != nil && f.Value.Type() == "string" {
		a.profile = f.Value.String()
	}
	return err
}

const topicSetUp = "Set up"

// addCommands adds all commands to root, by topic.
func addCommands(a *app, root *cobra.Command) {
	type constructor = func(*app) *cobra.Command
	for _, topic := range []struct {
		title    string
		commands []constructor
	}{
		{topicSetUp, []constructor{newSetupCommand, newAddCommand, newEnrollCommand, newRegisterCommand, newUnregisterCommand, newRemoveCommand}},
		{"Use", []constructor{newGetCommand, newExecCommand, newEnvCommand, newServeCommand, newConsoleCommand, newCodeCommand, newListCommand, newClearCommand, newExportCommand}},
		{"Maintain", []constructor{newDoctorCommand, newRotateCommand, newResyncCommand, newStoreCommand, newUnlockCommand, newLockCommand}},
	} {
		root.AddGroup(&cobra.Group{ID: topic.title, Title: topic.title})
		for _, newCommand := range topic.commands {
			cmd := newCommand(a)
			cmd.GroupID = topic.title
			root.AddCommand(cmd)
		}
	}
	root.AddCommand(newCompletionCommand(a), newVersionCommand(a))
	noArguments(root)
}

// checkHelp has the command help refuse words that name no command.
func checkHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Args = func(_ *cobra.Command, words []string) error {
		if about, rest, _ := root.Find(words); len(rest) > 0 {
			return unknownCommand(about, rest[0])
		}
		return nil
	}
}

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		RunE: func(*cobra.Command, []string) error {
			version := a.version // of a release; else that of the module, as the Go tool recorded it
			if info, ok := debug.ReadBuildInfo(); version == "" && ok {
				version = info.Main.Version
			}
			return a.print(fmt.Appendf(nil, "%s %s %s %s/%s\n", program, cmp.Or(version, "(devel)"), runtime.Version(), runtime.GOOS, runtime.GOARCH))
		},
	}
}

// helpWidth is the longest line of a help text, in characters.
const helpWidth = 100

// rareFlag marks a flag that help shows under a heading of its own, after the common ones.
const rareFlag = "aws-mfa-creds-rare"

// rare moves flags of cmd down to the second heading of its help.
func rare(cmd *cobra.Command, names ...string) {
	annotate(cmd, rareFlag, "true", names...)
}

// annotate marks flags of cmd.
func annotate(cmd *cobra.Command, key, value string, names ...string) {
	for _, name := range names {
		if err := cmd.Flags().SetAnnotation(name, key, []string{value}); err != nil {
			panic(err) // the flag was defined just now
		}
	}
}

// usage prints how to call cmd: an example, its commands by topic, and its flags, the common ones first.
func usage(cmd *cobra.Command) error {
	var text strings.Builder
	fmt.Fprintf(&text, "Usage:\n  %s\n", cmd.UseLine())
	if cmd.Example != "" {
		fmt.Fprintf(&text, "\nExamples:\n%s\n", cmd.Example)
	}
	usageCommands(&text, cmd)
	cmd.Flags().SortFlags = false // as they are defined
	common, others := pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		set := common
		if f.Annotations[rareFlag] != nil || f.Name == "help" {
			set = others
		}
		set.AddFlag(f)
	})
	others.AddFlagSet(cmd.InheritedFlags())
	for _, group := range []struct {
		heading string
		flags   *pflag.FlagSet
	}{{"Flags", common}, {"Other flags", others}} {
		if group.flags.HasAvailableFlags() {
			group.flags.SortFlags = false
			fmt.Fprintf(&text, "\n%s:\n%s", group.heading, group.flags.FlagUsagesWrapped(helpWidth))
		}
	}
	_, err := io.WriteString(cmd.OutOrStderr(), text.String())
	return err
}

func usageCommands(text *strings.Builder, cmd *cobra.Command) {
	list := func(heading, group string) {
		fmt.Fprintf(text, "\n%s:\n", heading)
		for _, sub := range cmd.Commands() {
			if sub.GroupID == group && (sub.IsAvailableCommand() || sub.Name() == "help") {
				fmt.Fprintf(text, "  %-*s %s\n", sub.NamePadding(), sub.Name(), sub.Short)
			}
		}
	}
	for _, group := range cmd.Groups() {
		list(group.Title, group.ID)
	}
	if cmd.HasAvailableSubCommands() {
		list(map[bool]string{true: "Other commands", false: "Available Commands"}[len(cmd.Groups()) > 0], "")
	}
}
