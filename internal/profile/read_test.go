package profile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func TestLocate(t *testing.T) {
	t.Parallel()
	home, config := t.TempDir(), t.TempDir()
	cache := filepath.Join(config, "caches")
	dirs := Dirs{home, config, cache}
	aws := filepath.Join(home, ".aws")
	usual := Paths{filepath.Join(aws, "config"), filepath.Join(aws, "credentials"), filepath.Join(config, "aws-mfa-creds", "profiles.ini"), filepath.Join(cache, "aws-mfa-creds")}
	at := func(config, credentials, dir string) Paths {
		return Paths{config, credentials, filepath.Join(dir, "profiles.ini"), filepath.Join(dir, "cache")}
	}
	for name, c := range map[string]struct {
		env  []string
		dirs Dirs
		want Paths
	}{
		"usual":      {nil, dirs, usual},
		"variables":  {[]string{"AWS_CONFIG_FILE", "c", "AWS_SHARED_CREDENTIALS_FILE", "s", EnvHome, aws}, dirs, at("c", "s", aws)},
		"tilde":      {[]string{"AWS_CONFIG_FILE", "~/c", "AWS_SHARED_CREDENTIALS_FILE", "~other/s", EnvHome, "~"}, dirs, at(filepath.Join(home, "c"), "~other/s", home)},
		"nothing":    {nil, Dirs{}, Paths{}},
		"no home":    {[]string{EnvHome, aws, "AWS_CONFIG_FILE", "/c"}, Dirs{}, at("/c", "", aws)},
		"not clean":  {[]string{EnvHome, aws + "//x/../y/"}, Dirs{}, at("", "", filepath.Join(aws, "y"))},
		"not ours":   {[]string{"AWS_PROFILE", "p", "HOME", "h", "XDG_CONFIG_HOME", "x"}, dirs, usual},
		"tilde lost": {[]string{"AWS_CONFIG_FILE", "~/c"}, Dirs{}, Paths{AWSConfig: "~/c"}},
	} {
		got, err := Locate(environment(c.env...).Getenv, c.dirs)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, c.want)
		}
	}
	_, err := Locate(environment(EnvHome, "relative").Getenv, dirs)
	wantFault(t, err, fault.Config, EnvHome, `"relative"`)
}

func TestLoadMissing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, paths := range []Paths{
		{},
		{AWSConfig: filepath.Join(t.TempDir(), "none"), Own: filepath.Join(t.TempDir(), "none", "none")},
		{AWSConfig: os.DevNull, Own: file},
	} {
		files, err := Load(paths)
		if err != nil || len(files.Names()) != 0 {
			t.Errorf("%+v: %v", paths, err)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, part string }{
		"UTF-16 LE":         {"\xff\xfe[\x00d\x00", "UTF-16"},
		"UTF-16 BE":         {"\xfe\xff\x00[\x00d", "UTF-16"},
		"UTF-16 without":    {"[\x00d\x00", "UTF-16"},
		"UTF-16 BE without": {"\x00[\x00d", "UTF-16"},
		"option first":      {"# comment\n\nregion = a\n[default]\n", "config:3: there is an option before the first [section]"},
		"garbage first":     {"\x7fELF", "config:1"},
	} {
		_, err := Load(write(t, c.text, "", ""))
		if err == nil {
			t.Errorf("%s is accepted", name)
			continue
		}
		wantFault(t, err, fault.Config, c.part)
		_, err = Load(write(t, "", c.text, ""))
		wantFault(t, err, fault.Config, "profiles.ini")
	}
	_, err := Load(Paths{AWSConfig: t.TempDir()})
	wantFault(t, err, fault.Config, "is a directory")
}

func TestLoadTooLarge(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(MaxSize + 1); err != nil { // sparse
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Load(Paths{AWSConfig: path})
	wantFault(t, err, fault.Config, "larger than 64 MiB")
}

func TestLoadBOM(t *testing.T) {
	t.Parallel()
	s := resolve(t, "\ufeff[profile x]\r\nregion = eu-west-1\r\n", "\ufeff[x]\r\nstore = a\r\n")
	if s.Region != "eu-west-1" || s.Store != "a" {
		t.Errorf("%+v", s)
	}
}

func TestSymlink(t *testing.T) {
	t.Parallel()
	paths := write(t, "[profile x]\n", "", "")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(paths.AWSConfig, link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	files, err := Load(Paths{AWSConfig: link})
	if err != nil || len(files.Names()) != 1 {
		t.Errorf("%v", err)
	}
}
