// Command sharedconfig reads AWS configs with the Go SDK: a JSON list of base64 texts in, a JSON list
// out, with the profiles of each text by name.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
)

// loaded is what the SDK says of a profile: all settings it knows, or why it has none.
type loaded struct {
	Error  string               `json:"error,omitempty"`
	Config *config.SharedConfig `json:"config,omitempty"`
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var texts [][]byte
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sharedconfig-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	answers := make([]map[string]loaded, 0, len(texts))
	for _, text := range texts {
		path := filepath.Join(dir, "config")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
		answers = append(answers, load(ctx, path, string(text)))
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

// load loads the profiles of the config at path, whose content is text.
func load(ctx context.Context, path, text string) map[string]loaded {
	profiles := make(map[string]loaded)
	for _, name := range names(text) {
		shared, err := config.LoadSharedConfigProfile(ctx, name, func(o *config.LoadSharedConfigOptions) {
			o.ConfigFiles, o.CredentialsFiles = []string{path}, []string{}
		})
		var none config.SharedConfigProfileNotExistError
		switch {
		case errors.As(err, &none) && none.Profile == name:
		case err != nil:
			profiles[name] = loaded{Error: err.Error()}
		default:
			// The source is a profile by itself. What counts is whether there is one.
			if shared.Source != nil {
				shared.Source = &config.SharedConfig{Profile: shared.Source.Profile}
			}
			profiles[name] = loaded{Config: &shared}
		}
	}
	return profiles
}

// names returns what may be the names of profiles, since the SDK does not list them: all that a
// line has between brackets, with and without the first word.
func names(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		_, inner, _ := strings.Cut(line, "[")
		for i, c := range inner {
			if c != ']' {
				continue
			}
			name := strings.TrimSpace(inner[:i])
			first, _, _ := strings.Cut(strings.ReplaceAll(name, "\t", " "), " ")
			all = append(all, name, strings.TrimSpace(name[len(first):]))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
