package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/keys"
)

// The profiles that clients are started with.
const (
	plainProfile   = "work"    // a base session
	sdkRoleProfile = "sdkrole" // a role that the SDK assumes, from a base session
	ourRoleProfile = "ourrole" // a role that aws-mfa-creds assumes
	chainProfile   = "chain"   // a role that the SDK assumes from sdkrole
	keysProfile    = "keys"    // plain access keys
	bareProfile    = "bare"    // none
	noProfile      = ""        // the client is told of no profile
)

// The roles: deployARN that of sdkrole and ourrole, innerARN that of chain.
const (
	deployARN = "arn:aws:iam::123456789012:role/deploy"
	innerARN  = "arn:aws:iam::123456789012:role/inner"
)

// tokenSize makes the JSON longer than the buffers of 1024 characters that SDKs read into.
const tokenSize = 1200

// timeStep is that of the token codes.
const timeStep = 30 * time.Second

// machine is what one cell runs on: a machine of its own with a sandbox of its own.
type machine struct {
	*testbed.Bed
	wire  *wire
	tools *tools
	slots chan struct{} // one to be had by who uses the processor
	left  sync.Once
	env   []string // of clients; AWS_PROFILE of the machine does not count then

	metadata bool // the client may ask for the metadata of EC2, which is not there
}

// newMachine lays out a machine. The caller has a slot, and closes the machine.
func newMachine(t *tools, slots chan struct{}) (*machine, error) {
	bed, err := testbed.New(testbed.Options{Binary: t.binary, Sandbox: sandbox.Options{TokenSize: tokenSize}})
	if err != nil {
		return nil, err
	}
	m := &machine{Bed: bed, tools: t, slots: slots}
	if m.wire, err = newWire(bed.Server); err != nil {
		return nil, err
	}
	var key sandbox.Key
	err = m.Server.Update(func(w *sandbox.World) {
		w.Roles = append(w.Roles, sandbox.Role{Name: "inner", Trusts: []string{"role/deploy"}})
		key = w.User(testbed.UserName).Keys[0]
	})
	return m, errors.Join(err, m.layOut(key))
}

func (m *machine) close() {
	m.leave()
	m.wire.close()
	keys.Remove(cache.ClaimsIn(filepath.Join(m.Own(), "cache")))
	_ = m.Close()
}

func (m *machine) runsFile() string { return filepath.Join(m.Dir, "runs") }
func (m *machine) caFile() string   { return filepath.Join(m.Dir, "wire.pem") }

// layOut writes the AWS config. The credential process is a line of shell that notes
// its process id and becomes aws-mfa-creds.
func (m *machine) layOut(key sandbox.Key) error {
	helper := filepath.Join(m.Dir, testbed.Program) // a name that list knows
	config := fmt.Sprintf(`[profile %[2]s]
credential_process = %[1]s get --profile %[2]s
region = us-east-1

[profile %[3]s]
role_arn = %[5]s
source_profile = %[2]s
region = us-east-1

[profile %[4]s]
credential_process = %[1]s get --profile %[4]s --role-arn %[5]s
region = us-east-1

[profile %[6]s]
region = us-east-1

[profile %[7]s]
role_arn = %[8]s
source_profile = %[3]s
region = us-east-1

[profile %[9]s]
aws_access_key_id = %[10]s
aws_secret_access_key = %[11]s
region = us-east-1
`, helper, plainProfile, sdkRoleProfile, ourRoleProfile, deployARN, bareProfile, chainProfile, innerARN, keysProfile, key.ID, key.Secret)
	for _, file := range []struct {
		path, content string
		mode          os.FileMode
	}{
		{helper, fmt.Sprintf("#!/bin/sh\necho $$ >>%s\nexec %s \"$@\"\n", m.runsFile(), m.Binary), 0o700},
		{m.runsFile(), "", 0o600},
		{m.caFile(), string(m.wire.caPEM), 0o600},
		{m.ConfigFile(), config, 0o600},
	} {
		if err := os.WriteFile(file.path, []byte(file.content), file.mode); err != nil {
			return err
		}
	}
	return nil
}

// command returns a command of a client on this machine.
func (m *machine) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := m.Command(ctx, args[0], args[1:]...)
	cmd.Env = append(cmd.Env,
		"AWS_ENDPOINT_URL_STS="+m.wire.url(),
		"AWS_ENDPOINT_URL_IAM="+m.wire.url(),
		"HTTP_PROXY="+m.wire.url(), "http_proxy="+m.wire.url(),
		"HTTPS_PROXY="+m.wire.url(), "https_proxy="+m.wire.url(),
		"NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost",
		"SSL_CERT_FILE="+m.caFile(),
		"AWS_PAGER=",
		"CDK_DISABLE_CLI_TELEMETRY=true",
		"NODE_NO_WARNINGS=1",
		"AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1",
	)
	if m.env != nil {
		cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "AWS_PROFILE=") })
	}
	cmd.Env = append(cmd.Env, m.env...)
	return cmd
}

// runs returns the process ids of the helpers that have run so far.
func (m *machine) runs() []int {
	content, _ := os.ReadFile(m.runsFile())
	var pids []int
	for line := range strings.Lines(string(content)) {
		if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// mints returns how many calls of GetSessionToken have arrived.
func (m *machine) mints() int { return m.Server.State().Count("GetSessionToken").Calls }

// leave gives the slot back to who needs it, before a wait: what comes afterwards takes little
// of the processor, and is not to queue again. Further calls do nothing.
func (m *machine) leave() { m.left.Do(func() { <-m.slots }) }

// direct runs aws-mfa-creds without a client.
func (m *machine) direct(ctx context.Context, args ...string) (string, error) {
	cmd := m.Command(ctx, m.Binary, args...)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_STS="+m.wire.url())
	out, err := cmd.Output()
	return string(out), err
}

// mintedBefore fills the cache with a session of twelve hours that AWS has issued so long
// ago that only left of it remain. For that AWS's clock is set back while the session is
// minted, and set right afterwards. Until forget aws-mfa-creds believes the old time.
func (m *machine) mintedBefore(ctx context.Context, left time.Duration) error {
	m.Server.SetClockOffset(left - 12*time.Hour)
	defer m.Server.SetClockOffset(0)
	_, err := m.direct(ctx, "get", "--profile", plainProfile)
	return err
}

// forget removes what aws-mfa-creds keeps beside the sessions: the time it believes, and the
// codes it has sent. Both may be lost, by its own design.
func (m *machine) forget() error {
	books, err := filepath.Glob(filepath.Join(m.Own(), "cache", "*"))
	for _, path := range books {
		if extension := filepath.Ext(path); extension != ".session" && extension != ".lock" {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}

// roomInStep waits, if need be, for the next time step: aws-mfa-creds sends no code that is about
// to end, and does not wait for another while the session at hand is of use.
func roomInStep(room time.Duration) {
	now := time.Now()
	if left := now.Truncate(timeStep).Add(timeStep).Sub(now); left < room {
		time.Sleep(left)
	}
}
