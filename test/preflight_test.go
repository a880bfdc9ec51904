//go:build linux

package test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// tree is what rests in the home and in the directories of the program, by path. What only locks, and
// the cache, are not of it.
func (n *newcomer) tree() map[string]string {
	n.t.Helper()
	all := make(map[string]string)
	for _, root := range []string{n.Home(), n.Own()} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.Contains(path, "cache") || strings.HasSuffix(path, "lock") {
				return err
			}
			text, err := os.ReadFile(path)
			all[path] = string(text)
			return err
		})
		n.check(err)
	}
	return all
}

// unchanged fails unless nothing is different from before, on disk and at AWS.
func (n *newcomer) unchanged(before map[string]string) {
	n.t.Helper()
	if now := n.tree(); fmt.Sprint(now) != fmt.Sprint(before) {
		n.t.Errorf("the disk was %v, and is %v", before, now)
	}
	for _, action := range []string{"CreateVirtualMFADevice", "EnableMFADevice", "GetSessionToken"} {
		if made := calls(n.Bed, action); made != 0 {
			n.t.Errorf("%d calls of %s", made, action)
		}
	}
}

// wrongKey is a file with the newcomer's access key, but a secret key that is another's.
func wrongKey(n *newcomer) string {
	path := filepath.Join(n.Home(), "wrong.csv")
	writeFile(n.t, path, n.user().Keys[0].ID+"\n"+strings.Repeat("w", 40)+"\n")
	return path
}

