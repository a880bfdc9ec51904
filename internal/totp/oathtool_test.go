package totp

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestOathtoolAgrees compares random seeds of 16 to 64 bytes, at random times,
// with the codes of OATH Toolkit.
func TestOathtoolAgrees(t *testing.T) {
	t.Parallel()
	oathtool := lookOathtool(t)
	source := rand.Uint64()
	random := rand.New(rand.NewPCG(source, 0))
	edges := []int64{0, 29, 30, 1<<31 - 1, 1 << 31, 1 << 32, 253402300799} // to the end of 9999
	const following = 20
	for i := range 300 {
		key := make([]byte, 16+random.IntN(49))
		for at := range key {
			key[at] = byte(random.Uint32())
		}
		at := time.Unix(random.Int64N(1<<33), 0)
		if i < len(edges) {
			at = time.Unix(edges[i], 0)
		}
		seed := mustParse(t, b32(string(key)))
		var want strings.Builder
		for ahead := range Step(following + 1) {
			fmt.Fprintln(&want, seed.Code(StepAt(at)+ahead).Reveal())
		}
		if got := ask(t, oathtool, seed, at, following); got != want.String() {
			t.Fatalf("run %d of PCG(%d, 0), %d-byte seed at %d: oathtool says\n%sand we\n%s", i, source, len(key), at.Unix(), got, want.String())
		}
	}
}

// lookOathtool returns the path of the program, or skips the test where it need
// not be.
func lookOathtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("oathtool")
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true":
		t.Fatal("oathtool is missing: apt install oathtool, or brew install oath-toolkit")
	default:
		t.Skip("SKIPPED, codes are not compared: apt install oathtool, or brew install oath-toolkit")
	}
	return ""
}

// ask returns oathtool's codes for the step of at and those following it, each
// with a line break. The seed goes through stdin.
func ask(t *testing.T, oathtool string, seed Seed, at time.Time, following int) string {
	t.Helper()
	command := exec.Command(oathtool, "--totp", "-b", "-w", fmt.Sprint(following), "-N", fmt.Sprintf("@%d", at.Unix()), "-")
	command.Stdin = strings.NewReader(seed.Base32().Reveal() + "\n")
	out, err := command.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Logf("%s", bytes.TrimSpace(exit.Stderr))
		}
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(out), "\r\n", "\n")
}
