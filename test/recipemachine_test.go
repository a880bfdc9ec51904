//go:build linux

package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// recipeMachine is a computer as a reader of the recipes has one: the user alice, whose home is
// empty, and aws-mfa-creds in /usr/local/bin. It has this computer's /usr; all else is its own, so that
// recipes can write to /etc and /usr/local as they stand. The sandbox is where AWS is.
type recipeMachine struct {
	*testbed.Bed
	root  string   // its own directories
	binds []string // further arguments for bwrap
	more  []string // what every environment has besides

	agent   io.Writer     // testdata/recipes/agent, on the machine
	answers *json.Decoder // of it
	secrets []string      // what the user had in the beginning
}

// Where things are, and their names.
const (
	aliceHome   = "/home/alice"
	usualPath   = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	doubles     = "testdata/recipes" // what stands in for programs that cannot run here
	machineName = "laptop"

	systemPython = "/usr/bin/python3"
)

// The roles that the recipes name. All are in the account of the sandbox.
var recipeRoles = []string{"admin", "app", "deploy", "report", "staging", "production", "state"}

// recipeWorld is an account whose user has an access key. Without a device she is at the
// beginning; with one she has it on her phone, or CI has it.
func recipeWorld(device string) sandbox.World {
	w := sandbox.DefaultWorld()
	w.Roles = nil
	for _, name := range recipeRoles {
		w.Roles = append(w.Roles, sandbox.Role{Name: name, Trusts: []string{sandbox.Everyone}, RequireMFA: true})
	}
	w.Devices = nil
	if device != "" {
		w.Users[0].RequireMFA = true
		w.Devices = []sandbox.Device{{Serial: w.DeviceARN(device), User: testbed.UserName}}
	}
	return w
}

