package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// reading is what a parser has found in a config.
type reading struct {
	err      string
	profiles map[string]map[string]any // {"error": text} for one that it refuses
	rest     map[string]map[string]any // of botocore: all other sections
}

// configParser reads AWS configs.
type configParser struct {
	name string
	argv []string
	take func(answer json.RawMessage) (reading, error)
	keys map[string]string // how it calls them, if not as the file does
}

// botocores are Debian's, and the one of the python3 on PATH if it is another.
func botocores(t *testing.T) []configParser {
	t.Helper()
	seen := make(map[string]bool)
	var all []configParser
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		out, err := exec.CommandContext(t.Context(), python, "-c", "import botocore; print(botocore.__version__)").Output()
		version := strings.TrimSpace(string(out))
		if err != nil || seen[version] {
			continue
		}
		seen[version] = true
		all = append(all, configParser{name: "botocore " + version, argv: []string{python, filepath.Join("testdata", "sharedconfig.py")}, take: takeBotocore})
	}
	if len(all) == 0 {
		missing(t, "botocore", "apt-get install python3-botocore")
	}
	return all
}

func takeBotocore(answer json.RawMessage) (r reading, err error) {
	var failed struct{ Error string }
	if json.Unmarshal(answer, &failed) == nil && failed.Error != "" {
		return reading{err: failed.Error}, nil
	}
	var known struct{ Profiles map[string]map[string]any }
	if err := json.Unmarshal(answer, &known); err != nil {
		return r, err
	}
	r.profiles = known.Profiles
	err = json.Unmarshal(answer, &r.rest)
	delete(r.rest, "profiles")
	return r, err
}

// goSDK builds the parser of the Go SDK, which is in a module of its own.
func goSDK(t *testing.T) configParser {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sharedconfig")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./sharedconfig")
	cmd.Dir = filepath.Join("conformance", "go")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		missing(t, "the Go SDK", "go mod download in test/conformance/go\n"+string(out))
	}
	keys := map[string]string{"credential_process": "CredentialProcess", "region": "Region", "role_arn": "RoleARN", "source_profile": "SourceProfileName"}
	return configParser{"Go SDK", []string{path}, takeGoSDK, keys}
}

func takeGoSDK(answer json.RawMessage) (r reading, err error) {
	var all map[string]struct {
		Error  string
		Config map[string]any
	}
	err = json.Unmarshal(answer, &all)
	r.profiles = make(map[string]map[string]any)
	for name, one := range all {
		maps.DeleteFunc(one.Config, func(_ string, value any) bool { return value == nil || reflect.ValueOf(value).IsZero() })
		r.profiles[name] = one.Config
		if one.Error != "" {
			r.profiles[name] = map[string]any{"error": one.Error}
		}
	}
	return r, err
}

// read has one process read all texts.
func (p configParser) read(t *testing.T, texts []string) []reading {
	t.Helper()
	encoded := make([][]byte, 0, len(texts))
	for _, text := range texts {
		encoded = append(encoded, []byte(text))
	}
	in, err := json.Marshal(encoded)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), p.argv[0], p.argv[1:]...)
	cmd.Env = append(os.Environ(), "PYTHONUTF8=1")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", p.name, err, stderr.String())
	}
	var answers []json.RawMessage
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(texts) {
		t.Fatalf("%s: %d answers: %v", p.name, len(answers), err)
	}
	readings := make([]reading, 0, len(texts))
	for _, answer := range answers {
		r, err := p.take(answer)
		if err != nil {
			t.Fatalf("%s: %v: %.200s", p.name, err, answer)
		}
		readings = append(readings, r)
	}
	return readings
}

// compareReadings has a parser read all configs before register, then, and after unregister.
func compareReadings(t *testing.T, p configParser, all []registered) {
	t.Helper()
	var texts []string
	for _, r := range all {
		texts = append(texts, r.text, r.after(), r.end)
	}
	readings := p.read(t, texts)
	ours, others, unseen := 0, 0, 0
	for i, r := range all {
		before, after, end := readings[3*i], readings[3*i+1], readings[3*i+2]
		if said := differences(before, end); said != "" {
			t.Errorf("%s: %s reads something else in the end:\n%.1000s", r.name, p.name, said)
		}
		for _, s := range r.steps {
			if p.wantRegistered(t, r, s, before, after) {
				ours++
			} else {
				unseen++
			}
		}
		others += p.wantOthers(t, r, before, after)
	}
	t.Logf("%s: %d profiles registered, and %d that it cannot read; %d others", p.name, ours, unseen, others)
	if ours < 200 || others < 400 {
		t.Errorf("%s compared only %d profiles that were registered and %d others", p.name, ours, others)
	}
}

// wantRegistered looks for what s has registered. It reports false where the parser had not
// been able to read the profile before.
func (p configParser) wantRegistered(t *testing.T, r registered, s registeredStep, before, after reading) bool {
	t.Helper()
	was, had := before.profile(s.profile)
	if before.err != "" || was["error"] != nil || !had && !s.isNewSection() {
		return false
	}
	is, _ := after.profile(s.profile)
	want := s.set
	if region, _ := was[p.key("region")].(string); region == "" {
		want = append(want, [2]string{"region", registeredRegion})
	}
	for _, l := range want {
		if got := is[p.key(l[0])]; got != l[1] {
			t.Errorf("%s: %s of %s is %v for %s in %.1000q, want %s", r.name, l[0], s.profile, got, p.name, r.after(), l[1])
		}
	}
	return true
}

// wantOthers compares all but what was registered, and returns how many profiles that is.
func (p configParser) wantOthers(t *testing.T, r registered, before, after reading) int {
	t.Helper()
	before.profiles, after.profiles = maps.Clone(before.profiles), maps.Clone(after.profiles)
	for _, s := range r.steps {
		for _, name := range spellings(s.profile) {
			delete(before.profiles, name)
			delete(after.profiles, name)
		}
	}
	if r.gains != "" && before.profiles[r.gains]["error"] != nil && after.profiles[r.gains]["error"] == nil {
		delete(before.profiles, r.gains)
		delete(after.profiles, r.gains)
	}
	if said := differences(before, after); said != "" {
		t.Errorf("%s, %s by %s: %s reads %.1000q\nand then %.1000q\n%.1000s", r.name, r.profile, r.by, p.name, r.text, r.after(), said)
	}
	return len(before.profiles)
}

// profile returns the profile of that name. The Go SDK takes quotation marks as a part of it.
func (r reading) profile(name string) (found map[string]any, ok bool) {
	for _, spelling := range spellings(name) {
		if found, ok = r.profiles[spelling]; ok {
			return found, true
		}
	}
	return nil, false
}

func spellings(name string) []string { return []string{name, "'" + name + "'", `"` + name + `"`} }

func (p configParser) key(key string) string {
	if name := p.keys[key]; name != "" {
		return name
	}
	return key
}

// differences says what a parser has found in one config and not in another.
func differences(a, b reading) string {
	var said []string
	if a.err != b.err {
		said = append(said, fmt.Sprintf("error %q becomes %q", a.err, b.err))
	}
	for _, pair := range [][2]map[string]map[string]any{{a.profiles, b.profiles}, {a.rest, b.rest}} {
		names := make(map[string]bool)
		for _, sections := range pair {
			for name := range sections {
				names[name] = true
			}
		}
		for name := range names {
			if was, is := pair[0][name], pair[1][name]; !reflect.DeepEqual(was, is) {
				said = append(said, fmt.Sprintf("%s: %v becomes %v", name, was, is))
			}
		}
	}
	return strings.Join(said, "\n")
}
