package test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// printableASCII returns all characters of ASCII that can be printed, in an order that seed gives.
func printableASCII(seed uint64) string {
	var all []byte
	for c := byte(' '); c <= '~'; c++ {
		all = append(all, c)
	}
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return string(all)
}

// TestEnvInShells has real shells read what env prints for them, with values that would do harm.
func TestEnvInShells(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	session := ofSession(mustGet(t, b))
	values := []string{"us-east-1", `'; touch harm; '`, "$(touch harm)`touch harm`", `\'\\'`, printableASCII(1), printableASCII(2), printableASCII(3)}
	const sh = `eval "$($B env --profile work --region "$V")" && env -0; eval "$($B env --unset)"; printf '====='; env -0`
	const fish = `$B env --profile work --region "$V" | source; env -0; $B env --unset | source; printf '====='; env -0`
	for shell, script := range map[string]string{"bash": sh, "dash": sh, "zsh": sh, "zsh -o rcquotes": sh, "bash --posix": sh, "fish": fish} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			words := strings.Fields(shell)
			path := need(t, words[0], "apt-get install "+words[0])
			for _, value := range values {
				got := run(t, b, []string{"B=" + b.Binary, "V=" + value, "SHELL=/bin/nologin", "AWS_PROFILE=other", "AWS_SECURITY_TOKEN=x", "AWS_VAULT=work"}, path, append(words[1:], "-c", script)...)
				during, after, _ := strings.Cut(got.stdout, "=====")
				found, left := strings.Split(during, "\x00"), strings.Split(after, "\x00")
				for _, want := range append(slices.Clone(session), "AWS_REGION="+value, "AWS_DEFAULT_REGION="+value, "AWS_VAULT=work") {
					if !slices.Contains(found, want) {
						t.Errorf("%q: %q is not in %q", value, want, found)
					}
				}
				of := func(names ...string) func(string) bool {
					return func(pair string) bool { name, _, _ := strings.Cut(pair, "="); return slices.Contains(names, name) }
				}
				if slices.ContainsFunc(found, of("AWS_PROFILE", "AWS_SECURITY_TOKEN")) || len(left) < 5 ||
					slices.ContainsFunc(left, of("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_REGION", "AWS_DEFAULT_REGION")) {
					t.Errorf("%q: the environment is %q, and with --unset %q", value, found, left)
				}
				if _, err := os.Stat(filepath.Join(b.Home(), "harm")); got.stderr != "" || err == nil {
					t.Errorf("%q: stderr %q, or a command in it was run", value, got.stderr)
				}
			}
		})
	}
}

// TestEnvFormats reads the other formats as their readers do.
func TestEnvFormats(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	session := append(ofSession(mustGet(t, b)), "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1")
	if got := mustRun(t, b, nil, "env", "work", "--format", "dotenv"); got != strings.Join(session, "\n")+"\n" {
		t.Errorf("dotenv: %q", got)
	}
	var all map[string]string
	must(t, json.Unmarshal([]byte(mustRun(t, b, nil, "env", "--format", "json")), &all))
	var found []string
	for name, value := range all {
		found = append(found, name+"="+value)
	}
	if want := slices.Sorted(slices.Values(session)); !slices.Equal(slices.Sorted(slices.Values(found)), want) {
		t.Errorf("json: %q", found)
	}
	if got := mustRun(t, b, []string{"SHELL=/usr/local/bin/fish"}, "env", "work"); !strings.HasPrefix(got, "set -gx ") {
		t.Errorf("from SHELL: %s", got)
	}
	for _, format := range []string{"bash", "zsh"} {
		if got := mustRun(t, b, nil, "env", "work", "--format", format); !strings.HasPrefix(got, "export ") {
			t.Errorf("%s: %s", format, got)
		}
	}
	for _, region := range []string{"a\nEVIL=1", "\x1b[2J", "\xff"} {
		if got := run(t, b, nil, b.Binary, "env", "work", "--format", "sh", "--region", region); got.code != 3 || got.stdout != "" {
			t.Errorf("%q: exit %d: %s", region, got.code, got.stderr)
		}
	}
	wantMints(t, b, 1)
}

