//go:build unix

package envstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

const (
	goodID     = "AKIAIOSFODNN7EXAMPLE"
	goodSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	goodSeed   = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
)

func env(pairs ...string) Store {
	values := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return New(func(name string) string { return values[name] })
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHoldsEverything(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]Store{
		"values": env(VarAccessKeyID, goodID, VarSecretAccessKey, goodSecret, VarSeed, goodSeed, VarSerial, "serial"),
		"spaces": env(VarAccessKeyID, " "+goodID+"\n", VarSecretAccessKey, goodSecret+"\r\n", VarSeed, "\t"+goodSeed, VarSerial, "serial\n"),
		"files": env(VarAccessKeyID+"_FILE", file(t, goodID+"\n"), VarSecretAccessKey+"_FILE", file(t, goodSecret+"\n"),
			VarSeed+"_FILE", file(t, goodSeed+"\n"), VarSerial+"_FILE", file(t, "serial\n")),
	} {
		key, err := e.AccessKey(context.Background())
		if err != nil || key.ID != goodID || key.Secret.Reveal() != goodSecret {
			t.Errorf("%s: access key %s, %v", name, key.ID, err)
		}
		seeds, err := e.Seeds(1)
		if want, _ := totp.ParseSeed(goodSeed, totp.Policy{}); err != nil || !seeds[0].Code(1).Equal(want.Code(1)) {
			t.Errorf("%s: seed: %v", name, err)
		}
		if serial, err := e.Serial(); err != nil || serial != "serial" {
			t.Errorf("%s: serial %q, %v", name, serial, err)
		}
		if !e.Configured() {
			t.Errorf("%s: not configured", name)
		}
	}
}

func TestConfigured(t *testing.T) {
	t.Parallel()
	if env().Configured() || env(VarSerial, "x").Configured() {
		t.Error("configured without a secret")
	}
	for _, name := range []string{VarAccessKeyID, VarSecretAccessKey, VarSeed} {
		if !env(name, "x").Configured() || !env(name+"_FILE", "x").Configured() {
			t.Errorf("%s alone does not count", name)
		}
	}
}

// TestSaysWhatIsWrong feeds every mistake to its variable: the line has to name
// the variable and the defect, never the value.
func TestSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		variable, value string
		kind            fault.Kind
		want            string
	}{
		"no id":             {VarAccessKeyID, "", fault.NoSecret, "is not set"},
		"temporary key":     {VarAccessKeyID, "ASIAIOSFODNN7EXAMPLE", fault.Config, "temporary"},
		"seed as id":        {VarAccessKeyID, goodSeed, fault.Config, "is not an access key id"},
		"id and more":       {VarAccessKeyID, "ASIAIOSFODNN7EXAMPLE:" + goodSecret, fault.Config, "temporary"},
		"seed as path":      {VarSeed + "_FILE", goodSeed, fault.NoSecret, "names no file"},
		"secret as path":    {VarSecretAccessKey + "_FILE", "/" + goodSecret, fault.NoSecret, "names no file"},
		"secret as id":      {VarAccessKeyID, goodSecret, fault.Config, "looks like a secret access key"},
		"cut id":            {VarAccessKeyID, "AKIA/", fault.Config, "is not an access key id"},
		"odd id":            {VarAccessKeyID, "AKIA IOSFODNN7 EXAMPLE", fault.Config, "is not an access key id"},
		"no secret":         {VarSecretAccessKey, "", fault.NoSecret, "is not set"},
		"id as secret":      {VarSecretAccessKey, goodID, fault.Config, "holds an access key id"},
		"seed as secret":    {VarSecretAccessKey, "otpauth://totp/x?secret=" + goodSeed, fault.Config, "holds a seed"},
		"quoted secret":     {VarSecretAccessKey, `"` + goodSecret + `"`, fault.Config, "the secret access key is in quotes; write it without"},
		"quoted id":         {VarAccessKeyID, "'" + goodID + "'", fault.Config, "is in quotes; write it without"},
		"quoted seed":       {VarSeed, `"` + goodSeed + `"`, fault.NoSecret, "seed is in quotes"},
		"quoted in a file":  {VarSecretAccessKey + "_FILE", file(t, `"`+goodSecret+"\"\r\n"), fault.Config, "in quotes"},
		"no-break space":    {VarSecretAccessKey, goodSecret + "\u00a0", fault.Config, "character 41 is U+00A0"},
		"zero-width space":  {VarSecretAccessKey, "\u200b" + goodSecret, fault.Config, "character 1 is U+200B"},
		"invisible in id":   {VarAccessKeyID, goodID + "\u200b", fault.Config, "character 21 is U+200B"},
		"invisible in seed": {VarSeed + "_FILE", file(t, goodSeed+"\u200b\n"), fault.NoSecret, "character 33 of the seed is U+200B"},
		"secret with space": {VarSecretAccessKey, goodSecret[:20] + " " + goodSecret[20:], fault.Config, "white space"},
		"no seed":           {VarSeed, "", fault.NoSecret, "is not set"},
		"code as seed":      {VarSeed, "123456", fault.NoSecret, VarSeed},
		"bad seed":          {VarSeed, goodSeed + "1", fault.NoSecret, VarSeed},
		"missing file":      {VarSeed + "_FILE", filepath.Join(dir, "absent"), fault.NoSecret, "names no file"},
		"empty file":        {VarSeed + "_FILE", file(t, " \n"), fault.NoSecret, "is empty"},
		"directory":         {VarSeed + "_FILE", dir, fault.NoSecret, "is a directory"},
		"pipe":              {VarSeed + "_FILE", pipe, fault.NoSecret, "is a pipe"},
		"device":            {VarSeed + "_FILE", "/dev/zero", fault.NoSecret, "is a special file"},
		"large file":        {VarSeed + "_FILE", file(t, strings.Repeat("A", maxSecretFile+1)), fault.NoSecret, "larger than"},
	} {
		base := strings.TrimSuffix(test.variable, "_FILE")
		values := map[string]string{VarAccessKeyID: goodID, VarSecretAccessKey: goodSecret, VarSeed: goodSeed}
		delete(values, base)
		values[test.variable] = test.value
		e := New(func(name string) string { return values[name] })
		_, err := e.AccessKey(context.Background())
		if base == VarSeed {
			_, err = e.Seeds(1)
		}
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		line := fault.Line(err)
		if fault.KindOf(err) != test.kind || !strings.Contains(line, test.want) || !strings.HasPrefix(line, base) {
			t.Errorf("%s: exit %d: %s", name, fault.KindOf(err), line)
		}
		if strings.Contains(line, goodSecret[:10]) || strings.Contains(line, goodSeed[:10]) {
			t.Errorf("%s: the line shows the value: %s", name, line)
		}
	}
}

