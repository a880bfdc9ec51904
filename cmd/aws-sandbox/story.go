package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// crowd is how many processes ask at once.
const crowd = 50

// story plays the main job with the real program. It prints only what it saw.
type story struct {
	bed   *testbed.Bed
	out   io.Writer
	built time.Duration
}

// result is how one process ended.
type result struct {
	stdout, stderr string
	err            error
	took           time.Duration
}

// tell plays all scenes. The error says what went wrong.
func tell(ctx context.Context, s *story) error {
	s.say("STS and IAM at %s: signatures verified, each token code taken once.", s.bed.Server.URL())
	if s.built > 0 {
		s.say("aws-mfa-creds built in %s.", brief(s.built))
	}
	s.say("")
	for _, scene := range []func(context.Context) error{s.laptop, s.crowd, s.warm, s.cli, s.offline} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	s.say("Try it yourself: go run ./cmd/aws-sandbox -laptop -- bash   (and there: aws-mfa-creds setup)")
	return nil
}

func (s *story) crowd(ctx context.Context) error {
	s.say("A CI job, with access key and seed in its environment: %d processes at once, nothing cached:", crowd)
	s.say("  $ aws-mfa-creds get --profile work")
	began := time.Now() //nolint:forbidigo // what is shown is how long it takes
	results := make(chan result, crowd)
	for range crowd {
		go func() { results <- timed(s.bed.Command(ctx, s.bed.Binary, "get", "--profile", "work")) }()
	}
	return s.gather(crowd, results, began)
}

// warm shows what the cached session is good for.
func (s *story) warm(ctx context.Context) error {
	if err := s.get(ctx, "From the cache:", "--profile", "work"); err != nil {
		return err
	}
	world := s.bed.Server.World()
	return s.get(ctx, "A role that demands MFA, with the same session and no further code:",
		"--profile", "deploy", "--role-arn", world.RoleARN("deploy"))
}

// cli lets the real AWS CLI use the program, where there is one.
func (s *story) cli(ctx context.Context) error {
	if _, err := exec.LookPath("aws"); err != nil {
		s.say("The AWS CLI: skipped, there is no aws on PATH.\n")
		return nil //nolint:nilerr // that it is missing has been said
	}
	s.say("The AWS CLI, with credential_process in its config:")
	args := []string{"sts", "get-caller-identity", "--profile", "deploy", "--query", "Arn", "--endpoint-url", s.bed.Server.URL()}
	s.say("  $ aws %s", strings.Join(args, " "))
	r := timed(s.bed.Command(ctx, "aws", args...))
	if r.err != nil {
		return fmt.Errorf("aws: %w: %s", r.err, strings.TrimSpace(r.stderr))
	}
	s.say("  %s\n", strings.TrimSpace(r.stdout))
	return nil
}

// offline shows that a cached session needs no network, and a new one a code of its own.
func (s *story) offline(ctx context.Context) error {
	if err := s.bed.Server.Inject(sandbox.Fault{Kind: sandbox.Hang, Times: -1}); err != nil {
		return err
	}
	err := s.get(ctx, "AWS no longer answers, but the session is cached:", "--profile", "work")
	s.bed.Server.ClearFaults()
	if err != nil {
		return err
	}
	return s.get(ctx, "Another session in the same half minute needs a code of its own, and waits for it (up to 30 seconds):",
		"--profile", "work", "--duration", "1h")
}

func timed(cmd *exec.Cmd) result {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now() //nolint:forbidigo // what is shown is how long it takes
	err := cmd.Run()
	return result{stdout.String(), stderr.String(), err, time.Since(began)}
}

