//go:build wine

package test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// TestWindows plays the same scenes with the program for Windows, under Wine, and with that for this machine.
func TestWindows(t *testing.T) {
	t.Parallel()
	for _, s := range []*system{{name: "linux"}, {name: "windows", wine: true}} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			scenes := map[string]func(*system, *newcomer){
				"setup": (*system).setup, "single steps": (*system).steps, "many at once": (*system).many, "killed": (*system).killed, "files": (*system).files,
			}
			if s.wine {
				s.boot(t)
				scenes["consumers"] = (*system).consumers // another test has those of Linux
				scenes["console"] = (*system).console
			}
			for name, scene := range scenes {
				t.Run(name, func(t *testing.T) { t.Parallel(); scene(s, s.machine(t)) })
			}
		})
	}
}

// system is what the program runs on.
type system struct {
	name string
	wine bool
	dir  string // has the program for Windows, and drive C
}

// random is a DLL that Go programs load and Wine 8 has not.
const random = `#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, size); }
`

// boot makes drive C, and builds the program for Windows.
func (s *system) boot(t *testing.T) {
	t.Helper()
	const packages = "apt-get install --no-install-recommends wine wine64 gcc-mingw-w64-x86-64"
	need(t, "wine", packages)
	need(t, "x86_64-w64-mingw32-gcc", packages)
	s.dir = t.TempDir()
	writeFile(t, filepath.Join(s.dir, "random.c"), random)
	t.Cleanup(func() { s.sh(t, "wineserver -k -w") })
	s.sh(t, "wineboot --init; wineserver -w; wineserver -p >/dev/null 2>&1; wine hostname >/dev/null 2>&1") // which starts services
	s.sh(t, "x86_64-w64-mingw32-gcc -shared -o $WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll $D/random.c -ladvapi32")
	s.sh(t, "export HOME=$H GOOS=windows CGO_ENABLED=0; go build -o $D ../cmd/aws-mfa-creds; go build -C conformance/go -o $D/consumer.exe ./windows")
}

// variables are those of Wine, as a shell has them.
func (s *system) variables() string {
	return fmt.Sprintf("H=$HOME D='%s'; export HOME=$D TMPDIR=$D WINEPREFIX=$D/prefix WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe='; unset DISPLAY\n", s.dir)
}

func (s *system) sh(t *testing.T, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-ec", s.variables()+script)
	cmd.WaitDelay = time.Second // the server of Wine keeps what it inherits
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
}

// machine returns a newcomer's machine on the system.
func (s *system) machine(t *testing.T) *newcomer {
	t.Helper()
	n := newNewcomer(t)
	s.on(t, n.Bed)
	return n
}

// on makes the Binary of the machine a script that runs the program on the system. On a busy machine, Wine says of a
// few processes in a thousand, which have done all they should, that sendmsg did not work: that is left out.
func (s *system) on(t *testing.T, b *testbed.Bed) {
	t.Helper()
	if !s.wine {
		return
	}
	script := "#!/bin/bash\n[ -t 2 ] || exec 2> >(exec grep -a -v '^wine client error:[0-9a-f]*: sendmsg: ' >&2)\n" + s.variables()
	for _, v := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_MFA_CREDS_HOME"} {
		script += fmt.Sprintf("export %s=\"Z:$(echo \"$%s\" | tr / '\\\\')\"\n", v, v)
	}
	b.Binary = filepath.Join(b.Dir, "windows")
	writeFile(t, b.Binary, script+"exec wine \"${EXE:-$D/aws-mfa-creds.exe}\" \"$@\"\n")
	if err := os.Chmod(b.Binary, 0o700); err != nil {
		t.Fatal(err)
	}
}

