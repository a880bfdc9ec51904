//go:build unix

package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// pool is a machine whose user has a pool of devices, in the environment or, bare, in the age store.
func pool(t *testing.T, n int, bare bool) (b *testbed.Bed, env []string) {
	t.Helper()
	b = bed(t, testbed.Options{Bare: bare, Sandbox: sandbox.Options{Latency: latency}})
	id := b.Identity()
	serials := []string{id.Serial}
	must(t, b.Server.Update(func(w *sandbox.World) {
		for i := 2; i <= n; i++ {
			serials = append(serials, fmt.Sprintf("%s-%d", id.Serial, i))
			w.Devices = append(w.Devices, sandbox.Device{Serial: serials[i-1], User: testbed.UserName})
		}
	}))
	var seeds []string
	world := b.Server.World()
	for _, serial := range serials {
		seeds = append(seeds, world.Device(serial).Seed)
	}
	return b, []string{
		"AWS_MFA_CREDS_ACCESS_KEY_ID=" + id.AccessKeyID, "AWS_MFA_CREDS_SECRET_ACCESS_KEY=" + id.SecretAccessKey,
		"AWS_MFA_CREDS_SERIAL=" + strings.Join(serials, " "), "AWS_MFA_CREDS_SEED=" + strings.Join(seeds, "\n"),
	}
}

// getAll gets eight sessions at once, of so many hours and more.
func getAll(t *testing.T, b *testbed.Bed, env []string, hours int) (all []outcome) {
	t.Helper()
	results := make(chan outcome)
	for i := range 8 {
		go func() {
			results <- run(t, b, env, b.Binary, "get", "--profile", "work", "--duration", fmt.Sprintf("%dh", hours+i))
		}()
	}
	for range 8 {
		all = append(all, <-results)
	}
	return all
}

// TestPool has eight sessions come from eight devices in one time step: none waits for another. And many processes
// share one session.
func TestPool(t *testing.T) {
	t.Parallel()
	b, env := pool(t, 8, false)
	for round := 1; ; round++ {
		before := len(b.Server.State().Attempts)
		roomInStep()
		for _, got := range getAll(t, b, env, 8*round-7) {
			credentials(t, got)
		}
		used, steps := make(map[string]bool), make(map[int64]bool)
		for _, a := range b.Server.State().Attempts[before:] {
			used[a.Serial], steps[a.Step] = true, true
		}
		if len(used) == 8 && len(steps) == 1 {
			wantMints(t, b, 8*round)
			break
		}
		if round == 3 { // a slow machine may come to the end of a time step, but not each time
			t.Fatalf("%d devices in %d time steps", len(used), len(steps))
		}
	}
	before := b.Server.State().Sessions
	results := make(chan outcome)
	for range 20 {
		go func() { results <- run(t, b, env, b.Binary, "get", "--profile", "work", "--duration", "36h") }()
	}
	var all []outcome
	for range 20 {
		all = append(all, <-results)
	}
	wantSameSession(t, all)
	if n := b.Server.State().Sessions - before; n != 1 {
		t.Errorf("%d sessions for 20 processes", n)
	}
	wantNoCodeTwice(t, b)
}
