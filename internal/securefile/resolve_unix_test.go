//go:build !windows

package securefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// stranger is the number of a user that the tests run as.
const stranger = 54321

// trail makes what steps say below base: "a/" or "a/ MODE" is a directory, "a" is a file, "a -> b" is a link to b,
// and "= a" gives the stranger what is at a.
func trail(t *testing.T, base string, steps []string) {
	t.Helper()
	var modes []func() error
	for _, step := range steps {
		name, mode, _ := strings.Cut(step, " ")
		path := filepath.Join(base, name)
		var err error
		switch target, isLink := strings.CutPrefix(mode, "-> "); {
		case isLink:
			err = os.Symlink(strings.ReplaceAll(target, "BASE", base), path)
		case name == "=":
			if os.Geteuid() != 0 {
				t.Skip("needs root, to give files away")
			}
			err = os.Lchown(filepath.Join(base, mode), stranger, stranger)
		case !strings.HasSuffix(name, "/"):
			err = os.WriteFile(path, nil, 0o600)
		default:
			perm := map[string]fs.FileMode{"": 0o755, "0777": 0o777, "0775": 0o775, "1777": 0o777 | fs.ModeSticky, "1775": 0o775 | fs.ModeSticky}[mode]
			err = os.Mkdir(path, 0o755)
			modes = append(modes, func() error { return os.Chmod(path, perm) })
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, mode := range modes {
		if err := mode(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestResolve resolves start. It must end at want, or be refused on account of the path blame.
func TestResolve(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps              string
		start, want, blame string
	}{
		"plain":                           {"a/, a/b/, a/b/f", "a/b/f", "a/b/f", ""},
		"missing":                         {"a/", "a/b/c", "a/b/c", ""},
		"dots and slashes":                {"a/, a/b/", "a/.//b/../b/", "a/b", ""},
		"own link to a directory":         {"d/, d/amc/, c/, c/amc -> ../d/amc", "c/amc", "d/amc", ""},
		"own absolute link":               {"d/, d/amc/, c -> BASE/d", "c/amc", "d/amc", ""},
		"own link to a file":              {"d/, d/f, c/, c/f -> ../d/f", "c/f", "d/f", ""},
		"own dangling link":               {"d/, c -> d/x", "c/y", "d/x/y", ""},
		"links to links":                  {"d/, d/f, c/, c/f -> ../b/f, b -> e, e/, e/f -> ../d/f", "c/f", "d/f", ""},
		"own in a sticky directory":       {"s/ 1777, s/a/, s/a/f", "s/a/f", "s/a/f", ""},
		"missing in a sticky directory":   {"s/ 1777", "s/a/f", "s/a/f", ""},
		"own link in a sticky directory":  {"d/, s/ 1777, s/a -> ../d", "s/a", "d", ""},
		"stranger's link in own":          {"d/, c/, c/a -> ../d, = c/a", "c/a", "d", ""}, // a link cannot be changed
		"open":                            {"o/ 0777, o/f", "o/f", "", "o"},
		"open to the group":               {"o/ 0775, o/f", "o/f", "", "o"},
		"open, nothing there":             {"o/ 0777", "o/f", "", "o"},
		"open, far above":                 {"o/ 0777, o/a/, o/a/b/, o/a/b/f", "o/a/b/f", "", "o"},
		"open, left by dots":              {"o/ 0777, o/a/, f", "o/a/../../f", "", "o"},
		"link in an open directory":       {"d/, d/f, o/ 0777, o/a -> ../d", "o/a/f", "", "o"},
		"link into an open directory":     {"o/ 0777, o/f, c/, c/f -> ../o/f", "c/f", "", "o"},
		"link through an open directory":  {"d/, d/f, o/ 0777, o/d -> ../d, c/, c/f -> ../o/d/f", "c/f", "", "o"},
		"link to a link in one":           {"d/, d/f, o/ 0777, o/f -> ../d/f, c/, c/f -> ../o/f", "c/f", "", "o"},
		"stranger's directory":            {"m/, m/f, = m", "m/f", "", "m"},
		"stranger's directory above":      {"m/, m/a/, m/a/f, = m", "m/a/f", "", "m"},
		"link into a stranger's":          {"m/, m/f, = m, c/, c/f -> ../m/f", "c/f", "", "m"},
		"stranger's in a sticky":          {"s/ 1777, s/a/, = s/a", "s/a", "", "s/a"},
		"stranger's link in a sticky":     {"d/, s/ 1777, s/a -> ../d, = s/a", "s/a", "", "s/a"},
		"stranger's file in the group's":  {"s/ 1775, s/f, = s/f", "s/f", "", "s/f"},
		"sticky, but of a stranger":       {"s/ 1777, s/a/, = s", "s/a", "", "s"},
		"stranger's behind own in sticky": {"s/ 1777, s/a/, s/a/b/, s/a/b/f, = s/a/b", "s/a/b/f", "", "s/a/b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "open to the group" && os.Geteuid() != 0 {
				t.Skip("needs root: the group of a user may have no other members, and then its write access is none")
			}
			base := t.TempDir()
			trail(t, base, strings.Split(c.steps, ", "))
			got, err := Resolve(base + "/" + c.start)
			if c.blame != "" {
				if fault.KindOf(err) != fault.Permissions || !strings.HasPrefix(fault.Text(err), filepath.Join(base, c.blame)+": ") {
					t.Fatalf("= %q, %v", got, err)
				}
				return
			}
			if _, there := os.Lstat(filepath.Join(base, c.want)); errors.Is(err, fs.ErrNotExist) != (there != nil) || there == nil && err != nil {
				t.Errorf("error: %v", err)
			}
			if got != filepath.Join(base, c.want) {
				t.Errorf("= %q", got)
			}
		})
	}
}

func TestResolveOdd(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	trail(t, base, []string{"a -> b", "b -> a", "f"})
	for path, want := range map[string]string{
		"":             "no such file or directory",
		base + "/a":    "too many levels of symbolic links",
		base + "/f/x":  "not a directory",
		base + "/\x00": "invalid argument",
	} {
		if _, err := Resolve(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", path, err)
		}
	}
	wd, _ := os.Getwd()
	for path, want := range map[string]string{"/": "/", "/..": "/", "//.": "/", ".": wd, "write.go": filepath.Join(wd, "write.go")} {
		if got, err := Resolve(path); err != nil || got != want {
			t.Errorf("%q = %q, %v", path, got, err)
		}
	}
}

// TestLookOnce runs alone, as LookOnce wants it.
func TestLookOnce(t *testing.T) { //nolint:paralleltest // see above
	base := t.TempDir()
	trail(t, base, []string{"a/", "a/f", "o/ 0777", "o/f"})
	refused := func(path string) bool {
		_, err := Resolve(base + path)
		return fault.KindOf(err) == fault.Permissions
	}
	again := LookOnce()
	first, open, openAgain := refused("/a/f"), refused("/o/f"), refused("/o/g")
	if err := os.Chmod(base+"/a", 0o777); err != nil {
		t.Fatal(err)
	}
	remembered := refused("/a/g")
	again()
	if first || remembered || !open || !openAgain {
		t.Errorf("own directory refused: %v, %v; open one refused: %v, %v", first, remembered, open, openAgain)
	}
	if !refused("/a/g") {
		t.Error("a directory that has been opened to all is taken for what it was")
	}
}
