//go:build linux

package test

// poolHints are those about a pool of devices.
func poolHints() []hintCase {
	const (
		ci   = "AWS_MFA_CREDS_ACCESS_KEY_ID=<ID> AWS_MFA_CREDS_SECRET_ACCESS_KEY=<SECRET> AWS_MFA_CREDS_SERIAL='<SERIAL> <SERIAL>-2' AWS_MFA_CREDS_SEED="
		each = "name the devices of one IAM user, each once, with spaces between them"
	)
	outside := all(sh("rm <DIR>/own/profiles.ini"))
	return []hintCase{
		{"pool with a device twice", edit("mfa_serial = <SERIAL>", "mfa_serial = <SERIAL> <SERIAL>"), getWork, 3, ownFile + fileLine + "… is named twice", each, edit("<SERIAL> <SERIAL>", "<SERIAL>"), ""},
		{"pool of two accounts", edit("mfa_serial = <SERIAL>", "mfa_serial = <SERIAL> arn:aws:iam::210987654321:mfa/x"), getWork, 3, ownFile + fileLine + "MFA devices of several accounts are named", each, edit(" arn:aws:iam::210987654321:mfa/x", ""), ""},
		{"pool with one seed", outside, ci + "$(cat <SEED>) " + getWork, 4, "AWS_MFA_CREDS_SEED: has 1 seeds, and there are 2 MFA devices", "give one seed (base32 or otpauth URI) for each, in the order of their serials, with white space between them", retype(ci + "\"$(cat <SEED>) $(cat <SEED>)\" " + getWork), ""},
		{"pool of a program", edit("mfa_serial = <SERIAL>", "mfa_serial = <SERIAL> <SERIAL>-2\nmfa_process = /bin/echo 1"), getWork, 3, "profile \"work\": mfa_process makes the codes of one MFA device, and mfa_serial names 2", "name that device alone in mfa_serial", edit("<SERIAL> <SERIAL>-2\nmfa_process = /bin/echo 1", "<SERIAL>"), ""},
	}
}
