package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/child"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/term"
)

type envOptions struct {
	handedOut
	format string
	unset  bool
}

func newEnvCommand(a *app) *cobra.Command {
	var o envOptions
	cmd := &cobra.Command{
		Use:   "env [NAME]",
		Short: "Print the session as environment variables, for your shell or a file",
		Long: `Print the session of a profile as environment variables, in the form of your shell or in another
format. They are secret: have your shell read them, as in the examples. Variables that lead to other
credentials, such as another AWS_PROFILE, are unset.

    sh          export lines for sh, bash and zsh
    fish        set -gx lines
    powershell  $Env: lines
    cmd         set lines
    dotenv      NAME=value, for docker run --env-file
    json        one object
    github      masks the values in the log of a GitHub Actions job, appends them to $GITHUB_ENV

A session in variables is not renewed. For a single command use exec, which leaves nothing behind in
your shell.`,
		Example: `  eval "$(aws-mfa-creds env --profile work)"
  eval "$(aws-mfa-creds env --unset)"
  aws-mfa-creds env work --format fish | source
  aws-mfa-creds env work --format powershell | Out-String | Invoke-Expression
  for /f "delims=" %i in ('aws-mfa-creds env work --format cmd') do @%i
  docker run --env-file <(aws-mfa-creds env --profile work --format dotenv) amazon/aws-cli s3 ls`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runEnv(cmd.Context(), a, o) },
	}
	sessionFlags(cmd, &o.handedOut)
	cmd.Flags().StringVar(&o.format, "format", "", "`FORMAT`: sh, fish, powershell, cmd, dotenv, json or github (default: that of your shell)")
	cmd.Flags().BoolVar(&o.unset, "unset", false, "print the lines that unset the variables again")
	complete(cmd, "format", func() []string { return formats })
	return cmd
}

var formats = []string{"sh", "fish", "powershell", "cmd", "dotenv", "json", "github"} //nolint:gochecknoglobals // a constant

func runEnv(ctx context.Context, a *app, o envOptions) error {
	o.format = a.formatOf(o.format)
	form := dialects()[o.format]
	switch {
	case !slices.Contains(formats, o.format):
		return fault.New(fault.Usage, "--format", "give one of "+strings.Join(formats, ", "), "%q is not known", o.format)
	case o.unset && form.unset == "":
		return fault.New(fault.Usage, "--unset", "leave it out, or give --format sh", "%s is not the format of a shell", o.format)
	case o.format == "github" && a.getenv("GITHUB_ENV") == "":
		return fault.New(fault.Usage, "--format github", "run it in a job of GitHub Actions", "GITHUB_ENV is not set")
	case o.unset:
		return a.print([]byte(form.unsets(append(child.OfSession(), "AWS_REGION", "AWS_DEFAULT_REGION"))))
	}
	misleading := slices.DeleteFunc(child.Misleading(), func(name string) bool {
		value := a.getenv(name)
		return value == "" || value == o.Profile && o.Flags.RoleARN == "" // the same session, by another way
	})
	if o.format == "github" && slices.Contains(misleading, "AWS_PROFILE") { // the JavaScript SDK lets it go first
		return fault.New(fault.Usage, "AWS_PROFILE", "", "names %s, and GITHUB_ENV cannot unset it: later steps could use that instead", strconv.Quote(a.getenv("AWS_PROFILE")))
	}
	variables, err := a.sessionVariables(ctx, o.handedOut)
	if err != nil {
		return err
	}
	switch o.format {
	case "json":
		all := make(map[string]string)
		for _, v := range variables {
			all[v[0]] = v[1]
		}
		return a.printJSON(all)
	case "github":
		return a.toGitHub(variables)
	}
	text, err := form.sets(variables)
	if err != nil {
		return err
	}
	if term.Is(a.stdout) {
		defer fmt.Fprintf(a.stderr, "%s: this is secret; %s env --help has examples of how your shell reads it\n", program, program)
	}
	return a.print([]byte(text + form.unsets(misleading)))
}

// formatOf returns the format that is asked for, or that of the shell that runs this program, or of the user's.
func (a *app) formatOf(asked string) string {
	if asked == "" {
		parent, _ := os.ReadFile("/proc/" + strconv.Itoa(os.Getppid()) + "/comm")
		usual := map[bool]string{true: "powershell", false: "sh"}[runtime.GOOS == "windows"]
		asked = cmp.Or(shellOf(strings.TrimSpace(string(parent))), shellOf(a.getenv("SHELL")), usual)
	}
	return cmp.Or(shellOf(asked), asked)
}

// shellOf returns the format of a shell, or "".
func shellOf(path string) string {
	switch strings.TrimPrefix(filepath.Base(path), "-") {
	case "sh", "bash", "zsh", "dash", "ash", "ksh", "mksh":
		return "sh"
	case "fish":
		return "fish"
	case "pwsh", "powershell":
		return "powershell"
	}
	return ""
}

// dialect is how a shell or a file has variables.
type dialect struct {
	set   string            // a form of fmt for the name and the quoted value
	unset string            // a form of fmt for the name; "": it cannot
	quote *strings.Replacer // of the value; nil: there is no way to quote it
}

func dialects() map[string]dialect {
	return map[string]dialect{
		"sh":         {"export %s='%s'\n", "unset %s\n", strings.NewReplacer("'", `'\''`)},
		"fish":       {"set -gx %s '%s';\n", "set -e %s;\n", strings.NewReplacer(`\`, `\\`, "'", `\'`)},
		"powershell": {"$Env:%s = '%s'\n", "$Env:%s = $null\n", strings.NewReplacer("'", "''")},
		"cmd":        {"set \"%s=%s\"\n", "set \"%s=\"\n", nil},
		"dotenv":     {"%s=%s\n", "", nil},
	}
}

// sets returns what sets variables. Their values are printable ASCII.
func (d dialect) sets(variables [][2]string) (text string, err error) {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=_.:-"
	for _, v := range variables {
		name, value := v[0], v[1]
		if d.quote != nil {
			value = d.quote.Replace(value)
		} else if strings.Trim(value, plain) != "" {
			return "", fault.New(fault.Usage, name, "give --format json", "its value has characters that this format cannot quote")
		}
		text += fmt.Sprintf(d.set, name, value)
	}
	return text, nil
}

func (d dialect) unsets(names []string) (text string) {
	for _, name := range names {
		text += fmt.Sprintf(d.unset, name)
	}
	return text
}

// toGitHub has the runner of GitHub Actions mask the secrets, and only then appends the variables to the file that it
// gives the later steps. The delimiter is one that no value can have.
func (a *app) toGitHub(variables [][2]string) error {
	path, masks, text, end := a.getenv("GITHUB_ENV"), "", "\n", rand.Text()
	for _, v := range variables {
		if slices.Contains(child.OfSession()[:3], v[0]) {
			masks += "::add-mask::" + strings.ReplaceAll(v[1], "%", "%25") + "\n"
		}
		text += v[0] + "<<" + end + "\n" + v[1] + "\n" + end + "\n"
	}
	if err := a.print([]byte(masks)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0) //nolint:gosec // the runner's own
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fault.New(fault.Filesystem, path, "", "cannot be written: %s", securefile.Reason(err))
	}
	return nil
}
