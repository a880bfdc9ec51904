package test

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// forms are all ways in which a secret may show: as it is, in the usual encodings, and the
// bytes that a seed stands for.
func forms(secret string) []string {
	raw := []byte(secret)
	all := []string{
		secret, strings.ToLower(secret), url.QueryEscape(secret),
		base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
		hex.EncodeToString(raw), base32.StdEncoding.EncodeToString(raw),
	}
	if bytesOfSeed, err := base32.StdEncoding.DecodeString(secret); err == nil {
		all = append(all, string(bytesOfSeed), hex.EncodeToString(bytesOfSeed), base64.StdEncoding.EncodeToString(bytesOfSeed))
	}
	return all
}

// canary searches for secrets.
type canary struct {
	t     *testing.T
	forms map[string]string // form: which secret it is
}

func newCanary(t *testing.T) *canary { return &canary{t, make(map[string]string)} }

func (c *canary) add(name, secret string) {
	for _, form := range forms(secret) {
		c.forms[form] = name
	}
}

// addCodes adds the codes that can have been used since began.
func (c *canary) addCodes(seedText string, began time.Time) {
	seed, err := totp.ParseSeed(seedText, totp.Policy{})
	if err != nil {
		c.t.Fatal(err)
	}
	for step := totp.StepAt(began.Add(-2 * totp.Period)); step <= totp.StepAt(time.Now().Add(2*totp.Period)); step++ {
		c.forms[seed.Code(step).Reveal()] = "token code"
	}
}

func (c *canary) search(where string, text []byte) {
	c.t.Helper()
	for form, name := range c.forms {
		if bytes.Contains(text, []byte(form)) {
			c.t.Errorf("%s shows the %s", where, name)
		}
	}
}

// searchFiles looks into all files below dir, and at their names.
func (c *canary) searchFiles(dir string) (files int) {
	c.t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		files++
		c.search("the name of "+path, []byte(path))
		content, err := os.ReadFile(path)
		c.search(path, content)
		return err
	})
	if err != nil {
		c.t.Error(err)
	}
	return files
}

// TestCanary runs every command with --debug, succeeding and failing, and searches all that
// is printed and all that is left on disk for the secrets. What `get` and `code` print on stdout
// is what they are for.
func TestCanary(t *testing.T) {
	t.Parallel()
	began := time.Now()
	b := bed(t, testbed.Options{})
	c := newCanary(t)
	id := b.Identity()
	c.add("secret access key", id.SecretAccessKey)
	c.add("seed", id.Seed)

	var printed []outcome
	for _, args := range [][]string{
		{"get", "--profile", "work"},
		{"get", "--profile", "work"},
		{"get", "--profile", "work", "--refresh"},
		{"get", "--profile", "work", "--role-arn", "arn:aws:iam::123456789012:role/deploy"},
	} {
		got := run(t, b, nil, b.Binary, append(args, "--debug")...)
		session := processJSON{}
		if got.code == 0 {
			quiet := got
			quiet.stderr = ""
			session = credentials(t, quiet)
		} else {
			t.Errorf("%v: exit %d: %s", args, got.code, got.stderr)
		}
		if session.SessionToken != "" {
			c.add("session token", session.SessionToken)
			c.add("secret of the session", session.SecretAccessKey)
		}
		got.stdout = ""
		printed = append(printed, got)
	}
	code := run(t, b, nil, b.Binary, "code", "--profile", "work", "--debug")
	code.stdout = ""
	printed = append(printed, code)
	for _, args := range [][]string{{"env"}, {"exec", "--debug", "--", "true"}, {"console", "--print", "--role-arn", "arn:aws:iam::123456789012:role/deploy"}} {
		got := run(t, b, nil, b.Binary, append([]string{args[0], "--profile", "work", "--debug"}, args[1:]...)...)
		if got.code != 0 {
			t.Errorf("%v: exit %d: %s", args, got.code, got.stderr)
		}
		got.stdout = ""
		printed = append(printed, got)
	}
	for _, args := range [][]string{
		{"list"},
		{"list", "--json"},
		{"clear", "--profile", "work"},
		{"version"},
		{"help"},
		{"completion", "bash"},
		{"get"},
		{"nonsense"},
		{"get", "--profile", "work", "--duration", "nonsense"},
		{"get", "--profile", "work", "--role-arn", "arn:aws:iam::123456789012:role/no-trust"},
	} {
		printed = append(printed, run(t, b, nil, b.Binary, append(args, "--debug")...))
	}
	for _, broken := range []string{
		"AWS_MFA_CREDS_SEED=" + id.Seed + "1", "AWS_MFA_CREDS_SEED=" + id.SecretAccessKey, "AWS_MFA_CREDS_SECRET_ACCESS_KEY=" + id.Seed,
		"AWS_MFA_CREDS_ACCESS_KEY_ID=" + id.SecretAccessKey, "AWS_MFA_CREDS_SERIAL=" + id.SecretAccessKey,
		"AWS_MFA_CREDS_ACCESS_KEY_ID=" + id.Seed, "AWS_MFA_CREDS_ACCESS_KEY_ID=" + id.Seed[:32], "AWS_MFA_CREDS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE:" + id.SecretAccessKey,
		"AWS_MFA_CREDS_SEED_FILE=" + id.Seed, "AWS_MFA_CREDS_SECRET_ACCESS_KEY_FILE=/" + id.SecretAccessKey, "AWS_MFA_CREDS_SERIAL=" + id.Seed,
		"AWS_ENDPOINT_URL_STS=https://alice:" + id.SecretAccessKey + "@127.0.0.1", "HTTPS_PROXY=http://alice:" + id.SecretAccessKey + "#x@127.0.0.1",
		"AWS_MFA_CREDS_SECRET_ACCESS_KEY=" + strings.ToUpper(id.SecretAccessKey), "AWS_ENDPOINT_URL_STS=http://127.0.0.1:1",
	} {
		printed = append(printed, run(t, b, []string{broken}, b.Binary, "get", "--profile", "work", "--debug", "--refresh"))
	}

	writeFile(t, filepath.Join(b.Own(), "profiles.ini"), "[work]\n"+id.Seed+"==== = x\n")
	printed = append(printed, run(t, b, nil, b.Binary, "get", "--profile", "work", "--debug"))
	if err := os.Remove(filepath.Join(b.Own(), "profiles.ini")); err != nil {
		t.Fatal(err)
	}

	c.addCodes(id.Seed, began)
	for _, got := range printed {
		c.search("stdout", []byte(got.stdout))
		c.search("stderr", []byte(got.stderr))
	}
	if files := c.searchFiles(b.Dir); files < 4 {
		t.Errorf("only %d files were searched", files)
	}
}

