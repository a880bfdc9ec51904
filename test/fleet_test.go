//go:build unix

package test

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// engine is a real server that sessions are shared through.
type engine struct {
	t    *testing.T
	dir  string
	port int
	args []string
	cmd  *exec.Cmd
}

// engineProgram is Redis, or what the environment names: valkey-server.
var engineProgram = cmp.Or(os.Getenv("AWS_MFA_CREDS_TEST_ENGINE"), "redis-server")

// newEngine returns a server that is not started.
func newEngine(t *testing.T, args ...string) *engine {
	t.Helper()
	need(t, engineProgram, "apt-get install redis-server")
	e := &engine{t: t, dir: t.TempDir(), port: sparePort(t), args: args}
	t.Cleanup(e.kill)
	return e
}

// startEngine starts a server on a spare port, with more arguments.
func startEngine(t *testing.T, args ...string) *engine {
	t.Helper()
	e := newEngine(t, args...)
	e.start()
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
	e.run(append([]string{"--port", strconv.Itoa(e.port), "--bind", "127.0.0.1", "--save", "", "--dir", e.dir, "--tcp-backlog", "128"}, e.args...)...)
}

// run runs a server, and waits until it takes connections.
func (e *engine) run(args ...string) {
	e.t.Helper()
	e.cmd = exec.Command(engineProgram, args...)
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
	if e.cmd != nil {
		_ = e.cmd.Process.Kill()
		_ = e.cmd.Wait()
	}
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
	return startHosts(t, b, n, url, args...)()
}

// startHosts has n hosts get a session at once, and returns a function that waits for them.
func startHosts(t *testing.T, b *testbed.Bed, n int, url string, args ...string) (wait func() []outcome) {
	t.Helper()
	results := make(chan outcome, n)
	for i := range n {
		env := host(t, b, i, url)
		go func() {
			results <- run(t, b, env, b.Binary, append([]string{"get", "--profile", "work"}, args...)...)
		}()
	}
	return func() (all []outcome) {
		for range n {
			all = append(all, <-results)
		}
		return all
	}
}

// mustHost gets a session on host n.
func mustHost(t *testing.T, b *testbed.Bed, n int, url string, args ...string) processJSON {
	t.Helper()
	return credentials(t, run(t, b, host(t, b, n, url), b.Binary, append([]string{"get", "--profile", "work"}, args...)...))
}

// TestFleet has the hosts of a fleet ask at once, in every way that an engine can be reached: one call, one code.
func TestFleet(t *testing.T) {
	t.Parallel()
	for name, setUp := range map[string]func(t *testing.T) (url string){
		"plain": func(t *testing.T) string { return startEngine(t).url() },
		"password": func(t *testing.T) string {
			return withUser(startEngine(t, "--requirepass", "canary-pass").url(), ":canary-pass")
		},
		"ACL": func(t *testing.T) string {
			e := startEngine(t)
			e.cli("ACL", "SETUSER", "ci", "on", ">canary-pass", "~ci:*", "-@all", "+get", "+mget", "+set", "+del", "+eval", "+pttl")
			e.cli("ACL", "SETUSER", "default", "off")
			return withUser(e.url(), "ci:canary-pass") + "?prefix=ci:"
		},
		"TLS": func(t *testing.T) string {
			c := newCertificates(t, time.Hour)
			e := newEngine(t)
			e.args = []string{"--tls-port", strconv.Itoa(e.port), "--port", "0", "--tls-cert-file", c.cert, "--tls-key-file", c.key, "--tls-ca-cert-file", c.ca}
			e.start()
			return "rediss://" + e.addr() + "?ca=" + c.ca + "&cert=" + c.cert + "&key=" + c.key
		},
		"Sentinel": func(t *testing.T) string { return startSentinel(t, startEngine(t)) },
		"Cluster": func(t *testing.T) string {
			return "redis+cluster://" + startCluster(t, "0-8191", "8192-16383")[0].addr()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := setUp(t) + map[bool]string{true: "&", false: "?"}[strings.Contains(name, "ACL") || name == "TLS"] + "required=true"
			b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: latency}})
			wantSameSession(t, hosts(t, b, crowd, url))
			wantMints(t, b, 1)
		})
	}
}

