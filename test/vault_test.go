//go:build linux

package test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

const vaultPassphrase = "correct horse"

// vaultBed is a machine with aws-vault on it.
type vaultBed struct {
	*testbed.Bed
	fill string   // the program that stores what aws-vault would not
	env  []string // beyond the machine's: no secrets of ours, and where the keyrings are
}

// vaultPrograms builds aws-vault itself, and the program that stores what it would not, into one
// directory, once.
var vaultPrograms = sync.OnceValues(func() (dir string, err error) {
	dir, err = filepath.Abs(filepath.Join(filepath.Dir(binary), "vault"))
	for source, pkg := range map[string]string{"awsvault": ".", "awsvault/real": "github.com/99designs/aws-vault/v7"} {
		name := map[string]string{".": "awsvault"}[pkg]
		if name == "" {
			name = "aws-vault"
		}
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg)
		cmd.Dir, cmd.Env = source, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
		if out, failed := cmd.CombinedOutput(); failed != nil {
			err = errors.Join(err, fmt.Errorf("%w\n%s", failed, out))
		}
	}
	return dir, err
})

// needVault returns the directory of vaultPrograms.
func needVault(t *testing.T) string {
	t.Helper()
	dir, err := vaultPrograms()
	if err != nil {
		missing(t, "aws-vault", "go mod download in test/awsvault/real\n"+err.Error())
	}
	return dir
}

// newVaultBed returns a machine with one of the keyrings of scripts/keyrings, or none for "".
func newVaultBed(t *testing.T, kind string) vaultBed {
	t.Helper()
	dir := needVault(t)
	v := vaultBed{Bed: bed(t, testbed.Options{}), fill: filepath.Join(dir, "awsvault")}
	v.env = append(v.env, "PATH="+dir+":"+os.Getenv("PATH"), "AWS_VAULT_BACKEND="+cmp.Or(strings.TrimSuffix(kind, "-locked"), "file"))
	for _, name := range []string{"ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SEED", "SERIAL"} {
		v.env = append(v.env, "AWS_MFA_CREDS_"+name+"=")
	}
	v.env = append(v.env, "DBUS_SESSION_BUS_ADDRESS=unix:path=/dev/null/none")
	if kind != "" {
		v.env = append(v.env, slices.DeleteFunc(keyring(t, kind), func(pair string) bool { return strings.HasPrefix(pair, "HOME=") })...)
	}
	return v
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

// vault runs the program that stores what aws-vault would not.
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

// store has aws-vault store the user's access key as that of the profile "work". It would add the
// profile to the AWS config, which is ours to keep.
func (v vaultBed) store(t *testing.T, backend string) {
	t.Helper()
	cmd := v.Command(t.Context(), filepath.Join(filepath.Dir(v.fill), "aws-vault"), "add", "--env", "--no-add-config", "--backend="+backend, "work")
	cmd.Env = append(append(cmd.Env, v.env...), "AWS_VAULT_FILE_PASSPHRASE="+vaultPassphrase, "AWS_ACCESS_KEY_ID="+v.Identity().AccessKeyID, "AWS_SECRET_ACCESS_KEY="+v.Identity().SecretAccessKey)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("aws-vault add: %v\n%s", err, out)
	}
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
			v.wantRefused(t, name, got, 4, "has no access key in its keyring")
		} else if got.code != 0 {
			t.Errorf("%s: exit %d: %s", name, got.code, got.stderr)
		}
	}
	v.wantRefused(t, "control", v.add(t, typedPassphrase, "a\nb"), 4, `"a\nb"`)
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
		console, err := terminal.Start(v.addCommand(t.Context(), nil, "work"))
		if err != nil {
			t.Fatal(err)
		}
		if err := console.Expect("Enter passphrase to unlock"); err != nil {
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
	v.wantRefused(t, "nothing there", v.add(t, typedPassphrase, "work"), 4, "has no access key", "aws-vault list")
	v.store(t, "file")
	v.vault(t, v.credentials("ASIAIOSFODNN7EXAMPLE"), "add", "file", "temporary")
	v.vault(t, `{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"`+v.Identity().SecretAccessKey+`","SessionToken":"t","Expiration":"2026-01-01T00:00:00Z"}`, "add", "file", "session")
	v.vault(t, "[]", "add", "file", "list")
	v.vault(t, "{}", "add", "file", "none")
	v.vault(t, v.credentials(v.Identity().AccessKeyID)[:60], "add", "file", "cut")
	v.vault(t, strings.Repeat("x", 5000), "add", "file", "large")
	writeFile(t, filepath.Join(v.keys(), "damaged"), "x")
	for name, want := range map[string]struct {
		code  int
		words string
	}{
		"other":     {4, "has no access key"},
		"temporary": {3, "is a temporary access key"},
		"session":   {3, "is a temporary access key"},
		"list":      {5, "aws-vault says: "},
		"none":      {3, "is not an access key id"},
		"cut":       {5, "aws-vault says: "},
		"large":     {5, "aws-vault says: "},
		"damaged":   {5, "aws-vault says: "},
	} {
		v.wantRefused(t, name, v.add(t, typedPassphrase, name), want.code, want.words, `profile "`+name+`" of aws-vault`)
	}
	v.wantRefused(t, "no passphrase", v.add(t, nil, "work"), 5, "inappropriate ioctl", "aws-vault exec --no-session work")
	v.wantRefused(t, "wrong passphrase", v.add(t, []string{"AWS_VAULT_FILE_PASSPHRASE=wrong"}, "work"), 5, "integrity check failed")
	v.wantRefused(t, "empty passphrase", v.add(t, []string{"AWS_VAULT_FILE_PASSPHRASE="}, "work"), 5, "integrity check failed")
	v.wantRefused(t, "no such backend", v.add(t, nil, "work", "--aws-vault-backend=none"), 2, "--aws-vault-backend", "must be one of")
	v.wantRefused(t, "no such backend", v.add(t, []string{"AWS_VAULT_BACKEND=none"}, "work"), 3, "AWS_VAULT_BACKEND", "must be one of")
	v.wantRefused(t, "no aws-vault", v.add(t, []string{"PATH=/nowhere"}, "work"), 5, "aws-vault: is not on PATH", "--access-key-file")
	if _, err := os.Stat(filepath.Join(v.Own(), "age")); err == nil {
		t.Error("something was stored")
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
	other.wantRefused(t, "prefix", other.add(t, nil, "work"), 4, "has no access key")
	other.store(t, "pass")
	if got := other.add(t, nil, "work"); got.code != 0 {
		t.Errorf("prefix: exit %d: %s", got.code, got.stderr)
	}
	writeFile(t, filepath.Join(store, "bad.gpg"), "not of gpg")
	v.wantRefused(t, "bad", v.add(t, nil, "bad"), 5, "aws-vault says: ")
	other.env = append(other.env, "AWS_VAULT_PASS_CMD=no-such-pass")
	other.wantRefused(t, "no pass", other.add(t, nil, "work"), 5, "backend not available")
}

// TestVaultBackend has two items of one name: the flag goes before the variable.
func TestVaultBackend(t *testing.T) {
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
		{nil, nil, "AKIAINPASS0000000000"},
		{file, nil, "AKIAINFILE0000000000"},
		{file, []string{"--aws-vault-backend=pass"}, "AKIAINPASS0000000000"},
	} {
		got := v.add(t, test.env, append([]string{"work", "--yes"}, test.args...)...)
		if got.code != 0 || !strings.Contains(got.stdout, "Stored access key "+test.want) {
			t.Errorf("exit %d: %s%s", got.code, got.stdout, got.stderr)
		}
	}
}

