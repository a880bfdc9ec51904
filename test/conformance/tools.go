package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

//go:embed js python ruby
var scripts embed.FS

// tools are the programs that a run of the suite needs, in a directory of their own.
type tools struct {
	dir    string
	source string // of this package
	binary string // the program under test
	mirror string // of Terraform providers
}

// newTools builds the program under test, unless binary names one, and the Go clients.
func newTools(ctx context.Context, binary string) (*tools, error) {
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		return nil, err
	}
	source, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "github.com/aws-mfa-creds/aws-mfa-creds/test/conformance").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	t := &tools{dir: dir, source: strings.TrimSpace(string(source)), binary: binary, mirror: terraformMirror()}
	if binary == "" {
		if t.binary, err = testbed.Build(ctx, dir); err != nil {
			return t, err
		}
	}
	return t, errors.Join(t.buildGo(ctx), t.unpack())
}

func (t *tools) close() { _ = os.RemoveAll(t.dir) }

func (t *tools) path(name string) string { return filepath.Join(t.dir, filepath.FromSlash(name)) }

// buildGo builds the Go clients. They have a module of their own, so that what they need is
// nothing that the program needs.
func (t *tools) buildGo(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", t.path("goclient"), ".")
	cmd.Dir = filepath.Join(t.source, "go")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build of the Go clients: %w\n%s", err, out)
	}
	return nil
}

// unpack writes the scripts, with the npm modules beside those that need them.
func (t *tools) unpack() error {
	err := fs.WalkDir(scripts, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := scripts.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(t.path(path)), 0o700); err != nil {
			return err
		}
		return os.WriteFile(t.path(path), content, 0o600)
	})
	return errors.Join(err, os.Symlink(filepath.Join(cacheDir(), "node_modules"), t.path("js/node_modules")))
}

// terraformMirror finds a mirror that holds the AWS provider: TF_MIRROR, Terraform's implied
// mirrors, or one that an image ships under /opt.
func terraformMirror() string {
	home, _ := os.UserHomeDir()
	candidates := []string{os.Getenv("TF_MIRROR"), filepath.Join(home, ".terraform.d/plugins"), "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"}
	shipped, _ := filepath.Glob("/opt/*/registry.terraform.io")
	for _, path := range shipped {
		candidates = append(candidates, filepath.Dir(path))
	}
	for _, mirror := range candidates {
		if _, err := os.Stat(filepath.Join(mirror, "registry.terraform.io/hashicorp/aws")); mirror != "" && err == nil {
			return mirror
		}
	}
	return ""
}
