//go:build linux

package test

import "github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"

// poolHints are those about a pool of devices.
func poolHints() []hintCase {
	const (
		ci   = "AWS_MFA_CREDS_ACCESS_KEY_ID=<ID> AWS_MFA_CREDS_SECRET_ACCESS_KEY=<SECRET> AWS_MFA_CREDS_SERIAL='<SERIAL> <SERIAL>-2' AWS_MFA_CREDS_SEED="
		each = "name the devices of one IAM user, each once, with spaces between them"
	)
	outside := all(sh("rm <DIR>/own/profiles.ini"))
	const more = "aws-mfa-creds enroll --profile work --pool "
	gone := all(sh(more+"2"), world(func(w *sandbox.World) { w.Devices = w.Devices[:1] }))
	return []hintCase{
		{"doctor, device of a pool gone", gone, "doctor serial-foreign --online", 0, "… is not among the 1 MFA devices of user alice (…)", "aws-mfa-creds rotate device --profile work --serial …", all(func(m *ill) { m.gone = 1 }, with("--yes")), ""},
		{"pool of nine", nil, more + "9", 2, "--pool: a user cannot have 9 MFA devices", "give a number from 1 to 8", retype(more + "1"), ""},
		{"no device of the pool", nil, "aws-mfa-creds code --profile work --serial arn:x", 2, "--serial: the profile has no MFA device arn:x", "give one of: …", retype("aws-mfa-creds code --profile work --serial <SERIAL>"), ""},
		{"pool in two stores", sh("aws-mfa-creds store move --seed --profile work --to keyctl --yes"), more + "2 --seed-store age", 3, "MFA device …: its seed is not in the age store, and a pool has all seeds in one", "run: aws-mfa-creds store move --seed --profile work --to age", nil, ""},
		{"pool with a device twice", edit("mfa_serial = <SERIAL>", "mfa_serial = <SERIAL> <SERIAL>"), getWork, 3, ownFile + fileLine + "… is named twice", each, edit("<SERIAL> <SERIAL>", "<SERIAL>"), ""},
		{"pool of two accounts", edit("mfa_serial = <SERIAL>", "mfa_serial = <SERIAL> arn:aws:iam::210987654321:mfa/x"), getWork, 3, ownFile + fileLine + "MFA devices of several accounts are named", each, edit(" arn:aws:iam::210987654321:mfa/x", ""), ""},
		{"pool with one seed", outside, ci + "$(cat <SEED>) " + getWork, 4, "AWS_MFA_CREDS_SEED: the number of seeds is 1, and that of MFA devices 2", "give one seed (base32 or otpauth URI) for each, in the order of their serials, with white space between them", retype(ci + "\"$(cat <SEED>) GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\" " + getWork), ""},
		{"pool of a program", edit("mfa_serial = <SERIAL>", "mfa_serial = <SERIAL> <SERIAL>-2\nmfa_process = /bin/echo 1"), getWork, 3, "profile \"work\": mfa_process makes the codes of one MFA device, and mfa_serial names 2", "name that device alone in mfa_serial", edit("<SERIAL> <SERIAL>-2\nmfa_process = /bin/echo 1", "<SERIAL>"), ""},
	}
}
