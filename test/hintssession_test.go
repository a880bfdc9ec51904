//go:build linux

package test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// behind runs a command that hangs in its call to AWS.
func behind(command, action string) func(*ill) {
	return func(m *ill) {
		m.t.Helper()
		m.inject(sandbox.Fault{Kind: sandbox.Hang, Action: action})
		before := calls(m.Bed, action)
		m.must(m.fill(command + " >/dev/null 2>&1 & echo $! > <DIR>/pid"))
		text, err := os.ReadFile(m.Dir + "/pid")
		must(m.t, err)
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		must(m.t, err)
		m.t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
		eventually(m.t, "the call", func() bool { return calls(m.Bed, action) > before })
	}
}

// atAWS sets AWS's clock ahead, and has the program measure that.
func atAWS(ahead time.Duration) func(*ill) {
	return all(later(ahead), sh("aws-mfa-creds doctor --online >/dev/null || true"))
}

// codesOf sets the last time step whose code AWS has accepted, by that many after now.
func codesOf(steps int64) func(*ill) {
	return world(func(w *sandbox.World) { w.Devices[0].LastStep = time.Now().Unix()/30 + steps })
}

// spentAhead has the coming time steps spent, as processes leave them for which the clock was ahead.
func spentAhead(m *ill) {
	dir := filepath.Join(m.t.TempDir(), "cache")
	c, err := cache.Open(cache.Options{Dir: dir, Keys: cache.KeyFunc(func() (cache.Key, error) { return cache.Key{}, cache.ErrNoKey }), Now: time.Now})
	must(m.t, err)
	session.Change(c.Scope(rules.DeviceScope(laptopSerial)), func(r *rules.Record) {
		for step := totp.StepAt(time.Now()); len(r.Sent) < 8; step++ {
			r.Claim(step)
		}
	})
	c.Close()
	records, err := filepath.Glob(filepath.Join(dir, "*.device"))
	must(m.t, err)
	for _, path := range records {
		m.write(filepath.Join(m.Own(), "cache", filepath.Base(path)), readFile(m.t, path))
	}
}

// oneCode has a program print the code of now for ever.
func oneCode(m *ill) {
	code, err := sandbox.Code(m.Identity().Seed, time.Now())
	must(m.t, err)
	m.write(m.Dir+"/code", code+"\n")
	setting("mfa_process = /bin/cat <DIR>/code")(m)
}

// sessionHints are those about what processes share: locks, codes, a place for both.
func sessionHints() []hintCase {
	const (
		refresh = getWork + " --refresh"
		device  = "MFA device arn:aws:iam::123456789012:mfa/alice-laptop: "
		enroll  = "aws-mfa-creds enroll --profile work"
	)
	return []hintCase{
		{"lock held by a suspended process", all(behind(getWork, "GetSessionToken"), sh("kill -STOP $(cat <DIR>/pid)")), "doctor lock-suspended", 9, device + "gave up waiting: process … (aws-mfa-creds get --profile work), which is suspended, holds its lock", "kill -CONT …, or end it: kill -KILL …", nil, ""},
		{"codes taken by others", all(sh(getWork), atAWS(2*time.Minute), codesOf(1000), jumps("GetSessionToken")), refresh, 9, device + "AWS has accepted its codes from here before, and refused two in a row now: other computers or jobs use them", "try again in half a minute; set shared_cache for all of them, or give each an MFA device of its own (a user can have eight); if nobody else uses it: aws-mfa-creds resync --profile work", all(func(m *ill) { m.Server.ClearFaults() }, codesOf(0), atAWS(time.Hour)), ""},
		{"code printed twice", all(oneCode, sh(getWork), atAWS(2*time.Minute)), refresh, 9, device + "the program that makes its codes prints one that was sent before, again and again", "see that mfa_process prints the current code each time", all(sh("sed -i /mfa_process/d <DIR>/own/profiles.ini"), atAWS(4*time.Minute)), ""},
		{"codes spent", all(sh(getWork), spentAhead), refresh, 9, device + "its codes up to now are spent, the next one is free in …", "try again then; jobs that often meet here want MFA devices of their own (a user can have eight)", atAWS(10 * time.Minute), ""},
		{"two enrollments at once", behind(enroll, "CreateVirtualMFADevice"), enroll, 9, "this profile: another process is changing its MFA device or access key", "try again when it has ended", sh("kill -KILL $(cat <DIR>/pid)"), ""},
		{"no home", asRoot("true"), "export AWS_MFA_CREDS_SEED=$(cat <SEED>) AWS_MFA_CREDS_SERIAL=<SERIAL> AWS_MFA_CREDS_ACCESS_KEY_ID=$(cut -d' ' -f1 <KEY>) AWS_MFA_CREDS_SECRET_ACCESS_KEY=$(cut -d' ' -f2 <KEY>); strace -f -o /dev/null -e inject=mkdirat:error=EROFS -e inject=keyctl,add_key:error=ENOSYS env HOME= AWS_MFA_CREDS_HOME= " + getWork, 11, device + "no token code was sent: another process may have sent it, because there is no place for a lock and a record (…)", "set HOME, or AWS_MFA_CREDS_HOME", retype(getWork), ""},
		{"home in a shared directory", all(asRoot("mkdir -m 777 <DIR>/shared && cp -a <DIR>/own <DIR>/shared/own"), env("AWS_MFA_CREDS_HOME=<DIR>/shared/own")), getWork, 12, "…/shared: other users can change it (mode 0777), and so what is at …", "run: sudo chmod +t …/shared", nil, ""},
	}
}
