package rules

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// TestRoleID covers all that changes which session AssumeRole returns. The first id is of a version that
// knew neither source identity nor tags: its sessions are still found.
func TestRoleID(t *testing.T) {
	t.Parallel()
	seen := make(map[string]string)
	for name, change := range map[string]func(*creds.Role){
		"plain":           func(*creds.Role) {},
		"source identity": func(r *creds.Role) { r.SourceIdentity = "tag" },
		"tag":             func(r *creds.Role) { r.Tags = []creds.Tag{{Key: "a", Value: "b"}} },
		"other value":     func(r *creds.Role) { r.Tags = []creds.Tag{{Key: "a", Value: "c"}} },
		"other key":       func(r *creds.Role) { r.Tags = []creds.Tag{{Key: "b", Value: "b"}} },
		"two tags":        func(r *creds.Role) { r.Tags = []creds.Tag{{Key: "a", Value: "b"}, {Key: "transitive", Value: "a"}} },
		"transitive":      func(r *creds.Role) { r.Tags, r.TransitiveTags = []creds.Tag{{Key: "a", Value: "b"}}, []string{"a"} },
		"external id":     func(r *creds.Role) { r.ExternalID = "tag" },
		"session name":    func(r *creds.Role) { r.SessionName = "other" },
		"duration":        func(r *creds.Role) { r.Duration = 30 * time.Minute },
	} {
		role := creds.Role{ARN: "arn:aws:iam::123456789012:role/a", SessionName: "aws-mfa-creds", Duration: time.Hour}
		change(&role)
		id := Plan{Partition: "aws", AccessKeyID: "AKIA", Serial: "s", Duration: 12 * time.Hour, Roles: []creds.Role{role}}.Target().ID
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s have one id", name, other)
		}
		seen[id] = name
		if before := "8379883b421f0a33d331967e92e27b74e66befc06ac823c7e3c933893c172d98"; name == "plain" && id != before {
			t.Errorf("the id is %s, and was %s", id, before)
		}
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sent          []totp.Step
		current, want totp.Step
	}{
		"nothing sent":                {nil, 100, 100},
		"older sent":                  {[]totp.Step{98, 99}, 100, 100},
		"current sent":                {[]totp.Step{100}, 100, 101},
		"current and next sent":       {[]totp.Step{100, 101}, 100, 102},
		"next sent":                   {[]totp.Step{101}, 100, 102},
		"next sent, in disorder":      {[]totp.Step{101, 99, 100}, 100, 102},
		"sent under a fast clock":     {[]totp.Step{460}, 100, 100},
		"the very step of that clock": {[]totp.Step{460}, 460, 461},
		"just beyond reach":           {[]totp.Step{102}, 100, 100},
		"beyond reach, then reached":  {[]totp.Step{102}, 101, 103},
		"would hit a step beyond":     {[]totp.Step{101, 102}, 100, 103},
	} {
		if got := (Record{Sent: test.sent}).Next(test.current); got != test.want {
			t.Errorf("%s: Next(%d) = %d, want %d", name, test.current, got, test.want)
		}
	}
}

func TestClaimNeverGivesAStepTwice(t *testing.T) {
	t.Parallel()
	var r Record
	given := make(map[totp.Step]bool)
	for _, current := range []totp.Step{100, 100, 101, 460, 101, 102, 99, 460, 461, 105} {
		step := r.Next(current)
		if given[step] {
			t.Errorf("step %d given twice", step)
		}
		given[step] = true
		r.Claim(step)
	}
}

func TestClaimAndFree(t *testing.T) {
	t.Parallel()
	var r Record
	r.Claim(100)
	before := r
	r.Claim(101)
	r.Free(101)
	if got := r.Next(100); got != 101 {
		t.Errorf("after Free, Next = %d", got)
	}
	if len(before.Sent) != 1 || before.Sent[0] != 100 {
		t.Errorf("a copy was changed: %v", before.Sent)
	}
	for step := range totp.Step(1000) {
		r.Claim(step)
	}
	if len(r.Sent) != keptSteps || r.Sent[keptSteps-1] != 999 {
		t.Errorf("kept %v", r.Sent)
	}
}

func TestRefusedStepBlocksNoneBeforeIt(t *testing.T) {
	t.Parallel()
	var r Record
	r.Claim(102) // by a clock that was 45 s fast
	r.Refuse(102)
	for _, want := range []totp.Step{100, 101, 103} {
		if got := r.Next(100); got != want {
			t.Errorf("Next = %d, want %d", got, want)
		}
		r.Claim(want)
	}
}