// TestEnvForGitHub reads GITHUB_ENV as the runner does, and has files in its place that cannot be written.
func TestEnvForGitHub(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	c := mustGet(t, b)
	file := filepath.Join(b.Dir, "github")
	writeFile(t, file, "BEFORE=1\nOPEN=no newline")
	region := "x<<EOF'\"::set-env name=X::"
	got := mustRun(t, b, []string{"GITHUB_ENV=" + file}, "env", "work", "--format", "github", "--region", region)
	if want := "::add-mask::" + c.AccessKeyID + "\n::add-mask::" + c.SecretAccessKey + "\n::add-mask::" + c.SessionToken + "\n"; got != want {
		t.Errorf("masks: %q", got)
	}
	text, err := os.ReadFile(file)
	must(t, err)
	want := map[string]string{"BEFORE": "1", "OPEN": "no newline", "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
	for _, pair := range ofSession(c) {
		name, value, _ := strings.Cut(pair, "=")
		want[name] = value
	}
	if env := runnerEnv(t, string(text)); !maps.Equal(env, want) {
		t.Errorf("the runner reads %q", env)
	}
	first := slices.IndexFunc(strings.Split(string(text), "\n"), func(line string) bool { return strings.Contains(line, "<<") })
	writeFile(t, file, "")
	mustRun(t, b, []string{"GITHUB_ENV=" + file}, "env", "work", "--format", "github")
	if again, _ := os.ReadFile(file); strings.Contains(string(again), strings.SplitAfter(strings.Split(string(text), "\n")[first], "<<")[1]) {
		t.Error("the delimiter can be guessed")
	}
	for path, code := range map[string]int{"/dev/full": 11, filepath.Join(b.Dir, "missing"): 11, b.Dir: 11, "": 2} {
		if got := run(t, b, []string{"GITHUB_ENV=" + path}, b.Binary, "env", "work", "--format", "github"); got.code != code {
			t.Errorf("%s: exit %d, want %d: %s", path, got.code, code, got.stderr)
		}
	}
	writeFile(t, file, "")
	if got := run(t, b, []string{"GITHUB_ENV=" + file, "AWS_PROFILE=other"}, b.Binary, "env", "work", "--format", "github"); got.code != 2 || got.stdout != "" {
		t.Errorf("beside another AWS_PROFILE: exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	for _, format := range []string{"github", "sh", "json", "dotenv"} {
		if got := run(t, b, []string{"GITHUB_ENV=" + file}, "/bin/sh", "-c", b.Binary+" env work --format "+format+" >/dev/full"); got.code != 1 || !strings.Contains(got.stderr, "stdout: cannot be written") {
			t.Errorf("%s on a full disk: exit %d: %s", format, got.code, got.stderr)
		}
	}
	if text, _ := os.ReadFile(file); len(text) > 0 {
		t.Error("what could not be masked was handed on")
	}
}

// runnerEnv reads a file as the runner of GitHub Actions does (actions/runner, FileCommandManager).
func runnerEnv(t *testing.T, text string) map[string]string {
	t.Helper()
	env := make(map[string]string)
	lines := strings.Split(text, "\n")
	for len(lines) > 0 {
		line := lines[0]
		lines = lines[1:]
		equals, here := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case line == "":
		case equals >= 0 && (here < 0 || equals < here):
			env[line[:equals]] = line[equals+1:]
		case here > 0:
			end := slices.Index(lines, line[here+2:])
			if end < 0 {
				t.Fatalf("no end of %s", line)
			}
			env[line[:here]] = strings.Join(lines[:end], "\n")
			lines = lines[end+1:]
		default:
			t.Fatalf("the runner refuses the line %q", line)
		}
	}
	return env
}
