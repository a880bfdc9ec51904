// Pages writes the manual pages and the completion scripts of the program into a directory, for packages:
//
//	go run ./internal/cli/pages DIR [VERSION]
//
// It makes them of the commands themselves, so that they say what --help says. They are the same for the same
// commit: the date on them is SOURCE_DATE_EPOCH, or else that of the commit.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cli"
)

func main() {
	if err := write(os.Args[1:], os.Getenv("SOURCE_DATE_EPOCH")); err != nil { //nolint:forbidigo // of this program's own process
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1) //nolint:forbidigo // as above
	}
}

// write writes all files below the directory args[0].
func write(args []string, epoch string) error {
	if len(args) == 0 || len(args) > 2 {
		return errors.New("usage: go run ./internal/cli/pages DIR [VERSION]")
	}
	files, err := pages(epoch, strings.Join(args[1:], ""))
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(args[0], name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // for everybody to read
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // as above
			return err
		}
	}
	return nil
}

// pages returns all files by path.
func pages(epoch, version string) (map[string]string, error) {
	date, err := dateOf(epoch)
	if err != nil {
		return nil, err
	}
	files, err := completions()
	for name, page := range manual(date, version) {
		files[filepath.Join("man", name)] = page
	}
	return files, err
}

// dateOf returns the day of epoch, in seconds since 1970, or that of the commit.
func dateOf(epoch string) (string, error) {
	if epoch == "" {
		out, err := exec.CommandContext(context.Background(), "git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return "", fmt.Errorf("set SOURCE_DATE_EPOCH, or run this in a clone: git log: %w", err)
		}
		epoch = string(bytes.TrimSpace(out))
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	return time.Unix(seconds, 0).UTC().Format(time.DateOnly), err
}

// completions returns the scripts by path, with the names under which the shells look for them.
func completions() (map[string]string, error) {
	scripts := make(map[string]string)
	for shell, name := range map[string]string{"bash": "aws-mfa-creds", "zsh": "_aws-mfa-creds", "fish": "aws-mfa-creds.fish"} {
		var script strings.Builder
		root := cli.Commands(&script)
		root.SetArgs([]string{"completion", shell})
		if err := root.Execute(); err != nil {
			return nil, err
		}
		scripts[filepath.Join("completions", shell, name)] = script.String()
	}
	return scripts, nil
}
