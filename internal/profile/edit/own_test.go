package edit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

func editor(paths profile.Paths) Editor { return Editor{Paths: paths} }

func text(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// files returns the names in the directory of path.
func files(t testing.TB, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func setStore(store string) func(*Own) {
	return func(o *Own) { o.Store = store }
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after string
		change        func(*Own)
	}{
		"new": {"", "[x]\nstore = age\n", setStore("age")},
		"all": {"", "[x]\nstore = a\nkey_store = b\nseed_store = c\naccess_key_id = d\nmfa_serial = e\nmfa_process = \"f\" g\nrole_arn = h\nsource_profile = i j\nexternal_id = k\nrole_session_name = l\nduration = m\nregion = n\n", func(o *Own) {
			*o = Own{"a", "b", "c", "d", "e", `"f" g`, "h", "i j", "k", "l", "m", "n"}
		}},
		"one of several":         {"[x]\n# mine\nstore = a # old\nregion = b ; x\n", "[x]\n# mine\nstore = age\nregion = b ; x\n", setStore("age")},
		"already so":             {"[x]\nstore=age # mine\n", "[x]\nstore=age # mine\n", setStore("age")},
		"one goes":               {"[x]\nstore = a\nregion = b\n", "[x]\nregion = b\n", setStore("")},
		"all go":                 {"[y]\n\n[x]\nstore = a\n", "[y]\n", setStore("")},
		"nothing to go":          {"[x]\n", "[x]\n", setStore("")},
		"other keys stay":        {"[x]\nstore = a\nendpoint_url = https://b\n", "[x]\nendpoint_url = https://b\n", setStore("")},
		"moves":                  {"[x]\nstore = a\n", "[x]\nkey_store = a\n", func(o *Own) { o.KeyStore, o.Store = o.Store, "" }},
		"garbage in another one": {"[y]\ngarbage\n", "[y]\ngarbage\n\n[x]\nstore = age\n", setStore("age")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			paths := write(t, "", c.before, "")
			dry := editor(paths)
			dry.DryRun = true
			would, err := dry.Update(t.Context(), "x", c.change)
			if err != nil || would.New.Reveal() != c.after || would.Old.Reveal() != c.before {
				t.Fatalf("would be %q -> %q, %v", would.Old.Reveal(), would.New.Reveal(), err)
			}
			if data, _ := os.ReadFile(paths.Own); string(data) != c.before || len(files(t, paths.Own)) > 1 {
				t.Fatalf("a dry run left %q, %q", data, files(t, paths.Own))
			}
			did, err := editor(paths).Update(t.Context(), "x", c.change)
			if err != nil || did.Changed != (c.before != c.after) || did.New.Reveal() != c.after || text(t, paths.Own) != c.after {
				t.Fatalf("%v: %q, %v", did.Changed, text(t, paths.Own), err)
			}
			again, err := editor(paths).Update(t.Context(), "x", c.change)
			if err != nil || again.Changed != (name == "moves") {
				t.Errorf("a second time: changed %v, %v", again.Changed, err)
			}
		})
	}
}

func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before string
		change func(*Own)
		kind   fault.Kind
		part   string
	}{
		"unknown key":     {"[x]\nstroe = a\n", setStore("age"), fault.Config, "did you mean store?"},
		"value":           {"[x]\n", setStore("a\nb"), fault.Usage, "store: its value has a control"},
		"continued value": {"[x]\nstore = a\n  b\n", setStore("age"), fault.Config, "profiles.ini:3"},
	} {
		paths := write(t, "", c.before, "")
		_, err := editor(paths).Update(t.Context(), "x", c.change)
		wantFault(t, err, c.kind, c.part)
		if text(t, paths.Own) != c.before {
			t.Errorf("%s: the file is %q", name, text(t, paths.Own))
		}
	}
	paths := write(t, "", "[x]\n", "")
	_, err := editor(profile.Paths{}).Update(t.Context(), "x", setStore("a"))
	wantFault(t, err, fault.Filesystem, "AWS_MFA_CREDS_HOME")
	_, err = editor(paths).Update(t.Context(), "", setStore("a"))
	wantFault(t, err, fault.Usage, "it is empty")
}

