package test

import (
	"encoding/base32"
	"encoding/base64"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/qr"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// foreignForms are how other programs write the same text.
func foreignForms() map[string]func(string) string {
	wide := func(text string) (out string) {
		for _, c := range []byte(text) {
			out += string([]byte{c, 0})
		}
		return out
	}
	windows := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	return map[string]func(string) string{
		"UTF-8 with a byte order mark": func(s string) string { return "\ufeff" + s },
		"PowerShell":                   func(s string) string { return "\xff\xfe" + wide(windows(s)) },
		"UTF-16, without a mark":       wide,
		"UTF-16, big-endian":           func(s string) string { return "\xfe\xff\x00" + strings.TrimSuffix(wide(s), "\x00") },
		"Windows":                      windows,
		"Notepad":                      func(s string) string { return "\ufeff" + windows(s) },
		"spaces at the ends of lines":  func(s string) string { return strings.ReplaceAll(s, "\n", " \t\n") },
		"without a line end":           strings.TrimSpace,
	}
}

// TestEntrances brings the same secrets in by every way and in every form, and gets a session.
func TestEntrances(t *testing.T) {
	t.Parallel()
	for form, write := range foreignForms() {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			b, _, _ := bare(t)
			id := b.Identity()
			uri := "otpauth://totp/AWS:" + testbed.DeviceName + "?secret=" + id.Seed + "&issuer=AWS\n"
			file := func(name, text string) string {
				path := filepath.Join(b.Dir, name)
				writeFile(t, path, write(text))
				return path
			}
			keys := map[string]string{
				"csv":  "Access key ID,Secret access key\n" + id.AccessKeyID + "," + id.SecretAccessKey + "\n",
				"json": `{"AccessKey": {"AccessKeyId": "` + id.AccessKeyID + `", "SecretAccessKey": "` + id.SecretAccessKey + `"}}` + "\n",
			}
			seeds := map[string]string{"base32": id.Seed + "\n", "uri": uri, "pass": "hunter2\nuser: alice\n" + uri, "export": googleExport(t, id.Seed) + "\n"}
			mustRun(t, b, nil, "add", "--profile", "work", "--store", "age", "--access-key-file", file("csv", keys["csv"]), "--seed-file", file("base32", seeds["base32"]), "--serial", id.Serial)
			for kind, text := range keys {
				if said := mustRun(t, b, nil, "add", "--profile", "work", "--access-key-file", file(kind, text)); !strings.Contains(said, "already in the age store") {
					t.Errorf("%s: %s", kind, said)
				}
			}
			for kind, text := range seeds {
				if said := mustRun(t, b, nil, "add", "--profile", "work", "--seed-file", file(kind, text)); !strings.Contains(said, "already in the age store") {
					t.Errorf("%s: %s", kind, said)
				}
			}
			identity, recipient := ageKey(t, b)
			mustRun(t, b, nil, "store", "protect", "--recipient", recipient, "--identity", file("identity", identity))
			for flag, text := range map[string]string{"--access-key-file": keys["json"], "--seed-file": seeds["base32"]} {
				if got := run(t, b, nil, "/bin/sh", "-c", b.Binary+" add --profile work "+flag+" - < "+file("stdin", text)); got.code != 0 || !strings.Contains(got.stdout, "already in the age store") {
					t.Errorf("%s from stdin: %s%s", flag, got.stdout, got.stderr)
				}
			}
			phrase := file("phrase", "correct horse\n")
			mustRun(t, b, nil, "store", "protect", "--passphrase", "--passphrase-file", phrase)
			plain := filepath.Join(b.Dir, "plain")
			writeFile(t, plain, "correct horse")
			mustRun(t, b, nil, "store", "protect", "--none", "--old-passphrase-file", plain)
			mustGet(t, b)
			env := []string{"AWS_MFA_CREDS_HOME=" + t.TempDir()}
			for name, text := range map[string]string{"ACCESS_KEY_ID": id.AccessKeyID, "SECRET_ACCESS_KEY": id.SecretAccessKey, "SEED": uri, "SERIAL": id.Serial} {
				env = append(env, "AWS_MFA_CREDS_"+name+"_FILE="+file(name, text+"\n"))
			}
			credentials(t, run(t, b, env, b.Binary, "get", "--profile", "work"))
		})
	}
}

