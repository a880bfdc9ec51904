package test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// TestWhichProfile has commands find out which profile they are about, where nobody can be asked.
func TestWhichProfile(t *testing.T) {
	t.Parallel()
	one, two, none := bed(t, testbed.Options{}), bed(t, testbed.Options{}), bed(t, testbed.Options{Bare: true})
	for _, name := range []string{"deploy", "x y"} {
		if err := two.AddProfile(name); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, none.ConfigFile(), "")
	const code = `^\d{6}\n$`
	for _, c := range []struct {
		on     *testbed.Bed
		shell  string // AWS_PROFILE
		run    string
		code   int
		stdout string
		stderr []string
	}{
		{two, "", "code --profile work", 0, code, nil},
		{two, "", "code -p work", 0, code, nil},
		{two, "", "code work", 0, code, nil},
		{two, "", "code -p work deploy", 2, "", []string{`"deploy": is one word too many`}},
		{two, "", "code work deploy", 2, "", []string{`"deploy": is one word too many`}},
		{two, "nonsense", "code work", 0, code, nil},
		{two, "work", "code", 0, code, nil},
		{two, "worx", "code", 3, "", []string{`AWS_PROFILE: profile "worx": does not exist`, `did you mean "work"`}},
		{two, "", "code", 2, "", []string{"code: --profile is missing: name one of deploy, work, x y", "run: aws-mfa-creds code --profile NAME"}},
		{two, "work", "get", 2, "", []string{"get: --profile is missing"}},
		{two, "work", "get work", 2, "", []string{"give --profile work"}},
		{two, "work", "get -p work", 2, "", []string{"-p"}},
		{two, "work", "code --profile=", 2, "", []string{"--profile: is empty"}},
		{two, "work", "register --profile=", 2, "", []string{"--profile: is empty"}},
		{two, "work", "unregister", 2, "", []string{"unregister: --profile is missing: name one of deploy"}},
		{two, "work", "remove --yes", 2, "", []string{"remove: --profile is missing: name one of deploy"}},
		{two, "work", "rotate key --yes", 2, "", []string{"rotate key: --profile is missing: name one of deploy"}},
		{two, "work", "rotate key", 3, "", []string{"profile work: its access key or seed is in the environment"}},
		{two, "work", "clear", 0, "for profile work", nil},
		{two, "work", "clear --all", 0, "Deleted 0 sessions", nil},
		{two, "work", "list deploy", 0, "deploy", nil},
		{two, "work", "list", 0, "deploy", nil},
		{none, "fresh", "setup", 2, "", []string{"give --access-key-file FILE"}},
		{two, "work", "exec -- printenv AWS_ACCESS_KEY_ID", 0, "^ASIA", nil},
		{two, "", "exec work -- printenv AWS_ACCESS_KEY_ID", 0, "^ASIA", nil},
		{two, "", "exec -- true", 2, "", []string{"exec: --profile is missing: name one of deploy"}},
		{two, "", "env work --format json", 0, "ASIA", nil},
		{two, "", "console", 2, "", []string{"console: --profile is missing: name one of deploy"}},
		{two, "", "serve", 2, "", []string{"serve: --profile is missing: name one of deploy"}},
		{one, "", "env --format json", 0, "ASIA", nil},
		{one, "", "code", 0, code, nil},
		{one, "", "clear", 0, "profile work", nil},
		{one, "", "unregister", 2, "", []string{"--profile is missing: name one of work"}},
		{one, "", "remove --yes", 2, "", []string{"--profile is missing: name one of work"}},
		{one, "", "setup --yes", 2, "", []string{"run: aws-mfa-creds setup --profile NAME"}},
		{one, "work", "add --from-env --yes", 2, "", []string{"run: aws-mfa-creds add --profile NAME"}},
		{one, "", "add --from-env", 2, "", []string{"run: aws-mfa-creds add --profile NAME"}},
		{none, "", "code", 2, "", []string{"code: there is no profile yet", "run: aws-mfa-creds setup"}},
		{none, "", "store move --to age", 2, "", []string{"store move: there is no profile yet"}},
	} {
		got := run(t, c.on, []string{"AWS_PROFILE=" + c.shell}, "setsid", append([]string{"--wait", c.on.Binary}, strings.Fields(c.run)...)...)
		if got.code != c.code || !regexp.MustCompile(c.stdout).MatchString(got.stdout) {
			t.Errorf("AWS_PROFILE=%s %s: exit %d, want %d: %s%s", c.shell, c.run, got.code, c.code, got.stdout, got.stderr)
		}
		for _, word := range c.stderr {
			if !strings.Contains(got.stderr, word) {
				t.Errorf("AWS_PROFILE=%s %s: no %q in %q", c.shell, c.run, word, got.stderr)
			}
		}
	}
}

// TestPickProfile chooses one of several profiles at the terminal, in all the ways, or none.
func TestPickProfile(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	for _, name := range []string{"2", "deploy", "develop"} {
		if err := b.AddProfile(name); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		run, typed string
		code       int
		says       string
	}{
		"number":          {"clear", "4\n", 0, "for profile work"},
		"name":            {"clear", "deploy\n", 0, "for profile deploy"},
		"name of digits":  {"clear", "2\n", 0, "for profile 2"},
		"beginning":       {"clear", "w\n", 0, "for profile work"},
		"corrected":       {"clear", "de\nx\ndev\n", 0, "for profile develop"},
		"never":           {"clear", "de\n\n0\n", 2, "is none of the profiles, or the beginning of several"},
		"Ctrl-C":          {"clear", "\x03", 130, ""},
		"Ctrl-D":          {"clear", "\x04", 2, "nothing was entered"},
		"of unregister":   {"unregister --dry-run", "w\n", 0, "-credential_process"},
		"to be confirmed": {"remove --yes", "d\ndep\n", 0, "Nothing is stored for profile deploy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := b.Command(t.Context(), b.Binary, strings.Fields(c.run)...)
			cmd.Env = append(cmd.Env, "AWS_PROFILE=")
			console, err := terminal.Start(cmd)
			must(t, err)
			must(t, console.Expect("  4  work\r\nProfile (its number, or the beginning of its name): "))
			must(t, console.Type(c.typed))
			must(t, console.Expect(c.says))
			if code, err := console.Wait(); err != nil || code != c.code {
				t.Errorf("exit %d, %v: %q", code, err, console.Shown())
			}
		})
	}
}
