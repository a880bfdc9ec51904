package test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// deployBed returns a machine with the profile deploy, of a role.
func deployBed(t *testing.T, o testbed.Options) *testbed.Bed {
	t.Helper()
	b := bed(t, o)
	must(t, b.AddConfig("[profile deploy]\nrole_arn = "+roleARN+"\nsource_profile = work\nregion = eu-west-1\n"))
	return b
}

// fakeBrowser returns a program that notes its arguments, goes where they lead, twice, and what it is told there.
func fakeBrowser(t *testing.T, b *testbed.Bed, then string) (program, log string) {
	t.Helper()
	curl := need(t, "curl", "apt-get install curl")
	program, log = filepath.Join(b.Dir, "a browser"), filepath.Join(b.Dir, "browser.log")
	visit := curl + ` -s -o /dev/null -w '%{http_code} %{redirect_url}\n' "$2" >>"` + log + `"` + "\n"
	writeFile(t, program, "#!/bin/sh\n"+`tr '\0' ' ' </proc/$$/cmdline >>"`+log+`"; echo >>"`+log+`"; env >"`+log+`.env"`+"\n"+
		curl+` -s -o /dev/null -w '%{http_code}\n' "${2%/*}/guessed" >>"`+log+`"`+"\n"+visit+visit+then)
	must(t, os.Chmod(program, 0o700))
	return program, log
}

// TestBrowser opens the console in a program that stands for the browser, and goes on from there as a browser does.
func TestBrowser(t *testing.T) {
	t.Parallel()
	b := deployBed(t, testbed.Options{})
	program, log := fakeBrowser(t, b, "")
	said := run(t, b, []string{"BROWSER='" + program + "' --new-window"}, b.Binary, "console", "deploy", "--service", "s3", "--debug")
	if said.code != 0 || !strings.Contains(said.stdout, "Opened the console as "+roleARN+" in your browser, until ") {
		t.Fatalf("exit %d: %s%s", said.code, said.stdout, said.stderr)
	}
	var lines []string
	eventually(t, "the browser has tried all", func() bool {
		text, _ := os.ReadFile(log)
		lines = strings.Split(string(text), "\n")
		return len(lines) == 5
	})
	login, ok := strings.CutPrefix(lines[2], "302 ")
	if !ok || lines[1] != "404" || lines[3] == lines[2] {
		t.Fatalf("the browser was led so: %q", lines)
	}
	c := mustGet(t, b, "--profile", "deploy")
	secrets := newCanary(t)
	for _, secret := range append(b.Secrets(), c.SecretAccessKey, c.SessionToken, login, queryOf(t, login).Get("SigninToken")) {
		secrets.add("credential", secret)
	}
	secrets.search("the browser's arguments", []byte(lines[0]))
	secrets.search("what is said", []byte(said.stdout+said.stderr))
	env, err := os.ReadFile(log + ".env")
	must(t, err)
	if secrets.search("the browser's environment", env); strings.Contains(strings.ReplaceAll(string(env), "AWS_MFA_CREDS_HOME=", ""), "AWS_MFA_CREDS_") {
		t.Error("variables of this program are in the browser's environment")
	}
	must(t, os.Remove(log))
	secrets.searchFiles(b.Dir)
	wantConsole(t, b, login, "https://console.aws.amazon.com/s3/home?region=eu-west-1")

	printed := mustRun(t, b, nil, "console", "deploy", "--print", "--region", "us-west-2")
	wantConsole(t, b, strings.TrimSpace(printed), "https://console.aws.amazon.com/console/home?region=us-west-2")
	long := mustRun(t, b, nil, "console", "deploy", "--print", "--duration", "2h") // not chained
	wantConsole(t, b, strings.TrimSpace(long), "https://console.aws.amazon.com/console/home?region=eu-west-1")
	if n := calls(b, "GetSessionToken"); n != 1 {
		t.Errorf("%d calls of GetSessionToken", n)
	}
}

func queryOf(t *testing.T, text string) url.Values {
	t.Helper()
	u, err := url.Parse(text)
	must(t, err)
	return u.Query()
}

// wantConsole signs a browser in with the URL of a login.
func wantConsole(t *testing.T, b *testbed.Bed, login, page string) {
	t.Helper()
	if got := run(t, b, nil, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", login); got.stdout != "302 "+page {
		t.Errorf("AWS answers to the URL with %q, want %s", got.stdout, page)
	}
}

