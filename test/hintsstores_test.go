//go:build linux

package test

// storeHints are those about the age store and the files of this program.
func storeHints() []hintCase {
	const strace = "strace -f -o /dev/null -e inject=fchmod,fchmodat:error=EPERM "
	age := func(line string) func(*ill) { return sh("cd <DIR>/own/age && " + line) }
	again := all(sh("mv <DIR>/own/age <DIR>/own/age.bad"), sh("aws-mfa-creds add --profile work --access-key-file <KEY> --seed-file <SEED> --serial <SERIAL> --yes"))
	return []hintCase{
		{"key lost", age("rm key-*"), getWork, 4, "key:work: is not in the age store …/own/age", "run: aws-mfa-creds add --profile work", with("--access-key-file <KEY>"), ""},
		{"seed lost", age("rm seed-*"), getWork, 4, "seed:arn:aws:iam::123456789012:mfa/alice-laptop: is not in the age store …/own/age", "run: aws-mfa-creds add --profile work", with("--seed-file <SEED> --serial <SERIAL>"), ""},
		{"key damaged", age("echo x > $(ls key-*)"), getWork, 4, "…/own/age/key-work-fca47e504c3719f904a7.age: is damaged, or no age file of a version that this program knows", "restore the file from a backup, or run: aws-mfa-creds add --profile work", with("--access-key-file <KEY> --yes"), ""},
		{"identity lost", age("rm identity.txt"), getWork, 4, "…/own/age/identity.txt: is missing, and nothing else opens what is stored", "restore it from a backup; if there is none, run: mv … ….bad, and store the secrets again", again, ""},
		{"identity damaged", age("echo x > identity.txt"), getWork, 4, "…/own/age/identity.txt: is damaged, and nothing else opens what is stored", "restore it from a backup; if there is none, run: mv … ….bad, and store the secrets again", again, ""},
		{"item that is no file", age("mkdir d && f=$(ls key-*) && mv $f kept && mv d $f"), getWork, 4, "…/own/age/key-work-fca47e504c3719f904a7.age: is no regular file", "move it away", age("f=$(ls -d key-*) && mv $f d && mv kept $f"), ""},
		{"item open to others", age("chmod 644 key-*"), getWork, 12, "…/own/age/key-work-fca47e504c3719f904a7.age: is open to other users (mode 0644)", "run: chmod 600 …", nil, ""},
		{"item unreadable", age("chmod 0 key-*"), getWork, 12, "…/own/age/key-work-fca47e504c3719f904a7.age: cannot be read (mode 0000)", "run: chmod 600 …", nil, ""},
		{"item behind a link", age("f=$(ls key-*) && mv $f ../kept && ln -s ../kept $f"), getWork, 12, "…/own/age/key-work-fca47e504c3719f904a7.age: is a symbolic link", "put the file itself in its place", age("f=$(ls key-*) && rm $f && cp -p ../kept $f"), ""},
		{"store open to others", sh("chmod 755 <DIR>/own/age"), getWork, 12, "…/own/age: is open to other users (mode 0755)", "run: chmod 700 …", nil, ""},
		{"store locked", sh("printf 'correct horse battery\\n' > <DIR>/p; aws-mfa-creds store protect --passphrase --passphrase-file <DIR>/p; aws-mfa-creds lock"), getWork, 5, "the age store: is locked", "run: aws-mfa-creds unlock", with("--passphrase-file <DIR>/p"), ""},
		{"FIPS alone", nil, "GODEBUG=fips140=only " + getWork, 5, "the age store: age needs X25519 and ChaCha20-Poly1305, which GODEBUG=fips140=only forbids", "set GODEBUG=fips140=on, or use another store", retype("GODEBUG=fips140=on " + getWork), ""},
		{"secrets where there are no modes", nil, strace + "aws-mfa-creds add --profile new --store age --access-key-file <KEY>", 11, "…/own/age/key-new-2b7053afa42811abdc1f.age: the file system keeps no permissions, so others could read it", "set AWS_MFA_CREDS_HOME to a directory you can write to", retype("aws-mfa-creds add --profile new --store age --access-key-file <KEY>"), ""},
		{"keyring not running", all(sh("aws-mfa-creds clear --profile work"), edit("= age", "= secret-service"), env("DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere")), getWork, 5, "the keyring (Secret Service): there is no D-Bus session bus, as in a container or over SSH", "…use another store: aws-mfa-creds add --profile work --store age", with("--access-key-file <KEY> --seed-file <SEED> --serial <SERIAL> --yes"), ""},
		{"move to what is not set up", nil, "aws-mfa-creds store move --profile work --to pass", 5, "pass: it is not set up", "…give another store with --to", retype("aws-mfa-creds store move --profile work --to age"), ""},
	}
}
