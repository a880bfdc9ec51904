//go:build linux

package test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// dialog is a command that asks a person, and what to answer.
type dialog struct {
	machine func(*testing.T) *newcomer
	args    string
	asks    []string // each question, by its last words, and the answer to it
	begun   int      // how many of the questions come before the first change; 0: all
	again   []string // what the same command asks when it goes on
}

// phoned is the machine of a user whose account demands MFA, and who has a phone.
func phoned(t *testing.T) *newcomer {
	n := newNewcomer(t, demandsMFA, withDevice(phoneSerial, testbed.UserName))
	n.env = []string{"AWS_PROFILE="} // which setup takes
	return n
}

// with returns the machine with something done to it.
func (d dialog) with(change func(*newcomer)) dialog {
	machine := d.machine
	d.machine = func(t *testing.T) *newcomer {
		n := machine(t)
		change(n)
		return n
	}
	return d
}

// dialogs are all commands that ask, with every question that there is.
func dialogs() map[string]dialog {
	const (
		id, secret = "Access key ID (AKIA...): ", "Secret access key (not shown): "
		seed       = "or an otpauth URI) (not shown): "
		pair       = "press Enter here."
		shown      = "as the console shows it now: "
	)
	plain := func(t *testing.T) *newcomer { return newNewcomer(t) }
	inConsole := func(t *testing.T) *newcomer { return stored(t) }
	ready := func(t *testing.T) *newcomer {
		n, _ := enrolled(t)
		return n
	}
	locked := func(n *newcomer) {
		n.must("store", "protect", "--passphrase", "--passphrase-file", n.file("phrase", "correct horse"))
		n.must("lock")
	}
	config := func(text string) func(*newcomer) { return func(n *newcomer) { n.check(n.AddConfig(text)) } }
	static := func(n *newcomer) {
		key := n.user().Keys[0]
		writeFile(n.t, filepath.Join(n.Home(), ".aws", "credentials"), "[work]\naws_access_key_id = "+key.ID+"\naws_secret_access_key = "+key.Secret+"\n")
	}
	goesOn := []string{"Continue with it? [y/N]: ", "y", pair, "", shown, consoleSerial}
	return map[string]dialog{
		"setup": {machine: phoned, args: "setup", asks: []string{
			"Name of the profile: ", "work", "(Enter for none): ", "us-east-1", id, "<ID>", secret, "<SECRET>", "such as your phone's [" + phoneSerial + "]: ", "", "(" + phoneSerial + "): ", "<CODE>",
		}},
		"setup, key in plain text":    dialog{machine: plain, args: "setup --profile work --region us-east-1", asks: []string{"Move it to the store? [y/N]: ", "y"}}.with(static),
		"setup, another process":      dialog{machine: plain, args: "setup --profile work --region us-east-1 --access-key-file <KEY>", asks: []string{"Replace that (unregister brings it back)? [y/N]: ", "y"}}.with(config("[profile work]\ncredential_process = /opt/other\n")),
		"setup in the console":        {plain, "setup --profile work --region us-east-1 --console", []string{id, "<ID>", secret, "<SECRET>", seed, consoleSeed, pair, "", shown, consoleSerial}, 3, goesOn},
		"add":                         {machine: plain, args: "add --profile work", asks: []string{id, "<ID>", secret, "<SECRET>", seed, consoleSeed, "Serial (ARN) of the MFA device: ", consoleSerial}},
		"add, again":                  {machine: ready, args: "add --profile work", asks: []string{"Replace it? [y/N]: ", "y", id, "AKIAIOSFODNN7EXAMPLE", secret, strings.Repeat("x", 40), "cannot be undone. [y/N]: ", "y", seed, consoleSeed}},
		"add, another key":            {machine: inConsole, args: "add --profile work --access-key-file <OTHER>", asks: []string{"with AKIAIOSFODNN7EXAMPLE? [y/N]: ", "y"}},
		"add, another seed":           {machine: ready, args: "add --profile work --seed-file <SEED>", asks: []string{"cannot be undone. [y/N]: ", "y"}},
		"add, of several":             {machine: inConsole, args: "add --profile work --seed-file <SEEDS>", asks: []string{"Number of the one to take: ", "2", "Serial (ARN) of the MFA device: ", consoleSerial}},
		"add, locked":                 dialog{machine: inConsole, args: "add --profile work --access-key-file <OTHER>", asks: []string{"assphrase of the age store (not shown): ", "correct horse", "with AKIAIOSFODNN7EXAMPLE? [y/N]: ", "y"}}.with(locked),
		"enroll":                      dialog{machine: phoned, args: "enroll --profile work", asks: []string{"such as your phone's [" + phoneSerial + "]: ", "", "(" + phoneSerial + "): ", "<CODE>"}}.with(func(n *newcomer) { n.must("add", "--profile", "work", "--access-key-file", n.key) }),
		"enroll in the console":       {inConsole, "enroll --profile work --console", []string{seed, consoleSeed, pair, "", shown, consoleSerial}, 1, goesOn},
		"rotate key":                  {machine: ready, args: "rotate key --profile work", asks: []string{"The old one will be deactivated. [y/N]: ", "y"}},
		"rotate device":               {machine: ready, args: "rotate device --profile work", asks: []string{"of profile work? [y/N]: ", "y"}},
		"remove":                      {machine: ready, args: "remove --profile work", asks: []string{"will stay active. [y/N]: ", "y", "Type the name of the profile to delete its seed: ", "work"}},
		"remove from IAM":             {machine: ready, args: "remove --profile work --aws", asks: []string{"[y/N]: ", "y", "Type the name of the user to remove it: ", testbed.UserName}},
		"protect":                     {machine: ready, args: "store protect --passphrase", asks: []string{"New passphrase of the age store (not shown): ", "correct horse", "Repeat the new passphrase (not shown): ", "correct horse"}},
		"protect, locked":             dialog{machine: ready, args: "store protect --none", asks: []string{"Current passphrase of the age store (not shown): ", "correct horse"}}.with(locked),
		"unlock":                      dialog{machine: ready, args: "unlock", asks: []string{"Passphrase of the age store (not shown): ", "correct horse"}}.with(locked),
		"export":                      {machine: ready, args: "export --profile work", asks: []string{"can generate your codes. [y/N]: ", "y", "then press Enter: ", ""}},
		"register beside a key":       dialog{machine: ready, args: "register --profile work --region us-east-1", asks: []string{"Register anyway? [y/N]: ", "y"}}.with(static),
		"register, another process":   dialog{machine: ready, args: "register --profile work --region us-east-1", asks: []string{"(unregister brings it back)? [y/N]: ", "y"}}.with(config("[profile work]\ncredential_process = /opt/other\n")),
		"move into memory":            {machine: ready, args: "store move --profile work --to keyctl", asks: []string{"Move it? [y/N]: ", "y"}},
		"abandon":                     dialog{machine: ready, args: "enroll --profile work --console --abandon", asks: []string{"codes of that any more. [y/N]: ", "y"}}.with((*newcomer).leaveConsole),
		"another seed of the console": dialog{machine: ready, args: "enroll --profile work --console", asks: []string{"Continue with it? [y/N]: ", "n", seed, strings.Repeat("JBSWY3DPEHPK3PXP", 2), "codes of that any more. [y/N]: ", "n"}}.with((*newcomer).leaveConsole),
	}
}

