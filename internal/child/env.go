package child

import (
	"os"
	"strings"
)

// TakeSecrets removes from the environment of this process what no program that it starts may see:
// access keys, seeds, sessions, passphrases. It returns a function that reads the environment as it
// was.
func TakeSecrets() (getenv func(name string) string) {
	taken := make(map[string]string)
	for _, pair := range os.Environ() { //nolint:forbidigo // main's one look at it
		name, value, _ := strings.Cut(pair, "=")
		if value != "" && isSecret(name) {
			taken[name] = value
			_ = os.Unsetenv(name) // fails for invalid names only
		}
	}
	return func(name string) string {
		if value, found := taken[name]; found {
			return value
		}
		return os.Getenv(name) //nolint:forbidigo // passed on from here
	}
}

func isSecret(name string) bool {
	switch strings.TrimSuffix(strings.ToUpper(name), "_FILE") { // Windows ignores case
	case "AWS_MFA_CREDS_ACCESS_KEY_ID", "AWS_MFA_CREDS_SECRET_ACCESS_KEY", "AWS_MFA_CREDS_SEED",
		"AWS_MFA_CREDS_SHARED_CACHE", "AWS_MFA_CREDS_SHARED_CACHE_PASSWORD",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_VAULT_FILE_PASSPHRASE",
		"AGEDEBUG": // has age copy what it says to its plugins to stderr
		return true
	}
	return false
}
