//go:build unix

package test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// engine is a real server that sessions are shared through.
type engine struct {
	t    *testing.T
	dir  string
	port int
	args []string
	cmd  *exec.Cmd
}

// startEngine starts a server on a spare port, with more arguments.
func startEngine(t *testing.T, args ...string) *engine {
	t.Helper()
	need(t, "redis-server", "apt-get install redis-server")
	e := &engine{t: t, dir: t.TempDir(), port: sparePort(t), args: args}
	e.start()
	t.Cleanup(e.kill)
	return e
}

func sparePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (e *engine) start() {
	e.t.Helper()
	args := append([]string{"--port", strconv.Itoa(e.port), "--bind", "127.0.0.1", "--save", "", "--dir", e.dir, "--tcp-backlog", "128"}, e.args...)
	e.cmd = exec.Command("redis-server", args...)
	var log bytes.Buffer
	e.cmd.Stdout = &log
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	eventually(e.t, "the server", func() bool {
		conn, err := net.Dial("tcp", e.addr())
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func (e *engine) kill() {
	_ = e.cmd.Process.Kill()
	_ = e.cmd.Wait()
}

func (e *engine) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(e.port)) }

func (e *engine) url() string { return "redis://" + e.addr() }

// cli runs redis-cli against the server.
func (e *engine) cli(args ...string) string {
	e.t.Helper()
	out, err := exec.Command("redis-cli", append([]string{"-p", strconv.Itoa(e.port)}, args...)...).CombinedOutput()
	if err != nil {
		e.t.Fatalf("redis-cli %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// host returns the environment of one more host: a home of its own, and the shared cache at url.
func host(t *testing.T, b *testbed.Bed, n int, url string, env ...string) []string {
	t.Helper()
	own := filepath.Join(b.Dir, fmt.Sprintf("host%d", n))
	removeSpare(t, filepath.Join(own, "cache"), os.Geteuid())
	return append([]string{"AWS_MFA_CREDS_HOME=" + own, "AWS_MFA_CREDS_SHARED_CACHE=" + url}, env...)
}

// hosts has n hosts get a session at once, and returns how they ended.
func hosts(t *testing.T, b *testbed.Bed, n int, url string, args ...string) []outcome {
	t.Helper()
	results := make(chan outcome, n)
	for i := range n {
		env := host(t, b, i, url)
		go func() {
			results <- run(t, b, env, b.Binary, append([]string{"get", "--profile", "work"}, args...)...)
		}()
	}
	all := make([]outcome, 0, n)
	for range n {
		all = append(all, <-results)
	}
	return all
}

const crowd = 50

// TestFleet has the hosts of a fleet ask at once: one call, one code.
func TestFleet(t *testing.T) {
	t.Parallel()
	e := startEngine(t)
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: latency}})
	roomInStep()
	wantSameSession(t, hosts(t, b, crowd, e.url()))
	wantMints(t, b, 1)
}
