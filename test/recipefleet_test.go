//go:build linux

package test

import (
	"encoding/json"
	"os"
	"path"
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
	r.write(t, "/etc/hosts", "127.0.0.1 localhost cache.example.com aws-cache "+machineName+"\n", 0o644)
	r.write(t, "/usr/local/bin/valkey-server", "#!/bin/sh\nexec redis-server \"$@\"\n", 0o755)
	r.runners["start"] = func(t *testing.T, _ block, text string) string { return r.serve(t, text, r.with["6379"]) }
}

// serve starts a server on the machine, and waits until it takes connections at port.
func (r *recipe) serve(t *testing.T, command, port string) string {
	t.Helper()
	script := block{language: "sh"}
	r.inShell(t, script, "("+strings.TrimSpace(command)+") >/dev/null 2>&1 & disown")
	return r.inShell(t, script, "until (: </dev/tcp/127.0.0.1/"+port+"); do sleep 0.1; done 2>/dev/null")
}

// sharedCache has the server of the recipe for it run on the machine, which knows its authority as it knows that of
// a managed server. Its password is in the file "password".
func (r *recipe) sharedCache(t *testing.T) {
	t.Helper()
	if r.runners["start"] == nil {
		r.valkey(t)
	}
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

// manifest is what of Kubernetes the recipe uses. A field that is not here is an error, as it is there.
type manifest struct {
	APIVersion string
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		Replicas, Completions, Parallelism int
		Ports                              []struct{ Port, ContainerPort int }
		Selector                           map[string]any
		Template                           struct {
			Metadata struct{ Labels map[string]any }
			Spec     podSpec
		}
	}
}

type podSpec struct {
	RestartPolicy                string
	AutomountServiceAccountToken *bool
	SecurityContext              struct {
		RunAsNonRoot       bool
		RunAsUser, FSGroup int
	}
	Containers []podContainer
	Volumes    []struct {
		Name   string
		Secret struct {
			SecretName  string
			DefaultMode os.FileMode
		}
	}
}

type podContainer struct {
	Name, Image   string
	Command, Args []string
	Ports         []struct{ Port, ContainerPort int }
	Resources     struct{ Limits map[string]string }
	Env           []struct{ Name, Value string }
	VolumeMounts  []struct {
		Name, MountPath string
		ReadOnly        bool
	}
}

// kubernetesRecipe is a cluster of one machine. What kubectl has created is in /var/secrets; each pod of a job is
// namespaces of its own.
func kubernetesRecipe(t *testing.T) *recipe {
	t.Helper()
	r, key, seed, _ := ciRecipe(t, "ci")
	r.with["cache.example.com"] = "aws-cache"
	r.valkey(t)
	start := r.runners["start"]
	r.runners["start"] = func(*testing.T, block, string) string { return "" } // the cluster starts it
	r.sharedCache(t)
	r.runners["start"] = start
	r.dir = "/etc/valkey"
	r.write(t, "/etc/valkey/secret-access-key", key.Secret, 0o600)
	r.write(t, "/etc/valkey/seed", seed, 0o600)
	r.copyDouble(t, "kubectl")
	r.runners["kubernetes"] = func(t *testing.T, b block, text string) (printed string) {
		for _, document := range strings.Split(text, "---\n") {
			var m manifest
			decoder := json.NewDecoder(strings.NewReader(jsonOfYAML(t, document)))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&m); err != nil {
				t.Fatalf("%s:%d: %v", b.page, b.line, err)
			}
			printed += r.apply(t, m)
		}
		return printed
	}
	r.check = nil // what the Secrets are made from is the reader's to delete
	return r
}

// apply does what a cluster does with a manifest.
func (r *recipe) apply(t *testing.T, m manifest) string {
	t.Helper()
	if m.Kind == "Service" {
		return "" // the name is in /etc/hosts
	}
	pod := m.Spec.Template.Spec
	c := pod.Containers[0]
	for i, mount := range c.VolumeMounts {
		if volume := pod.Volumes[i]; volume.Name != mount.Name {
			t.Fatalf("no volume %s", mount.Name)
		}
		r.mount(t, pod.Volumes[i].Secret.SecretName, mount.MountPath, pod.Volumes[i].Secret.DefaultMode)
	}
	if m.Kind == "Deployment" {
		return r.runners["start"](t, block{language: "sh"}, strings.Join(c.Command, " "))
	}
	env := append(r.way(), "PATH="+usualPath, "pods="+strconv.Itoa(m.Spec.Parallelism))
	for _, v := range c.Env {
		env = append(env, v.Name+"="+v.Value)
	}
	const pods = `for i in $(seq "$pods"); do
			bwrap --ro-bind / / --proc /proc --dev /dev --tmpfs /dev/shm --tmpfs /tmp --unshare-user --unshare-uts --hostname "report-$i" -- "$@" 2>&1 || echo "pod $i failed" &
		done; wait`
	got := r.run(t, "/", env, append([]string{"/bin/bash", "-c", pods, "bash"}, append(c.Command, c.Args...)...)...)
	if n := strings.Count(got.stdout, ":user/alice\n"); n != m.Spec.Completions {
		t.Errorf("%d of %d pods: %s%s", n, m.Spec.Completions, got.stdout, got.stderr)
	}
	wantMints(t, r.Bed, 1)
	return got.stdout
}

// mount puts a Secret where a container sees it: each file is a link, through a link that the kubelet replaces.
func (r *recipe) mount(t *testing.T, secret, at string, mode os.FileMode) {
	t.Helper()
	files := r.handedOver(t, "/var/secrets/"+secret)
	must(t, os.RemoveAll(r.path(at)))
	for name, content := range files {
		r.write(t, at+"/..2026/"+name, content+"\n", mode)
		must(t, os.Symlink("..data/"+name, r.path(path.Join(at, name))))
	}
	must(t, os.Symlink("..2026", r.path(at+"/..data")))
}
