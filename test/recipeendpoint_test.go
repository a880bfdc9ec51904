//go:build linux

package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// freePort returns a port of loopback that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	must(t, err)
	must(t, listener.Close())
	return port
}

// inBackground runs the endpoint of a page until the end of the test.
func (r *recipe) inBackground(t *testing.T, b block, text string) string {
	t.Helper()
	return r.inShell(t, b, "{ "+strings.TrimSpace(text)+"; } >$HOME/serve.log 2>&1 &\nuntil grep -q export $HOME/serve.log; do kill -0 $! || { cat $HOME/serve.log; exit 1; }; sleep 0.1; done\ncat $HOME/serve.log")
}

// sshRecipe has a remote host: a machine of its own, with a real sshd, which knows alice's public key and
// nothing of AWS but where it is.
func sshRecipe(t *testing.T) *recipe {
	t.Helper()
	need(t, "ssh", "apt-get install openssh-client")
	sshd := need(t, "/usr/sbin/sshd", "apt-get install openssh-server")
	r := beginner(t)
	remote := newRecipeMachine(t, "")
	port := freePort(t)
	r.with["9911"], r.with["9912"] = freePort(t), freePort(t)
	if got := r.shell(t, aliceHome, "umask 077; mkdir .ssh; ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519; cat .ssh/id_ed25519.pub"); got.code == 0 {
		remote.write(t, aliceHome+"/.ssh/authorized_keys", got.stdout, 0o600)
	} else {
		t.Fatal(got.stderr)
	}
	r.write(t, aliceHome+"/.ssh/config", "Host build.example.com\n  HostName 127.0.0.1\n  Port "+port+"\n  StrictHostKeyChecking accept-new\n", 0o600)
	remote.write(t, "/etc/sshd_config", fmt.Sprintf("ListenAddress 127.0.0.1:%s\nHostKey /etc/host_key\nPidFile none\nStrictModes no\nSetEnv PATH=%s %s\n", port, usualPath, strings.Join(r.way(), " ")), 0o600)
	if got := remote.shell(t, "/", "mkdir -p /run/sshd; ssh-keygen -q -t ed25519 -N '' -f /etc/host_key; "+sshd+" -f /etc/sshd_config -E /var/sshd.log"); got.code != 0 {
		t.Fatal(got.stderr)
	}
	r.runners["serve"] = r.inBackground
	disk := r.check
	r.check = func(t *testing.T) {
		t.Helper()
		disk(t)
		remote.secrets = append(remote.secrets, r.secrets...)
		remote.wantNoSecretAt(t, "/")
	}
	return r
}

// pod is what testdata/recipes/pod runs.
type pod struct {
	Relay      string    // the socket of what is on Port outside
	Port       int       // of the sandbox
	Addresses  []string  // beside 127.0.0.1
	Waits      [2]string // the address and the port that have to be there before the last container begins
	Containers []container
}

type container struct {
	Env     map[string]string
	Volumes map[string]string // target: source
	Argv    []string
}

// runPod runs a pod on the machine, and returns what its last container prints.
func (r *recipe) runPod(t *testing.T, b block, p pod) string {
	t.Helper()
	target, err := url.Parse(r.Server.URL())
	must(t, err)
	p.Port, err = strconv.Atoi(target.Port())
	must(t, err)
	p.Relay = "/run/relay." + strconv.Itoa(b.line)
	relay(t, r.path(p.Relay), target.Host)
	for _, c := range p.Containers {
		for _, pair := range append(r.way(), "PATH="+usualPath, "HOME=/tmp", "LANG=C.UTF-8") {
			name, value, _ := strings.Cut(pair, "=")
			c.Env[name] = value
		}
	}
	text, err := json.Marshal(p)
	must(t, err)
	got := r.run(t, r.dir, r.env(), "/usr/local/bin/pod", string(text))
	if got.code != 0 {
		t.Fatalf("%s:%d: exit %d\n%s%s", b.page, b.line, got.code, got.stdout, got.stderr)
	}
	return got.stdout + got.stderr
}

// relay has a socket of the file system lead to an address: it can be reached from another network.
func relay(t *testing.T, socket, address string) {
	t.Helper()
	listener, err := net.Listen("unix", socket)
	must(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", address)
			if err != nil {
				near.Close()
				continue
			}
			go func() { _, _ = io.Copy(far, near); _ = far.(*net.TCPConn).CloseWrite() }()
			go func() { _, _ = io.Copy(near, far); near.Close() }()
		}
	}()
}

// containersRecipe has the secrets of an IAM user, and no container engine: see testdata/recipes/pod.
func containersRecipe(t *testing.T) *recipe {
	t.Helper()
	need(t, "ip", "apt-get install iproute2")
	need(t, "curl", "apt-get install curl")
	need(t, "docker-compose", "apt-get install docker-compose")
	r, key, seed, _ := ciRecipe(t, "app")
	r.dir, r.forgetful = aliceHome, true // each container has a cache of its own
	r.write(t, aliceHome+"/secret-access-key", key.Secret+"\n", 0o600)
	r.write(t, aliceHome+"/seed", seed+"\n", 0o600)
	r.copyDouble(t, "kubectl")
	r.copyDouble(t, "pod")
	r.runners["compose"] = r.composed
	r.runners["pod"] = r.podOf
	r.runners["devcontainer"] = r.devContainer
	r.check = nil
	return r
}

