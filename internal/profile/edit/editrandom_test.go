package edit

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/oddconfig"
)

// oddConfig is a random config with odd line ends, a byte order mark or no newline at
// its end.
func oddConfig(random *rand.Rand) string {
	text := oddconfig.Random(random)
	if random.IntN(3) == 0 {
		text = strings.TrimRight(text, "\r\n")
	}
	if random.IntN(4) == 0 {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	}
	if random.IntN(4) == 0 {
		text = "\ufeff" + text
	}
	return text
}

// TestEditRandom sets a key in configs that are put together at random. What must hold is in
// changesUndone.
func TestEditRandom(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	done := 0
	for range 2000 {
		before := oddConfig(random)
		for _, name := range []string{"a", "e f", "default", "new", "profile b"} {
			key := []string{"region", "output", "s3", "credential_process"}[random.IntN(4)]
			if changesUndone(t, profile.AWSConfig, before, name, key, "new value") != "" {
				done++
			}
			changesUndone(t, profile.Plain, before, name, key, "new value")
		}
	}
	if done < 8_000 {
		t.Errorf("only %d edits were made", done)
	}
}

// botocoreEdit is an edit whose file is read by botocore before and after.
type botocoreEdit struct {
	name          string // of the profile
	before, after string
	set           map[string]any // its keys that were set
	removed       string         // its key that was removed
}

// botocoreEdits returns edits of random configs, and of the corpus.
func botocoreEdits(random *rand.Rand) (all []botocoreEdit) {
	var texts []string
	for _, c := range oddconfig.Corpus() {
		texts = append(texts, c.Text)
	}
	for range 2400 {
		texts = append(texts, oddConfig(random))
	}
	for _, text := range texts {
		e := botocoreEdit{name: []string{"a", "b", "x", "e f", "default", "new one"}[random.IntN(6)], before: text}
		changes := []string{"credential_process=/usr/bin/aws-mfa-creds get --profile x", "region=new"}
		e.set = map[string]any{"credential_process": "/usr/bin/aws-mfa-creds get --profile x", "region": "new"}
		if random.IntN(4) == 0 {
			e.set, e.removed = nil, []string{"region", "s3", "role_arn"}[random.IntN(3)]
			changes = []string{"-" + e.removed}
		}
		f, err := newEdit("config", profile.AWSConfig, text, e.name)
		if err != nil || f.checkSection() != nil {
			continue
		}
		if e.after, err = edited(profile.AWSConfig, e.name, text, changes...); err == nil {
			all = append(all, e)
		}
	}
	return all
}

// TestBotocoreEdits has botocore read configs before and after an edit: all other profiles
// have the values they had, and the one that was edited has what was set.
func TestBotocoreEdits(t *testing.T) {
	t.Parallel()
	edits := botocoreEdits(rand.New(rand.NewPCG(9, 10)))
	var befores []string
	for _, e := range edits {
		befores = append(befores, e.before)
	}
	for version, python := range oddconfig.Pythons(t) {
		var readable []botocoreEdit
		var before []oddconfig.Answer
		var afters []string
		for i, a := range oddconfig.Ask(t, python, befores) {
			if a.Error == "" {
				readable, before, afters = append(readable, edits[i]), append(before, a), append(afters, edits[i].after)
			}
		}
		for i, after := range oddconfig.Ask(t, python, afters) {
			compareEdit(t, version, readable[i], before[i], after)
		}
		t.Logf("botocore %s: %d of %d edits compared", version, len(readable), len(edits))
		if len(readable) < 1000 {
			t.Errorf("botocore %s: only %d edits compared", version, len(readable))
		}
	}
}

func compareEdit(t *testing.T, version string, e botocoreEdit, before, after oddconfig.Answer) {
	t.Helper()
	shared := strings.Contains(e.before, "[DEFAULT]")
	if after.Error != "" {
		if !shared { // botocore trips over a block in it as soon as there is a profile to inherit it
			t.Errorf("botocore %s cannot read %q any more, which was %q: %s", version, e.after, e.before, after.Error)
		}
		return
	}
	for key, want := range e.set {
		if got := after.Profiles[e.name][key]; got != want {
			t.Errorf("botocore %s: %s of %q in %q is %q, want %q", version, key, e.name, e.after, got, want)
		}
		delete(after.Profiles[e.name], key)
		delete(before.Profiles[e.name], key)
	}
	if e.removed != "" && !shared { // a value may come from there
		delete(before.Profiles[e.name], e.removed)
	}
	if _, existed := before.Profiles[e.name]; !existed || shared {
		delete(after.Profiles, e.name)
		delete(before.Profiles, e.name)
	}
	if !maps.EqualFunc(after.Profiles, before.Profiles, func(a, b map[string]any) bool { return reflect.DeepEqual(a, b) }) ||
		!reflect.DeepEqual(after.Services, before.Services) {
		t.Errorf("botocore %s: an edit of %q in %.2000q\nreads %.2000q\nwant  %.2000q", version, e.name, e.before, after.Profiles, before.Profiles)
	}
}
