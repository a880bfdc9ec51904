//go:build linux

package test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

const laptopSerial = "arn:aws:iam::123456789012:mfa/alice-laptop"

// withKey stores alice's access key for a second profile, new, which has no device.
func withKey(m *ill) {
	m.must(m.fill("aws-mfa-creds add --profile new --store age --access-key-file <KEY>"))
}

// laptopOf gives alice's device to another user, or to nobody.
func laptopOf(user string) func(*ill) {
	return world(func(w *sandbox.World) {
		w.Users = append(w.Users, sandbox.User{Name: "bob", Keys: []sandbox.Key{{ID: "AKIABOBBOBBOBBOBBOB7", Secret: strings.Repeat("b", 40)}}})
		w.Device(laptopSerial).User = user
	})
}

// phones gives alice devices that are not on this computer.
func phones(n int) func(*ill) {
	return world(func(w *sandbox.World) {
		for i := range n {
			w.Devices = append(w.Devices, sandbox.Device{Serial: fmt.Sprintf("arn:aws:iam::123456789012:mfa/phone-%d", i), User: testbed.UserName})
		}
	})
}

// deny sets what alice's policies deny.
func deny(actions ...string) func(*ill) {
	return world(func(w *sandbox.World) {
		w.Users[0].Deny = make(map[string]string)
		for _, action := range actions {
			w.Users[0].Deny["iam:"+action] = ""
		}
	})
}

func ownName(m *ill) { m.change(func(w *sandbox.World) { w.Users[0].OwnDeviceName = true }) }

// leftover interrupts the enrollment of a profile after its seed is stored.
func leftover(profile string) func(*ill) {
	return all(deny("EnableMFADevice", "DeleteVirtualMFADevice"), sh("aws-mfa-creds enroll --profile "+profile+" && exit 1 || true"), deny())
}

// jumps moves AWS's clock on with each answer to an action, so that the program need not wait for a time step.
func jumps(action string) func(*ill) {
	return func(m *ill) {
		m.inject(sandbox.Fault{Kind: sandbox.Rewrite, Action: action, Times: -1, Rewrite: func(body []byte) []byte {
			m.ahead += 2 * time.Minute
			m.Server.SetClockOffset(m.ahead)
			return body
		}})
	}
}

// otherSeed has AWS take another seed for a device than the program has.
func otherSeed(m *ill) {
	m.change(func(w *sandbox.World) { w.Devices[len(w.Devices)-1].Seed = strings.Repeat("OTHERSEED2345672", 4) })
}

// byAdmin pastes all commands of the hint, those of the AWS CLI as an administrator: with what the words
// in capitals stand for.
func byAdmin(words ...string) func(*ill) {
	return func(m *ill) {
		m.t.Helper()
		need(m.t, "aws", "pip install awscli")
		key := sandbox.Key{ID: "AKIAADMINADMINADMIN7", Secret: strings.Repeat("a", 40)}
		m.change(func(w *sandbox.World) {
			w.Users = append(w.Users, sandbox.User{Name: "admin", Keys: []sandbox.Key{key}})
		})
		for _, found := range pasted.FindAllStringSubmatch(strings.ReplaceAll(m.said, " && ", "; then: "), -1) {
			line := strings.NewReplacer(words...).Replace(found[1])
			if command, ok := strings.CutPrefix(line, "aws iam "); ok {
				line = "env -u AWS_PROFILE AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=" + key.ID + " AWS_SECRET_ACCESS_KEY=" + key.Secret + " aws --endpoint-url " + m.Server.URL() + " iam " + command // older ones know no variable for it
				m.Server.SetClockOffset(0)
				got := m.as(0, line)
				m.Server.SetClockOffset(m.ahead)
				if got.code != 0 {
					m.t.Fatalf("pasted: %s: exit %d: %s", found[1], got.code, got.stderr)
				}
				continue
			}
			m.runPasted(line)
		}
	}
}

