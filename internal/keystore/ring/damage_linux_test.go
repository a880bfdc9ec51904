package ring

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// damages are what an item may have become; what it held, a valid one, is the argument.
func damages(valid string) map[string]string {
	return map[string]string{
		"empty": "", "text": "not ours", "cut": valid[:len(valid)/2], "null": "null", "no data": "{}", "list": "[]",
		"other item": strings.Replace(valid, "key:x", "key:y", 1), "not base64": strings.Replace(valid, `"Data":"`, `"Data":"!`, 1),
		"empty data": `{"Key":"aws-mfa-creds key:x","Data":""}`, "too much": `{"Key":"key:x","Data":"` + strings.Repeat("eHh4", 1000) + `"}`,
		"control bytes": "\x00\xff\n",
	}
}

func TestDamagedInSecretService(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SecretService)
	r := d.open(t, SecretService)
	lookUp := func() string { return d.run(t, "", "secret-tool", "lookup", "profile", label("key:x")) }
	mustPut(t, r, "key:x", "value")
	for what, content := range damages(lookUp()) {
		mustPut(t, r, "key:x", "value")
		d.run(t, "", "secret-tool", "clear", "profile", label("key:x"))
		d.run(t, content, "secret-tool", "store", "--label=x", "profile", label("key:x"))
		before := lookUp()
		_, err := r.Get(t.Context(), "key:x")
		wantFault(t, what, err, fault.NoSecret, `item "key:x"`, "is damaged", "add --profile NAME")
		if lookUp() != before {
			t.Errorf("%s: Get has changed it", what)
		}
		d.run(t, "", "secret-tool", "clear", "profile", label("key:x"))
	}
	// Another program makes a second item of the name.
	mustPut(t, r, "key:x", "value")
	d.run(t, "other", "secret-tool", "store", "--label=x", "profile", label("key:x"), "more", "attributes")
	_, err := r.Get(t.Context(), "key:x")
	wantFault(t, "two items", err, fault.NoSecret, "there are several of them", "delete all but")
	wantFault(t, "Delete of two items", r.Delete(t.Context(), "key:x"), fault.NoSecret, "there are several of them")
}

func TestDamagedInPass(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Pass)
	r := d.open(t, Pass)
	mustPut(t, r, "key:x", "value")
	file := filepath.Join(d.home, ".password-store", service, "key:x.gpg")
	valid, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), valid...)
	flipped[len(flipped)-10] ^= 1
	files := map[string]string{"empty file": "", "cut file": string(valid[:len(valid)-20]), "no file of gpg": "not ours", "flipped bit": string(flipped)}
	plain := damages(d.run(t, "", "pass", "show", "aws-mfa-creds/key:x"))
	for _, what := range []string{"empty", "text", "other item"} { // the library reads them as elsewhere
		d.run(t, plain[what], "pass", "insert", "-m", "-f", "aws-mfa-creds/key:x")
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files[what] = string(content)
	}
	for what, content := range files {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := r.Get(t.Context(), "key:x")
		wantFault(t, what, err, fault.NoSecret, `item "key:x"`, "is damaged", "add --profile NAME")
		if now, err := os.ReadFile(file); err != nil || string(now) != content {
			t.Errorf("%s: Get has changed it", what)
		}
	}
	mustPut(t, r, "key:x", "value")
	wantGet(t, r, "key:x", "value")
}

