package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// The variables of the container credential endpoint.
const (
	varFullURI   = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
	varTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
	varToken     = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
)

// inVariables lets a client get its session from variables that aws-mfa-creds env has printed.
func inVariables(ctx context.Context, c *client, m *machine) (string, error) {
	vars, err := m.direct(ctx, "env", plainProfile, "--format", "dotenv")
	if err != nil {
		return "", err
	}
	m.env = strings.Split(strings.TrimSpace(vars), "\n")
	return "yes", withoutHelper(ctx, c, m, noProfile)
}

// withoutHelper lets a client work with a profile that has no credential process.
func withoutHelper(ctx context.Context, c *client, m *machine, profile string) error {
	keys, err := askAll(ctx, c, m, profile)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if got := m.wire.of(key); got.action != "GetSessionToken" {
			return fmt.Errorf("signed with a session of %q", got.action)
		}
	}
	if len(m.runs()) > 0 {
		return errors.New("the helper has run")
	}
	return m.checkMints(1)
}

// atEndpoint lets a client get its session from the endpoint, with a profile that has nothing of its own.
func atEndpoint(ctx context.Context, c *client, m *machine) (string, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := m.Command(ctx, m.Binary, "serve", "--profile", plainProfile)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_STS="+m.wire.url())
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	defer func() { stop(); _ = cmd.Wait() }()
	vars := map[string]string{}
	for lines := bufio.NewScanner(out); vars[varTokenFile] == "" && lines.Scan(); {
		name, value, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		vars[name] = value
	}
	token, err := os.ReadFile(vars[varTokenFile])
	if err != nil {
		return "", err
	}
	m.env = []string{varFullURI + "=" + vars[varFullURI]}
	how := "token file"
	if c.noTokenFile {
		m.env, how = append(m.env, varToken+"="+string(token)), "token"
	} else {
		m.env = append(m.env, varTokenFile+"="+vars[varTokenFile])
	}
	return how, withoutHelper(ctx, c, m, bareProfile)
}