// TestForeignCharacters brings secrets in with characters that are no part of them, and that cannot be seen or are
// easily missed, by every way: they are taken as what they are without these, or refused, and never shown.
func TestForeignCharacters(t *testing.T) {
	t.Parallel()
	forms := map[string]func(string) string{
		"no-break space": func(s string) string { return s + "\u00a0" },
		"zero width":     func(s string) string { return s[:6] + "\u200b" + s[6:] },
		"quotes":         func(s string) string { return `"` + s + `"` },
	}
	const taken, protected = "already in the age store", "encrypted to your keys"
	b, _, _ := bare(t)
	id := b.Identity()
	uri := "otpauth://totp/AWS:x?secret=" + id.Seed + "&issuer=AWS"
	file := filepath.Join(b.Dir, "x")
	writeFile(t, file, id.AccessKeyID+" "+id.SecretAccessKey)
	plain := filepath.Join(b.Dir, "seed")
	writeFile(t, plain, id.Seed)
	mustRun(t, b, nil, "add", "--profile", "work", "--store", "age", "--access-key-file", file, "--seed-file", plain, "--serial", id.Serial)
	identity, recipient := ageKey(t, b)
	identity = identity[strings.Index(identity, "AGE-SECRET"):]
	key, seed, stdin, protect := "add --profile work --access-key-file "+file, "add --profile work --seed-file "+file, "add --profile work --seed-file - < "+file, "store protect --recipient "+recipient+" --identity "+file
	ofEnv := func(name string) string {
		line := "get --profile work"
		for variable, value := range map[string]string{"ACCESS_KEY_ID": id.AccessKeyID, "SECRET_ACCESS_KEY": id.SecretAccessKey, "SEED": id.Seed, "SERIAL": id.Serial} {
			if variable == name {
				variable, value = variable+"_FILE", file
			}
			line = "AWS_MFA_CREDS_" + variable + "=" + value + " " + line
		}
		return "AWS_MFA_CREDS_HOME=" + filepath.Join(b.Dir, "none") + " " + line
	}
	for entrance, c := range map[string]struct {
		line, text string
		want       [3]string // what the forms meet with, in the order of their names: no-break space, quotes, zero width
	}{
		"key file":        {key, id.AccessKeyID + " " + id.SecretAccessKey, [3]string{taken, taken, "U+200B"}},
		"key file, JSON":  {key, `{"AccessKeyId":"` + id.AccessKeyID + `","SecretAccessKey":"` + id.SecretAccessKey + `"}`, [3]string{taken, taken, taken}},
		"seed file":       {seed, id.Seed, [3]string{"U+00A0", "seed is in quotes", "U+200B"}},
		"seed from stdin": {stdin, id.Seed, [3]string{"U+00A0", "seed is in quotes", "U+200B"}},
		"URI":             {seed, uri, [3]string{taken, "seed is in quotes", "U+200B"}},
		"export":          {seed, googleExport(t, id.Seed), [3]string{"is not base64", "seed is in quotes", "U+200B"}},
		"identity":        {protect, strings.TrimSpace(identity), [3]string{protected, "no age identity", "no age identity"}},
		"id of CI":        {ofEnv("ACCESS_KEY_ID"), id.AccessKeyID, [3]string{"U+00A0", "in quotes", "U+200B"}},
		"secret of CI":    {ofEnv("SECRET_ACCESS_KEY"), id.SecretAccessKey, [3]string{"U+00A0", "in quotes", "U+200B"}},
		"seed of CI":      {ofEnv("SEED"), id.Seed, [3]string{"U+00A0", "seed is in quotes", "U+200B"}},
		"serial of CI":    {ofEnv("SERIAL"), id.Serial, [3]string{"U+00A0", "U+0022", "U+200B"}},
	} {
		for i, form := range []string{"no-break space", "quotes", "zero width"} {
			writeFile(t, file, forms[form](c.text))
			env, line, found := strings.Cut(" "+c.line, " get ")
			if line = b.Binary + " get " + line; !found {
				env, line = "", b.Binary+" "+c.line
			}
			got := run(t, b, nil, "/bin/sh", "-c", env+" "+line)
			said := got.stdout + got.stderr
			if !strings.Contains(said, c.want[i]) || (got.code == 0) != (c.want[i] == taken || c.want[i] == protected) {
				t.Errorf("%s, %s: exit %d: %s, want %q", entrance, form, got.code, got.stderr, c.want[i])
			}
			for _, secret := range []string{id.Seed, id.SecretAccessKey, identity[:40]} {
				if strings.Contains(said, secret[6:]) {
					t.Errorf("%s, %s: shows it", entrance, form)
				}
			}
		}
	}
}

// ageKey makes an identity with age-keygen.
func ageKey(t *testing.T, b *testbed.Bed) (identity, recipient string) {
	t.Helper()
	identity = run(t, b, nil, need(t, "age-keygen", "apt-get install age")).stdout
	_, recipient, _ = strings.Cut(identity, "# public key: ")
	recipient, _, _ = strings.Cut(recipient, "\n")
	return identity, recipient
}

