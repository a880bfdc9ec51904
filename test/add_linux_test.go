package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// addWork stores access key and seed for the profile work.
func addWork(t *testing.T, b *testbed.Bed, key, seed string, more ...string) {
	t.Helper()
	mustRun(t, b, nil, append([]string{"add", "--profile", "work", "--access-key-file", key, "--seed-file", seed, "--serial", b.Identity().Serial}, more...)...)
}

// TestAddOnTheTerminal types everything in. Nothing secret is shown.
func TestAddOnTheTerminal(t *testing.T) {
	t.Parallel()
	b, _, _ := bare(t)
	id := b.Identity()
	console, err := terminal.Start(b.Command(t.Context(), b.Binary, "add", "--profile", "work", "--store", "age", "--verify"))
	must(t, err)
	for _, step := range [][2]string{
		{"Access key ID (AKIA...): ", id.AccessKeyID},
		{"Secret access key (not shown): ", id.SecretAccessKey},
		{"otpauth URI) (not shown): ", "otpauth://totp/Amazon%20Web%20Services:" + testbed.DeviceName + "@123456789012?secret=" + id.Seed},
		{"Serial (ARN) of the MFA device [" + id.Serial + "]: ", ""},
	} {
		must(t, console.Expect(step[0]))
		must(t, console.Type(step[1]+"\n"))
	}
	code, err := console.Wait()
	must(t, err)
	shown := console.Shown()
	if code != 0 || !strings.Contains(shown, "It works: AWS returned a session") {
		t.Errorf("exit %d: %s", code, shown)
	}
	for _, secret := range b.Secrets() {
		if strings.Contains(shown, secret) {
			t.Error("a secret is shown")
		}
	}
	mustGet(t, b)
	wantMints(t, b, 1)
}

// TestAddAsksAgain mistypes everything once, and names a file where the seed is asked for.
func TestAddAsksAgain(t *testing.T) {
	t.Parallel()
	b, _, seed := bare(t)
	id := b.Identity()
	console, err := terminal.Start(b.Command(t.Context(), b.Binary, "add", "--profile", "work", "--store", "age", "--verify"))
	must(t, err)
	for _, step := range [][2]string{
		{"Access key ID (AKIA...): ", id.SecretAccessKey},
		{"looks like a secret access key", ""},
		{"Access key ID (AKIA...): ", id.AccessKeyID},
		{"Secret access key (not shown): ", `"` + id.SecretAccessKey + `"`},
		{"is in quotes", ""},
		{"Secret access key (not shown): ", id.SecretAccessKey},
		{"otpauth URI) (not shown): ", id.Seed + "1"},
		{"your answer: ", ""},
		{"otpauth URI) (not shown): ", seed},
		{"Serial (ARN) of the MFA device: ", "alice"},
		{"the serial: ", ""},
		{"Serial (ARN) of the MFA device: ", id.Serial},
	} {
		must(t, console.Expect(step[0]))
		if step[1] != "" {
			must(t, console.Type(step[1]+"\n"))
		}
	}
	if code, err := console.Wait(); code != 0 || err != nil {
		t.Errorf("exit %d, %v: %s", code, err, console.Shown())
	}
	mustGet(t, b)
}

// TestAddAsksThreeTimes mistypes one answer again and again.
func TestAddAsksThreeTimes(t *testing.T) {
	t.Parallel()
	b, _, _ := bare(t)
	console, err := terminal.Start(b.Command(t.Context(), b.Binary, "add", "--profile", "work", "--store", "age"))
	must(t, err)
	for range 3 {
		must(t, console.Expect("Access key ID (AKIA...): "))
		must(t, console.Type("my key\n"))
	}
	if code, err := console.Wait(); code != 2 || err != nil || strings.Count(console.Shown(), "is not an access key id") != 3 {
		t.Errorf("exit %d, %v: %s", code, err, console.Shown())
	}
}

