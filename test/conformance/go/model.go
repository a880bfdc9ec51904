package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// model is how an SDK calls a credential process, reduced to what matters to the process.
// Each is written after the source of the SDK at the commit that its row names.
type model struct {
	run    func(command string) (output string, err error)
	parse  parser
	window time.Duration // it runs the process again when less than this is left
	strict bool          // a profile with any key but credential_process, region, output is invalid
}

// models returns the models by name.
func models() map[string]model {
	return map[string]model{
		"dotnet": {run: runDotNet, parse: parser{numberVersion: true}, window: 15 * time.Minute, strict: true},
	}
}

// provider keeps the credentials of a model until they are inside its window.
type provider struct {
	model
	command string
	mu      sync.Mutex
	kept    aws.Credentials
}

// Retrieve returns the credentials that are kept, or runs the process.
func (p *provider) Retrieve(context.Context) (aws.Credentials, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept.HasKeys() && time.Until(p.kept.Expires) > p.window {
		return p.kept, nil
	}
	output, err := p.run(p.command)
	if err != nil {
		return aws.Credentials{}, err
	}
	fresh, err := p.parse.parse(output)
	if err != nil {
		return aws.Credentials{}, err
	}
	if time.Until(fresh.Expires) < 0 {
		return aws.Credentials{}, errors.New("the credentials have expired")
	}
	p.kept = fresh
	return fresh, nil
}

func openModel(name, profile, endpoint string) (asker, error) {
	m, ok := models()[name]
	if !ok {
		return nil, fmt.Errorf("there is no client %q", name)
	}
	section, err := readSection(profile)
	if err != nil {
		return nil, err
	}
	if section["credential_process"] == "" {
		return nil, fmt.Errorf("no credential_process in profile %s", profile)
	}
	if m.strict {
		for key := range section {
			if key != "credential_process" && key != "region" && key != "output" {
				return nil, fmt.Errorf("profile %s is invalid: %s", profile, key)
			}
		}
	}
	client := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: &provider{model: m, command: section["credential_process"]}, RetryMaxAttempts: 1})
	return func(ctx context.Context) error {
		_, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return err
	}, nil
}

// readSection returns the keys of a profile in the AWS config.
func readSection(profile string) (map[string]string, error) {
	file, err := os.Open(os.Getenv("AWS_CONFIG_FILE"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	section, inside := map[string]string{}, false
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			inside = line == "[profile "+profile+"]"
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok && inside {
			section[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return section, lines.Err()
}
