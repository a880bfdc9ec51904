//go:build linux

package test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// served is an endpoint that runs, as a process of its own.
type served struct {
	t      *testing.T
	b      *testbed.Bed
	cmd    *exec.Cmd
	vars   map[string]string // of the profile that was named last
	said   []string          // all that it has printed
	stderr lockedBuffer
	client http.Client
}

// lockedBuffer may be read while a process writes to it.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// serve starts an endpoint on b and waits until it has said where it is.
func serve(t *testing.T, b *testbed.Bed, env []string, command string, args ...string) *served {
	t.Helper()
	s := &served{t: t, b: b, vars: map[string]string{}, client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	s.cmd = b.Command(context.Background(), command, args...)
	s.cmd.Env = append(s.cmd.Env, env...)
	s.cmd.Stderr = &s.stderr
	out, err := s.cmd.StdoutPipe()
	must(t, err)
	must(t, s.cmd.Start())
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() })
	lines, profiles := bufio.NewScanner(out), strings.Count(strings.Join(args, " ")+" ", "-p")
	for profiles > 0 && lines.Scan() {
		s.said = append(s.said, lines.Text())
		name, value, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		if s.vars[name] = value; name == "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" {
			profiles--
		}
	}
	if profiles > 0 {
		t.Fatalf("it has said %q, %q", s.said, s.stderr.String())
	}
	return s
}

// serveWork serves the profile work.
func serveWork(t *testing.T, b *testbed.Bed, args ...string) *served {
	t.Helper()
	return serve(t, b, nil, b.Binary, append([]string{"serve", "--profile", "work"}, args...)...)
}

func (s *served) uri() string { return s.vars["AWS_CONTAINER_CREDENTIALS_FULL_URI"] }

func (s *served) token() string {
	s.t.Helper()
	text, err := os.ReadFile(s.vars["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
	must(s.t, err)
	return string(text)
}

// handed is what an endpoint answers.
type handed struct {
	AccessKeyID string `json:"AccessKeyId"`
	Token       string
	RoleArn     string
	Expiration  time.Time
	Message     string `json:"message"`
	status      int
}

func (s *served) ask(token string) (got handed) {
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.uri(), nil)
	if err != nil {
		s.t.Error(err)
		return got
	}
	request.Header.Set("Authorization", token)
	response, err := s.client.Do(request)
	if err != nil {
		s.t.Error(err)
		return got
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if err := json.Unmarshal(text, &got); err != nil {
		s.t.Errorf("%d: %v", response.StatusCode, err)
	}
	got.status = response.StatusCode
	return got
}

// must returns the session that it hands out.
func (s *served) must() handed {
	s.t.Helper()
	got := s.ask(s.token())
	if got.status != http.StatusOK || !strings.HasPrefix(got.AccessKeyID, "ASIA") || got.Token == "" || time.Until(got.Expiration) < time.Minute {
		s.t.Errorf("%d: %s", got.status, got.Message)
	}
	return got
}

// stop ends it, and returns the exit code.
func (s *served) stop(signal syscall.Signal) int {
	s.t.Helper()
	must(s.t, s.cmd.Process.Signal(signal))
	_ = s.cmd.Wait()
	return s.cmd.ProcessState.ExitCode()
}

// TestServe has an endpoint and a get share one session, and ends it by each signal.
func TestServe(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	must(t, b.AddConfig("[profile role]\nrole_arn = "+roleARN+"\nsource_profile = work\n"))
	roomInStep()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		s := serveWork(t, b)
		if got := s.must(); got.AccessKeyID != mustGet(t, b).AccessKeyID || got.RoleArn != "" || s.vars["AWS_REGION"] != testbed.Region {
			t.Errorf("%+v, region %q", got, s.vars["AWS_REGION"])
		}
		r := serve(t, b, nil, b.Binary, "serve", "-p", "work", "-p", "role")
		if got := r.must(); got.RoleArn != roleARN || !strings.HasSuffix(r.uri(), "/role") {
			t.Errorf("%s: %+v", r.uri(), got)
		}
		if got := s.ask("wrong"); got.status != http.StatusUnauthorized {
			t.Errorf("%+v", got)
		}
		if code := s.stop(signal); code != 0 {
			t.Errorf("%v: exit %d: %s", signal, code, s.stderr.String())
		}
		if log := s.stderr.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "refused a request from 127.0.0.1: the token is wrong") {
			t.Errorf("log: %q", log)
		}
	}
	wantMints(t, b, 1)
}

