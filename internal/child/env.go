package child

import (
	"os"
	"slices"
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

// SessionVariables are those that lead the AWS CLI and the SDKs to credentials, and those that tell of an earlier
// session. A program that gets a session must get no others: some of them go before those of the session.
func SessionVariables() []string {
	return []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION", // what a session consists of
		"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN", "AWS_SESSION_EXPIRATION", "AWS_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_ACCOUNT_ID",
		"AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_VAULT", Marker,
	}
}

// Marker is the variable that names, in a shell that was started with a session, the profile of the session: for
// prompts. It is none of those that this program reads settings from.
const Marker = "AWS_MFA_PROFILE"

// Depth tells a program that this one runs, and all that it runs, which MFA devices are waiting for its code: serials,
// separated by spaces.
const Depth = "AWS_MFA_CREDS_DEPTH"

// Environ returns the environment of this process, without sessions and without what is of this program, and with
// the variables of a session.
func Environ(session ...string) []string {
	environ := slices.DeleteFunc(os.Environ(), func(pair string) bool { //nolint:forbidigo // for a program that takes the place of this one
		name, _, _ := strings.Cut(pair, "=")
		upper := strings.ToUpper(name) // Windows ignores case
		given := func(pair string) bool { return strings.HasPrefix(pair, name+"=") }
		return slices.Contains(SessionVariables(), upper) || slices.ContainsFunc(session, given) ||
			strings.HasPrefix(upper, "AWS_MFA_CREDS_") && upper != Depth // without Depth, a program could run itself without end
	})
	return append(environ, session...)
}