func newRecipeMachine(t *testing.T, device string) *recipeMachine {
	t.Helper()
	need(t, "bwrap", "apt-get install bubblewrap")
	need(t, systemPython, "apt-get install python3")
	b := bed(t, testbed.Options{Bare: true, Sandbox: sandbox.Options{World: recipeWorld(device)}})
	m := &recipeMachine{Bed: b, root: filepath.Join(b.Dir, "root")}
	m.secrets = m.userSecrets()
	for _, dir := range []string{"etc", "home/alice", "var/cache", "run", "shm", "usr-local/bin"} {
		if err := os.MkdirAll(filepath.Join(m.root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	m.write(t, "/etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/bash\n", 0o644)
	m.write(t, "/etc/group", "root:x:0:\nalice:x:1000:\n", 0o644)
	m.write(t, "/etc/hosts", "127.0.0.1 localhost "+machineName+"\n", 0o644)
	m.bind(binary, "/usr/local/bin/"+testbed.Program)
	m.copyDouble(t, "aws")
	m.write(t, "/usr/local/bin/sudo", "#!/bin/sh\nexec \"$@\"\n", 0o755) // alice may write everywhere
	needNamespaces(t, finish(t, m.command(t, "true")))
	return m
}

// copyDouble puts what stands in for a program onto the machine.
func (m *recipeMachine) copyDouble(t *testing.T, name string) {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(doubles, name))
	if err != nil {
		t.Fatal(err)
	}
	m.write(t, "/usr/local/bin/"+name, string(script), 0o755)
}

// key is the access key of the user.
func (m *recipeMachine) key() sandbox.Key {
	world := m.Server.World()
	return world.User(testbed.UserName).Keys[0]
}

// bind makes a file or directory of this computer visible on the machine, to be read only.
func (m *recipeMachine) bind(here, there string) {
	m.binds = append(m.binds, "--ro-bind", here, there)
}

// path returns where a file of the machine is on this computer.
func (m *recipeMachine) path(path string) string {
	path = strings.Replace(path, "/usr/local/", "/usr-local/", 1)
	return filepath.Join(m.root, strings.Replace(path, "/dev/shm", "/shm", 1))
}

func (m *recipeMachine) write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	writeFile(t, m.path(path), content)
	if err := os.Chmod(m.path(path), mode); err != nil {
		t.Fatal(err)
	}
}

// env is the environment of a shell of alice's.
func (m *recipeMachine) env() []string {
	return append(m.way(), "HOME="+aliceHome, "USER=alice", "LOGNAME=alice", "SHELL=/bin/bash", "LANG=C.UTF-8", "PATH="+usualPath)
}

// way is what every environment of the machine has in addition: the way to the sandbox instead
// of to AWS.
func (m *recipeMachine) way() []string {
	return append([]string{
		"AWS_ENDPOINT_URL_STS=" + m.Server.URL(), "AWS_ENDPOINT_URL_IAM=" + m.Server.URL(),
		"AWS_EC2_METADATA_DISABLED=true", "CHECKPOINT_DISABLE=1", "CDK_DISABLE_CLI_TELEMETRY=true",
	}, m.more...)
}

// run runs a command on the machine, in the directory dir of it, with the environment env and
// nothing else.
func (m *recipeMachine) run(t *testing.T, dir string, env []string, argv ...string) outcome {
	t.Helper()
	if m.agent == nil {
		m.boot(t)
	}
	var answer struct {
		Code           int
		Stdout, Stderr string
	}
	request := struct {
		Dir       string
		Env, Argv []string
	}{dir, env, argv}
	if err := json.NewEncoder(m.agent).Encode(request); err != nil {
		t.Fatal(err)
	}
	if err := m.answers.Decode(&answer); err != nil {
		t.Fatalf("the machine does not answer: %v", err)
	}
	return outcome{stdout: answer.Stdout, stderr: answer.Stderr, code: answer.Code}
}

// boot starts the machine: namespaces that last until the end of the test, and with them the
// kernel's keyring of alice.
func (m *recipeMachine) boot(t *testing.T) {
	t.Helper()
	cmd := m.command(t, systemPython, "/agent")
	cmd.Env, cmd.Stderr = []string{"LANG=C.UTF-8"}, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	m.agent, m.answers = in, json.NewDecoder(out)
}

// command returns what runs a program on the machine, in namespaces of its own.
func (m *recipeMachine) command(t *testing.T, argv ...string) *exec.Cmd {
	t.Helper()
	agent, err := filepath.Abs(filepath.Join(doubles, "agent"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--unshare-user", "--uid", "1000", "--gid", "1000", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", machineName, "--die-with-parent",
		"--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
		"--bind", filepath.Join(m.root, "etc"), "/etc", "--ro-bind-try", "/etc/alternatives", "/etc/alternatives",
		"--bind", filepath.Join(m.root, "home"), "/home", "--bind", filepath.Join(m.root, "var"), "/var", "--bind", filepath.Join(m.root, "run"), "/run",
		"--bind", filepath.Join(m.root, "usr-local"), "/usr/local", "--ro-bind", agent, "/agent",
		"--proc", "/proc", "--dev", "/dev", "--bind", filepath.Join(m.root, "shm"), "/dev/shm", "--tmpfs", "/tmp",
	}
	return exec.CommandContext(t.Context(), "bwrap", slices.Concat(args, m.binds, []string{"--"}, argv)...)
}

// shell runs a script with bash, as the reader would who pastes it.
func (m *recipeMachine) shell(t *testing.T, dir, script string) outcome {
	t.Helper()
	return m.run(t, dir, m.env(), "/bin/bash", "-euo", "pipefail", "-c", script)
}

// userSecrets returns the access keys and seeds that the user has.
func (m *recipeMachine) userSecrets() []string {
	world := m.Server.World()
	var secrets []string
	for _, key := range world.User(testbed.UserName).Keys {
		secrets = append(secrets, key.Secret)
	}
	for _, device := range world.Devices {
		secrets = append(secrets, device.Seed)
	}
	return secrets
}

// wantNoSecretIn fails the test if a text has a long-lived secret that the user has, or had.
func (m *recipeMachine) wantNoSecretIn(t *testing.T, what, text string) {
	t.Helper()
	for _, secret := range append(m.userSecrets(), m.secrets...) {
		if strings.Contains(text, secret) {
			t.Errorf("%s has a secret", what)
		}
	}
}

// wantNoSecretAt fails the test if a file below a directory of the machine has one.
func (m *recipeMachine) wantNoSecretAt(t *testing.T, dir string) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(m.path(dir), func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		seen++
		content, err := os.ReadFile(path)
		m.wantNoSecretIn(t, path, string(content))
		return err
	})
	if err != nil || seen == 0 {
		t.Errorf("%s: %d files, %v", dir, seen, err)
	}
}

// finish runs cmd to its end.
func finish(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	got := outcome{stdout: stdout.String(), stderr: stderr.String()}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got.code = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("%s: %v", cmd.Path, err)
	}
	return got
}

// jsonOfYAML converts YAML with a real parser.
func jsonOfYAML(t *testing.T, text string) string {
	t.Helper()
	if err := exec.Command(systemPython, "-c", "import yaml").Run(); err != nil {
		missing(t, "a YAML parser", "apt-get install python3-yaml")
	}
	cmd := exec.CommandContext(t.Context(), systemPython, "-c", "import json,sys,yaml; json.dump(yaml.safe_load(sys.stdin),sys.stdout)")
	cmd.Stdin = strings.NewReader(text)
	got := finish(t, cmd)
	if got.code != 0 {
		t.Fatalf("not YAML: %s", got.stderr)
	}
	return got.stdout
}
