package test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// TestKeysEndAsking presses the keys that end a program where it waits for input or asks for a secret.
func TestKeysEndAsking(t *testing.T) {
	t.Parallel()
	b, _, _ := bare(t)
	fifo, open := filepath.Join(b.Dir, "fifo"), filepath.Join(b.Dir, "open")
	must(t, syscall.Mkfifo(fifo, 0o600))
	must(t, syscall.Mkfifo(open, 0o600))
	add := b.Binary + " add --profile work --store age"
	for name, test := range map[string]struct {
		line, expect, key string
		code              int
	}{
		"stdin":  {"exec 3<>" + open + "; echo begun; <&3 " + add + " --access-key-file -", "begun", "\x03", 130}, // it never ends
		"FIFO":   {"echo begun; " + add + " --access-key-file " + fifo, "begun", "\x03", 130},
		"prompt": {add, "Access key ID (AKIA...): ", "AKIAIOSFODNN7EXAMPLE\n", 131},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shell := b.Command(t.Context(), "/bin/sh", "-c", "trap : INT QUIT; "+test.line+"; echo code $?; read line; echo got $line")
			console, err := terminal.Start(shell)
			must(t, err)
			must(t, console.Expect(test.expect))
			if test.expect == "begun" { // by the shell, and the key is for the program
				awaitProgram(t, b, shell.Process)
			}
			must(t, console.Type(test.key))
			if test.code == 131 {
				must(t, console.Expect("(not shown): "))
				must(t, console.Type("hidden\x1c"))
			}
			must(t, console.Expect("code "+strconv.Itoa(test.code)))
			must(t, console.Type("plain\n"))
			must(t, console.Expect("plain\r\n")) // there is an echo
			must(t, console.Expect("got plain"))
			if _, err := console.Wait(); err != nil || strings.Contains(console.Shown(), "goroutine") || strings.Contains(console.Shown(), "hidden") {
				t.Errorf("%v: %s", err, console.Shown())
			}
		})
	}
}

