//go:build linux

package test

// commandHints are those about the command line and what is typed.
func commandHints() []hintCase {
	return []hintCase{
		{
			name: "profile missing", run: "aws-mfa-creds get", code: 2,
			says: "get: --profile is missing", hint: "run: aws-mfa-creds get --profile NAME",
			help: retype("aws-mfa-creds get --profile work"),
		},
	}
}
