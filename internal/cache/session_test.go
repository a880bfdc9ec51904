package cache

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func TestMissThenHit(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	wantMiss(t, c, id("a"), "empty cache")
	if _, err := os.Stat(c.Dir); !os.IsNotExist(err) {
		t.Error("a miss has made the directory")
	}
	put(t, c, id("a"), session("a"))
	wantHit(t, c, id("a"), session("a"))
	wantMiss(t, c, id("b"), "another id")
	put(t, c, id("a"), session("c"))
	wantHit(t, c, id("a"), session("c"))

	again := openCache(t, testOptions(c.Dir))
	wantHit(t, again, id("a"), session("c"))
}

func TestRoundTripKeepsEverything(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	s := session("a")
	s.Minted = time.Date(2026, 11, 23, 20, 0, 0, 123456789, time.FixedZone("", 3600))
	put(t, c, id("a"), s)
	s.Minted = s.Minted.UTC()
	wantHit(t, c, id("a"), s)
	put(t, c, id("a"), creds.Session{})
	wantHit(t, c, id("a"), creds.Session{})
}

func TestNothingInClear(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	put(t, c, id("a"), session("a"))
	holdsInClear(t, c.Dir, "ASIAa", "aaaaaa", "2026-11", id("a")[:16])
}

func TestOtherKeyMisses(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	put(t, c, id("a"), session("a"))
	o := testOptions(c.Dir)
	o.Keys = always(DeriveKey(creds.NewSecret("other"), creds.NewSecret("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")))
	other := openCache(t, o)
	wantMiss(t, other, id("a"), "another key")

	// Not even under the name that the other key looks for.
	k, _ := o.Keys.Read()
	writeFile(t, filepath.Join(c.Dir, k.Name(id("a"))+sessionSuffix), readFile(t, entryPath(c, id("a"))))
	wantMiss(t, other, id("a"), "an entry of another key")
}

func TestNoKeyMisses(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	put(t, c, id("a"), session("a"))
	for name, keys := range map[string]KeySource{
		"no key":   KeyFunc(func() (Key, error) { return Key{}, ErrNoKey }),
		"an error": KeyFunc(func() (Key, error) { return Key{}, errors.New("locked") }),
		"zero key": always(Key{}),
	} {
		o := testOptions(c.Dir)
		o.Keys = keys
		keyless := openCache(t, o)
		wantMiss(t, keyless, id("a"), name)
		if err := keyless.Put(id("a"), session("b")); fault.KindOf(err) != fault.Filesystem {
			t.Errorf("%s: Put = %v", name, err)
		}
	}
	wantHit(t, c, id("a"), session("a"))
}

func TestSwappedEntriesMiss(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	put(t, c, id("a"), session("a"))
	put(t, c, id("b"), session("b"))
	writeFile(t, entryPath(c, id("b")), readFile(t, entryPath(c, id("a"))))
	wantMiss(t, c, id("b"), "another session's entry")
}

func TestEveryFlippedBitMisses(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	put(t, c, id("a"), session("a"))
	path := entryPath(c, id("a"))
	entry := readFile(t, path)
	for bit := range 8 * len(entry) {
		flipped := bytes.Clone(entry)
		flipped[bit/8] ^= 1 << (bit % 8)
		writeFile(t, path, flipped)
		wantMiss(t, c, id("a"), fmt.Sprintf("bit %d flipped", bit))
	}
	writeFile(t, path, entry)
	wantHit(t, c, id("a"), session("a"))
}

func TestEveryTruncationMisses(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	put(t, c, id("a"), session("a"))
	path := entryPath(c, id("a"))
	entry := readFile(t, path)
	for size := range entry {
		writeFile(t, path, entry[:size])
		wantMiss(t, c, id("a"), fmt.Sprintf("cut to %d bytes", size))
	}
	writeFile(t, path, append(bytes.Clone(entry), 0))
	wantMiss(t, c, id("a"), "a byte too many")
	writeFile(t, path, make([]byte, maxEntry+1))
	wantMiss(t, c, id("a"), "too large")
	put(t, c, id("a"), session("b"))
	wantHit(t, c, id("a"), session("b"))
}

func TestOtherVersionsMiss(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	for _, v := range []byte{0, 2, 255} {
		put(t, c, id("a"), session("a"))
		entry := readFile(t, entryPath(c, id("a")))
		entry[len(magic)] = v
		writeFile(t, entryPath(c, id("a")), entry)
		wantMiss(t, c, id("a"), fmt.Sprintf("version %d", v))
	}
}

func TestTooLargeIsNotStored(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	put(t, c, id("a"), session("a"))
	huge := session("b")
	huge.Credentials.SessionToken = creds.NewSecret(strings.Repeat("x", maxEntry))
	if err := c.Put(id("a"), huge); fault.KindOf(err) != fault.Internal {
		t.Errorf("Put = %v", err)
	}
	wantHit(t, c, id("a"), session("a"))
}