// googleExport is what Google Authenticator exports for one account.
func googleExport(t *testing.T, seed string) string {
	t.Helper()
	secret, err := base32.StdEncoding.DecodeString(seed)
	must(t, err)
	account := "\x0a" + string(rune(len(secret))) + string(secret) + "\x12\x03AWS\x20\x01\x28\x01\x30\x02"
	payload := "\x0a" + string(rune(len(account))) + account + "\x10\x01\x18\x01"
	return "otpauth-migration://offline?data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(payload)))
}

// TestTypedPaths answers the question for the seed with paths as file managers and shells give them.
func TestTypedPaths(t *testing.T) {
	t.Parallel()
	b, key, _ := bare(t)
	id := b.Identity()
	picture := func(name string, texts ...string) {
		code, err := qr.Encode(creds.NewSecret(strings.Join(texts, "\n")))
		must(t, err)
		data, err := code.PNG(4)
		must(t, err)
		writeFile(t, filepath.Join(b.Home(), name), string(data))
	}
	picture("a shot.png", "otpauth://totp/AWS:"+testbed.DeviceName+"?secret="+id.Seed)
	const asks = "otpauth URI) (not shown): "
	shot := filepath.Join(b.Home(), "a shot.png")
	for typed, want := range map[string]string{
		shot:                                "Stored the seed",
		"'" + shot + "' ":                   "Stored the seed",
		`"` + shot + `"`:                    "Stored the seed",
		strings.ReplaceAll(shot, " ", `\ `): "Stored the seed",
		"file://" + strings.ReplaceAll(shot, " ", "%20"): "Stored the seed",
		"~/a shot.png":     "Stored the seed",
		"~/missing.png":    "file " + b.Home() + "/missing.png: no such file",
		"shot-1.webp":      "file shot-1.webp: no such file",
		"~":                "file " + b.Home() + ": is a directory",
		id.SecretAccessKey: "your answer: that looks like a secret access key",
		id.Seed + "!":      "your answer: character 65 of the seed",
	} {
		cmd := b.Command(t.Context(), b.Binary, "add", "--profile", "work", "--store", "age", "--access-key-file", key, "--serial", id.Serial)
		cmd.Args = []string{b.Binary, "add", "--profile", "work", "--store", "age"}
		cmd.Env = append(cmd.Env, "AWS_MFA_CREDS_HOME="+t.TempDir())
		s := (&newcomer{t: t, Bed: b}).onTerminal(cmd)
		s.answer("Access key ID (AKIA...): ", id.AccessKeyID)
		s.answer("Secret access key (not shown): ", id.SecretAccessKey)
		s.answer(asks, typed)
		if want == "Stored the seed" {
			s.answer("Serial (ARN) of the MFA device", id.Serial)
			must(t, s.Expect(want))
			s.ends(0)
			continue
		}
		must(t, s.Expect(want))
		must(t, s.Type("\x03"))
		shown := s.ends(130)
		if strings.Contains(shown, id.Seed) || strings.Contains(shown, id.SecretAccessKey) || !strings.HasSuffix(shown, "\n") {
			t.Errorf("%q: shows %q", typed, shown)
		}
	}
}

// TestFullStdout has every command that prints something lose it.
func TestFullStdout(t *testing.T) {
	t.Parallel()
	n, _ := enrolled(t)
	for _, args := range []string{
		"list", "list --json", "doctor", "doctor --json", "code --profile work", "code --profile work --pair", "export --profile work --uri --yes", "version", "--version", "--help", "add --help",
		"completion bash", "store list", "clear --profile work", "lock", "register --profile work", "unregister --profile work", "remove --profile work --yes",
	} {
		for sink, reason := range map[string]string{">/dev/full": "no space left on device", "| (exec <&-; sleep 1)": ""} {
			if reason == "" && !strings.HasPrefix(args, "list") {
				continue
			}
			got := n.outcome("/bin/sh", "-c", n.Binary+" "+args+" "+sink)
			if reason != "" && (got.code != 1 || !strings.Contains(got.stderr, "aws-mfa-creds: error: stdout: cannot be written: "+reason+"\n")) {
				t.Errorf("%s %s: exit %d: %s", args, sink, got.code, got.stderr)
			}
		}
	}
}

func (n *newcomer) outcome(command string, args ...string) outcome {
	n.t.Helper()
	return run(n.t, n.Bed, nil, command, args...)
}

