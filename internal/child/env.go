package child

import "strings"

// WithoutSecrets returns the environment env without what would hand an access key, a seed, a
// session or the passphrase of a vault to a program.
func WithoutSecrets(env []string) []string {
	var kept []string
	for _, pair := range env {
		name, _, _ := strings.Cut(pair, "=")
		name = strings.ToUpper(name) // Windows does not tell cases apart
		if !isCredential(strings.TrimSuffix(name, "_FILE")) {
			kept = append(kept, pair)
		}
	}
	return kept
}

func isCredential(name string) bool {
	switch name {
	case "AWS_MFA_CREDS_ACCESS_KEY_ID", "AWS_MFA_CREDS_SECRET_ACCESS_KEY", "AWS_MFA_CREDS_SEED",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_VAULT_FILE_PASSPHRASE":
		return true
	}
	return false
}
