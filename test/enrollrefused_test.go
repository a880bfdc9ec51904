//go:build linux

package test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

const (
	phoneSerial = "arn:aws:iam::123456789012:mfa/phone"
	otherSerial = "arn:aws:iam::123456789012:mfa/spare"
)

// withDevice adds a device to the account.
func withDevice(serial, user string) func(*sandbox.Options) {
	return func(o *sandbox.Options) {
		o.World.Users = append(o.World.Users, sandbox.User{Name: "bob"})
		o.World.Devices = append(o.World.Devices, sandbox.Device{Serial: serial, User: user})
	}
}

func denied(action string) func(*sandbox.Options) {
	return func(o *sandbox.Options) { o.World.Users[0].Deny = map[string]string{"iam:" + action: ""} }
}

func demandsMFA(o *sandbox.Options) { o.World.Users[0].RequireMFA = true }

// codeOf returns the current code of a device that this machine does not have.
func (n *newcomer) codeOf(serial string) string {
	n.t.Helper()
	world := n.Server.World()
	code, err := sandbox.Code(world.Device(serial).Seed, n.Server.Now())
	n.check(err)
	return code
}

// noCodeOf returns six digits that the device shows at no time near.
func (n *newcomer) noCodeOf(serial string) string {
	n.t.Helper()
	return noCode(n.t, n.Bed, serial)
}

func noCode(t *testing.T, b *testbed.Bed, serial string) string {
	t.Helper()
	world := b.Server.World()
	var near []string
	for step := -10; step <= 10; step++ {
		code, err := sandbox.Code(world.Device(serial).Seed, b.Server.Now().Add(time.Duration(step)*30*time.Second))
		must(t, err)
		near = append(near, code)
	}
	for code := 123456; ; code++ {
		if text := strconv.Itoa(code); !slices.Contains(near, text) {
			return text
		}
	}
}

// TestEnrollRefused has IAM refuse an enrollment in each of its ways. Nothing is left of any of them.
func TestEnrollRefused(t *testing.T) {
	t.Parallel()
	eight := func(o *sandbox.Options) {
		for i := range 8 {
			withDevice(fmt.Sprintf("arn:aws:iam::123456789012:mfa/phone-%d", i), testbed.UserName)(o)
		}
	}
	for name, test := range map[string]struct {
		adjust []func(*sandbox.Options)
		fault  *sandbox.Fault
		args   []string
		code   int
		words  []string
	}{
		"E1, a left-over": {
			adjust: []func(*sandbox.Options){withDevice(otherSerial, "")}, args: []string{"--device-name", "spare"},
			code: 6, words: []string{"MFA device spare", "not enabled for anyone", "hint: aws-mfa-creds enroll --replace-unassigned --device-name spare --profile work"},
		},
		"E1, of another user": {
			adjust: []func(*sandbox.Options){withDevice(otherSerial, "bob")}, args: []string{"--device-name", "spare", "--replace-unassigned"},
			code: 6, words: []string{"enabled for user bob", "hint: choose another name: aws-mfa-creds enroll --device-name spare-2 --profile work"},
		},
		"E1, and no list": {
			adjust: []func(*sandbox.Options){withDevice(otherSerial, "bob"), denied("ListVirtualMFADevices")}, args: []string{"--device-name", "spare"},
			code: 6, words: []string{"MFA device spare"},
		},
		"E2": {
			adjust: []func(*sandbox.Options){eight},
			code:   6, words: []string{"user alice", "8 MFA devices", "phone-0, phone-1", "phone-7", "aws iam deactivate-mfa-device --user-name alice"},
		},
		"E2, told late": {
			fault: &sandbox.Fault{Kind: sandbox.Refuse, Action: "EnableMFADevice", Status: 409, Code: "LimitExceeded", Message: "Cannot exceed quota for MFADevicesPerUser: 8"},
			code:  6, words: []string{"eight MFA devices", "aws iam deactivate-mfa-device --user-name alice --serial-number SERIAL"},
		},
		"E3, create": {
			adjust: []func(*sandbox.Options){denied("CreateVirtualMFADevice")},
			code:   6, words: []string{"alice may not call iam:CreateVirtualMFADevice"},
		},
		"E3, enable": {
			adjust: []func(*sandbox.Options){denied("EnableMFADevice")},
			code:   6, words: []string{"alice may not call iam:EnableMFADevice"},
		},
		"E3, wants MFA": {
			adjust: []func(*sandbox.Options){withDevice(phoneSerial, testbed.UserName)},
			code:   6, words: []string{"a further MFA device needs a session with MFA", "hint: give a device that works already: --mfa-serial ARN --mfa-code-file FILE"},
		},
		"E7": {
			adjust: []func(*sandbox.Options){func(o *sandbox.Options) { o.World.Users[0].OwnDeviceName = true }}, args: []string{"--device-name", "laptop"},
			code: 6, words: []string{"alice may not call iam:CreateVirtualMFADevice", "--device-name alice"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := stored(t, test.adjust...)
			if test.fault != nil {
				n.inject(*test.fault)
			}
			var before []string
			for _, d := range n.Server.World().Devices {
				before = append(before, d.Serial)
			}
			n.refused(test.code, test.words, append([]string{"enroll", "--profile", "work"}, test.args...)...)
			n.untouched(before...)
			wantNoCodeTwice(t, n.Bed)
		})
	}
}

