package main

import (
	"context"
	"fmt"
	"time"
)

// latency tells how much longer a client takes for its first request with the cached session of
// aws-mfa-creds than with plain keys. Each is the best of a few.
func latency(ctx context.Context, c *client, m *machine) (string, error) {
	if _, err := m.direct(ctx, "get", "--profile", plainProfile); err != nil {
		return "", err
	}
	const rounds = 4
	best := map[string]time.Duration{}
	for range rounds {
		for _, profile := range []string{keysProfile, plainProfile} {
			took, err := firstRequest(ctx, c, m, profile)
			if err != nil {
				return "", fmt.Errorf("profile %s: %w", profile, err)
			}
			if best[profile] == 0 || took < best[profile] {
				best[profile] = took
			}
		}
	}
	return fmt.Sprintf("%+d ms", (best[plainProfile] - best[keysProfile]).Milliseconds()), m.checkMints(1)
}

func firstRequest(ctx context.Context, c *client, m *machine, profile string) (time.Duration, error) {
	began := time.Now()
	a, err := c.start(ctx, m, profile)
	if err != nil {
		return 0, err
	}
	defer a.close()
	err = a.ask(ctx)
	return time.Since(began), err
}