// TestAddReadsTheLabel has an otpauth URI name the device.
func TestAddReadsTheLabel(t *testing.T) {
	t.Parallel()
	b, key, _ := bare(t)
	id := b.Identity()
	uri := filepath.Join(b.Dir, "secrets", "uri")
	writeFile(t, uri, "otpauth://totp/Amazon%20Web%20Services:"+testbed.DeviceName+"@123456789012?secret="+id.Seed)
	const other = "arn:aws:iam::123456789012:mfa/alice-vm"
	said := mustRun(t, b, nil, "add", "--profile", "other", "--access-key-file", key, "--seed-file", uri, "--serial", other)
	if !strings.Contains(said, "Warning: the seed is labeled "+testbed.DeviceName+"@123456789012, but the serial is "+other) {
		t.Error(said)
	}
	got := run(t, b, nil, "setsid", "-w", b.Binary, "add", "--profile", "work", "--access-key-file", key, "--seed-file", uri)
	if got.code != 0 || strings.Contains(got.stdout, "Warning") || !strings.Contains(got.stdout, "Using the serial "+id.Serial) {
		t.Errorf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	mustGet(t, b)
}

// TestMFAProcessOutside has a program elsewhere make the codes: there is no device to manage here.
func TestMFAProcessOutside(t *testing.T) {
	t.Parallel()
	b, key, _ := bare(t)
	said := mustRun(t, b, nil, "add", "--profile", "work", "--access-key-file", key, "--serial", b.Identity().Serial, "--mfa-process", "no-such-program code")
	if !strings.Contains(said, "no-such-program is not on PATH") {
		t.Error(said)
	}
	for what, words := range map[string]string{
		"key":    "aws iam create-access-key --output json --profile work | aws-mfa-creds add --profile work --yes --access-key-file -",
		"device": "so a seed here is not used\naws-mfa-creds: hint: to have this program generate them, delete mfa_process from ",
	} {
		got := run(t, b, nil, b.Binary, "rotate", what, "--profile", "work", "--yes")
		if got.code != 3 || !strings.Contains(got.stderr, words) {
			t.Errorf("%s: exit %d: %s", what, got.code, got.stderr)
		}
	}
}

// TestFilesThatAreNone names a directory, and an empty file.
func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	addWork(t, b, key, seed, "--store", "age")
	empty := filepath.Join(b.Dir, "secrets", "empty")
	writeFile(t, empty, "")
	for words, args := range map[string][]string{
		"error: --seed-file " + b.Dir + ": is a directory\n": {"add", "--profile", "work", "--seed-file", b.Dir},
		"error: --passphrase-file " + empty + ": is empty\n": {"store", "protect", "--passphrase", "--passphrase-file", empty},
	} {
		if got := run(t, b, nil, b.Binary, args...); got.code != 2 || !strings.Contains(got.stderr, words) {
			t.Errorf("%v: exit %d: %s", args, got.code, got.stderr)
		}
	}
}

// TestAddReplacesOnlyWhenTold has another access key and another seed come later.
func TestAddReplacesOnlyWhenTold(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	addWork(t, b, key, seed)
	other := filepath.Join(b.Dir, "secrets", "other")
	writeFile(t, other, "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n")
	otherSeed := filepath.Join(b.Dir, "secrets", "other seed")
	writeFile(t, otherSeed, strings.Repeat("JBSWY3DPEHPK3PXP", 4))
	for _, args := range [][]string{{"--access-key-file", other}, {"--seed-file", otherSeed, "--serial", b.Identity().Serial}} {
		command := append([]string{"setsid", "-w", b.Binary, "add", "--profile", "work"}, args...)
		got := run(t, b, nil, command[0], command[1:]...)
		if got.code != 2 || !strings.Contains(got.stderr, "--yes") || !strings.Contains(got.stderr, "eplace") {
			t.Errorf("%v: exit %d: %s%s", args, got.code, got.stdout, got.stderr)
		}
	}
	mustGet(t, b) // with the old ones
	console, err := terminal.Start(b.Command(t.Context(), b.Binary, "add", "--profile", "work", "--access-key-file", other))
	must(t, err)
	must(t, console.Expect("with AKIAIOSFODNN7EXAMPLE? [y/N]: "))
	must(t, console.Type("\n"))
	if code, err := console.Wait(); code != 2 || err != nil || !strings.Contains(console.Shown(), "nothing was changed") {
		t.Errorf("%d, %v: %s", code, err, console.Shown())
	}
	mustRun(t, b, nil, "add", "--profile", "work", "--access-key-file", other, "--yes")
	got := get(t, b)
	wantFailure(t, b, got, 6, "AKIAIOSFODNN7EXAMPLE") // AWS does not know it: the old session is not served for it
}

