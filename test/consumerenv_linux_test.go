package test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// scrubbed runs a command as an IDE would: with HOME, PATH and where AWS is, and nothing that the shell has
// set besides.
func scrubbed(t *testing.T, b *testbed.Bed, home, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "AWS_ENDPOINT_URL_STS=" + b.Server.URL(), "AWS_EC2_METADATA_DISABLED=true"}
	if ca := b.Env(); len(b.Server.CAPEM()) > 0 {
		for _, pair := range ca {
			if strings.HasPrefix(pair, "AWS_CA_BUNDLE=") {
				cmd.Env = append(cmd.Env, pair)
			}
		}
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestConsumerLacksVariables registers a profile where variables of the shell say where things are. The AWS
// CLI, run without them, gets the credentials, and the shell's own get shares its cache: one code is spent.
func TestConsumerLacksVariables(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		store string
		env   func(t *testing.T, dir string) []string
		line  string // what it begins with
	}{
		"nothing moved": {"age", func(*testing.T, string) []string { return nil }, "BIN get --profile p"},
		"home": {"age", func(_ *testing.T, dir string) []string {
			return []string{"AWS_MFA_CREDS_HOME=" + dir + "/aws-mfa-creds"}
		}, "/usr/bin/env AWS_MFA_CREDS_HOME=DIR/aws-mfa-creds BIN get --profile p"},
		"home with a space": {
			"age", func(_ *testing.T, dir string) []string { return []string{"AWS_MFA_CREDS_HOME=" + dir + "/my home"} },
			`/usr/bin/env "AWS_MFA_CREDS_HOME=DIR/my home" BIN get --profile p`,
		},
		"XDG": {
			"age", func(_ *testing.T, dir string) []string {
				return []string{"XDG_CONFIG_HOME=" + dir + "/c", "XDG_CACHE_HOME=" + dir + "/d"}
			},
			"/usr/bin/env XDG_CONFIG_HOME=DIR/c XDG_CACHE_HOME=DIR/d BIN get --profile p",
		},
		"pass": {"pass", func(t *testing.T, _ string) []string {
			var env []string
			for _, pair := range keyring(t, "pass") {
				if path, ok := strings.CutPrefix(pair, "HOME="); ok {
					env = append(env, "PASSWORD_STORE_DIR="+path+"/.password-store")
				}
				if strings.HasPrefix(pair, "GNUPGHOME=") {
					env = append(env, pair)
				}
			}
			return env
		}, "/usr/bin/env GNUPGHOME="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{Bare: true})
			dir, home := filepath.Join(b.Dir, "moved"), b.Home()
			must(t, os.MkdirAll(dir, 0o700))
			id := b.Identity()
			key, seed := filepath.Join(b.Dir, "key"), filepath.Join(b.Dir, "seed")
			writeFile(t, key, id.AccessKeyID+" "+id.SecretAccessKey+"\n")
			writeFile(t, seed, id.Seed+"\n")
			env := append([]string{"AWS_MFA_CREDS_HOME=", "AWS_CONFIG_FILE=", "AWS_SHARED_CREDENTIALS_FILE=", "AWS_PROFILE="}, c.env(t, dir)...)
			must(t, os.RemoveAll(b.ConfigFile()))
			mustRun(t, b, env, "add", "--profile", "p", "--store", c.store, "--access-key-file", key, "--seed-file", seed, "--serial", id.Serial)
			said := mustRun(t, b, env, "register", "--profile", "p", "--region", "us-east-1")
			if strings.Contains(said, "Warning") {
				t.Errorf("register says %s", said)
			}
			text, err := os.ReadFile(filepath.Join(home, ".aws", "config"))
			if want := "credential_process = " + strings.NewReplacer("DIR", dir, "BIN", b.Binary).Replace(c.line); err != nil || !strings.Contains(string(text), want) {
				t.Fatalf("the AWS config is %s, %v, want %s", text, err, want)
			}
			for _, aws := range awsCLIs(t) {
				out, err := scrubbed(t, b, home, aws, "sts", "get-caller-identity", "--profile", "p", "--output", "text", "--endpoint-url", b.Server.URL())
				if err != nil || !strings.Contains(out, "user/"+testbed.UserName) {
					t.Fatalf("%s: %v: %s", aws, err, out)
				}
			}
			credentials(t, run(t, b, env, b.Binary, "get", "--profile", "p"))
			if n := calls(b, "GetSessionToken"); n != 1 {
				t.Errorf("%d sessions were minted", n)
			}
			if said := mustRun(t, b, env, "list"); !strings.Contains(said, "p ") {
				t.Errorf("list says %s", said)
			}
			mustRun(t, b, env, "register", "--profile", "p") // again: nothing changes
			again, err := os.ReadFile(filepath.Join(home, ".aws", "config"))
			if err != nil || string(again) != string(text) {
				t.Errorf("registered again, the AWS config is %s, %v", again, err)
			}
			if got := run(t, b, env, b.Binary, "doctor", "--json"); strings.Contains(got.stdout, "settings-moved") || strings.Contains(got.stdout, "program-other") {
				t.Errorf("doctor finds %s", got.stdout)
			}
			mustRun(t, b, env, "unregister", "--profile", "p")
			if left, err := os.ReadFile(filepath.Join(home, ".aws", "config")); err != nil || strings.Contains(string(left), "credential_process") {
				t.Errorf("unregister leaves %s, %v", left, err)
			}
		})
	}
}