// TestEnrollPastARefusal follows the hints.
func TestEnrollPastARefusal(t *testing.T) {
	t.Parallel()
	t.Run("E1", func(t *testing.T) {
		t.Parallel()
		n := stored(t, withDevice(otherSerial, ""))
		n.must("enroll", "--profile", "work", "--device-name", "spare", "--replace-unassigned")
		n.works("work")
	})
	t.Run("E3", func(t *testing.T) {
		t.Parallel()
		n := stored(t, demandsMFA, withDevice(phoneSerial, testbed.UserName))
		// Without MFA the device cannot even be deleted again: it waits, with its seed, for the next run.
		n.refused(6, []string{"needs a session with MFA", "--mfa-serial ARN"}, "enroll", "--profile", "work")
		n.later()
		codeFile := filepath.Join(n.Dir, "secrets", "code")
		writeFile(t, codeFile, n.codeOf(phoneSerial)+"\n")
		n.must("enroll", "--profile", "work", "--mfa-serial", phoneSerial, "--mfa-code-file", codeFile)
		if made := calls(n.Bed, "CreateVirtualMFADevice"); made != 1 {
			t.Errorf("%d devices were made", made)
		}
		n.works("work", phoneSerial)
	})
	t.Run("E7", func(t *testing.T) {
		t.Parallel()
		n := stored(t, func(o *sandbox.Options) { o.World.Users[0].OwnDeviceName = true })
		if said := n.must("enroll", "--profile", "work"); !strings.Contains(said, "arn:aws:iam::123456789012:mfa/alice ") {
			t.Errorf("said %q", said)
		}
		n.works("work")
	})
}

// TestEnrollOutOfSync is row E4: AWS has taken the codes too late and enabled the device out of sync. The
// proof shows it, and the device is resynchronised. AWS's clock jumps with the answers, so that no
// step is waited for.
func TestEnrollOutOfSync(t *testing.T) {
	t.Parallel()
	n := stored(t)
	late := func(body []byte) []byte {
		n.change(func(w *sandbox.World) { w.Devices[0].OutOfSync = true })
		return body
	}
	jump := func(body []byte) []byte {
		n.later()
		return body
	}
	n.inject(sandbox.Fault{Kind: sandbox.Rewrite, Action: "EnableMFADevice", Rewrite: late})
	n.inject(sandbox.Fault{Kind: sandbox.Rewrite, Action: "GetSessionToken", Times: 2, Rewrite: jump})
	n.must("enroll", "--profile", "work")
	if resynced := calls(n.Bed, "ResyncMFADevice"); resynced != 1 {
		t.Errorf("%d calls of ResyncMFADevice", resynced)
	}
	n.works("work")
	n.change(func(w *sandbox.World) { w.Devices[0].OutOfSync = true })
	n.later()
	if said := n.must("resync", "--profile", "work"); !strings.Contains(said, "Resynchronized the device and got a session.") {
		t.Errorf("resync said %q", said)
	}
	n.works("work")
}

// TestRemoveAWS is row E8: the last device of a user goes only when somebody says so.
func TestRemoveAWS(t *testing.T) {
	t.Parallel()
	n := stored(t)
	n.must("enroll", "--profile", "work")
	n.refused(2, []string{"no terminal", "--yes"}, "remove", "--profile", "work", "--aws")
	n.consistent("work")
	s := n.shell("remove", "--profile", "work", "--aws")
	s.answer("[y/N]: ", "y")
	s.answer("last MFA device of user alice", "alicia")
	if shown := s.ends(2); !strings.Contains(shown, "nothing was changed") {
		t.Errorf("shows %q", shown)
	}
	n.works("work")
	s = n.shell("remove", "--profile", "work", "--aws")
	s.answer("[y/N]: ", "y")
	s.answer("last MFA device of user alice", "alice")
	s.ends(0)
	n.untouched()
	if keys := len(n.user().Keys); keys != 1 {
		t.Errorf("%d access keys", keys)
	}
	got := n.run("get", "--profile", "work")
	if got.code != 3 || got.stdout != "" {
		t.Errorf("exit %d: %s", got.code, got.stderr)
	}
}

// TestRotate replaces device and key, one after the other, and on an account that demands MFA.
func TestRotate(t *testing.T) {
	t.Parallel()
	for name, adjust := range map[string][]func(*sandbox.Options){"plain": nil, "MFA demanded": {demandsMFA}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := stored(t, adjust...)
			n.must("enroll", "--profile", "work")
			for _, what := range []string{"device", "key", "device", "key"} {
				n.later()
				began := time.Now()
				said := n.must("rotate", what, "--profile", "work", "--yes")
				t.Logf("rotate %s took %v: %s", what, time.Since(began), said)
				n.works("work")
			}
		})
	}
}

// TestRotateAsks replaces nothing unless somebody says so, and does not ask for what has begun.
func TestRotateAsks(t *testing.T) {
	t.Parallel()
	n := stored(t)
	n.must("enroll", "--profile", "work")
	n.later()
	key, device := n.user().Keys[0].ID, n.Server.World().Devices[0].Serial
	n.refused(2, []string{"no terminal", "Replace access key " + key + " of profile work?", "--yes"}, "rotate", "key", "--profile", "work")
	n.refused(2, []string{"no terminal", "Replace MFA device " + device, "--yes"}, "rotate", "device", "--profile", "work")
	s := n.shell("rotate", "key", "--profile", "work", "--delete")
	s.answer("The old one will be deactivated and deleted. [y/N]: ", "")
	s.ends(2)
	n.works("work")
	n.inject(sandbox.Fault{Kind: sandbox.Refuse, Action: "UpdateAccessKey", Status: 403, Code: "AccessDenied", Message: "not now"})
	s = n.shell("rotate", "key", "--profile", "work")
	s.answer("[y/N]: ", "y")
	s.ends(6)
	n.must("rotate", "key", "--profile", "work")
	n.works("work")
	if got := n.user().Keys[0].ID; got == key {
		t.Errorf("the access key is %s still", got)
	}
}