func TestNoncesDiffer(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 100 {
		entry, err := testKey().Seal(id("a"), []byte("same"))
		if err != nil {
			t.Fatal(err)
		}
		if nonce := string(entry[headerSize : headerSize+12]); seen[nonce] {
			t.Fatal("a nonce was used twice")
		} else {
			seen[nonce] = true
		}
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	if err := c.Remove(id("a")); err != nil {
		t.Errorf("no directory: %v", err)
	}
	put(t, c, id("a"), session("a"))
	put(t, c, id("b"), session("b"))
	for range 2 {
		if err := c.Remove(id("a")); err != nil {
			t.Error(err)
		}
	}
	wantMiss(t, c, id("a"), "removed")
	wantHit(t, c, id("b"), session("b"))
}

func TestClear(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	if n, err := c.Clear(); n != 0 || err != nil {
		t.Errorf("no directory: %d, %v", n, err)
	}
	for _, name := range []string{"a", "b", "c"} {
		put(t, c, id(name), session(name))
	}
	writeFile(t, filepath.Join(c.Dir, strings.Repeat("f", 32)+sessionSuffix), []byte("of another key"))
	scope := c.Scope("device")
	record := scope.Load()
	record.Claim(100)
	if err := scope.Save(record); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Clear(); n != 4 || err != nil {
		t.Errorf("Clear = %d, %v", n, err)
	}
	wantMiss(t, c, id("a"), "cleared")
	if got := scope.Load().Next(100); got != 101 {
		t.Error("the record was cleared too: a code might be sent twice")
	}
	if n, err := c.Clear(); n != 0 || err != nil {
		t.Errorf("Clear of nothing = %d, %v", n, err)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	now := time.Now()
	o := testOptions(filepath.Join(t.TempDir(), "cache"))
	o.Now = func() time.Time { return now }
	c := openCache(t, o)
	put(t, c, id("a"), session("a"))
	old := filepath.Join(c.Dir, strings.Repeat("0", 32)+sessionSuffix)
	temp := filepath.Join(c.Dir, ".aws-mfa-creds-0123456789abcdef.tmp")
	plant := func() {
		for _, path := range []string{old, temp} {
			writeFile(t, path, nil)
			if err := os.Chtimes(path, now, now.Add(-48*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	gone := func(path string) bool { _, err := os.Lstat(path); return os.IsNotExist(err) }

	plant()
	put(t, c, id("a"), session("a"))
	if gone(old) || gone(temp) {
		t.Error("swept again so soon")
	}
	now = now.Add(sweepEvery + time.Minute)
	put(t, c, id("a"), session("a"))
	if !gone(old) || !gone(temp) {
		t.Errorf("not swept: %v", names(t, c.Dir))
	}
	wantHit(t, c, id("a"), session("a"))
	now = now.Add(-24 * time.Hour)
	plant()
	now = now.Add(-time.Second)
	put(t, c, id("a"), session("a"))
	if !gone(old) {
		t.Error("not swept after the clock went back")
	}
	wantHit(t, c, id("a"), session("a"))
}

func TestGoroutinesNeverSeeATornEntry(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	put(t, c, id("a"), session("a"))
	var wg sync.WaitGroup
	for i := range 2 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for n := range 30 {
				put(t, c, id("a"), session(string(rune('a'+(i+n)%26))))
			}
		})
		wg.Go(func() {
			for range 300 {
				wantWhole(t, c)
			}
		})
	}
	wg.Wait()
}

// wantWhole fails unless the session "a" is there and of one piece.
func wantWhole(t testing.TB, c *Cache) {
	t.Helper()
	got, ok := c.Get(id("a"))
	if !ok {
		t.Error("a miss")
		return
	}
	letter := got.Credentials.AccessKeyID[4:5]
	wantSame := reveal(session(letter))
	for i, value := range reveal(got) {
		if value != wantSame[i] {
			t.Errorf("torn: field %d of session %s", i, letter)
		}
	}
}

func TestRemovedUnderOurFeet(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not remove a directory that is open")
	}
	c := newCache(t)
	put(t, c, id("a"), session("a"))
	if err := os.RemoveAll(c.Dir); err != nil {
		t.Fatal(err)
	}
	wantMiss(t, c, id("a"), "removed by hand")
	put(t, c, id("a"), session("b"))
	wantHit(t, c, id("a"), session("b"))
	unlock, held, err := c.Scope("x").TryLock()
	if !held || err != nil {
		t.Errorf("TryLock = %v, %v", held, err)
	}
	unlock()
}

// TestReplacedUnderOurFeet has another process make the directory anew: both must then
// use the same lock and the same entries.
func TestReplacedUnderOurFeet(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not rename a directory that is open")
	}
	c := newCache(t)
	put(t, c, id("a"), session("a"))
	if err := os.Rename(c.Dir, c.Dir+".old"); err != nil {
		t.Fatal(err)
	}
	other := openCache(t, testOptions(c.Dir))
	put(t, other, id("a"), session("b"))
	unlock, held, err := other.Scope("x").TryLock()
	if err != nil || !held {
		t.Fatal(held, err)
	}
	if _, held, err := c.Scope("x").TryLock(); held || err != nil {
		t.Errorf("held the lock of one directory while another process holds that of the other: %v, %v", held, err)
	}
	unlock()
	unlock, held, err = c.Scope("x").TryLock()
	if err != nil || !held {
		t.Fatalf("TryLock = %v, %v", held, err)
	}
	if _, held, _ := other.Scope("x").TryLock(); held {
		t.Error("taken twice")
	}
	unlock()
	wantHit(t, c, id("a"), session("b"))
}

func TestRecordRemovedUnderOurFeet(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not remove a directory that is open")
	}
	scope := newCache(t).Scope("device")
	if err := errors.Join(scope.Save(someRecord()), os.RemoveAll(scope.cache.Dir)); err != nil {
		t.Fatal(err)
	}
	if err := scope.Save(someRecord()); err != nil || len(scope.Load().Sent) == 0 {
		t.Errorf("Save = %v", err)
	}
}