// TestServeAgain kills an endpoint, and starts it again where its clients expect it.
func TestServeAgain(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	roomInStep()
	s := serveWork(t, b)
	first, token := s.must(), s.token()
	s.stop(syscall.SIGKILL)
	address := strings.TrimSuffix(strings.TrimPrefix(s.uri(), "http://"), "/work")
	again := serveWork(t, b, "--listen", address)
	if got := again.must(); got.AccessKeyID != first.AccessKeyID || again.token() != token || again.uri() != s.uri() {
		t.Errorf("%+v, %s", got, again.uri())
	}
	info, err := os.Stat(filepath.Join(b.Own(), "endpoint.token"))
	if err != nil || info.Mode().Perm() != 0o600 || len(token) != 43 || strings.Contains(strings.Join(again.said, " "), token) {
		t.Errorf("%v, %d characters, %v, %q", info, len(token), err, again.said)
	}
	// A session that is gone from the cache stays in hand, and a reload lets go of it.
	mustRun(t, b, nil, "clear", "--profile", "work")
	if got := again.must(); got.AccessKeyID != first.AccessKeyID {
		t.Error("the session in hand was not used")
	}
	wantMints(t, b, 1)
	must(t, again.cmd.Process.Signal(syscall.SIGHUP))
	eventually(t, "it is reloaded", func() bool { return again.must().AccessKeyID != first.AccessKeyID })
	wantMints(t, b, 2)
}

// TestServeCrowd has many ask when there is no session, and again while STS is down.
func TestServeCrowd(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	roomInStep()
	b.Server.SetLatency(time.Second)
	s := serveWork(t, b)
	token := s.token()
	all := func() {
		var crowd sync.WaitGroup
		for range 200 {
			crowd.Go(func() {
				if got := s.ask(token); got.status != http.StatusOK {
					t.Errorf("%+v", got)
				}
			})
		}
		crowd.Wait()
	}
	all()
	wantMints(t, b, 1)
	must(t, b.Server.Inject(sandbox.Fault{Kind: sandbox.Unavailable, Action: "GetSessionToken", Times: -1}))
	must(t, s.cmd.Process.Signal(syscall.SIGHUP))
	all()
	wantMints(t, b, 1)
}

// aged returns a machine whose cached session has only left to go, by everybody's clock, and its access key id.
func aged(t *testing.T, left time.Duration) (*testbed.Bed, string) {
	t.Helper()
	b := bed(t, testbed.Options{})
	b.Server.SetClockOffset(left - 12*time.Hour)
	old := mustGet(t, b).AccessKeyID
	b.Server.SetClockOffset(0)
	books, err := filepath.Glob(filepath.Join(b.Own(), "cache", "*"))
	must(t, err)
	for _, path := range books { // the clock that it believes, and the codes of that time
		if kind := filepath.Ext(path); kind != ".session" && kind != ".lock" {
			must(t, os.Remove(path))
		}
	}
	roomInStep()
	return b, old
}

// TestServeAtTheEnd has many ask while a session is renewed that is about to end, and while that is not possible.
func TestServeAtTheEnd(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]bool{"renewed": false, "STS down": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, old := aged(t, 9*time.Minute)
			before := calls(b, "GetSessionToken")
			if b.Server.SetLatency(time.Second); down {
				must(t, b.Server.Inject(sandbox.Fault{Kind: sandbox.Unavailable, Action: "GetSessionToken", Times: -1}))
			}
			s := serveWork(t, b)
			token := s.token()
			var crowd sync.WaitGroup
			var last atomic.Value
			for range 200 {
				crowd.Go(func() {
					if got := s.ask(token); got.status != http.StatusOK {
						t.Errorf("%+v", got)
					} else if last.Store(got.AccessKeyID); down && got.AccessKeyID != old {
						t.Errorf("%s", got.AccessKeyID)
					}
				})
			}
			crowd.Wait()
			if down {
				return
			}
			eventually(t, "it has the new session", func() bool { return s.must().AccessKeyID != old })
			wantMints(t, b, before+1)
		})
	}
}

