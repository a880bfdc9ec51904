package awshttp

import "github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"

// CheckProxy refuses, with a *fault.Error of kind Network, a proxy variable that is no URL. Its
// value is not echoed: it may hold a password.
func CheckProxy(getenv func(string) string) error {
	variable, value := firstSet(getenv, "HTTPS_PROXY", "https_proxy")
	if value == "" || parseProxy(value) != nil {
		return nil
	}
	return fault.New(fault.Network, variable, "set it as in "+variable+"=http://HOST:PORT, or unset it", "its value is not a proxy URL")
}

// CheckBundle refuses, with a *fault.Error of kind Config, a CA bundle that a call could not use. An
// empty path stands for the system's roots.
func CheckBundle(path string) error {
	_, err := roots(path)
	return err
}
