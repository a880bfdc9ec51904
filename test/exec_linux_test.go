package test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// execWork runs `exec --profile work` with more arguments.
func execWork(t *testing.T, b *testbed.Bed, env []string, args ...string) outcome {
	t.Helper()
	return run(t, b, env, b.Binary, append([]string{"exec", "--profile", "work"}, args...)...)
}

// ofSession are the variables of a session, as exec sets them.
func ofSession(c processJSON) []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + c.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey, "AWS_SESSION_TOKEN=" + c.SessionToken,
		"AWS_CREDENTIAL_EXPIRATION=" + c.Expiration.Format("2006-01-02T15:04:05Z"),
	}
}

// TestExecEnvironment compares all that the command finds in its environment.
func TestExecEnvironment(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	session := ofSession(mustGet(t, b))
	earlier := []string{
		"AWS_ACCESS_KEY_ID=AKIAOTHEROTHEROTHER1", "AWS_SECRET_ACCESS_KEY=x", "AWS_SESSION_TOKEN=", "AWS_SECURITY_TOKEN=x", "AWS_SESSION_EXPIRATION=x", "AWS_CREDENTIAL_EXPIRATION=x",
		"AWS_DEFAULT_PROFILE=x", "AWS_ROLE_ARN=x", "AWS_ROLE_SESSION_NAME=x", "AWS_WEB_IDENTITY_TOKEN_FILE=x", "AWS_CONTAINER_CREDENTIALS_FULL_URI=x",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=x", "AWS_CONTAINER_AUTHORIZATION_TOKEN=x", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=x", "AWS_VAULT=x", "AWS_MFA_PROFILE=x",
		"AWS_MFA_CREDS_SEED_FILE=", "AWS_MFA_CREDS_SHARED_CACHE=off",
	}
	others := []string{"DBUS_SESSION_BUS_ADDRESS=unix:path=/x", "EMPTY=", "LINES=a\nb", "AWS_DEFAULT_REGION=eu-west-3"}
	var kept []string
	for _, pair := range b.Env() {
		if (!strings.HasPrefix(pair, "AWS_MFA_CREDS_") || strings.HasPrefix(pair, "AWS_MFA_CREDS_HOME=")) && !strings.HasPrefix(pair, "AWS_PROFILE=") {
			kept = append(kept, pair)
		}
	}
	regions := func(name string) []string { return []string{"AWS_REGION=" + name, "AWS_DEFAULT_REGION=" + name} }
	for what, test := range map[string]struct {
		args []string
		want []string
	}{
		"region of the profile": {nil, regions("us-east-1")},
		"region of the flag":    {[]string{"--region", "eu-north-1"}, regions("eu-north-1")},
		"region of the shell":   {[]string{"--profile", "elsewhere"}, []string{"AWS_DEFAULT_REGION=eu-west-3"}},
	} {
		if err := b.AddConfig("[profile elsewhere]\ncredential_process = " + b.Binary + " get --profile work\n"); what == "region of the shell" && err != nil {
			t.Fatal(err)
		}
		got := execWork(t, b, append(earlier, others...), append(test.args, "--", "env", "-0")...)
		found := strings.Split(strings.TrimSuffix(got.stdout, "\x00"), "\x00")
		want := slices.Concat(kept, others[:3], session, test.want)
		slices.Sort(found)
		if slices.Sort(want); got.code != 0 || got.stderr != "" || !slices.Equal(found, want) {
			t.Errorf("%s: exit %d, stderr %q, environment\n%q, want\n%q", what, got.code, got.stderr, found, want)
		}
	}
	wantMints(t, b, 1)
}

