//go:build unix

package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// TestNeverAnotherIdentity asks for role profiles that something keeps from being read, where the access
// key in the environment could make a session of its own: each is an error, whether that session is cached
// or not, and AWS is not asked for any.
func TestNeverAnotherIdentity(t *testing.T) {
	t.Parallel()
	const role = "role_arn = arn:aws:iam::123456789012:role/deploy\n"
	for name, c := range map[string]struct {
		config, credentials string
		args                []string
		code                int
		says                string
	}{
		"no profile":        {config: "[admin]\n" + role, code: 3, says: "config:5: [admin] is not a profile in the AWS config; did you mean [profile admin]?"},
		"no bracket":        {config: "[profile admin\n" + role, code: 3, says: "config:5: "},
		"Profile":           {config: "[Profile admin]\n" + role, code: 3, says: "config:5: "},
		"Admin":             {config: "[profile Admin]\n" + role, code: 3, says: `did you mean "Admin"`},
		"misspelt":          {config: "[profile admins]\n" + role, code: 3, says: `did you mean "admins"`},
		"SSO":               {config: "[profile admin]\n" + role + "source_profile = base\n[profile base]\nsso_session = s\n", code: 3, says: "config:9: the credentials of profile \"base\" come from elsewhere: sso_session"},
		"in credentials":    {credentials: "[admin]\n" + role + "source_profile = base\n[base]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\n", code: 3, says: "credentials:5: "},
		"indented":          {config: "[profile admin]\noutput = json\n  " + role, code: 3, says: "config:7: "},
		"flag without text": {config: "[profile admin]\n", args: []string{"--role-arn", ""}, code: 2, says: "--role-arn: is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{})
			mustGet(t, b) // the base session is cached now
			must(t, b.AddConfig(c.config))
			if c.credentials != "" {
				must(t, os.WriteFile(credentialsOf(b), []byte(c.credentials), 0o600))
			}
			get := append([]string{"get", "--profile", "admin"}, c.args...)
			wantFailure(t, b, run(t, b, nil, b.Binary, get...), c.code, c.says)
			mustRun(t, b, nil, "clear", "--all")
			wantFailure(t, b, run(t, b, nil, b.Binary, get...), c.code, c.says)
			wantMints(t, b, 1)
			if got := run(t, b, nil, b.Binary, "doctor", "--profile", "admin"); c.code == 3 && (got.code != 3 || !strings.Contains(got.stdout, "settings-refused")) {
				t.Errorf("doctor: exit %d: %s", got.code, got.stdout)
			}
			if got := run(t, b, nil, b.Binary, "list", "--profile", "admin"); c.code == 3 && !strings.Contains(got.stdout, "problem: ") {
				t.Errorf("list: %s", got.stdout)
			}
			if got := run(t, b, nil, b.Binary, "code", "--profile", "admin"); c.code == 3 && got.code != 3 {
				t.Errorf("code: exit %d: %s", got.code, got.stdout)
			}
		})
	}
}

// TestRegisteredRole has the sandbox's own profile deploy, whose role only its registered line names.
func TestRegisteredRole(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	const role = "arn:aws:iam::123456789012:role/deploy"
	must(t, b.AddProfile("deploy", "--role-arn", role))
	wantFailure(t, b, run(t, b, nil, b.Binary, "get", "--profile", "deploy"), 3, "run the command that the AWS config has for the profile: "+b.Binary+" get --profile deploy --role-arn "+role)
	wantMints(t, b, 0)
	credentials(t, run(t, b, nil, b.Binary, "get", "--profile", "deploy", "--role-arn", role))
	if got := run(t, b, nil, b.Binary, "code", "--profile", "deploy"); got.code != 0 {
		t.Errorf("code: exit %d: %s", got.code, got.stderr)
	}
}

// TestRoleInCredentialsFile has a role where the AWS CLI and the SDKs find it as well.
func TestRoleInCredentialsFile(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	must(t, os.WriteFile(credentialsOf(b), []byte("[admin]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = work\n"), 0o600))
	credentials(t, run(t, b, nil, b.Binary, "get", "--profile", "admin"))
	if got := calls(b, "AssumeRole"); got != 1 {
		t.Errorf("%d calls of AssumeRole", got)
	}
}

func credentialsOf(b *testbed.Bed) string { return filepath.Join(b.Home(), ".aws", "credentials") }