// TestForms has every entrance of the env store in the forms that other programs write.
func TestForms(t *testing.T) {
	t.Parallel()
	values := map[string]string{VarAccessKeyID: goodID, VarSecretAccessKey: goodSecret, VarSeed: goodSeed, VarSerial: "GAHT12345678"}
	wide := func(text string) string {
		out := "\xff\xfe"
		for _, c := range []byte(text + "\r\n") {
			out += string([]byte{c, 0})
		}
		return out
	}
	for form, write := range map[string]func(string) string{
		"as it is": func(s string) string { return s },
		"BOM":      func(s string) string { return "\ufeff" + s },
		"UTF-16":   wide,
		"CRLF":     func(s string) string { return s + "\r\n" },
	} {
		for _, suffix := range []string{"", "_FILE"} {
			set := map[string]string{}
			for name, value := range values {
				if value = write(value); suffix != "" {
					value = file(t, value)
				}
				set[name+suffix] = value
			}
			e := New(func(name string) string { return set[name] })
			key, err := e.AccessKey(t.Context())
			seeds, err2 := e.Seeds(1)
			serial, err3 := e.Serial()
			if err := errors.Join(err, err2, err3); err != nil || key.ID != goodID || key.Secret.Reveal() != goodSecret || seeds[0].IsZero() || serial != values[VarSerial] {
				t.Errorf("%s%s: %v", form, suffix, err)
			}
		}
	}
}

func TestRefusesBothForms(t *testing.T) {
	t.Parallel()
	e := env(VarAccessKeyID, goodID, VarAccessKeyID+"_FILE", file(t, goodID))
	if _, err := e.AccessKeyID(); fault.KindOf(err) != fault.Config {
		t.Errorf("got %v", err)
	}
}

func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	err := unreadable(VarSeed+"_FILE", "/secret", &os.PathError{Op: "open", Path: "/secret", Err: syscall.EACCES})
	if line := fault.Line(err); fault.KindOf(err) != fault.Filesystem || !strings.Contains(line, "permission denied") {
		t.Errorf("got %s", line)
	}
}

// TestSeedsOfAPool: one for each device, in their order; the white space in that of a single one is its own.
func TestSeedsOfAPool(t *testing.T) {
	t.Parallel()
	const other = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	uri := "otpauth://totp/AWS:alice@1?secret=" + other
	for name, test := range map[string]struct {
		text    string
		devices int
		want    []string // nil: refused
	}{
		"one, in groups":      {goodSeed[:16] + " " + goodSeed[16:], 1, []string{goodSeed}},
		"one, wrapped":        {other + "\n" + other, 1, []string{other + other}},
		"two for one":         {other + other + " " + other + other, 1, nil},
		"one for none yet":    {other, 0, []string{other}},
		"two, in groups":      {goodSeed[:16] + " " + goodSeed[16:] + " " + other, 2, nil},
		"two":                 {goodSeed + " " + other, 2, []string{goodSeed, other}},
		"two URIs":            {uri + "\t" + uri, 2, []string{other, other}},
		"lines of a file":     {goodSeed + "\r\n" + uri + "\n\n", 2, []string{goodSeed, other}},
		"too few":             {goodSeed, 2, nil},
		"too many":            {goodSeed + " " + other + " " + other, 2, nil},
		"one of them no seed": {goodSeed + " 123456", 2, nil},
	} {
		for _, e := range []Store{env(VarSeed, test.text), env(VarSeed+"_FILE", file(t, test.text))} {
			seeds, err := e.Seeds(test.devices)
			var got []string
			for _, seed := range seeds {
				got = append(got, seed.Base32().Reveal())
			}
			if !slices.Equal(got, test.want) || (err == nil) != (test.want != nil) || err != nil && fault.KindOf(err) != fault.NoSecret {
				t.Errorf("%s: %d seeds, %v", name, len(seeds), err)
			}
		}
	}
}
