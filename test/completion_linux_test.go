package test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// TestCompletions asks for completions as the scripts do: files are offered only where a file is wanted.
func TestCompletions(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	if err := b.AddConfig("[profile sso]\nregion = us-east-1\n"); err != nil {
		t.Fatal(err)
	}
	const files, none = ":0", ":4"
	stores := slices.Sorted(slices.Values(keystore.Kinds()))
	for line, want := range map[string]string{
		"code ":                        "work " + none,
		"code w":                       "work " + none,
		"code work ":                   none,
		"code -p work ":                none,
		"code -p ":                     "work " + none,
		"code --profile=":              "work " + none,
		"rotate key ":                  "work " + none,
		"list ":                        "work " + none,
		"get ":                         none,
		"get --profile ":               "work " + none,
		"setup ":                       "sso work " + none,
		"register --source-profile ":   "sso work " + none,
		"register --assume-by ":        "helper sdk " + none,
		"register --output ":           "json table text yaml yaml-stream " + none,
		"store move --to ":             strings.Join(stores, " ") + " " + none,
		"add --seed-store ":            strings.Join(stores, " ") + " " + none,
		"setup --region ":              none,
		"setup --access-key-file ":     files,
		"export --png ":                files,
		"add --mfa-process ":           files,
		"completion ":                  "bash fish powershell zsh " + none,
		"exec ":                        "work " + none,
		"exec work ":                   none,
		"exec -- ":                     files,
		"exec work -- ls ":             files,
		"env --format ":                "cmd dotenv fish github json powershell sh " + none,
		"serve work ":                  "work " + none,
		"version ":                     none,
		"nonsense ":                    none,
		"rotate x":                     none,
		"help rotate ":                 "device key " + none,
		"rotate ":                      "device key " + none,
		"code --wat":                   "--watch " + none,
		"aws-mfa-creds-does-not-exist": none,
	} {
		words := strings.Split(line, " ")
		got := run(t, b, nil, b.Binary, append([]string{"__complete"}, words...)...)
		var names []string
		for name := range strings.Lines(got.stdout) {
			name, _, _ = strings.Cut(strings.TrimSpace(name), "\t")
			names = append(names, name)
		}
		slices.Sort(names[:len(names)-1])
		if strings.Join(names, " ") != want || strings.Contains(got.stdout, "`") {
			t.Errorf("%q: %q, want %q", line, got.stdout, want)
		}
	}
}

// A line that is not run before Enter, though completed.
const harmful = `'; touch ran' $(touch ran) > ran --wat`

func hasNotRun(t *testing.T, b *testbed.Bed) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(b.Home(), "ran")); err == nil {
		t.Error("Tab ran a part of the line")
	}
}

// TestCompletionInShells runs, on a new HOME, the line of the help for each shell, and completes in a new
// shell. bash is tried without the package bash-completion, and with it.
func TestCompletionInShells(t *testing.T) {
	t.Parallel()
	const packaged = "/usr/share/bash-completion/bash_completion"
	for name, c := range map[string]struct{ shell, rc string }{
		"bash":                      {"bash", "PS1='ready> '\n"},
		"bash with bash-completion": {"bash", "PS1='ready> '\n. " + packaged + "\n"},
		"zsh":                       {"zsh", "unsetopt prompt_sp\nPS1='ready> '\n"},
		"fish":                      {"fish", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := need(t, c.shell, "apt-get install zsh fish bash-completion")
			if strings.Contains(c.rc, packaged) {
				if _, err := os.Stat(packaged); err != nil {
					t.Skip("needs the package bash-completion")
				}
			}
			b := bed(t, testbed.Options{})
			env := []string{"PATH=" + filepath.Dir(b.Binary) + ":" + os.Getenv("PATH"), "TERM=xterm", "SHELL=" + path}
			writeFile(t, filepath.Join(b.Home(), "."+c.shell+"rc"), c.rc)
			help := run(t, b, nil, b.Binary, "completion", "--help").stdout
			line := regexp.MustCompile(`(?m)^ +# ` + c.shell + `\n +(.*)$`).FindStringSubmatch(help)
			if got := run(t, b, env, path, "-c", line[1]); got.code != 0 {
				t.Fatalf("%s: %s", line[1], got.stderr)
			}
			if c.shell == "fish" {
				if got := run(t, b, env, path, "-c", "complete -C 'aws-mfa-creds code --profile '; complete -C 'aws-mfa-creds rot'"); got.stdout != "work\nrotate\tReplace the access key or the MFA device without losing access\n" {
					t.Errorf("%q %s", got.stdout, got.stderr)
				}
				if got := run(t, b, env, path, "-c", "complete -C $argv", "aws-mfa-creds code "+harmful); !strings.HasPrefix(got.stdout, "--watch\t") {
					t.Errorf("%q %s", got.stdout, got.stderr)
				}
				hasNotRun(t, b)
				return
			}
			cmd := b.Command(t.Context(), path, "-i")
			cmd.Env = append(cmd.Env, env...)
			console, err := terminal.Start(cmd)
			must(t, err)
			for _, typed := range []string{"list --profile w", "list w", "list --profile=w", "li w"} {
				must(t, console.Expect("ready> "))
				must(t, console.Type("aws-mfa-creds "+strings.Replace(typed, "li ", "li\t", 1)+"\t\n"))
				must(t, console.Expect("PROFILE "))
				must(t, console.Expect("work "))
			}
			must(t, console.Expect("ready> "))
			must(t, console.Type("aws-mfa-creds code "+harmful+"\t"))
			must(t, console.Expect("--watch"))
			hasNotRun(t, b)
			must(t, console.Type("\x15exit\n")) // Ctrl-U
			if code, err := console.Wait(); err != nil || code != 0 {
				t.Errorf("exit %d, %v: %q", code, err, console.Shown())
			}
		})
	}
}
