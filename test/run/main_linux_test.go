package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestRun runs a package of which one test passes, and leaves a file behind, one is skipped, and one fails; and then
// one that runs out of time.
// The kernel's keyring is left to the tests beside it.
func TestRun(t *testing.T) {
	t.Parallel()
	rooms, err := newRooms()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r := newReport(&out)
	for _, args := range [][]string{{"./testdata/tiny"}, {"-timeout=1s", "./testdata/hangs"}} {
		if err := goTest(t.Context(), r, rooms.env(t.Context()), args); err == nil {
			t.Error("a failure is no error")
		}
	}
	r.litter(rooms.files())
	r.summary(time.Minute)
	for _, want := range []string{
		"\n    tiny_test.go:22: as it should\n", "\nFAILED  test/run/testdata/tiny ", "\nleft behind: temporary forgotten\n",
		"\n    1  the moon is missing (TestSkips)\n", "\nafter 1m0s:\n1 passed, 2 failed, 1 skipped\n",
		"panic: test timed out after 1s\n", "TestHangs",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
	if err := rooms.remove(); err != nil {
		t.Error(err)
	}
}
