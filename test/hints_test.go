//go:build linux

package test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// hintCase is a situation in which the program fails: what it has to say then, and whether that helps.
// In the texts, … stands for anything.
type hintCase struct {
	name string
	make func(*ill) // makes the situation, on a machine whose profile work has its secrets in the age store
	run  string     // the command, as a shell reads it; "doctor ID [FLAG]" for what that rule of doctor finds
	code int        // its exit code

	says string // "THING: CAUSE"
	hint string // "" if there is no way out to name

	// help does what the hint says, as a person would. If it is nil, the commands in the hint are pasted.
	help func(*ill)
	then string // what the command says next, "" if it succeeds; for doctor, "" or stays
}

// stays is for what doctor goes on finding, because only a person can tell whether it is meant so.
const stays = "stays"

// hintCases are the situations, by area. Each hint of the program has one.
func hintCases() []hintCase {
	return slices.Concat(consumerHints(), commandHints(), configHints(), doctorHints(), inputHints(), awsHints(), storeHints(), personHints(),
		networkHints(), enrollHints(), sessionHints(), fleetHints(), poolHints(), serveHints())
}

// TestHints makes everything go wrong that a hint is printed for, and does what the hint says: then the
// command has to work, or to name the next thing that is wrong; and nothing may be lost on the way.
func TestHints(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs a thousand processes")
	}
	for _, c := range hintCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := newIll(t)
			if c.make != nil {
				c.make(m)
			}
			c.tryOn(m)
		})
	}
}

func (c hintCase) tryOn(m *ill) {
	m.t.Helper()
	before := m.belongings()
	hint := c.meet(m)
	m.listNames()
	if m.t.Failed() || c.hint == "" {
		return
	}
	if m.said = hint; c.help != nil {
		c.help(m)
	} else {
		m.paste(hint)
	}
	m.stillHas(before)
	if rule, ok := strings.CutPrefix(c.run, "doctor "); ok {
		if f, found := m.finding(rule); found != (c.then == stays) {
			m.t.Errorf("after %q, doctor finds %q, want %q", hint, f.What, c.then)
		}
		return
	}
	run := cmp.Or(m.again, c.run)
	got := m.sh(m.fill(run))
	switch {
	case c.then == "" && got.code != 0:
		m.t.Errorf("after %q, %s says: exit %d: %s", hint, run, got.code, got.stderr)
	case c.then != "" && (got.code == 0 || !strings.Contains(got.stderr, c.then)):
		m.t.Errorf("after %q, %s says: exit %d: %s, want %q", hint, run, got.code, got.stderr, c.then)
	}
}

// listNames checks that list names the profile in all that it advises, whatever is wrong.
func (m *ill) listNames() {
	m.t.Helper()
	if got := m.sh("aws-mfa-creds list --json; aws-mfa-creds list"); strings.Contains(got.stdout+got.stderr, "--profile NAME") {
		m.t.Errorf("list does not name the profile: %s%s", got.stdout, got.stderr)
	}
}

// meet runs the command and compares what it says with what is wrong. It returns the hint.
func (c hintCase) meet(m *ill) (hint string) {
	m.t.Helper()
	if rule, ok := strings.CutPrefix(c.run, "doctor "); ok {
		f, found := m.finding(rule)
		if says := strings.TrimPrefix(f.Place+": "+f.What, ": "); !found || f.ExitCode != c.code || !form(c.says).MatchString(says) || !form(c.hint).MatchString(f.Remedy) {
			m.t.Errorf("doctor finds (exit %d):\n%s\n%s\nwant (exit %d):\n%s\n%s", f.ExitCode, says, f.Remedy, c.code, c.says, c.hint)
		}
		return f.Remedy
	}
	got := m.sh(m.fill(c.run))
	want := c.says + "\naws-mfa-creds: hint: " + c.hint
	if c.hint == "" {
		want = c.says
	} else if strings.Contains(c.run, "aws-mfa-creds get") {
		want = c.says + "; " + c.hint
	}
	said := waited.ReplaceAllString(strings.TrimSuffix(got.stderr, "\n"), "")
	if !form("aws-mfa-creds: error: "+want).MatchString(said) || got.code != c.code {
		m.t.Errorf("%s says (exit %d):\n%s\nwant (exit %d):\naws-mfa-creds: error: %s", c.run, got.code, said, c.code, want)
	}
	if strings.Contains(got.stderr, "--profile NAME") && !strings.Contains(c.hint, "--profile NAME") {
		m.t.Errorf("the hint does not name the profile: %s", got.stderr)
	}
	separator := "; "
	if !strings.Contains(c.run, "aws-mfa-creds get") {
		separator = "\naws-mfa-creds: hint: "
	}
	for before, hint, more := strings.Cut(said, separator); more; before, hint, more = cutAfter(said, separator, before) {
		if form("aws-mfa-creds: error: "+c.says).MatchString(before) && form(c.hint).MatchString(hint) {
			return hint
		}
	}
	return ""
}

