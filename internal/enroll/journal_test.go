package enroll

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

func entries() []Entry {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	base := Entry{Version: entryVersion, Started: at, Caller: "arn:aws:iam::123456789012:user/alice"}
	var all []Entry
	for _, change := range []func(*Entry){
		func(e *Entry) { e.About, e.Flow, e.Phase, e.Name, e.Serial = Device, FlowEnroll, Creating, "n", laptop },
		func(e *Entry) {
			e.About, e.Flow, e.Phase, e.Name, e.Serial, e.Old = Device, FlowRotateDevice, Removing, "n", laptop, phone
			e.Orphans, e.Free, e.Store, e.Copies = []string{phone + "-2"}, true, "age", []string{"keyring"}
		},
		func(e *Entry) { e.About, e.Flow, e.Phase, e.Old = Device, FlowRemoveDevice, Removing, phone },
		func(e *Entry) {
			e.About, e.Flow, e.Phase, e.Old, e.NewKey = AccessKey, FlowRotateKey, Awaiting, "AKIA1", "AKIA2"
			e.Sharing = []string{"other", "work"}
			e.Known, e.OldUse = []string{"AKIA1"}, &awsapi.KeyUse{Time: at, Service: "s3"}
		},
	} {
		e := base
		change(&e)
		all = append(all, e)
	}
	return all
}

