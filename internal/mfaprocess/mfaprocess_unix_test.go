//go:build unix

package mfaprocess

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

const place = "/home/me/profiles.ini:3"

func source(argv ...string) Source {
	return Source{Argv: argv, Place: place}
}

func TestCode(t *testing.T) {
	t.Parallel()
	for _, script := range []string{
		"echo 012345", "printf 012345", "printf '\\r\\n 012345\\r\\n'", "echo touch it >&2; echo 012345",
		"printf '\\357\\273\\277012345\\r\\n'", "echo '012345  '",
		"printf '\\377\\3760\\0001\\0002\\0003\\0004\\0005\\000\\r\\000\\n\\000'", // as PowerShell writes it
		"printf '\\376\\377\\0000\\0001\\0002\\0003\\0004\\0005'", "printf '0\\0001\\0002\\0003\\0004\\0005\\000'",
	} {
		code, err := source("/bin/sh", "-c", script).Code(t.Context())
		if err != nil || code.Reveal() != "012345" {
			t.Errorf("%s: %v", script, err)
		}
	}
}

func TestWhatIsNoCode(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]struct {
		kind  fault.Kind
		words string
	}{
		"echo 01234567":                  {fault.NoSecret, "8 digits"},
		"echo 12345":                     {fault.NoSecret, "5 digits"},
		":":                              {fault.NoSecret, "nothing"},
		"echo; echo":                     {fault.NoSecret, "nothing"},
		"echo code: 012345":              {fault.NoSecret, "something else than digits"},
		"echo 012345; echo 012346":       {fault.NoSecret, "something else than digits"},
		"printf '\\331\\241\\331\\241'":  {fault.NoSecret, "something else than digits"}, // Arabic digits
		"printf '012345\\302\\240'":      {fault.NoSecret, "something else than digits"}, // no-break space
		"printf '012\\342\\200\\213345'": {fault.NoSecret, "something else than digits"}, // zero-width space
		"echo '\"012345\"'":              {fault.NoSecret, "something else than digits"},
		"yes 012345":                     {fault.NoSecret, "more than 64 bytes"},
		"echo 012345; exit 1":            {fault.NoSecret, "exit status 1"},
		"echo 012345; echo 777777 >&2; kill -9 $$": {fault.NoSecret, "killed"},
	} {
		code, err := source("/bin/sh", "-c", script).Code(t.Context())
		line := fault.Line(err)
		if fault.KindOf(err) != want.kind || !code.IsZero() || !strings.Contains(line, want.words) || !strings.HasPrefix(line, place+`: mfa_process "/bin/sh": `) {
			t.Errorf("%s: %s", script, line)
		}
		if strings.Contains(line, "01234") || strings.Contains(line, "777777") || strings.Contains(line, "-c") {
			t.Errorf("%s: shows too much: %s", script, line)
		}
	}
}

func TestWhatCannotBeRun(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"no-such-program-here", "/no/such/program", "/etc/passwd", "/"} {
		if _, err := source(program).Code(t.Context()); fault.KindOf(err) != fault.Config {
			t.Errorf("%s: %v", program, err)
		}
	}
}

// TestInterrupted returns what interrupted it, not what the program made of it.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	cancel(why)
	if _, err := source("/bin/sh", "-c", "sleep 600").Code(ctx); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}