// cutAfter cuts text at the next separator behind the part before.
func cutAfter(text, separator, before string) (longer, rest string, more bool) {
	next, rest, more := strings.Cut(text[len(before)+len(separator):], separator)
	return before + separator + next, rest, more
}

// ill is the machine of somebody for whom something goes wrong. He is an ordinary user, also where
// root runs the tests.
type ill struct {
	*testbed.Bed
	t     *testing.T
	env   []string
	uid   int
	root  bool     // commands run as root, as with sudo -E
	said  string   // the hint
	again string   // the command as the hint has made it, to be typed instead
	typed []string // questions and answers: the next command runs on a terminal

	ahead time.Duration // of AWS's clock
	gone  int           // how many devices and access keys in IAM, or items here, the hint says to give up

	key, seed string // files that hold the secrets of the user, as a person has them at hand
}

// lastUser makes each machine the home of another user, with keyrings of the kernel of his own.
var lastUser atomic.Int64

func newIll(t *testing.T) *ill {
	t.Helper()
	m := &ill{Bed: bed(t, testbed.Options{Bare: true}), t: t, uid: os.Getuid()}
	id := m.Identity()
	temp := filepath.Join(m.Dir, "temp") // the program under test is in one, which doctor would tell
	must(t, os.Mkdir(temp, 0o700))
	m.env = []string{"TMPDIR=" + temp, "AWS_SDK_LOAD_CONFIG=1", "PATH=" + filepath.Dir(m.Binary) + ":" + os.Getenv("PATH")}
	m.key, m.seed = filepath.Join(m.Dir, "key"), filepath.Join(m.Dir, "seed")
	must(t, os.WriteFile(m.key, []byte(id.AccessKeyID+" "+id.SecretAccessKey+"\n"), 0o600))
	must(t, os.WriteFile(m.seed, []byte(id.Seed+"\n"), 0o600))
	if m.uid == 0 {
		const first = 3_000_000
		m.uid = first + int(lastUser.Add(1))
		m.own(m.Dir)
	}
	m.must("aws-mfa-creds add --profile work --store age --access-key-file " + m.key + " --seed-file " + m.seed + " --serial " + id.Serial)
	return m
}

// own gives a file or directory, with all that is in it, to the user.
func (m *ill) own(path string) {
	must(m.t, filepath.WalkDir(path, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, m.uid, m.uid))
	}))
}

// sh runs a shell command as the user.
func (m *ill) sh(line string) outcome {
	m.t.Helper()
	if m.root {
		return m.as(0, line)
	}
	return m.as(m.uid, line)
}

