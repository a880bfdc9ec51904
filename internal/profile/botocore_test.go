package profile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// answer is what botocore reads in a config.
type answer struct {
	Error    string
	Profiles map[string]map[string]any
	Services map[string]map[string]any // of newer versions only
}

// pythons returns the interpreters on the PATH that have botocore, one for each version of it.
func pythons(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, "python3")
		out, err := exec.Command(path, "-c", "import botocore; print(botocore.__version__)").Output()
		if version := strings.TrimSpace(string(out)); err == nil && found[version] == "" {
			found[version] = path
		}
	}
	if len(found) > 0 {
		return found
	}
	const hint = "no python3 on the PATH has botocore: apt-get install python3-botocore, or pip install botocore"
	if os.Getenv("CI") == "true" {
		t.Fatal(hint)
	}
	t.Skip(hint)
	return nil
}

// ask lets botocore read the texts.
func ask(t *testing.T, python string, texts []string) []answer {
	t.Helper()
	var encoded []string
	for _, text := range texts {
		encoded = append(encoded, base64.StdEncoding.EncodeToString([]byte(text)))
	}
	in, err := json.Marshal(encoded)
	if err != nil {
		t.Fatal(err)
	}
	var out, stderr bytes.Buffer
	cmd := exec.Command(python, filepath.Join("testdata", "readconfigs.py"))
	cmd.Env = append(os.Environ(), "PYTHONUTF8=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var answers []answer
	if err := json.Unmarshal(out.Bytes(), &answers); err != nil || len(answers) != len(texts) {
		t.Fatalf("%d answers: %v", len(answers), err)
	}
	return answers
}

// parsed returns text as a file, or nil if it cannot be one.
func parsed(text string) (*file, error) {
	f := &file{path: "config", data: bytes.TrimPrefix([]byte(text), []byte("\xef\xbb\xbf"))}
	return f, f.scan()
}

func TestBotocoreCorpus(t *testing.T) {
	t.Parallel()
	var texts []string
	for _, c := range corpus() {
		texts = append(texts, c.text)
	}
	for version, python := range pythons(t) {
		read := 0
		for i, a := range ask(t, python, texts) {
			if a.Error == "" {
				read++
				compare(t, version, corpus()[i], a)
			}
		}
		if read < 60 {
			t.Errorf("botocore %s reads only %d of %d configs", version, read, len(texts))
		}
	}
}

func compare(t *testing.T, version string, c odd, a answer) {
	t.Helper()
	f, err := parsed(c.text)
	if err != nil {
		t.Errorf("%s: botocore %s reads it, we do not: %v", c.name, version, err)
		return
	}
	if got, want := ourNames(f), theirNames(a, c.more); !slices.Equal(got, want) {
		t.Errorf("%s: botocore %s has the profiles %.200q, we %.200q", c.name, version, want, got)
	}
	for name, theirs := range a.Profiles {
		s, err := f.section(name)
		if refused := slices.Contains(c.refused, name); refused != (err != nil) {
			t.Errorf("%s: profile %.20q: refused %v, want %v: %v", c.name, name, err != nil, refused, err)
		}
		if err == nil {
			compareKeys(t, c.name+", botocore "+version, s, theirs)
		}
	}
	for name, theirs := range a.Services {
		compareServices(t, c.name, f, name, theirs)
	}
}

func ourNames(f *file) []string {
	names := f.names()
	slices.Sort(names)
	return slices.Compact(names)
}

func theirNames(a answer, more []string) []string {
	names := slices.Clone(more)
	for name := range a.Profiles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func compareKeys(t *testing.T, where string, s *section, theirs map[string]any) {
	t.Helper()
	for _, key := range sharedKeys() {
		want, _ := theirs[key].(string)
		if got := s.get(key).text; got != want {
			t.Errorf("%s: %s = %.100q, we read %.100q", where, key, want, got)
		}
	}
}

func compareServices(t *testing.T, where string, f *file, name string, theirs map[string]any) {
	t.Helper()
	s, err := f.serviceEndpoint(name, keySTS)
	if err != nil {
		t.Errorf("%s: services %s: %v", where, name, err)
		return
	}
	block, _ := theirs[keySTS].(map[string]any)
	want, _ := block[keyEndpoint].(string)
	if got := s.get(keyEndpoint).text; got != want {
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
		texts = append(texts, randomConfig(random))
	}
	for version, python := range pythons(t) {
		compared := 0
		for i, a := range ask(t, python, texts) {
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

func randomConfig(random *rand.Rand) string {
	headers := []string{"[profile a]", "[profile 'a']", "[profile b]", "[default]", "[profile default]", "[DEFAULT]", "[c]", "[profile d] # x", "[profile \"e f\"]", "[profile x"}
	lines := []string{
		"region = 1", "role_arn: 2", "Source_Profile=3 # x", "mfa_serial =", "s3 =", "output = x", "external_id = a ; b",
		"# region = 4", "; x", "", "region : 5 = 6", "x = y = z",
	}
	indents := []string{"", "", "", "", "", " ", "  ", "\t", "\u00a0"}
	ends := []string{"\n", "\n", "\n", "\n", "\n", "\r\n", "\n\n", "\n \n"}
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	var b strings.Builder
	for range 1 + random.IntN(4) {
		b.WriteString(pick(indents) + pick(headers) + pick(ends))
		for _, i := range random.Perm(len(lines))[:random.IntN(5)] {
			b.WriteString(pick(indents) + lines[i] + pick(ends))
		}
	}
	return b.String()
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
	for version, python := range pythons(t) {
		for i, a := range ask(t, python, texts) {
			var got []string
			if c := parseTitle(headers[i]); c.class == profileSection && !c.loose {
				got = []string{c.name}
			}
			if want := theirNames(a, nil); !slices.Equal(got, want) {
				t.Errorf("[%s]: botocore %s has %q, we %q", headers[i], version, want, got)
			}
		}
	}
}

func compareRandom(t *testing.T, version, text string, a answer) (compared int) {
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
	for _, key := range sharedKeys() {
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