// awaitProgram waits until the program runs as a child of the shell, and gets signals.
func awaitProgram(t *testing.T, b *testbed.Bed, shell *os.Process) {
	t.Helper()
	caught := regexp.MustCompile(`SigCgt:\s+[0-9a-f]*[2367abef]\n`) // SIGINT is the second
	for range 1000 {
		all, err := filepath.Glob("/proc/[0-9]*")
		must(t, err)
		for _, process := range all { // which may end meanwhile
			args, _ := os.ReadFile(process + "/cmdline")
			status, _ := os.ReadFile(process + "/status")
			isChild := bytes.Contains(status, []byte("\nPPid:\t"+strconv.Itoa(shell.Pid)+"\n"))
			if isChild && bytes.HasPrefix(args, []byte(b.Binary+"\x00")) && caught.Match(status) {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the program does not run")
}

// TestTerminalIsNoSource gives a terminal, which echoes, where a secret is read.
func TestTerminalIsNoSource(t *testing.T) {
	t.Parallel()
	b, _, _ := bare(t)
	for _, source := range []string{"-", "/dev/tty"} {
		console, err := terminal.Start(b.Command(t.Context(), "/bin/sh", "-c", b.Binary+" add --profile work --store age --access-key-file "+source+" </dev/tty"))
		must(t, err)
		if code, err := console.Wait(); err != nil || code != 2 || !strings.Contains(console.Shown(), "leave out --access-key-file") {
			t.Errorf("%s: exit %d, %v: %s", source, code, err, console.Shown())
		}
	}
}

// TestHintsArePasted runs what the program advises for a profile whose name a shell would run.
func TestHintsArePasted(t *testing.T) {
	t.Parallel()
	b, _, _ := bare(t)
	for _, name := range []string{"$(touch x)", "with space"} {
		must(t, os.WriteFile(filepath.Join(b.Own(), "profiles.ini"), []byte("["+name+"]\nregion = eu-west-1\n"), 0o600))
		got := get(t, b, "--profile", name)
		if got.code != 4 || !strings.Contains(got.stderr, "add --profile '"+name+"'") || strings.Contains(got.stderr, "--profile "+name) {
			t.Errorf("%s: exit %d: %s", name, got.code, got.stderr)
		}
		got = run(t, b, nil, b.Binary, "store", "move", "--profile", name, "--to", "age")
		if got.code != 4 || !strings.Contains(got.stderr, "--profile '"+name+"'") {
			t.Errorf("%s: exit %d: %s", name, got.code, got.stderr)
		}
	}
}

// TestSeedOfAnotherIdentity has a profile with an access key alone meet the environment of another one.
func TestSeedOfAnotherIdentity(t *testing.T) {
	t.Parallel()
	b, key, _ := bare(t)
	id := b.Identity()
	mustRun(t, b, nil, "add", "--profile", "work", "--access-key-file", key, "--store", "age")
	own := filepath.Join(b.Own(), "profiles.ini")
	pinned := "[work]\nkey_store = age\naccess_key_id = " + id.AccessKeyID + "\nmfa_serial = " + id.Serial + "\n"
	must(t, os.WriteFile(own, []byte(pinned), 0o600))
	env := []string{"AWS_MFA_CREDS_SECRET_ACCESS_KEY=" + id.SecretAccessKey, "AWS_MFA_CREDS_SEED=" + id.Seed, "AWS_MFA_CREDS_SERIAL=" + id.Serial}
	got := run(t, b, append(env, "AWS_MFA_CREDS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE"), b.Binary, "get", "--profile", "work")
	if got.code != 4 || !strings.Contains(got.stderr, "no seed is stored for it") {
		t.Errorf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	wantMints(t, b, 0)
	credentials(t, run(t, b, append(env, "AWS_MFA_CREDS_ACCESS_KEY_ID="+id.AccessKeyID), b.Binary, "get", "--profile", "work"))
}

// TestMoveMeetsAnother moves secrets to a store that has others of the same name, or the same.
func TestMoveMeetsAnother(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	env := keyring(t, "pass")
	other := filepath.Join(b.Dir, "secrets", "other")
	writeFile(t, other, "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n")
	own := filepath.Join(b.Own(), "profiles.ini")
	add := func(key, store string) {
		mustRun(t, b, env, "add", "--profile", "work", "--access-key-file", key, "--seed-file", seed, "--serial", b.Identity().Serial, "--store", store)
	}
	add(other, "pass")
	must(t, os.Remove(own))
	add(key, "age")
	move := []string{"store", "move", "--profile", "work", "--to", "pass"}
	got := run(t, b, env, "setsid", append([]string{"-w", b.Binary}, move...)...)
	if got.code != 2 || !strings.Contains(got.stderr, "a different access key") || !strings.Contains(got.stderr, "--yes") {
		t.Errorf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	before, err := os.ReadFile(own)
	must(t, err)
	mustRun(t, b, env, append(move, "--yes")...)
	after, err := os.ReadFile(own)
	must(t, err)
	credentials(t, run(t, b, env, b.Binary, "get", "--profile", "work"))

	// What a move leaves that was interrupted: both stores have both.
	must(t, os.Remove(own))
	add(key, "age")
	if now, _ := os.ReadFile(own); string(now) != string(before) {
		t.Fatalf("%s", now)
	}
	must(t, os.WriteFile(own, after, 0o600))
	said := mustRun(t, b, env, move...)
	for _, what := range []string{"access key", "seed"} {
		if !strings.Contains(said, "Deleted the old copy of the "+what+" from the age store.") {
			t.Errorf("it says %q", said)
		}
	}
	if said := mustRun(t, b, env, move...); strings.Contains(said, "Deleted") {
		t.Errorf("again: %q", said)
	}
	credentials(t, run(t, b, env, b.Binary, "get", "--profile", "work", "--refresh"))
}

// TestDirectoryOfEverybody opens the config directory to others.
func TestDirectoryOfEverybody(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	addWork(t, b, key, seed)
	must(t, os.Chmod(b.Own(), 0o777))
	wantFailure(t, b, get(t, b), 12, "other users can change it (mode 0777)", "chmod go-w "+b.Own())
	must(t, os.Chmod(b.Own(), 0o700))
	mustGet(t, b)
}

// TestProgramDiesWithGet kills a get whose program hangs.
func TestProgramDiesWithGet(t *testing.T) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	script := filepath.Join(t.TempDir(), "hang")
	must(t, os.WriteFile(script, []byte("echo $$ > "+pidFile+".new\nmv "+pidFile+".new "+pidFile+"\nexec sleep 600\n"), 0o600))
	b := programmed(t, "/bin/sh "+script)
	cmd := b.Command(t.Context(), b.Binary, "get", "--profile", "work")
	must(t, cmd.Start())
	pid := 0
	eventually(t, "the program runs", func() bool {
		text, _ := os.ReadFile(pidFile)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return pid != 0
	})
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	eventually(t, "the program has ended", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}