func TestEntryRoundTrip(t *testing.T) {
	t.Parallel()
	for _, e := range entries() {
		text, err := marshalEntry(e)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseEntry(text); err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// TestJournalFormat reads the files that version 1 of the format has left, word for word: a run that
// was killed has to be resumed by every later version.
func TestJournalFormat(t *testing.T) {
	t.Parallel()
	const dir = "00e13ed7af55b276" // the digest of "work"
	for file, text := range map[string]string{
		".device.json": `{
  "version": 1,
  "about": "device",
  "flow": "rotate device",
  "phase": "removing",
  "started": "2026-01-02T03:04:05Z",
  "caller": "arn:aws:iam::123456789012:user/alice",
  "name": "n",
  "serial": "arn:aws:iam::123456789012:mfa/alice-build-7",
  "old": "arn:aws:iam::123456789012:mfa/phone",
  "free": true,
  "store": "age",
  "orphans": [
    "arn:aws:iam::123456789012:mfa/phone-2"
  ],
  "copies": [
    "keyring"
  ]
}
`,
		".key.json": `{
  "version": 1,
  "about": "key",
  "flow": "rotate key",
  "phase": "awaiting",
  "started": "2026-01-02T03:04:05Z",
  "caller": "arn:aws:iam::123456789012:user/alice",
  "old": "AKIA1",
  "new_key": "AKIA2",
  "sharing": [
    "other",
    "work"
  ],
  "known": [
    "AKIA1"
  ],
  "old_use": {
    "User": "",
    "Time": "2026-01-02T03:04:05Z",
    "Service": "s3",
    "Region": ""
  }
}
`,
	} {
		j := Journal{Dir: t.TempDir(), Profile: "work", Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		path := filepath.Join(j.Dir, dir+file)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		about := Subject(strings.Split(file, ".")[1])
		e, _, err := j.Unfinished(about)
		if want := entries()[map[Subject]int{Device: 1, AccessKey: 3}[about]]; err != nil || !reflect.DeepEqual(e, want) {
			t.Errorf("%s: %+v, %v", file, e, err)
		}
		if err := j.saveEntry(e); err != nil {
			t.Fatal(err)
		}
		if again, err := os.ReadFile(path); err != nil || string(again) != text {
			t.Errorf("%s, %v", again, err)
		}
	}
}

// TestBadEntry: half of an entry would lead to a wrong change in IAM.
func TestBadEntry(t *testing.T) {
	t.Parallel()
	text, err := marshalEntry(entries()[0])
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	for name, bad := range map[string]string{
		"empty":           "",
		"cut":             good[:len(good)/2],
		"twice":           good + good,
		"another version": strings.Replace(good, `"version": 1`, `"version": 2`, 1),
		"an unknown key":  strings.Replace(good, `"name"`, `"naem"`, 1),
		"no name":         strings.Replace(good, `"name": "n"`, `"name": ""`, 1),
		"no caller":       strings.Replace(good, entries()[0].Caller, "", 1),
		"unknown phase":   strings.Replace(good, `"creating"`, `"created"`, 1),
		"a key's phase":   strings.Replace(good, `"creating"`, `"proven"`, 1),
		"unknown flow":    strings.Replace(good, `"enroll"`, `"enrol"`, 1),
		"another subject": strings.Replace(good, `"device"`, `"key"`, 1),
		"huge":            good + strings.Repeat(" ", maxEntry),
	} {
		if bad == good {
			t.Errorf("%s: nothing is bad about it", name)
		}
		if e, err := parseEntry([]byte(bad)); err == nil {
			t.Errorf("%s: read as %+v", name, e)
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	for _, e := range entries() {
		text, err := marshalEntry(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := parseEntry(text)
		if err != nil {
			return
		}
		first, err := marshalEntry(e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseEntry(first)
		if err != nil {
			t.Fatalf("%q: %v", first, err)
		}
		second, err := marshalEntry(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%q, then %q, %v", first, second, err)
		}
	})
}

func TestDefaultName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100)
	for _, test := range []struct{ user, host, want string }{
		{"alice", "build-7.example.org", "alice-build-7"},
		{"alice", "", "alice"},
		{"alice@example.org", "Alices MacBook", "alice@example.org-Alices-MacBook"},
		{"alice", "Büro", "alice-B-ro"},
		{"alice", "日本", "alice"},
		{long, "host", strings.Repeat("x", 59) + "-host"},
		{"alice", long, "alice-" + strings.Repeat("x", 24)},
		{long, long, strings.Repeat("x", 39) + "-" + strings.Repeat("x", 24)},
	} {
		got := DefaultName(test.user, test.host)
		if got != test.want || len(got) > maxName {
			t.Errorf("%q, %q: %q, want %q", test.user, test.host, got, test.want)
		}
	}
}

func TestOtherName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a": "a-2", "a-2": "a", "-2": "2-2", "a-2-2": "a-2", strings.Repeat("x", 64): strings.Repeat("x", 60) + "-2",
	} {
		if got := otherName(name); got != want || len(got) > maxName {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestChoosePair at second 10 of step 100, and close to its end.
func TestChoosePair(t *testing.T) {
	t.Parallel()
	middle, end := totp.Step(100).Start().Add(10*time.Second), totp.Step(100).End().Add(-time.Second)
	for name, test := range map[string]struct {
		record      rules.Record
		now         time.Time
		ahead       bool
		first, sent totp.Step
	}{
		"nothing sent":                {rules.Record{}, middle, false, 99, 100},
		"about to end":                {rules.Record{}, end, false, 100, 101},
		"before the first":            {rules.Record{Sent: []totp.Step{98}}, middle, false, 99, 100},
		"the one before sent":         {rules.Record{Sent: []totp.Step{99}}, middle, false, 100, 101},
		"the current sent":            {rules.Record{Sent: []totp.Step{100}}, middle, false, 101, 102},
		"both sent":                   {rules.Record{Sent: []totp.Step{99, 100}}, middle, false, 101, 102},
		"the current refused":         {rules.Record{Refused: []totp.Step{100}}, middle, false, 101, 102},
		"the one before refused":      {rules.Record{Refused: []totp.Step{99}}, middle, false, 100, 101},
		"a hole of one":               {rules.Record{Sent: []totp.Step{100}, Refused: []totp.Step{102}}, middle, false, 103, 104},
		"ahead":                       {rules.Record{}, middle, true, 100, 100},
		"ahead, both refused":         {rules.Record{Refused: []totp.Step{99, 100}}, middle, true, 101, 101},
		"ahead, about to end":         {rules.Record{}, end, true, 101, 101},
		"ahead, and the next is sent": {rules.Record{Sent: []totp.Step{101}}, middle, true, 102, 102},
	} {
		first, sent := choosePair(test.record, test.now, test.ahead)
		if first != test.first || sent != test.sent {
			t.Errorf("%s: %d sent in %d, want %d in %d", name, first, sent, test.first, test.sent)
		}
	}
}
