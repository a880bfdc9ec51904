//go:build linux

package test

import (
	"strconv"
	"time"
)

const sharedCache = "AWS_MFA_CREDS_SHARED_CACHE="

// shares has the profile share its sessions through a real server with more arguments.
func shares(args ...string) func(*ill) {
	return func(m *ill) { env(sharedCache + startEngine(m.t, args...).url())(m) }
}

// fleetHints are those about the cache that hosts share.
func fleetHints() []hintCase {
	const (
		nowhere  = "redis://127.0.0.1:1"
		example  = "write it as rediss://USER@HOST:6379/0?prefix=ci:&ca=/ca.pem&cert=/cert.pem&key=/key.pem&required=true, redis+sentinel://HOST,HOST/MASTER, redis+cluster://HOST,HOST, or off"
		diagnose = "aws-mfa-creds doctor --online --profile work"
		unusable = "doctor shared-cache-unusable"
		weak     = "doctor shared-cache-weak"
	)
	off := env(sharedCache + "off")
	return []hintCase{
		{"shared cache, no URL", env(sharedCache + "cache.example"), getWork, 3, "AWS_MFA_CREDS_SHARED_CACHE: is not the URL of a shared cache", example, off, ""},
		{"shared cache, no such file", env(sharedCache + "rediss://127.0.0.1:1?ca=/nowhere.pem"), getWork, 3, "AWS_MFA_CREDS_SHARED_CACHE: has a ca that is no PEM file with a certificate: /nowhere.pem", example, off, ""},
		{"shared cache, doctor, no URL", env(sharedCache + "cache.example"), unusable, 3, "AWS_MFA_CREDS_SHARED_CACHE: is not the URL of a shared cache", example, off, ""},
		{"shared cache, password in the file", setting("shared_cache = redis://:pass@127.0.0.1:1"), getWork, 3, `shared_cache of profile "work": has a password, which does not belong into profiles.ini`, "delete it there, and set AWS_MFA_CREDS_SHARED_CACHE_PASSWORD or AWS_MFA_CREDS_SHARED_CACHE_PASSWORD_FILE", all(edit(":pass@", ""), env("AWS_MFA_CREDS_SHARED_CACHE_PASSWORD=pass")), ""},
		{"shared cache, required", env(sharedCache + nowhere + "?required=true"), getWork, 7, "shared cache 127.0.0.1:1: it is required and cannot be used: not serving: …refused", "run: " + diagnose + "; without required=true, get goes on without it", env(sharedCache + nowhere), ""},
		{"shared cache, clear", env(sharedCache + nowhere), "aws-mfa-creds clear --profile work", 7, "shared cache 127.0.0.1:1: cannot be used: not serving: …refused", "run: " + diagnose, nil, "cannot be used"},
		{"shared cache, doctor, away", env(sharedCache + nowhere), unusable + " --online", 0, "127.0.0.1:1: the shared cache cannot be used: not serving: …refused", "check its address, TLS, user, password and permissions: ~PREFIX* +get +mget +set +del +eval +pttl; then run: " + diagnose, off, ""},
		{"shared cache, doctor, was away", all(env(sharedCache+nowhere), sh(getWork)), unusable, 0, "127.0.0.1:1: the shared cache could not be used … ago): not serving: …refused", diagnose, nil, stays},
		{"shared cache, doctor, no TLS", env(sharedCache + "redis://192.0.2.1"), weak, 0, "192.0.2.1:6379: the shared cache is reached without TLS", "write rediss:// for redis:// in shared_cache", env(sharedCache + "rediss://192.0.2.1"), ""},
		{"shared cache, doctor, evicts", shares("--maxmemory-policy", "allkeys-lru"), weak + " --online", 0, "127.0.0.1:…: the shared cache removes any key when its memory is full (allkeys-lru)", "set maxmemory-policy volatile-ttl, or give it more memory", shares("--maxmemory-policy", "volatile-ttl"), ""},
		{"shared cache, doctor, certificate", func(m *ill) { m.withCertificate(time.Hour) }, weak + " --online", 0, "127.0.0.1:…: the certificate of the shared cache expires …", "renew it", func(m *ill) { m.withCertificate(1000 * time.Hour) }, ""},
	}
}

// withCertificate has the machine share its sessions through a server with a certificate that is valid for that long.
func (m *ill) withCertificate(valid time.Duration) {
	c := newCertificates(m.t, valid)
	m.write(m.Dir+"/shared.pem", readFile(m.t, c.ca))
	port := strconv.Itoa(sparePort(m.t))
	need(m.t, "redis-server", "apt-get install redis-server")
	e := &engine{t: m.t, dir: m.t.TempDir(), args: []string{"--port", "0", "--tls-port", port, "--tls-cert-file", c.cert, "--tls-key-file", c.key, "--tls-ca-cert-file", c.ca, "--tls-auth-clients", "no"}}
	e.port, _ = strconv.Atoi(port)
	e.start()
	m.t.Cleanup(e.kill)
	env(sharedCache + "rediss://" + e.addr() + "?ca=" + m.Dir + "/shared.pem")(m)
}
