package cli

import (
	"bytes"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

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
