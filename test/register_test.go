package test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	registeredRole   = "arn:aws:iam::123456789012:role/admin"
	registeredRegion = "eu-west-1"
	registeredSource = "source"
)

// registration is one run of register, and the keys that it has to set, in their order.
type registration struct {
	profile string
	args    []string
	set     [][2]string
}

// registrations are those that make the profile of c one that works.
func (c oddConfig) registrations() []registration {
	command := func(args string) [][2]string {
		return [][2]string{{"credential_process", binary + " get --profile " + args}}
	}
	switch c.by {
	case "helper":
		args := []string{"--source-profile", registeredSource, "--role-arn", registeredRole}
		return []registration{{c.profile, args, command(registeredSource + " --role-arn " + registeredRole)}}
	case "sdk":
		args := []string{"--role-arn", registeredRole, "--assume-by", "sdk", "--source-profile", registeredSource}
		set := [][2]string{{"role_arn", registeredRole}, {"source_profile", registeredSource}}
		return []registration{{registeredSource, nil, command(registeredSource)}, {c.profile, args, set}}
	}
	name := c.profile
	if strings.Contains(name, " ") {
		name = `"` + name + `"`
	}
	return []registration{{c.profile, nil, command(name)}}
}

// registeredStep is what one registration has made of a config.
type registeredStep struct {
	registration
	before, after string
}

// registered is what has become of a config.
type registered struct {
	oddConfig
	steps   []registeredStep
	end     string // after unregister
	reason  string // why the program refused
	failure error
}

// after is the config with all registrations.
func (r registered) after() string {
	if len(r.steps) == 0 {
		return r.text
	}
	return r.steps[len(r.steps)-1].after
}

// configDir is a directory with the files of one machine.
type configDir string

func (d configDir) path(name string) string { return filepath.Join(string(d), name) }

