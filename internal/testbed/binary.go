package testbed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Program is the name of the program under test.
const Program = "aws-mfa-creds"

// Build compiles the program from the module that the working directory is in, as a
// release is built, into dir, and returns its path.
func Build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, Program)
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	//nolint:gosec // the arguments are ours
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path,
		"github.com/aws-mfa-creds/aws-mfa-creds/cmd/"+Program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") //nolint:forbidigo // the Go tool needs the user's own
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return path, nil
}