func withUser(url, user string) string {
	return strings.Replace(url, "redis://", "redis://"+user+"@", 1)
}

// TestFleetShares has the hosts of a fleet ask for more than a session: for a role, and for what AWS refuses.
func TestFleetShares(t *testing.T) {
	t.Parallel()
	e := startEngine(t)
	t.Run("role", func(t *testing.T) {
		t.Parallel()
		b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: latency}})
		wantSameSession(t, hosts(t, b, crowd, e.url(), "--role-arn", "arn:aws:iam::123456789012:role/deploy"))
		wantMints(t, b, 1)
		if got := calls(b, "AssumeRole"); got != 1 {
			t.Errorf("%d AssumeRole calls", got)
		}
	})
	t.Run("refusal", func(t *testing.T) {
		t.Parallel()
		b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: latency}})
		results := make(chan outcome, crowd)
		for i := range crowd {
			env := append(host(t, b, i, e.url()), "AWS_MFA_CREDS_SECRET_ACCESS_KEY="+strings.Repeat("x", 40))
			go func() { results <- run(t, b, env, b.Binary, "get", "--profile", "work") }()
		}
		for range crowd {
			wantFailure(t, b, <-results, 6)
		}
		if got := calls(b, "GetSessionToken"); got != 1 {
			t.Errorf("%d calls", got)
		}
	})
	t.Run("refresh", func(t *testing.T) {
		t.Parallel()
		b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: latency}})
		roomInStep()
		old := mustHost(t, b, 0, e.url())
		if again := mustHost(t, b, 1, e.url()); again.AccessKeyID != old.AccessKeyID {
			t.Error("not the session of the other host")
		}
		renewed := mustHost(t, b, 2, e.url(), "--refresh") // one that had none
		if renewed.AccessKeyID == old.AccessKeyID {
			t.Error("--refresh returned what was there")
		}
		if again := mustHost(t, b, 3, e.url()); again.AccessKeyID != renewed.AccessKeyID {
			t.Error("not the renewed session")
		}
		wantMints(t, b, 2)
	})
}

// TestFleetWithoutEngine has an engine that cannot be used: the session comes all the same, and in silence. If it
// is required, it does not.
func TestFleetWithoutEngine(t *testing.T) {
	t.Parallel()
	c := newCertificates(t, time.Hour)
	for name, setUp := range map[string]func(t *testing.T) (url string){
		"refused":        func(t *testing.T) string { return fmt.Sprintf("redis://127.0.0.1:%d", sparePort(t)) },
		"unknown name":   func(*testing.T) string { return "redis://cache.invalid" },
		"wrong password": func(t *testing.T) string { return withUser(startEngine(t, "--requirepass", "right").url(), ":wrong") },
		"no password":    func(t *testing.T) string { return startEngine(t, "--requirepass", "right").url() },
		"not permitted": func(t *testing.T) string {
			e := startEngine(t)
			e.cli("ACL", "SETUSER", "ci", "on", ">pass", "~other:*", "+@all")
			return withUser(e.url(), "ci:pass")
		},
		"full":      func(t *testing.T) string { return startEngine(t, "--maxmemory", "1").url() },
		"HTTP":      func(t *testing.T) string { return "redis://" + listen(t, "HTTP/1.1 400 Bad Request\r\n\r\n") },
		"hostile":   func(t *testing.T) string { return "redis://" + listen(t, "*99999999999\r\n") },
		"huge":      func(t *testing.T) string { return "redis://" + listen(t, "$99999999999\r\n") },
		"hangs up":  func(t *testing.T) string { return "redis://" + listen(t, "") },
		"TLS there": func(t *testing.T) string { return "rediss://" + listen(t, "") + "?ca=" + c.ca },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{})
			url := setUp(t)
			mark := map[bool]string{true: "&", false: "?"}[strings.Contains(url, "?")]
			wantFailure(t, b, run(t, b, host(t, b, 0, url+mark+"required=true"), b.Binary, "get", "--profile", "work"), 7, "shared cache", "is required")
			if n := calls(b, "GetSessionToken"); n != 0 {
				t.Errorf("%d calls without the engine that is required", n)
			}
			mustHost(t, b, 1, url)
			wantMints(t, b, 1)
		})
	}
}

