package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cli"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// written returns a directory with all pages and scripts.
func written(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := write([]string{dir, "v1.2.3"}, "1700000000"); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestEveryCommandHasAPage with the sections that people look for.
func TestEveryCommandHasAPage(t *testing.T) {
	t.Parallel()
	dir := written(t)
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		sections := []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"}
		if !cmd.HasSubCommands() && cmd.GroupID != "" {
			sections = append(sections, "FILES", "ENVIRONMENT")
		}
		page, err := os.ReadFile(filepath.Join(dir, "man", title(cmd)+".1"))
		if cmd.IsAdditionalHelpTopicCommand() != os.IsNotExist(err) {
			t.Errorf("%s: %v", cmd.CommandPath(), err)
		}
		for _, section := range sections {
			if err == nil && !strings.Contains(string(page), "\n.SH "+section+"\n") {
				t.Errorf("%s has no %s", title(cmd), section)
			}
		}
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	check(cli.Commands(nil))
}

// TestPagesAreReproducible: two runs give the same bytes.
func TestPagesAreReproducible(t *testing.T) {
	t.Parallel()
	one, err := pages("1700000000", "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	other, err := pages("1700000000", "v1.2.3")
	if err != nil || !maps.Equal(one, other) || !strings.Contains(one[filepath.Join("man", "aws-mfa-creds.1")], " 2023-11-14 ") {
		t.Errorf("two runs differ, or have another date: %v", err)
	}
	for _, script := range []string{"bash/aws-mfa-creds", "zsh/_aws-mfa-creds", "fish/aws-mfa-creds.fish"} {
		if len(one[filepath.Join("completions", filepath.FromSlash(script))]) < 1000 {
			t.Errorf("no completion %s", script)
		}
	}
}

// TestPagesAreWellFormed: the formatters that are installed find nothing wrong.
func TestPagesAreWellFormed(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join(written(t), "man", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, formatter := range [][]string{{"mandoc", "-T", "lint", "-W", "warning"}, {"groff", "-ww", "-z", "-man", "-Tutf8"}} {
		t.Run(formatter[0], func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(formatter[0]); err != nil {
				if os.Getenv("CI") == "true" && runtime.GOOS == "linux" {
					t.Fatal("not installed")
				}
				t.Skip("not installed: apt-get install mandoc groff-base")
			}
			if said, err := exec.Command(formatter[0], append(formatter[1:], pages...)...).CombinedOutput(); err != nil || len(said) > 0 {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
}

// TestDocsSayWhatHelpSays: docs/behavior.md has each variable and file that help has, and the same exit codes.
func TestDocsSayWhatHelpSays(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "behavior.md"))
	if err != nil {
		t.Fatal(err)
	}
	root := cli.Commands(nil)
	for _, topic := range []string{"files", "environment", "exit-codes"} {
		for _, item := range regexp.MustCompile(`(?m)^    (\S.*?)(?:  +(.*))?$`).FindAllStringSubmatch(called(root, topic).Long, -1) {
			for term := range strings.SplitSeq(item[1], ", ") {
				want := "`" + term + "`"
				if code, err := strconv.Atoi(term); err == nil && code < 128 {
					want = "| " + term + " | " + item[2] + " |"
				} else if err == nil {
					want = item[2]
				}
				if !strings.Contains(string(docs), want) {
					t.Errorf("docs/behavior.md has no %s", want)
				}
			}
		}
	}
}

// TestContractHasTheFieldsOfTheJSON that get prints, and no others.
func TestContractHasTheFieldsOfTheJSON(t *testing.T) {
	t.Parallel()
	printed, err := creds.Credentials{AccessKeyID: "ASIA", SecretAccessKey: creds.NewSecret("secret"), SessionToken: creds.NewSecret("token"), Expiration: time.Unix(1800000000, 0)}.ProcessJSON()
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(printed, &fields); err != nil {
		t.Fatal(err)
	}
	output, _, _ := strings.Cut(contract[strings.Index(contract, "OUTPUT"):], "\n\n\n")
	for _, item := range regexp.MustCompile(`(?m)^    ([A-Z]\w+) {2}`).FindAllStringSubmatch(output, -1) {
		if _, ok := fields[item[1]]; !ok {
			t.Errorf("get prints no %s", item[1])
		}
		delete(fields, item[1])
	}
	for field := range fields {
		t.Errorf("the page has no %s", field)
	}
}