// TestServeKeepsSecrets looks at all that an endpoint writes, and at what others see of it: no key and no seed at all,
// sessions on its connections alone, and its token in one file.
func TestServeKeepsSecrets(t *testing.T) {
	t.Parallel()
	strace := need(t, "strace", "apt-get install strace")
	b, key, seed := bare(t)
	addWork(t, b, key, seed, "--store", "age")
	must(t, os.Remove(key))
	must(t, os.Remove(seed))
	roomInStep()
	trace := filepath.Join(b.Dir, "trace")
	s := serve(t, b, nil, strace, "-f", "-yy", "-s", "9999", "-o", trace, "-e", "trace=write,writev,pwrite64,sendto,sendmsg,execve", b.Binary, "serve", "--debug", "-p", "work")
	session := s.must()
	s.ask("wrong")
	lasting, ours := newCanary(t), newCanary(t)
	for i, secret := range b.Secrets() {
		lasting.add([]string{"secret access key", "seed"}[i], secret)
	}
	ours.add("session token", session.Token)
	ours.add("endpoint's token", s.token())
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", s.cmd.Process.Pid))
	must(t, err)
	pid, err := strconv.Atoi(strings.Fields(string(children))[0])
	must(t, err)
	for _, file := range []string{"cmdline", "environ"} {
		seen, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		if err != nil && os.Geteuid() == 0 {
			t.Errorf("%s: %v", file, err)
		}
		lasting.search(file, seen)
		ours.search(file, seen)
	}
	must(t, syscall.Kill(pid, syscall.SIGTERM))
	_ = s.cmd.Wait()
	text, err := os.ReadFile(trace)
	must(t, err)
	must(t, os.Remove(trace))
	lasting.search("what it writes", text)
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, "<TCP:") && !strings.Contains(line, b.Own()+"/.aws-mfa-creds-") {
			ours.search("a write: "+strings.Fields(line)[1], []byte(line))
		}
	}
	printed := strings.Join(s.said, "\n") + s.stderr.String()
	lasting.search("its output", []byte(printed))
	ours.search("its output", []byte(printed))
	must(t, os.Remove(filepath.Join(b.Own(), "endpoint.token")))
	ours.searchFiles(b.Dir)
	lasting.searchFiles(b.Dir)
}

// TestServeFlood has 200 clients send wrong tokens, as fast as they can, and one that never ends its request,
// while right ones are served. With make soak, it goes on for long and tells how fast.
func TestServeFlood(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	roomInStep()
	s := serveWork(t, b)
	token, want := s.token(), s.must()
	slow, err := net.Dial("tcp", strings.TrimPrefix(strings.TrimSuffix(s.uri(), "/work"), "http://"))
	must(t, err)
	defer slow.Close()
	_, _ = slow.Write([]byte("GET /work HTTP/1.1\r\nHost: 127"))
	var wrong atomic.Int64
	var done atomic.Bool
	var crowd sync.WaitGroup
	for range 200 {
		crowd.Go(func() {
			for !done.Load() {
				if got := s.ask("wrong"); got.status != http.StatusUnauthorized {
					t.Errorf("a wrong token gets %+v", got)
				}
				wrong.Add(1)
				time.Sleep(90 * time.Millisecond) // 2000 a second
			}
		})
	}
	began := time.Now()
	var took []time.Duration
	for range rounds(50, "serve") {
		asked := time.Now()
		if got := s.ask(token); got.AccessKeyID != want.AccessKeyID {
			t.Errorf("%d: %s", got.status, got.Message)
		}
		took = append(took, time.Since(asked))
	}
	seconds := time.Since(began).Seconds()
	done.Store(true)
	crowd.Wait()
	slices.Sort(took)
	t.Logf("%.0f wrong tokens a second; right ones took %v (p50), %v (p99)", float64(wrong.Load())/seconds, took[len(took)/2], took[len(took)*99/100])
	wantMints(t, b, 1)
	if log := s.stderr.String(); strings.Count(log, "\n") != 1 {
		t.Errorf("log: %q", log)
	}
}

