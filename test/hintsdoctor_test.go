//go:build linux

package test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// doctorHints are the remedies of doctor's rules.
func doctorHints() []hintCase { return slices.Concat(ruleHints(), historyHints()) }

// ruleHints are those about the machine, the files and what AWS says.
func ruleHints() []hintCase {
	const (
		command = "[profile work]\nregion = us-east-1\ncredential_process = "
		get     = command + "<BIN> get --profile work\n"
		aws     = awsFile + fileLine
		keys    = "AWS_MFA_CREDS_ACCESS_KEY_ID=AKIAOTHEROTHEROTHER1"
	)
	role := "\n[profile role]\nregion = us-east-1\nsource_profile = work\nrole_arn = " + roleARN
	return []hintCase{
		{"doctor, static keys", func(m *ill) { m.plainKey(m.credentials(), "[work]") }, "doctor static-keys", 3, "…/home/.aws/credentials:…: the profile has a plain-text access key beside its credential process", "aws-mfa-creds add --profile work --from-credentials-file", with("--store age"), ""},
		{"doctor, temporary keys", func(m *ill) {
			m.write(m.credentials(), "[work]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = y\n")
		}, "doctor static-keys", 3, "…/home/.aws/credentials:…: the profile has plain-text temporary credentials beside its credential process", "delete them: they expire, and then tools fail without asking aws-mfa-creds", sh("rm <DIR>/home/.aws/credentials"), ""},
		{"doctor, keys in the environment", env("AWS_ACCESS_KEY_ID=AKIAOTHEROTHEROTHER1", "AWS_SECRET_ACCESS_KEY=x"), "doctor env-keys", 3, "AWS_ACCESS_KEY_ID: an access key is in the environment beside AWS_PROFILE=work", "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN", nil, ""},
		{"doctor, half a key", env("AWS_ACCESS_KEY_ID=AKIAOTHEROTHEROTHER1"), "doctor env-keys-partial", 0, "AWS_ACCESS_KEY_ID: is set, but AWS_SECRET_ACCESS_KEY is not", "unset AWS_ACCESS_KEY_ID", nil, ""},
		{"doctor, the other half", env("AWS_SECRET_ACCESS_KEY=x"), "doctor env-keys-partial", 0, "AWS_SECRET_ACCESS_KEY: is set, but AWS_ACCESS_KEY_ID is not", "unset AWS_SECRET_ACCESS_KEY", nil, ""},
		{"doctor, two profiles", env("AWS_DEFAULT_PROFILE=other"), "doctor default-profile", 0, "AWS_DEFAULT_PROFILE: names the profile other, but AWS_PROFILE names work", "unset AWS_DEFAULT_PROFILE", nil, ""},
		{"doctor, the default profile", env("AWS_DEFAULT_PROFILE=other", "AWS_PROFILE="), "doctor default-profile", 0, "AWS_DEFAULT_PROFILE: names the profile other, but AWS_PROFILE is not set", "export AWS_PROFILE=other; unset AWS_DEFAULT_PROFILE", nil, ""},
		{"doctor, retired SDKs", env("AWS_SDK_LOAD_CONFIG="), "doctor load-config", 0, "AWS_SDK_LOAD_CONFIG: is not set", "export AWS_SDK_LOAD_CONFIG=1", nil, ""},
		{"doctor, Java v1", env("AWS_CREDENTIAL_PROFILES_FILE=/other"), "doctor java-profiles-file", 0, "AWS_CREDENTIAL_PROFILES_FILE: names another file than the AWS config", "export AWS_CREDENTIAL_PROFILES_FILE=…/home/.aws/config", nil, ""},
		{"doctor, endpoint", env("AWS_ENDPOINT_URL_STS=https://sts.example.com"), "doctor endpoint-override", 0, "STS is asked at sts.example.com, because of AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL or endpoint_url", "unset it, unless this is intended", env("AWS_ENDPOINT_URL_STS="), ""},
		{"doctor, env store twice", env(keys, "AWS_MFA_CREDS_SEED=x", "AWS_MFA_CREDS_SEED_FILE=/nowhere"), "doctor env-store-twice", 3, "AWS_MFA_CREDS_SEED: AWS_MFA_CREDS_SEED_FILE is set as well", "unset AWS_MFA_CREDS_SEED", nil, ""},
		{"doctor, env store partial", all(sh("rm <DIR>/own/profiles.ini"), env(keys)), "doctor env-store-partial", 4, "AWS_MFA_CREDS_SECRET_ACCESS_KEY: AWS_MFA_CREDS_SECRET_ACCESS_KEY, AWS_MFA_CREDS_SEED, AWS_MFA_CREDS_SERIAL not set, though other variables of the env store are", "set … from the secrets of the job, or unset the others", env("AWS_MFA_CREDS_ACCESS_KEY_ID="), ""},
		{"doctor, env store ignored", env(keys, "AWS_MFA_CREDS_SECRET_ACCESS_KEY=x", "AWS_MFA_CREDS_SEED=x", "AWS_MFA_CREDS_SERIAL=<SERIAL>"), "doctor env-store-ignored", 0, "profiles.ini: profile work has its secrets in another store (age), and the environment has some, too", "unset AWS_MFA_CREDS_ACCESS_KEY_ID …", nil, ""},
		{"doctor, section repeated", onlyConfig(get + "[profile work]\noutput = json\n"), "doctor section-repeated", 3, "…/home/.aws/config:…: repeats the section [profile work] of …/home/.aws/config:1", "join the two sections into one", edit("[profile work]\noutput", "output"), ""},
		{"doctor, key repeated", onlyConfig(get + "region = us-east-2\n"), "doctor key-repeated", 3, "…/home/.aws/config:…: repeats region of …/home/.aws/config:2", "delete the one that is wrong", edit("region = us-east-2\n", ""), ""},
		{"doctor, untitled", onlyConfig("[work]\ncredential_process = <BIN> get --profile work\n"), "doctor section-untitled", 3, "…/home/.aws/config:…: [work] is not a profile in the AWS config: the word profile is missing", "write it as [profile work]", edit("[work]\ncred", "[profile work]\ncred"), ""},
		{"doctor, loose header", onlyConfig("[ profile work ]\ncredential_process = <BIN> get --profile work\n"), "doctor section-loose", 3, "…/home/.aws/config:…: the AWS CLI does not read the header [ profile work ]", "write it as [profile work]", edit("[ profile work ]", "[profile work]"), ""},
		{"doctor, role in the section", onlyConfig(get + "role_arn = " + roleARN + "\n"), "doctor role-in-section", 3, "…/home/.aws/config:…: role_arn is beside credential_process", "delete the line, and give the role its own profile: aws-mfa-creds register --profile work-role --source-profile work --role-arn " + roleARN, all(edit("role_arn = "+roleARN+"\n", ""), with("--region us-east-1")), ""},
		{"doctor, own source", onlyConfig("[profile work]\nregion = us-east-1\nsource_profile = work\nrole_arn = " + roleARN + "\n"), "doctor source-self", 3, "…/home/.aws/config:…: source_profile is the profile itself", "name another profile there, one with the access key or the credential_process", edit("source_profile = work", "source_profile = other"), ""},
		{"doctor, two sources", onlyConfig(get + "source_profile = other\n"), "doctor two-sources", 3, "…/home/.aws/config:…: credential_process and source_profile are two sources of credentials in one profile", "delete one of the two lines", edit("source_profile = other\n", ""), ""},
		{"doctor, serial beside the command", onlyConfig(get + "mfa_serial = <SERIAL>\n"), "doctor extra-keys", 0, "…/home/.aws/config:…: mfa_serial is beside credential_process", "delete the line, once profiles.ini or AWS_MFA_CREDS_SERIAL has the serial", edit("mfa_serial = <SERIAL>\n", ""), ""},
		{"doctor, endpoint beside the command", onlyConfig(get + "endpoint_url = <URL>\n"), "doctor extra-keys", 0, "…/home/.aws/config:…: endpoint_url is beside credential_process", "delete the line; aws-mfa-creds also reads it from profiles.ini", all(edit("endpoint_url = <URL>\n", ""), setting("endpoint_url = <URL>")), ""},
		{"doctor, serial in a role", onlyConfig(get + role + "\nmfa_serial = <SERIAL>\n"), "doctor mfa-serial-in-role", 3, "…/home/.aws/config:…: mfa_serial is in a role profile whose source, work, already has sessions with MFA", "delete the line: the session of work carries MFA", edit("mfa_serial = <SERIAL>\n", ""), ""},
		{"doctor, no region", onlyConfig("[profile work]\ncredential_process = <BIN> get --profile work\n"), "doctor region-missing", 0, "…/home/.aws/config:…: the profile has no region", "aws-mfa-creds register --profile work --region us-east-1", nil, ""},
		{"doctor, no region of a role", onlyConfig(get + "[profile role]\nsource_profile = work\nrole_arn = " + roleARN + "\n"), "doctor region-missing", 0, "…/home/.aws/config:…: the profile has no region", "aws configure set region us-east-1 --profile role", func(m *ill) { need(m.t, "aws", "pip install awscli"); m.paste(m.said) }, ""},
		{"doctor, not registered", onlyConfig("[default]\nregion = us-east-1\n"), "doctor not-registered", 0, "the AWS config has no credential_process for the profile", "aws-mfa-creds register --profile work", with("--region us-east-1"), ""},
		{"doctor, calls itself", onlyConfig(command + "aws configure export-credentials --profile work\n"), "doctor helper-recursion", 3, "…/home/.aws/config:…: the credential_process of work runs the AWS CLI, which runs the credential_process of work", "aws-mfa-creds register --profile work", with("--yes"), ""},
		{"doctor, codes that need codes", setting("mfa_process = aws secretsmanager get-secret-value --profile work"), "doctor mfa-process-recursion", 3, "mfa_process runs the AWS CLI with profile work, whose credentials come from aws-mfa-creds", "let the program use other credentials (aws --profile OTHER), or store the seed: aws-mfa-creds add --profile work", edit("--profile work\n", "--profile OTHER\n"), ""},
		{"doctor, a shell", onlyConfig(command + "<BIN> get --profile work | cat\n"), "doctor command-shell", 3, "…/home/.aws/config:…: the command needs a shell, because of its |", "aws-mfa-creds register --profile work", with("--yes"), ""},
		{"doctor, a comment", onlyConfig(command + "<BIN> get --profile work # mine\n"), "doctor command-comment", 3, "…/home/.aws/config:…: the command is followed by a comment", "aws-mfa-creds register --profile work", nil, ""},
		{"doctor, path with a space", all(sh("mkdir '<DIR>/a b' && cp <BIN> '<DIR>/a b/'"), onlyConfig(command+"\"<DIR>/a b/aws-mfa-creds\" get --profile work\n")), "doctor program-quoted", 0, "…/home/.aws/config:…: the path of the program has a space, so it has to be quoted", "install aws-mfa-creds at a path without spaces, and from there run: aws-mfa-creds register --profile work", nil, ""},
		{"doctor, temporary program", all(onlyConfig(get), env("TMPDIR="+os.TempDir())), "doctor program-temporary", 0, "…/home/.aws/config:…: …/aws-mfa-creds is in a directory for temporary files", "install it (go install, or make build), and from there run: aws-mfa-creds register --profile work", all(env("TMPDIR=<DIR>/temp"), func(m *ill) { m.paste(m.said) }), ""},
		{"doctor, settings corrected", setting("duration = 99h"), "doctor settings-corrected", 0, "…/own/profiles.ini:…: duration \"99h\" is outside 15m to 36h, so 36h is used", "correct it there", edit("99h", "12h"), ""},
		{"doctor, short sessions", setting("duration = 15m"), "doctor session-short", 0, "sessions last 15m", "set a duration of 30m or more for the profile, or best leave it out (12h)", edit("15m", "30m"), ""},
		{"doctor, other account", sh("aws-mfa-creds register --profile role --source-profile work --region us-east-1 --role-arn arn:aws:iam::210987654321:role/x"), "doctor role-account", 0, "role arn:aws:iam::210987654321:role/x is in another account than the MFA device (123456789012)", "nothing, if this is intended", sh("true"), stays},
		{"doctor, config of others", sh("chmod 666 <DIR>/home/.aws/config"), "doctor files-unreadable", 12, "…/home/.aws/config: other users can change it (mode 0666)", "chmod go-w …", nil, ""},
		{"doctor, secret of others", sh("chmod 644 <DIR>/own/age/identity.txt"), "doctor file-exposed", 12, "…/own/age/identity.txt: is open to other users (mode 0644)", "chmod 600 …", nil, ""},
		{"doctor, secret of another user", asRoot("chown 1 <DIR>/own/age/identity.txt"), "doctor file-exposed", 12, "…/own/age/identity.txt: belongs to another user (uid 1)", "use a copy that belongs to you", asRoot("cd <DIR>/own/age && cp identity.txt i && chown <UID> i && chmod 600 i && mv identity.txt identity.theirs && mv i identity.txt"), ""},
		{"doctor, secret of root", asRoot("chown 0 <DIR>/own/age/identity.txt"), "doctor file-exposed", 12, "…/own/age/identity.txt: belongs to another user (uid 0)", `sudo chown -R "$(id -un)" …/own/age/identity.txt`, nil, ""},
		{"doctor, leftovers", leftBehind, "doctor leftovers", 0, "…/own/age: processes that were killed left 1 temporary files, such as .aws-mfa-creds-0123456789abcdef.tmp", "aws-mfa-creds doctor --fix", nil, ""},
		{"doctor, short seed", sh("printf JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP > <SEED>; aws-mfa-creds add --profile work --seed-file <SEED> --serial <SERIAL> --yes"), "doctor seed-length", 0, "the seed has 160 bits, and those of AWS's virtual devices have 320", "compare its code with that of another app that has the device: aws-mfa-creds code --profile work", nil, stays},
		{"doctor, clock", later(10 * time.Minute), "doctor clock-skew --online", 10, "clock: this machine's clock is 10m behind AWS's, as measured now", "sudo timedatectl set-ntp true", later(0), ""},
		{"doctor, old key", world(func(w *sandbox.World) { w.Users[0].Keys[0].Created = time.Now().AddDate(0, 0, -100) }), "doctor key-old --online", 0, "the access key is 100 days old", "aws-mfa-creds rotate key --profile work", with("--yes"), ""},
		{"doctor, root key", asTheRootUser, "doctor root-key --online", 0, "the access key is the root user's, of account 123456789012", "create an IAM user with an access key, store that, and delete the root user's key in the console", sh("aws-mfa-creds add --profile work --yes --access-key-file <KEY>"), ""},
		{"doctor, inactive key", world(func(w *sandbox.World) { w.Users[0].Keys[0].Inactive = true }), "doctor key-refused --online", 6, "access key AKIA…: AWS does not accept it in region us-east-1: deleted, inactive, or of another partition (request id …)", "aws-mfa-creds add --profile work; if it is from the environment, correct AWS_MFA_CREDS_ACCESS_KEY_ID and AWS_MFA_CREDS_SECRET_ACCESS_KEY", world(func(w *sandbox.World) { w.Users[0].Keys[0].Inactive = false }), ""},
		{"doctor, foreign device", world(func(w *sandbox.World) { w.Devices[0].User = "" }), "doctor serial-foreign --online", 6, "arn:aws:iam::123456789012:mfa/alice-laptop is not among the 0 MFA devices of user alice (none)", "aws-mfa-creds add --profile work --serial ARN, with the seed of one of: aws iam list-mfa-devices --user-name alice", world(func(w *sandbox.World) { w.Devices[0].User = "alice" }), ""},
	}
}

