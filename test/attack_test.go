//go:build linux

package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/keys"
)

// twice is a newcomer whose profiles work and second share an access key and a device, whose seed the
// second one has in the store. The kernel's keyring is one for all tests, so that the device has a name of
// its own.
func twice(t *testing.T, store string) *newcomer {
	t.Helper()
	n := stored(t)
	n.must("enroll", "--profile", "work", "--device-name", strings.ReplaceAll(t.Name(), "/", "-"))
	n.must("add", "--profile", "second", "--access-key-file", n.key)
	uri := filepath.Join(n.Dir, "secrets", "uri")
	writeFile(t, uri, n.must("export", "--profile", "work", "--uri", "--yes"))
	world := n.Server.World()
	n.must("add", "--profile", "second", "--seed-file", uri, "--seed-store", store, "--serial", world.Devices[0].Serial, "--yes")
	n.later()
	return n
}

func (n *newcomer) own() string {
	n.t.Helper()
	text, err := os.ReadFile(filepath.Join(n.Own(), "profiles.ini"))
	n.check(err)
	return string(text)
}

func (n *newcomer) gets(profiles ...string) {
	n.t.Helper()
	for _, name := range profiles {
		n.later()
		n.run("doctor", "--profile", name, "--online") // measures the clock
		credentials(n.t, n.run("get", "--profile", name, "--refresh"))
	}
}

// TestRotateSharedDevice: all who share the device find the seed of the next one, and nobody keeps
// that of the old one.
func TestRotateSharedDevice(t *testing.T) {
	t.Parallel()
	n := twice(t, "keyctl")
	world := n.Server.World()
	old := world.Devices[0].Serial
	n.must("rotate", "device", "--profile", "work", "--yes")
	if strings.Contains(n.own(), "= "+old+"\n") {
		t.Errorf("the old device stays in\n%s", n.own())
	}
	n.gets("work", "second")
	for _, store := range []string{"age", "keyctl"} {
		n.must("add", "--profile", "work", "--access-key-file", n.key)
		writeFile(t, filepath.Join(n.Own(), "profiles.ini"), "[old]\nkey_store = age\nseed_store = "+store+"\naccess_key_id = "+n.user().Keys[0].ID+"\nmfa_serial = "+old+"\n")
		if got := n.run("export", "--profile", "old", "--uri", "--yes"); got.code == 0 {
			t.Errorf("the %s store has the old seed", store)
		}
	}
}

// TestRotateSharedKey at each point is TestKill's; this one is that a store which cannot be read ends it
// before there is a second key.
func TestRotateSharedKey(t *testing.T) {
	t.Parallel()
	n := twice(t, "age")
	before := n.own()
	writeFile(t, filepath.Join(n.Own(), "profiles.ini"), before+"\n[third]\nstore = pass\naccess_key_id = "+n.user().Keys[0].ID+"\n")
	if got := n.run("rotate", "key", "--profile", "work", "--yes"); got.code == 0 {
		t.Errorf("%s%s", got.stdout, got.stderr)
	}
	if state := n.Server.State(); state.Count("CreateAccessKey").Calls != 0 {
		t.Error("a key was made")
	}
	n.noJournal()
	writeFile(t, filepath.Join(n.Own(), "profiles.ini"), before)
	n.must("rotate", "key", "--profile", "work", "--yes", "--delete")
	n.gets("work", "second")
	n.oneKey(n.own())
}

// TestKillEnrolElsewhere: the run that takes over has not been told where the seed is.
func TestKillEnrolElsewhere(t *testing.T) {
	t.Parallel()
	const device = "elsewhere"
	t.Cleanup(func() { keys.Remove("aws-mfa-creds:store:seed:arn:aws:iam::123456789012:mfa%2f" + device) })
	first := []string{"enroll", "--profile", "work", "--seed-store", "keyctl", "--device-name", device, "--yes"}
	ready := stored(t)
	dry, whole := ready.again(t), killer{}
	dry.check(whole.run(dry, first...))
	stride := 3
	if testing.Short() {
		stride = 16
	}
	for point := 1; point <= whole.effects; point += stride {
		n := ready.again(t)
		k := killer{at: point}
		n.check(k.run(n, first...))
		n.later()
		if n.resumes() {
			n.must("enroll", "--profile", "work", "--yes")
		}
		if n.devices() > 0 {
			n.works("work")
		}
		if t.Failed() {
			t.Fatalf("killed before %s, %d", k.last, point)
		}
		leaveNoKeys(n.Bed) // of the many machines there would be too many
	}
}

// resumes reports whether a run is unfinished.
func (n *newcomer) resumes() bool {
	left, _ := filepath.Glob(filepath.Join(n.Own(), "unfinished", "*.json"))
	return len(left) > 0
}

func (n *newcomer) devices() int {
	world := n.Server.World()
	return len(world.Devices)
}

// TestLockBesideTheJournal: runs that share the journal share the lock, whatever caches they have.
func TestLockBesideTheJournal(t *testing.T) {
	t.Parallel()
	n := stored(t)
	n.must("enroll", "--profile", "work")
	n.later()
	locks, err := filepath.Glob(filepath.Join(n.Own(), "unfinished", "*.lock"))
	n.check(err)
	if len(locks) != 1 {
		t.Fatalf("locks: %v", locks)
	}
	dir, err := securefile.OpenDir(filepath.Dir(locks[0]), securefile.Open)
	n.check(err)
	defer dir.Close()
	unlock, held, err := dir.TryLock(filepath.Base(locks[0]), securefile.Alone)
	if !held {
		t.Fatal(err)
	}
	n.check(os.RemoveAll(filepath.Join(n.Own(), "cache")))
	n.refused(9, []string{"another process is changing its MFA device or access key"}, "rotate", "key", "--profile", "work", "--yes")
	unlock()
	n.must("rotate", "key", "--profile", "work", "--yes")
}

// TestProfileNamedLikeASlot keeps its key while that of another profile is rotated.
func TestProfileNamedLikeASlot(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t, func(o *sandbox.Options) {
		o.World.Users = append(o.World.Users, sandbox.User{Name: "zoe", Keys: []sandbox.Key{{}}})
	})
	n.must("add", "--profile", "work", "--access-key-file", n.key)
	world := n.Server.World()
	zoe := *world.User("zoe")
	n.writeKey(zoe)
	const slot = "the next of work"
	n.refused(2, []string{"has a space"}, "add", "--profile", slot, "--access-key-file", n.key) // but names that are in use stay
	config, err := os.OpenFile(filepath.Join(n.Home(), ".aws", "config"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	n.check(err)
	_, err = config.WriteString("[profile " + slot + "]\n")
	n.check(err)
	n.check(config.Close())
	n.must("add", "--profile", slot, "--access-key-file", n.key)
	n.must("enroll", "--profile", "work")
	n.later()
	n.must("rotate", "key", "--profile", "work", "--yes", "--delete")
	n.must("enroll", "--profile", slot)
	if world := n.Server.World(); world.User("zoe").Keys[0].ID != zoe.Keys[0].ID || world.User(testbed.UserName) == nil {
		t.Errorf("%+v", world.Users)
	}
	if !strings.Contains(n.own(), "= "+zoe.Keys[0].ID+"\n") {
		t.Errorf("%s", n.own())
	}
}
