// Package testbed sets up a throw-away machine on which the real program runs against the sandbox: a
// HOME with an AWS config, the environment of a CI job, and STS and IAM on loopback. The tests and the
// sandbox command share it.
package testbed

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// The account of the sandbox, and the profile that the AWS config begins with.
const (
	UserName   = "alice"
	DeviceName = "alice-laptop"
	Profile    = "work"
	Region     = "us-east-1"
)

// Options says what a Bed is like. Binary is required.
type Options struct {
	Binary  string          // path of the program, as Build returns it
	Sandbox sandbox.Options // what the server is like; Now and Rand are set by New
	Bare    bool            // the environment holds no secrets: a laptop or a server, not a CI job
}

// Bed is a machine with its own sandbox.
type Bed struct {
	Binary string
	Server *sandbox.Server
	Dir    string // everything is in here, and Close removes it
	bare   bool
}

// New starts a sandbox and lays out a machine that uses it.
func New(o Options) (*Bed, error) {
	o.Sandbox.Rand = rand.Reader
	o.Sandbox.Now = time.Now //nolint:forbidigo // the sandbox stands for AWS, which has the right time
	server, err := sandbox.Start(o.Sandbox)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "aws-sandbox-")
	if err != nil {
		server.Close()
		return nil, err
	}
	b := &Bed{Binary: o.Binary, Server: server, Dir: dir, bare: o.Bare}
	if err := b.layOut(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Close stops the sandbox and removes the machine.
func (b *Bed) Close() error {
	b.Server.Close()
	return os.RemoveAll(b.Dir)
}

// Home is the HOME of the machine.
func (b *Bed) Home() string { return filepath.Join(b.Dir, "home") }

// Own is the directory of everything the program keeps.
func (b *Bed) Own() string { return filepath.Join(b.Dir, "own") }

// ConfigFile is the AWS config.
func (b *Bed) ConfigFile() string { return filepath.Join(b.Home(), ".aws", "config") }

func (b *Bed) caFile() string { return filepath.Join(b.Dir, "ca.pem") }

func (b *Bed) layOut() error {
	for _, dir := range []string{filepath.Dir(b.ConfigFile()), b.Own()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if pem := b.Server.CAPEM(); len(pem) > 0 {
		if err := os.WriteFile(b.caFile(), pem, 0o600); err != nil {
			return err
		}
	}
	return b.AddProfile(Profile)
}

// AddProfile adds a profile to the AWS config that has the program as its credential
// process, called with args beyond --profile.
func (b *Bed) AddProfile(name string, args ...string) error {
	command := strings.Join(append([]string{b.Binary, "get", "--profile", name}, args...), " ")
	return b.AddConfig(fmt.Sprintf("[profile %s]\ncredential_process = %s\nregion = %s\n", name, command, Region))
}

// AddConfig adds text to the AWS config.
func (b *Bed) AddConfig(text string) error {
	f, err := os.OpenFile(b.ConfigFile(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text + "\n")
	return errors.Join(err, f.Close())
}

// Command returns a command that runs on the machine.
func (b *Bed) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // running what the user names is the purpose
	cmd.Env = b.Env()
	cmd.Dir = b.Home()
	return cmd
}

// Env returns the environment of the machine: that of a CI job which has access key and
// seed from its secret store, unless it is bare. Little is inherited: the search path, the locale, the terminal.
func (b *Bed) Env() []string {
	env := []string{
		"HOME=" + b.Home(),
		"AWS_CONFIG_FILE=" + b.ConfigFile(),
		"AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(b.Home(), ".aws", "credentials"),
		"AWS_PROFILE=" + Profile,
		"AWS_ENDPOINT_URL_STS=" + b.Server.URL(),
		"AWS_ENDPOINT_URL_IAM=" + b.Server.URL(),
		"AWS_ENDPOINT_URL_SIGNIN=" + b.Server.URL(),
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_MFA_CREDS_HOME=" + b.Own(),
		"CHECKPOINT_DISABLE=1",
	}
	if len(b.Server.CAPEM()) > 0 {
		env = append(env, "AWS_CA_BUNDLE="+b.caFile())
	}
	for _, name := range inherited() {
		if value, ok := os.LookupEnv(name); ok { //nolint:forbidigo // the machine's own environment is its template
			env = append(env, name+"="+value)
		}
	}
	if b.bare {
		return env
	}
	return append(env, b.secretEnv()...)
}

// inherited is what programs need of the real environment.
func inherited() []string {
	if runtime.GOOS == "windows" {
		return []string{"PATH", "SystemRoot", "TEMP", "PATHEXT", "ComSpec"}
	}
	return []string{"PATH", "LANG", "TERM", "TMPDIR"}
}

func (b *Bed) secretEnv() []string {
	id := b.Identity()
	return []string{
		"AWS_MFA_CREDS_ACCESS_KEY_ID=" + id.AccessKeyID,
		"AWS_MFA_CREDS_SECRET_ACCESS_KEY=" + id.SecretAccessKey,
		"AWS_MFA_CREDS_SEED=" + id.Seed,
		"AWS_MFA_CREDS_SERIAL=" + id.Serial,
	}
}

// Identity is what the user of the sandbox has.
type Identity struct{ AccessKeyID, SecretAccessKey, Seed, Serial string }

// Identity returns the access key and the MFA device of the user.
func (b *Bed) Identity() Identity {
	world := b.Server.World()
	key := world.User(UserName).Keys[0]
	device := world.Device(world.DeviceARN(DeviceName))
	return Identity{AccessKeyID: key.ID, SecretAccessKey: key.Secret, Seed: device.Seed, Serial: device.Serial}
}

// Secrets returns what must not be seen anywhere.
func (b *Bed) Secrets() []string {
	id := b.Identity()
	return []string{id.SecretAccessKey, id.Seed}
}

// Program is the name of the program under test.
const Program = "aws-mfa-creds"

// Build compiles the program from the module that the working directory is in, as a
// release is built, into dir, and returns its path.
func Build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, Program)
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	//nolint:gosec // the arguments are ours
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path,
		"github.com/aws-mfa-creds/aws-mfa-creds/cmd/"+Program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") //nolint:forbidigo // the Go tool needs the user's own
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return path, nil
}
