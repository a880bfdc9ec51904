//go:build linux

package test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

const vaultPassphrase = "correct horse"

// vaultBed is a machine with aws-vault on it.
type vaultBed struct {
	*testbed.Bed
	fill string   // the program that stores as aws-vault does
	env  []string // beyond the machine's: no secrets of ours, and where the keyrings are
}

// vaultProgram builds the program that stands for aws-vault, once.
var vaultProgram = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(binary), "awsvault")
	out, err := exec.Command("go", "build", "-o", path, "./awsvault").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return path, err
})

// newVaultBed returns a machine with one of the keyrings of scripts/keyrings, or none for "".
func newVaultBed(t *testing.T, keyring string) vaultBed {
	t.Helper()
	fill, err := vaultProgram()
	if err != nil {
		t.Fatal(err)
	}
	v := vaultBed{Bed: bed(t, testbed.Options{}), fill: fill}
	for _, name := range []string{"ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SEED", "SERIAL"} {
		v.env = append(v.env, "AWS_MFA_CREDS_"+name+"=")
	}
	v.env = append(v.env, "DBUS_SESSION_BUS_ADDRESS=unix:path=/dev/null/none")
	if keyring != "" {
		v.env = append(v.env, startKeyring(t, keyring)...)
	}
	return v
}

// startKeyring starts a keyring of scripts/keyrings, and returns the variables that find it.
func startKeyring(t *testing.T, keyring string) (found []string) {
	t.Helper()
	for _, program := range map[string][]string{
		"secret-service": {"dbus-daemon", "gnome-keyring-daemon", "dbus-send", "secret-tool"}, "kwallet": {"dbus-daemon", "kwalletd5", "gdbus"}, "pass": {"pass", "gpg"}, "pass-locked": {"pass", "gpg"},
	}[keyring] {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, program, "run: make test")
		}
	}
	cmd := exec.Command("../scripts/keyrings", keyring, "sh", "-c", `
		echo "DBUS_SESSION_BUS_ADDRESS=$DBUS_SESSION_BUS_ADDRESS"; echo "DAEMON_PID=$DAEMON_PID"; echo "GNUPGHOME=$GNUPGHOME"
		echo "XDG_DATA_HOME=$XDG_DATA_HOME"; echo "PASSWORD_STORE_DIR=$HOME/.password-store"; echo; exec cat`)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && lines.Text() != "" {
		found = append(found, lines.Text())
	}
	if len(found) == 0 {
		t.Fatal("scripts/keyrings has failed")
	}
	return found
}

// variable returns what the machine has for a variable beyond its own.
func (v vaultBed) variable(name string) (value string) {
	for _, pair := range v.env {
		if text, ok := strings.CutPrefix(pair, name+"="); ok {
			value = text
		}
	}
	return value
}

// vault runs the program that stands for aws-vault.
func (v vaultBed) vault(t *testing.T, stdin string, args ...string) {
	t.Helper()
	cmd := v.Command(t.Context(), v.fill, args...)
	cmd.Env = append(append(cmd.Env, "AWS_VAULT_FILE_PASSPHRASE="+vaultPassphrase), v.env...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("awsvault %q: %v\n%s", args, err, out)
	}
}

// credentials returns what aws-vault stores for an access key: aws.Credentials of the AWS SDK for Go.
func (v vaultBed) credentials(id string) string {
	text, _ := json.Marshal(map[string]any{
		"AccessKeyID": id, "SecretAccessKey": v.Identity().SecretAccessKey, "SessionToken": "",
		"Source": "", "CanExpire": false, "Expires": time.Time{}, "AccountID": "",
	})
	return string(text)
}

// store stores the user's access key as the item "work".
func (v vaultBed) store(t *testing.T, backend string) {
	t.Helper()
	v.vault(t, v.credentials(v.Identity().AccessKeyID), "add", backend, "work")
}

