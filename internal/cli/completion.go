package cli

import (
	"bytes"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
)

func newCompletionCommand(a *app) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a completion script for your shell",
		Long: `Print a script that completes commands, flags, and the names of profiles and stores. To have it in
every new shell, run the line for your shell once:

    # bash
    echo 'eval "$(aws-mfa-creds completion bash)"' >> ~/.bashrc
    # zsh
    echo 'autoload -U compinit; compinit -i; eval "$(aws-mfa-creds completion zsh)"' >> ~/.zshrc
    # fish
    mkdir -p ~/.config/fish/completions; aws-mfa-creds completion fish > ~/.config/fish/completions/aws-mfa-creds.fish
    # PowerShell
    New-Item -Force -ItemType Directory (Split-Path $PROFILE); Add-Content $PROFILE 'aws-mfa-creds completion powershell | Out-String | Invoke-Expression'`,
		Example: `  eval "$(aws-mfa-creds completion bash)"
  aws-mfa-creds completion powershell | Out-String | Invoke-Expression`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells, args[0]) {
				return fault.New(fault.Usage, "completion", "run: "+program+" completion bash", "name one shell: bash, zsh, fish or powershell")
			}
			return nil
		},
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			var script bytes.Buffer
			generate := map[string]func() error{
				"bash":       func() error { return cmd.Root().GenBashCompletionV2(&script, true) },
				"zsh":        func() error { return cmd.Root().GenZshCompletion(&script) },
				"fish":       func() error { return cmd.Root().GenFishCompletion(&script, true) },
				"powershell": func() error { return cmd.Root().GenPowerShellCompletionWithDesc(&script) },
			}
			if err := generate[args[0]](); err != nil {
				return fault.New(fault.Internal, "completion "+args[0], "", "%v", err)
			}
			return a.print([]byte(withoutEval(script.String())))
		},
	}
}

// withoutEval has a script of cobra ask the program with the words of the command line, as they are. It would
// evaluate the line, so that Tab runs a $(command) in it, writes to the file behind >, and in fish runs what
// follows a ; in quotes.
func withoutEval(script string) string {
	return strings.NewReplacer(
		`eval "${requestComp}"`, `eval "${words[0]}"' __complete "${args[@]}"'`, // bash
		`eval ${requestComp}`, `eval "${words[1]}"' __complete "${(@)words[2,-1]}"'`, // zsh
		`"${=words[1,CURRENT]}"`, `"${(@)words[1,CURRENT]}"`, // also of zsh: words in quotes stay together
		`__complete $args[2..-1] $lastArg"`, `__complete "(string escape -- $args[2..-1] (commandline -ct) | string join " ")`, // fish
		`_get_comp_words_by_ref "$@" cur prev words cword`, splitWords,
	).Replace(script)
}

// The script for bash gets the words of the command line with a function of the package bash-completion, or
// else with splitWords: that joins what bash has split at characters such as = and :.
const splitWords = `local i word rest=$COMP_LINE
    words=() cword=-1
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((cword >= 0)) && [[ $rest != [[:space:]]* ]]; then
            words[cword]+=$word
        else
            words[++cword]=$word
        fi
        rest=${rest#"${rest%%[![:space:]]*}"}
        rest=${rest#"$word"}
    done
    cur=${words[cword]} prev=${words[cword-1]}`

// complete has the shell complete a flag with names.
func complete(cmd *cobra.Command, flag string, names func() []string) {
	completion := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names(), cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, completion); err != nil {
		panic(err) // the flag was defined just now
	}
}

// completions prepares cmd and its commands for a shell that asks for completions: files are among them only
// where one is wanted.
func completions(a *app, cmd *cobra.Command) {
	profiles := func() []string { return a.profileNames(cmd) }
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		var value string
		value, f.Usage = pflag.UnquoteUsage(f) // without the backticks
		switch _, has := cmd.GetFlagCompletionFunc(f.Name); {
		case has || value == "FILE" || value == "PATH" || value == "COMMAND":
		case f.Name == "profile" || f.Name == "source-profile":
			complete(cmd, f.Name, profiles)
		case value == "STORE":
			complete(cmd, f.Name, keystore.Kinds)
		case value != "":
			complete(cmd, f.Name, func() []string { return nil })
		}
	})
	if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 {
		cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			if slices.Contains(a.args[:len(a.args)-1], "--") {
				return nil, cobra.ShellCompDirectiveDefault // of the command that exec runs
			}
			if len(args) < mostNames(cmd) {
				names = profiles()
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		}
	}
	for _, sub := range cmd.Commands() {
		completions(a, sub)
	}
}

// profileNames returns the names of profiles to complete: those that this program serves, or where a profile
// is made, those of the AWS config as well. A shell has no use for an error.
func (a *app) profileNames(cmd *cobra.Command) []string {
	files, err := a.loadFiles()
	switch {
	case err != nil:
		return nil
	case cmd.GroupID == topicSetUp:
		return files.Names()
	}
	return files.Served()
}
