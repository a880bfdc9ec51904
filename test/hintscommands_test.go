//go:build linux

package test

import "fmt"

// ofCI has a command get all from the environment but the seed.
const ofCI = "rm -f <DIR>/own/profiles.ini; AWS_MFA_CREDS_ACCESS_KEY_ID=$(cut -d' ' -f1 <KEY>) AWS_MFA_CREDS_SECRET_ACCESS_KEY=$(cut -d' ' -f2 <KEY>) AWS_MFA_CREDS_SERIAL=<SERIAL> "

// commandHints are those about the command line, the registration, the environment and the user's own
// programs.
func commandHints() []hintCase {
	const (
		register = "aws-mfa-creds register --profile r --source-profile work --region us-east-1 --role-arn " + roleARN
	)
	program := func(text string) func(*ill) {
		return all(file("#!/bin/sh\n"+text+"\n"), sh("chmod 700 <DIR>/x"), setting("mfa_process = <DIR>/x"))
	}
	codes := all(sh("sed -i /mfa_process/d <DIR>/own/profiles.ini"))
	return []hintCase{
		{"profile missing", nil, "aws-mfa-creds get", 2, "get: --profile is missing", "run: aws-mfa-creds get --profile NAME", retype(getWork), ""},
		{"unknown flag", nil, getWork + " --xyzzy", 2, "unknown flag: --xyzzy", "run: aws-mfa-creds get --help", all(sh("aws-mfa-creds get --help"), retype(getWork)), ""},
		{"clear what", nil, "aws-mfa-creds clear", 2, "clear: give --profile or --all", "run: aws-mfa-creds clear --profile NAME", retype("aws-mfa-creds clear --profile work"), ""},
		{"move where", nil, "aws-mfa-creds store move --profile work", 2, "store move: --to is missing", "run: aws-mfa-creds store move --profile work --to age", nil, "--to is missing"},
		{"move of a role", sh(register), "aws-mfa-creds store move --profile r --to age", 4, "profile r: it uses the access key and MFA device of profile work", "run: aws-mfa-creds store move --profile work --to age", all(pasteLastRun, retype("aws-mfa-creds store move --profile work --to age")), ""},
		{"watch without a terminal", nil, "aws-mfa-creds code --profile work --watch", 2, "code --watch: there is no terminal to show it on", "run: aws-mfa-creds code --profile work", retype("aws-mfa-creds code --profile work"), ""},
		{"copy without a desktop", nil, "aws-mfa-creds code --profile work --copy", 2, "clipboard: there is no desktop here (neither WAYLAND_DISPLAY nor DISPLAY is set)", "leave out --copy", retype("aws-mfa-creds code --profile work"), ""},
		{"QR code without a terminal", nil, "aws-mfa-creds export --profile work --yes", 2, "export: there is no terminal to show the QR code on", "give --uri or --png FILE", retype("aws-mfa-creds export --profile work --yes --png <DIR>/png"), ""},
		{"picture that exists", file(""), "aws-mfa-creds export --profile work --yes --png <DIR>/x", 11, "--png …/x: cannot be created: file exists", "name a file that does not exist, in a directory you can write to", retype("aws-mfa-creds export --profile work --yes --png <DIR>/png"), ""},
		{"seed of a program", setting("mfa_process = /bin/true"), "aws-mfa-creds export --profile work --yes", 2, "export: mfa_process generates the codes of the profile, so this program has no seed", "export it from the program or device that stores it", codes, "--uri or --png"},
		{"unlocked for ever", nil, "aws-mfa-creds unlock --for 999h", 2, "--for: must be between one second and a week", "give --for 8h, for example", retype("aws-mfa-creds unlock --for 8h"), ""},
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
		{"key from the keyboard", types(), add + " --access-key-file -", 2, "stdin: is a terminal, which would show what you type", "leave out --access-key-file to type it without echo", all(retype(add), types("Access key ID (AKIA...): ", "<ID>", "Secret access key (not shown): ", "<SECRET>", "(not shown): ", "<BASE32>", "Serial (ARN) of the MFA device: ", "<SERIAL>")), ""},
	}
}
