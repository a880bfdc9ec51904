package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// wantMints checks how many calls of GetSessionToken AWS has seen, and that no code
// came twice.
func wantMints(t *testing.T, b *testbed.Bed, want int) {
	t.Helper()
	if got := calls(b, "GetSessionToken"); got != want {
		t.Errorf("%d GetSessionToken calls, want %d", got, want)
	}
	wantNoCodeTwice(t, b)
}

// awsCLIs are the AWS CLIs of this machine: Debian's and the one on PATH, if it is another.
func awsCLIs(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, name := range []string{"/usr/bin/aws", "aws"} {
		if path, err := exec.LookPath(name); err == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		missing(t, "the AWS CLI", "apt-get install awscli")
	}
	return slices.Compact(found)
}

func TestAWSCLI(t *testing.T) {
	t.Parallel()
	for _, aws := range awsCLIs(t) {
		t.Run(strings.ReplaceAll(aws, "/", "_"), func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{})
			call := []string{"sts", "get-caller-identity", "--profile", "work", "--endpoint-url", b.Server.URL(), "--output", "json"}
			for range 2 {
				got := run(t, b, nil, aws, call...)
				var identity struct{ Arn string }
				if err := json.Unmarshal([]byte(got.stdout), &identity); err != nil || got.code != 0 {
					t.Fatalf("exit %d: %s", got.code, got.stderr)
				}
				if identity.Arn != "arn:aws:iam::123456789012:user/alice" {
					t.Errorf("signed in as %s", identity.Arn)
				}
			}
			wantMints(t, b, 1)
			if err := b.AddProfile("deploy", "--role-arn", "arn:aws:iam::123456789012:role/deploy"); err != nil {
				t.Fatal(err)
			}
			call[3] = "deploy"
			if got := run(t, b, nil, aws, call...); !strings.Contains(got.stdout, "assumed-role/deploy/") {
				t.Errorf("role: exit %d: %s%s", got.code, got.stdout, got.stderr)
			}
			wantMints(t, b, 1)
		})
	}
}

// TestAWSCLIShowsTheReason makes sure that the one line of a failure reaches the user.
func TestAWSCLIShowsTheReason(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	got := run(t, b, []string{"AWS_MFA_CREDS_SEED=123456"}, awsCLIs(t)[0], "sts", "get-caller-identity", "--profile", "work", "--endpoint-url", b.Server.URL())
	if got.code == 0 || !strings.Contains(got.stderr, "AWS_MFA_CREDS_SEED") {
		t.Errorf("exit %d: %s", got.code, got.stderr)
	}
}

// boto3Script asks who it is from eight sessions at once, each of which runs its own helper.
const boto3Script = `
import boto3, sys, threading
url, profile = sys.argv[1:]
arns = []
def ask():
    s = boto3.Session(profile_name=profile)
    arns.append(s.client("sts", endpoint_url=url).get_caller_identity()["Arn"])
threads = [threading.Thread(target=ask) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
assert len(arns) == 8, arns
print(*sorted(set(arns)))
`

func TestBoto3(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		missing(t, "boto3", "apt-get install python3-boto3")
	}
	b := bed(t, testbed.Options{})
	got := run(t, b, nil, python, "-c", boto3Script, b.Server.URL(), "work")
	if got.code != 0 || strings.TrimSpace(got.stdout) != "arn:aws:iam::123456789012:user/alice" {
		t.Fatalf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	wantMints(t, b, 1)
}

// terraformProviders is how many provider blocks the configuration has. Each runs a
// helper of its own, all at once, and takes seconds of a processor.
const terraformProviders = 4

func terraformConfig() string {
	var b strings.Builder
	b.WriteString("terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\" }\n  }\n}\n")
	for i := range terraformProviders {
		fmt.Fprintf(&b, `
provider "aws" {
  alias                       = "p%[1]d"
  profile                     = "work"
  region                      = "us-east-1"
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}
data "aws_caller_identity" "p%[1]d" {
  provider = aws.p%[1]d
}
output "arn%[1]d" {
  value = data.aws_caller_identity.p%[1]d.arn
}
`, i)
	}
	return b.String()
}

func TestTerraform(t *testing.T) {
	t.Parallel()
	terraform, err := exec.LookPath("terraform")
	mirror := terraformMirror()
	if err != nil || mirror == "" {
		t.Skip("SKIPPED: terraform with a file system mirror of hashicorp/aws is optional: set TF_MIRROR to the mirror's directory")
	}
	b := bed(t, testbed.Options{})
	dir := filepath.Join(b.Dir, "terraform")
	writeFile(t, filepath.Join(dir, "main.tf"), terraformConfig())
	writeFile(t, filepath.Join(dir, "cli.tfrc"), fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror))
	env := []string{"TF_CLI_CONFIG_FILE=" + filepath.Join(dir, "cli.tfrc")}
	for _, args := range [][]string{{"init", "-no-color"}, {"apply", "-auto-approve", "-no-color"}} {
		if got := run(t, b, env, terraform, append([]string{"-chdir=" + dir}, args...)...); got.code != 0 {
			t.Fatalf("terraform %s: exit %d: %s%s", args[0], got.code, got.stdout, got.stderr)
		}
	}
	got := run(t, b, env, terraform, "-chdir="+dir, "output", "-json")
	if strings.Count(got.stdout, `"arn:aws:iam::123456789012:user/alice"`) != terraformProviders {
		t.Errorf("outputs: %s", got.stdout)
	}
	writeFile(t, filepath.Join(dir, "main.tf"), regexp.MustCompile(`(?m)^ *profile .*\n`).ReplaceAllString(terraformConfig(), ""))
	for _, flag := range []string{"--region=us-east-1", "--serve"} { // two providers at once: each takes a second of a processor
		if got := run(t, b, env, b.Binary, "exec", "work", flag, "--", terraform, "-chdir="+dir, "plan", "-detailed-exitcode", "-no-color",
			"-target=data.aws_caller_identity.p0", "-target=data.aws_caller_identity.p1"); got.code != 0 {
			t.Errorf("exec %s: exit %d: %s%s", flag, got.code, got.stdout, got.stderr)
		}
	}
	wantMints(t, b, 1)
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

// writeFile writes a file, which may be a program: while a test starts a process, that holds all files open that are
// open here, and Linux runs none that is open for writing.
func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
