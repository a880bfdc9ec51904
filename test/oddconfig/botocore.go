// Package oddconfig has the configs that the tests of internal/profile and its edits read, and
// botocore as the judge of what they mean.
package oddconfig

import (
	"bytes"
	_ "embed" // of the script
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed readconfigs.py
var readConfigs string

// Answer is what botocore reads in a config.
type Answer struct {
	Error    string
	Profiles map[string]map[string]any
	Services map[string]map[string]any // of newer versions only
}

// Pythons returns the interpreters on the PATH that have botocore, one for each version of it.
func Pythons(t *testing.T) map[string]string {
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

// Ask lets botocore read the texts.
func Ask(t *testing.T, python string, texts []string) []Answer {
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
	cmd := exec.Command(python, "-c", readConfigs)
	cmd.Env = append(os.Environ(), "PYTHONUTF8=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var answers []Answer
	if err := json.Unmarshal(out.Bytes(), &answers); err != nil || len(answers) != len(texts) {
		t.Fatalf("%d answers: %v", len(answers), err)
	}
	return answers
}
