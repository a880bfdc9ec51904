package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// laptop makes the machine that of a new employee: nothing in the environment, and no MFA device yet.
func laptop(o testbed.Options) testbed.Options {
	world := sandbox.DefaultWorld()
	world.Devices = nil
	o.Bare, o.Sandbox.World = true, world
	return o
}

// keyFile is where the access key of the user is, as the console hands it out.
func keyFile(bed *testbed.Bed) string { return filepath.Join(bed.Home(), "accessKeys.csv") }

func writeKey(bed *testbed.Bed) error {
	world := bed.Server.World()
	key := world.User(testbed.UserName).Keys[0]
	return os.WriteFile(keyFile(bed), []byte("Access key ID,Secret access key\n"+key.ID+","+key.Secret+"\n"), 0o600)
}

// laptop shows how a person begins: from an access key to a working profile.
func (s *story) laptop(ctx context.Context) error {
	s.say("A laptop, with an access key of the user and nothing else:")
	bed, err := options{binary: s.bed.Binary, laptop: true}.bed() //nolint:contextcheck // as in play
	if err != nil {
		return err
	}
	defer func() { _ = bed.Close() }()
	s.command("aws-mfa-creds setup --profile work --access-key-file accessKeys.csv --store age --yes")
	r := s.run(bed.Command(ctx, bed.Binary, "setup", "--profile", "work", "--access-key-file", keyFile(bed), "--store", "age", "--yes"))
	if r.err != nil {
		return fmt.Errorf("setup: %w: %s", r.err, strings.TrimSpace(r.stderr))
	}
	for line := range strings.Lines(r.stdout) {
		if strings.TrimSpace(line) != "" {
			s.say("  %s", strings.TrimRight(line, "\n"))
		}
	}
	s.say("  in %s, without a phone; %s\n", brief(r.took), seen(bed.Server.State()))
	return nil
}
