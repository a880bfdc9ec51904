package cache

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

func someRecord() rules.Record {
	return rules.Record{
		Sent: []totp.Step{59_000_000, 59_000_001},
		Failures: map[string]rules.Failure{"id": {
			At: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Kind: fault.Refused, Thing: "thing", Cause: "cause", Remedy: "remedy", Count: 2,
			Until: time.Date(2026, 1, 2, 3, 5, 5, 6, time.UTC),
		}},
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	scope := c.Scope("arn:aws:iam::123456789012:mfa/name")
	if got := scope.Load(); !reflect.DeepEqual(got, rules.Record{}) {
		t.Errorf("none: %+v", got)
	}
	if err := scope.Save(someRecord()); err != nil {
		t.Fatal(err)
	}
	again := openCache(t, testOptions(c.dir))
	if got := again.Scope("arn:aws:iam::123456789012:mfa/name").Load(); !reflect.DeepEqual(got, someRecord()) {
		t.Errorf("got %+v", got)
	}
	if got := again.Scope("another").Load(); !reflect.DeepEqual(got, rules.Record{}) {
		t.Errorf("another scope: %+v", got)
	}
	for _, name := range names(t, c.dir) {
		if strings.ContainsAny(name, ":/ ") || strings.ToLower(name) != name || strings.Contains(name, "arn") {
			t.Errorf("file name %q", name)
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	clock := rules.Clock{Skew: -3 * time.Hour, Measured: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	if err := c.SaveClock("aws", rules.Clock{}); err != nil {
		t.Errorf("forget without a directory: %v", err)
	}
	if err := c.SaveClock("aws", clock); err != nil {
		t.Fatal(err)
	}
	if got := c.LoadClock("aws"); got != clock {
		t.Errorf("got %+v", got)
	}
	if got := c.LoadClock("aws-cn"); !got.IsZero() {
		t.Errorf("another clock: %+v", got)
	}
	for range 2 {
		if err := c.SaveClock("aws", rules.Clock{}); err != nil {
			t.Error(err)
		}
	}
	if got := c.LoadClock("aws"); !got.IsZero() || len(names(t, c.dir)) != 0 {
		t.Errorf("not forgotten: %+v, %v", got, names(t, c.dir))
	}
}

func TestDamagedStateIsNone(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	scope := c.Scope("device")
	if err := scope.Save(someRecord()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.dir, scope.file+".device")
	whole := readFile(t, path)
	for size := range len(whole) - 2 {
		writeFile(t, path, whole[:size])
		if got := scope.Load(); !reflect.DeepEqual(got, rules.Record{}) {
			t.Fatalf("cut to %d bytes: %+v", size, got)
		}
	}
	for _, text := range []string{
		"null", "[]", `"x"`, `{"version":0}`, `{"version":2,"value":{"sent":[1]}}`, `{"version":1,"value":{"sent":["x"]}}`,
		`{"version":1,"value":{"sent":[-1]}}`, `{"value":{"sent":[1]}}`, strings.Repeat("[", 100_000), "\x00\xff",
		`{"version":1,"value":{"sent":[1]}}` + strings.Repeat(" ", maxState),
	} {
		writeFile(t, path, []byte(text))
		if got := scope.Load(); !reflect.DeepEqual(got, rules.Record{}) {
			t.Errorf("%.40q: %+v", text, got)
		}
	}
	if err := scope.Save(someRecord()); err != nil || !reflect.DeepEqual(scope.Load(), someRecord()) {
		t.Errorf("not replaced: %v", err)
	}
}

func TestFullRecordFits(t *testing.T) {
	t.Parallel()
	scope := newCache(t).Scope("device")
	var r rules.Record
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	long := strings.Repeat("é\x00", 300)
	for i := range 200 {
		r.Claim(totp.Step(59_000_000 + i))
		r.Fail(id(fmt.Sprint(i)), fault.New(fault.Refused, long, long, "%s", long), now.Add(time.Duration(i)*time.Second))
	}
	if err := scope.Save(r); err != nil {
		t.Fatal(err)
	}
	if got := scope.Load(); len(got.Failures) != len(r.Failures) || len(got.Sent) != len(r.Sent) {
		t.Errorf("%d failures, %d steps", len(got.Failures), len(got.Sent))
	}
	r.Failures["huge"] = rules.Failure{Cause: strings.Repeat("x", maxState)}
	if err := scope.Save(r); fault.KindOf(err) != fault.Internal {
		t.Errorf("Save of too much = %v", err)
	}
	if len(scope.Load().Failures) == 0 {
		t.Error("the old record is gone")
	}
}

func TestTryLock(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	unlock, held, err := c.Scope("device").TryLock()
	if err != nil || !held {
		t.Fatalf("TryLock = %v, %v", held, err)
	}
	for _, other := range []*Cache{c, openCache(t, testOptions(c.dir))} {
		if _, held, err := other.Scope("device").TryLock(); held || err != nil {
			t.Errorf("taken twice: %v, %v", held, err)
		}
	}
	unlock2, held, err := c.Scope("another").TryLock()
	if err != nil || !held {
		t.Errorf("another scope: %v, %v", held, err)
	}
	unlock2()
	unlock()
	unlock() // twice does no harm
	unlock, held, err = c.Scope("device").TryLock()
	if err != nil || !held {
		t.Errorf("after unlock: %v, %v", held, err)
	}
	unlock()
	if n := len(names(t, c.dir)); n != 2 {
		t.Errorf("%d files: a lock file is removed or left over", n)
	}
}

func TestRemovedLockFile(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	scope := c.Scope("device")
	unlock, _, _ := scope.TryLock()
	if err := os.Remove(filepath.Join(c.dir, scope.lockName())); err != nil {
		t.Skip("this system keeps open files:", err)
	}
	unlock2, held, err := scope.TryLock()
	if err != nil || !held {
		t.Fatalf("TryLock = %v, %v", held, err)
	}
	unlock() // of the old file: it must not free the new one
	if _, held, _ := scope.TryLock(); held {
		t.Error("taken twice")
	}
	unlock2()
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"version":1,"value":{"sent":[59000000],"failures":{"id":{"at":"2026-01-02T03:04:05Z","kind":6,"count":3}}}}`))
	f.Add([]byte(`{"version":1,"value":{"failures":{"id":{"count":-9223372036854775808}}}}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{`))
	f.Add([]byte{})
	c := newCache(f)
	scope := c.Scope("device")
	if err := scope.Save(someRecord()); err != nil {
		f.Fatal(err)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, data []byte) {
		writeFile(t, filepath.Join(c.dir, scope.file+".device"), data)
		r := scope.Load()
		r.Claim(r.Next(59_000_000))
		r.Held("id", now)
		r.Fail("id", fault.New(fault.Refused, "", "", ""), now)
		if err := scope.Save(r); err != nil {
			t.Skip(err) // a year that JSON cannot tell
		}
	})
}

func FuzzClock(f *testing.F) {
	f.Add([]byte(`{"version":1,"value":{"skew":10800000000000,"measured":"2026-01-02T03:04:05Z"}}`))
	f.Add([]byte(`{"version":1,"value":{"skew":-9223372036854775808}}`))
	f.Add([]byte(`{"version":1,"value":3}`))
	f.Add([]byte{})
	c := newCache(f)
	if err := c.SaveClock("aws", rules.Clock{Skew: 1}); err != nil {
		f.Fatal(err)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, data []byte) {
		writeFile(t, filepath.Join(c.dir, hashed("aws")+".clock"), data)
		clock := c.LoadClock("aws")
		clock.SkewAt(now)
		clock.Measure(now, now)
	})
}