// TestFromCredentialsFile moves the access key out of the file where it would go before the
// credential process.
func TestFromCredentialsFile(t *testing.T) {
	t.Parallel()
	b, _, seed := bare(t)
	id := b.Identity()
	path := filepath.Join(b.Home(), ".aws", "credentials")
	const before, after = "# mine\r\n[other]\r\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\r\n\r\n", "\r\n; end"
	old := before + "[work]\r\naws_access_key_id = " + id.AccessKeyID + "\r\n  # kept\r\naws_secret_access_key=" + id.SecretAccessKey + "\r\nregion = eu-west-1\r\n" + after
	writeFile(t, path, old)
	args := []string{"add", "--profile", "work", "--from-credentials-file"}
	said := mustRun(t, b, nil, args...)
	if !strings.Contains(said, "Removed it from "+path) {
		t.Error(said)
	}
	text := readFile(t, path)
	if strings.Contains(text, id.AccessKeyID) || strings.Contains(text, id.SecretAccessKey) || !strings.HasPrefix(text, before) || !strings.HasSuffix(text, "region = eu-west-1\r\n"+after) || !strings.Contains(text, "# kept") {
		t.Errorf("the file has become %q", text)
	}
	backup := path + ".aws-mfa-creds-backup"
	if readFile(t, backup) != old {
		t.Error("the backup is not the old file")
	}
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if said := mustRun(t, b, nil, args...); !strings.Contains(said, "no longer in the AWS files") {
		t.Errorf("the second run said %q", said)
	}
	mustRun(t, b, nil, "add", "--profile", "work", "--seed-file", seed, "--serial", id.Serial)
	mustGet(t, b)
}

// TestTwoHomes keeps access key and seed in different stores, and moves them.
func TestTwoHomes(t *testing.T) {
	t.Parallel()
	env := keyring(t, "pass")
	b, key, seed := bare(t)
	mustRun(t, b, env, "add", "--profile", "work", "--key-store", "age", "--seed-store", "pass", "--access-key-file", key, "--seed-file", seed, "--serial", b.Identity().Serial)
	if text := readFile(t, filepath.Join(b.Own(), "profiles.ini")); !strings.Contains(text, "key_store = age\n") || !strings.Contains(text, "seed_store = pass\n") {
		t.Error(text)
	}
	credentials(t, run(t, b, env, b.Binary, "get", "--profile", "work"))
	if listed := mustRun(t, b, env, "list", "--profile", "work", "--json"); !strings.Contains(listed, `"key_store": "age"`) || !strings.Contains(listed, `"seed_store": "pass"`) {
		t.Error(listed)
	}
	move := func(args ...string) string {
		return mustRun(t, b, env, append([]string{"store", "move", "--profile", "work"}, args...)...)
	}
	if said := move("--to", "pass", "--key"); !strings.Contains(said, "Moved the access key") || strings.Contains(said, "seed") {
		t.Error(said)
	}
	if left, err := filepath.Glob(filepath.Join(b.Own(), "age", "*.age")); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
	if said := move("--to", "age"); strings.Count(said, "Moved") != 2 {
		t.Error(said)
	}
	if said := move("--to", "age"); strings.Count(said, "already") != 2 {
		t.Error(said)
	}
	if text := readFile(t, filepath.Join(b.Own(), "profiles.ini")); !strings.Contains(text, "\nstore = age\n") || strings.Contains(text, "pass") {
		t.Error(text)
	}
	credentials(t, run(t, b, nil, b.Binary, "get", "--profile", "work"))
	wantMints(t, b, 1) // it is the same session all the time
}