func (d configDir) config() string {
	text, err := os.ReadFile(d.path("config"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (d configDir) run(ctx context.Context, args ...string) (code int, output string, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = []string{
		"HOME=" + string(d), "AWS_CONFIG_FILE=" + d.path("config"),
		"AWS_SHARED_CREDENTIALS_FILE=" + d.path("credentials"), "SystemRoot=" + os.Getenv("SystemRoot"),
		// The env store has the identity of each.
		"AWS_MFA_CREDS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_MFA_CREDS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	}
	text, err := cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		err = nil
	}
	return cmd.ProcessState.ExitCode(), string(text), err
}

// registerAndBack registers in c, and takes it back. Of what the program refuses it must not
// change a byte.
func registerAndBack(ctx context.Context, d configDir, c oddConfig) registered {
	r := registered{oddConfig: c}
	if r.failure = errors.Join(os.MkdirAll(d.path(".config/aws-mfa-creds"), 0o700), os.WriteFile(d.path("config"), []byte(c.text), 0o600),
		os.WriteFile(d.path(".config/aws-mfa-creds/profiles.ini"), []byte("[source]\nstore = env\n"), 0o600)); r.failure != nil {
		return r
	}
	for _, one := range c.registrations() {
		if r.reason != "" {
			break // of the source
		}
		before := d.config()
		args := slices.Concat([]string{"register", "--profile", one.profile, "--region", registeredRegion}, one.args)
		code, output, err := d.run(ctx, args...)
		if strings.Contains(output, "to replace it, give --yes") && d.config() == before {
			code, output, err = d.run(ctx, append(args, "--yes")...)
		}
		switch {
		case err == nil && code == 0:
			r.steps = append(r.steps, registeredStep{one, before, d.config()})
		case err == nil && (code == 3 || code == 2 && strings.Contains(output, "profile name")) && d.config() == before:
			r.reason = output
		default:
			r.failure = fmt.Errorf("register %s: exit %d, %w: %s", one.profile, code, err, output)
			return r
		}
	}
	for _, one := range slices.Backward(c.registrations()) {
		code, output, err := d.run(ctx, "unregister", "--profile", one.profile)
		if err != nil || code != 0 && (code != 3 || len(r.steps) > 0) {
			r.failure = fmt.Errorf("unregister %s: exit %d, %w: %s", one.profile, code, err, output)
		}
	}
	r.end = d.config()
	return r
}

// TestRegisterOddConfigs has the program register profiles in odd configs, and take them back.
// Every byte that is not of the registration stays, botocore and the Go SDK find all other profiles as they
// were, and in the end all is as it was.
func TestRegisterOddConfigs(t *testing.T) {
	t.Parallel()
	parsers := append(botocores(t), goSDK(t))
	all := append(handmadeConfigs(), generatedConfigs(240)...)
	results := make([]registered, len(all))
	dir := t.TempDir()
	room := make(chan struct{}, 4)
	var wait sync.WaitGroup
	for i, c := range all {
		room <- struct{}{}
		wait.Go(func() {
			results[i] = registerAndBack(t.Context(), configDir(filepath.Join(dir, fmt.Sprint(i))), c)
			<-room
		})
	}
	wait.Wait()
	for _, r := range results {
		wantOwnLinesOnly(t, r)
	}
	wantRefusals(t, results)
	for _, p := range parsers {
		compareReadings(t, p, results)
	}
}

// wantRefusals checks that the program refuses what it should, and little else.
func wantRefusals(t *testing.T, all []registered) {
	t.Helper()
	generated, refused := 0, 0
	for _, r := range all {
		if r.generated {
			generated++
		}
		if r.generated && r.reason != "" {
			refused++
		}
		if r.refused != "" && !strings.Contains(r.reason, r.refused) || r.refused == "" && r.reason != "" && !r.generated {
			t.Errorf("%s: refused because of %q, want %q", r.name, r.reason, r.refused)
		}
		// Its own checks of what it is about to write have nothing to find.
		for _, own := range []string{"would change another", "that it can be read back"} {
			if strings.Contains(r.reason, own) {
				t.Errorf("%s, %.1000q: %s", r.name, r.text, r.reason)
			}
		}
	}
	t.Logf("%d configs; %d of %d generated ones refused", len(all), refused, generated)
	if refused > generated/7 {
		t.Errorf("%d of %d generated configs were refused", refused, generated)
	}
}

// wantOwnLinesOnly compares the bytes.
func wantOwnLinesOnly(t *testing.T, r registered) {
	t.Helper()
	if r.failure != nil {
		t.Errorf("%s, %.1000q: %v", r.name, r.text, r.failure)
	} else if r.end != r.text {
		t.Errorf("%s: %.1000q becomes %.1000q\nand then %.1000q", r.name, r.text, r.after(), r.end)
	}
	for _, s := range r.steps {
		if !s.isNewSection() && !s.isOwnLines() {
			t.Errorf("%s: register %s makes of %.1000q\n%.1000q", r.name, s.profile, s.before, s.after)
		}
	}
}

// isNewSection reports that one section is new, at the end, in lines that end alike.
func (s registeredStep) isNewSection() bool {
	header := "[profile " + s.profile + "]"
	switch {
	case s.profile == "default":
		header = "[default]"
	case strings.Contains(s.profile, " "):
		header = "[profile '" + s.profile + "']"
	}
	want := header
	for _, l := range append(s.set, [2]string{"region", registeredRegion}) {
		want += "\n" + l[0] + " = " + l[1]
	}
	switch {
	case s.before == "":
		want += "\n"
	case strings.HasSuffix(s.before, "\n"), s.before == "\ufeff":
		want = "\n" + want + "\n"
	default:
		want = "\n\n" + want
	}
	rest, ok := strings.CutPrefix(s.after, s.before)
	return ok && (rest == want || rest == strings.ReplaceAll(want, "\n", "\r\n"))
}

// isOwnLines reports that lines of the registration have come, each perhaps in the place of one
// with its key, and that nothing else has changed.
func (s registeredStep) isOwnLines() bool {
	before, after := strings.SplitAfter(s.before, "\n"), strings.SplitAfter(s.after, "\n")
	if !strings.HasSuffix(s.before, "\n") { // the new line may be the last one now
		before, after = endedLines(before), endedLines(after)
	}
	come := 0
	for _, line := range after {
		key, value := keyAndValue(line)
		switch {
		case len(before) > 0 && line == before[0]:
			before = before[1:]
		case slices.Contains(append(s.set, [2]string{"region", registeredRegion}), [2]string{key, value}):
			come++
			if len(before) > 0 {
				if old, _ := keyAndValue(before[0]); old == key {
					before = before[1:]
				}
			}
		default:
			return false
		}
	}
	return len(before) == 0 && come > 0
}

// endedLines gives the last of the lines an end like that of the first.
func endedLines(lines []string) []string {
	end := "\n"
	if strings.HasSuffix(lines[0], "\r\n") {
		end = "\r\n"
	}
	return append(lines[:len(lines)-1:len(lines)-1], lines[len(lines)-1]+end)
}

func keyAndValue(line string) (key, value string) {
	i := strings.IndexAny(line, "=:")
	if i < 0 {
		return "", ""
	}
	return strings.ToLower(strings.TrimSpace(line[:i])), strings.TrimSpace(line[i+1:])
}