func TestHoldOffGrows(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for kind, want := range map[fault.Kind][]time.Duration{
		fault.Refused:     {30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute},
		fault.Unavailable: {5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute},
		fault.Network:     {0, 0},
		fault.Store:       {0, 0},
	} {
		var r Record
		for i, hold := range want {
			r.Fail("id", NewFailure(fault.New(kind, "thing", "remedy", "cause"), now))
			if _, held := r.Held("id", now.Add(hold-1)); held != (hold > 0) {
				t.Errorf("kind %d, failure %d: held before %v is %v", kind, i+1, hold, held)
			}
			if _, held := r.Held("id", now.Add(hold)); held {
				t.Errorf("kind %d, failure %d: held after %v", kind, i+1, hold)
			}
			if _, held := r.Held("other", now); held {
				t.Error("another session is held off")
			}
		}
		r.Fail("id", NewFailure(fault.New(fault.Internal, "", "", ""), now))
		if r.Failures["id"].Count != 1 {
			t.Error("a failure of another kind does not start anew")
		}
	}
}

func TestClockJumpDoesNotHoldOffForEver(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var r Record
	r.Fail("id", NewFailure(fault.New(fault.Refused, "", "", ""), now))
	if _, held := r.Held("id", now.Add(-time.Hour)); held {
		t.Error("held off by a failure of the future")
	}
}

func TestNoteDoesNotHoldOff(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var r Record
	r.Note("id", NewFailure(fault.New(fault.Refused, "a", "b", "c"), now))
	if _, held := r.Held("id", now); held {
		t.Error("held off")
	}
	if f, ok := r.FailedSince("id", now.Add(-time.Second), now); !ok || f.Err().Error() != "a: c" || f.Err().Remedy != "b" {
		t.Errorf("noted %+v", f)
	}
	if _, ok := r.FailedSince("id", now.Add(time.Second), now.Add(time.Hour)); ok {
		t.Error("a failure from before the start counts")
	}
	r.Succeed("id")
	if len(r.Failures) != 0 {
		t.Error("not forgotten")
	}
}

func TestDamagedKindIsInternal(t *testing.T) {
	t.Parallel()
	for _, kind := range []fault.Kind{-1, 0, 13, 256} {
		if got := (Failure{Kind: kind}).Err().Kind; got != fault.Internal {
			t.Errorf("kind %d becomes exit code %d", kind, got)
		}
	}
}

func TestRepeatedSaysSo(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var r Record
	r.Fail("id", NewFailure(fault.New(fault.Refused, "thing", "remedy", "cause"), now))
	f, _ := r.Held("id", now.Add(12*time.Second))
	if got := f.Repeated(now.Add(12 * time.Second)).Cause; got != "cause (remembered from 12s ago; AWS is asked again in 18s)" {
		t.Errorf("got %s", got)
	}
}

func TestRecordIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var r Record
	for i := range 3 * keptFailures {
		r.Fail(fmt.Sprint(i), NewFailure(fault.New(fault.Network, "", "", ""), now.Add(time.Duration(i)*time.Second)))
	}
	if len(r.Failures) != keptFailures {
		t.Errorf("%d failures kept", len(r.Failures))
	}
	if _, ok := r.Failures[fmt.Sprint(3*keptFailures-1)]; !ok {
		t.Error("the newest was dropped")
	}
	r.Fail("new", NewFailure(errors.New("unclassified"), now.Add(forgetAfter+time.Hour)))
	if len(r.Failures) != 1 {
		t.Errorf("%d failures after a week", len(r.Failures))
	}
	if f := r.Failures["new"]; f.Kind != fault.Internal || strings.Contains(f.Cause, "unclassified") {
		t.Errorf("an unclassified error is stored as %+v", f)
	}
}

func TestFailureIsCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	var r Record
	r.Fail("id", NewFailure(fault.New(fault.Network, long, long, "%s", long), time.Now()))
	if f := r.Failures["id"]; len(f.Thing+f.Cause+f.Remedy) != 3*maxPart {
		t.Errorf("%d bytes are kept", len(f.Thing+f.Cause+f.Remedy))
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	local := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var c Clock
	if c = c.Measure(local.Add(1900*time.Millisecond), local); !c.IsZero() {
		t.Errorf("noise is corrected: %+v", c)
	}
	c = c.Measure(local.Add(3*time.Hour), local)
	if c.SkewAt(local) != 3*time.Hour {
		t.Errorf("skew %v", c.SkewAt(local))
	}
	if again := c.Measure(local.Add(3*time.Hour+2*time.Second-1), local); again != c {
		t.Errorf("noise changes the measurement: %+v", again)
	}
	if moved := c.Measure(local.Add(3*time.Hour+3*time.Second), local); moved.Skew != 3*time.Hour+3*time.Second {
		t.Errorf("a new skew is not taken: %+v", moved)
	}
	if right := c.Measure(local, local); !right.IsZero() {
		t.Errorf("a right clock is corrected: %+v", right)
	}
}