// TestBrowserPartitions opens the consoles of China and GovCloud.
func TestBrowserPartitions(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	for partition, console := range map[string]string{"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"} {
		world := sandbox.DefaultWorld()
		world.Partition = partition
		world.Devices[0].Serial = strings.Replace(world.Devices[0].Serial, "arn:aws:", "arn:"+partition+":", 1)
		b := bed(t, testbed.Options{Sandbox: sandbox.Options{World: world}})
		region := map[string]string{"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}[partition]
		must(t, b.AddConfig("[profile r]\nrole_arn = "+strings.Replace(roleARN, "arn:aws:", "arn:"+partition+":", 1)+"\nsource_profile = p\nregion = "+region+"\n[profile p]\nregion = "+region+"\n"))
		got := run(t, b, nil, b.Binary, "console", "r", "--print")
		if got.code != 0 {
			t.Fatalf("exit %d: %s", got.code, got.stderr)
		}
		wantConsole(t, b, strings.TrimSpace(got.stdout), "https://"+console+"/console/home?region="+region)
	}
}

// TestBrowserRefuses has no session for the console, an endpoint that refuses, and browsers that do not come.
func TestBrowserRefuses(t *testing.T) {
	t.Parallel()
	b := deployBed(t, testbed.Options{})
	got := run(t, b, nil, b.Binary, "console", "work", "--print")
	if got.code != 3 || got.stdout != "" || !strings.Contains(got.stderr, "profiles with a role of it: deploy\naws-mfa-creds: hint: run: aws-mfa-creds console --profile deploy\n") {
		t.Errorf("a base session: exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	wantMints(t, b, 0)
	for where, code := range map[string]int{"http://127.0.0.1:1": 7, "http://signin.example": 3, b.Server.URL() + "/elsewhere": 7} {
		got := run(t, b, []string{"AWS_ENDPOINT_URL_SIGNIN=" + where}, b.Binary, "console", "deploy", "--print")
		if got.code != code || got.stdout != "" {
			t.Errorf("%s: exit %d, want %d: %s%s", where, got.code, code, got.stdout, got.stderr)
		}
	}
	program, _ := fakeBrowser(t, b, "exit 3\n")
	if got := run(t, b, []string{"BROWSER='" + program + "' -x"}, b.Binary, "console", "deploy"); got.code != 0 {
		t.Errorf("a browser that was served, and failed: exit %d: %s", got.code, got.stderr)
	}
	for _, browser := range []string{"/bin/false", "/no/such/program"} {
		if got := run(t, b, []string{"BROWSER=" + browser}, b.Binary, "console", "deploy", "--role-session-name", "me"); got.code != 3 || !strings.Contains(got.stderr, "hint: run: aws-mfa-creds console --print --profile deploy --role-session-name me\n") {
			t.Errorf("%s: exit %d: %s", browser, got.code, got.stderr)
		}
	}
	if got := run(t, b, nil, "/bin/sh", "-c", b.Binary+" console deploy --print >/dev/full"); got.code != 1 {
		t.Errorf("on a full disk: exit %d: %s", got.code, got.stderr)
	}
	began := filepath.Join(b.Dir, "began")
	cmd := b.Command(t.Context(), b.Binary, "console", "deploy")
	cmd.Env = append(cmd.Env, "BROWSER=sh -c '>"+began+"'") // which does not come
	must(t, cmd.Start())
	eventually(t, "the browser runs", func() bool { _, err := os.Stat(began); return err == nil })
	must(t, cmd.Process.Signal(syscall.SIGINT))
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("interrupted: %v", cmd.ProcessState)
	}
}

// TestBrowserOfOthers has another user's program, which sees the browser's arguments, ask for the page first.
func TestBrowserOfOthers(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: needs root, to be another user")
	}
	setpriv := need(t, "setpriv", "apt-get install util-linux")
	b := deployBed(t, testbed.Options{})
	log, browser := filepath.Join(b.Dir, "log"), filepath.Join(b.Dir, "browser")
	ask := need(t, "curl", "apt-get install curl") + ` -s -o /dev/null -w '%{http_code}\n' "$1" >>` + log + "\n"
	writeFile(t, browser, "#!/bin/sh\n"+setpriv+" --reuid=65533 --clear-groups "+ask+ask)
	must(t, os.Chmod(browser, 0o700))
	got := run(t, b, []string{"BROWSER=" + browser}, b.Binary, "console", "deploy")
	if got.code != 0 {
		t.Errorf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	eventually(t, "the other user is turned away, and the browser is not", func() bool { text, _ := os.ReadFile(log); return string(text) == "404\n302\n" })
}
