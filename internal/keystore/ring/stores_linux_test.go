package ring

import (
	"crypto/rand"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// needKernel skips where the kernel's keyring is blocked, as in a container.
func needKernel(t testing.TB) {
	t.Helper()
	err := (&Ring{options: Options{Kind: Keyctl}, limit: patient}).Probe(t.Context())
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("no kernel keyring here: ", err)
	}
}

// TestStores stores, replaces, reads and removes in each keyring, under the names that are
// hardest to keep apart.
func TestStores(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := desk{env: os.Environ()}
			if kind == Keyctl {
				needKernel(t)
			} else {
				d = newDesk(t, kind)
			}
			testStore(t, d.open(t, kind))
			if kind != Keyctl {
				d.wantNoProcesses(t)
			}
		})
	}
}

func testStore(t *testing.T, r *Ring) {
	t.Helper()
	own := ""
	if r.options.Kind == Keyctl { // which is the user's, who may have a profile work there
		own = rand.Text()[:13] + " "
	}
	names := []string{
		"key:work", "key:Work", "key:WORK", "key:work ", "key:", "key", "key:a/b", "key:a", "key:..", "key:../../x", "/", "..", ".", "-n", "a/", "a//b", "a/b",
		"seed:arn:aws:iam::123456789012:mfa/al ice", "seed:arn:aws:iam::123456789012:mfa/al%20ice", "key:\u00fc", "key:u\u0308", `key:"$(id)" 'x';`,
		"key:" + strings.Repeat("x", maxName-4-len(own)), "key:" + strings.Repeat("X", maxName-4-len(own)), "key:" + strings.Repeat("\u20ac", 100),
	}
	for i, name := range names {
		names[i] = own + name
	}
	if r.options.Kind == Pass { // it is slow; TestFileNames has them all
		names = append(names[:2:2], names[6:9]...)
	}
	if err := r.Probe(t.Context()); err != nil {
		t.Errorf("Probe: %v", err)
	}
	for _, name := range names {
		t.Cleanup(func() { _ = r.Delete(t.Context(), name) })
		_, err := r.Get(t.Context(), name)
		wantFault(t, "Get of nothing", err, fault.NoSecret, "item \"", "is not in", "add --profile NAME")
		if err := r.Delete(t.Context(), name); err != nil {
			t.Errorf("Delete of nothing: %v", err)
		}
		mustPut(t, r, name, "value of "+name)
	}
	for _, name := range names {
		wantGet(t, r, name, "value of "+name)
	}
	for _, value := range []string{strings.Repeat("x", MaxItem), "{\"a\":\n1}\n", "\u00e4 \\ \" ' %s", "x"} {
		mustPut(t, r, names[0], value)
		wantGet(t, r, names[0], value)
	}
	for i, name := range names {
		if err := r.Delete(t.Context(), name); err != nil {
			t.Errorf("Delete: %v", err)
		}
		_, err := r.Get(t.Context(), name)
		wantFault(t, "Get after Delete", err, fault.NoSecret, "is not in")
		if i+1 < len(names) {
			wantGet(t, r, names[i+1], "value of "+names[i+1])
		}
	}
}

func TestRefusedBeforeTheKeyring(t *testing.T) {
	t.Parallel()
	r := (desk{}).open(t, SecretService) // there is nothing: whoever gets there fails otherwise
	for what, value := range map[string]string{"empty": "", "too large": strings.Repeat("x", MaxItem+1)} {
		if err := r.Put(t.Context(), "key:x", creds.NewSecret(value)); fault.KindOf(err) != fault.Usage {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, name := range []string{"", "key:\x00", "key:a\nb", "key:\xff", "key:\x7f", strings.Repeat("x", maxName+1)} {
		if _, err := r.Get(t.Context(), name); fault.KindOf(err) != fault.Usage {
			t.Errorf("Get %q: %v", name, err)
		}
		if err := r.Put(t.Context(), name, creds.NewSecret("x")); fault.KindOf(err) != fault.Usage {
			t.Errorf("Put %q: %v", name, err)
		}
		if err := r.Delete(t.Context(), name); fault.KindOf(err) != fault.Usage {
			t.Errorf("Delete %q: %v", name, err)
		}
	}
}

func TestOneKeyringAndNoOther(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{Keychain, WinCred, "file", "age", "", "Pass"} {
		_, err := Open(Options{Kind: kind})
		wantFault(t, kind, err, fault.Store, "is not in this build", "--store age")
	}
	// The Secret Service is there, and so are pass and the kernel; KDE Wallet is not.
	d := newDesk(t, SecretService)
	everyCall(t, d.open(t, KWallet), func(what string, err error) {
		wantFault(t, what, err, fault.Store, "KDE Wallet", "no program that offers it", "--store age")
	})
	if out, _ := exec.Command("sh", "-c", "ls -A "+d.home+"/.password-store").Output(); len(out) > 0 {
		t.Errorf("pass was used: %s", out)
	}
}

// TestItemsCanBeRecognised looks at what other programs see.
func TestItemsCanBeRecognised(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SecretService)
	mustPut(t, d.open(t, SecretService), "key:work", "v")
	if out := d.run(t, "", "secret-tool", "search", "profile", "aws-mfa-creds key:work"); !strings.Contains(out, "label = aws-mfa-creds key:work") {
		t.Errorf("secret-tool: %s", out)
	}
	d = newDesk(t, Pass)
	mustPut(t, d.open(t, Pass), "key:work", "v")
	if out := d.run(t, "", "pass", "ls"); !strings.Contains(out, "aws-mfa-creds") || !strings.Contains(out, "key:work") {
		t.Errorf("pass ls: %s", out)
	}
}
