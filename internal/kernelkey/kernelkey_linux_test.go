package kernelkey

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// key returns a key of its own, which does not outlive the test.
func key(t *testing.T, life time.Duration) Key {
	t.Helper()
	k := Key{"aws-mfa-creds-test-" + rand.Text(), life}
	err := k.Create([]byte("first"))
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("no kernel keyring here:", err)
	}
	if err != nil {
		t.Skip("no kernel keyring here:", err)
	}
	t.Cleanup(func() { _ = k.Remove() })
	return k
}

func TestCreateReadRemove(t *testing.T) {
	t.Parallel()
	k := key(t, time.Minute)
	if err := k.Create([]byte("second")); err != nil {
		t.Fatal(err)
	}
	got, err := k.Read(len("second"))
	if err != nil || !bytes.Equal(got, []byte("second")) {
		t.Errorf("Read = %q, %v", got, err)
	}
	if _, err := k.Read(len("second") - 1); !errors.Is(err, ErrUnusable) {
		t.Errorf("Read with too small a limit = %v", err)
	}
	for range 2 { // the second time there is none
		if err := k.Remove(); err != nil {
			t.Errorf("Remove = %v", err)
		}
	}
	if _, err := k.Read(10); !errors.Is(err, unix.ENOKEY) {
		t.Errorf("Read after Remove = %v", err)
	}
}

// TestClaim has many claim the same key: one of them gets it, and once it is free, one more.
func TestClaim(t *testing.T) {
	t.Parallel()
	k := key(t, time.Minute)
	for range 2 {
		if err := k.Claim(); !errors.Is(err, fs.ErrExist) {
			t.Fatalf("Claim of a key that is there = %v", err)
		}
		if err := k.Remove(); err != nil {
			t.Fatal(err)
		}
		results := make(chan error)
		for range 20 { // a thread needs two of the 200 keys of a user
			go func() { results <- k.Claim() }()
		}
		got := 0
		for range 20 {
			if err := <-results; err == nil {
				got++
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
		}
		if got != 1 {
			t.Errorf("%d have it", got)
		}
	}
}

// TestNoKeyringStays has many threads claim a key each, one after the other, and live on: the keyrings that they
// needed for it do not, which count among the user's keys.
func TestNoKeyringStays(t *testing.T) {
	t.Parallel()
	key(t, time.Minute) // skips the test where there can be none
	const threads = 60  // each needs two of the user's 200 keys, until the kernel has collected them
	before, done, end := ownKeys(t), make(chan error), make(chan struct{})
	defer close(end)
	for range threads {
		go func() {
			runtime.LockOSThread()
			k := Key{"aws-mfa-creds-test-" + rand.Text(), time.Minute}
			done <- errors.Join(k.Claim(), k.Remove())
			<-end
		}()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ownKeys(t) > before+threads/2; time.Sleep(50 * time.Millisecond) { // others come and go
		if time.Now().After(deadline) {
			t.Fatalf("%d keys, and there were %d", ownKeys(t), before)
		}
	}
}

// ownKeys returns how many keys the kernel keeps for this user.
func ownKeys(t *testing.T) (n int) {
	t.Helper()
	text, err := os.ReadFile("/proc/key-users")
	if err != nil {
		t.Skip("the number of keys is not known: ", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), strconv.Itoa(os.Geteuid())+":"); ok {
			if _, err := fmt.Sscan(rest, &n); err != nil {
				t.Fatal(err)
			}
		}
	}
	return n
}

func TestTimeOut(t *testing.T) {
	t.Parallel()
	k := key(t, time.Second)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		_, err := k.Read(10)
		if errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYEXPIRED) {
			break
		}
		if err != nil || time.Now().After(end) {
			t.Fatalf("Read = %v", err)
		}
	}
	if err := k.Remove(); err != nil {
		t.Errorf("Remove of an expired key = %v", err)
	}
}

func TestPrivateKeyOnly(t *testing.T) {
	t.Parallel()
	for described, want := range map[string]bool{
		"user;1000;1000;3b2b0000;name;with;semicolons": true,
		"user;1000;65534;3f010000;name":                true,
		"user;0;1000;3b2b0000;name":                    false,
		"user;1000;1000;3b2b0100;name":                 false,
		"user;1000;1000;3b2b0002;name":                 false,
		"keyring;1000;1000;3b2b0000;name":              false,
		"user;1000;1000;3b2b0000":                      false,
		"user;1000;1000;;name":                         false,
		"":                                             false,
	} {
		if got := privateKey(described, 1000); got != want {
			t.Errorf("%q: %v", described, got)
		}
	}
}