// TestNothingChangesFirst has commands refuse what they can know, before they change anything.
func TestNothingChangesFirst(t *testing.T) {
	t.Parallel()
	const indented = "[DEFAULT]\nregion = us-east-1\n  output = json\n"
	static := "[p]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = " + strings.Repeat("s", 40) + "\n"
	for name, c := range map[string]struct {
		config, credentials string
		readOnly            string // below the home
		env                 bool   // access key and seed are in the environment
		args                []string
		code                int
		words               []string
	}{
		"wrong secret key":                       {args: []string{"setup", "--access-key-file", "WRONG"}, code: 6, words: []string{"signature"}},
		"wrong secret key, add":                  {args: []string{"add", "--verify", "--access-key-file", "WRONG"}, code: 6, words: []string{"signature"}},
		"region Europe":                          {args: []string{"setup", "--region", "Europe"}, code: 2, words: []string{"Europe", "not a region"}},
		"region eu-centrl-1":                     {args: []string{"setup", "--region", "eu-centrl-1"}, code: 2, words: []string{"did you mean eu-central-1?"}},
		"region us-est-1, register":              {config: "[profile p]\noutput = json\n", args: []string{"register", "--region", "us-est-1"}, code: 2, words: []string{"did you mean us-east-1?"}},
		"region ue-west-1":                       {args: []string{"setup", "--region", "ue-west-1"}, code: 2, words: []string{"did you mean"}},
		"name with an umlaut":                    {args: []string{"setup", "--profile", "größe"}, code: 2, words: []string{"not every SDK"}},
		"name with parentheses":                  {args: []string{"setup", "--profile", "Prod(EU)"}, code: 2, words: []string{"it has (", "not every SDK"}},
		"name with a space":                      {args: []string{"setup", "--profile", "my work"}, code: 2, words: []string{"JavaScript and Go"}},
		"name with #":                            {args: []string{"add", "--access-key-file", "KEY", "--profile", "a#b"}, code: 2, words: []string{"it has #"}},
		"name with ]":                            {args: []string{"add", "--access-key-file", "KEY", "--profile", "x]y"}, code: 2, words: []string{"it has ]"}},
		"name with a dash":                       {args: []string{"setup", "--profile=-p"}, code: 2, words: []string{"begins with -"}},
		"name with =":                            {args: []string{"setup", "--profile", "a=b"}, code: 2, words: []string{"it has ="}},
		"device name":                            {args: []string{"setup", "--device-name", "bad name!"}, code: 2, words: []string{"letters (a-z, A-Z), digits and _ + = , . @ -", "bad-name"}},
		"device name, enroll":                    {config: "[profile p]\noutput = json\n", args: []string{"enroll", "--device-name", "ä"}, code: 2, words: []string{"letters (a-z, A-Z)"}},
		"device name, rotate":                    {config: "[profile p]\noutput = json\n", args: []string{"rotate", "device", "--device-name", "a/b"}, code: 2, words: []string{"letters (a-z, A-Z)"}},
		"device name, long":                      {args: []string{"setup", "--device-name", strings.Repeat("d", 227)}, code: 2, words: []string{"at most 226"}},
		"SSO":                                    {config: "[profile p]\nsso_session = s\n", args: []string{"setup"}, code: 3, words: []string{"sso_session"}},
		"credential_source":                      {config: "[profile p]\ncredential_source = Environment\n", args: []string{"setup"}, code: 3, words: []string{"credential_source"}},
		"foreign process":                        {config: "[profile p]\ncredential_process = /opt/other --token x\n", args: []string{"setup"}, code: 3, words: []string{"/opt/other", "give --yes"}},
		"foreign process, register":              {config: "[profile p]\ncredential_process = /opt/other\n", args: []string{"register"}, code: 3, words: []string{"/opt/other", "give --yes"}},
		"another static key":                     {credentials: static, args: []string{"setup", "--access-key-file", "KEY", "--yes"}, code: 3, words: []string{"credentials:", "instead of running"}},
		"a static key beside the environment":    {env: true, credentials: static, args: []string{"setup", "--yes"}, code: 3, words: []string{"credentials:", "instead of running", "choose another name"}},
		"a temporary key beside the environment": {env: true, credentials: static + "aws_session_token = x\n", args: []string{"setup", "--yes"}, code: 3, words: []string{"credentials:", "instead of running"}},
		"a static key beside the environment, register": {env: true, credentials: static, args: []string{"register"}, code: 3, words: []string{"credentials:", "aws_access_key_id"}},
		"config is read-only":                           {config: "[default]\n", readOnly: ".aws/config", args: []string{"setup"}, code: 11, words: []string{"read-only"}},
		"credentials are read-only":                     {credentials: static, readOnly: ".aws/credentials", args: []string{"add", "--from-credentials-file"}, code: 11, words: []string{"read-only"}},
		"two from stdin, add":                           {args: []string{"add", "--access-key-file", "-", "--seed-file", "-"}, code: 2, words: []string{"stdin"}},
		"two from stdin, setup":                         {args: []string{"setup", "--access-key-file", "-", "--mfa-code-file", "-"}, code: 2, words: []string{"stdin"}},
		"bad seed after the key":                        {args: []string{"add", "--access-key-file", "KEY", "--seed-file", "KEY"}, code: 2, words: []string{"seed"}},
		"no serial":                                     {args: []string{"add", "--access-key-file", "KEY", "--mfa-process", "true"}, code: 2, words: []string{"--serial ARN"}},
		"bad serial":                                    {args: []string{"add", "--access-key-file", "KEY", "--serial", "x y"}, code: 3, words: []string{"--serial"}},
		"unknown store":                                 {args: []string{"setup", "--store", "vault"}, code: 3, words: []string{"no store of this name"}},
		"a line of DEFAULT":                             {config: indented, args: []string{"setup"}, code: 3, words: []string{"config:3: it is indented", "begin the line at the margin"}},
		"a line of DEFAULT, register":                   {config: indented + "[profile p]\n", args: []string{"register"}, code: 3, words: []string{"config:3: it is indented"}},
		"a line of DEFAULT, enroll":                     {config: indented + "[profile p]\n", args: []string{"enroll"}, code: 3, words: []string{"config:3: it is indented"}},
		"a line of DEFAULT, add":                        {config: indented + "[profile p]\n", args: []string{"add", "--access-key-file", "KEY"}, code: 3, words: []string{"config:3: it is indented"}},
		"a line of DEFAULT, sdk":                        {config: indented + "[profile p]\n", args: []string{"register", "--profile", "q", "--source-profile", "p", "--assume-by", "sdk", "--role-arn", "arn:aws:iam::123456789012:role/r"}, code: 3, words: []string{"config:3: it is indented"}},
		"a serial of DEFAULT":                           {config: "[DEFAULT]\nmfa_serial = phone\n", args: []string{"setup"}, code: 3, words: []string{"config:2: ", "is not the serial"}},
		"an include that is not there":                  {config: "[DEFAULT]\ninclude_profile = base\n", args: []string{"setup"}, code: 3, words: []string{"config:2: ", "does not exist"}},
		"bad role":                                      {config: "[profile p]\noutput = json\n", args: []string{"register", "--role-arn", "admin"}, code: 2, words: []string{"--role-arn"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNewcomer(t)
			if c.config != "" {
				n.check(n.AddConfig(c.config))
			}
			if c.credentials != "" {
				writeFile(t, filepath.Join(n.Home(), ".aws", "credentials"), c.credentials)
			}
			if c.env {
				key := n.user().Keys[0]
				n.env = append(n.env, "AWS_MFA_CREDS_ACCESS_KEY_ID="+key.ID, "AWS_MFA_CREDS_SECRET_ACCESS_KEY="+key.Secret, "AWS_MFA_CREDS_SEED="+consoleSeed, "AWS_MFA_CREDS_SERIAL="+phoneSerial)
			}
			if c.readOnly != "" {
				n.check(os.Chmod(filepath.Join(n.Home(), c.readOnly), 0o400))
			}
			args := append([]string{}, c.args...)
			for i := range args {
				args[i] = strings.NewReplacer("WRONG", wrongKey(n), "KEY", n.key).Replace(args[i])
			}
			if !strings.Contains(strings.Join(args, " "), "--profile") {
				args = append(args, "--profile", "p")
			}
			if args[0] == "setup" && !c.env && !strings.Contains(strings.Join(args, " "), "--access-key-file") {
				args = append(args, "--access-key-file", n.key)
			}
			before := n.tree()
			n.refused(c.code, c.words, args...)
			n.unchanged(before)
		})
	}
}