// TestCanaryInCommands has a seed among the arguments of mfa_process and of another credential process, and a
// seed in the place of the program, and searches what each command prints.
func TestCanaryInCommands(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{Bare: true})
	seed := b.Identity().Seed
	c := newCanary(t)
	for _, text := range []string{seed, strings.ToLower(seed), "otpauth://totp/x?secret=" + seed} {
		c.add("seed", text)
	}
	diffs := 0
	for i, command := range []string{
		"/bin/false -b --totp " + seed, "/bin/false '" + strings.ToLower(seed) + "'", "/bin/false otpauth://totp/x?secret=" + seed, "/bin/sh -c 'SEED=" + seed + " exec false'", seed,
		"'" + seed + "' open", "x | y " + seed,
	} {
		line := "mfa_process = " + command + "\n"
		config, ini := "[profile work]\nregion = us-east-1\n", "[work]\nmfa_serial = "+b.Identity().Serial+"\naccess_key_id = "+b.Identity().AccessKeyID+"\nstore = age\n"
		if i%2 == 0 {
			ini += line
		} else {
			config += line
		}
		config += "# was: " + line + "credential_process = " + command + "\n[profile other]\nsource_profile = work\nrole_arn = arn:aws:iam::123456789012:role/deploy\nregion = us-east-1\n" + line
		writeFile(t, b.ConfigFile(), config)
		writeFile(t, filepath.Join(b.Own(), "profiles.ini"), ini)
		for _, args := range [][]string{
			{"list"},
			{"list", "--json"},
			{"doctor", "--verbose"},
			{"doctor", "--json"},
			{"get", "--profile", "work"},
			{"get", "--profile", "other"},
			{"code", "--profile", "work"},
			{"register", "--profile", "work", "--dry-run", "--region", "us-east-2"},
			{"register", "--profile", "work", "--dry-run", "--region", "us-east-2", "--yes"},
			{"register", "--profile", "other", "--dry-run", "--region", "us-east-2", "--yes"},
			{"unregister", "--profile", "work", "--dry-run"},
			{"add", "--profile", "new", "--store", "age", "--mfa-process", command},
		} {
			got := run(t, b, nil, b.Binary, append(args, "--debug")...)
			c.search(strings.Join(args, " ")+" with "+command, []byte(got.stdout+got.stderr))
			diffs += strings.Count(got.stdout, "[hidden]")
		}
	}
	if diffs == 0 {
		t.Error("no diff was shown")
	}
}

// TestCanaryNotices makes sure that the search can find something.
func TestCanaryNotices(t *testing.T) {
	t.Parallel()
	c := newCanary(t)
	c.add("seed", "JBSWY3DPEHPK3PXP")
	for _, text := range []string{"x JBSWY3DPEHPK3PXP y", "Hello!\xde\xad\xbe\xef", "48656c6c6f21deadbeef"} {
		found := false
		for form := range c.forms {
			found = found || strings.Contains(text, form)
		}
		if !found {
			t.Errorf("%q is not noticed", text)
		}
	}
}
