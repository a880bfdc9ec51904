package agefile

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func TestPutGetDelete(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	wantGetFault(t, s, "key:work", fault.NoSecret, "key:work", "aws-mfa-creds add")
	must(t, s.Delete(t.Context(), "key:work"))
	if exists, _ := os.Stat(s.Dir); exists != nil {
		t.Error("reading and deleting made the directory")
	}
	put(t, s, "key:work", canary)
	put(t, s, "key:other", "second")
	put(t, s, "key:other", "third")
	wantSecret(t, s, "key:work", canary)
	wantSecret(t, at(s.Dir), "key:other", "third")
	wantFiles(t, s, fileName("key:work"), fileName("key:other"), identityFile, recipientsFile)
	for range 2 {
		must(t, s.Delete(t.Context(), "key:work"))
	}
	wantGetFault(t, s, "key:work", fault.NoSecret)
	wantSecret(t, s, "key:other", "third")
}

func TestSecretsOfEveryKind(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for _, value := range []string{"", "a", "<&>\u2028\x00\n\"\\", strings.Repeat("\x01", MaxItem), strings.Repeat("ü", MaxItem/2)} {
		put(t, s, "x", value)
		wantSecret(t, s, "x", value)
	}
	if plain, err := encode("x", secret("otpauth://totp/a?secret=b&issuer=c")); err != nil || !strings.Contains(string(plain), "=b&issuer") {
		t.Errorf("people cannot read %s, %v", plain, err)
	}
	put(t, s, "x", canary)
	for _, value := range []string{strings.Repeat("a", MaxItem+1), "\xff" + canary} {
		wantFault(t, s.Put(t.Context(), "x", secret(value)), fault.Usage)
	}
	for _, name := range []string{"", strings.Repeat("n", maxName+1), "\xff"} {
		wantFault(t, s.Put(t.Context(), name, secret("a")), fault.Usage)
	}
	wantSecret(t, s, "x", canary)
}

func TestNames(t *testing.T) {
	t.Parallel()
	valid := regexp.MustCompile(`^[a-z0-9][a-z0-9-]*-[0-9a-f]{20}\.age$`)
	s := newStore(t)
	names := []string{
		"key:work", "KEY:WORK", "key:Work", "key-work", "key/work", "../../etc/passwd", "CON", "con.age", "nul", "a:b", ".", "..", " ", "\x00",
		"identity", "identity.age", "lock", "recipients.txt", "é", "e\u0301", strings.Repeat("n", maxName), strings.Repeat("n", maxName-1) + "m",
		"seed:arn:aws:iam::123456789012:mfa/alice", "seed:arn:aws:iam::123456789012:mfa/Alice",
	}
	for _, name := range names {
		if file := fileName(name); !valid.MatchString(file) || len(file) > 100 {
			t.Errorf("the file of %q is %q", name, file)
		}
		put(t, s, name, "of "+name)
	}
	if got := fileName("seed:arn:aws:iam::123456789012:mfa/alice"); !strings.HasPrefix(got, "seed-arn-aws-iam-123456789012-mfa-alice-") {
		t.Errorf("%s cannot be read by people", got)
	}
	for _, name := range names {
		wantSecret(t, s, name, "of "+name)
	}
}

// TestEveryFlippedByte has each byte of an item damaged: it is never opened, never panics and is
// never written to.
func TestEveryFlippedByte(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	put(t, s, "key:work", canary)
	path := itemPath(s, "key:work")
	whole := readFile(t, path)
	for i := range whole {
		for _, mask := range []byte{0x01, 0x20, 0x80} {
			damaged := slices.Clone(whole)
			damaged[i] ^= mask
			writeFile(t, path, damaged)
			wantGetFault(t, s, "key:work", fault.NoSecret, path, "aws-mfa-creds add")
			if !slices.Equal(readFile(t, path), damaged) {
				t.Fatal("the damaged file was written to")
			}
		}
	}
}

func TestEveryLength(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	put(t, s, "key:work", canary)
	path := itemPath(s, "key:work")
	whole := readFile(t, path)
	for n := range whole {
		writeFile(t, path, whole[:n])
		wantGetFault(t, s, "key:work", fault.NoSecret, path, "aws-mfa-creds add")
	}
	writeFile(t, path, append(slices.Clone(whole), 0))
	wantGetFault(t, s, "key:work", fault.NoSecret, path)
	writeFile(t, path, make([]byte, maxFile+1))
	wantGetFault(t, s, "key:work", fault.NoSecret, path, "too large")
}

