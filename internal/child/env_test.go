package child

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestTakeSecrets(t *testing.T) {
	for _, entry := range os.Environ() { // t.Setenv restores it
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
	os.Clearenv()
	for _, pair := range []string{
		"PATH=/bin", "AWS_MFA_CREDS_SEED=x", "AWS_MFA_CREDS_SECRET_ACCESS_KEY_FILE=/x", "aws_mfa_creds_seed=x", "AWS_SECRET_ACCESS_KEY=x",
		"AWS_SESSION_TOKEN=x", "AWS_SECURITY_TOKEN=x", "AWS_ACCESS_KEY_ID=x", "Aws_Secret_Access_Key=x", "AWS_PROFILE=p", "EMPTY=", "AWS_REGION=r", "AWS_MFA_CREDS_HOME=/h",
		"AWS_VAULT_FILE_PASSPHRASE=x", "AWS_CONTAINER_AUTHORIZATION_TOKEN=x", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/x", "AGEDEBUG=plugin",
		"AWS_MFA_CREDS_SHARED_CACHE_PASSWORD=x", "AWS_MFA_CREDS_SHARED_CACHE_PASSWORD_FILE=/x",
	} {
		name, value, _ := strings.Cut(pair, "=")
		os.Setenv(name, value)
	}
	getenv := TakeSecrets()
	if got, want := os.Environ(), []string{"PATH=/bin", "AWS_PROFILE=p", "EMPTY=", "AWS_REGION=r", "AWS_MFA_CREDS_HOME=/h"}; !slices.Equal(got, want) {
		t.Errorf("%q is left", got)
	}
	for name, want := range map[string]string{"AWS_MFA_CREDS_SEED": "x", "AWS_MFA_CREDS_SECRET_ACCESS_KEY_FILE": "/x", "AWS_PROFILE": "p", "EMPTY": "", "UNSET": ""} {
		if got := getenv(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestEnviron has variables of all kinds that must not reach a program with a session, and some that must.
func TestEnviron(t *testing.T) {
	for _, entry := range os.Environ() { // t.Setenv restores it
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
	os.Clearenv()
	for _, name := range append(OfSession(), Misleading()...) {
		os.Setenv(name, "earlier")
		os.Setenv(strings.ToLower(name), "earlier")
	}
	for _, pair := range []string{
		"PATH=/bin", "AWS_SESSION_TOKEN=", "AWS_MFA_CREDS_HOME=/h", "AWS_MFA_CREDS_ANYTHING=", "AWS_CONFIG_FILE=/c", "AWS_REGION=r", "AWS_DEFAULT_REGION=d", "EMPTY=",
		Depth + "=serial",
	} {
		name, value, _ := strings.Cut(pair, "=")
		os.Setenv(name, value)
	}
	want := []string{"AWS_ACCESS_KEY_ID=new", "AWS_CONFIG_FILE=/c", "AWS_DEFAULT_REGION=d", Depth + "=serial", "AWS_MFA_CREDS_HOME=/h", "AWS_REGION=new", "EMPTY=", "PATH=/bin"}
	got := Environ([][2]string{{"AWS_ACCESS_KEY_ID", "new"}, {"AWS_REGION", "new"}})
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