// TestFleetWithSilentEngine has an engine that takes connections and never answers.
func TestFleetWithSilentEngine(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := bed(t, testbed.Options{})
	got := run(t, b, host(t, b, 0, "redis://"+l.Addr().String()), b.Binary, "get", "--profile", "work")
	credentials(t, got)
	if got.took > 30*time.Second {
		t.Errorf("it took %v", got.took)
	}
	wantMints(t, b, 1)
}

// listen returns the address of a server that answers every connection with text and hangs up.
func listen(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1)) // whoever hangs up on unread data resets the connection
			_, _ = conn.Write([]byte(text))
			conn.Close()
		}
	}()
	return l.Addr().String()
}

// TestFleetWithoutItsHead kills the host that gets the session while its call is under way.
func TestFleetWithoutItsHead(t *testing.T) {
	t.Parallel()
	e := startEngine(t)
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 5 * time.Second}})
	head := b.Command(t.Context(), b.Binary, "get", "--profile", "work")
	head.Env = append(head.Env, host(t, b, crowd, e.url())...)
	if err := head.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the call of the first host", func() bool { return calls(b, "GetSessionToken") == 1 })
	b.Server.SetLatency(latency)
	_ = head.Process.Kill()
	_ = head.Wait()
	wantSameSession(t, hosts(t, b, crowd, e.url()))
	wantMints(t, b, 2)
}

// TestFleetWhileTheEngineFails stops the engine, kills it and empties it, while the hosts of a fleet wait for the one
// that gets the session.
func TestFleetWhileTheEngineFails(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(e *engine){
		"stops": func(e *engine) {
			_ = e.cmd.Process.Signal(syscall.SIGSTOP)
			time.Sleep(3 * time.Second)
			_ = e.cmd.Process.Signal(syscall.SIGCONT)
		},
		"starts again, empty": func(e *engine) {
			e.kill()
			time.Sleep(time.Second)
			e.start()
		},
		"loses everything": func(e *engine) { e.cli("FLUSHALL") },
		"is read-only": func(e *engine) {
			e.cli("REPLICAOF", "127.0.0.1", strconv.Itoa(sparePort(e.t)))
			time.Sleep(3 * time.Second)
			e.cli("REPLICAOF", "NO", "ONE")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const few = 10
			e := startEngine(t)
			b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 8 * time.Second}})
			wait := startHosts(t, b, few, e.url())
			eventually(t, "all hosts", func() bool { return strings.Count(e.cli("CLIENT", "LIST"), " addr=") == few+1 })
			fail(e)
			for _, got := range wait() {
				credentials(t, got)
			}
			if n := calls(b, "GetSessionToken"); n > 2 { // a claim that is lost may cost one that is refused
				t.Errorf("%d calls", n)
			}
		})
	}
}

// TestFleetFailsOver kills the server while hosts wait for the one that gets the session: a replica takes its place.
func TestFleetFailsOver(t *testing.T) {
	t.Parallel()
	for name, setUp := range map[string]func(t *testing.T) (url string, master *engine){
		"Sentinel": func(t *testing.T) (string, *engine) {
			master := startEngine(t)
			replica := startEngine(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(master.port), "--repl-diskless-sync-delay", "0")
			replica.inSync()
			url := startSentinel(t, master, "down-after-milliseconds main 1000")
			eventually(t, "that the Sentinel knows it", func() bool {
				out, _ := exec.Command("redis-cli", "-p", url[strings.LastIndex(url, ":")+1:len(url)-len("/main")], "SENTINEL", "REPLICAS", "main").Output()
				return strings.Contains(string(out), strconv.Itoa(replica.port))
			})
			return url, master
		},
		"Cluster": func(t *testing.T) (string, *engine) {
			all := startCluster(t, "2-16383", "0-0", "1-1") // three, who vote; the first has the keys
			replica := startNode(t)
			replica.meet(all[0])
			eventually(t, "that it knows the master", func() bool { return strings.Contains(replica.cli("CLUSTER", "NODES"), all[0].addr()) })
			eventually(t, "the replica", func() bool {
				out, _ := exec.Command("redis-cli", "-p", strconv.Itoa(replica.port), "CLUSTER", "REPLICATE", all[0].cli("CLUSTER", "MYID")).Output()
				return strings.Contains(string(out), "OK")
			})
			replica.inSync()
			eventually(t, "that all know it", func() bool {
				return strings.Contains(all[1].cli("CLUSTER", "NODES"), "slave "+all[0].cli("CLUSTER", "MYID"))
			})
			return "redis+cluster://" + all[0].addr() + "," + all[1].addr(), all[0]
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const few = 10
			url, master := setUp(t)
			b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 8 * time.Second}})
			wait := startHosts(t, b, few, url)
			eventually(t, "all hosts", func() bool { return strings.Count(master.cli("CLIENT", "LIST", "TYPE", "normal"), " addr=") >= few+1 })
			master.kill()
			for _, got := range wait() {
				credentials(t, got)
			}
			if n := calls(b, "GetSessionToken"); n > 2 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// inSync waits until a replica has what its master has.
