package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// TestHelpIsNarrow: the help of each command fits a terminal of 100 columns. The lines that install completion are for pasting.
func TestHelpIsNarrow(t *testing.T) {
	t.Parallel()
	root := newRootCommand(&app{now: time.Now, getenv: func(string) string { return "" }})
	var read func(*cobra.Command)
	read = func(cmd *cobra.Command) {
		var help strings.Builder
		root.SetOut(&help)
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(help.String()) {
			if len([]rune(line)) > helpWidth+1 && cmd.Name() != "completion" {
				t.Errorf("%s: %s", cmd.CommandPath(), line)
			}
		}
		for _, sub := range cmd.Commands() {
			read(sub)
		}
	}
	read(root)
}

// TestRemediesExist looks at every text in the source that tells somebody to run this program:
// the command has to exist.
func TestRemediesExist(t *testing.T) {
	t.Parallel()
	root := newRootCommand(&app{now: time.Now, getenv: func(string) string { return "" }})
	command := regexp.MustCompile(`aws-mfa-creds ([a-z]+)`)
	seen := 0
	for _, dir := range []string{"../../internal", "."} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				literal, ok := n.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				for _, match := range command.FindAllStringSubmatch(literal.Value, -1) {
					verb := match[1]
					if verb == "is" || verb == "session" { // "aws-mfa-creds is ...", a salt
						continue
					}
					seen++
					if found, _, err := root.Find([]string{verb}); err != nil || found == root {
						t.Errorf("%s tells to run aws-mfa-creds %s, which does not exist", path, verb)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 5 {
		t.Errorf("only %d texts were found", seen)
	}
}
