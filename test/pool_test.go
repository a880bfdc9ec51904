//go:build unix

package test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/warm"
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

// TestPool has eight sessions come from eight devices in one time step: none waits for another.
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
	wantNoCodeTwice(t, b)
}

// TestPoolOfOneSession has many processes ask for one session: one call.
func TestPoolOfOneSession(t *testing.T) {
	t.Parallel()
	b, env := pool(t, 8, false)
	results := make(chan outcome)
	for range crowd {
		go func() { results <- run(t, b, env, b.Binary, "get", "--profile", "work") }()
	}
	var all []outcome
	for range crowd {
		all = append(all, <-results)
	}
	wantSameSession(t, all)
	wantMints(t, b, 1)
}

// TestPoolWithASuspendedHolder: a process that is suspended with a device and its session holds up no other session.
func TestPoolWithASuspendedHolder(t *testing.T) {
	t.Parallel()
	b, env := pool(t, 2, false)
	b.Server.SetLatency(3 * time.Second)
	head := b.Command(t.Context(), b.Binary, "get", "--profile", "work", "--duration", "1h")
	head.Env = append(head.Env, env...)
	must(t, head.Start())
	eventually(t, "the call of the first process", func() bool { return calls(b, "GetSessionToken") == 1 })
	must(t, head.Process.Signal(syscall.SIGSTOP))
	b.Server.SetLatency(0)
	credentials(t, run(t, b, env, b.Binary, "get", "--profile", "work", "--duration", "2h"))
	if all := b.Server.State().Attempts; len(all) != 2 || all[0].Serial == all[1].Serial {
		t.Errorf("codes: %+v", all)
	}
	must(t, head.Process.Kill())
	_ = head.Wait()
}

// TestPoolCommands makes a pool in IAM, and has every command know it.
func TestPoolCommands(t *testing.T) {
	t.Parallel()
	b, _ := pool(t, 1, true)
	id := b.Identity()
	own := func(args ...string) string {
		t.Helper()
		got := run(t, b, nil, b.Binary, append(args, "--profile", "work")...)
		if got.code != 0 {
			t.Fatalf("%q: exit %d: %s", args, got.code, got.stderr)
		}
		return got.stdout
	}
	secrets := []string{"AWS_MFA_CREDS_ACCESS_KEY_ID=" + id.AccessKeyID, "AWS_MFA_CREDS_SECRET_ACCESS_KEY=" + id.SecretAccessKey, "AWS_MFA_CREDS_SEED=" + id.Seed, "AWS_MFA_CREDS_SERIAL=" + id.Serial}
	if got := run(t, b, secrets, b.Binary, "add", "--profile", "work", "--from-env", "--store", "age"); got.code != 0 {
		t.Fatal(got.stderr)
	}
	if said := own("enroll", "--pool", "3"); !strings.Contains(said, "has 3 MFA devices now") {
		t.Error(said)
	}
	second, third := id.Serial+"-2", id.Serial+"-3"
	if got := listedDevices(t, own("list", "--json")); !slices.Equal(got, []string{id.Serial, second, third}) {
		t.Errorf("list: %q", got)
	}
	uris := []string{own("export", "--yes", "--uri"), own("export", "--yes", "--uri", "--serial", second)}
	if uris[0] == uris[1] || !strings.Contains(uris[1], "alice-laptop-2") {
		t.Error("export shows another device")
	}
	if own("code", "--serial", third) == own("code") {
		t.Error("code shows another device")
	}
	must(t, b.Server.Update(func(w *sandbox.World) { // somebody deletes the second
		w.Devices = slices.DeleteFunc(w.Devices, func(d sandbox.Device) bool { return d.Serial == second })
	}))
	noteRefused(t, b, second)
	if list := own("list"); !strings.Contains(list, "and 2 more") || !strings.Contains(list, "one device of the pool is refused, ") {
		t.Errorf("list: %s", list)
	}
	got := run(t, b, nil, b.Binary, "doctor", "--online", "--profile", "work")
	if !strings.Contains(got.stdout, second+" is not among") || !strings.Contains(got.stdout, "resync --profile work") {
		t.Errorf("doctor: %s", got.stdout)
	}
	own("get")
	own("rotate", "device", "--yes") // by default that one
	own("store", "move", "--to", "age")
	own("remove", "--aws", "--yes", "--serial", third)
	if got := listedDevices(t, own("list", "--json")); !slices.Equal(got, []string{id.Serial, id.Serial + "-4"}) {
		t.Errorf("after a rotation and a removal, list: %q", got)
	}
	own("remove", "--aws", "--yes")
	if world := b.Server.World(); len(world.Devices) != 0 {
		t.Errorf("IAM has %v", world.Devices)
	}
	wantNoCodeTwice(t, b)
}