func (e *engine) inSync() {
	e.t.Helper()
	eventually(e.t, "the replica", func() bool { return strings.Contains(e.cli("INFO", "replication"), "master_link_status:up") })
}

// TestFleetWithForgery has somebody write to the engine who has no key: nothing of it is believed.
func TestFleetWithForgery(t *testing.T) {
	t.Parallel()
	e := startEngine(t)
	b := bed(t, testbed.Options{})
	roomInStep()
	first := mustHost(t, b, 0, e.url())
	keys := strings.Fields(e.cli("KEYS", "*"))
	if len(keys) != 2 { // the session, and the claim of the time step
		t.Errorf("%d keys: %q", len(keys), keys)
	}
	for _, key := range keys {
		value := e.cli("--no-raw", "GET", key)
		for _, secret := range append(b.Secrets(), first.SecretAccessKey, first.SessionToken, first.AccessKeyID, "alice", "123456789012") {
			if strings.Contains(value+key, secret) {
				t.Errorf("%s shows %q", key, secret)
			}
		}
	}
	e.cli("COPY", keys[0], "spare")
	e.cli("COPY", keys[1], keys[0], "REPLACE") // each under the name of the other
	e.cli("COPY", "spare", keys[1], "REPLACE")
	for i, change := range []func(){nil, func() {
		for _, key := range keys {
			e.cli("SET", key, "forged")
		}
	}} {
		if change != nil {
			change()
		}
		env := append(host(t, b, 1+i, e.url()), "AWS_MFA_CREDS_SHARED_CACHE="+e.url()+"?required=true")
		wantFailure(t, b, run(t, b, env, b.Binary, "get", "--profile", "work"), 7, "does not open")
	}
	if again := mustHost(t, b, 3, e.url()); again.AccessKeyID == first.AccessKeyID {
		t.Error("a session from nowhere")
	}
}

// TestFleetKeepsSecrets looks for secrets in all that the engine is told, in the whole of its memory, and in the
// debug log.
func TestFleetKeepsSecrets(t *testing.T) {
	t.Parallel()
	e := startEngine(t, "--requirepass", "canary-pass", "--rdbcompression", "no")
	monitor := exec.Command("redis-cli", "-p", strconv.Itoa(e.port), "-a", "canary-pass", "MONITOR")
	var told bytes.Buffer
	monitor.Stdout = &told
	if err := monitor.Start(); err != nil {
		t.Fatal(err)
	}
	b := bed(t, testbed.Options{})
	time.Sleep(200 * time.Millisecond)
	got := run(t, b, append(host(t, b, 0, withUser(e.url(), ":canary-pass")), "AWS_MFA_CREDS_DEBUG=1"), b.Binary, "get", "--profile", "work", "--debug")
	var c processJSON
	if err := json.Unmarshal([]byte(got.stdout), &c); err != nil {
		t.Fatalf("%v: %s", err, got.stderr)
	}
	_ = monitor.Process.Kill()
	_ = monitor.Wait()
	if !strings.Contains(told.String(), "EVAL") || !strings.Contains(told.String(), "aws-mfa-creds:{") {
		t.Fatalf("the engine was not asked: %s", told.String())
	}
	if !strings.Contains(got.stderr, "session shared") {
		t.Errorf("the log does not tell that the session was shared: %s", got.stderr)
	}
	e.cli("-a", "canary-pass", "--no-auth-warning", "SAVE")
	memory := readFile(t, filepath.Join(e.dir, "dump.rdb"))
	if !strings.Contains(memory, "aws-mfa-creds:{") {
		t.Error("the engine's memory has nothing")
	}
	for _, secret := range append(b.Secrets(), c.SecretAccessKey, c.SessionToken, c.AccessKeyID, "alice", "123456789012") {
		if strings.Contains(told.String()+memory, secret) || len(secret) > len(c.AccessKeyID) && strings.Contains(got.stderr, secret) {
			t.Errorf("a secret of %d characters was told", len(secret))
		}
	}
	if strings.Contains(got.stderr, "canary-pass") {
		t.Error("the log has the password")
	}
}

