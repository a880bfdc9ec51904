package profile

import (
	"strings"
	"testing"
)

// TestParseProcess reads the lines that register writes and people do.
func TestParseProcess(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::123456789012:role/r"
	for line, want := range map[string]string{
		"/bin/aws-mfa-creds get --profile p":                                                        "p",
		"/bin/aws-mfa-creds get --profile p --role-arn " + role:                                     "p " + role,
		`/bin/aws-mfa-creds get --profile "a b"`:                                                    "a b",
		"/bin/sh -c 'aws-mfa-creds get --profile p'":                                                "p",
		"/usr/bin/env AWS_MFA_CREDS_HOME=/x /bin/aws-mfa-creds get --profile p":                     "p",
		"/usr/bin/env AWS_MFA_CREDS_HOME=/x/aws-mfa-creds /bin/aws-mfa-creds get --profile p":       "p",
		"/usr/bin/env AWS_MFA_CREDS_HOME=aws-mfa-creds /bin/aws-mfa-creds get --profile p":          "p",
		`/usr/bin/env "XDG_CONFIG_HOME=/x y/aws-mfa-creds" /bin/aws-mfa-creds get --profile p`:      "p",
		"/usr/bin/env A=b C=/d/aws-mfa-creds /bin/aws-mfa-creds get --profile p --role-arn=" + role: "p " + role,
		"/opt/a=b/aws-mfa-creds get --profile p":                                                    "p",
		"/usr/bin/env A=/x/aws-mfa-creds /opt/other get --profile p":                                "none",
		"/usr/bin/env A=/x/aws-mfa-creds":                                                           "none",
		"/bin/aws-mfa-creds code --profile p":                                                       "none",
		"":                                                                                          "none",
	} {
		c, ok := ParseProcess(line)
		got := strings.TrimSpace(c.Profile + " " + c.Flags.RoleARN)
		if !ok {
			got = "none"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}
