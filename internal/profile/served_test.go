package profile

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestServed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	paths := Paths{AWSConfig: filepath.Join(dir, "config"), Own: filepath.Join(dir, "profiles.ini")}
	for path, text := range map[string]string{
		paths.AWSConfig: `[default]
region = us-east-1
[profile ours]
credential_process = /usr/local/bin/aws-mfa-creds get --profile ours
[profile "with device"]
mfa_serial = arn:aws:iam::123456789012:mfa/a
[profile plain]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
[profile other]
credential_process: /opt/other "with quotes
   and a second line
[services aws-mfa-creds]
sts =
  endpoint_url = http://127.0.0.1
`,
		paths.Own: "[own]\nstore = env\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := Load(paths)
	if err != nil {
		t.Fatal(err)
	}
	if got := files.Served(); !slices.Equal(got, []string{"ours", "own", "with device"}) {
		t.Errorf("Served = %q", got)
	}
	for name, want := range map[string]string{
		"ours": "/usr/local/bin/aws-mfa-creds get --profile ours", "other": `/opt/other "with quotes`, "plain": "", "absent": "", "own": "",
	} {
		if got := files.CredentialProcess(name).Value; got != want {
			t.Errorf("CredentialProcess(%s) = %q, want %q", name, got, want)
		}
	}
}