// TestPoolFromEnv moves a pool from the environment into a store.
func TestPoolFromEnv(t *testing.T) {
	t.Parallel()
	b, env := pool(t, 3, true)
	got := run(t, b, env, b.Binary, "add", "--profile", "work", "--from-env", "--store", "age")
	if got.code != 0 {
		t.Fatal(got.stderr)
	}
	if list := listedDevices(t, run(t, b, nil, b.Binary, "list", "--json").stdout); len(list) != 3 || list[0] != b.Identity().Serial {
		t.Errorf("list: %q", list)
	}
	for _, hours := range []string{"1h", "2h", "3h"} {
		credentials(t, run(t, b, nil, b.Binary, "get", "--profile", "work", "--duration", hours))
	}
	wantMints(t, b, 3)
	wantNoCodeTwice(t, b)
}

// noteRefused has AWS have refused a code of one device of a pool.
func noteRefused(t *testing.T, b *testbed.Bed, serial string) {
	t.Helper()
	host := warm.Host{Now: time.Now, Home: b.Home, Getenv: func(name string) string {
		for _, pair := range b.Env() {
			if value, ok := strings.CutPrefix(pair, name+"="); ok {
				return value
			}
		}
		return ""
	}}
	key, err := host.StoredKey()
	must(t, err)
	c, err := host.OpenCache(key)
	must(t, err)
	name := rules.DeviceScope(serial)
	session.Change(c.Scope(name), func(r *rules.Record) {
		r.Fail(name, rules.Failure{At: time.Now(), Kind: fault.Refused, Code: true})
	})
	c.Close()
}

// listedDevices returns the devices in the JSON of list.
func listedDevices(t *testing.T, text string) (serials []string) {
	t.Helper()
	var all []struct {
		MFADevices []struct {
			Serial string `json:"serial"`
		} `json:"mfa_devices"`
	}
	must(t, json.Unmarshal([]byte(text), &all))
	for _, d := range all[0].MFADevices {
		serials = append(serials, d.Serial)
	}
	return serials
}

// TestPoolOfAFleet has hosts that share sessions get 16 of them from eight devices: one call for each, and no code is
// sent twice.
func TestPoolOfAFleet(t *testing.T) {
	t.Parallel()
	const fleet, sessions = 3, 16
	b, env := pool(t, 8, false)
	url := startEngine(t).url()
	results := make(chan outcome)
	for n := range fleet {
		on := host(t, b, n, url, env...)
		for i := range sessions {
			go func() {
				results <- run(t, b, on, b.Binary, "get", "--profile", "work", "--duration", fmt.Sprintf("%dh", 1+i))
			}()
		}
	}
	ids := make(map[string]bool)
	for range fleet * sessions {
		ids[credentials(t, <-results).AccessKeyID] = true
	}
	used := make(map[string]bool)
	for _, a := range b.Server.State().Attempts {
		used[a.Serial] = true
	}
	if len(ids) != sessions || len(used) != 8 {
		t.Errorf("%d sessions from %d devices", len(ids), len(used))
	}
	wantMints(t, b, sessions)
	wantNoCodeTwice(t, b)
}