// TestFleetSettings refuses settings that cannot be meant, but not while a session is cached: it is returned before
// they are looked at.
func TestFleetSettings(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	for url, words := range map[string][]string{
		"nonsense":                      {"AWS_MFA_CREDS_SHARED_CACHE", "rediss://"},
		"redis://127.0.0.1?canary=1":    {"AWS_MFA_CREDS_SHARED_CACHE", "unknown key", "?prefix="},
		"rediss://127.0.0.1?ca=/no.pem": {"/no.pem"},
	} {
		wantFailure(t, b, run(t, b, host(t, b, 0, url), b.Binary, "get", "--profile", "work"), 3, words...)
	}
	own := filepath.Join(b.Own(), "profiles.ini")
	writeFile(t, own, "[work]\nshared_cache = redis://:canary@127.0.0.1\n")
	got := get(t, b)
	wantFailure(t, b, got, 3, "shared_cache of profile", "AWS_MFA_CREDS_SHARED_CACHE_PASSWORD")
	if strings.Contains(got.stderr, "canary") {
		t.Error("the error shows the password")
	}
	if n := calls(b, "GetSessionToken"); n != 0 {
		t.Errorf("%d calls", n)
	}
	writeFile(t, own, "[work]\nshared_cache = off\n")
	first := mustGet(t, b)
	writeFile(t, own, "[work]\nshared_cache = nonsense\n")
	if second := mustGet(t, b); second.AccessKeyID != first.AccessKeyID {
		t.Error("not the cached session")
	}
	e := startEngine(t, "--requirepass", "right")
	password := filepath.Join(b.Dir, "password")
	writeFile(t, password, "right\n")
	address := filepath.Join(b.Dir, "address")
	writeFile(t, address, e.url()+"?required=true\n")
	env := append(host(t, b, 1, ""), "AWS_MFA_CREDS_SHARED_CACHE_FILE="+address, "AWS_MFA_CREDS_SHARED_CACHE_PASSWORD_FILE="+password)
	time.Sleep(time.Until(totp.StepAt(time.Now()).End()))
	credentials(t, run(t, b, env, b.Binary, "get", "--profile", "work"))
}

// TestFleetIsSeen has list, doctor and clear show the shared cache and act on it.
func TestFleetIsSeen(t *testing.T) {
	t.Parallel()
	e := startEngine(t, "--maxmemory-policy", "allkeys-lru")
	b := bed(t, testbed.Options{})
	env := host(t, b, 0, e.url())
	command := func(args ...string) outcome { t.Helper(); return run(t, b, env, b.Binary, args...) }
	wantText := func(got outcome, words ...string) {
		t.Helper()
		for _, word := range words {
			if !strings.Contains(got.stdout+got.stderr, word) {
				t.Errorf("%q is not in: %s%s", word, got.stdout, got.stderr)
			}
		}
	}
	wantText(command("list"), "shared cache "+e.addr()+": not used yet")
	wantText(command("doctor", "--online", "--verbose"), "shared-cache-weak", "allkeys-lru")
	first := credentials(t, command("get", "--profile", "work"))
	wantText(command("list"), "shared cache "+e.addr()+": last used")
	wantText(command("list", "--json"), `"place": "`+e.addr()+`"`, `"used": "`)
	if again := mustHost(t, b, 1, e.url()); again.AccessKeyID != first.AccessKeyID {
		t.Error("not the shared session")
	}
	wantText(command("clear", "--profile", "work"), "Deleted 1 session")
	if got := e.cli("DBSIZE"); got != "1" { // the claim of the time step stays
		t.Errorf("%s keys are left", got)
	}
	e.cli("ACL", "SETUSER", "default", "-eval")
	got := command("doctor", "--online", "--json")
	wantText(got, `"shared-cache-unusable"`, "EVAL has to be allowed")
	e.kill()
	wantText(command("doctor", "--online"), "shared-cache-unusable", "refused")
	wantFailure(t, b, run(t, b, host(t, b, 2, e.url()+"?required=true"), b.Binary, "get", "--profile", "work"), 7)
	env = host(t, b, 2, e.url())
	wantText(command("list"), "could not be used", "refused")
	wantText(command("doctor"), "shared-cache-unusable", "could not be used")
}

