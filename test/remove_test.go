//go:build linux

package test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	editing "github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

func sessionFiles(t *testing.T, b *testbed.Bed) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.Own(), "cache", "*.session"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestRemoveLeavesNoSession removes a profile that has sessions of an access key which it no longer has,
// and one whose get is asking AWS at this moment.
func TestRemoveLeavesNoSession(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	addWork(t, b, key, seed, "--store", "age")
	mustGet(t, b)
	ini := filepath.Join(b.Own(), "profiles.ini")
	text := readFile(t, ini)
	writeFile(t, ini, strings.ReplaceAll(text, b.Identity().AccessKeyID, "AKIAIOSFODNN7EXAMPLE")) // as after a rotation
	mustRun(t, b, nil, "remove", "--profile", "work", "--yes")
	if left := sessionFiles(t, b); len(left) != 0 {
		t.Errorf("left by an earlier key: %q", left)
	}

	b, key, seed = bare(t)
	addWork(t, b, key, seed, "--store", "age")
	b.Server.SetLatency(2 * time.Second)
	done := make(chan outcome)
	go func() { done <- get(t, b) }()
	eventually(t, "get claims a time step", func() bool {
		found, _ := filepath.Glob(filepath.Join(b.Own(), "cache", "*.device"))
		return len(found) > 0
	})
	mustRun(t, b, nil, "remove", "--profile", "work", "--yes")
	<-done
	if left := sessionFiles(t, b); len(left) != 0 {
		t.Errorf("left by a get meanwhile: %q", left)
	}
}

// TestRemoveOldNames removes profiles that an older version has stored under names that are refused now.
func TestRemoveOldNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"größe", "Prod (EU)", "a#b", "x]y", "a\u200bb"} {
		n := newNewcomer(t)
		n.must("add", "--profile", "other", "--access-key-file", n.key)
		before := n.tree()
		store, err := keystore.Open(keystore.KindAge, keystore.Options{Dir: n.Own() + "/age", Executable: n.Binary, Now: time.Now})
		n.check(err)
		items, key := keystore.Items{Store: store}, n.user().Keys[0]
		n.check(items.PutAccessKey(t.Context(), name, creds.AccessKey{ID: key.ID, Secret: creds.NewSecret(key.Secret)}))
		if name != "x]y" { // which that version could not write
			seed, err := totp.ParseSeed(consoleSeed, totp.Policy{})
			n.check(err)
			n.check(items.PutSeed(t.Context(), consoleSerial, seed))
			_, err = editing.Editor{Paths: profile.Paths{Own: n.Own() + "/profiles.ini"}}.Update(t.Context(), name, func(own *editing.Own) {
				own.Store, own.Serial, own.AccessKeyID = keystore.KindAge, consoleSerial, key.ID
			})
			n.check(err)
		}
		s := n.shell("remove", "--profile", name)
		s.answer("Permanently delete access key "+key.ID+" (age)", "y")
		if name != "x]y" {
			s.answer("Type the name of the profile to delete its seed: ", name)
		}
		s.ends(0)
		if after := n.tree(); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("%q: left %v of %v", name, after, before)
		}
		if said := n.must("remove", "--profile", name, "--yes"); !strings.HasPrefix(said, "Nothing is stored for profile ") {
			t.Errorf("%q: said %s", name, said)
		}
	}
}