func TestDamagedInKWallet(t *testing.T) {
	t.Parallel()
	d := newDesk(t, KWallet)
	r := d.open(t, KWallet)
	mustPut(t, r, "key:x", "value")
	conn, err := dbus.Dial(d.get("DBUS_SESSION_BUS_ADDRESS"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Auth(nil); err != nil {
		t.Fatal(err)
	}
	if err := conn.Hello(); err != nil {
		t.Fatal(err)
	}
	daemon := conn.Object(walletService, walletPath)
	var handle, result int32
	if err := daemon.Call(wallet+"open", 0, "kdewallet", int64(0), "test").Store(&handle); err != nil {
		t.Fatal(err)
	}
	var valid []byte
	if err := daemon.Call(wallet+"readEntry", 0, handle, service, "key:x", "test").Store(&valid); err != nil {
		t.Fatal(err)
	}
	for what, content := range damages(string(valid)) {
		if what == "empty" {
			continue // which KDE Wallet does not tell from none
		}
		if err := daemon.Call(wallet+"writeEntry", 0, handle, service, "key:x", []byte(content), "test").Store(&result); err != nil {
			t.Fatal(err)
		}
		_, err := r.Get(t.Context(), "key:x")
		wantFault(t, what, err, fault.NoSecret, `item "key:x"`, "is damaged", "add --profile NAME")
		var now []byte
		if err := daemon.Call(wallet+"readEntry", 0, handle, service, "key:x", "test").Store(&now); err != nil || string(now) != content {
			t.Errorf("%s: Get has changed it: %v", what, err)
		}
	}
}

func TestPassLocked(t *testing.T) {
	t.Parallel()
	d, mark := newDesk(t, "pass-locked").tripwire(t, "pinentry")
	config := "pinentry-program " + filepath.Join(filepath.Dir(mark), "pinentry") + "\n"
	if err := os.WriteFile(filepath.Join(d.get("GNUPGHOME"), "gpg-agent.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	r := d.open(t, Pass)
	d.run(t, `{"Key":"key:x","Data":"b2xk"}`, "pass", "insert", "-m", "-f", "aws-mfa-creds/key:x")
	_, err := r.Get(t.Context(), "key:x")
	wantFault(t, "Get", err, fault.Store, "pass", "is locked", "passphrase", "--store age")
	wantFault(t, "Put", r.Put(t.Context(), "key:x", creds.NewSecret("new")), fault.Store, "is locked")
	files, _ := os.ReadDir(filepath.Join(d.home, ".password-store", service))
	if len(files) != 1 {
		t.Errorf("Put has left %v", files)
	}
	if out, err := os.ReadFile(mark); err == nil {
		t.Errorf("asked: %s", out)
	}
	// The person gives gpg-agent the passphrase.
	d.run(t, "swordfish", "gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase-fd", "0", "-d",
		filepath.Join(d.home, ".password-store", service, "key:x.gpg"))
	wantGet(t, r, "key:x", "old")
	mustPut(t, r, "key:x", "new")
	wantGet(t, r, "key:x", "new")
}

func TestPassNotUsable(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Pass)
	mustPut(t, d.open(t, Pass), "key:x", "value")
	bin := t.TempDir()
	everyCall(t, d.with("PATH="+bin).open(t, Pass), func(what string, err error) {
		wantFault(t, what, err, fault.Store, "pass is not installed", "install pass")
	})
	if err := os.Symlink("/bin/true", filepath.Join(bin, "pass")); err != nil {
		t.Fatal(err)
	}
	everyCall(t, d.with("PATH="+bin).open(t, Pass), func(what string, err error) {
		wantFault(t, what, err, fault.Store, "gpg is not installed", "install gpg")
	})
	everyCall(t, d.with("PASSWORD_STORE_DIR="+bin).open(t, Pass), func(what string, err error) {
		wantFault(t, what, err, fault.Store, "pass", "is not set up", "pass init")
	})
	stranger := t.TempDir()
	if err := os.Chmod(stranger, 0o700); err != nil {
		t.Fatal(err)
	}
	r := d.with("GNUPGHOME="+stranger).open(t, Pass)
	_, err := r.Get(t.Context(), "key:x")
	wantFault(t, "no secret key", err, fault.Store, "gpg does not have the secret key")
	wantFault(t, "no public key", r.Put(t.Context(), "key:x", creds.NewSecret("new")), fault.Store, ".gpg-id", "pass init")
	wantGet(t, d.open(t, Pass), "key:x", "value")
	d.run(t, "", "gpgconf", "--homedir", stranger, "--kill", "all")
}

// TestPassKeepsNothingOutside checks that no name leads out of the folder.
func TestPassKeepsNothingOutside(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Pass)
	r := d.open(t, Pass)
	mustPut(t, r, "../../key", "value")
	mustPut(t, r, "/key", "value")
	files, _ := filepath.Glob(filepath.Join(d.home, ".password-store", service, "*.gpg"))
	all, _ := filepath.Glob(filepath.Join(d.home, ".password-store", "*"))
	if len(files) != 2 || len(all) != 2 { // the folder, and .gpg-id
		t.Errorf("files %q, and beside them %q", files, all)
	}
}