// TestSharedSeed keeps the seed of a device as long as a profile uses it.
func TestSharedSeed(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	addWork(t, b, key, seed)
	mustRun(t, b, nil, "add", "--profile", "second", "--access-key-file", key, "--seed-file", seed, "--serial", b.Identity().Serial)
	if said := mustRun(t, b, nil, "remove", "--profile", "work", "--yes"); !strings.Contains(said, "Kept the seed") || !strings.Contains(said, "second") {
		t.Error(said)
	}
	credentials(t, run(t, b, nil, b.Binary, "get", "--profile", "second"))
	mustRun(t, b, nil, "remove", "--profile", "second", "--yes")
	if left, err := filepath.Glob(filepath.Join(b.Own(), "age", "*.age")); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// TestStockAgeReadsTheStore opens what is stored with the age program itself.
func TestStockAgeReadsTheStore(t *testing.T) {
	t.Parallel()
	age := need(t, "age", "apt-get install age")
	b, key, seed := bare(t)
	addWork(t, b, key, seed, "--store", "age")
	dir := filepath.Join(b.Own(), "age")
	files, err := filepath.Glob(filepath.Join(dir, "*.age"))
	must(t, err)
	all := ""
	for _, file := range files {
		out, err := exec.CommandContext(t.Context(), age, "--decrypt", "-i", filepath.Join(dir, "identity.txt"), file).Output()
		must(t, err)
		all += string(out)
	}
	if len(files) != 2 || !strings.Contains(all, b.Identity().SecretAccessKey) || !strings.Contains(all, b.Identity().Seed) {
		t.Errorf("%d files do not hold both secrets", len(files))
	}
}

// TestFiftyAddsAtOnce has fifty processes add profiles of their own to one store and one
// profiles.ini, while others read.
func TestFiftyAddsAtOnce(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			got := run(t, b, nil, b.Binary, "add", "--profile", fmt.Sprintf("p%d", i), "--store", "age", "--access-key-file", key, "--seed-file", seed,
				"--serial", fmt.Sprintf("arn:aws:iam::123456789012:mfa/device-%d", i))
			if got.code != 0 {
				t.Errorf("p%d: exit %d: %s", i, got.code, got.stderr)
			}
			if got := run(t, b, nil, b.Binary, "list"); got.code != 0 {
				t.Errorf("list: %s", got.stderr)
			}
		})
	}
	all.Wait()
	for i := range 50 {
		got := run(t, b, nil, b.Binary, "export", "--profile", fmt.Sprintf("p%d", i), "--uri", "--yes")
		if got.code != 0 || !strings.Contains(got.stdout, b.Identity().Seed) {
			t.Errorf("p%d is lost: %s", i, got.stderr)
		}
	}
}

// TestSpoiltStores has a settings file and the files of the age store damaged, and open to others.
func TestSpoiltStores(t *testing.T) {
	t.Parallel()
	item := func(b *testbed.Bed, prefix string) string {
		files, _ := filepath.Glob(filepath.Join(b.Own(), "age", prefix+"*.age"))
		if len(files) != 1 {
			t.Fatalf("%d files of %s", len(files), prefix)
		}
		return files[0]
	}
	replace := func(text string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte(text), 0o600)) }
	}
	flip := func(t *testing.T, path string) {
		text := []byte(readFile(t, path))
		text[len(text)-1] ^= 1
		must(t, os.WriteFile(path, text, 0o600))
	}
	mode := func(mode os.FileMode) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { must(t, os.Chmod(path, mode)) }
	}
	cut := func(t *testing.T, path string) { must(t, os.Truncate(path, 100)) }
	for name, test := range map[string]struct {
		path  func(b *testbed.Bed) string
		spoil func(t *testing.T, path string)
		code  int
		words string
	}{
		"empty key":          {func(b *testbed.Bed) string { return item(b, "key-") }, replace(""), 4, "key-work"},
		"cut seed":           {func(b *testbed.Bed) string { return item(b, "seed-") }, cut, 4, "seed-"},
		"flipped key":        {func(b *testbed.Bed) string { return item(b, "key-") }, flip, 4, "key-work"},
		"newer age":          {func(b *testbed.Bed) string { return item(b, "key-") }, replace("age-encryption.org/v2\n"), 4, "key-work"},
		"open key":           {func(b *testbed.Bed) string { return item(b, "key-") }, mode(0o644), 12, "chmod 600"},
		"empty identity":     {func(b *testbed.Bed) string { return filepath.Join(b.Own(), "age", "identity.txt") }, replace(""), 4, "identity.txt"},
		"open identity":      {func(b *testbed.Bed) string { return filepath.Join(b.Own(), "age", "identity.txt") }, mode(0o640), 12, "chmod 600"},
		"open age directory": {func(b *testbed.Bed) string { return filepath.Join(b.Own(), "age") }, mode(0o777), 12, "chmod 700"},
		"open settings":      {func(b *testbed.Bed) string { return filepath.Join(b.Own(), "profiles.ini") }, mode(0o666), 12, "chmod go-w"},
		"broken settings":    {func(b *testbed.Bed) string { return filepath.Join(b.Own(), "profiles.ini") }, replace("[work\n"), 3, "profiles.ini"},
		"unknown store":      {func(b *testbed.Bed) string { return filepath.Join(b.Own(), "profiles.ini") }, replace("[work]\nstore = vault-of-2030\nmfa_serial = arn:aws:iam::123456789012:mfa/x\n"), 3, "vault-of-2030"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, key, seed := bare(t)
			addWork(t, b, key, seed, "--store", "age")
			path := test.path(b)
			test.spoil(t, path)
			info, err := os.Stat(path)
			must(t, err)
			before := ""
			if !info.IsDir() {
				before = readFile(t, path)
			}
			wantFailure(t, b, get(t, b), test.code, test.words)
			wantMints(t, b, 0)
			if !info.IsDir() && readFile(t, path) != before {
				t.Error("it was overwritten")
			}
		})
	}
}

