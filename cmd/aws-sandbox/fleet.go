package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

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