// path is what the program calls the file.
func (s *system) path(path string) string {
	if s.wine {
		return "Z:" + strings.ReplaceAll(path, "/", `\`)
	}
	return path
}

// tidy fails if temporary files stay behind.
func (n *newcomer) tidy() {
	n.t.Helper()
	if out, err := exec.CommandContext(n.t.Context(), "find", n.Dir, "-name", ".aws-mfa-creds-*.tmp").Output(); err != nil || len(out) > 0 {
		n.t.Errorf("%v: left behind: %s", err, out)
	}
}

// setup is the life of a profile with the default store of the system: there is one Credential Manager for all machines.
func (s *system) setup(n *newcomer) {
	store := map[bool]string{false: "age", true: "wincred"}[s.wine]
	n.must("setup", "--profile", "p", "--access-key-file", s.path(n.key), "--region", "us-east-1", "--yes")
	n.wantCalls(fewest())
	if list := n.must("list"); strings.Count(list, " "+store+" ") != 2 {
		n.t.Errorf("list: no %s in\n%s", store, list)
	}
	if got := n.run("doctor", "--profile", "p"); got.code != 0 {
		n.t.Errorf("doctor: exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	for _, args := range [][]string{{"rotate", "key", "--delete"}, {"rotate", "device"}} {
		n.later()
		if got := n.run(append(args, "--profile", "p", "--yes")...); got.code != 0 {
			n.t.Errorf("%v: exit %d: %s", args, got.code, got.stderr)
		}
	}
	n.works("p")
	n.must("remove", "--profile", "p", "--aws", "--yes")
	n.untouched()
	n.tidy()
}

// steps does alone what setup does in one go.
func (s *system) steps(n *newcomer) {
	if s.wine { // a directory that others can read
		must(n.t, os.Chmod(n.Own(), 0o755))
	}
	n.must("add", "--profile", "work", "--access-key-file", s.path(n.key), "--store", "age")
	n.must("enroll", "--profile", "work", "--yes")
	n.must("register", "--profile", "work")
	must(n.t, os.Chmod(n.ConfigFile(), 0o600))
	n.must("register", "--profile", "deploy", "--role-arn", "arn:aws:iam::123456789012:role/deploy", "--source-profile", "work")
	if config := readFile(n.t, n.ConfigFile()); !strings.Contains(config, "get --profile work\n") {
		n.t.Errorf("the AWS config is\n%s", config)
	}
	minted := calls(n.Bed, "GetSessionToken")
	first, second := mustGet(n.t, n.Bed), mustGet(n.t, n.Bed)
	if first != second || calls(n.Bed, "GetSessionToken") > max(minted, 1) {
		n.t.Errorf("%d calls", calls(n.Bed, "GetSessionToken"))
	}
	n.must("list", "--json")
	n.must("unregister", "--profile", "deploy")
	n.must("store", "list")
	find := `find "$1" -mindepth 1 -perm /007; find "$2" -perm /007` // to Wine, administrators are the group
	if open, err := exec.CommandContext(n.t.Context(), "sh", "-c", find, "sh", n.Own(), n.ConfigFile()).Output(); err != nil || len(open) > 0 {
		n.t.Errorf("%v: open to others: %s", err, open)
	}
	n.must("clear", "--profile", "work")
	n.must("remove", "--profile", "work", "--yes")
	n.tidy()
}

// many has fifty processes ask at once.
func (s *system) many(n *newcomer) {
	b := bed(n.t, testbed.Options{Sandbox: sandbox.Options{Latency: latency}})
	s.on(n.t, b)
	all := start(n.t, b, 50)()
	wantSameSession(n.t, all)
	wantMints(n.t, b, 1)
	mustGet(n.t, b)
}

// killed kills commands at moments of chance.
func (s *system) killed(n *newcomer) {
	n.must("add", "--profile", "work", "--access-key-file", s.path(n.key), "--store", "age")
	n.must("enroll", "--profile", "work", "--yes")
	random := chance(s.name)
	for range rounds(3, "") {
		for _, command := range [][]string{{"register", "--profile", "work", "--region", "eu-west-1"}, {"unregister", "--profile", "work"}, {"get", "--profile", "work", "--refresh"}} {
			n.later()
			s.kill(n, time.Duration(random.IntN(800_000))*time.Microsecond, command)
		}
	}
	n.works("work")
	n.must("register", "--profile", "work")
}

// kill starts the program and kills it after a while, as programs of Windows do: without the start of Wine.
func (s *system) kill(n *newcomer, after time.Duration, command []string) {
	if s.wine {
		n.env = []string{"EXE=" + s.dir + "/consumer.exe"}
		n.must(append([]string{"kill", after.String(), s.path(s.dir) + `\aws-mfa-creds.exe`}, command...)...)
		n.env = nil
		return
	}
	ctx, cancel := context.WithTimeout(n.t.Context(), after)
	defer cancel()
	_ = n.Command(ctx, n.Binary, command...).Run()
}

// ascii is what every code page has.
var ascii = func() string {
	text := "\n"
	for c := ' '; c <= '~'; c++ {
		text += string(c)
	}
	return text
}()

// utf16LE is what > makes in the PowerShell of Windows.
func utf16LE(text string) string {
	var out strings.Builder
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		out.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	return out.String()
}

// files reads files as Notepad and PowerShell write them.
func (s *system) files(n *newcomer) {
	lines := func(path string) string { return strings.ReplaceAll(readFile(n.t, path), "\n", "\r\n") }
	id := n.user().Keys[0]
	writeFile(n.t, n.key, utf16LE(id.ID+" "+id.Secret+"\r\n"))
	n.must("add", "--profile", "work", "--access-key-file", s.path(n.key), "--store", "age")
	n.must("enroll", "--profile", "work", "--yes")
	seed := filepath.Join(n.Dir, "seed")
	uri := n.must("export", "--profile", "work", "--uri", "--yes")
	writeFile(n.t, seed, utf16LE(uri))
	n.must("add", "--profile", "work", "--seed-file", s.path(seed), "--yes")
	n.must("register", "--profile", "work")
	own := filepath.Join(n.Own(), "profiles.ini")
	for _, path := range []string{own, n.ConfigFile()} {
		writeFile(n.t, path, lines(path))
		mustGet(n.t, n.Bed)
		n.must("register", "--profile", "more", "--role-arn", "arn:aws:iam::123456789012:role/deploy", "--source-profile", "work")
		n.must("unregister", "--profile", "more")
		text := readFile(n.t, path)
		if bare := strings.ReplaceAll(text, "\r\n", ""); strings.ContainsAny(bare, "\r\n") {
			n.t.Errorf("%s lost its line ends: %q", path, text)
		}
		writeFile(n.t, path, utf16LE(text))
		n.refused(3, []string{s.path(path) + ": is UTF-16", "save the file as UTF-8"}, "register", "--profile", "work")
		n.refused(3, []string{s.path(path) + ": is UTF-16", "save the file as UTF-8"}, "get", "--profile", "work")
		writeFile(n.t, path, text)
	}
}

// consumers run the line that register has written, as they do on Windows: cmd.exe of the Go SDK, Node and .NET,
// and what botocore splits itself.
func (s *system) consumers(n *newcomer) {
	n.must("add", "--profile", "work", "--access-key-file", s.path(n.key), "--store", "age")
	n.must("enroll", "--profile", "work", "--yes")
	id := mustGet(n.t, n.Bed).AccessKeyID
	for _, dir := range []string{"tools", "Program Files/aws mfa creds"} {
		s.sh(n.t, "cd $WINEPREFIX/drive_c; mkdir -p '"+dir+"'; cp $D/aws-mfa-creds.exe '"+dir+"'")
		n.env = []string{`EXE=C:\` + strings.ReplaceAll(dir, "/", `\`) + `\aws-mfa-creds.exe`}
		n.must("register", "--profile", "work")
		_, line, _ := strings.Cut(readFile(n.t, n.ConfigFile()), "credential_process = ")
		line, _, _ = strings.Cut(line, "\n")
		n.t.Log(line)
		if strings.ContainsAny(line, `"'/`) {
			n.t.Errorf("quoted: %s", line)
		}
		n.env = []string{"EXE=" + s.dir + "/consumer.exe"}
		for _, consumer := range []string{"go", "node", "dotnet"} {
			if got := n.run(consumer, line); got.code != 0 || got.stderr != "" || !strings.Contains(got.stdout, id) {
				n.t.Errorf("%s: %s: exit %d: %s", consumer, line, got.code, got.stderr)
			}
		}
		split := run(n.t, n.Bed, nil, systemPython, "-c", "import botocore.compat, sys; print('\\n'.join(botocore.compat._windows_shell_split(sys.argv[1])))", line)
		words := strings.Split(strings.TrimSpace(split.stdout), "\n")
		n.env = []string{"EXE=" + words[0]}
		if got := n.run(words[1:]...); got.code != 0 || !strings.Contains(got.stdout, id) {
			n.t.Errorf("botocore: %q: exit %d: %s", words, got.code, got.stderr)
		}
	}
}