// TestWrongContent has files that age opens and that do not hold what they should.
func TestWrongContent(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	put(t, s, "a", canary)
	put(t, s, "b", "other")
	recipients, err := parseKeys(string(readFile(t, s.path(recipientsFile))), pluginHost{}.recipient)
	must(t, err)
	for plain, words := range map[string]string{
		``: "is damaged", `"` + canary: "is damaged", `{}`: "is damaged", `null`: "is damaged", `[]`: "is damaged",
		`{"version":1,"name":"a","secret":"` + canary:                                "is damaged",
		`{"version":1,"name":"a","secret":"x"} x`:                                    "is damaged",
		`{"version":0,"name":"a","secret":"x"}`:                                      "is damaged",
		`{"version":-1,"name":"a","secret":"x"}`:                                     "is damaged",
		`{"version":1,"secret":"x"}`:                                                 "is damaged",
		`{"version":1,"name":"a","secret":["x"]}`:                                    "is damaged",
		`{"version":1,"name":"a","secret":"` + strings.Repeat("x", MaxItem+1) + `"}`: "is damaged",
		`{"version":2,"name":"a","keys":{"x":"` + canary + `"}}`:                     "newer",
		`{"version":1,"name":"b","secret":"x"}`:                                      "another item",
	} {
		file, err := seal([]byte(plain), recipients...)
		must(t, err)
		writeFile(t, itemPath(s, "a"), file)
		wantGetFault(t, s, "a", fault.NoSecret, itemPath(s, "a"), words)
	}
	writeFile(t, itemPath(s, "a"), readFile(t, itemPath(s, "b")))
	wantGetFault(t, s, "a", fault.NoSecret, "another item")
	other := newStore(t)
	put(t, other, "a", canary)
	writeFile(t, itemPath(s, "a"), readFile(t, itemPath(other, "a")))
	wantGetFault(t, s, "a", fault.NoSecret, "another identity")
	writeFile(t, itemPath(s, "a"), []byte("age-encryption.org/v2\n-> X25519 abc\n"))
	wantGetFault(t, s, "a", fault.NoSecret, "version")
}

// TestPutReplacesTheDamagedFile which until then is reported, and left where it is.
func TestPutReplacesTheDamagedFile(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	put(t, s, "a", "first")
	whole := readFile(t, itemPath(s, "a"))
	whole[len(whole)-1] ^= 1
	for _, damaged := range [][]byte{whole, []byte("nonsense"), {}} {
		writeFile(t, itemPath(s, "a"), damaged)
		wantGetFault(t, s, "a", fault.NoSecret, itemPath(s, "a"), "damaged")
		if !slices.Equal(readFile(t, itemPath(s, "a")), damaged) {
			t.Error("reading has changed the damaged file")
		}
		put(t, s, "a", "third")
		wantSecret(t, s, "a", "third")
		wantFiles(t, s, identityFile, recipientsFile, fileName("a"))
	}
	must(t, os.Remove(itemPath(s, "a")))
	must(t, os.MkdirAll(filepath.Join(itemPath(s, "a"), "full"), 0o700))
	wantGetFault(t, s, "a", fault.NoSecret, "no regular file", "move it away")
	wantFault(t, s.Put(t.Context(), "a", secret("fourth")), fault.Filesystem, itemPath(s, "a"))
}

func TestDeleteTakesTheDamagedFile(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	put(t, s, "a", "first")
	writeFile(t, itemPath(s, "a"), []byte("nonsense"))
	must(t, s.Delete(t.Context(), "a"))
	wantFiles(t, s, identityFile, recipientsFile)
}

func TestDamagedKeys(t *testing.T) {
	t.Parallel()
	for _, file := range []string{identityFile, recipientsFile} {
		s := newStore(t)
		put(t, s, "a", canary)
		whole := readFile(t, s.path(file))
		flipped := slices.Clone(whole)
		flipped[len(flipped)-10] ^= 1
		for _, damaged := range [][]byte{{}, whole[:len(whole)-5], flipped, []byte("AGE-SECRET-KEY-1" + canary), []byte("\x00\xff")} {
			writeFile(t, s.path(file), damaged)
			if file == identityFile {
				wantGetFault(t, s, "a", fault.NoSecret, s.path(file), "damaged")
			} else {
				wantFault(t, s.Put(t.Context(), "a", secret("b")), fault.NoSecret, s.path(file), "damaged")
			}
			if !slices.Equal(readFile(t, s.path(file)), damaged) {
				t.Fatal("the damaged file was written to")
			}
		}
		writeFile(t, s.path(file), whole)
		wantSecret(t, s, "a", canary)
	}
}

func TestLostKeys(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	put(t, s, "a", canary)
	public := readFile(t, s.path(recipientsFile))
	must(t, os.Remove(s.path(recipientsFile)))
	put(t, s, "b", "made again from the identity")
	if !slices.Equal(readFile(t, s.path(recipientsFile)), public) {
		t.Error("other recipients")
	}
	identity := readFile(t, s.path(identityFile))
	must(t, os.Remove(s.path(identityFile)))
	wantGetFault(t, s, "a", fault.NoSecret, s.path(identityFile), "missing")
	// New keys would bury what a backup of the old ones can still bring back.
	wantFault(t, s.Put(t.Context(), "a", secret("new")), fault.NoSecret, s.path(identityFile), "missing")
	wantFault(t, s.Rekey(t.Context(), Protection{}), fault.NoSecret, "missing")
	writeFile(t, s.path(identityFile), identity)
	wantSecret(t, s, "a", canary)
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	want := func(want Status) {
		t.Helper()
		if got, err := s.Status(t.Context()); err != nil || got != want {
			t.Errorf("Status = %+v, %v; want %+v", got, err, want)
		}
	}
	want(Status{Mode: Unused})
	put(t, s, "a", canary)
	want(Status{Mode: Plain})
	f, err := os.OpenFile(s.path(recipientsFile), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString("age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z\n")
	must(t, errors.Join(err, f.Close()))
	want(Status{Mode: Own})
	s = newStore(t)
	must(t, s.Rekey(t.Context(), Protection{Passphrase: secret(passphrase)}))
	want(Status{Mode: Passphrase, Locked: true})
}
