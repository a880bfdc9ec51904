package profile

import (
	"fmt"
	"strings"
	"testing"
)

// big returns an AWS config and a profiles.ini of n profiles. The last of them is a
// role ten profiles away from its identity.
func big(n int) (aws, own string) {
	var a, o strings.Builder
	for i := range n {
		fmt.Fprintf(&a, "[profile account-%05d]\nregion = eu-central-1\noutput = json\nmfa_serial = %s\ncredential_process = aws-mfa-creds get --profile account-%05d\n\n", i, serial, i)
		fmt.Fprintf(&o, "[account-%05d]\nstore = keychain\naccess_key_id = AKIAIOSFODNN7EXAMPLE\nmfa_serial = %s\n\n", i, serial)
	}
	for i := range 10 {
		fmt.Fprintf(&a, "[profile role-%d]\nrole_arn = %s\nsource_profile = role-%d\n\n", i, roleA, i+1)
	}
	fmt.Fprintf(&a, "[profile role-10]\nmfa_serial = %s\n", serial)
	return a.String(), o.String()
}

// BenchmarkResolve shows what it costs to read the files and settle one profile, of one and of ten
// thousand, and at the end of a long chain.
func BenchmarkResolve(b *testing.B) {
	for _, c := range []struct {
		name    string
		count   int
		profile string
	}{
		{"profiles=1", 1, "account-00000"},
		{"profiles=10000/first", 10000, "account-00000"},
		{"profiles=10000/last", 10000, "account-09999"},
		{"profiles=1/chain", 1, "role-0"},
		{"profiles=10000/chain", 10000, "role-0"},
	} {
		b.Run(c.name, func(b *testing.B) {
			aws, own := big(c.count)
			paths := write(b, aws, own, "")
			b.ReportAllocs()
			for b.Loop() {
				files, err := Load(paths)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := files.Resolve(Call{Profile: c.profile}, environment()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkResolveAll shows what it costs list and doctor to settle each of ten thousand profiles.
func BenchmarkResolveAll(b *testing.B) {
	aws, own := big(10000)
	paths := write(b, aws, own, "")
	for b.Loop() {
		files, err := Load(paths)
		if err != nil {
			b.Fatal(err)
		}
		for _, name := range files.Served() {
			if _, err := files.Resolve(files.Registered(name), environment()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkFind shows what it costs to scan a config of ten thousand roles, and to find one there, once as a get does.
func BenchmarkFind(b *testing.B) {
	var config strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&config, "[profile p%d]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/r%d\nsource_profile = work\n\n", i, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		f, err := Parse("config", AWSConfig, config.String())
		if err != nil || len(f.Find("p5000")) != 1 || len(f.Find("p1")) != 1 {
			b.Fatal(err)
		}
	}
}