// TestSetupReplacesAWrongKey asks again for a secret key that AWS refuses, and in another run for the one that
// is stored.
func TestSetupReplacesAWrongKey(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	key := n.user().Keys[0]
	n.must("add", "--profile", "p", "--access-key-file", wrongKey(n))
	n.refused(6, []string{"AKIA", "setup --profile p --access-key-file FILE"}, "setup", "--profile", "p", "--region", "us-east-1")
	s := n.shell("setup", "--profile", "p", "--region", "us-east-1")
	for _, secret := range []string{strings.Repeat("x", 40), key.Secret} {
		s.answer("Access key ID (AKIA...): ", key.ID)
		s.answer("Secret access key (not shown): ", secret)
	}
	s.ends(0)
	n.isAlice()
}

// TestSecondProfile enrolls another profile of the same user with the seed of the first: nobody types a code.
func TestSecondProfile(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t, demandsMFA)
	n.must("setup", "--profile", "p", "--access-key-file", n.key, "--region", "us-east-1", "--device-name", "first")
	n.later()
	n.must("setup", "--profile", "q", "--access-key-file", n.key, "--region", "us-east-1", "--device-name", "second")
}

// TestSetupGoesOn has an enrollment stop in the middle: list and doctor show it, setup finishes it, and only
// then is the key in plain text removed.
func TestSetupGoesOn(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	key := n.user().Keys[0]
	credentials := filepath.Join(n.Home(), ".aws", "credentials")
	writeFile(t, credentials, "[p]\naws_access_key_id = "+key.ID+"\naws_secret_access_key = "+key.Secret+"\n")
	for _, action := range []string{"EnableMFADevice", "DeleteVirtualMFADevice"} {
		n.inject(sandbox.Fault{Kind: sandbox.Refuse, Action: action, Status: 403, Code: "AccessDenied", Message: "not now", Times: 1})
	}
	setup := []string{"setup", "--profile", "p", "--region", "us-east-1", "--yes"}
	n.refused(6, nil, setup...)
	if left, err := os.ReadFile(credentials); err != nil || !strings.Contains(string(left), key.Secret) {
		t.Errorf("the working key is gone: %s, %v", left, err)
	}
	const again = "aws-mfa-creds enroll --profile p"
	if said := n.must("list"); !strings.Contains(said, "did not finish; run it again: "+again) {
		t.Errorf("list says %q", said)
	}
	if got := n.run("doctor", "--json"); !strings.Contains(got.stdout, again) {
		t.Errorf("doctor says %q", got.stdout)
	}
	n.later()
	n.must(setup...)
	if left, err := os.ReadFile(credentials); err != nil || strings.Contains(string(left), key.Secret) {
		t.Errorf("the key is still there: %s, %v", left, err)
	}
	n.isAlice()
}