func (m *ill) as(uid int, line string) outcome {
	m.t.Helper()
	const patience = 3 * time.Minute
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	cmd := m.Command(ctx, "bash", "-c", line)
	cmd.Env = append(cmd.Env, m.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if os.Getuid() == 0 && uid != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	shown, err := m.runs(cmd)
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		m.t.Fatalf("%s: %v", line, err)
	}
	got := outcome{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
	if lacks := notFound.FindStringSubmatch(got.stderr); lacks != nil {
		missing(m.t, lacks[1], "scripts/install-test-tools")
	}
	for _, secret := range m.Secrets() {
		if strings.Contains(got.stderr+shown, secret) {
			m.t.Errorf("%s shows a secret", line)
		}
	}
	return got
}

// notFound is what the shell says of a program that this computer lacks.
var notFound = regexp.MustCompile(`bash: line \d+: (\S+): command not found`)

// runs runs cmd: on a terminal, if something is to be typed there. It returns what the terminal shows.
func (m *ill) runs(cmd *exec.Cmd) (shown string, err error) {
	m.t.Helper()
	typed := m.typed
	if m.typed = nil; typed == nil {
		return "", cmd.Run()
	}
	console, err := terminal.Start(cmd)
	must(m.t, err)
	for i, text := range typed {
		if i%2 == 0 {
			must(m.t, console.Expect(text))
		} else {
			must(m.t, console.Type(text))
		}
	}
	_, err = console.Wait()
	return console.Shown(), err
}

// types has the next command run on a terminal, where each question, by its last words, gets an answer.
func types(questions ...string) func(*ill) {
	return func(m *ill) {
		m.typed = []string{}
		for i, text := range questions {
			if text = m.fill(text); i%2 == 1 && text != ctrlD {
				text += "\n"
			}
			m.typed = append(m.typed, text)
		}
	}
}

const ctrlD = "\x04"

func (m *ill) must(line string) string {
	m.t.Helper()
	got := m.sh(line)
	if got.code != 0 {
		m.t.Fatalf("%s: exit %d: %s%s", line, got.code, got.stdout, got.stderr)
	}
	return got.stdout
}

// write writes a file of the user, in which what stands in angle brackets is filled in.
func (m *ill) write(path, text string) {
	m.t.Helper()
	writeFile(m.t, path, m.fill(text))
	must(m.t, os.Lchown(path, m.uid, m.uid))
}

// finding returns what a rule of doctor finds, of the whole machine.
func (m *ill) finding(rule string) (finding, bool) {
	m.t.Helper()
	p := &patient{Bed: m.Bed, t: m.t}
	rule, flags, _ := strings.Cut(rule, " ")
	d, _ := p.diagnosis(m.sh("aws-mfa-creds doctor --json " + flags))
	for _, f := range d.Findings {
		if strings.Contains(f.Remedy, "--profile NAME") {
			m.t.Errorf("doctor does not name the profile: %s", f.Remedy)
		}
	}
	i := slices.IndexFunc(d.Findings, func(f finding) bool { return f.ID == rule })
	if i < 0 {
		return finding{}, false
	}
	return d.Findings[i], true
}

// pasted finds the commands in a hint.
var pasted = regexp.MustCompile(`(?:^|: |, or |; | && |by hand: )((?:aws-mfa-creds|aws-vault|aws|sudo|chmod|rm|mv|kill|export|unset) .*?)(?:$|, or |; )`)

// paste runs the first command in a hint, as a person would paste it: with what the words in capitals
// stand for.
func (m *ill) paste(hint string) {
	m.t.Helper()
	found := pasted.FindStringSubmatch(hint)
	if found == nil {
		m.t.Fatalf("there is no command in %q", hint)
	}
	m.runPasted(found[1])
}

func (m *ill) runPasted(line string) {
	m.t.Helper()
	uid := m.uid
	for _, part := range strings.Split(line, "; ") {
		if names, ok := strings.CutPrefix(part, "unset "); ok {
			for _, name := range strings.Fields(names) {
				m.env = append(m.env, name+"=")
			}
		} else if setting, ok := strings.CutPrefix(part, "export "); ok {
			m.env = append(m.env, setting)
		}
	}
	if after, ok := strings.CutPrefix(line, "sudo "); ok {
		line, uid = strings.ReplaceAll(after, `"$(id -un)"`, strconv.Itoa(m.uid)), os.Getuid()
	}
	if got := m.as(uid, line); got.code != 0 {
		m.t.Fatalf("pasted: %s: exit %d: %s", line, got.code, got.stderr)
	}
}

// with returns a help that pastes the command of the hint with more arguments: what a person answers
// at the prompts.
func with(more string) func(*ill) {
	return func(m *ill) {
		found := pasted.FindStringSubmatch(m.said)
		if found == nil {
			m.t.Fatalf("there is no command in %q", m.said)
		}
		m.runPasted(found[1] + " " + m.fill(more))
	}
}

// retype returns a help that types the command anew.
func retype(line string) func(*ill) { return func(m *ill) { m.again = m.fill(line) } }

// fill puts in what stands in angle brackets.
func (m *ill) fill(line string) string {
	id := m.Identity()
	if world := m.Server.World(); world.Device(phoneSerial) != nil {
		code, err := sandbox.Code(world.Device(phoneSerial).Seed, m.Server.Now())
		must(m.t, err)
		line = strings.NewReplacer("<CODE>", code, "<WRONG>", noCode(m.t, m.Bed, phoneSerial)).Replace(line)
	}
	return strings.NewReplacer("<ID>", id.AccessKeyID, "<SECRET>", id.SecretAccessKey, "<BASE32>", id.Seed, "<KEY>", m.key, "<SEED>", m.seed, "<SERIAL>", id.Serial, "<DIR>", m.Dir, "<BIN>", m.Binary, "<URL>", m.Server.URL(), "<UID>", strconv.Itoa(m.uid), "<PROGRAM>", filepath.Dir(m.Binary)).Replace(line)
}

// belongings are what may not get lost: the user's stored items, other users' files, and what IAM has.
type belongings struct {
	items   []string
	foreign map[string]int
	devices int
	keys    int
}

func (m *ill) belongings() (b belongings) {
	m.t.Helper()
	b.foreign = make(map[string]int)
	must(m.t, filepath.WalkDir(m.Dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := entry.Info(); err == nil {
			if uid := int(info.Sys().(*syscall.Stat_t).Uid); uid != m.uid { //nolint:forcetypeassert // Linux
				b.foreign[path] = uid
			}
		}
		if strings.HasSuffix(path, ".age") && entry.Name() != "identity.age" && !strings.Contains(path, "the-console-s") { // which gets its serial
			b.items = append(b.items, path)
		}
		return nil
	}))
	b.devices, b.keys = m.inIAM()
	return b
}

