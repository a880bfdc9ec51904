//go:build linux

package test

import (
	"path/filepath"
	"slices"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// storeHints are those about what rests in the stores, and about the files of this program.
func storeHints() []hintCase { return slices.Concat(ageHints(), envHints()) }

// envHints are those about the access key of the env store.
func envHints() []hintCase {
	const (
		id     = "AWS_MFA_CREDS_ACCESS_KEY_ID: "
		giveID = "give the access key of the IAM user, AKIA..."
		ceph   = "0555b35654ad1656d804"
	)
	good := sh("cut -d' ' -f1 <KEY> > <DIR>/id; cut -d' ' -f2 <KEY> > <DIR>/secret")
	ci := all(good, sh("rm <DIR>/own/profiles.ini"), env("AWS_MFA_CREDS_ACCESS_KEY_ID_FILE=<DIR>/id", "AWS_MFA_CREDS_SECRET_ACCESS_KEY_FILE=<DIR>/secret", "AWS_MFA_CREDS_SEED_FILE=<SEED>", "AWS_MFA_CREDS_SERIAL=<SERIAL>"))
	isInstead := func(line string) func(*ill) { return all(ci, sh(line)) }
	return []hintCase{
		{"id in quotes", isInstead(`printf '"%s"' $(cat <DIR>/id) > <DIR>/q; mv <DIR>/q <DIR>/id`), getWork, 3, id + "is in quotes", "write it without the quotes: docker --env-file and ~/.aws/credentials keep them", good, ""},
		{"id with a space of a browser", isInstead(`printf '%s\302\240' $(cat <DIR>/id) > <DIR>/q; mv <DIR>/q <DIR>/id`), getWork, 3, id + "is not an access key id: character 21 is U+00A0, not ASCII", "copy it again, as plain text", good, ""},
		{"secret in the place of the id", isInstead("cp <DIR>/secret <DIR>/id"), getWork, 3, id + "looks like a secret access key, not like its id", giveID, good, ""},
		{"id of Ceph, at AWS", all(ci, func(m *ill) {
			m.change(func(w *sandbox.World) { w.User(testbed.UserName).Keys[0].ID = ceph })
			m.write(filepath.Join(m.Dir, "id"), ceph)
		}, env("AWS_ENDPOINT_URL_STS=")), getWork, 3, id + "is not an access key id of AWS", giveID + "; for a key of Ceph or MinIO, set AWS_ENDPOINT_URL_STS or endpoint_url", env("AWS_ENDPOINT_URL_STS=<URL>"), ""},
	}
}

// ageHints are those about the age store.
func ageHints() []hintCase {
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
