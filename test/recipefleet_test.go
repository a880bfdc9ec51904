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

// sharedCache has the server of the recipe for it run on the machine, which knows its authority as it knows that of
// a managed server. Its password is in the file "password".
func (r *recipe) sharedCache(t *testing.T) {
	t.Helper()
	r.valkey(t)
	r.more = append(r.more, "SSL_CERT_FILE=/etc/valkey/ca.pem")
	r.runners["server"] = r.inShell
	dir := r.dir
	r.dir = "/etc/valkey"
	if err := os.MkdirAll(r.path(r.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, b := range readBlocks(t, "../docs/recipes/shared-cache.md") {
		switch text := r.replace(b.text); {
		case b.has("file"):
			r.write(t, r.place(b.marks["file"]), text, 0o600)
		case b.marks["run"] != "":
			r.runBlock(t, b, text)
		}
	}
	r.dir = dir
	r.write(t, dir+"/password", readFile(t, r.path("/etc/valkey/password")), 0o600)
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