// TestAddBesideProgram follows the hints of a profile whose codes a program prints: add asks for the access key alone.
func TestAddBesideProgram(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	n.must("add", "--profile", "p", "--mfa-process", "echo 123456", "--serial", phoneSerial)
	if said := n.must("list"); !strings.Contains(said, "run: aws-mfa-creds add --profile p,") {
		t.Errorf("list says %q", said)
	}
	s := n.shell("add", "--profile", "p")
	s.answer("Access key ID (AKIA...): ", n.user().Keys[0].ID)
	s.answer("Secret access key (not shown): ", n.user().Keys[0].Secret)
	if shown := s.ends(0); !strings.Contains(shown, "aws-mfa-creds register --profile p\r\n") {
		t.Errorf("shows %q", shown)
	}
}

// TestNextStep runs the lines that commands print for what is left to do.
func TestNextStep(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	if said := n.must("add", "--profile", "p", "--access-key-file", n.key); !strings.Contains(said, "aws-mfa-creds setup --profile p\n") {
		t.Errorf("add says %q", said)
	}
	early := []string{"register", "--profile", "early", "--source-profile", "p", "--role-arn", "arn:aws:iam::123456789012:role/r"}
	if said := n.must(early...); !strings.Contains(said, "aws-mfa-creds setup --profile p\n") {
		t.Errorf("register says %q", said)
	}
	n.must("unregister", "--profile", "early")
	if said := n.must("enroll", "--profile", "p"); !strings.Contains(said, "aws-mfa-creds register --profile p\n") {
		t.Errorf("enroll says %q", said)
	}
	if said := n.must("list"); !strings.Contains(said, "run: aws-mfa-creds register --profile p\n") {
		t.Errorf("list says %q", said)
	}
	n.check(n.AddConfig("[profile p]\nregion = eu-west-1\n"))
	if said := n.must("register", "--profile", "p", "--region", "us-east-1"); !strings.Contains(said, "keeps its region, eu-west-1") {
		t.Errorf("register says %q", said)
	}
	n.must("register", "--profile", "r", "--source-profile", "p", "--role-arn", "arn:aws:iam::123456789012:role/r")
	if config := n.config(); strings.Count(config, "region = eu-west-1") != 2 {
		t.Errorf("the role has not its source's region: %s", config)
	}
	if said := n.must("list"); strings.Contains(said, "no tool uses it") {
		t.Errorf("list says %q", said)
	}
	s := n.shell("add", "--profile", "p") // Enter keeps what is stored
	s.answer("is stored already. Replace it? [y/N]: ", "")
	s.answer("is stored already. Replace it? This cannot be undone. [y/N]: ", "")
	s.ends(0)
	n.isAlice()
}