// console is a Windows console with a code page of old: what it shows is read there, and Ctrl-C ends a get.
func (s *system) console(n *newcomer) {
	n.must("add", "--profile", "work", "--access-key-file", s.path(n.key), "--store", "age")
	n.must("enroll", "--profile", "work", "--yes")
	n.ctrlC()
	id := n.user().Keys[0]
	typed := n.shell("add", "--profile", "typed", "--store", "age")
	for _, text := range []string{id.ID + "\r", id.Secret + "\r", "\x03"} {
		n.check(typed.Expect(":"))
		n.check(typed.Raw())
		n.check(typed.Type(text))
	}
	if code, err := typed.Wait(); code != 130 || err != nil || strings.Contains(typed.Shown(), id.Secret) || !strings.Contains(typed.Shown(), id.ID) {
		n.t.Errorf("typed: exit %d, %v: %q", code, err, typed.Shown())
	}
	for _, page := range []string{"437", "1252"} {
		n.env = []string{"EXE=cmd.exe"}
		shown := n.shell("/c", "chcp "+page+" & "+s.path(s.dir)+`\aws-mfa-creds.exe export --profile work --yes`)
		n.check(shown.Expect("▄▄"))
		n.check(shown.Expect("press Enter"))
		n.check(shown.Raw())
		n.check(shown.Type("\r"))
		if code, err := shown.Wait(); code != 0 || err != nil {
			n.t.Errorf("code page %s: exit %d, %v: %q", page, code, err, shown.Shown())
		}
		n.env = nil
		for _, args := range [][]string{{"list"}, {"doctor"}, {"get", "--profile", "ü"}} {
			if got := n.run(args...); strings.Trim(got.stdout+got.stderr, ascii) != "" {
				n.t.Errorf("%v: %s%s", args, got.stdout, got.stderr)
			}
		}
	}
}

// ctrlC ends a get while it waits for STS, for a role session, which takes no code.
func (n *newcomer) ctrlC() {
	n.Server.SetLatency(time.Minute)
	get := n.shell("get", "--profile", "work", "--role-arn", "arn:aws:iam::123456789012:role/deploy")
	eventually(n.t, "the call of the get", func() bool { return calls(n.Bed, "AssumeRole") > 0 })
	n.check(get.Type("\x03"))
	if code, err := get.Wait(); code != 130 || err != nil {
		n.t.Errorf("Ctrl-C: exit %d, %v: %s", code, err, get.Shown())
	}
	n.Server.SetLatency(0)
}
