//go:build packages && linux

package packages

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// system is a clean Debian with an ordinary user, alice.
type system string

// debian makes a clean root, with what a person has who uses shells and manual pages. No mount of debootstrap outlives it.
func debian(t *testing.T) system {
	t.Helper()
	root := system(t.TempDir())
	sh(t, `eval "$(apt-config shell http_proxy Acquire::http::Proxy)"; export http_proxy
		mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -1 || true)
		unshare --mount debootstrap --variant=minbase --include=ca-certificates,bash-completion,zsh,fish,man-db bookworm $ROOT "${mirror:-http://deb.debian.org/debian}" >&2
		CGO_ENABLED=0 go build -o $ROOT/usr/local/bin/ ./cmd/aws-sandbox`, "ROOT="+string(root))
	root.as(t, "root", "useradd --create-home --shell /bin/bash alice")
	return root
}

// command returns a command that runs a script in the root, with little else in its environment.
func (root system) command(ctx context.Context, user, shell string, args ...string) *exec.Cmd {
	home := map[string]string{"root": "/root"}[user]
	if home == "" {
		home = "/home/" + user
	}
	// What is mounted goes when the command ends.
	const enter = `mount -t proc proc "$0/proc" && exec chroot "$0" runuser -u "$1" -- env -i HOME="$2" USER="$1" PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin LANG=C.UTF-8 TERM=xterm SHELL=/bin/bash "${@:3}"`
	return exec.CommandContext(ctx, "unshare", append([]string{"--mount", "bash", "-c", enter, string(root), user, home, shell}, args...)...)
}

// as runs a script in the root, and returns what it prints.
func (root system) as(t *testing.T, user, script string) string {
	t.Helper()
	cmd := root.command(t.Context(), user, "bash", "-euo", "pipefail", "-c", "cd; "+script)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %s\n%v\n%s%s", user, script, err, out, &stderr)
	}
	return string(out)
}

// files has each file of the system.
func (root system) files(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, dir := range []string{"/etc", "/usr", "/var/lib/dpkg/info"} {
		maps.Copy(all, tree(t, string(root)+dir))
	}
	return all
}

// life is what alice does: a profile is set up, and used before and after the upgrade of the package.
const life = `
export HOME=/home/alice
unset AWS_MFA_CREDS_HOME AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_PROFILE
PATH=/usr/bin:/bin # the package's program alone
aws-mfa-creds setup work --access-key-file "$KEY" --store age --yes
grep -F 'credential_process = /usr/bin/aws-mfa-creds get --profile work' ~/.aws/config
aws-mfa-creds clear work
until aws-mfa-creds get --profile work >cold; do [ $? = 9 ]; sleep 5; done # setup has spent the codes up to now
aws-mfa-creds get --profile work >warm
cmp cold warm
grep SessionToken cold >/dev/null
touch upgrade
until [ -e upgraded ]; do sleep 0.1; done
aws-mfa-creds get --profile work | cmp - cold
aws-mfa-creds list | grep work
aws-mfa-creds clear work
aws-mfa-creds get --profile work | grep SessionToken >/dev/null
`