func (n *newcomer) file(name, text string) string {
	path := filepath.Join(n.Dir, "secrets", name)
	writeFile(n.t, path, text+"\n")
	return path
}

// leaveConsole has an enrollment in the console stop when its seed is stored.
func (n *newcomer) leaveConsole() {
	n.run("enroll", "--profile", "work", "--console", "--seed-file", n.file("console", consoleSeed))
}

// fill puts in what stands in angle brackets.
func (n *newcomer) fill(text string) string {
	key := n.user().Keys[0]
	switch text {
	case "<CODE>":
		return n.codeOf(phoneSerial)
	case "<WRONG>":
		return n.noCodeOf(phoneSerial)
	}
	return strings.NewReplacer("<ID>", key.ID, "<SECRET>", key.Secret, "<KEY>", n.key,
		"<OTHER>", n.file("other", "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
		"<SEED>", n.file("seed", consoleSeed),
		"<SEEDS>", n.file("seeds", "otpauth://totp/a?secret="+consoleSeed+"\notpauth://totp/b?secret="+strings.Repeat("JBSWY3DPEHPK3PXP", 2))).Replace(text)
}

// answers goes through a dialog.
func (s *shell) answers(asks []string) {
	s.n.t.Helper()
	for pair := range slices.Chunk(asks, 2) {
		s.n.check(s.Expect(pair[0]))
		s.n.check(s.Type(s.n.fill(pair[1]) + "\n"))
	}
}

// state is what rests on the disk and in IAM.
func (n *newcomer) state() string {
	var inIAM []string
	for _, device := range n.Server.World().Devices {
		inIAM = append(inIAM, device.Serial+" of "+device.User)
	}
	for _, key := range n.user().Keys {
		inIAM = append(inIAM, fmt.Sprint(key.ID, key.Inactive))
	}
	return fmt.Sprint(n.tree(), inIAM)
}

// TestInterrupted presses Ctrl-C at each question of each command: nothing has changed then. Where the run had
// begun to change things, list shows it, and the same command goes on.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for name, d := range dialogs() {
		for at := range len(d.asks) / 2 {
			t.Run(fmt.Sprintf("%s, %d", name, at), func(t *testing.T) {
				t.Parallel()
				n := d.machine(t)
				args := strings.Fields(n.fill(d.args))
				before := n.state()
				s := n.shell(args...)
				s.answers(d.asks[:2*at])
				n.check(s.Expect(d.asks[2*at]))
				n.check(s.Type("\x03"))
				if shown := s.ends(130); !strings.HasSuffix(strings.TrimSuffix(shown, "\x1b[2J\x1b[?1049l"), "\n") {
					t.Errorf("the line is not ended: %q", shown)
				}
				if d.begun == 0 || at < d.begun {
					if after := n.state(); after != before {
						t.Errorf("changed: %s\nto %s", before, after)
					}
					return
				}
				if said := n.must("list"); !strings.Contains(said, "did not finish; run it again: aws-mfa-creds enroll --console --profile work\n") {
					t.Errorf("list says %q", said)
				}
				n.change(func(w *sandbox.World) { // the console has taken the codes
					w.Devices = append(w.Devices, sandbox.Device{Serial: consoleSerial, Seed: consoleSeed, User: testbed.UserName})
				})
				s = n.shell(args...)
				s.answers(d.again)
				s.ends(0)
			})
		}
	}
}

