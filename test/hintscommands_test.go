//go:build linux

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// ofCI has a command get all from the environment but the seed.
const ofCI = "rm -f <DIR>/own/profiles.ini; AWS_MFA_CREDS_ACCESS_KEY_ID=$(cut -d' ' -f1 <KEY>) AWS_MFA_CREDS_SECRET_ACCESS_KEY=$(cut -d' ' -f2 <KEY>) AWS_MFA_CREDS_SERIAL=<SERIAL> "

// commandHints are those about the command line, the registration, the environment and the user's own
// programs.
func commandHints() []hintCase {
	const (
		fromVault  = "aws-mfa-creds add --profile new --store age --from-aws-vault "
		addOther   = "aws-mfa-creds add --profile other --store age --access-key-file <KEY> --seed-file <SEED> --serial <SERIAL>"
		keyOfNew   = "aws-mfa-creds add --profile new --store age --access-key-file <KEY>"
		enrollWork = "aws-mfa-creds enroll --profile work"
		enrollNew  = "aws-mfa-creds enroll --profile new --console --seed-store age --seed-file <SEED>"
		register   = "aws-mfa-creds register --profile r --source-profile work --region us-east-1 --role-arn " + roleARN
	)
	inEnv := []string{"AWS_MFA_CREDS_ACCESS_KEY_ID=<ID>", "AWS_MFA_CREDS_SECRET_ACCESS_KEY=<SECRET>", "AWS_MFA_CREDS_SERIAL=<SERIAL>", "AWS_MFA_CREDS_SEED=<BASE32>"}
	program := func(text string) func(*ill) {
		return all(file("#!/bin/sh\n"+text+"\n"), sh("chmod 700 <DIR>/x"), setting("mfa_process = <DIR>/x"))
	}
	vault := func(m *ill) {
		m.env = append(m.env, "PATH="+needVault(m.t)+":"+filepath.Dir(m.Binary)+":"+os.Getenv("PATH"), "AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_PASSPHRASE="+vaultPassphrase)
		m.must(m.fill("AWS_ACCESS_KEY_ID=<ID> AWS_SECRET_ACCESS_KEY=<SECRET> aws-vault add --env --no-add-config work"))
	}
	codes := all(sh("sed -i /mfa_process/d <DIR>/own/profiles.ini"))
	return []hintCase{
		{"profile missing", nil, "aws-mfa-creds get", 2, "get: --profile is missing", "run: aws-mfa-creds get --profile NAME", retype(getWork), ""},
		{"unknown flag", nil, getWork + " --xyzzy", 2, "unknown flag: --xyzzy", "run: aws-mfa-creds get --help", all(sh("aws-mfa-creds get --help"), retype(getWork)), ""},
		{"no profile yet", sh("rm <DIR>/own/profiles.ini $AWS_CONFIG_FILE"), "AWS_PROFILE= aws-mfa-creds code", 2, "code: there is no profile yet", "run: aws-mfa-creds setup", retype("aws-mfa-creds setup --profile work --access-key-file <KEY> --seed-file <SEED> --serial <SERIAL> --store age --yes"), ""},
		{"clear what", nil, "aws-mfa-creds clear --all --profile work", 2, "clear: give --profile or --all", "run: aws-mfa-creds clear --profile work", nil, "give --profile or --all"},
		{"move where", nil, "aws-mfa-creds store move --profile work", 2, "store move: --to is missing", "run: aws-mfa-creds store move --profile work --to age", nil, "--to is missing"},
		{"move of a role", sh(register), "aws-mfa-creds store move --profile r --to age", 4, "profile r: it uses the access key and MFA device of profile work", "run: aws-mfa-creds store move --profile work --to age", all(pasteLastRun, retype("aws-mfa-creds store move --profile work --to age")), ""},
		{"watch without a terminal", nil, "aws-mfa-creds code --profile work --watch", 2, "code --watch: there is no terminal to show it on", "run: aws-mfa-creds code --profile work", retype("aws-mfa-creds code --profile work"), ""},
		{"misspelt flag", nil, "aws-mfa-creds get --profil work", 2, "unknown flag: --profil", "did you mean --profile? or run: aws-mfa-creds get --help", retype(getWork), ""},
		{"misspelt command", nil, "aws-mfa-creds lst --profile work", 2, "unknown command \"lst\" for \"aws-mfa-creds\"", "did you mean list? run: aws-mfa-creds list --help", all(pasteLastRun, retype("aws-mfa-creds list --profile work")), ""},
		{"misspelt subcommand", nil, "aws-mfa-creds rotate keys --profile work --yes", 2, "unknown command \"keys\" for \"aws-mfa-creds rotate\"", "did you mean key? run: aws-mfa-creds rotate key --help", all(pasteLastRun, retype("aws-mfa-creds rotate key --profile work --yes")), ""},
		{"flag without its value", nil, "aws-mfa-creds get --profile", 2, "--profile: needs a value", "give --profile NAME", retype(getWork), ""},
		{"value of a flag that has none", nil, "aws-mfa-creds list --json=1x", 2, "--json: takes no value", "give it without =", retype("aws-mfa-creds list --json"), ""},
		{"no duration", nil, "aws-mfa-creds unlock --for xx", 2, "--for: \"xx\" is not a duration", "write it as 1h, 90m or 3600", retype("aws-mfa-creds unlock --for 90m"), ""},
		{"name without its flag", nil, "aws-mfa-creds get work", 2, "\"work\": stands alone", "give --profile work", retype(getWork), ""},
		{"command without dashes", nil, "aws-mfa-creds exec --profile work true", 2, "\"true\": stands before --", "write -- before the command, as in: aws-mfa-creds exec --profile work -- aws s3 ls", retype("aws-mfa-creds exec --profile work -- true"), ""},
		{"command taken for a profile", nil, "aws-mfa-creds exec echo x", 2, "\"echo\": stands before --", "write -- before the command, as in: aws-mfa-creds exec -- aws s3 ls", retype("aws-mfa-creds exec -- echo x"), ""},
		{"only word taken for a profile", nil, "aws-mfa-creds exec echo", 2, "\"echo\": stands before --", "write -- before the command, as in: aws-mfa-creds exec -- aws s3 ls", retype("aws-mfa-creds exec -- echo"), ""},
		{"role without a source", nil, "aws-mfa-creds register --profile r --region us-east-1 --role-arn " + roleARN, 2, "--role-arn: profile \"r\" is new, so it has no session of its own", "give --source-profile NAME, too: the profile whose session assumes the role", retype(register), ""},
		{"flag of a command without dashes", nil, "aws-mfa-creds exec --profile work ls --size", 2, "unknown flag: --size", "if it is of the command, write -- before that; or run: aws-mfa-creds exec --help", retype("aws-mfa-creds exec --profile work -- ls --size"), ""},
		{"one dash", nil, "aws-mfa-creds code -profile work", 2, "-profile: lacks a dash", "write --profile", retype("aws-mfa-creds code --profile work"), ""},
		{"region of a command", env("AWS_ENDPOINT_URL_STS="), "aws-mfa-creds exec work --region nonsense -- true", 2, "--region: \"nonsense\" is not a region of AWS", "give one of AWS's, such as us-east-1", all(env("AWS_ENDPOINT_URL_STS=<URL>"), retype("aws-mfa-creds exec work --region us-east-1 -- true")), ""},
		{"no such command", nil, "aws-mfa-creds exec --profile work -- treu", 127, "exec treu: no such command", "correct the name, or give its path", retype("aws-mfa-creds exec --profile work -- true"), ""},
		{"shell in a shell", env("AWS_MFA_PROFILE=other", "SHELL=/bin/true"), "aws-mfa-creds exec --profile work", 2, "exec: this shell has the session of profile \"other\" already", "run: exit; or give --nested", retype("aws-mfa-creds exec --profile work --nested"), ""},
		{"endpoint behind another default", config("[default]\naws_access_key_id = AKIAOTHEROTHEROTHER1"), "aws-mfa-creds exec work --serve -- true", 3, "…: SDKs take what the profile default has there (aws_access_key_id) before what an endpoint serves", "leave out --serve", retype("aws-mfa-creds exec work -- true"), ""},
		{"exec with other settings", all(sh("cp -a <DIR>/own <DIR>/o"), config("[profile o]\ncredential_process = env AWS_MFA_CREDS_HOME=<DIR>/o aws-mfa-creds get --profile work")), "aws-mfa-creds exec o -- true", 3, "…: the AWS tools get the credentials of profile \"o\" with other settings than this shell has", "run: export …AWS_MFA_CREDS_HOME=…/o…", env("AWS_MFA_CREDS_HOME=<DIR>/o"), ""},
		{"unknown format", nil, "aws-mfa-creds env work --format tcsh", 2, "--format: \"tcsh\" is not known", "give one of sh, fish, powershell, cmd, dotenv, json, github", retype("aws-mfa-creds env work --format sh"), ""},
		{"nothing to unset", nil, "aws-mfa-creds env --unset --format json", 2, "--unset: json is not the format of a shell", "leave it out, or give --format sh", retype("aws-mfa-creds env --unset --format sh"), ""},
		{"not on GitHub", nil, "aws-mfa-creds env work --format github", 2, "--format github: GITHUB_ENV is not set", "run it in a job of GitHub Actions", all(file(""), env("GITHUB_ENV=<DIR>/x")), ""},
		{"region that cannot be quoted", nil, "aws-mfa-creds env work --format dotenv --region 'a b'", 2, "AWS_REGION: its value has characters that this format cannot quote", "give --format json", retype("aws-mfa-creds env work --format json --region 'a b'"), ""},
		{"console of a user", nil, "aws-mfa-creds console work --print", 3, "profile \"work\": AWS opens the console for the session of a role only, and this is that of an IAM user", "give the role: --role-arn ARN", retype("aws-mfa-creds console work --print --role-arn " + roleARN), ""},
		{"console of a profile with roles", sh(register), "aws-mfa-creds console work --print", 3, "profile \"work\": AWS opens the console for the session of a role only, and this is that of an IAM user; profiles with a role of it: r", "run: aws-mfa-creds console --profile r", retype("aws-mfa-creds console --profile r --print"), ""},
		{"no browser", all(sh(register), env("BROWSER=/bin/false")), "aws-mfa-creds console r", 3, "console: no browser could be opened: /bin/false: exit status 1", "run: aws-mfa-creds console --print --profile r", retype("aws-mfa-creds console --print --profile r"), ""},
		{"console of another maker", all(sh(register), env("AWS_ENDPOINT_URL_SIGNIN=")), "aws-mfa-creds console r --print", 3, "profile \"work\": its sessions are not of AWS, but of …", "set AWS_ENDPOINT_URL_SIGNIN, if there is a console", env("AWS_ENDPOINT_URL_SIGNIN=<URL>"), ""},
		{"no service", sh(register), "aws-mfa-creds console r --print --service S3", 2, "--service: \"S3\" is not the name of a service", "give a name such as s3", retype("aws-mfa-creds console r --print --service s3"), ""},
		{"one word too many", nil, "aws-mfa-creds version now", 2, "\"now\": is one word too many", "leave it out", retype("aws-mfa-creds version"), ""},
		{"which shell", nil, "aws-mfa-creds completion tcsh", 2, "completion: name one shell: bash, zsh, fish or powershell", "run: aws-mfa-creds completion bash", nil, "name one shell"},
		{"flags that exclude each other", nil, "aws-mfa-creds code --profile work --watch --pair", 2, "--pair, --watch: exclude each other", "give one of them", retype("aws-mfa-creds code --profile work --pair"), ""},
		{"none of the flags", nil, "aws-mfa-creds store protect", 2, "--passphrase, --none, --recipient: one of them is needed", "run: aws-mfa-creds store protect --help", all(pasteLastRun, retype("aws-mfa-creds store protect --none")), ""},
		{"half of the flags", nil, "aws-mfa-creds store protect --recipient age1x", 2, "--identity: is missing", "give it, too", retype("aws-mfa-creds store protect --recipient age1x --identity <DIR>/x"), "/x: cannot be read"},
		{"flag of the console", nil, "aws-mfa-creds enroll --profile new --seed-file <SEED>", 2, "--seed-file: does nothing without --console", "give --console, too, or leave it out", retype(enrollNew + " --serial <SERIAL>"), ""},
		{"recipient that is none", all(sh("cp <DIR>/own/age/identity.txt <DIR>/x")), "aws-mfa-creds store protect --recipient age1x --identity <DIR>/x", 2, "--recipient: is none that age knows: it looks like age1..., and SSH keys are not taken", "give what age-keygen printed as public key, or a plugin as recipient", retype("aws-mfa-creds store protect --identity <DIR>/x --recipient $(grep -o 'age1.*' <DIR>/x)"), ""},
		{"code of five digits", all(demandsMFAOf, file("12345")), enrollWork + " --mfa-serial " + phoneSerial + " --mfa-code-file <DIR>/x", 2, "--mfa-code-file: a code has six digits", "give the six digits that the device shows now", file("<CODE>"), ""},
		{"empty flag", nil, getWork + " --role-arn ''", 2, "--role-arn: is empty", "give it a value, or leave it out", retype(getWork), ""},
		{"short passphrase", file("xyz"), "aws-mfa-creds store protect --passphrase --passphrase-file <DIR>/x", 2, "passphrase: is shorter than 8 characters; nothing was changed", "give some words that belong to nothing else", file("correct horse"), ""},
		{"no access key", config("[profile new]\nregion = us-east-1"), "aws-mfa-creds get --profile new", 4, "profile \"new\": no access key is stored for it", "run: aws-mfa-creds add --profile new, or set AWS_MFA_CREDS_…", with("--store age --access-key-file <KEY> --seed-file <SEED> --serial <SERIAL>"), ""},
		{"no seed", sh(keyOfNew), "aws-mfa-creds code --profile new", 4, "profile \"new\": no seed is stored for it, and mfa_process is not set", "run: aws-mfa-creds enroll --profile new, or for an existing device: aws-mfa-creds add --profile new", nil, ""},
		{"no serial", edit("mfa_serial = <SERIAL>\n", ""), getWork, 3, "profile \"work\": the serial of its MFA device is unknown", "add mfa_serial = ARN to its section in …; the IAM console shows the ARN", setting("mfa_serial = <SERIAL>"), ""},
		{"program that leads back", all(program("aws-mfa-creds get --profile work 2><DIR>/log"), sh(addOther)), getWork + " >&2 || { cat <DIR>/log >&2; exit 3; }", 3, "…\naws-mfa-creds: error: profile \"work\": mfa_process of … runs this program again", "make mfa_process use another profile, or none", sh("sed -i 's/get --profile work/code --profile other/' <DIR>/x"), ""},
		{"key of codes from a program", all(program("aws-mfa-creds code --profile other"), sh(addOther)), "aws-mfa-creds rotate key --profile work --yes", 3, "profile work: a program prints its codes (mfa_process), so a seed here is not used", "by hand: aws iam create-access-key --output json --profile work | aws-mfa-creds add --profile work --yes --access-key-file -", pasteAWS, "by hand"},
		{"device of a program", setting("mfa_process = op"), "aws-mfa-creds resync --profile work", 3, "profile work: a program prints its codes (mfa_process), so a seed here is not used", "to have this program generate them, delete mfa_process from …", edit("mfa_process = op\n", ""), ""},
		{"key of the environment", all(config("[profile new]\nregion = us-east-1"), env(inEnv...)), "aws-mfa-creds rotate key --yes --profile new", 3, "profile new: its access key or seed is in the environment, and cannot be replaced there", "run: aws-mfa-creds add --profile new --from-env", with("--store age"), ""},
		{"register beside a temporary key", func(m *ill) {
			m.write(m.credentials(), "[work]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = y\n")
		}, "aws-mfa-creds register --profile work", 3, "…/home/.aws/credentials:…: most SDKs would use this access key of profile work instead of running this program", "delete it from the file: it is temporary, and no longer of use", sh("rm <DIR>/home/.aws/credentials"), ""},
		{"setup beside another key", func(m *ill) {
			m.write(m.credentials(), "[work]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = "+strings.Repeat("x", 40)+"\n")
		}, "aws-mfa-creds setup --profile work --access-key-file <KEY> --yes", 3, "…/home/.aws/credentials:…: most SDKs would use this access key of profile work instead of running this program", "delete it from the file, or choose another name for the profile", sh("rm <DIR>/home/.aws/credentials"), ""},
		{"setup with a wrong key", all(file("AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), sh("aws-mfa-creds add --profile work --yes --access-key-file <DIR>/x")), "aws-mfa-creds setup --profile work", 6, "access key AKIA…: AWS does not accept it in region us-east-1: deleted, inactive, or of another partition (request id …)", "run: aws-mfa-creds setup --profile work --access-key-file FILE --yes", func(m *ill) { m.runPasted(strings.Replace(strings.TrimPrefix(m.said, "run: "), "FILE", m.key, 1)) }, ""},
		{"register of a temporary program", sh("mkdir <DIR>/go-build1; cp <BIN> <DIR>/go-build1/"), "<DIR>/go-build1/" + register, 2, "aws-mfa-creds: it runs from a temporary directory (go run), which will be deleted", "install it first: go install, or make build", retype(register), ""},
		{"another process", onlyConfig("[profile work]\ncredential_process = /opt/other --x\n"), "aws-mfa-creds register --profile work --region us-east-1", 3, "profile work: it runs /opt/other as its credential_process", "to replace it, give --yes; unregister brings it back", all(retype("aws-mfa-creds register --profile work --region us-east-1 --yes")), ""},
		{"code that was used", all(demandsMFAOf, file("<WRONG>")), enrollWork + " --mfa-serial " + phoneSerial + " --mfa-code-file <DIR>/x", 6, "MFA device …: AWS refused the code: it was used before, mistyped, or from another device", "wait for its next code and give that", file("<CODE>"), ""},
		{"needs MFA", demandsMFAOf, enrollWork, 6, "…needs a session with MFA…", "give a device that works already: --mfa-serial ARN --mfa-code-file FILE; if there is none, have an administrator run: aws iam deactivate-mfa-device --user-name alice --serial-number ARN; then: aws-mfa-creds enroll --replace-unassigned --profile work", all(file("<CODE>"), retype(enrollWork+" --mfa-serial "+phoneSerial+" --mfa-code-file <DIR>/x")), ""},
		{"seed of the console", nil, enrollNew, 2, "there is no terminal to ask on", "give --serial ARN. The seed is stored; run the same command again to continue", retype(enrollNew + " --serial <SERIAL>"), ""},
		{"not in aws-vault", vault, fromVault + "nobody", 4, "profile \"nobody\" of aws-vault: has no access key in its keyring", "run: aws-vault list", all(pasteLastRun, retype(fromVault+"work")), ""},
		{"no keyring of aws-vault", vault, fromVault + "work --aws-vault-backend xyzzy", 2, "--aws-vault-backend: enum value must be one of …", "run: aws-vault --help", all(pasteLastRun, retype(fromVault+"work --aws-vault-backend file")), ""},
		{"no keyring of aws-vault in the environment", all(vault, env("AWS_VAULT_BACKEND=xyzzy")), fromVault + "work", 3, "AWS_VAULT_BACKEND: enum value must be one of …", "run: aws-vault --help", env("AWS_VAULT_BACKEND=file"), ""},
		{"password of aws-vault", all(vault, env("AWS_VAULT_FILE_PASSPHRASE=wrong")), fromVault + "work", 5, "profile \"work\" of aws-vault: aws-vault says: …", "run: aws-vault exec --no-session work -- aws sts get-caller-identity", all(env("AWS_VAULT_FILE_PASSPHRASE="+vaultPassphrase), pasteAWS), ""},
		{"aws-vault waits", all(vault, file("#!/bin/sh\nsleep 100\n"), sh("chmod 700 <DIR>/x; mkdir <DIR>/home/.password-store; touch <DIR>/home/.password-store/work.gpg"), env("AWS_VAULT_BACKEND=pass", "AWS_VAULT_PASS_CMD=<DIR>/x")), fromVault + "work", 5, "profile \"work\" of aws-vault: aws-vault has not answered in time", "run: aws-vault exec --no-session work -- aws sts get-caller-identity", all(env("AWS_VAULT_BACKEND=file"), pasteAWS), ""},
		{"QR code of a long seed", file(strings.Repeat("JBSWY3DPEHPK3PXP", 250)), ofCI + "AWS_MFA_CREDS_SEED_FILE=<DIR>/x aws-mfa-creds export --profile work --yes --png <DIR>/png", 2, "QR code: text is too long for one", "give --uri", retype(ofCI + "AWS_MFA_CREDS_SEED_FILE=<DIR>/x aws-mfa-creds export --profile work --yes --uri"), ""},
		{"console not finished", sh(enrollNew + " || true"), "aws-mfa-creds code --profile new", 3, "profile \"new\": its enrollment in the AWS console did not finish", "aws-mfa-creds enroll --console --profile new", with("--yes --serial <SERIAL>"), ""},
		{"copy without a desktop", nil, "aws-mfa-creds code --profile work --copy", 2, "clipboard: there is no desktop here (neither WAYLAND_DISPLAY nor DISPLAY is set)", "leave out --copy", retype("aws-mfa-creds code --profile work"), ""},
		{"QR code without a terminal", nil, "aws-mfa-creds export --profile work --yes", 2, "export: there is no terminal to show the QR code on", "give --uri or --png FILE", retype("aws-mfa-creds export --profile work --yes --png <DIR>/png"), ""},
		{"picture that exists", file(""), "aws-mfa-creds export --profile work --yes --png <DIR>/x", 11, "--png …/x: cannot be created: file exists", "name a file that does not exist, in a directory you can write to", retype("aws-mfa-creds export --profile work --yes --png <DIR>/png"), ""},
		{"seed of a program", setting("mfa_process = /bin/true"), "aws-mfa-creds export --profile work --yes", 2, "export: mfa_process generates the codes of the profile, so this program has no seed", "export it from the program or device that stores it", codes, "--uri or --png"},
		{"unlocked for ever", nil, "aws-mfa-creds unlock --for 999h", 2, "--for: is longer than a week", "give --for 8h, for example", retype("aws-mfa-creds unlock --for 8h"), ""},
		{"assumed by whom", nil, register + " --assume-by me", 2, "--assume-by: must be helper or sdk", "give helper or sdk", retype(register + " --assume-by sdk"), ""},
		{"assumed from itself", nil, "aws-mfa-creds register --profile r --region us-east-1 --assume-by sdk", 2, "--assume-by sdk: needs --role-arn, and --source-profile with another profile", "give both, or --assume-by helper", retype(register + " --assume-by sdk"), ""},
		{"assumed for too long", nil, register + " --assume-by sdk --duration 2h", 2, "--duration: an SDK assumes the role from a session, which AWS limits to an hour", "give --assume-by helper", retype(register + " --assume-by helper --duration 2h"), ""},
		{"register beside a key", all(onlyConfig("[default]\n"), func(m *ill) { m.plainKey(m.credentials(), "[work]") }), "aws-mfa-creds register --profile work --region us-east-1", 3, "…/home/.aws/credentials:…: most SDKs would use this access key of profile work instead of running this program", "run: aws-mfa-creds add --profile work --from-credentials-file", nil, ""},
		{"register beside another source", onlyConfig("[profile work]\nsso_session = x\n"), "aws-mfa-creds register --profile work --region us-east-1", 3, "profile work: it has sso_session in the AWS config, and SDKs accept only one source of credentials per profile", "register it under another name: aws-mfa-creds register --profile work-mfa --source-profile work", all(with("--region us-east-1"), retype("aws-mfa-creds get --profile work-mfa")), "run the command that the AWS config has"},
		{"config read-only", sh("chmod 400 <DIR>/home/.aws/config"), register, 11, "…/home/.aws/config: is read-only (mode -r--------)", "make it writable: chmod u+w …", nil, ""},
		{"no store of that name", edit("= age", "= vault"), getWork, 3, "store vault: there is no store of this name", "use one of …", edit("= vault", "= age"), ""},
		{"store into the environment", nil, "aws-mfa-creds add --profile new --store env --access-key-file <KEY>", 3, "the env store: is the environment, and nothing can be stored there", "name another: …", retype("aws-mfa-creds add --profile new --store age --access-key-file <KEY>"), ""},
		{"seed not set", nil, ofCI + getWork, 4, "AWS_MFA_CREDS_SEED: is not set, and the env store needs it", "set AWS_MFA_CREDS_SEED or AWS_MFA_CREDS_SEED_FILE", retype(ofCI + "AWS_MFA_CREDS_SEED=$(cat <SEED>) " + getWork), ""},
		{"seed twice", nil, ofCI + "AWS_MFA_CREDS_SEED=x AWS_MFA_CREDS_SEED_FILE=<SEED> " + getWork, 3, "AWS_MFA_CREDS_SEED: AWS_MFA_CREDS_SEED_FILE is set as well", "unset one of them", retype(ofCI + "AWS_MFA_CREDS_SEED_FILE=<SEED> " + getWork), ""},
		{"seed in no file", nil, ofCI + "AWS_MFA_CREDS_SEED_FILE=/nowhere " + getWork, 4, "AWS_MFA_CREDS_SEED_FILE: names no file that can be found", "set it to the path of the file that holds the value", retype(ofCI + "AWS_MFA_CREDS_SEED_FILE=<SEED> " + getWork), ""},
		{"seed in a directory", nil, ofCI + "AWS_MFA_CREDS_SEED_FILE=<DIR> " + getWork, 4, "AWS_MFA_CREDS_SEED_FILE: … is a directory", "name a regular file", retype(ofCI + "AWS_MFA_CREDS_SEED_FILE=<SEED> " + getWork), ""},
		{"seed in an empty file", file(""), ofCI + "AWS_MFA_CREDS_SEED_FILE=<DIR>/x " + getWork, 4, "AWS_MFA_CREDS_SEED_FILE: …/x is empty", "write the value into it", sh("cp <SEED> <DIR>/x"), ""},
		{"seed in a large file", sh("truncate -s 9M <DIR>/x"), ofCI + "AWS_MFA_CREDS_SEED_FILE=<DIR>/x " + getWork, 4, "AWS_MFA_CREDS_SEED_FILE: …/x is larger than 65536 bytes", "name the file that holds the value alone", sh("cp <SEED> <DIR>/x"), ""},
		{"seed unreadable", sh("cp <SEED> <DIR>/x; chmod 0 <DIR>/x"), ofCI + "AWS_MFA_CREDS_SEED_FILE=<DIR>/x " + getWork, 11, "AWS_MFA_CREDS_SEED_FILE: cannot read …/x: permission denied", "make it readable for this user alone: chmod 600 …", sh("chmod 600 <DIR>/x"), ""},
		{"codes that are none", program("echo hello"), getWork, 4, "profile \"work\": mfa_process \"…/x\": it printed something else than digits", "it has to print the six digits of the current code and nothing else", codes, ""},
		{"program that fails", program("exit 3"), getWork, 4, "profile \"work\": mfa_process \"…/x\": it failed (exit status 3)", "run it by hand to see why", codes, ""},
		{"program not on PATH", setting("mfa_process = xyzzy"), getWork, 3, "profile \"work\": mfa_process \"xyzzy\": it is not on PATH", "write its absolute path: consumers may run us without your PATH", codes, ""},
		{"no program", setting("mfa_process = /nowhere"), getWork, 3, "profile \"work\": mfa_process \"/nowhere\": it cannot be run", "see that it exists and may be run", codes, ""},
	}
}

// pasteAWS pastes the command of the hint for an AWS CLI that does not know the variables of endpoints.
func pasteAWS(m *ill) {
	awsCLIs(m.t)
	m.paste(strings.Replace(m.said, "aws ", "aws --endpoint-url "+m.Server.URL()+" ", 1))
}

// pasteLastRun pastes the command of the hint.
func pasteLastRun(m *ill) { m.paste(m.said) }

// personHints are those of commands that ask a person at the terminal.
func personHints() []hintCase {
	const (
		export = "aws-mfa-creds export --profile work --yes"
		add    = "aws-mfa-creds add --profile new --store age"
	)
	return []hintCase{
		{"QR code on a dumb terminal", all(env("TERM=dumb"), types()), export, 2, "export: the terminal cannot show the QR code: TERM is dumb", "give --uri or --png FILE", retype(export + " --png <DIR>/png"), ""},
		{"QR code in a narrow window", types(), "stty cols 40 rows 20; " + export, 2, "export: the QR code does not fit the window of 40x20", "enlarge the window to …x…, or give --png FILE", func(m *ill) {
			var columns, rows int
			_, err := fmt.Sscanf(m.said, "enlarge the window to %dx%d", &columns, &rows)
			must(m.t, err)
			m.again = fmt.Sprintf("stty cols %d rows %d; %s", columns, rows, export)
			types("press Enter: ", "")(m)
		}, ""},
		{"code typed again", all(demandsMFAOf, types("such as your phone's: ", phoneSerial, phoneSerial+"): ", "<WRONG>", phoneSerial+"): ", "<WRONG>", phoneSerial+"): ", "<WRONG>", phoneSerial+"): ", "<WRONG>")), "aws-mfa-creds enroll --profile work", 2, "this code was already sent", "wait for the next one", types("phone's: ", phoneSerial, "): ", "<CODE>"), ""},
		{"nothing for the console", types("press Enter here.", "", "Serial (ARN) of the device, as the console shows it now: ", ctrlD), "aws-mfa-creds enroll --profile new --console --seed-store age --seed-file <SEED>", 2, "nothing was entered", "The seed is stored; run the same command again to continue", types("press Enter here.", "", "shows it now: ", "<SERIAL>"), ""},
		{"two passphrases", types("New passphrase of the age store (not shown): ", "correct horse", "Repeat the new passphrase (not shown): ", "correct house"), "aws-mfa-creds store protect --passphrase", 2, "passphrase: the two passphrases differ; nothing was changed", "type the same one twice", types("): ", "correct horse", "): ", "correct horse"), ""},
		{"no such account", all(file("otpauth://totp/a?secret="+consoleSeed+"\notpauth://totp/b?secret="+consoleSeed), types("one to take: ", "b", "one to take: ", "0", "one to take: ", "3")), add + " --access-key-file <KEY> --serial <SERIAL> --seed-file <DIR>/x", 2, "--seed-file …/x: there is no account with that number", "give a number from 1 to 2", types("one to take: ", "1", "Replace it? This cannot be undone. [y/N]: ", "y"), ""},
		{"key from the keyboard", types(), add + " --access-key-file -", 2, "stdin: is a terminal, which would show what you type", "leave out --access-key-file to type it without echo", all(retype(add), types("Access key ID (AKIA...): ", "<ID>", "Secret access key (not shown): ", "<SECRET>", "(not shown): ", "<BASE32>", "Serial (ARN) of the MFA device: ", "<SERIAL>")), ""},
	}
}

// demandsMFAOf is an account that demands MFA for all, and an MFA device of the user that is not this computer.
func demandsMFAOf(m *ill) {
	m.must("aws-mfa-creds remove --profile work --yes")
	m.must(m.fill("aws-mfa-creds add --profile work --store age --access-key-file <KEY>"))
	m.change(func(w *sandbox.World) {
		w.Users[0].RequireMFA = true
		w.Devices = append(w.Devices, sandbox.Device{Serial: phoneSerial, User: testbed.UserName, Seed: consoleSeed})
	})
}
