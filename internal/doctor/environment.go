package doctor

import (
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// The variables of consumers that decide whose credentials they take.
const (
	envProfile    = "AWS_PROFILE"
	envDefault    = "AWS_DEFAULT_PROFILE"
	envKeyID      = "AWS_ACCESS_KEY_ID"
	envSecretKey  = "AWS_SECRET_ACCESS_KEY" //nolint:gosec // the name of a variable
	envToken      = "AWS_SESSION_TOKEN"     //nolint:gosec // as above
	envLoadConfig = "AWS_SDK_LOAD_CONFIG"
)

// envStore are the variables of the env store. Each may have _FILE behind it.
func envStore() []string {
	return []string{"AWS_MFA_CREDS_ACCESS_KEY_ID", "AWS_MFA_CREDS_SECRET_ACCESS_KEY", "AWS_MFA_CREDS_SEED", "AWS_MFA_CREDS_SERIAL"}
}

// Variables returns the variables that the rules look at. Of those that IsSecret, only whether
// they are set has to be known: their value in Facts is "set".
func Variables() []string {
	all := []string{envProfile, envDefault, envKeyID, envSecretKey, envToken, envLoadConfig, "AWS_REGION", "AWS_DEFAULT_REGION"}
	for _, name := range envStore() {
		all = append(all, name, name+"_FILE")
	}
	return all
}

// IsSecret reports whether the value of a variable is none of the rules' business.
func IsSecret(variable string) bool {
	return strings.Contains(variable, "KEY") || strings.Contains(variable, "TOKEN") || strings.Contains(variable, "SEED")
}

func envKeys(f Facts) []Finding {
	if f.Env[envKeyID] == "" || f.Env[envSecretKey] == "" || !f.serves() {
		return nil
	}
	found := Finding{
		Severity: Error, Kind: fault.Config, Place: envKeyID, What: "an access key is in the environment beside " + envProfile + "=" + fault.Printable(f.Env[envProfile]),
		Consequence: "the AWS CLI, boto3, Go and Terraform use the access key and not the profile; JS SDK v3 uses the profile; only an explicit --profile goes before it",
		Remedy:      "unset " + strings.Join([]string{envKeyID, envSecretKey, envToken}, " "),
	}
	if f.Env[envProfile] == "" {
		found.Severity, found.Kind, found.What = Warning, 0, "an access key is in the environment"
		found.Consequence = "all SDKs use it where no profile is named, and most also where " + envProfile + " is set"
	}
	return []Finding{found}
}

// serves reports whether any consumer is to run this program.
func (f Facts) serves() bool {
	for _, p := range f.Profiles {
		if p.ours() {
			return true
		}
	}
	return false
}

func envKeysPartial(f Facts) []Finding {
	id, secret := f.Env[envKeyID] != "", f.Env[envSecretKey] != ""
	if id == secret {
		return nil
	}
	set, missing := envKeyID, envSecretKey
	if secret {
		set, missing = missing, set
	}
	return []Finding{{
		Severity: Warning, Place: set, What: "is set, but " + missing + " is not",
		Consequence: "the AWS CLI and boto3 stop with \"Partial credentials found in env\"; other SDKs pass over it",
		Remedy:      "unset " + set,
	}}
}

func defaultProfile(f Facts) []Finding {
	name, other := f.Env[envDefault], f.Env[envProfile]
	if name == "" || name == other {
		return nil
	}
	found := Finding{
		Severity: Warning, Place: envDefault, What: "names the profile " + fault.Printable(name) + ", and " + envProfile + " names " + fault.Printable(other),
		Consequence: "the AWS CLI, boto3 and SDK for C++ use the first, Go, Terraform and JS the second",
		Remedy:      "unset " + envDefault,
	}
	if other == "" {
		found.What = "names the profile " + fault.Printable(name) + ", and " + envProfile + " is not set"
		found.Consequence = "the AWS CLI, boto3, Go and SDK for C++ use that profile, JS and others the default one"
		found.Remedy = "export " + envProfile + "=" + fault.Shell(name) + "; unset " + envDefault
	}
	return []Finding{found}
}

func loadConfig(f Facts) []Finding {
	if f.Env[envLoadConfig] != "" || !f.serves() {
		return nil
	}
	return []Finding{{
		Severity: Info, Place: envLoadConfig, What: "is not set",
		Consequence: "JS SDK v2 and Go SDK v1, both retired, do not read the AWS config, and so do not find the credential process",
		Remedy:      "export " + envLoadConfig + "=1",
	}}
}

func proxyMalformed(f Facts) []Finding {
	if f.Proxy == nil {
		return nil
	}
	return []Finding{refusal(f.Proxy, "AWS is not asked, so get fails once no cached session is left, rather than going past the proxy; most consumers fail, too")}
}