func TestRemove(t *testing.T) {
	t.Parallel()
	paths := write(t, "", "[y]\nstore = a\n\n[x]\nstore = b\nregistered = {}\n\n[z]\nstore = c\n", "")
	for range 2 {
		if _, err := editor(paths).Remove(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		if got := text(t, paths.Own); got != "[y]\nstore = a\n\n[z]\nstore = c\n" {
			t.Errorf("left %q", got)
		}
	}
}

func TestSharing(t *testing.T) {
	t.Parallel()
	f := load(t, "[profile w]\nmfa_serial = "+serial+"\n", "[x]\nmfa_serial = "+serial+"\n[z]\nMFA_SERIAL: "+serial+" # mine\n[y]\nmfa_serial = "+serial+"\nmfa_serial = other\n[v]\nregion = "+serial+"\n")
	if got := Sharing(f, serial); !slices.Equal(got, []string{"x", "z"}) {
		t.Errorf("%q share the device", got)
	}
	keys := load(t, "", "[x]\naccess_key_id = AKIAIOSFODNN7EXAMPLE\n[z]\naccess_key_id = AKIAIOSFODNN7EXAMPLE # too\n[y]\naccess_key_id = AKIAIOSFODNN7EXAMPL2\n")
	if got := SharingKey(keys, "AKIAIOSFODNN7EXAMPLE"); !slices.Equal(got, []string{"x", "z"}) {
		t.Errorf("%q share the access key", got)
	}
	o, ok, err := ReadOwn(f, "z")
	if err != nil || !ok || o != (Own{Serial: serial}) {
		t.Errorf("%+v, %v, %v", o, ok, err)
	}
	if o, ok, err := ReadOwn(f, "nobody"); err != nil || ok || o != (Own{}) {
		t.Errorf("%+v, %v, %v", o, ok, err)
	}
}

// TestChangedMeanwhile has another program write, once, between reading and writing: the edit is done
// again on what is there then.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, want string
		meddle    func(path string) error
	}{
		"other content": {"[x]\nstore = a\n", "[x]\nstore = age\n", func(path string) error { return os.WriteFile(path, []byte("[x]\nstore = b\n"), 0o600) }},
		"gone":          {"[x]\nstore = a\n", "[x]\nstore = age\n", os.Remove},
		"made":          {"", "[y]\n\n[x]\nstore = age\n", func(path string) error { return os.WriteFile(path, []byte("[y]\n"), 0o600) }},
		"made empty":    {"", "[x]\nstore = age\n", func(path string) error { return os.WriteFile(path, nil, 0o600) }},
		"directory":     {"[x]\nstore = a\n", "", func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }},
	} {
		paths, tries := write(t, "", c.old, ""), 0
		_, err := editor(paths).Update(t.Context(), "x", func(o *Own) {
			o.Store, tries = "age", tries+1
			if tries == 1 {
				if err := c.meddle(paths.Own); err != nil {
					t.Error(err)
				}
			}
		})
		if c.want == "" {
			wantFault(t, err, fault.Config, paths.Own)
			continue
		}
		if got := text(t, paths.Own); err != nil || got != c.want {
			t.Errorf("%s: the file is %q, %v", name, got, err)
		}
		if got := files(t, paths.Own); len(got) != 2 {
			t.Errorf("%s: files are %q", name, got)
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	paths := write(t, "", "[x]\nstore = a\n", "")
	e := editor(paths)
	unlock, err := e.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Update(ctx, "x", setStore("b")); !errors.Is(err, context.Canceled) {
		t.Errorf("Update = %v", err)
	}
	if text(t, paths.Own) != "[x]\nstore = a\n" {
		t.Error("written without the lock")
	}
}

func TestStaticKeys(t *testing.T) {
	t.Parallel()
	const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	paths := write(t,
		"[profile x]\nAWS_Secret_Access_Key: canary2 # mine\n[profile y]\naws_access_key_id = AKIAOTHER\n", "",
		"[default]\naws_access_key_id = no\n[x]\nregion = a\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = "+secret+"\n[t]\naws_access_key_id = A\naws_secret_access_key = B\naws_security_token = C\n[s]\naws_access_key_id = ASIAB\n[l]\naws_secret_access_key = canary\n  canary\n[n]\nregion = a\n")
	f, err := profile.Load(paths)
	if err != nil {
		t.Fatal(err)
	}
	all, err := f.StaticKeys("x")
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	if k := all[0]; k.File != profile.AWSCredentials || k.Place != paths.AWSCredentials+":5" || k.Key.ID != "AKIAIOSFODNN7EXAMPLE" || k.Key.Secret.Reveal() != secret || k.Temporary {
		t.Errorf("%+v", k)
	}
	if k := all[1]; k.File != profile.AWSConfig || k.Place != paths.AWSConfig+":2" || k.Key.ID != "" || k.Key.Secret.Reveal() != "canary2" || k.Temporary {
		t.Errorf("%+v", k)
	}
	for name, want := range map[string]int{"y": 1, "t": 1, "s": 1, "n": 0, "nobody": 0} {
		all, err := f.StaticKeys(name)
		if err != nil || len(all) != want || want > 0 && all[0].Temporary != (name != "y") {
			t.Errorf("%s: %v, %v", name, all, err)
		}
	}
	_, err = f.StaticKeys("l")
	wantFault(t, err, fault.Config, "credentials:15", "aws_secret_access_key")
	if strings.Contains(fault.Line(err), "canary") {
		t.Errorf("%s shows a secret", fault.Line(err))
	}
	none, err := profile.Load(profile.Paths{})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := none.StaticKeys("x"); err != nil || len(all) > 0 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestRemoveStaticKey(t *testing.T) {
	t.Parallel()
	before := "# top\r\n[x]\r\naws_access_key_id = A\r\n; mine\r\naws_secret_access_key = B\r\nregion = c\r\n\r\n[x]\r\naws_session_token=D\r\n[y]\r\naws_access_key_id = E\r\n"
	after := "# top\r\n[x]\r\n; mine\r\nregion = c\r\n\r\n[x]\r\n[y]\r\naws_access_key_id = E\r\n"
	paths := write(t, "[profile x]\naws_access_key_id = A\n", "", before)
	backup := paths.AWSCredentials + ".aws-mfa-creds-backup"
	c, err := editor(paths).RemoveStaticKey(t.Context(), profile.Plain, "x")
	if err != nil || !c.Changed || c.Backup != backup || text(t, paths.AWSCredentials) != after || text(t, backup) != before {
		t.Fatalf("%v, %v: %q", c, err, text(t, paths.AWSCredentials))
	}
	c, err = editor(paths).RemoveStaticKey(t.Context(), profile.Plain, "x")
	if err != nil || c.Changed || c.Backup != "" {
		t.Errorf("a second time: %v, %v", c, err)
	}
	c, err = editor(paths).RemoveStaticKey(t.Context(), profile.Plain, "y")
	if err != nil || c.Backup != backup+".2" || text(t, backup+".2") != after || text(t, backup) != before {
		t.Errorf("another: %v, %v", c, err)
	}
	c, err = editor(paths).RemoveStaticKey(t.Context(), profile.AWSConfig, "x")
	if err != nil || c.Path != paths.AWSConfig || text(t, paths.AWSConfig) != "" {
		t.Errorf("in the AWS config: %v, %v", c, err)
	}
	if strings.Contains(strings.Join(files(t, backup), " "), ".tmp") {
		t.Errorf("temporary files are left: %q", files(t, backup))
	}
	if err := os.WriteFile(paths.AWSConfig, []byte("[profile x]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = editor(paths).RemoveStaticKey(t.Context(), profile.AWSConfig, "x"); err != nil || c.Changed {
		t.Errorf("a section that was empty before is gone: %v, %v", c, err)
	}
	_, err = editor(profile.Paths{Own: paths.Own}).RemoveStaticKey(t.Context(), profile.Plain, "x")
	wantFault(t, err, fault.Config, "HOME")
	_, err = editor(profile.Paths{Own: paths.Own, AWSCredentials: os.DevNull}).RemoveStaticKey(t.Context(), profile.Plain, "x")
	wantFault(t, err, fault.Config, os.DevNull)
}

// TestBackupGoesWithTheFailure leaves no second copy of a secret where nothing was removed.
func TestBackupGoesWithTheFailure(t *testing.T) {
	t.Parallel()
	paths := write(t, "", "", "[x]\naws_access_key_id = A\n")
	file, err := openTarget(paths.AWSCredentials)
	if err != nil {
		t.Fatal(err)
	}
	file.backup, file.new = true, "new"
	if err := os.WriteFile(paths.AWSCredentials, []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFault(t, commit([]*target{file}), fault.Config, "in the meantime")
	if got := files(t, paths.AWSCredentials); !slices.Equal(got, []string{"credentials"}) || file.change().Backup != "" {
		t.Errorf("files are %q", got)
	}
}

// TestNoBackup has no copy of the key in clear made.
func TestNoBackup(t *testing.T) {
	t.Parallel()
	paths := write(t, "", "", "[x]\naws_access_key_id = A\n")
	e := editor(paths)
	e.NoBackup = true
	c, err := e.RemoveStaticKey(t.Context(), profile.Plain, "x")
	if err != nil || !c.Changed || c.Backup != "" || text(t, paths.AWSCredentials) != "" {
		t.Errorf("%v, %v", c, err)
	}
	if all := strings.Join(files(t, paths.AWSCredentials), " "); strings.Contains(all, "backup") {
		t.Error(all)
	}
}

// FuzzReadOwn has ini.v1 and the reader of the warm path agree on every section that is accepted.
func FuzzReadOwn(f *testing.F) {
	for _, text := range []string{
		"[x]\nstore = a # b\nrole_arn: c\n", "[ x ]\r\n  mfa_process = \"a b\" c # d\r\n[x]\r\nSTORE=b\r\n", "[x]\n; a\nregion = 'a\nregion = b = c : d\n",
		"[x]\nmfa_serial = a\\\nregion =\n", "[x]\nregion = %(store)s\n[x] # y\nduration = 12h ; z\n", "\ufeff[DEFAULT]\nstore = a\n[x]\n", "[x]\n\u00a0region\u00a0=\u2003a\u00a0b\n", "[x]\n\x1d\nregion\x1e= a\x1f\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := profile.Parse("profiles.ini", profile.Plain, text)
		if err != nil || file.Check("x") != nil {
			return
		}
		own, _, err := readOwn(file, "x")
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for _, field := range own.fields() {
			n, _ := file.Last("x", field.key)
			want := n.Value()
			if !isCommand(field.key) {
				want = profile.Uncommented(want)
			}
			if *field.text != want {
				t.Errorf("%q: ini.v1 reads %s as %q, want %q", text, field.key, *field.text, want)
			}
		}
	})
}

// TestDevices changes one device of a pool, and leaves the others.
func TestDevices(t *testing.T) {
	t.Parallel()
	o := Own{Serial: "a"}
	o.Take("b", false)
	if o.Serial != "b" {
		t.Errorf("the only device: %q", o.Serial)
	}
	o.Take("c", true)
	if o.Serial != "b c" {
		t.Errorf("one more: %q", o.Serial)
	}
	o.Serial = "a  b\tc"
	o.Take("b", false)
	o.Take("d", false)
	o.Replace("b", "e")
	o.Replace("x", "y")
	if got := strings.Join(o.Devices(), " "); got != "a e c d" {
		t.Errorf("a pool: %q", got)
	}
	o.Replace("a", "")
	if o.Serial != "e c d" {
		t.Errorf("without its first: %q", o.Serial)
	}
}
