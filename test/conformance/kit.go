package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// kit is what heavy clients are built from: a directory beside this file, and the programs that its
// script "build" needs. The script runs there, and installs into the directory that is its argument.
type kit struct {
	name  string
	needs []string
}

// kitDir is where a kit is installed: in the user's cache, under a name that tells one state of its sources
// from another.
func (t *tools) kitDir(name string) string {
	sum := sha256.New()
	_ = fs.WalkDir(os.DirFS(filepath.Join(t.source, name)), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(t.source, name, path))
		fmt.Fprintf(sum, "%s\x00%d\x00%s", path, len(content), content)
		return err
	})
	return filepath.Join(cacheDir(), fmt.Sprintf("%s-%x", name, sum.Sum(nil)[:6]))
}

// cacheDir holds what is installed or built once, and may be removed at any time.
func cacheDir() string {
	cache, _ := os.UserCacheDir()
	return filepath.Join(cache, "aws-mfa-creds-conformance")
}

// install builds a kit, unless that has been done before.
func (t *tools) install(ctx context.Context, k *kit) error {
	target := t.kitDir(k.name)
	if _, err := os.Stat(target); err == nil {
		return nil
	}
	for _, program := range k.needs {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed", program)
		}
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	unfinished, err := os.MkdirTemp(filepath.Dir(target), k.name+"-unfinished-")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "nice", "-n", "5", "./build", unfinished)
	cmd.Dir = filepath.Join(t.source, k.name)
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("building %s: %w: %s", k.name, err, strings.TrimSpace(string(out))), os.RemoveAll(unfinished))
	}
	return os.Rename(unfinished, target)
}
