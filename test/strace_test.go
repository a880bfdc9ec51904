//go:build linux

package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// TestSystemCalls looks at what the process really does, cold and warm: one write to
// stdout, none to stderr, no child; and warm no socket either, also where hosts share sessions.
func TestSystemCalls(t *testing.T) {
	t.Parallel()
	trace := []string{need(t, "strace", "apt-get install strace")}
	if os.Geteuid() != 0 { // to whom the program is closed, except in a namespace of which one is root
		trace = append([]string{need(t, "unshare", "apt-get install util-linux"), "-r"}, trace...)
		needNamespaces(t, finish(t, exec.Command(trace[0], "-r", "true")))
	}
	b := bed(t, testbed.Options{})
	for _, state := range []string{"cold", "warm", "warm with a shared cache"} {
		calls := filepath.Join(b.Dir, state)
		var env []string
		if strings.Contains(state, "shared") {
			env = append(env, "AWS_MFA_CREDS_SHARED_CACHE=redis://127.0.0.1:1")
			writeFile(t, filepath.Join(b.Own(), "profiles.ini"), "[work]\nshared_cache = redis://127.0.0.1:1\n")
		}
		args := append(trace[1:len(trace):len(trace)], "-f", "-o", calls, "-e", "trace=write,writev,pwrite64,sendmsg,execve,socket,connect,flock", b.Binary, "get", "--profile", "work")
		credentials(t, run(t, b, env, trace[0], args...))
		text, err := os.ReadFile(calls)
		if err != nil {
			t.Fatal(err)
		}
		for call, want := range map[string]int{
			`\bwritev?\(1, `:       1,
			`\bwritev?\(2, `:       0,
			`\bexecve\(`:           1, // strace's own, of the program
			`\bconnect\(.*AF_INET`: map[string]int{"cold": 1}[state],
			`\bsocket\(`:           map[string]int{"cold": 1}[state],
			`\bflock\(`:            map[string]int{"cold": 4}[state], // the device and the sealing key, each taken and given back
		} {
			if got := len(regexp.MustCompile(call).FindAll(text, -1)); got != want {
				t.Errorf("%s: %d of %s, want %d", state, got, call, want)
			}
		}
	}
}

// TestWarmNeedsNoNetwork runs a warm get where there is no network at all.
func TestWarmNeedsNoNetwork(t *testing.T) {
	t.Parallel()
	unshare := need(t, "unshare", "apt-get install util-linux")
	needNamespaces(t, finish(t, exec.Command(unshare, "-r", "-n", "true")))
	b := bed(t, testbed.Options{})
	first := mustGet(t, b)
	got := run(t, b, nil, unshare, "-r", "-n", b.Binary, "get", "--profile", "work")
	if second := credentials(t, got); second.AccessKeyID != first.AccessKeyID {
		t.Error("not the cached session")
	}
}
