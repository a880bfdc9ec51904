package awsapi

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

const (
	laptop = "arn:aws:iam::123456789012:mfa/alice-laptop"
	spare  = "arn:aws:iam::123456789012:mfa/spare"
)

// accountStage is the sandbox over TLS, which verifies signatures, regions, codes and
// policies by code of its own, and alice at a client of it.
type accountStage struct {
	*sandbox.Server
	t      *testing.T
	clock  *steppedClock // of both sides
	bundle string
	alice  *Account
	log    safeBuffer

	mu      sync.Mutex
	skew    time.Duration // as the last answer told it
	secrets []string      // that no text may hold
}

// newAccountStage has an account where alice has no device, and the device spare is nobody's.
func newAccountStage(t *testing.T, adjust ...func(*sandbox.Options)) *accountStage {
	t.Helper()
	world := sandbox.DefaultWorld()
	world.Devices = []sandbox.Device{{Serial: spare}}
	s := &accountStage{t: t, clock: &steppedClock{at: time.Now()}, bundle: filepath.Join(t.TempDir(), "ca.pem")}
	o := sandbox.Options{Now: s.clock.now, Rand: rand.Reader, TLS: true, World: world}
	for _, f := range adjust {
		f(&o)
	}
	server, err := sandbox.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	s.Server = server
	if err := os.WriteFile(s.bundle, server.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	key := s.key()
	s.alice = s.client(key, creds.Secret{})
	t.Cleanup(func() { s.noSecret(s.log.String()) })
	return s
}

func (s *accountStage) key() creds.AccessKey {
	world := s.World()
	key := world.User("alice").Keys[0]
	return creds.AccessKey{ID: key.ID, Secret: creds.NewSecret(key.Secret)}
}

func (s *accountStage) client(key creds.AccessKey, token creds.Secret) *Account {
	s.t.Helper()
	s.hide(key.Secret, token)
	o := Options{
		Region: "eu-central-1", Endpoint: s.URL(), IAMEndpoint: s.URL(), CABundle: s.bundle,
		Getenv: func(string) string { return "" }, Now: s.clock.now, Skew: s.measured, Observe: s.observe,
		Logger: slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	c := New(o)
	c.connectLimit, c.tryLimit = time.Minute, time.Minute // for a busy machine
	return c.Account(key, token)
}

func (s *accountStage) measured() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.skew
}

func (s *accountStage) observe(server, local time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = server.Sub(local)
}

func (s *accountStage) hide(secrets ...creds.Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		if !secret.IsZero() {
			s.secrets = append(s.secrets, secret.Reveal())
		}
	}
}

// noSecret searches text for every secret of the test, in the encodings that a
// dump would show.
func (s *accountStage) noSecret(text string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.secrets {
		raw := []byte(secret)
		for _, form := range []string{secret, hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw), base32.StdEncoding.EncodeToString(raw)} {
			if strings.Contains(text, form) {
				s.t.Errorf("a secret of %d characters leaks in %q", len(secret), text)
			}
		}
	}
}

// pair returns two codes of the device, of the step that is first steps after the
// server's current one and of the next.
func (s *accountStage) pair(serial string, first int) Pair {
	s.t.Helper()
	p := Pair{User: "alice", Serial: serial, First: s.code(serial, first), Second: s.code(serial, first+1)}
	s.hide(p.First, p.Second)
	return p
}

func (s *accountStage) code(serial string, steps int) creds.Secret {
	s.t.Helper()
	world := s.World()
	code, err := sandbox.Code(world.Device(serial).Seed, s.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		s.t.Fatal(err)
	}
	return creds.NewSecret(code)
}

func (s *accountStage) update(change func(*sandbox.World)) {
	s.t.Helper()
	if err := s.Update(change); err != nil {
		s.t.Fatal(err)
	}
}

func (s *accountStage) inject(f sandbox.Fault) {
	s.t.Helper()
	if err := s.Inject(f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *accountStage) check(t *testing.T, err error, w want) {
	t.Helper()
	w.checkError(t, err)
	s.noSecret(fault.Line(err))
}
