package child

import (
	"slices"
	"testing"
)

func TestWithoutSecrets(t *testing.T) {
	t.Parallel()
	got := WithoutSecrets([]string{
		"PATH=/bin", "AWS_MFA_CREDS_SEED=x", "AWS_MFA_CREDS_SECRET_ACCESS_KEY_FILE=/x", "aws_mfa_creds_seed=x", "AWS_SECRET_ACCESS_KEY=x",
		"AWS_SESSION_TOKEN=x", "AWS_SECURITY_TOKEN=x", "AWS_ACCESS_KEY_ID=x", "Aws_Secret_Access_Key=x", "AWS_PROFILE=p", "EMPTY=", "AWS_REGION=r", "AWS_MFA_CREDS_HOME=/h",
		"AWS_VAULT_FILE_PASSPHRASE=x", "AWS_CONTAINER_AUTHORIZATION_TOKEN=x", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/x",
	})
	if want := []string{"PATH=/bin", "AWS_PROFILE=p", "EMPTY=", "AWS_REGION=r", "AWS_MFA_CREDS_HOME=/h"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
