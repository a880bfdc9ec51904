package cli

import (
	_ "embed" // the pages of help
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Commands returns the command program with all others, and the topics of help, for those who write them down
// in another form. What a command prints goes to stdout.
func Commands(stdout io.Writer) *cobra.Command {
	return newRootCommand(&app{stdout: stdout, stderr: io.Discard, getenv: func(string) string { return "" }})
}

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   program + " COMMAND",
		Short: "Temporary AWS credentials where MFA is required, without typing codes",
		Long: `aws-mfa-creds is a virtual MFA device and a credential process in one. It makes the token code
from a seed on this computer, calls STS GetSessionToken, caches the session until shortly before it
expires, and hands it to the AWS CLI, Terraform and every SDK.

Name the profile as the argument of a command, or with -p or --profile (get takes --profile alone).
Without a name, a command uses the profile in AWS_PROFILE, or the only one that this program serves,
or lets you choose one. unregister needs a name, and so does --yes, except that of setup.

For CI, fleets and scripts:

    aws-mfa-creds help environment
    aws-mfa-creds help exit-codes
    aws-mfa-creds help files`,
		Example: `  aws-mfa-creds setup work    # from an access key to a working profile
  aws s3 ls --profile work    # and use it`,
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
	checkHelp(a, root)
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
		a.call.Profile = f.Value.String()
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
	root.AddCommand(helpTopics()...)
	noArguments(root)
}

// checkHelp has help, the command and the flag, refuse words that name no command.
func checkHelp(a *app, root *cobra.Command) {
	show := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
			a.unsaid = unknownCommand(cmd, words[0])
			return
		}
		show(cmd, args)
	})
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Use, help.Short = "help [COMMAND]", "Print the help of a command, or of a topic"
	help.Long = "Print the help of a command, or of a topic: environment, exit-codes or files."
	help.Example = "  aws-mfa-creds help setup\n  aws-mfa-creds help exit-codes"
	help.Args = func(_ *cobra.Command, words []string) error {
		if about, rest, _ := root.Find(words); len(rest) > 0 {
			return unknownCommand(about, rest[0])
		}
		return nil
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

// Flags returns the flags of cmd in the order in which help shows them: the common ones, then the others.
func Flags(cmd *cobra.Command) (common, others *pflag.FlagSet) {
	cmd.Flags().SortFlags = false // as they are defined
	common, others = pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	common.SortFlags, others.SortFlags = false, false
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		set := common
		if f.Annotations[rareFlag] != nil || f.Name == "help" {
			set = others
		}
		set.AddFlag(f)
	})
	others.AddFlagSet(cmd.InheritedFlags())
	return common, others
}

// usage prints how to call cmd: an example, its commands by topic, and its flags, the common ones first.
func usage(cmd *cobra.Command) error {
	var text strings.Builder
	fmt.Fprintf(&text, "Usage:\n  %s\n", cmd.UseLine())
	if cmd.Example != "" {
		fmt.Fprintf(&text, "\nExamples:\n%s\n", cmd.Example)
	}
	usageCommands(&text, cmd)
	common, others := Flags(cmd)
	for _, group := range []struct {
		heading string
		flags   *pflag.FlagSet
	}{{"Flags", common}, {"Other flags", others}} {
		if group.flags.HasAvailableFlags() {
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

// The pages of help that are about no command. The manual pages have them as sections.
var (
	//go:embed help/environment.txt
	helpEnvironment string

	//go:embed help/exit-codes.txt
	helpExitCodes string

	//go:embed help/files.txt
	helpFiles string
)

func helpTopics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "environment", Short: "Environment variables", Long: helpEnvironment},
		{Use: "exit-codes", Short: "Exit codes", Long: helpExitCodes},
		{Use: "files", Short: "Files", Long: helpFiles},
	}
}
