//go:build linux

package test

import "strings"

// consumerHints are those about what this shell finds and its tools do not.
func consumerHints() []hintCase {
	const register = "aws-mfa-creds register --profile work --region us-east-1"
	registered, elsewhere := sh(register), all(sh("mkdir -m 700 <DIR>/two"), env("AWS_MFA_CREDS_HOME=<DIR>/two"))
	moved := all(sh("aws-mfa-creds register --profile work --region us-east-1", "cp <DIR>/home/.aws/config <DIR>/config"), env("AWS_CONFIG_FILE=<DIR>/config"))
	return []hintCase{
		{"register, registered elsewhere", all(registered, elsewhere), register, 3, "profile work: it is registered with AWS_MFA_CREDS_HOME=…/own, where there are other settings", "to use those, run: export …; to replace it, give --yes: unregister brings it back", retype(register + " --yes"), ""},
		{"unregister, registered elsewhere", all(registered, elsewhere), "aws-mfa-creds unregister --profile work", 3, "…/home/.aws/config:…: the profile is registered with other settings (AWS_MFA_CREDS_HOME=…/own)", "run: env …AWS_MFA_CREDS_HOME=…/own… aws-mfa-creds unregister --profile work", func(m *ill) { m.must(strings.TrimPrefix(m.said, "run: ")) }, ""},
		{"doctor, registered elsewhere", all(registered, elsewhere), "doctor settings-moved", 0, "…/home/.aws/config:…: the command sets AWS_MFA_CREDS_HOME=…/own, which leads to other settings than this shell has", "export …AWS_MFA_CREDS_HOME=…/own…", env("AWS_MFA_CREDS_HOME=<DIR>/own"), ""},
		{"doctor, a home that only the shell has", onlyConfig("[profile work]\nregion = us-east-1\ncredential_process = <BIN> get --profile work\n"), "doctor settings-moved", 0, "…/home/.aws/config:…: the command does not set AWS_MFA_CREDS_HOME, as this shell does", "aws-mfa-creds register --profile work", nil, ""},
		{"doctor, an AWS config that only the shell has", moved, "doctor settings-moved", 0, "AWS_CONFIG_FILE: decides in this shell where aws-mfa-creds finds the AWS config", "set it for the whole session (~/.config/environment.d, launchctl setenv, setx), or unset it, and move what it names to the usual place", all(sh("mv <DIR>/config <DIR>/home/.aws/config"), env("AWS_CONFIG_FILE=<DIR>/home/.aws/config")), ""},
	}
}
