//go:build linux

package test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// cronJob runs the lines of a crontab of alice's at once, as cron(8) runs them: by /bin/sh in her
// home, with HOME, LOGNAME, SHELL, PATH and what the crontab sets. Their output is her mail. (Cron
// itself sets groups, which nobody may in a namespace of an ordinary user.)
func (r *recipe) cronJob(t *testing.T, b block, text string) string {
	t.Helper()
	env := append(r.way(), "HOME="+aliceHome, "LOGNAME=alice", "SHELL=/bin/sh", "PATH=/usr/bin:/bin")
	mail, jobs := "", 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if cronVariable.MatchString(line) {
			env = append(env, line)
			continue
		}
		fields := cronLine.FindStringSubmatch(line)
		if fields == nil || strings.Contains(strings.ReplaceAll(fields[1], `\%`, ""), "%") {
			t.Fatalf("%s:%d: not a line of a crontab: %s", b.page, b.line, line)
		}
		got := r.run(t, aliceHome, env, "/bin/sh", "-c", strings.ReplaceAll(fields[1], `\%`, "%"))
		if got.code != 0 {
			t.Fatalf("%s:%d: exit %d\n%s%s", b.page, b.line, got.code, got.stdout, got.stderr)
		}
		mail += got.stdout + got.stderr
		jobs++
	}
	if jobs == 0 {
		t.Fatalf("%s:%d: no job", b.page, b.line)
	}
	return mail
}

var (
	cronVariable = regexp.MustCompile(`^\w+=`)
	cronLine     = regexp.MustCompile(`^(?:[0-9*/,-]+\s+){5}(\S.*)$`)
)

func cronRecipe(t *testing.T) *recipe {
	t.Helper()
	r := beginner(t)
	r.runners["cron"] = r.cronJob
	r.with["env -i "] = "env -i " + strings.Join(r.way(), " ") + " "
	return r
}

// dockerRecipe has containers, though there is no Docker: see testdata/recipes/docker.
func dockerRecipe(t *testing.T) *recipe {
	t.Helper()
	r := beginner(t)
	need(t, "docker-compose", "apt-get install docker-compose")
	r.copyDouble(t, "docker")
	r.runners["cron"] = r.cronJob
	r.runners["compose"] = func(t *testing.T, b block, text string) string {
		first := r.inShell(t, b, text)
		// The container has a session, and the next one once the host has it. (A new one at once: under a new name.)
		const session, role = "/dev/shm/app-session/session.json", "--profile work --role-arn arn:aws:iam::123456789012:role/app"
		old, _ := os.ReadFile(r.path(session))
		r.inShell(t, b, "hand-session /dev/shm/app-session --role-session-name next "+role)
		if renewed, err := os.ReadFile(r.path(session)); err != nil || string(renewed) == string(old) {
			t.Errorf("the session was not renewed: %v", err)
		}
		if info, err := os.Stat(r.path(session)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("others can read the session: %v", err)
		}
		second := r.inShell(t, b, text)
		if !strings.Contains(second, "assumed-role/app/next") {
			t.Errorf("the container does not have the next session, but %s", second)
		}
		return first
	}
	disk := r.check
	r.check = func(t *testing.T) {
		t.Helper()
		disk(t)
		r.wantNoSecretAt(t, "/dev/shm")
	}
	return r
}

// systemdRecipe has systemd-analyze look at the unit. No systemd runs here, so that the service is
// run with what systemd.exec(5) promises.
func systemdRecipe(t *testing.T) *recipe {
	t.Helper()
	need(t, "systemd-analyze", "apt-get install systemd")
	r, key, seed, serial := ciRecipe(t, "report")
	r.dir = aliceHome
	r.write(t, aliceHome+"/secret-access-key", key.Secret+"\n", 0o600)
	r.write(t, aliceHome+"/seed", seed+"\n", 0o600)
	r.runners["service"] = func(t *testing.T, b block, text string) string {
		file := b.marks["file"]
		if got := r.run(t, "/", r.env(), "systemd-analyze", "verify", "--man=no", file); got.code != 0 || got.stderr != "" {
			t.Errorf("systemd-analyze verify: exit %d: %s", got.code, got.stderr)
		}
		return r.service(t, text)
	}
	r.check = func(t *testing.T) {
		t.Helper()
		for _, name := range []string{"secret-access-key", "seed"} { // the reader deletes them
			_ = os.Remove(r.path(aliceHome + "/" + name))
		}
		r.wantNoSecretAt(t, "/etc/systemd")
		r.wantNoSecretAt(t, "/etc/report")
		r.wantNoSecretAt(t, "/var")
		if !strings.Contains(serial, "report") {
			t.Error(serial)
		}
	}
	return r
}

// service runs the one command of a unit with its credentials, its cache and its environment.
func (r *recipe) service(t *testing.T, unit string) string {
	t.Helper()
	const credentials = "/run/credentials/report.service"
	expand := strings.NewReplacer("%d", credentials, "%C", "/var/cache", "%%", "%").Replace
	env := append(r.way(), "PATH="+usualPath, "LANG=C.UTF-8", "CREDENTIALS_DIRECTORY="+credentials, "USER=report", "LOGNAME=report", "HOME=/", "SHELL=/usr/sbin/nologin")
	for line := range strings.Lines(unit) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "LoadCredential":
			id, from, _ := strings.Cut(value, ":")
			content, err := os.ReadFile(r.path(from))
			if err != nil {
				t.Fatal(err)
			}
			r.write(t, credentials+"/"+id, string(content), 0o400)
		case "CacheDirectory":
			if err := os.Mkdir(r.path("/var/cache/"+value), 0o700); err != nil {
				t.Fatal(err)
			}
		case "Environment":
			env = append(env, strings.Fields(expand(value))...)
		case "ExecStart":
			got := r.run(t, "/", env, strings.Fields(expand(value))...)
			if got.code != 0 {
				t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
			}
			return got.stdout + got.stderr
		}
	}
	t.Fatal("the unit starts nothing")
	return ""
}

// stateBucket is as much of S3 as Terraform's backend needs, and remembers who came.
type stateBucket struct {
	port    string
	mu      sync.Mutex
	objects map[string][]byte
	keys    map[string]bool // the access keys of the requests
	written bool
}

var signer = regexp.MustCompile(`Credential=(\w+)/`)

func newStateBucket(t *testing.T) *stateBucket {
	t.Helper()
	s := &stateBucket{objects: map[string][]byte{}, keys: map[string]bool{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.port = server.URL[strings.LastIndexByte(server.URL, ':')+1:]
	return s
}

func (s *stateBucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := signer.FindStringSubmatch(r.Header.Get("Authorization")); found != nil && r.Header.Get("X-Amz-Security-Token") != "" {
		s.keys[found[1]] = true
	}
	object, there := s.objects[r.URL.Path]
	switch {
	case r.Method == http.MethodPut:
		s.written = true
		s.objects[r.URL.Path], _ = io.ReadAll(r.Body)
	case r.Method == http.MethodGet && r.URL.Query().Has("list-type"):
		_, _ = w.Write([]byte(`<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`))
	case there:
		_, _ = w.Write(object)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`<Error><Code>NoSuchKey</Code></Error>`))
	}
}
