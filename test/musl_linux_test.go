package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// TestMusl runs the program where there is no more than in an image of Alpine, or less: a busybox, and neither
// users, names of hosts, a C library nor certificates.
func TestMusl(t *testing.T) {
	t.Parallel()
	need(t, "bwrap", "apt-get install bubblewrap")
	busybox := need(t, "busybox", "apt-get install busybox-static")
	for name, tls := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{Sandbox: sandbox.Options{TLS: tls}})
			root := filepath.Join(b.Dir, "root")
			writeFile(t, filepath.Join(root, "bin", "busybox"), "")
			must(t, os.Symlink("busybox", filepath.Join(root, "bin", "sh")))
			inside := func(command string, env ...string) outcome {
				return run(t, b, env, "bwrap", "--bind", root, "/", "--ro-bind", busybox, "/bin/busybox",
					"--ro-bind", binary, "/usr/bin/aws-mfa-creds", "--dev", "/dev", "--bind", b.Dir, b.Dir, "--proc", "/proc", "/bin/sh", "-c", command)
			}
			needNamespaces(t, inside("true"))
			const get = "exec aws-mfa-creds get --profile work"
			if got := inside(get, "AWS_CA_BUNDLE="); tls {
				want := "its certificate cannot be verified: this system has no CA certificates; install the package ca-certificates, or set AWS_CA_BUNDLE"
				if got.code != 7 || got.stdout != "" || !strings.Contains(got.stderr, want) {
					t.Errorf("without certificates: exit %d: %s", got.code, got.stderr)
				}
			}
			cold, warm := credentials(t, inside(get)), credentials(t, inside("unset HOME; "+get))
			if cold != warm {
				t.Error("two sessions")
			}
			if got := inside("aws-mfa-creds list"); got.code != 0 || got.stderr != "" {
				t.Errorf("exit %d: %s", got.code, got.stderr)
			}
			got := inside(get+" --refresh", "AWS_ENDPOINT_URL_STS=https://sts.example.invalid")
			if got.code != 7 || !strings.Contains(got.stderr, "sts.example.invalid: the DNS lookup failed") {
				t.Errorf("without a resolver: exit %d: %s", got.code, got.stderr)
			}
			if entries, _ := os.ReadDir(filepath.Join(root, "etc")); len(entries) > 0 {
				t.Error("there is an /etc")
			}
		})
	}
}
