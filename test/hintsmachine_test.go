//go:build linux

package test

import (
	"os"
	"path/filepath"
	"strings"
)

// The commands that most situations are met with.
const (
	getWork  = "aws-mfa-creds get --profile work"
	roleARN  = "arn:aws:iam::123456789012:role/deploy"
	ownFile  = "…/own/profiles.ini"
	awsFile  = "…/home/.aws/config"
	fileLine = ":…: "
)

// all does one thing after the other.
func all(steps ...func(*ill)) func(*ill) {
	return func(m *ill) {
		for _, step := range steps {
			step(m)
		}
	}
}

func (m *ill) ini() string         { return filepath.Join(m.Own(), "profiles.ini") }
func (m *ill) credentials() string { return filepath.Join(m.Home(), ".aws", "credentials") }

func (m *ill) append(path, text string) {
	m.t.Helper()
	old, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		m.t.Fatal(err)
	}
	m.write(path, string(old)+text)
}

// setting adds text to profiles.ini, whose last section is that of the profile work.
func setting(text string) func(*ill) { return func(m *ill) { m.append(m.ini(), text+"\n") } }

// config adds text to the AWS config, whose last section is that of the profile work.
func config(text string) func(*ill) {
	return func(m *ill) { m.append(m.ConfigFile(), strings.ReplaceAll(text, "\n ", "\n")+"\n") }
}

// onlyConfig replaces the AWS config.
func onlyConfig(text string) func(*ill) { return func(m *ill) { m.write(m.ConfigFile(), text) } }

// edit replaces text in the file that has it: what a person does with an editor.
func edit(old, text string) func(*ill) {
	return func(m *ill) {
		m.t.Helper()
		old, text := m.fill(old), m.fill(text)
		done := false
		for _, path := range []string{m.ini(), m.ConfigFile(), m.credentials()} {
			if content, err := os.ReadFile(path); err == nil && strings.Contains(string(content), old) {
				m.write(path, strings.Replace(string(content), old, text, 1))
				done = true
			}
		}
		if !done {
			m.t.Fatalf("no file has %q", old)
		}
	}
}

// env sets variables, NAME=VALUE, or unsets them, NAME=.
func env(all ...string) func(*ill) {
	return func(m *ill) {
		for _, v := range all {
			m.env = append(m.env, m.fill(v))
		}
	}
}

// sh runs shell commands, as the user.
func sh(lines ...string) func(*ill) {
	return func(m *ill) {
		m.t.Helper()
		for _, line := range lines {
			m.must(m.fill(line))
		}
	}
}

// asRoot runs shell commands as root, where root runs the tests.
func asRoot(lines ...string) func(*ill) {
	return func(m *ill) {
		m.t.Helper()
		if os.Getuid() != 0 {
			m.t.Skip("SKIPPED: needs root")
		}
		for _, line := range lines {
			if got := m.as(0, m.fill(line)); got.code != 0 {
				m.t.Fatalf("%s: exit %d: %s", line, got.code, got.stderr)
			}
		}
	}
}