// TestExecIsTransparent compares what the kernel says of a command with and without exec before it: limits,
// signals, files, working directory, file mode mask. It also is the same process.
func TestExecIsTransparent(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	mustGet(t, b)
	said := regexp.MustCompile(`(?m)^(Max .*|(Umask|Sig[BIC]|NoNewPrivs|Seccomp).*|[0-9/].*)\n`)
	for what, before := range map[string]string{
		"plain": "", "nohup": "trap '' HUP;", "background": "trap '' INT;", "no core": "ulimit -c 0;", "core": "ulimit -S -c 1000;", "few files": "ulimit -S -n 100;",
		"a file": "exec 9</dev/null;", "umask": "umask 027; cd /;", "no input": "exec </dev/null;",
	} {
		for _, look := range []string{"cat /proc/self/limits /proc/self/status", "ls /proc/self/fd", "readlink /proc/self/cwd"} {
			plain := run(t, b, nil, "/bin/bash", "-c", before+"exec "+look)
			with := run(t, b, nil, "/bin/bash", "-c", before+`exec "$0" exec --profile work -- `+look, b.Binary)
			want, got := said.FindAllString(plain.stdout, -1), said.FindAllString(with.stdout, -1)
			if with.code != 0 || with.stderr != "" || len(got) == 0 || !slices.Equal(got, want) {
				t.Errorf("%s, %s: exit %d, stderr %q\n%q\nwithout exec:\n%q", what, look, with.code, with.stderr, got, want)
			}
		}
	}
	var out strings.Builder
	cmd := b.Command(t.Context(), b.Binary, "exec", "--profile", "work", "--", "sh", "-c", "echo $$; cat /proc/$$/cmdline")
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil || !strings.HasPrefix(out.String(), strconv.Itoa(cmd.Process.Pid)+"\nsh\x00-c\x00") {
		t.Errorf("process %d: %q, %v", cmd.Process.Pid, out.String(), err)
	}
}

// TestExecExitCodes has the command end in all ways, and not begin.
func TestExecExitCodes(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	mustGet(t, b)
	for _, code := range []int{0, 1, 2, 3, 12, 64, 125, 126, 127, 128, 130, 254, 255} {
		if got := execWork(t, b, nil, "--", "sh", "-c", "exit "+strconv.Itoa(code)); got.code != code || got.stderr != "" {
			t.Errorf("exit %d, want %d: %s", got.code, code, got.stderr)
		}
	}
	script, plain := filepath.Join(b.Dir, "script"), filepath.Join(b.Dir, "plain")
	writeFile(t, script, "echo $0 $1\n")
	must(t, os.Chmod(script, 0o700))
	writeFile(t, plain, "x")
	if got := execWork(t, b, nil, "--", script, "as execvp(3) runs it"); got.stdout != script+" as execvp(3) runs it\n" {
		t.Errorf("a script without #!: exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	writeFile(t, filepath.Join(b.Home(), "dotted"), "#!/bin/sh\nexit 7\n")
	must(t, os.Chmod(filepath.Join(b.Home(), "dotted"), 0o700))
	if got := execWork(t, b, []string{"PATH=."}, "--", "dotted"); got.code != 7 {
		t.Errorf("PATH=.: exit %d: %s", got.code, got.stderr)
	}
	mints := calls(b, "GetSessionToken")
	for command, code := range map[string]int{"no-such-command": 127, "/no/such/command": 127, plain: 126, b.Dir: 126, "dotted": 127} {
		got := run(t, b, []string{"AWS_MFA_CREDS_HOME=" + t.TempDir()}, b.Binary, "exec", "--profile", "work", "--", command)
		if got.code != code || !strings.HasPrefix(got.stderr, "aws-mfa-creds: error: exec "+command+": ") || got.stdout != "" {
			t.Errorf("%s: exit %d, want %d: %s", command, got.code, code, got.stderr)
		}
	}
	if calls(b, "GetSessionToken") != mints {
		t.Error("a code was spent for a command that cannot be run")
	}
}

// TestExecSignals sends the command signals, without a terminal, and has one of them end it.
func TestExecSignals(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--region=us-east-1", "--serve"} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{})
			log := filepath.Join(b.Dir, "log")
			cmd := b.Command(context.WithoutCancel(t.Context()), b.Binary, "exec", "--profile", "work", flag, "--", "bash", "-c",
				`for s in INT HUP WINCH QUIT USR1; do trap "echo $s >>$0" $s; done; echo ready >>$0; while :; do sleep 0.01; done`, log)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal
			must(t, cmd.Start())
			said := func(word string) func() bool {
				return func() bool { text, _ := os.ReadFile(log); return strings.Contains(string(text), word+"\n") }
			}
			eventually(t, "the command runs", said("ready"))
			for name, number := range map[string]syscall.Signal{"INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "WINCH": syscall.SIGWINCH, "QUIT": syscall.SIGQUIT, "USR1": syscall.SIGUSR1} {
				must(t, cmd.Process.Signal(number))
				eventually(t, "SIG"+name+" arrives", said(name))
			}
			must(t, cmd.Process.Signal(syscall.SIGTERM))
			_ = cmd.Wait()
			status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if flag == "--serve" && status.ExitStatus() != 128+int(syscall.SIGTERM) || flag != "--serve" && status.Signal() != syscall.SIGTERM {
				t.Errorf("ended with %v", cmd.ProcessState)
			}
		})
	}
}