// TestRoleOfTheCLI has role profiles that people wrote for the AWS CLI, with the phone's serial: this
// computer's own device goes before it.
func TestRoleOfTheCLI(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	must(t, b.AddConfig("[profile admin]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = work\nmfa_serial = arn:aws:iam::123456789012:mfa/phone\n"))
	addWork(t, b, key, seed)
	credentials(t, run(t, b, nil, b.Binary, "get", "--profile", "admin"))
	mustRun(t, b, nil, "register", "--profile", "app", "--source-profile", "work", "--role-arn", "arn:aws:iam::123456789012:role/deploy", "--program", b.Binary)
	// Under its own name it has no access key; what the AWS config runs for it is told.
	wantFailure(t, b, run(t, b, nil, b.Binary, "get", "--profile", "app"), 3, "run the command that the AWS config has for the profile: /usr/bin/env AWS_MFA_CREDS_HOME="+b.Own()+" "+b.Binary+" get --profile work --role-arn")
}

// TestAddOverAWrongSeed has a wrong seed spend a time step before the right one comes: that step is
// free for the right one.
func TestAddOverAWrongSeed(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	wrong := filepath.Join(b.Dir, "secrets", "wrong")
	writeFile(t, wrong, strings.Repeat("JBSWY3DPEHPK3PXP", 4))
	addWork(t, b, key, wrong)
	wantFailure(t, b, get(t, b), 6, "AWS refused the token code")
	mustRun(t, b, nil, "add", "--profile", "work", "--seed-file", seed, "--yes")
	roomInStep()
	mustGet(t, b)
	attempts := b.Server.State().Attempts
	last, before := attempts[len(attempts)-1], attempts[len(attempts)-2]
	if last.Time.Unix()/30 != last.Step || before.Outcome != "wrong" {
		t.Errorf("%+v, then %+v", before, last)
	}
}

// TestNotIntoMemoryWithoutAsking keeps the only seed of a device from a store that forgets.
func TestNotIntoMemoryWithoutAsking(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	addWork(t, b, key, seed, "--store", "age")
	got := run(t, b, nil, "setsid", "-w", b.Binary, "store", "move", "--profile", "work", "--to", "keyctl")
	if got.code != 2 || !strings.Contains(got.stderr, "--yes") {
		t.Errorf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	mustGet(t, b)
}

// TestEmptyPassphrase is none.
func TestEmptyPassphrase(t *testing.T) {
	t.Parallel()
	b, key, seed := bare(t)
	addWork(t, b, key, seed, "--store", "age")
	console, err := terminal.Start(b.Command(t.Context(), b.Binary, "store", "protect", "--passphrase"))
	must(t, err)
	for range 3 {
		must(t, console.Expect("(not shown): "))
		must(t, console.Type("\n"))
	}
	if code, err := console.Wait(); code != 2 || err != nil || strings.Count(console.Shown(), "is shorter than 8 characters") != 3 {
		t.Errorf("%d, %v: %s", code, err, console.Shown())
	}
}