// TestExportOnTerminalsThatCannot has a terminal, or a locale, without block characters.
func TestExportOnTerminalsThatCannot(t *testing.T) {
	t.Parallel()
	n, seed := enrolled(t)
	for variable, cause := range map[string]string{"TERM=dumb": "TERM is dumb", "LC_ALL=C": "the locale, C, is not UTF-8", "LC_CTYPE=de_DE.ISO-8859-1": "is not UTF-8"} {
		cmd := n.Command(t.Context(), n.Binary, "export", "--profile", "work", "--yes")
		cmd.Env = append(cmd.Env, "TERM=xterm", variable)
		shown := n.onTerminal(cmd).ends(2)
		if !strings.Contains(shown, cause) || !strings.Contains(shown, "--png") || strings.Contains(shown, seed) {
			t.Errorf("%s: %s", variable, shown)
		}
	}
}

// TestChangePassphrase looks at the questions, and what they refuse.
func TestChangePassphrase(t *testing.T) {
	t.Parallel()
	n, _ := enrolled(t)
	s := n.shell("store", "protect", "--passphrase")
	s.answer("New passphrase of the age store (not shown): ", "x")
	must(t, s.Expect("is shorter than 8 characters"))
	s.answer("New passphrase of the age store (not shown): ", "correct horse")
	s.answer("Repeat the new passphrase (not shown): ", "correct horse")
	s.ends(0)
	s = n.shell("store", "protect", "--passphrase")
	s.answer("Current passphrase of the age store (not shown): ", "correct horse")
	s.answer("New passphrase of the age store (not shown): ", "battery staple")
	s.answer("Repeat the new passphrase (not shown): ", "battery staple")
	s.ends(0)
	s = n.shell("store", "protect", "--none")
	s.answer("Current passphrase of the age store (not shown): ", "battery staple")
	s.ends(0)
	n.works("work")
}

// TestRemoveWantsAWord deletes the only seed of a device that stays in IAM, and a role is in the config.
func TestRemoveWantsAWord(t *testing.T) {
	t.Parallel()
	n, _ := enrolled(t)
	must(t, n.AddConfig("[profile adm]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = work\n"))
	s := n.shell("remove", "--profile", "work")
	s.answer("These profiles use its access key, and stop working: adm. In IAM, the access key and the MFA device (remove --aws removes it too) will stay active. [y/N]: ", "y")
	s.answer("Type the name of the profile to delete its seed: ", "y")
	s.ends(2)
	n.works("work")
	s = n.shell("remove", "--profile", "work")
	s.answer("[y/N]: ", "y")
	s.answer("Type the name of the profile to delete its seed: ", "work")
	s.ends(0)
}

// TestRemovedDeviceLeavesNoTrace has two profiles with a device that is removed from IAM.
func TestRemovedDeviceLeavesNoTrace(t *testing.T) {
	t.Parallel()
	n, _ := enrolled(t)
	serial := n.Server.World().Devices[0].Serial
	own := n.Own() + "/profiles.ini"
	n.check(os.WriteFile(own, []byte(n.text(own)+"\n[b]\nstore = age\naccess_key_id = "+n.user().Keys[0].ID+"\nmfa_serial = "+serial+"\n"), 0o600))
	said := n.must("remove", "--profile", "work", "--aws", "--yes")
	if !strings.Contains(said, "To give it one, run: aws-mfa-creds enroll --profile b\n") {
		t.Error(said)
	}
	if text := n.text(own); strings.Contains(text, serial) || !strings.Contains(text, "access_key_id = "+n.user().Keys[0].ID) {
		t.Errorf("left: %s", text)
	}
	if listed := n.must("list", "--profile", "b"); !strings.Contains(listed, "enroll --profile b") {
		t.Error(listed)
	}
}

// TestWatchInANarrowWindow has the line of the codes fit, so that each replaces the one before.
func TestWatchInANarrowWindow(t *testing.T) {
	t.Parallel()
	n, _ := enrolled(t)
	for columns, want := range map[uint16]string{80: "  next: ", 36: " s  next: ", 22: " s\x1b[K", 10: "\x1b[K"} {
		s := n.shell("code", "--profile", "work", "--watch")
		must(t, s.Resize(columns))
		must(t, s.Expect("\r")) // perhaps from before the window was set
		time.Sleep(2500 * time.Millisecond)
		must(t, s.Type("\x03"))
		drawn := strings.Split(s.ends(130), "\r")
		if line := drawn[len(drawn)-2]; !strings.Contains(line, want) || len(strings.TrimSuffix(strings.TrimSuffix(line, "^C"), "\x1b[K")) >= int(columns) {
			t.Errorf("%d columns: %q", columns, line)
		}
	}
}
