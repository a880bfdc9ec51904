//go:build linux

package test

import (
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// TestWayOut loses what this computer keeps while the device is still in IAM, and does what each hint says: the
// way ends in a working get, and nothing is said twice.
func TestWayOut(t *testing.T) {
	t.Parallel()
	const age = "<DIR>/own/age/"
	keyLost, seedLost := sh("rm "+age+"key-*"), sh("rm "+age+"seed-*")
	homeLost := sh("rm -r <DIR>/own <DIR>/home/.aws && mkdir -m 700 <DIR>/own <DIR>/home/.aws")
	for name, test := range map[string]struct {
		lose func(*ill)
		run  string // the first command
		end  string // words of the last hint but none
	}{
		"key lost":                          {keyLost, getWork, "add --profile work"},
		"seed lost":                         {seedLost, getWork, "--replace-unassigned"},
		"both lost":                         {all(keyLost, seedLost), getWork, "--replace-unassigned"},
		"profiles.ini lost":                 {sh("rm <DIR>/own/profiles.ini"), getWork, "enroll --profile work"},
		"home lost":                         {homeLost, getWork, "--replace-unassigned"},
		"home lost, set up anew":            {homeLost, "aws-mfa-creds setup --profile work --access-key-file <KEY> --region us-east-1 --yes", "--replace-unassigned"},
		"seed lost, set up anew":            {seedLost, "aws-mfa-creds setup --profile work --yes", "--replace-unassigned"},
		"seed lost, rotated":                {seedLost, "aws-mfa-creds rotate device --profile work --yes", "--replace-unassigned"},
		"seed lost, enrolled":               {seedLost, "aws-mfa-creds enroll --profile work", "--replace-unassigned"},
		"seed lost, resynchronized":         {seedLost, "aws-mfa-creds resync --profile work", "--replace-unassigned"},
		"seed lost, MFA demanded":           {all(seedLost, mfaDemanded), getWork, "--replace-unassigned"},
		"seed lost, rotated, MFA demanded":  {all(seedLost, mfaDemanded), "aws-mfa-creds rotate device --profile work --yes", "--replace-unassigned"},
		"seed lost, key rotated":            {all(seedLost, mfaDemanded), "aws-mfa-creds rotate key --profile work --yes", "--replace-unassigned"},
		"home lost, names as users":         {all(homeLost, ownName, mfaDemanded), getWork, ""},
		"seed of the root user lost":        {rootLost, getWork, "--console"},
		"another seed":                      {otherSeed, getWork, "--replace-unassigned"},
		"device of another user":            {deviceOf("bob"), getWork, "--device-name"},
		"device of another user, rotated":   {deviceOf("bob"), "aws-mfa-creds rotate device --profile work --yes", ""},
		"device of another user, seed lost": {all(seedLost, deviceOf("bob")), getWork, "--device-name"},
		"device of nobody":                  {deviceOf(""), getWork, "--replace-unassigned"},
		"device of nobody, seed lost":       {all(seedLost, deviceOf("")), getWork, "--replace-unassigned"},
		"device of nobody, rotated":         {deviceOf(""), "aws-mfa-creds rotate device --profile work --yes", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newIll(t)
			all(laptopOf(""), jumps("EnableMFADevice"), jumps("GetSessionToken"), jumps("ResyncMFADevice"))(m)
			m.must("aws-mfa-creds enroll --profile work")
			test.lose(m)
			sh("aws-mfa-creds clear --all")(m)
			m.wayOut(test.run, test.end)
		})
	}
}

func mfaDemanded(m *ill) { m.change(func(w *sandbox.World) { w.Users[0].RequireMFA = true }) }

// deviceOf gives the device of this computer to another user, or to nobody.
func deviceOf(user string) func(*ill) {
	return world(func(w *sandbox.World) { w.Devices[len(w.Devices)-1].User = user })
}

// rootLost has the profile use the root user, whose seed gets lost.
func rootLost(m *ill) {
	asTheRootUser(m)
	inConsole(m)
	sh("aws-mfa-creds add --profile work --yes --seed-file <DIR>/x --serial "+rootSerial, "rm <DIR>/own/age/seed-*")(m)
}

// wayOut does what the hints say, beginning with those of a command, until get works.
func (m *ill) wayOut(command, end string) {
	m.t.Helper()
	const steps = 12 // more are a circle
	hint := ""
	for range steps {
		got := m.sh(m.fill(command))
		m.t.Logf("$ %s\n%s%s", command, got.stdout[:min(len(got.stdout), 80)], got.stderr)
		switch {
		case got.code == 0 && strings.HasPrefix(command, getWork):
			if !strings.Contains(hint, end) {
				m.t.Errorf("the last hint was %q, want %q", hint, end)
			}
			return
		case got.code == 0:
			command = getWork + " --refresh"
		default:
			found := false
			if _, hint, found = strings.Cut(got.stderr, ": hint: "); !found {
				_, hint, _ = strings.Cut(got.stderr, "; ")
			}
			if !strings.HasPrefix(hint, "try again") {
				command = m.next(hint)
			}
		}
	}
	m.t.Fatal("that is a circle")
}

// next returns what a person types who has got a hint and has only the access key: after an administrator has
// done what is left to him.
func (m *ill) next(hint string) (command string) {
	m.t.Helper()
	for _, part := range strings.FieldsFunc(strings.ReplaceAll(hint, ", or ", ";"), func(r rune) bool { return r == ';' || r == '\n' }) {
		found := pasted.FindStringSubmatch(": " + strings.TrimSpace(part))
		switch {
		case found == nil:
		case strings.HasPrefix(found[1], "aws iam deactivate"):
			m.said = found[1]
			byAdmin()(m)
			command = ""
		case command == "" || strings.Contains(part, "if nobody has the seed") || strings.Contains(part, "if it is not there") || strings.Contains(part, "resynchronize the device"):
			command = found[1]
		}
	}
	switch words := strings.Fields(command); {
	case len(words) < 2:
		m.t.Fatalf("there is no command in %q", hint)
	case strings.Contains(command, "--console"):
		inConsole(m)
		command += " --seed-file <DIR>/x --serial " + rootSerial
	case words[1] == "add":
		command += " --store age --yes --access-key-file <KEY>"
	case words[1] == "setup":
		command += " --region us-east-1 --yes --access-key-file <KEY>"
	case words[1] == "rotate":
		command += " --yes"
	}
	return command
}