// TestExecJobControl stops and continues a command on a real terminal, in an interactive shell, and ends it with Ctrl-C.
// Until it is stopped the command reads nothing, as it could take what is typed for the shell, and starts nothing: sh
// does that with vfork(2), and Ctrl-Z between that and exec stops the child alone.
func TestExecJobControl(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--region=us-east-1", "--serve"} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{})
			shell := b.Command(t.Context(), "bash", "--norc", "-i")
			shell.Env = append(shell.Env, "PS1=ready> ", "EXEC="+b.Binary+" exec --profile work "+flag, "GO="+filepath.Join(b.Dir, "go"))
			console, err := terminal.Start(shell)
			must(t, err)
			for _, step := range [][2]string{
				{"ready> ", "$EXEC -- sh -c 'echo be\"\"gun; until [ -e $GO ]; do :; done; echo go\"\"es on; read -r line; echo \"$line\"; read -r line; echo never'\n"},
				{"begun", "\x1a"},
				{"Stopped", "jobs; touch $GO; fg\n"},
				{"Stopped", ""},
				{"goes on", "one line\n"},
				{"one line\r\none line", "\x03"},
				{"ready> ", "echo code $?\n"},
				{"code 130", "$EXEC -- sh -c 'stty size; trap \"stty size; exit 5\" WINCH; echo wai\"\"ting; while :; do sleep 0.01; done'\n"},
				{"waiting", "resize"},
				{"24 77", ""},
				{"ready> ", "echo code $?\n"},
				{"code 5", "exit\n"},
			} {
				must(t, console.Expect(step[0]))
				if step[1] == "resize" {
					must(t, console.Resize(77))
					continue
				}
				must(t, console.Type(step[1]))
			}
			if _, err := console.Wait(); err != nil || strings.Contains(strings.ReplaceAll(console.Shown(), "echo never", ""), "never") {
				t.Errorf("%v: %s", err, console.Shown())
			}
		})
	}
}