func (v vaultBed) keys() string { return filepath.Join(v.Home(), ".awsvault", "keys") }

// add runs add --from-aws-vault, without a terminal.
func (v vaultBed) add(t *testing.T, env []string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := v.addCommand(ctx, env, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return outcome{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
}

func (v vaultBed) addCommand(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := v.Command(ctx, v.Binary, append([]string{"add", "--profile", "work", "--store", "age", "--from-aws-vault"}, args...)...)
	cmd.Env = append(append(cmd.Env, v.env...), env...)
	return cmd
}

// wantWorking fails the test unless the key in our store serves a get, once it has a seed.
func (v vaultBed) wantWorking(t *testing.T) {
	t.Helper()
	seed := filepath.Join(v.Dir, "seed")
	writeFile(t, seed, v.Identity().Seed)
	got := run(t, v.Bed, v.env, v.Binary, "add", "--profile", "work", "--store", "age", "--seed-file", seed, "--serial", v.Identity().Serial)
	if got.code != 0 {
		t.Fatalf("the seed: exit %d: %s", got.code, got.stderr)
	}
	credentials(t, run(t, v.Bed, v.env, v.Binary, "get", "--profile", "work"))
	wantMints(t, v.Bed, 1)
}

// wantRefused fails the test unless add ends with the exit code and the words, and no secret.
func (v vaultBed) wantRefused(t *testing.T, what string, got outcome, code int, words ...string) {
	t.Helper()
	if got.code != code || got.stdout != "" {
		t.Errorf("%s: exit %d, stdout %q, stderr %q", what, got.code, got.stdout, got.stderr)
	}
	for _, word := range words {
		if !strings.Contains(got.stderr, word) {
			t.Errorf("%s: no %q in %q", what, word, got.stderr)
		}
	}
	for _, secret := range append(v.Secrets(), vaultPassphrase) {
		if strings.Contains(got.stderr, secret) {
			t.Errorf("%s: shows a secret", what)
		}
	}
}

// tree returns the files below the directories, with their content.
func tree(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			var content []byte
			if !entry.IsDir() {
				content, err = os.ReadFile(path)
			}
			files[path] = string(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func wantSame(t *testing.T, before, after map[string]string) {
	t.Helper()
	for path, content := range before {
		if after[path] != content {
			t.Errorf("%s has changed", path)
		}
	}
	if len(after) != len(before) {
		t.Errorf("there were %d files, and there are %d", len(before), len(after))
	}
}

var typedPassphrase = []string{"AWS_VAULT_FILE_PASSPHRASE=" + vaultPassphrase}

func TestVaultFile(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "")
	v.store(t, "file")
	before := tree(t, filepath.Dir(v.keys()))
	got := v.add(t, typedPassphrase, "work")
	if got.code != 0 || !strings.Contains(got.stdout, "Stored access key "+v.Identity().AccessKeyID) {
		t.Fatalf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	if got = v.add(t, typedPassphrase, "work"); got.code != 0 || !strings.Contains(got.stdout, "is already in the age store") {
		t.Errorf("again: exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	v.wantWorking(t)
	wantSame(t, before, tree(t, filepath.Dir(v.keys())))
}

// TestVaultFileNames stores under names that are no names of files, elsewhere, and with an empty
// passphrase.
func TestVaultFileNames(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "")
	v.env = append(v.env, "AWS_VAULT_FILE_DIR=~/else where")
	for _, name := range []string{"team/work 100%", "..", "-work", "\u00e4rger"} {
		if name != ".." { // which aws-vault cannot store
			v.vault(t, v.credentials(v.Identity().AccessKeyID), "add", "file", name)
		}
		got := v.add(t, typedPassphrase, name, "--aws-vault-backend=file")
		if name == ".." {
			v.wantRefused(t, name, got, 4, "is not in its encrypted files")
		} else if got.code != 0 {
			t.Errorf("%s: exit %d: %s", name, got.code, got.stderr)
		}
	}
	v.wantRefused(t, "control", v.add(t, typedPassphrase, "a\nb"), 2, "no name")
	v.env = append(v.env, "AWS_VAULT_FILE_PASSPHRASE=")
	v.vault(t, v.credentials(v.Identity().AccessKeyID), "add", "file", "open")
	if got := v.add(t, nil, "open"); got.code != 0 {
		t.Errorf("the empty passphrase: exit %d: %s", got.code, got.stderr)
	}
}

func TestVaultFileTyped(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "")
	v.store(t, "file")
	for passphrase, code := range map[string]int{vaultPassphrase: 0, "wrong": 5, "": 5} {
		console, err := testbed.StartConsole(v.addCommand(t.Context(), nil, "work"))
		if err != nil {
			t.Fatal(err)
		}
		if err := console.Expect("Passphrase of aws-vault's files (not shown):"); err != nil {
			t.Fatal(err)
		}
		if err := console.Type(passphrase + "\n"); err != nil {
			t.Fatal(err)
		}
		if got, err := console.Wait(); got != code || err != nil {
			t.Errorf("%q: exit %d, %v: %s", passphrase, got, err, console.Shown())
		}
		if passphrase != "" && strings.Contains(console.Shown(), passphrase) {
			t.Errorf("the passphrase is shown: %s", console.Shown())
		}
	}
	v.wantWorking(t)
}

func TestVaultFileRefused(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "")
	v.wantRefused(t, "nothing there", v.add(t, typedPassphrase, "work"), 4, "is not in", "file", "cannot be used here")
	if _, err := os.Stat(filepath.Dir(v.keys())); err == nil {
		t.Error("a directory was made")
	}
	v.store(t, "file")
	v.vault(t, v.credentials("ASIAIOSFODNN7EXAMPLE"), "add", "file", "temporary")
	v.vault(t, `{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"`+v.Identity().SecretAccessKey+`","SessionToken":"t","Expiration":"2026-01-01T00:00:00Z"}`, "add", "file", "session")
	v.vault(t, "[]", "add", "file", "list")
	v.vault(t, "{}", "add", "file", "none")
	v.vault(t, v.credentials(v.Identity().AccessKeyID)[:60], "add", "file", "cut")
	v.vault(t, strings.Repeat("x", 5000), "add", "file", "large")
	for name, want := range map[string]struct {
		code  int
		words string
	}{
		"other":     {4, "is not in"},
		"temporary": {3, "is a temporary access key"},
		"session":   {3, "is a temporary access key"},
		"list":      {4, "is damaged"},
		"none":      {3, "is not an access key id"},
		"cut":       {4, "is damaged"},
		"large":     {4, "is damaged"},
	} {
		v.wantRefused(t, name, v.add(t, typedPassphrase, name), want.code, want.words, `item "`+name+`" of aws-vault`)
	}
	v.wantRefused(t, "no passphrase", v.add(t, nil, "work"), 5, "the passphrase is not known", "AWS_VAULT_FILE_PASSPHRASE")
	v.wantRefused(t, "wrong passphrase", v.add(t, []string{"AWS_VAULT_FILE_PASSPHRASE=wrong"}, "work"), 5, "does not open it")
	v.wantRefused(t, "empty passphrase", v.add(t, []string{"AWS_VAULT_FILE_PASSPHRASE="}, "work"), 5, "does not open it")
	v.wantRefused(t, "no such backend", v.add(t, nil, "work", "--aws-vault-backend=op"), 2, "--aws-vault-backend", "aws-vault export --no-session work")
	v.wantRefused(t, "no such backend", v.add(t, []string{"AWS_VAULT_BACKEND=keyctl"}, "work"), 3, "AWS_VAULT_BACKEND", "aws-vault export --no-session work")
	if _, err := os.Stat(filepath.Join(v.Own(), "age")); err == nil {
		t.Error("something was stored")
	}
}

// TestVaultFileDamaged reads what is no item of aws-vault's any more, or was never one.
func TestVaultFileDamaged(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "")
	v.store(t, "file")
	path := filepath.Join(v.keys(), "work")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	token := strings.Split(string(good), ".")
	header, err := base64.RawURLEncoding.DecodeString(token[0])
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(header map[string]any)) string {
		var fields map[string]any
		if err := json.Unmarshal(header, &fields); err != nil {
			t.Fatal(err)
		}
		change(fields)
		text, _ := json.Marshal(fields)
		return strings.Join(append([]string{base64.RawURLEncoding.EncodeToString(text)}, token[1:]...), ".")
	}
	part := func(at int, text string) string {
		parts := append([]string(nil), token...)
		parts[at] = text
		return strings.Join(parts, ".")
	}
	const closed = 5 // a key that does not fit looks like a wrong passphrase
	for name, damage := range map[string]struct {
		content string
		code    int
	}{
		"empty":         {"", 4},
		"cut":           {string(good[:len(good)-9]), 4},
		"flipped":       {part(3, strings.Repeat("A", len(token[3]))), 4},
		"no key":        {part(1, ""), 4},
		"other key":     {part(1, strings.Repeat("A", len(token[1]))), closed},
		"signed":        {strings.Join(token[:3], "."), 4},
		"many rounds":   {with(func(h map[string]any) { h["p2c"] = 1 << 52 }), 4},
		"more rounds":   {with(func(h map[string]any) { h["p2c"] = 100_000 }), closed},
		"no rounds":     {with(func(h map[string]any) { delete(h, "p2c") }), 4},
		"negative":      {with(func(h map[string]any) { h["p2c"] = -1 }), 4},
		"odd rounds":    {with(func(h map[string]any) { h["p2c"] = "x" }), 4},
		"no algorithm":  {with(func(h map[string]any) { h["alg"] = "none" }), 4},
		"direct":        {with(func(h map[string]any) { h["alg"] = "dir" }), 4},
		"RSA":           {with(func(h map[string]any) { h["alg"] = "RSA1_5" }), 4},
		"other cipher":  {with(func(h map[string]any) { h["enc"] = "A128CBC-HS256" }), 4},
		"a compression": {with(func(h map[string]any) { h["zip"] = "DEF" }), 4},
		"null":          {part(0, base64.RawURLEncoding.EncodeToString([]byte("null"))), 4},
		"text":          {v.credentials(v.Identity().AccessKeyID), 4},
		"huge":          {strings.Repeat("x", 1<<20), 4},
	} {
		writeFile(t, path, damage.content)
		words := "is damaged, in its encrypted files"
		if damage.code == closed {
			words = "does not open it"
		}
		v.wantRefused(t, name, v.add(t, typedPassphrase, "work"), damage.code, words)
	}
	writeFile(t, filepath.Join(v.keys(), "renamed"), string(good))
	v.wantRefused(t, "another's", v.add(t, typedPassphrase, "renamed"), 4, "is damaged")
	if err := syscall.Mkfifo(filepath.Join(v.keys(), "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	v.wantRefused(t, "pipe", v.add(t, typedPassphrase, "pipe"), 4, "is damaged")
	if err := os.Mkdir(filepath.Join(v.keys(), "directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	v.wantRefused(t, "directory", v.add(t, typedPassphrase, "directory"), 4, "is damaged")
	writeFile(t, path, string(good))
	if got := v.add(t, typedPassphrase, "work"); got.code != 0 {
		t.Errorf("undamaged: exit %d: %s", got.code, got.stderr)
	}
}

func TestVaultPass(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "pass")
	v.store(t, "pass")
	store := v.variable("PASSWORD_STORE_DIR")
	before := tree(t, store)
	if got := v.add(t, nil, "work"); got.code != 0 {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	v.wantWorking(t)
	wantSame(t, before, tree(t, store))

	other := v
	other.env = append(other.env, "AWS_VAULT_PASS_PREFIX=aws/vault", "AWS_VAULT_PASS_PASSWORD_STORE_DIR="+store, "PASSWORD_STORE_DIR=/nowhere")
	other.wantRefused(t, "prefix", other.add(t, nil, "work"), 4, "is not in", "pass")
	other.store(t, "pass")
	if got := other.add(t, nil, "work"); got.code != 0 {
		t.Errorf("prefix: exit %d: %s", got.code, got.stderr)
	}
	writeFile(t, filepath.Join(store, "bad.gpg"), "not of gpg")
	v.vault(t, v.credentials(v.Identity().AccessKeyID), "add", "file", "bad") // which aws-vault would not find
	v.wantRefused(t, "bad", v.add(t, typedPassphrase, "bad"), 4, "is damaged, in pass")
	other.env = append(other.env, "AWS_VAULT_PASS_CMD=no-such-pass")
	other.wantRefused(t, "no pass", other.add(t, nil, "work"), 4, "pass cannot be used here")
	other.wantRefused(t, "no pass", other.add(t, nil, "work", "--aws-vault-backend=pass"), 5, "no-such-pass is not installed")
}

// TestVaultOrder has two items of one name: the order is aws-vault's.
func TestVaultOrder(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "pass")
	v.vault(t, v.credentials("AKIAINFILE0000000000"), "add", "file", "work")
	v.vault(t, v.credentials("AKIAINPASS0000000000"), "add", "pass", "work")
	file := []string{"AWS_VAULT_BACKEND=file", typedPassphrase[0]}
	for _, test := range []struct {
		env  []string
		args []string
		want string
	}{
		{typedPassphrase, nil, "AKIAINPASS0000000000"},
		{file, nil, "AKIAINFILE0000000000"},
		{file, []string{"--aws-vault-backend=pass"}, "AKIAINPASS0000000000"}, // the flag goes first
	} {
		got := v.add(t, test.env, append([]string{"work", "--yes"}, test.args...)...)
		if got.code != 0 || !strings.Contains(got.stdout, "Stored access key "+test.want) {
			t.Errorf("exit %d: %s%s", got.code, got.stdout, got.stderr)
		}
	}
}

// TestVaultPassLocked has an item that only a person can open: the search goes on without asking,
// and tells of it if nothing else is found.
func TestVaultPassLocked(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "pass-locked")
	v.store(t, "pass")
	v.wantRefused(t, "locked", v.add(t, nil, "work"), 5, "pass: is locked", "pass show")
	v.store(t, "file")
	if got := v.add(t, typedPassphrase, "work"); got.code != 0 {
		t.Errorf("the other: exit %d: %s", got.code, got.stderr)
	}
	// What is wrong with an item that was found goes before what could not be looked into.
	v.wantRefused(t, "wrong passphrase", v.add(t, []string{"AWS_VAULT_FILE_PASSPHRASE=wrong"}, "work"), 5, "does not open it")
	writeFile(t, filepath.Join(v.keys(), "work"), "damaged")
	v.wantRefused(t, "damaged", v.add(t, typedPassphrase, "work"), 4, "is damaged, in its encrypted files")
}

// TestVaultPassUnlocked has somebody at the terminal: gpg asks, but only when no other keyring has
// the item.
func TestVaultPassUnlocked(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "pass-locked")
	v.store(t, "pass")
	asked, program := filepath.Join(v.Dir, "asked"), filepath.Join(v.Dir, "pinentry")
	writeFile(t, program, `#!/bin/sh
echo OK
while read -r command _; do
	[ "$command" != GETPIN ] || { echo "D swordfish"; : >"`+asked+`"; }
	echo OK
done
`)
	if err := os.Chmod(program, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(v.variable("GNUPGHOME"), "gpg-agent.conf"), "pinentry-program "+program+"\n")
	v.vault(t, v.credentials("AKIAINFILE0000000000"), "add", "file", "work")
	for _, test := range []struct {
		stored string
		asks   bool
	}{{"AKIAINFILE0000000000", false}, {v.Identity().AccessKeyID, true}} {
		console, err := testbed.StartConsole(v.addCommand(t.Context(), typedPassphrase, "work", "--yes"))
		if err != nil {
			t.Fatal(err)
		}
		if code, err := console.Wait(); code != 0 || err != nil || !strings.Contains(console.Shown(), "Stored access key "+test.stored) {
			t.Errorf("exit %d, %v: %s", code, err, console.Shown())
		}
		if _, err := os.Stat(asked); (err == nil) != test.asks {
			t.Errorf("asked for the passphrase: %v, and it should be %v", err == nil, test.asks)
		}
		if err := os.RemoveAll(v.keys()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestVaultSecretService(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "secret-service")
	v.wantRefused(t, "no collection", v.add(t, nil, "work", "--aws-vault-backend=secret-service"), 4, "is not in the keyring (Secret Service)")
	v.vault(t, "", "collection", "awsvault", "swordfish")
	v.store(t, "secret-service")
	keyrings := filepath.Join(v.variable("XDG_DATA_HOME"), "keyrings")
	before := tree(t, keyrings)
	v.wantRefused(t, "other", v.add(t, nil, "other"), 4, "is not in secret-service")
	if got := v.add(t, nil, "work"); got.code != 0 {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	v.wantWorking(t)
	wantSame(t, before, tree(t, keyrings))

	second := v.Command(t.Context(), "secret-tool", "store", "--collection=/org/freedesktop/secrets/collection/awsvault", "--label=work", "profile", "work", "of", "another")
	second.Env = append(second.Env, v.env...)
	second.Stdin = strings.NewReader("x")
	if out, err := second.CombinedOutput(); err != nil {
		t.Fatalf("secret-tool: %v\n%s", err, out)
	}
	v.wantRefused(t, "two", v.add(t, nil, "work"), 4, "is there several times", "aws-vault export --no-session work")
	v.vault(t, "", "lock", "awsvault")
	v.wantRefused(t, "locked", v.add(t, nil, "work"), 5, "is locked", "aws-vault export --no-session work")

	daemon, err := strconv.Atoi(v.variable("DAEMON_PID"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(daemon, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	v.wantRefused(t, "hanging", v.add(t, nil, "work"), 5, "has not answered within 3s")
	v.store(t, "file")
	if got := v.add(t, typedPassphrase, "work"); got.code != 0 {
		t.Errorf("the other keyring: exit %d: %s", got.code, got.stderr)
	}
}

func TestVaultKWallet(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "kwallet")
	call := func(method string, args ...string) {
		t.Helper()
		got := run(t, v.Bed, v.env, "gdbus", append([]string{"call", "--session", "--dest=org.kde.kwalletd5", "--object-path=/modules/kwalletd5", "--method=org.kde.KWallet." + method}, args...)...)
		if got.code != 0 {
			t.Fatal(got.stderr)
		}
	}
	v.wantRefused(t, "no wallet", v.add(t, nil, "work", "--aws-vault-backend=kwallet"), 4, "is not in KDE Wallet")
	// As pam_kwallet opens one: with 56 bytes, the hash of a password.
	call("pamOpen", "aws-vault", "[byte "+strings.TrimSuffix(strings.Repeat("7,", 56), ",")+"]", "0")
	v.store(t, "kwallet")
	v.wantRefused(t, "other", v.add(t, nil, "other"), 4, "is not in", "kwallet")
	if got := v.add(t, nil, "work"); got.code != 0 {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	v.wantWorking(t)
	call("close", "aws-vault", "true")
	v.wantRefused(t, "closed", v.add(t, nil, "work"), 5, "KDE Wallet: is locked")
}