const endpointProgram = "/usr/local/bin/" + testbed.Program

// composed runs the services of compose.yaml.
func (r *recipe) composed(t *testing.T, b block, _ string) string {
	t.Helper()
	if got := r.shell(t, r.dir, "docker-compose -f compose.yaml config -q"); got.code != 0 {
		t.Fatalf("compose.yaml: %s", got.stderr)
	}
	content, err := os.ReadFile(r.path(r.dir + "/compose.yaml"))
	must(t, err)
	var file struct {
		Services map[string]struct {
			Entrypoint, Command string
			Environment         map[string]string
			Volumes             []string
		}
	}
	must(t, json.Unmarshal([]byte(jsonOfYAML(t, string(content))), &file))
	server, app := file.Services["credentials"], file.Services["app"]
	volumes := map[string]string{"/run/secrets/secret-access-key": r.dir + "/secret-access-key", "/run/secrets/seed": r.dir + "/seed"}
	for _, volume := range server.Volumes {
		parts := strings.Split(volume, ":")
		volumes[parts[1]] = path.Join(r.dir, parts[0])
		if path.IsAbs(parts[0]) {
			volumes[parts[1]] = parts[0]
		}
	}
	return r.runPod(t, b, pod{Addresses: []string{"169.254.170.2"}, Waits: [2]string{"169.254.170.2", "80"}, Containers: []container{
		{server.Environment, volumes, append(strings.Fields(server.Entrypoint), strings.Fields(server.Command)...)},
		{app.Environment, map[string]string{}, append([]string{"/usr/local/bin/aws"}, strings.Fields(app.Command)...)},
	}})
}

// podOf runs the containers of a pod.
func (r *recipe) podOf(t *testing.T, b block, text string) string {
	t.Helper()
	r.awaitFreshCode(t)
	type inPod struct {
		Command, Args []string
		Env           []struct {
			Name, Value string
			ValueFrom   struct{ SecretKeyRef struct{ Name, Key string } }
		}
		VolumeMounts []struct{ Name, MountPath string }
	}
	var file struct {
		Spec struct {
			InitContainers, Containers []inPod
			Volumes                    []struct {
				Name      string
				ConfigMap struct{ Name string }
				Secret    struct{ SecretName string }
			}
		}
	}
	must(t, json.Unmarshal([]byte(jsonOfYAML(t, text)), &file))
	const objects = "/var/secrets/"
	p := pod{Addresses: []string{}, Waits: [2]string{"127.0.0.1", "9911"}}
	for _, in := range append(file.Spec.InitContainers, file.Spec.Containers...) {
		c := container{Env: map[string]string{}, Volumes: map[string]string{}, Argv: append(in.Command, in.Args...)}
		if len(in.Command) == 0 {
			c.Argv = append([]string{"/usr/local/bin/aws"}, in.Args...)
		} else {
			c.Volumes[endpointProgram] = endpointProgram // which is in the image
		}
		for _, v := range in.Env {
			c.Env[v.Name] = v.Value
			if ref := v.ValueFrom.SecretKeyRef; ref.Name != "" {
				value, err := os.ReadFile(r.path(objects + ref.Name + "/" + ref.Key))
				must(t, err)
				c.Env[v.Name] = string(value)
			}
		}
		for _, mount := range in.VolumeMounts {
			for _, volume := range file.Spec.Volumes {
				if volume.Name == mount.Name {
					c.Volumes[mount.MountPath] = objects + volume.ConfigMap.Name + volume.Secret.SecretName
				}
			}
		}
		p.Containers = append(p.Containers, c)
	}
	return r.runPod(t, b, p)
}

// devContainer asks the endpoint of the host with what a dev container has. (Debian's AWS CLI does not know a
// token file.)
func (r *recipe) devContainer(t *testing.T, b block, text string) string {
	t.Helper()
	r.awaitFreshCode(t)
	var file struct {
		ContainerEnv map[string]string
		Mounts       []string
	}
	must(t, json.Unmarshal([]byte(text), &file))
	env := file.ContainerEnv
	source, target, _ := strings.Cut(strings.TrimPrefix(file.Mounts[0], "source=${localEnv:HOME}"), ",target=")
	if target, _, _ = strings.Cut(target, ","); target != env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
		t.Errorf("%s is mounted", target)
	}
	port := freePort(t)
	b.language = "sh"
	device := r.Server.World()
	r.inBackground(t, b, "AWS_CONFIG_FILE=aws-config AWS_MFA_CREDS_ACCESS_KEY_ID="+r.key().ID+" AWS_MFA_CREDS_SECRET_ACCESS_KEY_FILE=secret-access-key AWS_MFA_CREDS_SEED_FILE=seed AWS_MFA_CREDS_SERIAL="+
		device.DeviceARN("app")+" aws-mfa-creds serve --profile app --listen 127.0.0.1:"+port)
	return r.inShell(t, b, `curl -sf -H "Authorization: $(cat $HOME`+source+`)" `+strings.ReplaceAll(env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], "9911", port)+" | grep -o '.RoleArn.*role/app.'")
}

// awaitFreshCode waits until the codes that were sent from other computers are over.
func (r *recipe) awaitFreshCode(t *testing.T) {
	t.Helper()
	var last totp.Step
	for _, attempt := range r.Server.State().Attempts {
		last = max(last, totp.Step(attempt.Step))
	}
	time.Sleep(time.Until(last.End()))
}