// historyHints are those about names, sessions and what has happened.
func historyHints() []hintCase {
	const (
		get     = "\nregion = us-east-1\ncredential_process = <BIN> get --profile "
		named   = "[profile \"my work\"]" + get
		role    = "aws-mfa-creds register --profile role --source-profile work --region us-east-1 --role-arn " + noTrust
		noShell = "the command needs a shell, because of its |"
	)
	elsewhere := func(m *ill) {
		m.write(m.credentials(), "[work]\ncredential_process = <BIN> get --profile work | cat\n")
	}
	trusts := world(func(w *sandbox.World) {
		for i := range w.Roles {
			w.Roles[i].Trusts = []string{"alice"}
		}
	})
	return []hintCase{
		{"doctor, keys of another tool", config("saml_auth_url = https://example.com"), "doctor keys-ignored", 0, "…/home/.aws/config:…: aws-mfa-creds ignores saml_auth_url, a key of aws-runas", "delete the line, or get the profile's credentials with aws-runas", edit("saml_auth_url = https://example.com\n", ""), ""},
		{"doctor, name with a space", config(named + "work"), "doctor name-quoting", 0, "…/home/.aws/config:…: the name my work has to be quoted in headers and commands", "use letters (a-z, A-Z), digits and . _ - / @ : + only: aws-mfa-creds register --profile NEW --source-profile work", all(pasteLastRun, edit(named+"work\n", ""), sh("aws-mfa-creds code --profile NEW")), ""},
		{"doctor, secrets of no command", func(m *ill) { m.write(m.ini(), strings.Replace(read(m.t, m.ini()), "[work]", "[größe]", 1)) }, "doctor not-registered", 0, "the AWS config has no credential_process for the profile", "use letters (a-z, A-Z), digits and . _ - / @ : + only: aws-mfa-creds add --profile NEW", with("--store age --access-key-file <KEY> --seed-file <SEED> --serial <SERIAL>"), stays},
		{"doctor, name for no command", all(setting("[größe]\nregion = us-east-1"), config("[profile größe]"+get+"größe")), "doctor name-quoting", 0, `…/home/.aws/config:…: the name gr\u00f6\u00dfe has to be quoted in headers and commands`, "use letters (a-z, A-Z), digits and . _ - / @ : + only: aws-mfa-creds add --profile NEW", all(with("--store age --access-key-file <KEY> --seed-file <SEED> --serial <SERIAL>"), edit("[profile größe]"+get+"größe\n", ""), sh("aws-mfa-creds get --profile NEW")), ""},
		{"doctor, header with a space", onlyConfig("[profile my work]" + get + "work\n"), "doctor section-loose", 3, "…/home/.aws/config:…: the AWS CLI does not read the header [profile my work]", "use letters (a-z, A-Z), digits and . _ - / @ : + only", edit("my work", "my-work"), ""},
		{"doctor, command in the credentials file", elsewhere, "doctor command-shell", 3, "…/home/.aws/credentials:2: " + noShell, "delete the line, and run: aws-mfa-creds register --profile work", all(sh("rm <DIR>/home/.aws/credentials"), pasteLastRun), ""},
		{"register beside a command in the credentials file", elsewhere, "aws-mfa-creds register --profile work --region us-east-1 --yes", 3, "…/home/.aws/credentials:2: tools run this command of profile work, whatever the AWS config says", "delete the line", sh("rm <DIR>/home/.aws/credentials"), ""},
		{"doctor, no answer of AWS", func(m *ill) {
			m.inject(sandbox.Fault{Kind: sandbox.Rewrite, Action: "GetCallerIdentity", Rewrite: func(body []byte) []byte { return bytes.ReplaceAll(body, []byte("Arn>"), []byte("X>")) }})
		}, "doctor key-refused --online", 6, "127.0.0.1:…: the response does not say whose key it is (request id …)", "try again; for more, run: aws-mfa-creds get --debug --refresh --profile work", nil, ""},
		{"doctor, large session", func(m *ill) {
			long := func(body []byte) []byte {
				return bytes.Replace(body, []byte("<SessionToken>"), []byte("<SessionToken>"+strings.Repeat("x", 9000)), 1)
			}
			m.inject(sandbox.Fault{Kind: sandbox.Rewrite, Action: "GetSessionToken", Rewrite: long})
			m.must(getWork)
		}, "doctor session-large", 0, "get prints 9… bytes", "use fewer tags and policies for the session", sh(getWork + " --refresh"), ""},
		{"doctor, refused role", all(sh(role), func(m *ill) { m.sh(getWork + " --role-arn " + noTrust) }), "doctor last-error", 6, "the last session of " + noTrust + " failed …", "…; then: aws-mfa-creds get --refresh --profile work --role-arn " + noTrust, all(trusts, sh(getWork+" --refresh --role-arn "+noTrust)), ""},
		{"doctor, out of sync", all(world(func(w *sandbox.World) { w.Devices[0].OutOfSync = true }), func(m *ill) {
			m.sh(getWork)
			m.sh(getWork + " --refresh")
		}), "doctor device-out-of-sync", 6, "AWS has refused the token codes of … 2 times in a row", "aws-mfa-creds resync --profile work", nil, ""},
	}
}