// startSentinel starts a Sentinel for e, with more settings, and returns the URL of what it knows.
func startSentinel(t *testing.T, e *engine, settings ...string) string {
	t.Helper()
	s := newEngine(t)
	config := filepath.Join(s.dir, "sentinel.conf")
	writeFile(t, config, fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor main 127.0.0.1 %d 1\n", s.port, s.dir, e.port))
	for _, setting := range settings {
		writeFile(t, config, readFile(t, config)+"sentinel "+setting+"\n")
	}
	s.run(config, "--sentinel")
	return fmt.Sprintf("redis+sentinel://127.0.0.1:%d,%s/main", sparePort(t), s.addr()) // the first one is down
}

// startCluster starts a cluster of servers which have the slots.
func startCluster(t *testing.T, slots ...string) (all []*engine) {
	t.Helper()
	for i, of := range slots {
		e := startNode(t)
		first, last, _ := strings.Cut(of, "-")
		e.cli("CLUSTER", "ADDSLOTSRANGE", first, last)
		e.cli("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		if all = append(all, e); i > 0 {
			e.meet(all[0])
		}
	}
	for _, e := range all {
		eventually(t, "the cluster", func() bool {
			info := e.cli("CLUSTER", "INFO")
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", len(all)))
		})
	}
	return all
}

// startNode starts a server that is to join a cluster.
func startNode(t *testing.T) *engine {
	t.Helper()
	e := startEngine(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--cluster-port", strconv.Itoa(sparePort(t)))
	e.cli("CLUSTER", "RESET")
	return e
}

func (e *engine) meet(other *engine) {
	e.t.Helper()
	e.cli("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(other.port), other.args[len(other.args)-1])
}

// certificates are the paths of PEM files.
type certificates struct{ ca, cert, key string }

// newCertificates returns a certificate for 127.0.0.1, which an authority of its own has signed, and which is
// valid for that long.
func newCertificates(t *testing.T, valid time.Duration) certificates {
	t.Helper()
	dir := t.TempDir()
	c := certificates{filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(valid),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "cache"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{c.ca: {Type: "CERTIFICATE", Bytes: caDER}, c.cert: {Type: "CERTIFICATE", Bytes: leafDER}, c.key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		writeFile(t, path, string(pem.EncodeToMemory(block)))
	}
	return c
}

// TestFleetWithWrongClocks has hosts whose clocks are off by the same time: the first measures it with its call, and
// the others, who need none, ask AWS for the time.
func TestFleetWithWrongClocks(t *testing.T) {
	t.Parallel()
	e := startEngine(t)
	for _, off := range []time.Duration{-3 * time.Hour, -40 * time.Second, 40 * time.Second, 3 * time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{})
			b.Server.SetClockOffset(off)
			first := mustHost(t, b, 0, e.url())
			before := calls(b, "GetSessionToken")
			if second := mustHost(t, b, 1, e.url()); second.AccessKeyID != first.AccessKeyID {
				t.Error("not the session of the first host")
			}
			if n := calls(b, "GetSessionToken"); n != before {
				t.Errorf("%d more calls", n-before)
			}
			if asked := calls(b, "GetCallerIdentity"); (asked != 0) != (off.Abs() > time.Minute) {
				t.Errorf("AWS was asked for the time %d times", asked)
			}
			if got := run(t, b, host(t, b, 1, "off"), b.Binary, "get", "--profile", "work"); credentials(t, got).AccessKeyID != first.AccessKeyID {
				t.Error("the session was not kept")
			}
		})
	}
}