// TestServeBySystemd checks the units, and does what systemd does with them: it hands over the socket, and
// hears of the beginning and the end.
func TestServeBySystemd(t *testing.T) {
	t.Parallel()
	activate, analyze := need(t, "systemd-socket-activate", "apt-get install systemd"), need(t, "systemd-analyze", "apt-get install systemd")
	b := bed(t, testbed.Options{})
	address := "127.0.0.1:" + freePort(t)
	units := map[string]string{}
	verify := []string{"verify", "--user", "--man=no"}
	for _, kind := range []string{"socket", "service"} {
		text, err := os.ReadFile("../contrib/systemd/aws-mfa-creds@." + kind)
		must(t, err)
		units[kind] = strings.NewReplacer("ExecStart=aws-mfa-creds", "ExecStart="+b.Binary, "%i", "work", "127.0.0.1:9911", address).Replace(string(text))
		verify = append(verify, filepath.Join(b.Dir, "aws-mfa-creds@work."+kind))
		writeFile(t, verify[len(verify)-1], units[kind])
	}
	if got := run(t, b, []string{"XDG_RUNTIME_DIR=" + b.Dir}, analyze, verify...); got.code != 0 || got.stderr != "" {
		t.Errorf("systemd-analyze verify: exit %d: %s", got.code, got.stderr)
	}
	setting := func(kind, name string) string {
		_, after, _ := strings.Cut(units[kind], "\n"+name+"=")
		value, _, _ := strings.Cut(after, "\n")
		return value
	}
	states, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(b.Dir, "notify"), Net: "unixgram"})
	must(t, err)
	defer states.Close()
	must(t, states.SetReadDeadline(time.Now().Add(time.Minute)))
	heard := func(want string) {
		t.Helper()
		state := make([]byte, 100)
		if n, err := states.Read(state); err != nil || string(state[:n]) != want {
			t.Errorf("systemd hears %q, %v", state[:n], err)
		}
	}
	roomInStep()
	args := []string{"--listen=" + setting("socket", "ListenStream"), "-E", "NOTIFY_SOCKET=" + filepath.Join(b.Dir, "notify")}
	for _, pair := range b.Env() {
		args = append(args, "-E", pair)
	}
	s := &served{t: t, b: b, vars: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://" + address + "/work", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": filepath.Join(b.Own(), "endpoint.token")}}
	writeFile(t, filepath.Join(b.Own(), "endpoint.token"), strings.Repeat("t", 43))
	s.cmd = b.Command(context.Background(), activate, append(args, strings.Fields(setting("service", "ExecStart"))...)...)
	s.cmd.Stderr = &s.stderr
	must(t, s.cmd.Start())
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() })
	eventually(t, "it listens", func() bool { return strings.Contains(s.stderr.String(), "Listening") })
	s.must() // the first request starts it
	heard("READY=1")
	if code := s.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d: %s", code, s.stderr.String())
	}
	heard("STOPPING=1")
}

// serveHints are those of serve. Who tries again stops the endpoint as soon as it has said where it is.
func serveHints() []hintCase {
	const serve = "aws-mfa-creds serve --profile work "
	starts := func(args string) func(*ill) {
		return retype(serve + args + " >$HOME/said & p=$!; until [ -s $HOME/said ] || ! kill -0 $p 2>/dev/null; do sleep 0.1; done; kill $p; wait $p")
	}
	return []hintCase{
		{"no address to listen on", nil, serve + "--listen localhost", 2, `--listen: "localhost" is not an IP address with a port`, "give --listen 127.0.0.1:9911", starts("--listen 127.0.0.1:0"), ""},
		{"listen to everybody", nil, serve + "--listen 0.0.0.0:80", 2, "--listen: others can reach 0.0.0.0, and no SDK asks it for credentials without TLS", "give --listen 127.0.0.1:9911, or 169.254.170.2:80 in a network of containers", starts("--listen 127.0.0.1:0"), ""},
		{"no token on loopback", nil, serve + "--no-token", 2, "--no-token: every user and every web page of this computer could get sessions from 127.0.0.1", "leave it out, or give --listen 169.254.170.2:80, too", starts(""), ""},
		{"address of another computer", nil, serve + "--listen 169.254.170.2:80", 3, "--listen 169.254.170.2:80: cannot assign requested address", "give another port, or an address of this computer", starts("--listen 127.0.0.1:0"), ""},
		{"no socket of systemd", nil, "sh -c 'LISTEN_PID=$$ LISTEN_FDS=2 exec " + serve + "'", 3, "LISTEN_FDS: systemd did not hand over one socket", "give the unit one ListenStream=127.0.0.1:9911", starts(""), ""},
		{"token too short", env("AWS_CONTAINER_AUTHORIZATION_TOKEN=1234"), serve, 3, "AWS_CONTAINER_AUTHORIZATION_TOKEN: is shorter than 43 characters, and could be guessed", "run: export AWS_CONTAINER_AUTHORIZATION_TOKEN=$(head -c 32 /dev/urandom | base64)", func(m *ill) {
			m.env = append(m.env, "AWS_CONTAINER_AUTHORIZATION_TOKEN="+strings.Repeat("t", 44))
			starts("")(m)
		}, ""},
		{"token that others can read", all(file("x"), sh("chmod 644 <DIR>/x")), serve + "--token-file <DIR>/x", 12, "…/x: is no token of an endpoint in a file that only you can read", "run: rm …/x", all(pasteLastRun, starts("--token-file <DIR>/x")), ""},
	}
}
