package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestRun runs a package of which one test passes, and leaves a file behind, one is skipped, and one fails.
// The kernel's keyring is left to the tests beside it.
func TestRun(t *testing.T) {
	t.Parallel()
	rooms, err := newRooms()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r := newReport(&out)
	if err := goTest(t.Context(), r, rooms.env(t.Context()), []string{"./testdata/tiny"}); err == nil {
		t.Error("a failure is no error")
	}
	r.litter(rooms.files())
	r.summary(time.Minute)
	for _, want := range []string{
		"\n    tiny_test.go:18: as it should\n", "\nFAILED  test/run/testdata/tiny ", "\nleft behind: temporary forgotten\n",
		"\n    1  the moon is missing (TestSkips)\n", "\nafter 1m0s:\n1 passed, 1 failed, 1 skipped\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
	if err := rooms.remove(); err != nil {
		t.Error(err)
	}
}