// TestRemovedUnderWaiters has somebody remove the directory while one process holds the lock and
// others wait for it: one of them may take the lock of the new directory, the rest wait for that.
func TestRemovedUnderWaiters(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not remove a directory that is open")
	}
	holder := newCache(t)
	unlock, held, err := holder.Scope("device").TryLock()
	if err != nil || !held {
		t.Fatal(held, err)
	}
	defer unlock()
	waiters := make([]*Cache, 50)
	for i := range waiters {
		waiters[i] = openCache(t, testOptions(holder.Dir))
		if _, held, err := waiters[i].Scope("device").TryLock(); held || err != nil {
			t.Fatal(held, err)
		}
	}
	if err := os.RemoveAll(holder.Dir); err != nil {
		t.Fatal(err)
	}
	var holders atomic.Int32
	var wg sync.WaitGroup
	for _, c := range waiters {
		wg.Go(func() {
			switch unlock, held, err := c.Scope("device").TryLock(); {
			case err != nil:
				t.Error(err)
			case held:
				holders.Add(1)
				t.Cleanup(unlock) // it keeps the lock: a file that nobody refers to is closed by Go itself
			}
		})
	}
	wg.Wait()
	if n := holders.Load(); n != 1 {
		t.Errorf("%d hold the lock", n)
	}
	put(t, holder, id("a"), session("a")) // into the new directory, for all of them
	for _, c := range waiters[:2] {
		wantHit(t, openCache(t, testOptions(c.Dir)), id("a"), session("a"))
	}
	if _, err := os.Stat(holder.Dir + "/" + holder.Scope("device").lockName()); err != nil {
		t.Error(err)
	}
}

func FuzzEntry(f *testing.F) {
	// A constant, because every worker of the fuzzer has to know it.
	good, err := hex.DecodeString("414d4353018a1dceb66906f645f8b7b71a6db032a9d87f7289069db74b47be5558d3167e48e1076a12bdaa12d71c2d38d2fc867dc44e")
	if err != nil {
		f.Fatal(err)
	}
	if plain, err := testKey().Unseal(id("a"), good); err != nil || string(plain) != `{"id":"ASIA"}` {
		f.Fatalf("the good entry does not open: %q, %v", plain, err)
	}
	f.Add(good)
	f.Add(good[:headerSize])
	f.Add(good[:headerSize-1])
	f.Add([]byte{})
	f.Add([]byte(magic))
	c := newCache(f)
	put(f, c, id("a"), session("a"))
	f.Fuzz(func(t *testing.T, entry []byte) {
		if bytes.Equal(entry, good) {
			return
		}
		if plain, err := testKey().Unseal(id("a"), entry); err == nil {
			t.Errorf("forged: %q", plain)
		}
		writeFile(t, entryPath(c, id("a")), entry)
		wantMiss(t, c, id("a"), "not ours")
	})
}

func FuzzContent(f *testing.F) {
	f.Add([]byte(`{"id":"ASIA","secret":"s","token":"t","expiration":"2026-11-24T07:55:05Z","minted":"2026-11-23T19:55:05Z"}`))
	f.Add([]byte(`{"id":1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, plain []byte) {
		s, err := decode(plain)
		if err != nil {
			return
		}
		again, err := encode(s)
		if err != nil {
			return // a year that JSON cannot tell
		}
		back, err := decode(again)
		if err != nil || back.Credentials.SessionToken.Reveal() != s.Credentials.SessionToken.Reveal() {
			t.Errorf("%q does not round-trip: %v", plain, err)
		}
	})
}