// get prints a title and the credentials that the program returns, without their secrets.
func (s *story) get(ctx context.Context, title string, args ...string) error {
	args = append([]string{"get"}, args...)
	s.say("%s\n  $ aws-mfa-creds %s", title, strings.Join(args, " "))
	r := timed(s.bed.Command(ctx, s.bed.Binary, args...))
	if r.err != nil {
		return fmt.Errorf("%w: %s", r.err, strings.TrimSpace(r.stderr))
	}
	var c struct {
		AccessKeyID string `json:"AccessKeyId"`
		Expiration  string
	}
	if err := json.Unmarshal([]byte(r.stdout), &c); err != nil {
		return errors.New("get printed something else than JSON")
	}
	s.say(`  {"Version":1,"AccessKeyId":"%s","SecretAccessKey":"(hidden)","SessionToken":"(hidden)","Expiration":"%s"}`, c.AccessKeyID, c.Expiration)
	s.say("  in %s; %s\n", brief(r.took), seen(s.bed.Server.State()))
	return nil
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// brief rounds d to three digits or so.
func brief(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// laptop shows how a person begins: from an access key to a working profile.
func (s *story) laptop(ctx context.Context) error {
	s.say("A laptop, with an access key of the user and nothing else:")
	bed, err := options{binary: s.bed.Binary, laptop: true}.bed() //nolint:contextcheck // as in play
	if err != nil {
		return err
	}
	defer func() { _ = bed.Close() }()
	s.say("  $ aws-mfa-creds setup --profile work --access-key-file accessKeys.csv --store age --yes")
	r := timed(bed.Command(ctx, bed.Binary, "setup", "--profile", "work", "--access-key-file", keyFile(bed), "--store", "age", "--yes"))
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

// fleet has n hosts, each with a HOME of its own, get a session at once through a real server.
func (s *story) fleet(ctx context.Context, n int) error {
	address, stop, err := startEngine(ctx, s.bed.Dir)
	if err != nil {
		return err
	}
	defer stop()
	url := "redis://" + address
	s.say("%d hosts with a HOME of their own, one access key, one MFA device, nothing cached:", n)
	s.say("  $ AWS_MFA_CREDS_SHARED_CACHE=%s aws-mfa-creds get --profile work", url)
	began := time.Now() //nolint:forbidigo // what is shown is how long it takes
	results := make(chan result, n)
	for i := range n {
		cmd := s.bed.Command(ctx, s.bed.Binary, "get", "--profile", "work")
		cmd.Env = append(cmd.Env, "AWS_MFA_CREDS_SHARED_CACHE="+url, "AWS_MFA_CREDS_HOME="+filepath.Join(s.bed.Dir, "host"+strconv.Itoa(i)))
		go func() { results <- timed(cmd) }()
	}
	return s.gather(n, results, began)
}

// startEngine starts a server for a shared cache on loopback. Its data are in dir, if it wants to store some.
func startEngine(ctx context.Context, dir string) (address string, stop func(), err error) {
	var program string
	for _, name := range []string{"valkey-server", "redis-server"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		return "", nil, errors.New("-fleet needs a Valkey or Redis server on PATH: apt-get install redis-server, or brew install valkey")
	}
	var listening net.ListenConfig
	l, err := listening.Listen(ctx, "tcp", "127.0.0.1:0") // a spare port
	if err != nil {
		return "", nil, err
	}
	address = l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.CommandContext(ctx, program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", dir) //nolint:gosec // the program that was found
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	for range 100 {
		if conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address); err == nil {
			return address, stop, conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return "", nil, fmt.Errorf("%s does not answer", program)
}

// gather waits for n results and says how they ended.
func (s *story) gather(n int, results <-chan result, began time.Time) error {
	var failed []error
	for range n {
		if r := <-results; r.err != nil {
			failed = append(failed, fmt.Errorf("%w: %s", r.err, strings.TrimSpace(r.stderr)))
		}
	}
	s.say("  %d of %d succeeded in %s; %s\n", n-len(failed), n, brief(time.Since(began)), seen(s.bed.Server.State()))
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d failed, the first: %w", len(failed), n, failed[0])
}
