package test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// TestPrintable has names in the files, and on the command line, that would act on a terminal.
func TestPrintable(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a\x1b[2Jb", "a\xff\xfeb", "a\x7f\xc2\x9bb"} {
		t.Run(fault.Escape(name), func(t *testing.T) {
			t.Parallel()
			p := newPatient(t, false, testbed.Options{})
			section := "[profile " + name + "]\nregion = us-east-1\nmfa_serial = " + p.Identity().Serial + name + "\ncredential_process = " + p.Binary + " get --profile " + name + "\n"
			p.config("[profile work]\nregion = " + name + "\ncredential_process = " + p.Binary + " get --profile work --x" + name + "\n" + section + "[profile r" + name + "]\nrole_arn = " + name + "\nsource_profile = " + name + "\n")
			printable := func(args ...string) {
				got := p.run(args...)
				for _, text := range []string{got.stdout, got.stderr} {
					if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || 0x80 <= r && r < 0xa0 }) || !utf8.ValidString(text) {
						t.Errorf("%q prints %q", args, text)
					}
				}
				if got.stdout+got.stderr == "" {
					t.Errorf("%q prints nothing", args)
				}
			}
			for range 2 {
				printable("list")
				printable("list", "--json")
				printable("doctor", "--verbose")
				printable("doctor", "--json")
				printable("doctor", "--verbose", "--fix")
				for _, named := range []string{name, "r" + name} {
					printable("list", "--profile", named)
					printable("list", "--profile", named, "--json")
					printable("doctor", "--verbose", "--profile", named)
					printable("doctor", "--json", "--profile", named)
					printable("get", "--profile", named)
					printable("register", "--dry-run", "--profile", named, "--region", "us-east-1")
					printable("register", "--dry-run", "--profile", "role", "--source-profile", named, "--region", "us-east-1")
					printable("code", "--profile", named)
					printable("code", "--json", "--profile", named)
				}
				printable("register", "--dry-run", "--profile", "work", "--region", "us-east-1", "--role-arn", name)
				printable("get", "--profile", "work", "--role-arn", name)
				printable("code", "--profile", "work", "--"+name)
				printable(name)
				// Then with profiles.ini, too.
				p.edit(p.own("profiles.ini"), "[work]", "["+name+"]\nkey = age\nkey_store = "+name+"\nseed_store = "+name+"\nmfa_process = "+name+"\n[work]")
			}
		})
	}
}
