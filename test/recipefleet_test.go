//go:build linux

package test

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// valkey gives the machine a server that recipes call cache.example.com:6379: it is on a port of its own here, and
// what is called valkey-server may be the redis-server of this computer.
func (r *recipe) valkey(t *testing.T) {
	t.Helper()
	need(t, "redis-server", "apt-get install redis-server")
	need(t, "openssl", "apt-get install openssl")
	r.bind("/etc/ssl/openssl.cnf", "/etc/ssl/openssl.cnf")
	r.with["6379"] = strconv.Itoa(sparePort(t))
	r.write(t, "/etc/hosts", "127.0.0.1 localhost cache.example.com "+machineName+"\n", 0o644)
	r.write(t, "/usr/local/bin/valkey-server", "#!/bin/sh\nexec redis-server \"$@\"\n", 0o755)
	r.runners["start"] = func(t *testing.T, b block, text string) string {
		t.Helper()
		r.inShell(t, b, "("+strings.TrimSpace(text)+") >/dev/null 2>&1 & disown")
		r.inShell(t, b, "until (: </dev/tcp/127.0.0.1/"+r.with["6379"]+"); do sleep 0.1; done 2>/dev/null")
		return ""
	}
}

// sharedCacheRecipe has the server and a host on one machine. A second host gets the session of the first.
func sharedCacheRecipe(t *testing.T) *recipe {
	t.Helper()
	r, key, seed, serial := ciRecipe(t, "ci")
	r.dir = "/etc/valkey"
	if err := os.MkdirAll(r.path(r.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	r.valkey(t)
	env := strings.Join([]string{
		"", "AWS_MFA_CREDS_ACCESS_KEY_ID=" + key.ID, "AWS_MFA_CREDS_SECRET_ACCESS_KEY=" + key.Secret, "AWS_MFA_CREDS_SEED=" + seed, "AWS_MFA_CREDS_SERIAL=" + serial + "\n",
	}, "\nexport ")
	r.runners["server"] = r.inShell
	r.runners[""] = func(t *testing.T, b block, text string) string {
		first := r.inShell(t, b, env+text)
		r.inShell(t, b, env+"export AWS_MFA_CREDS_HOME=/var/other\n"+text)
		wantMints(t, r.Bed, 1)
		return first
	}
	disk := r.check
	r.check = func(t *testing.T) {
		t.Helper()
		writeFile(t, r.path(aliceHome+"/something"), "")
		disk(t)
	}
	return r
}
