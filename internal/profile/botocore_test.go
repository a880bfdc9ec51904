package profile

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/test/oddconfig"
)

// parsed returns text as a file, or nil if it cannot be one.
func parsed(text string) (*File, error) {
	return Parse("config", AWSConfig, text)
}

func TestBotocoreCorpus(t *testing.T) {
	t.Parallel()
	var texts []string
	for _, c := range oddconfig.Corpus() {
		texts = append(texts, c.Text)
	}
	for version, python := range oddconfig.Pythons(t) {
		read := 0
		for i, a := range oddconfig.Ask(t, python, texts) {
			if a.Error == "" {
				read++
				compare(t, version, oddconfig.Corpus()[i], a)
			}
		}
		if read < 60 {
			t.Errorf("botocore %s reads only %d of %d configs", version, read, len(texts))
		}
	}
}

func compare(t *testing.T, version string, c oddconfig.Config, a oddconfig.Answer) {
	t.Helper()
	f, err := parsed(c.Text)
	if err != nil {
		t.Errorf("%s: botocore %s reads it, we do not: %v", c.Name, version, err)
		return
	}
	if got, want := ourNames(f), theirNames(a, c.More); !slices.Equal(got, want) {
		t.Errorf("%s: botocore %s has the profiles %.200q, we %.200q", c.Name, version, want, got)
	}
	for name, theirs := range a.Profiles {
		s, err := f.section(name)
		if refused := slices.Contains(c.Refused, name); refused != (err != nil) {
			t.Errorf("%s: profile %.20q: refused %v, want %v: %v", c.Name, name, err != nil, refused, err)
		}
		if err == nil {
			compareKeys(t, c.Name+", botocore "+version, s, theirs)
		}
	}
	for name, theirs := range a.Services {
		compareServices(t, c.Name, f, name, theirs)
	}
}

func ourNames(f *File) []string {
	names := f.Names()
	slices.Sort(names)
	return slices.Compact(names)
}

func theirNames(a oddconfig.Answer, more []string) []string {
	names := slices.Clone(more)
	for name := range a.Profiles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func compareKeys(t *testing.T, where string, s *section, theirs map[string]any) {
	t.Helper()
	for _, key := range AWSConfig.keys() {
		want, _ := theirs[key].(string)
		if got := s.get(key).text; got != want {
			t.Errorf("%s: %s = %.100q, we read %.100q", where, key, want, got)
		}
	}
}

func compareServices(t *testing.T, where string, f *File, name string, theirs map[string]any) {
	t.Helper()
	s, err := f.serviceEndpoint(name, KeySTS)
	if err != nil {
		t.Errorf("%s: services %s: %v", where, name, err)
		return
	}
	block, _ := theirs[KeySTS].(map[string]any)
	want, _ := block[KeyEndpoint].(string)
	if got := s.get(KeyEndpoint).text; got != want {
		t.Errorf("%s: endpoint_url of services %s = %q, we read %q", where, name, want, got)
	}
}

// TestBotocoreRandom compares configs that are put together at random from the
// pieces that make a difference. Of a [DEFAULT] section we refuse an option of several
// lines even where a profile's own goes before it.
func TestBotocoreRandom(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var texts []string
	for range 4000 {
		texts = append(texts, oddconfig.Random(random))
	}
	for version, python := range oddconfig.Pythons(t) {
		compared := 0
		for i, a := range oddconfig.Ask(t, python, texts) {
			if a.Error == "" {
				compared += compareRandom(t, version, texts[i], a)
			}
		}
		t.Logf("botocore %s: %d profiles compared", version, compared)
		if compared < 1000 {
			t.Errorf("botocore %s: only %d profiles compared", version, compared)
		}
	}
}

// TestBotocoreNames compares the names in headers that are put together at random.
func TestBotocoreNames(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	const characters = " \t\"'\\ab#]"
	var headers, texts []string
	for range 4000 {
		header := []byte("profile")
		for range 1 + random.IntN(8) {
			header = append(header, characters[random.IntN(len(characters))])
		}
		headers = append(headers, string(header))
		texts = append(texts, "["+string(header)+"]\n")
	}
	for version, python := range oddconfig.Pythons(t) {
		for i, a := range oddconfig.Ask(t, python, texts) {
			var got []string
			if c := parseTitle(headers[i]); c.class == profileSection && !c.Loose {
				got = []string{c.name}
			}
			if want := theirNames(a, nil); !slices.Equal(got, want) {
				t.Errorf("[%s]: botocore %s has %q, we %q", headers[i], version, want, got)
			}
		}
	}
}

func compareRandom(t *testing.T, version, text string, a oddconfig.Answer) (compared int) {
	t.Helper()
	f, err := parsed(text)
	if err != nil {
		t.Errorf("botocore %s reads %q, we do not: %v", version, text, err)
		return 0
	}
	if got, want := ourNames(f), theirNames(a, nil); !slices.Equal(got, want) {
		t.Errorf("%q: botocore %s has the profiles %q, we %q", text, version, want, got)
	}
	for name, theirs := range a.Profiles {
		s, err := f.section(name)
		switch {
		case err != nil && !severalLines(theirs) && !strings.Contains(text, "[DEFAULT]"):
			t.Errorf("%q: profile %q: %v", text, name, err)
		case err == nil:
			compareKeys(t, text+" in "+version, s, theirs)
			compared++
		}
	}
	return compared
}

// severalLines reports whether a key of ours has a value of several lines, which we
// refuse.
func severalLines(theirs map[string]any) bool {
	for _, key := range AWSConfig.keys() {
		switch v := theirs[key].(type) {
		case string:
			if strings.Contains(v, "\n") {
				return true
			}
		case map[string]any:
			return true
		}
	}
	return false
}