func TestClockSetBackSinceMeasurement(t *testing.T) {
	t.Parallel()
	local := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	fast := Clock{}.Measure(local.Add(-3*time.Hour), local) // local is three hours fast
	setRight := local.Add(-3 * time.Hour)
	if got := fast.SkewAt(setRight); got != 0 {
		t.Errorf("a clock set right since is corrected by %v", got)
	}
	if got := fast.SkewAt(local.Add(time.Hour)); got != -3*time.Hour {
		t.Errorf("skew %v", got)
	}
}

func TestClockThatWasSet(t *testing.T) {
	t.Parallel()
	local := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	then := Anchor{"boot", local.Add(-time.Hour)}
	fast := Clock{}.Measure(local.Add(-3*time.Hour), local)
	fast.Anchor = then
	for name, test := range map[string]struct {
		now  Anchor
		want time.Duration
	}{
		"not set":       {then, -3 * time.Hour},
		"drifted":       {Anchor{"boot", then.Start.Add(time.Second)}, -3 * time.Hour},
		"set right":     {Anchor{"boot", then.Start.Add(-3 * time.Hour)}, 0},
		"set half":      {Anchor{"boot", then.Start.Add(-time.Hour)}, -2 * time.Hour},
		"set further":   {Anchor{"boot", then.Start.Add(time.Hour)}, -4 * time.Hour},
		"restarted":     {Anchor{"other", then.Start}, 0},
		"nothing known": {Anchor{}, -3 * time.Hour},
	} {
		if got := fast.at(test.now).Skew; got != test.want {
			t.Errorf("%s: skew %v, want %v", name, got, test.want)
		}
	}
	if right := (Clock{}).at(then); right != (Clock{}) {
		t.Errorf("a right clock becomes %+v", right)
	}
}

// TestClockRange: what no right clock shows is neither learned nor believed.
func TestClockRange(t *testing.T) {
	t.Parallel()
	local := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for date, plausible := range map[string]bool{
		"0001-01-01": false, "1960-01-01": false, "1970-01-01": false, "2011-06-14": false, "2011-06-15": true,
		"2026-01-01": true, "2038-01-20": true, "2099-12-31": true, "2100-01-01": false, "9999-12-31": false,
	} {
		server, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		if got := Plausible(server); got != plausible {
			t.Errorf("Plausible(%s) = %v", date, got)
		}
		for _, known := range []Clock{{}, Clock{}.Measure(local.Add(time.Hour), local)} {
			if got := known.Measure(server.Add(time.Hour/2), local); !plausible && got != known {
				t.Errorf("%s is learned: %+v", date, got)
			}
		}
		stored := Clock{Skew: server.Sub(local), Measured: server}
		if got := stored.Current(local); got.IsZero() != (!plausible || stored.IsZero()) {
			t.Errorf("%s is loaded as %+v", date, got)
		}
	}
	beyond := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) // no Duration reaches back from it
	if got := (Clock{}).Measure(local, beyond); !got.IsZero() {
		t.Errorf("learned under a clock of 9999: %+v", got)
	}
	for _, stored := range []Clock{{Skew: 1 << 62, Measured: local}, {Skew: -1 << 63, Measured: local}, {Skew: time.Hour, Measured: beyond}, {Skew: time.Hour}} {
		if got := stored.Current(local); !got.IsZero() {
			t.Errorf("%+v is loaded as %+v", stored, got)
		}
	}
}

// TestRowOfFailures: the hold-off doubles only for the same cause again.
func TestRowOfFailures(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	refused := func(at time.Time, code bool, mark string) Failure {
		f := NewFailure(fault.New(fault.Refused, "", "", ""), at)
		f.Code, f.Mark = code, mark
		return f
	}
	for name, test := range map[string]struct {
		next Failure
		want int
	}{
		"the same":           {refused(now.Add(time.Minute), true, "a"), 2},
		"soon after":         {refused(now.Add(15*time.Minute), true, "a"), 2},
		"the day after":      {refused(now.Add(24*time.Hour), true, "a"), 1},
		"of other secrets":   {refused(now.Add(time.Minute), true, "b"), 1},
		"not of the code":    {refused(now.Add(time.Minute), false, "a"), 1},
		"of another kind":    {NewFailure(fault.New(fault.Unavailable, "", "", ""), now.Add(time.Minute)), 1},
		"before a clock set": {refused(now.Add(-time.Hour), true, "a"), 1},
	} {
		var r Record
		r.Fail("id", refused(now, true, "a"))
		r = r.Bounded(test.next.At)
		r.Fail("id", test.next)
		if got := r.Failures["id"].Count; got != test.want {
			t.Errorf("%s: %d in a row, want %d", name, got, test.want)
		}
	}
}
