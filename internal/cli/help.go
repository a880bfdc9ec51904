package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is the longest line of a help text, in characters.
const helpWidth = 100

// rareFlag marks a flag that help shows under a heading of its own, after the common ones.
const rareFlag = "aws-mfa-creds-rare"

// rare moves flags of cmd down to the second heading of its help.
func rare(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.Flags().SetAnnotation(name, rareFlag, []string{"true"}); err != nil {
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
