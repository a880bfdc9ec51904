package agefile

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/terminal"
)

// wantItem checks what age printed of the item "key:work".
func wantItem(t *testing.T, printed string) {
	t.Helper()
	var c content
	must(t, json.Unmarshal([]byte(printed), &c))
	if c != (content{1, "key:work", canary}) {
		t.Errorf("age printed %q", printed)
	}
}

// ageDecrypts has the age program open an item, with the passphrase typed at a terminal if there is
// one.
func ageDecrypts(t *testing.T, identity, passphrase, item string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	cmd := exec.CommandContext(t.Context(), program(t, "age", "age"), "--decrypt", "-i", identity, "-o", out, item)
	console, err := terminal.Start(cmd)
	must(t, err)
	if passphrase != "" {
		must(t, console.Expect("passphrase"))
		must(t, console.Type(passphrase+"\n"))
	}
	if code, err := console.Wait(); err != nil || code != 0 {
		t.Fatalf("age ended with %d, %v: %s", code, err, console.Shown())
	}
	return string(readFile(t, out))
}

func TestAgeOpensItems(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	put(t, s, "key:work", canary)
	wantItem(t, ageDecrypts(t, s.path(identityFile), "", itemPath(s, "key:work")))
}

func TestAgeOpensItemsWithAPassphrase(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.workFactor = workFactor
	must(t, s.Rekey(t.Context(), Protection{Passphrase: secret(passphrase)}))
	put(t, s, "key:work", canary)
	wantItem(t, ageDecrypts(t, s.path(sealedFile), passphrase, itemPath(s, "key:work")))
	s.workFactor = 4
	s.Person = &scripted{secret: passphrase}
	must(t, s.Rekey(t.Context(), Protection{Passphrase: secret("other")}))
	wantItem(t, ageDecrypts(t, s.path(sealedFile), "other", itemPath(s, "key:work")))
}

// ageKeys returns two key pairs of age-keygen: the files and their recipients.
func ageKeys(t *testing.T) (files, recipients []string) {
	t.Helper()
	for _, name := range []string{"first", "second"} {
		file := filepath.Join(t.TempDir(), name)
		run(t, "age-keygen", "age", "-o", file)
		files = append(files, file)
		recipients = append(recipients, strings.TrimSpace(run(t, "age-keygen", "age", "-y", file)))
	}
	return files, recipients
}

func TestAgeOpensItemsOfItsOwnKeys(t *testing.T) {
	t.Parallel()
	files, recipients := ageKeys(t)
	s := newStore(t)
	must(t, s.Rekey(t.Context(), Protection{Recipients: recipients, IdentityFile: files[0]}))
	put(t, s, "key:work", canary)
	wantSecret(t, s, "key:work", canary)
	for _, identity := range append(files, s.path(identityFile)) {
		wantItem(t, ageDecrypts(t, identity, "", itemPath(s, "key:work")))
	}
	if got, err := s.Status(t.Context()); err != nil || got.Mode != Own {
		t.Errorf("Status = %+v, %v", got, err)
	}
}

// TestOpensItemsOfAge has items that the age program wrote, armored and not, in the places
// of ours.
func TestOpensItemsOfAge(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	put(t, s, "key:work", "first")
	item := []byte(`{"secret": "` + canary + `", "version": 1, "name": "key:work"}`)
	for _, flags := range [][]string{{}, {"--armor"}} {
		file := runWith(t, item, "age", "age", append(flags, "-R", s.path(recipientsFile))...)
		writeFile(t, itemPath(s, "key:work"), []byte(file))
		wantSecret(t, s, "key:work", canary)
	}
	must(t, s.Rekey(t.Context(), Protection{}))
	wantSecret(t, s, "key:work", canary)
	wantFiles(t, s, identityFile, recipientsFile, fileName("key:work"))
}

// TestOpensAnIdentityOfAge has an identity that the age program encrypted under a passphrase.
func TestOpensAnIdentityOfAge(t *testing.T) {
	t.Parallel()
	files, recipients := ageKeys(t)
	s := newStore(t)
	must(t, os.MkdirAll(s.Dir, 0o700))
	writeFile(t, s.path(recipientsFile), []byte(recipients[0]+"\n"))
	console, err := terminal.Start(exec.CommandContext(t.Context(), program(t, "age", "age"), "--passphrase", "-o", s.path(sealedFile), files[0]))
	must(t, err)
	for range 2 {
		must(t, console.Expect("assphrase"))
		must(t, console.Expect(":"))
		must(t, console.Type(passphrase+"\n"))
	}
	if code, err := console.Wait(); err != nil || code != 0 {
		t.Fatalf("age ended with %d, %v: %s", code, err, console.Shown())
	}
	must(t, os.Chmod(s.path(sealedFile), 0o600))
	put(t, s, "a", canary)
	wantGetFault(t, s, "a", fault.Store, "locked")
	s.Person = &scripted{secret: passphrase}
	wantSecret(t, s, "a", canary)
}

// TestPluginHasNoTerminal runs a whole process on one. The plugin gives up if it can open it, or finds
// what is not for it in its environment.
func TestPluginHasNoTerminal(t *testing.T) {
	t.Parallel()
	console, err := terminal.Start(process(t, "get", withPlugin(t, "good").Dir, "a", "AGEDEBUG=plugin", "AWS_MFA_CREDS_SEED="+canary))
	must(t, err)
	if code, err := console.Wait(); err != nil || code != 0 {
		t.Errorf("%d, %v: %s", code, err, console.Shown())
	}
}