// TestConsoleAbandoned forgets an enrollment in the console, and its seed.
func TestConsoleAbandoned(t *testing.T) {
	t.Parallel()
	n := stored(t)
	if said := n.must("enroll", "--profile", "work", "--console", "--abandon"); said != "Profile work has no unfinished run.\n" {
		t.Errorf("said %q", said)
	}
	n.leaveConsole()
	n.refused(2, []string{"give --yes", "Its seed is deleted"}, "enroll", "--profile", "work", "--console", "--abandon")
	n.must("enroll", "--profile", "work", "--console", "--abandon", "--yes")
	if said := n.must("list"); strings.Contains(said, "did not finish") {
		t.Errorf("list says %q", said)
	}
	if seeds, _ := filepath.Glob(n.Own() + "/age/seed-*"); len(seeds) > 0 {
		t.Errorf("left: %s", seeds)
	}
	n.must("enroll", "--profile", "work")
	n.works("work")
}

// TestTypos answers each question of a newcomer wrongly first: what is wrong is said, and the question is asked
// again. In the answers, what comes after an arrow is what is said.
func TestTypos(t *testing.T) {
	t.Parallel()
	const (
		id, secret = "Access key ID (AKIA...): ", "Secret access key (not shown): "
		name       = "Name of the profile: "
		region     = "(Enter for none): "
		serial     = "such as your phone's [" + phoneSerial + "]: "
		code       = "(" + phoneSerial + "): "
		seed       = "or an otpauth URI) (not shown): "
		ofConsole  = "as the console shows it now: "
	)
	for args, asks := range map[string][]string{
		"setup": {
			name, "->it is empty", name, "my work->it has a space", name, "work",
			region, "Europe->\"Europe\" is not a region of AWS; give one of AWS's", region, "eu-centrl-1->did you mean eu-central-1?", region, "us-east-1",
			id, "->is not an access key id", id, "x y->is not an access key id", id, "<ID>",
			secret, "->the secret access key is empty", secret, "<ID>->holds an access key id", secret, strings.Repeat("x", 40) + "->does not belong to it",
			id, "<ID>", secret, "<SECRET>",
			serial, "phone->is not the serial of an MFA device", serial, "arn:aws:iam::123456789012:user/alice->is the ARN of a user", serial, "",
			code, "12345->give the six digits", code, "<WRONG>->wait for its next code", code, "<WRONG>->this code was already sent; wait for the next one", code, "<CODE>",
		},
		"enroll --profile new --console": {
			seed, "->seed is empty", seed, "123456->that is a code, not the seed", seed, consoleSeed, "press Enter here.", "",
			ofConsole, "phone->is not the serial", ofConsole, "->is empty", ofConsole, consoleSerial,
		},
		"add --profile new": {
			id, "<SECRET>->looks like a secret access key", id, "<ID>", secret, "<SECRET>",
			seed, "<SECRET>->that looks like a secret access key", seed, "~/shot.png->no such file; give the path", seed, consoleSeed,
			"Serial (ARN) of the MFA device: ", "->is empty", "Serial (ARN) of the MFA device: ", consoleSerial,
		},
		"store protect --passphrase": {"New passphrase of the age store (not shown): ", "->is shorter than 8", "New passphrase of the age store (not shown): ", "correct horse", "Repeat the new passphrase (not shown): ", "correct horse"},
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			n := phoned(t)
			s := n.shell(strings.Fields(args)...)
			for pair := range slices.Chunk(asks, 2) {
				answer, said, _ := strings.Cut(pair[1], "->")
				n.check(s.Expect(pair[0]))
				n.check(s.Type(n.fill(answer) + "\n"))
				n.check(s.Expect(said))
			}
			s.ends(0)
		})
	}
}
