//go:build unix

package test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// mostInits bounds how many packages may be initialized before a warm get ends. The whole program
// has twice as many.
const mostInits = 70

// TestWarmStartsEarly looks at which packages are initialized (GODEBUG=inittrace=1 prints a line for
// each) before a warm get ends, and sees that a cold one goes on to the rest.
func TestWarmStartsEarly(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	inits := func(args ...string) []string {
		got := run(t, b, []string{"GODEBUG=inittrace=1"}, b.Binary, args...)
		if got.code != 0 {
			t.Fatalf("exit %d: %s", got.code, got.stderr)
		}
		var all []string
		for _, line := range regexp.MustCompile(`(?m)^init (\S+) @`).FindAllStringSubmatch(got.stderr, -1) {
			all = append(all, line[1])
		}
		return all
	}
	if cold := inits("get", "--profile", "work"); !slices.Contains(cold, "net/http") {
		t.Fatalf("a cold get initializes %q", cold)
	}
	for _, args := range [][]string{{"get", "--profile", "work"}, {"get", "--profile=work"}} {
		warm := inits(args...)
		if len(warm) > mostInits {
			t.Errorf("%d packages are initialized before a warm get ends: %q", len(warm), warm)
		}
		if at := slices.Index(warm, "github.com/aws-mfa-creds/aws-mfa-creds/cmd/aws-mfa-creds/internal/stack"); at < 0 || at > 5 {
			t.Errorf("the stack is reserved at place %d of %q", at, warm)
		}
		for _, path := range warm {
			if regexp.MustCompile(`^(net|net/.*|log/slog|path/filepath|math/big|regexp|os/exec|os/user|text/.*|crypto/tls|golang.org/x/(sys|net|crypto|term)/.*|gopkg.in/.*)$`).MatchString(path) ||
				strings.HasPrefix(path, "github.com/") && slices.ContainsFunc([]string{"spf13", "99designs", "godbus", "smithy", "service/"}, func(s string) bool { return strings.Contains(path, s) }) {
				t.Errorf("a warm get waits for %s", path)
			}
		}
	}
}

// TestWarmWriteFails writes to a device that is full and to a pipe that nobody reads: the process
// fails, and no signal ends it.
func TestWarmWriteFails(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	mustGet(t, b)
	bash := need(t, "bash", "apt-get install bash")
	for name, line := range map[string]string{
		"full": `"$0" get --profile work >/dev/full`,
		"pipe": `{ sleep 0.3; "$0" get --profile work; exit $?; } | true; exit ${PIPESTATUS[0]}`,
	} {
		if got := run(t, b, nil, bash, "-c", line, b.Binary); got.code != 1 {
			t.Errorf("%s: exit %d, %q", name, got.code, got.stderr)
		}
	}
}