// enrollHints are those about devices and access keys in IAM.
func enrollHints() []hintCase {
	const (
		enroll  = "aws-mfa-creds enroll --profile new"
		laptop  = enroll + " --device-name alice-laptop"
		key     = "aws-mfa-creds rotate key --profile work --yes"
		id      = " (request id …)"
		alice   = "arn:aws:iam::123456789012:user/alice may not call iam:"
		name    = "choose another name: aws-mfa-creds enroll --device-name alice-laptop-2 --profile new"
		replace = "aws-mfa-creds enroll --replace-unassigned --device-name alice-laptop --profile "
		lost    = "have an administrator run: aws iam deactivate-mfa-device --user-name alice --serial-number "
		phone   = "arn:aws:iam::123456789012:mfa/phone-0"
	)
	nobody := all(withKey, laptopOf(""))
	return []hintCase{
		{"device denied", all(nobody, deny("CreateVirtualMFADevice")), enroll + " --device-name alice", 6, "MFA device alice: " + alice + "CreateVirtualMFADevice (explicit deny in an identity-based policy)" + id, "ask an administrator to allow iam:CreateVirtualMFADevice", deny(), ""},
		{"name denied", all(nobody, ownName), enroll + " --device-name laptop", 6, "MFA device laptop: " + alice + "CreateVirtualMFADevice (no identity-based policy allows the iam:CreateVirtualMFADevice action)" + id, "many policies allow only a device named like the user: aws-mfa-creds enroll --device-name alice --profile new; or ask an administrator to allow iam:CreateVirtualMFADevice", all(pasteLastRun, retype(enroll)), ""},
		{"further device", all(nobody, phones(2)), enroll, 6, "MFA device …: " + alice + "EnableMFADevice (a further MFA device needs a session with MFA)" + id, "give a device that works already: --mfa-serial ARN --mfa-code-file FILE; if there is none, " + lost + "ARN; then: aws-mfa-creds enroll --replace-unassigned --profile new", func(m *ill) {
			world := m.Server.World()
			code, err := sandbox.Code(world.Device(phone).Seed, time.Now())
			must(m.t, err)
			m.write(m.Dir+"/code", code)
			m.again = m.fill(enroll + " --mfa-serial " + phone + " --mfa-code-file <DIR>/code")
		}, ""},
		{"further device, phone lost", all(nobody, phones(1)), enroll, 6, "MFA device …: " + alice + "EnableMFADevice (a further MFA device needs a session with MFA)" + id, "give a device that works already: --mfa-serial ARN --mfa-code-file FILE; if there is none, " + lost + phone + "; then: aws-mfa-creds enroll --replace-unassigned --profile new", byAdmin(), ""},
		{"name left over", nobody, laptop, 6, "MFA device alice-laptop: the account has a device of that name that is not enabled for anyone, perhaps left over from an enrollment that did not finish", replace + "new, or " + name, nil, ""},
		{"name left over, perhaps", all(nobody, deny("ListVirtualMFADevices")), laptop, 6, "MFA device alice-laptop: the account has a virtual MFA device of that name, and AWS does not say whose it is", replace + "new, or " + name, nil, ""},
		{"name of somebody", all(withKey, laptopOf("bob"), deny("ListVirtualMFADevices")), laptop + " --replace-unassigned", 6, "MFA device alice-laptop: it is enabled for a user, and AWS does not say for whom", name, all(pasteLastRun, retype(enroll)), ""},
		{"name of bob", all(withKey, laptopOf("bob")), laptop, 6, "MFA device alice-laptop: it is enabled for user bob", name, all(pasteLastRun, retype(enroll)), ""},
		{"name of a lost device", all(withKey, sh("aws-mfa-creds remove --profile work --yes")), laptop, 6, "MFA device alice-laptop: it is enabled for user alice already, and its seed is not stored here", lost + laptopSerial + "; then: " + replace + "new", byAdmin(), ""},
		{"eight devices", all(nobody, phones(8)), enroll, 6, "user alice: it has 8 MFA devices, the most that IAM allows: phone-0, …", "remove one: aws iam deactivate-mfa-device --user-name alice --serial-number SERIAL", all(func(m *ill) { m.gone = 1 }, byAdmin("SERIAL", phone)), "a further MFA device needs a session with MFA"},
		{"eight devices, not listed", all(nobody, phones(8), deny("ListMFADevices"), refuses("EnableMFADevice", "LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8")), enroll, 6, "user alice: it already has eight MFA devices, the most that IAM allows" + id, "remove one: aws iam deactivate-mfa-device --user-name alice --serial-number SERIAL", all(func(m *ill) { m.gone = 1; m.Server.ClearFaults() }, byAdmin("SERIAL", phone)), "a further MFA device needs a session with MFA"},
		{"device busy", all(nobody, refuses("CreateVirtualMFADevice", "EntityTemporarilyUnmodifiable", "busy")), enroll, 8, "MFA device …: it was changed a moment ago, and AWS does not accept another change yet" + id, "try again in a minute", func(m *ill) { m.Server.ClearFaults() }, ""},
		{"two codes refused", all(nobody, func(m *ill) {
			m.inject(sandbox.Fault{Kind: sandbox.Rewrite, Action: "CreateVirtualMFADevice", Rewrite: func(body []byte) []byte { otherSeed(m); return body }})
		}, jumps("EnableMFADevice")), enroll, 6, "MFA device …: AWS refused the two token codes: they are not of consecutive time steps, used already, too old, or from another seed…" + id, "wait for the next code, then run the command again", func(*ill) {}, ""},
		{"device gone", laptopOf(""), "aws-mfa-creds resync --profile work", 6, "MFA device " + laptopSerial + ": there is no such device, or it is not one of user alice" + id, "aws-mfa-creds enroll --profile work", all(pasteLastRun, retype(getWork)), ""},
		{"seed of another device", all(otherSeed, jumps("ResyncMFADevice")), "aws-mfa-creds resync --profile work", 6, "MFA device " + laptopSerial + ": AWS refused two pairs of token codes, so the stored seed is not that of the device", lost + laptopSerial + "; then: aws-mfa-creds enroll --replace-unassigned --profile work", all(byAdmin(), retype(getWork)), ""},
		{"unfinished", leftover("work"), "aws-mfa-creds rotate device --profile work --yes", 3, `this profile: "enroll" was started … and did not finish`, "run it again: aws-mfa-creds enroll --profile work", nil, ""},
		{"unfinished, of another user", all(nobody, leftover("new"), bobsKey), enroll, 3, `this profile: "enroll" was started for arn:aws:iam::123456789012:user/alice and did not finish, but the access key belongs to arn:aws:iam::123456789012:user/bob`, "store an access key of that user: aws-mfa-creds add --profile new, or forget what it began: aws-mfa-creds enroll --abandon --profile new", with("--yes --access-key-file <KEY>"), ""},
		{"unfinished, to be forgotten", all(nobody, leftover("new"), bobsKey), enroll, 3, `this profile: "enroll" was started for arn:aws:iam::123456789012:user/alice and did not finish, but the access key belongs to arn:aws:iam::123456789012:user/bob`, "store an access key of that user: aws-mfa-creds add --profile new, or forget what it began: aws-mfa-creds enroll --abandon --profile new", sh("aws-mfa-creds enroll --abandon --profile new --yes"), ""},
		{"unfinished, damaged", all(nobody, leftover("new"), sh("for f in <DIR>/own/unfinished/*.json; do echo x > $f; done")), enroll, 3, "…/own/unfinished/….device.json: records an unfinished run, and cannot be used: damaged, or of another version", "look at the user's MFA devices and access keys in IAM, then delete the file: rm …", nil, "not enabled for anyone"},
		{"unfinished, seed lost", all(nobody, leftover("new"), sh("rm <DIR>/own/age/seed-*"), world(func(w *sandbox.World) { w.Devices[len(w.Devices)-1].User = testbed.UserName })), enroll, 4, "MFA device …: it is enabled, but its seed is missing from the store", lost + "…; then: aws-mfa-creds enroll --replace-unassigned --device-name … --profile new", byAdmin(), ""},
		{"remove the device of bob", laptopOf("bob"), "aws-mfa-creds remove --profile work --aws --yes", 6, "MFA device " + laptopSerial + ": it is enabled for another user", "delete only what is stored here: aws-mfa-creds remove --profile work", all(func(m *ill) { m.gone = 2 }, with("--yes")), ""},
		{"a name for nothing", nobody, enroll + " --device-name '!!'", 2, `--device-name: IAM takes letters (a-z, A-Z), digits and _ + = , . @ - only, at most 226 of them, and not "!!"`, "give another name, such as alice-laptop", retype(enroll + " --device-name alice-desk"), ""},
		{"root user", asTheRootUser, "aws-mfa-creds enroll --profile work", 3, "the root user of account 123456789012: IAM has no API to enable an MFA device for it, and it should have no access keys", "aws-mfa-creds enroll --console --profile work", all(inConsole, with("--seed-file <DIR>/x --serial "+rootSerial), retype(getWork)), ""},
		{"two access keys", world(func(w *sandbox.World) {
			w.Users[0].Keys = append(w.Users[0].Keys, sandbox.Key{ID: "AKIASPARESPARESPARE7"})
		}), key, 6, "user alice: it has 2 access keys, the most that IAM allows: AKIA… (active, last used …), AKIASPARESPARESPARE7 (active, never used)", "delete the one that is not used: aws iam delete-access-key --user-name alice --access-key-id ID", all(func(m *ill) { m.gone = 1 }, byAdmin("ID", "AKIASPARESPARESPARE7")), ""},
		{"access key lost", all(deny("GetAccessKeyLastUsed"), func(m *ill) { m.inject(sandbox.Fault{Kind: sandbox.ResetAfter, Action: "CreateAccessKey"}) }), key, 6, "access key AKIA…: an earlier run may have made it, and AWS does not say whether it is in use", "if nothing uses it: aws iam delete-access-key --user-name alice --access-key-id AKIA… && aws-mfa-creds rotate key --profile work", byAdmin(), ""},
		{"access key active again", all(deny("GetAccessKeyLastUsed"), sh(key), deny(), world(func(w *sandbox.World) { w.Users[0].Keys[0].Inactive = false })), key, 6, "access key AKIA…: it was replaced, and has been activated again since", "once nothing uses it: aws-mfa-creds rotate key --delete --profile work", all(func(m *ill) { m.gone = 1 }, pasteLastRun), ""},
	}
}

const rootSerial = "arn:aws:iam::123456789012:mfa/root-account-mfa-device"

// inConsole makes the root user a device, in the place of one that there may be, and a file of its seed.
func inConsole(m *ill) {
	seed := strings.Repeat("ROOTSEED23456723", 4)
	m.change(func(w *sandbox.World) {
		w.Devices = slices.DeleteFunc(w.Devices, func(d sandbox.Device) bool { return d.Serial == rootSerial })
		w.Devices = append(w.Devices, sandbox.Device{Serial: rootSerial, Seed: seed, User: sandbox.RootUser})
	})
	m.write(m.Dir+"/x", seed)
}

// bobsKey stores bob's access key in the place of alice's.
func bobsKey(m *ill) {
	m.write(m.Dir+"/bob", "AKIABOBBOBBOBBOBBOB7 "+strings.Repeat("b", 40))
	m.must("aws-mfa-creds add --profile new --yes --access-key-file " + m.Dir + "/bob")
}