// TestExecServe has the command find an endpoint, and no session, that ends with it.
func TestExecServe(t *testing.T) {
	t.Parallel()
	b := deployBed(t, testbed.Options{})
	got := run(t, b, []string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x"}, b.Binary, "exec", "deploy", "--serve", "--", "env")
	uri := regexp.MustCompile(`(?m)^AWS_CONTAINER_CREDENTIALS_FULL_URI=(http://127\.0\.0\.1:\d+/deploy)$`).FindStringSubmatch(got.stdout)
	if got.code != 0 || got.stderr != "" || uri == nil || !regexp.MustCompile(`(?m)^AWS_CONTAINER_AUTHORIZATION_TOKEN=[\w-]{43,}$`).MatchString(got.stdout) ||
		regexp.MustCompile(`(?m)^AWS_(PROFILE|MFA_PROFILE|MFA_CREDS_[A-GI-Z]|ACCESS_KEY_ID|SECRET|SESSION|CREDENTIAL_EXPIRATION|CONTAINER_CREDENTIALS_RELATIVE)`).MatchString(got.stdout) ||
		!strings.Contains(got.stdout, "AWS_REGION=eu-west-1\n") {
		t.Fatalf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	for _, aws := range awsCLIs(t) {
		got := run(t, b, nil, b.Binary, "exec", "deploy", "--serve", "--", aws, "sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--endpoint-url", b.Server.URL())
		if got.stdout != "arn:aws:sts::123456789012:assumed-role/deploy/aws-mfa-creds\n" || got.stderr != "" {
			t.Errorf("%s: exit %d: %s%s", aws, got.code, got.stdout, got.stderr)
		}
	}
	for script, code := range map[string]int{"exit 77": 77, "kill -9 $$": 137, "kill -TERM $$": 143} {
		if got := run(t, b, nil, b.Binary, "exec", "deploy", "--serve", "--", "sh", "-c", script); got.code != code || got.stderr != "" {
			t.Errorf("%s: exit %d: %s", script, got.code, got.stderr)
		}
	}
	need(t, "curl", "apt-get install curl")
	reader, closed, err := os.Pipe()
	must(t, err)
	must(t, reader.Close())
	cmd := b.Command(t.Context(), b.Binary, "exec", "deploy", "--serve", "--", "sh", "-c", `curl -s "$AWS_CONTAINER_CREDENTIALS_FULL_URI"; curl -sf -H "Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN" "$AWS_CONTAINER_CREDENTIALS_FULL_URI" && exit 77`)
	cmd.Stderr = closed
	if _ = cmd.Run(); cmd.ProcessState.ExitCode() != 77 {
		t.Errorf("nobody reads what is said of a wrong token: %v", cmd.ProcessState)
	}
	must(t, closed.Close())
	if got := run(t, b, nil, b.Binary, "exec", "deploy", "--serve", "--", "no-such-command"); got.code != 127 {
		t.Errorf("no such command: exit %d: %s", got.code, got.stderr)
	}
	wantMints(t, b, 1)
	must(t, b.AddConfig("[default]\ncredential_process = "+b.Binary+" get --profile work\n")) // SDKs ask it before an endpoint
	if got := run(t, b, nil, b.Binary, "exec", "deploy", "--serve", "--", "env"); got.code != 3 || got.stdout != "" {
		t.Errorf("beside another default: exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	if got := run(t, b, nil, b.Binary, "exec", "work", "--serve", "--", "true"); got.code != 0 {
		t.Errorf("beside the same default: exit %d: %s", got.code, got.stderr)
	}
}

// TestExecShell starts the user's shell, which refuses another one within.
func TestExecShell(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	writeFile(t, filepath.Join(b.Dir, "shell"), "#!/bin/bash\necho \"shell $#\"\nexec /bin/sh\n")
	must(t, os.Chmod(filepath.Join(b.Dir, "shell"), 0o700))
	shell := func(line string, env ...string) outcome {
		cmd := fmt.Sprintf("%s exec --profile work", b.Binary)
		return run(t, b, append([]string{"LINE=" + line}, env...), "/bin/sh", "-c", `printf '%s\n' "$LINE" | `+cmd)
	}
	inside := "HOME=" + b.Home() + " AWS_MFA_CREDS_HOME=" + b.Own() + " " + b.Binary + " exec --profile work"
	own := "SHELL=" + filepath.Join(b.Dir, "shell")
	if got := shell("echo $AWS_MFA_PROFILE ${AWS_ACCESS_KEY_ID%${AWS_ACCESS_KEY_ID#ASIA}}; exit 9", own); got.stdout != "shell 0\nwork ASIA\n" || got.code != 9 {
		t.Errorf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	if got := shell("echo $0 $AWS_MFA_PROFILE", "SHELL="); got.stdout != "/bin/sh work\n" {
		t.Errorf("without SHELL: exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	if got := shell(inside, own); got.code != 2 || !strings.Contains(got.stderr, `exec: this shell has the session of profile "work" already`) {
		t.Errorf("nested: exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	// The secrets are not in there: the cached session is that of the env store.
	secrets := strings.Join(b.Env()[len(b.Env())-4:], " ") + " "
	if got := shell(secrets+inside+" --nested </dev/null", own); got.code != 0 || got.stdout != "shell 0\nshell 0\n" {
		t.Errorf("--nested: exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	if got := shell(secrets+inside+" -- env | grep -c '^AWS_MFA_PROFILE'", own); got.stdout != "shell 0\n0\n" {
		t.Errorf("a command within: exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
}

// TestExecKeepsSecrets searches what all may see of exec, and what the command gets, for the secrets that rest.
func TestExecKeepsSecrets(t *testing.T) {
	t.Parallel()
	strace := need(t, "strace", "apt-get install strace")
	b := bed(t, testbed.Options{})
	all, arguments := newCanary(t), newCanary(t)
	all.add("secret access key", b.Identity().SecretAccessKey)
	all.add("seed", b.Identity().Seed)
	c := mustGet(t, b)
	for _, secret := range append([]string{c.SecretAccessKey, c.SessionToken}, b.Secrets()...) {
		arguments.add("secret", secret)
	}
	trace := filepath.Join(b.Dir, "trace")
	got := run(t, b, nil, strace, "-f", "-s", "9999", "-v", "-o", trace, "-e", "trace=execve,write,sendto,connect", b.Binary, "exec", "--profile", "work", "--debug", "--", "sh", "-c",
		"tr '\\0' '\\n' </proc/$$/environ; cat /proc/$$/environ >&2; cat /proc/$$/environ | wc -c")
	all.search("the environment of the command", []byte(got.stdout+got.stderr))
	text, err := os.ReadFile(trace)
	must(t, err)
	var calls []string
	for _, line := range strings.Split(string(text), "\n") {
		if argv, environ, ok := strings.Cut(line, `], [`); ok && strings.Contains(line, "execve(") {
			arguments.search("an argument", []byte(argv))
			if calls = append(calls, argv); len(calls) > 1 { // the first is that of strace
				all.search("the environment of execve", []byte(environ))
			}
		}
	}
	if got.code != 0 || len(calls) < 2 || !strings.Contains(got.stdout, c.SessionToken) {
		t.Errorf("exit %d, %d calls of execve: %s", got.code, len(calls), got.stderr)
	}
	arguments.search("what --debug says", []byte(strings.SplitN(got.stderr, "\x00", 2)[0]))
}

// TestExecConsumers runs the AWS CLI and Terraform, which have no profile then, and fail where AWS does.
func TestExecConsumers(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	if err := b.AddProfile("deploy", "--role-arn", roleARN); err != nil {
		t.Fatal(err)
	}
	for profile, arn := range map[string]string{"work": "arn:aws:iam::123456789012:user/alice", "deploy": "arn:aws:sts::123456789012:assumed-role/deploy/aws-mfa-creds"} {
		for _, aws := range awsCLIs(t) {
			got := run(t, b, nil, b.Binary, "exec", "--profile", profile, "--", aws, "sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--endpoint-url", b.Server.URL())
			if got.stdout != arn+"\n" {
				t.Errorf("%s: exit %d: %s%s", aws, got.code, got.stdout, got.stderr)
			}
		}
	}
	if got := run(t, b, nil, b.Binary, "exec", "--profile", "deploy", "--duration", "2h", "--", "sh", "-c", "echo $AWS_CREDENTIAL_EXPIRATION"); got.code != 0 {
		t.Errorf("--duration: exit %d: %s", got.code, got.stderr)
	} else if again := run(t, b, nil, b.Binary, "get", "--profile", "deploy", "--role-arn", roleARN, "--duration", "2h"); !strings.Contains(again.stdout, strings.TrimSpace(got.stdout)) {
		t.Errorf("--duration gave a session until %s, get has %s", got.stdout, regexp.MustCompile(`"Expiration":"[^"]*"`).FindString(again.stdout))
	}
	refused := run(t, b, []string{"AWS_MFA_CREDS_SEED=" + strings.Repeat("A", 32), "AWS_MFA_CREDS_HOME=" + t.TempDir()}, b.Binary, "exec", "--profile", "work", "--", "touch", filepath.Join(b.Dir, "ran"))
	if _, err := os.Stat(filepath.Join(b.Dir, "ran")); refused.code != 6 || err == nil {
		t.Errorf("the command ran without a session: exit %d: %s, %v", refused.code, refused.stderr, err)
	}
}