// TestDebian installs the package in a clean root, lives with it, upgrades and removes it.
func TestDebian(t *testing.T) {
	root := debian(t)
	before := root.files(t)
	deb := packageOf(t, "amd64", ".deb")
	sh(t, `cp $DEB $ROOT/new.deb; dpkg-deb -R $DEB $OLD/old
		sed -i 's/^Version: .*/Version: 0.0.0~old-1/' $OLD/old/DEBIAN/control; touch $OLD/old/usr/share/doc/aws-mfa-creds/old
		dpkg-deb --root-owner-group -b $OLD/old $ROOT/old.deb`, "DEB="+deb, "ROOT="+string(root), "OLD="+t.TempDir())
	const install = "DEBIAN_FRONTEND=noninteractive apt-get -o APT::Sandbox::User=root install -y /%s.deb"
	root.as(t, "root", fmt.Sprintf(install, "old"))

	t.Run("doctor is silent", func(t *testing.T) {
		if got := root.as(t, "alice", "aws-mfa-creds doctor 2>&1"); got != "" {
			t.Errorf("%q", got)
		}
	})
	t.Run("upgrade", func(t *testing.T) {
		if err := os.WriteFile(string(root)+"/life", []byte("set -euxo pipefail"+life), 0o644); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
		defer stop()
		cmd := root.command(ctx, "alice", "aws-sandbox", "-laptop", "-binary", "/usr/bin/aws-mfa-creds", "--", "bash", "-c", "cd /home/alice; . /life")
		var said strings.Builder
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for _, err := os.Stat(string(root) + "/home/alice/upgrade"); err != nil; _, err = os.Stat(string(root) + "/home/alice/upgrade") {
			select {
			case err := <-ended:
				t.Fatalf("before the upgrade: %v\n%s", err, &said)
			case <-time.After(100 * time.Millisecond):
			}
		}
		root.as(t, "root", fmt.Sprintf(install, "new")+"; ! ls /usr/share/doc/aws-mfa-creds/old; touch /home/alice/upgraded")
		if err := <-ended; err != nil {
			t.Errorf("after the upgrade: %v\n%s", err, &said)
		}
	})
	t.Run("the sandbox's story", func(t *testing.T) {
		t.Log(root.as(t, "alice", "aws-sandbox -binary /usr/bin/aws-mfa-creds"))
	})
	t.Run("completion", root.completes)
	t.Run("manual pages", func(t *testing.T) {
		const script = `for page in %s; do MANWIDTH=80 man --warnings -P cat ${page##*.} ${page%%.*} 2>&1 >shown; grep -q ^NAME shown; done; rm shown`
		if got := root.as(t, "alice", fmt.Sprintf(script, strings.Join(pages(t, "", ""), " "))); got != "" {
			t.Errorf("man --warnings: %s", got)
		}
		root.as(t, "alice", "man -P cat aws-mfa-creds get | grep -q credential")
	})
	t.Run("removal", func(t *testing.T) {
		home := tree(t, string(root)+"/home/alice")
		root.as(t, "root", "dpkg --purge aws-mfa-creds")
		after := root.files(t)
		for name, file := range after {
			if before[name] != file && name != "/ld.so.cache" {
				t.Errorf("left behind: %s: %s", name, file)
			}
		}
		if len(after) != len(before) {
			t.Errorf("%d files before, %d after", len(before), len(after))
		}
		if !maps.Equal(home, tree(t, string(root)+"/home/alice")) {
			t.Error("files of the user were changed")
		}
	})
}

// completes has each shell complete a command, and a profile, in a new session of alice.
func (root system) completes(t *testing.T) {
	if got := root.as(t, "alice", `fish -c "complete -C 'aws-mfa-creds list --profile '; complete -C 'aws-mfa-creds resy'" | cut -f1`); got != "work\nresync\n" {
		t.Errorf("fish: %q", got)
	}
	root.as(t, "alice", `printf "PS1='ready> '\n" >>.bashrc; printf "autoload -U compinit; compinit\nunsetopt prompt_sp\nPS1='ready> '\n" >.zshrc`)
	for _, shell := range []string{"bash", "zsh"} {
		console, err := terminal.Start(root.command(t.Context(), "alice", shell, "-i"))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"cd; aws-mfa-creds li\t--profile w\t\n", "aws-mfa-creds list w\t\n", "exit\n"} {
			if err := console.Expect("ready> "); err != nil {
				t.Fatalf("%s: %v: %q", shell, err, console.Shown())
			}
			if err := console.Type(line); err != nil {
				t.Fatal(err)
			}
			if line == "exit\n" {
				break
			}
			if err := console.Expect("PROFILE "); err != nil {
				t.Fatalf("%s: %v: %q", shell, err, console.Shown())
			}
		}
		if code, err := console.Wait(); err != nil || code != 0 {
			t.Errorf("%s: exit %d, %v: %q", shell, code, err, console.Shown())
		}
	}
}
