package cli

import (
	_ "embed" // the pages of help
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Commands returns the command program with all others, and the topics of help, for those who write them down
// in another form. What a command prints goes to stdout.
func Commands(stdout io.Writer) *cobra.Command {
	return newRootCommand(&app{stdout: stdout, stderr: io.Discard, getenv: func(string) string { return "" }})
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