// plainKey writes the user's access key in clear.
func (m *ill) plainKey(path, header string) {
	id := m.Identity()
	m.append(path, header+"\naws_access_key_id = "+id.AccessKeyID+"\naws_secret_access_key = "+id.SecretAccessKey+"\n")
}

// leftBehind has a temporary file of a killed process.
func leftBehind(m *ill) {
	left, old := filepath.Join(m.Own(), "age", ".aws-mfa-creds-0123456789abcdef.tmp"), time.Now().Add(-2*time.Hour)
	m.write(left, "x")
	must(m.t, os.Chtimes(left, old, old))
}

// asTheRootUser stores an access key of the account's root user.
func asTheRootUser(m *ill) {
	root := sandbox.User{Name: sandbox.RootUser, Keys: []sandbox.Key{{ID: "AKIAROOTROOTROOTROO7", Secret: strings.Repeat("r", 40)}}}
	m.change(func(w *sandbox.World) { w.Users = append(w.Users, root) })
	m.write(filepath.Join(m.Dir, "root"), root.Keys[0].ID+" "+root.Keys[0].Secret+"\n")
	m.must("aws-mfa-creds add --profile work --yes --access-key-file " + filepath.Join(m.Dir, "root"))
}

// later sets AWS's clock ahead.
func later(by time.Duration) func(*ill) { return func(m *ill) { m.Server.SetClockOffset(by) } }

func world(change func(*sandbox.World)) func(*ill) { return func(m *ill) { m.change(change) } }