// TestVaultPassLocked has an item that only a person can open.
func TestVaultPassLocked(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "pass-locked")
	v.store(t, "pass")
	v.wantRefused(t, "locked", v.add(t, nil, "work"), 5, "aws-vault says: ")
}

// TestVaultPassUnlocked has somebody at the terminal, whom gpg asks.
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
	console, err := terminal.Start(v.addCommand(t.Context(), nil, "work"))
	if err != nil {
		t.Fatal(err)
	}
	if code, err := console.Wait(); code != 0 || err != nil || !strings.Contains(console.Shown(), "Stored access key "+v.Identity().AccessKeyID) {
		t.Errorf("exit %d, %v: %s", code, err, console.Shown())
	}
	if _, err := os.Stat(asked); err != nil {
		t.Error("nobody was asked for the passphrase")
	}
}

// TestVaultSecretService has, in the end, a keyring that hangs: aws-vault is killed when its time is
// over.
func TestVaultSecretService(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "secret-service")
	v.wantRefused(t, "no collection", v.add(t, nil, "work"), 4, "has no access key")
	v.vault(t, "", "collection", "awsvault", "swordfish")
	v.store(t, "secret-service")
	keyrings := filepath.Join(v.variable("XDG_DATA_HOME"), "keyrings")
	before := tree(t, keyrings)
	v.wantRefused(t, "other", v.add(t, nil, "other"), 4, "has no access key")
	if got := v.add(t, nil, "work"); got.code != 0 {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	v.wantWorking(t)
	wantSame(t, before, tree(t, keyrings))
	v.vault(t, "", "lock", "awsvault")
	v.wantRefused(t, "locked", v.add(t, nil, "work"), 5, "aws-vault exec --no-session work")

	daemon, err := strconv.Atoi(v.variable("DAEMON_PID"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(daemon, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	v.wantRefused(t, "hanging", v.add(t, nil, "work"), 5, "aws-vault has not answered in time")
}

func TestVaultKWallet(t *testing.T) {
	t.Parallel()
	v := newVaultBed(t, "kwallet")
	// As pam_kwallet opens the wallet: with 56 bytes, the hash of a password.
	got := run(t, v.Bed, v.env, "gdbus", "call", "--session", "--dest=org.kde.kwalletd5", "--object-path=/modules/kwalletd5", "--method=org.kde.KWallet.pamOpen",
		"aws-vault", "[byte "+strings.TrimSuffix(strings.Repeat("7,", 56), ",")+"]", "0")
	if got.code != 0 {
		t.Fatal(got.stderr)
	}
	v.store(t, "kwallet")
	v.wantRefused(t, "other", v.add(t, nil, "other"), 4, "has no access key")
	if got := v.add(t, nil, "work"); got.code != 0 {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	v.wantWorking(t)
}
