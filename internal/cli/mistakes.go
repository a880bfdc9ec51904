package cli

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// mistake puts what cobra and pflag refuse of a command line into words: what is wrong, and what to type.
func mistake(cmd *cobra.Command, args []string, err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	for len(args) > 0 && args[0] == "--debug" {
		args = args[1:]
	}
	help := "run: " + cmd.CommandPath() + " --help"
	if rest := args[min(len(args), strings.Count(cmd.CommandPath(), " ")):]; cmd.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return unknownCommand(cmd, rest[0]) // whose flags cobra complains of
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(cmd, unknown)
	}
	if lacking, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		name, _ := pflag.UnquoteUsage(lacking.GetFlag())
		return fault.New(fault.Usage, "--"+lacking.GetFlag().Name, "give --"+lacking.GetFlag().Name+" "+name, "needs a value")
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if name, _ := pflag.UnquoteUsage(invalid.GetFlag()); name != "" {
			return fault.New(fault.Usage, "--"+invalid.GetFlag().Name, help, "%q is not a %s", profile.Shorten(invalid.GetValue()), name)
		}
		return fault.New(fault.Usage, "--"+invalid.GetFlag().Name, "give it without =", "takes no value")
	}
	if bad, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return fault.New(fault.Usage, strconv.Quote(profile.Shorten(bad.GetSpecifiedFlag())), help, "is no flag")
	}
	return inGroup(err, help)
}

// oneDash refuses a flag that lacks its second dash: pflag takes -profile for -p with the value rofile.
func oneDash(root *cobra.Command, args []string) error {
	cmd, _, _ := root.Find(args) // or else the nearest
	for _, arg := range args {
		if arg == "--" {
			break
		}
		word, dash := strings.CutPrefix(arg, "-")
		if name, _, _ := strings.Cut(word, "="); dash && len(name) > 1 && cmd.Flags().Lookup(name) != nil {
			return fault.New(fault.Usage, "-"+name, "write --"+name, "lacks a dash")
		}
	}
	return nil
}

// unknownFlag names the flag that was probably meant: one that is spelled alike, or begins with the letter.
func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	var names, begin []string
	name, dashes := unknown.GetSpecifiedName(), "--"
	if unknown.GetSpecifiedShortnames() != "" {
		name, dashes = unknown.GetSpecifiedShortnames(), "-"
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		names = append(names, f.Name)
		if dashes == "-" && strings.HasPrefix(f.Name, name[:1]) {
			begin = append(begin, f.Name)
		}
	})
	help := "run: " + cmd.CommandPath() + " --help"
	if near := append(profile.Nearest(names, name, 1), begin...); len(near) > 0 {
		help = "did you mean --" + near[0] + "? or run: " + cmd.CommandPath() + " --help"
	} else if cmd.Name() == "exec" {
		help = "if it is of the command, write -- before that; or run: " + cmd.CommandPath() + " --help"
	}
	return fault.New(fault.Usage, "", help, "unknown flag: %s", profile.Shorten(dashes+name))
}

// unknownCommand names the command that was probably meant.
func unknownCommand(cmd *cobra.Command, word string) error {
	var names []string
	for _, sub := range cmd.Commands() {
		if strings.Contains(word[:min(2, len(word))], sub.Name()[:1]) { // nobody means code by nope
			names = append(names, sub.Name())
		}
	}
	help := "run: " + cmd.CommandPath() + " --help"
	if near := profile.Nearest(names, word, 1); len(near) > 0 {
		help = "did you mean " + near[0] + "? run: " + cmd.CommandPath() + " " + near[0] + " --help"
	}
	return fault.New(fault.Usage, "", help, "unknown command %q for %q", profile.Shorten(word), cmd.CommandPath())
}

// noArguments makes cmd and its commands refuse arguments, unless they say what they take.
func noArguments(cmd *cobra.Command) {
	if cmd.Args == nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			_, args = cutNames(cmd, args)
			switch {
			case len(args) == 0:
				return nil
			case cmd.HasSubCommands():
				return unknownCommand(cmd, args[0])
			case unnamed(cmd) == unnamedNone && !cmd.Flags().Changed("profile"):
				return fault.New(fault.Usage, strconv.Quote(args[0]), "give --profile "+fault.Shell(args[0]), "stands alone")
			}
			return fault.New(fault.Usage, strconv.Quote(args[0]), "leave it out", "is one word too many")
		}
	}
	for _, sub := range cmd.Commands() {
		noArguments(sub)
	}
}

// inGroup rewords what cobra says of flags that exclude or need each other. Nothing else is left to be said.
func inGroup(err error, remedy string) error {
	flags := func(form string) string {
		found := regexp.MustCompile(form).FindStringSubmatch(err.Error())
		if found == nil {
			return ""
		}
		return "--" + strings.ReplaceAll(found[1], " ", ", --")
	}
	if both := flags(`; \[([^]]+)\] were all set`); both != "" {
		return fault.New(fault.Usage, both, "give one of them", "exclude each other")
	}
	if lacking := flags(`; missing \[([^]]+)\]`); lacking != "" {
		return fault.New(fault.Usage, lacking, "give it, too", "is missing")
	}
	if some := flags(`in the group \[([^]]+)\] is required`); some != "" {
		return fault.New(fault.Usage, some, remedy, "one of them is needed")
	}
	return fault.New(fault.Usage, "", remedy, "the command line cannot be understood")
}

// needsFlag marks a flag that does nothing without another.
const needsFlag = "aws-mfa-creds-needs"

// needs has flags of cmd refused without the flag other, rather than passed over.
func needs(cmd *cobra.Command, other string, names ...string) {
	annotate(cmd, needsFlag, other, names...)
}

// checkFlags refuses flags that are given and empty, such as --role-arn "$ROLE" without that variable: passed
// over, it would ask for another session than the one that was meant. For register it removes a setting. It
// refuses flags without the one that they belong to, and to read stdin more than once: the second flag would
// find nothing there.
func checkFlags(cmd *cobra.Command) (err error) {
	var stdin []string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, value := range values {
			if value == "-" && strings.HasSuffix(f.Name, "-file") {
				stdin = append(stdin, "--"+f.Name)
			}
		}
		if slices.Contains(values, "") && (f.Name == "profile" || cmd.Name() != "register") {
			err = fault.New(fault.Usage, "--"+f.Name, "give it a value, or leave it out", "is empty")
		}
		if other := f.Annotations[needsFlag]; other != nil && !cmd.Flags().Changed(other[0]) {
			err = fault.New(fault.Usage, "--"+f.Name, "give --"+other[0]+", too, or leave it out", "does nothing without --%s", other[0])
		}
	})
	if len(stdin) > 1 {
		return fault.New(fault.Usage, strings.Join(stdin, ", "), "give a file for all but one of them", "cannot both read stdin")
	}
	return err
}