// stillHas fails the test if something has got lost. What was moved away is not lost.
func (m *ill) stillHas(before belongings) {
	m.t.Helper()
	after, lost := m.belongings(), 0
	for _, path := range before.items {
		moved, _ := filepath.Glob(path + ".*")
		if !slices.Contains(after.items, path) && len(moved) == 0 {
			if lost++; lost > m.gone {
				m.t.Errorf("%s is lost", path)
			}
		}
	}
	for path, uid := range before.foreign {
		if now, ok := after.foreign[path]; ok && now != uid {
			m.t.Errorf("%s now belongs to user %d", path, now)
		}
	}
	if after.devices+after.keys+m.gone < before.devices+before.keys {
		m.t.Errorf("IAM had %d devices and %d access keys, now %d and %d", before.devices, before.keys, after.devices, after.keys)
	}
}

// inIAM returns how many devices and access keys the user has.
func (m *ill) inIAM() (devices, keys int) {
	world := m.Server.World()
	for _, d := range world.Devices {
		if d.User == testbed.UserName {
			devices++
		}
	}
	return devices, len(world.User(testbed.UserName).Keys)
}

func (m *ill) change(change func(*sandbox.World)) {
	m.t.Helper()
	must(m.t, m.Server.Update(change))
}

func (m *ill) inject(f sandbox.Fault) {
	m.t.Helper()
	must(m.t, m.Server.Inject(f))
}

// notTried are the hints that no case tries, each with the reason.
func notTried() map[string]string {
	const (
		desktop = "needs a desktop whose keyring is in that state"
		filled  = "a word of the table of keyrings, which is replaced"
	)
	return map[string]string{
		"BUILD": filled,

		", or ": filled,

		"DETAIL": filled,

		"install DETAIL": filled,

		"UNLOCK": filled,

		"INSTALL": filled,

		"turn it on": desktop,

		"w32tm /resync": "Windows",

		"run aws-mfa-creds doctor in a terminal and allow it": "needs a person at a dialog of macOS or KDE Wallet",

		"put cmd.exe /C before it": "Windows",

		"log on to the desktop": "Windows",

		"sudo sntp -sS time.apple.com": "macOS",

		"install a release build, or build with CGO_ENABLED=1": "macOS",

		"create one with Seahorse or by logging in to the desktop": desktop,

		"give --program PATH": "needs a system that does not know the path of a process",

		"set AWS_MFA_CREDS_HOME to a directory on a local disk": "needs a network file system",

		"give it a nearer server, or one with less to do": "needs a slow network",

		"allow the system call keyctl, which Docker's seccomp profile blocks, or leave it as it is": "needs a container",
	}
}

// TestEveryHintIsTried reads the source for all hints that the program has, and looks for the case of each.
func TestEveryHintIsTried(t *testing.T) {
	t.Parallel()
	remedies := readSource(t).remedies()
	tried := make(map[string]bool)
	for _, c := range hintCases() {
		for _, text := range credited(remedies, c.hint) {
			tried[text] = true
		}
	}
	for _, r := range remedies {
		reason, listed := notTried()[r.text]
		switch {
		case !tried[r.text] && !listed:
			t.Errorf("%s: no case of TestHints prints the hint %q: add one to a list in test/hints*_test.go, or the text with the reason to notTried", r.place, r.text)
		case tried[r.text] && listed:
			t.Errorf("a case of TestHints prints the hint %q: delete it from notTried (%s)", r.text, reason)
		}
	}
	for text := range notTried() {
		if !slices.ContainsFunc(remedies, func(r told) bool { return r.text == text }) {
			t.Errorf("the program no longer has the hint %q: delete it from notTried", text)
		}
	}
	t.Logf("%d hints, of which %d have a case and %d a reason why not", len(remedies), len(tried), len(notTried()))
}

// joints are where a hint is put together from others.
var joints = regexp.MustCompile(`; once corrected: |; then: |\. The seed is stored|, or `)

// credited returns the texts of the program that a hint is made of: those that match it, or a part of
// it, and have the most words of their own.
func credited(remedies []told, hint string) (all []string) {
	parts := append(joints.Split(hint, -1), hint)
	for _, part := range parts {
		best := 0
		var found []string
		for _, r := range remedies {
			text := strings.TrimPrefix(strings.ReplaceAll(r.text, "--profile NAME", "--profile "+hole), "run: ")
			own := len(strings.ReplaceAll(text, hole, ""))
			if own < best || !form(text).MatchString(strings.TrimPrefix(part, "run: ")) {
				continue
			}
			if own > best {
				best, found = own, nil
			}
			found = append(found, r.text)
		}
		all = append(all, found...)
	}
	return all
}
