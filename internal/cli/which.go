package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// whenUnnamed is the annotation of --profile that says what a command is about if nobody names a profile.
const whenUnnamed = "aws-mfa-creds-unnamed"

const (
	unnamedDefault = "default" // the profile of AWS_PROFILE, or the only one, or the one that a person chooses
	unnamedChosen  = "chosen"  // the one that a person chooses: the command takes something away, and does not ask
	unnamedNew     = "new"     // the profile of AWS_PROFILE, or a name that a person enters: it may not exist yet
	unnamedAll     = "all"     // all of them
	unnamedNone    = "none"    // it has to be named, with --profile: get is called by programs
)

// profileFlag adds --profile to a command that is about one profile, which exists.
func profileFlag(cmd *cobra.Command, value *string) {
	namingFlag(cmd, value, unnamedDefault)
}

// namingFlag adds --profile to cmd. unnamed says what it is about without.
func namingFlag(cmd *cobra.Command, value *string, unnamed string) {
	short := "p"
	if unnamed == unnamedNone {
		short = ""
	}
	cmd.Flags().StringVarP(value, "profile", short, "", "`NAME` of the profile")
	annotate(cmd, whenUnnamed, unnamed, "profile")
}

// unnamed returns what the annotation of cmd's --profile says, or "" if it has no such flag.
func unnamed(cmd *cobra.Command) string {
	if f := cmd.Flags().Lookup("profile"); f != nil && f.Annotations[whenUnnamed] != nil {
		return f.Annotations[whenUnnamed][0]
	}
	return ""
}

// mostNames returns how many names of profiles cmd takes as arguments, those that are left.
func mostNames(cmd *cobra.Command) int {
	how := unnamed(cmd)
	if how == "" || how == unnamedNone || cmd.Flags().Changed("profile") {
		return 0
	}
	if _, several := cmd.Flags().Lookup("profile").Value.(pflag.SliceValue); several {
		return math.MaxInt
	}
	return 1
}

// cutNames cuts the arguments of cmd into the names of profiles and the rest. None is behind --.
func cutNames(cmd *cobra.Command, args []string) (names, rest []string) {
	most := min(mostNames(cmd), len(args))
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		most = min(most, dash)
	}
	return args[:most], args[most:]
}

// nameProfile takes the name of the profile from the arguments, if it is there.
func nameProfile(cmd *cobra.Command, args []string) (err error) {
	names, _ := cutNames(cmd, args)
	for _, name := range names {
		err = errors.Join(err, cmd.Flags().Set("profile", name))
	}
	return err
}

// chooseProfile is the one place that decides which profile a command is about, if it is not named: that of
// AWS_PROFILE, or the only one that this program serves, or the one that a person chooses. What cannot be
// undone is never done to a profile that nobody has named or confirmed: with --yes, only setup has a default.
func (a *app) chooseProfile(cmd *cobra.Command) (err error) {
	how, yes := unnamed(cmd), cmd.Flags().Lookup("yes")
	if how == "" || how == unnamedAll || slices.ContainsFunc([]string{"profile", "all", "unset"}, cmd.Flags().Changed) {
		return nil
	}
	verb := strings.TrimPrefix(cmd.CommandPath(), program+" ")
	missing := fault.New(fault.Usage, verb, "run: "+program+" "+verb+" --profile NAME", "--profile is missing")
	if how == unnamedNone {
		return missing
	}
	files, err := a.loadFiles()
	if err != nil {
		return err
	}
	silent := how != unnamedChosen && (yes == nil || !yes.Changed || cmd.Name() == "setup")
	name, served := a.getenv("AWS_PROFILE"), files.Served()
	switch env, _ := a.host().Env(); {
	case silent && name != "":
		err = a.profileOfShell(files, name, how)
	case how == unnamedNew:
		name, err = a.askProfile(cmd, nil, missing)
	case silent && len(served) == 1:
		name = served[0]
	case len(served) > 0:
		missing.Cause += ": name one of " + strings.Join(served, ", ")
		name, err = a.askProfile(cmd, served, missing)
	case env.Identity: // any name will do
		return missing
	default:
		return fault.New(fault.Usage, verb, "run: "+program+" setup", "there is no profile yet")
	}
	if err != nil {
		return err
	}
	return cmd.Flags().Set("profile", name)
}

// profileOfShell checks that the profile that AWS_PROFILE names is there. how is what its command does with it.
func (a *app) profileOfShell(files *profile.Files, name, how string) error {
	if how == unnamedNew || slices.Contains(files.Names(), name) {
		return nil
	}
	env, err := a.host().Env()
	if err == nil {
		_, err = files.Resolve(profile.Call{Profile: name}, env)
	}
	if bad, ok := errors.AsType[*fault.Error](err); ok {
		return fault.New(bad.Kind, "AWS_PROFILE: "+bad.Thing, bad.Remedy, "%s", bad.Cause)
	}
	return err
}

// askProfile has a person choose one of names, or enter a new name if there are none. Without a terminal it
// fails with missing.
func (a *app) askProfile(cmd *cobra.Command, names []string, missing error) (name string, err error) {
	prompt := "Name of the profile"
	check := func(text string) (string, error) { return text, profile.CheckName(text) }
	if len(names) > 0 {
		prompt = "Profile (its number, or the beginning of its name)"
		check = func(text string) (string, error) { return picked(names, text) }
	}
	err = a.interactive(func(ctx context.Context) error {
		if !a.ask.present() {
			return missing
		}
		for i, name := range names {
			fmt.Fprintf(a.ask.terminal, "%3d  %s\n", i+1, fault.Printable(name))
		}
		name, err = insist(ctx, &a.ask, a.ask.line, prompt, "--profile NAME", check)
		return err
	})(cmd, nil)
	return name, err
}

// picked returns the one of names that was meant: by its whole name, its number, or a beginning that no
// other has.
func picked(names []string, text string) (string, error) {
	if slices.Contains(names, text) {
		return text, nil
	}
	if i, err := strconv.Atoi(text); err == nil && 1 <= i && i <= len(names) {
		return names[i-1], nil
	}
	near := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return text == "" || !strings.HasPrefix(name, text) })
	if len(near) == 1 {
		return near[0], nil
	}
	return "", fault.New(fault.Usage, strconv.Quote(profile.Shorten(text)), "", "is none of the profiles, or the beginning of several")
}
