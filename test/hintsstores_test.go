//go:build linux

package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// storeHints are those about what rests in the stores, and about the files of this program.
func storeHints() []hintCase {
	return slices.Concat(ageHints(), ownKeyHints(), ringHints(), envHints())
}

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
	const (
		newer   = "use a newer aws-mfa-creds"
		protect = "aws-mfa-creds store protect --passphrase --passphrase-file <DIR>/p"
		rewrite = "age -d -i identity.txt key-*.age | sed "
		again   = " > plain; age -R recipients.txt -o $(ls key-*.age) plain; rm plain"
	)
	age := func(line string) func(*ill) { return sh("cd <DIR>/own/age && " + line) }
	passphrase := sh("echo 'correct horse battery' > <DIR>/p")
	anew := all(sh("mv <DIR>/own/age <DIR>/own/age.bad"), sh("aws-mfa-creds add --profile work --access-key-file <KEY> --seed-file <SEED> --serial <SERIAL> --yes"))
	return []hintCase{
		{"key lost", age("rm key-*"), getWork, 4, "key:work: is not in the age store …/own/age", "run: aws-mfa-creds add --profile work", with("--access-key-file <KEY>"), ""},
		{"seed lost", age("rm seed-*"), getWork, 4, "seed:arn:aws:iam::123456789012:mfa/alice-laptop: is not in the age store …/own/age", "run: aws-mfa-creds add --profile work, or if nobody has the seed any more: aws-mfa-creds enroll --profile work", with("--seed-file <SEED> --serial <SERIAL>"), ""},
		{"key damaged", age("echo x > $(ls key-*)"), getWork, 4, "…/own/age/key-work-fca47e504c3719f904a7.age: is damaged, or no age file of a version that this program knows", "restore the file from a backup, or run: aws-mfa-creds add --profile work", with("--access-key-file <KEY> --yes"), ""},
		{"identity lost", age("rm identity.txt"), getWork, 4, "…/own/age/identity.txt: is missing, and nothing else opens what is stored", "restore it from a backup; if there is none, run: mv … ….bad, and store the secrets again", anew, ""},
		{"identity damaged", age("echo x > identity.txt"), getWork, 4, "…/own/age/identity.txt: is damaged, and nothing else opens what is stored", "restore it from a backup; if there is none, run: mv … ….bad, and store the secrets again", anew, ""},
		{"item that is no file", age("mkdir d && f=$(ls key-*) && mv $f kept && mv d $f"), getWork, 4, "…/own/age/key-work-fca47e504c3719f904a7.age: is no regular file", "move it away", age("f=$(ls -d key-*) && mv $f d && mv kept $f"), ""},
		{"item open to others", age("chmod 644 key-*"), getWork, 12, "…/own/age/key-work-fca47e504c3719f904a7.age: is open to other users (mode 0644)", "run: chmod 600 …", nil, ""},
		{"item unreadable", age("chmod 0 key-*"), getWork, 12, "…/own/age/key-work-fca47e504c3719f904a7.age: cannot be read (mode 0000)", "run: chmod 600 …", nil, ""},
		{"item behind a link", age("f=$(ls key-*) && mv $f ../kept && ln -s ../kept $f"), getWork, 12, "…/own/age/key-work-fca47e504c3719f904a7.age: is a symbolic link", "put the file itself in its place", age("f=$(ls key-*) && rm $f && cp -p ../kept $f"), ""},
		{"store open to others", sh("chmod 755 <DIR>/own/age"), getWork, 12, "…/own/age: is open to other users (mode 0755)", "run: chmod 700 …", nil, ""},
		{"store locked", all(passphrase, sh(protect, "aws-mfa-creds lock")), getWork, 5, "the age store: is locked", "run: aws-mfa-creds unlock", with("--passphrase-file <DIR>/p"), ""},
		{"FIPS alone", nil, "GODEBUG=fips140=only " + getWork, 5, "the age store: age needs X25519 and ChaCha20-Poly1305, which GODEBUG=fips140=only forbids", "set GODEBUG=fips140=on, or use another store", retype("GODEBUG=fips140=on " + getWork), ""},
		{"secrets where there are no modes", nil, strace + "aws-mfa-creds add --profile new --store age --access-key-file <KEY>", 11, "…/own/age/key-new-2b7053afa42811abdc1f.age: the file system keeps no permissions, so others could read it", "set AWS_MFA_CREDS_HOME to a directory you can write to", retype("aws-mfa-creds add --profile new --store age --access-key-file <KEY>"), ""},
		{"keyring not running", all(sh("aws-mfa-creds clear --profile work"), edit("= age", "= secret-service"), env("DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere")), getWork, 5, "the keyring (Secret Service): there is no D-Bus session bus, as in a container or over SSH", "use another store: aws-mfa-creds add --profile work --store age", with("--access-key-file <KEY> --seed-file <SEED> --serial <SERIAL> --yes"), ""},
		{"item of a newer version", age(rewrite + `'s/^{"version":1/{"version":2/'` + again), getWork, 4, "…/own/age/key-work-fca47e504c3719f904a7.age: was written by a newer version of this program", newer, age(rewrite + `'s/^{"version":2/{"version":1/'` + again), ""},
		{"key of a newer version", age(rewrite + `'s/\\"version\\":1/\\"version\\":2/'` + again), getWork, 4, "the access key of profile \"work\": what is stored has version 2, and this program knows version 1", newer, age(rewrite + `'s/\\"version\\":2/\\"version\\":1/'` + again), ""},
		{"damaged item beside a new passphrase", all(passphrase, age("echo x > $(ls key-*)")), protect, 4, "…/own/age/key-work-fca47e504c3719f904a7.age: is damaged, or no age file of a version that this program knows", "run: mv … ….bad; then run this command again", nil, ""},
		{"no keyring of the kernel", all(passphrase, sh(protect)), "strace -f -o /dev/null -e inject=add_key,keyctl:error=ENOSYS aws-mfa-creds unlock --passphrase-file <DIR>/p", 5, "the age store: this system has no kernel keyring to keep the unlocked identity in", "run: aws-mfa-creds store protect --none, or choose keys of your own with --recipient", with("--old-passphrase-file <DIR>/p"), ""},
		{"move to what is not set up", sh("pass version"), "aws-mfa-creds store move --profile work --to pass", 5, "pass: it is not set up", "…give another store with --to", retype("aws-mfa-creds store move --profile work --to age"), ""},
	}
}

// ownKey encrypts the age store to keys of the user's own, which an age plugin has: age's own for
// post-quantum keys.
func ownKey(m *ill) {
	m.ageTools()
	m.must(m.fill("<DIR>/bin/age-keygen -pq -o <DIR>/native 2>/dev/null; age-plugin-pq -identity -o <DIR>/plugged <DIR>/native; aws-mfa-creds store protect --recipient $(" + recipientOf + " <DIR>/native) --identity <DIR>/plugged"))
}

const recipientOf = "sed -n 's/^# public key: //p'"

// ageTools builds programs of age that the distribution is too old for, and puts them on PATH.
func (m *ill) ageTools() {
	m.t.Helper()
	bin := filepath.Join(m.Dir, "bin")
	out, err := exec.CommandContext(m.t.Context(), "go", "build", "-o", bin+"/", "filippo.io/age/cmd/age-keygen", "filippo.io/age/extra/age-plugin-pq").CombinedOutput()
	if err != nil {
		m.t.Fatalf("%v: %s", err, out)
	}
	m.own(bin)
	env("PATH=<DIR>/bin:<PROGRAM>:" + os.Getenv("PATH"))(m)
}

// ownKeyHints are those about the user's own keys of age, and their plugins.
func ownKeyHints() []hintCase {
	const (
		plugin   = "the age plugin pq: "
		install  = "install age-plugin-pq, best in /usr/local/bin: consumers may run us without your PATH"
		identity = "give the file with the identity of one of the recipients, as age-keygen or a plugin wrote it"
		simple   = "age-keygen -o <DIR>/x 2>/dev/null; "
		protect  = simple + "aws-mfa-creds store protect --recipient $(" + recipientOf + " <DIR>/x) "
		good     = protect + "--identity <DIR>/x"
		stanza   = `PATH=/usr/bin:/bin; case "$1" in *identity*) ;; *) exec <DIR>/real "$@";; esac
			T=$(mktemp); while read -r l; do echo "$l" >> "$T"; [ "$l" != "-> done" ] || break; done; read -r l; echo >> "$T"
			`
	)
	// instead puts a script in the place of the plugin.
	instead := func(script string) func(*ill) {
		return all(ownKey, sh("mv <DIR>/bin/age-plugin-pq <DIR>/real"), func(m *ill) { m.write(filepath.Join(m.Dir, "bin", "age-plugin-pq"), script) }, sh("chmod 700 <DIR>/bin/age-plugin-pq"))
	}
	repaired := sh("mv <DIR>/real <DIR>/bin/age-plugin-pq")
	return []hintCase{
		{"plugin missing", all(ownKey, sh("mv <DIR>/bin/age-plugin-pq <DIR>/real")), getWork, 5, plugin + "is not on PATH", install, repaired, ""},
		{"plugin of another machine", instead("\x7fELF"), getWork, 5, plugin + "cannot be run", install, repaired, ""},
		{"plugin that ends", instead("#!/bin/sh\nexit 3\n"), getWork, 5, plugin + "ended without an answer", "try it with age itself", repaired, ""},
		{"plugin that wants a touch", instead("#!/bin/sh\n" + stanza + "[ -e <DIR>/touched ] || { printf -- '-> msg\\ndG91Y2ggaXQ\\n'; read -r l; read -r l; exec sleep 60; }; { cat \"$T\"; cat; } | <DIR>/real \"$@\"\n"), getWork, 5, plugin + "did not answer in time; it said: touch it", "do what it says", sh("touch <DIR>/touched"), ""},
		{
			"plugin that wants a PIN", instead("#!/bin/sh\n" + stanza + "printf -- '-> request-secret\\nUElO\\n'; read -r l; read -r pin; [ \"$pin\" = MTIzNA ] || exit 1; { cat \"$T\"; cat; } | <DIR>/real \"$@\"\n"), getWork, 5, plugin + "wants an answer to: PIN", "on a terminal, choose a key that asks nothing: aws-mfa-creds store protect --recipient AGE --identity FILE",
			all(types("PIN (not shown): ", "1234", "PIN (not shown): ", "1234"), sh(good)), "",
		},
		{"no file of an identity", sh("age-keygen --version"), protect + "--identity <DIR>/nowhere", 2, "…/nowhere: cannot be read", identity, retype(good), ""},
		{"no identity in the file", sh("age-keygen --version"), protect + "--identity <KEY>", 2, "…/key: holds no age identity in clear, or a line that is none", identity, retype(good), ""},
		{"identity of another", sh("age-keygen -o <DIR>/other"), protect + "--identity <DIR>/other", 2, "…/other: does not open what is encrypted to the recipients", identity, retype(good), ""},
		{"recipients of both kinds", func(m *ill) { m.ageTools(); m.must(m.fill("<DIR>/bin/age-keygen -pq -o <DIR>/native")) }, protect + "--identity <DIR>/x --recipient $(" + recipientOf + " <DIR>/native)", 5, "the recipients: age cannot encrypt to these recipients together", "do not mix post-quantum recipients and others", retype(good), ""},
	}
}

// onStore moves the secrets of the profile work to a real keyring of the user.
func onStore(kind string) func(*ill) {
	return func(m *ill) { m.keyring(kind); m.must("aws-mfa-creds store move --profile work --to " + kind) }
}

// keyring starts a keyring of the user.
func (m *ill) keyring(kind string) {
	m.t.Helper()
	cmd := m.Command(m.t.Context(), "/bin/bash")
	cmd.Env = append(cmd.Env, m.env...)
	if os.Getuid() == 0 {
		const nobody = 65534 // a bus serves only users that have a name
		m.uid = nobody
		m.own(m.Dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(m.uid), Gid: uint32(m.uid)}}
	}
	m.env = append(m.env, startKeyring(m.t, kind, cmd)...)
}

// ringHints are those about the keyrings of the system.
func ringHints() []hintCase {
	const (
		other   = "use another store: aws-mfa-creds add --profile work --store age"
		service = "the keyring (Secret Service): "
		noFiles = "strace -f -o /dev/null -e inject=pipe2:error=EMFILE "
		blocked = "strace -f -o /dev/null -e inject=add_key,keyctl:error=EPERM "
		long    = "aws-mfa-creds add --access-key-file <KEY> --profile "
	)
	// emptied empties the kernel's keyring of the user, whom an earlier run of the tests may have had, too; not that of
	// somebody who runs the tests. Keys count until the kernel has collected them.
	emptied := all(asRoot("true"), sh(`keyctl clear @u; until [ "$(sed -n 's|^ *<UID>: .* \([0-9]*\)/[0-9]* [0-9]*/[0-9]*$|\1|p' /proc/key-users)" -lt 20 ]; do sleep 0.1; done`))
	keyctl := all(emptied, sh("aws-mfa-creds store move --profile work --to keyctl --yes"))
	name := strings.Repeat("n", 600)
	secret := "pass show aws-mfa-creds/key:work"
	agent := "--batch --pinentry-mode loopback --passphrase swordfish"
	return []hintCase{
		{"two items of a name", all(onStore("secret-service"), sh("echo x | secret-tool store --label=x profile 'aws-mfa-creds key:work' more attributes")), getWork, 4, "item \"key:work\": there are several of them in " + service[:len(service)-2], "delete all but the right one there", sh("secret-tool clear profile 'aws-mfa-creds key:work' more attributes"), ""},
		{"keyring that does not answer", all(onStore("secret-service"), sh("kill -STOP $DAEMON_PID")), getWork, 5, service + "has not answered within 3s", "unlock or restart it, or " + other, sh("kill -CONT $DAEMON_PID"), ""},
		{"keyring without room", all(emptied, sh("i=0; while keyctl add user x$i y @u >/dev/null 2>&1; do i=$((i+1)); done")), "aws-mfa-creds store move --profile work --key --to keyctl", 5, "the kernel's keyring: has no room left (the quota of this user, see /proc/key-users)", "delete what is not needed, or give another store with --to", emptied, ""},
		{"keyring that is blocked", keyctl, blocked + getWork, 5, "the kernel's keyring: is blocked for this process, as in many containers", other, func(m *ill) {
			m.must(m.fill(blocked + strings.TrimPrefix(m.said, "use another store: ") + " --access-key-file <KEY> --seed-file <SEED> --serial <SERIAL> --yes"))
		}, ""},
		{"pass not installed", all(onStore("pass"), env("PATH=<PROGRAM>")), getWork, 5, "pass: pass is not installed", "install pass, or " + other, env("PATH=<PROGRAM>:" + os.Getenv("PATH")), ""},
		{"pass locked", all(func(m *ill) { m.keyring("pass-locked") }, sh("echo x | pass insert -e x; gpg "+agent+" -q -d $HOME/.password-store/x.gpg; aws-mfa-creds store move --profile work --to pass; gpgconf --kill all")), getWork, 5, "pass: is locked", "give gpg-agent the passphrase: " + secret + ", or " + other, sh("PASSWORD_STORE_GPG_OPTS='" + agent + "' " + secret), ""},
		{"no descriptors for a worker", onStore("pass"), noFiles + getWork, 5, "pass: the worker process that was to read it has failed", "try again, or " + other, retype(getWork), ""},
		{"profile with a long name", func(m *ill) { m.keyring("pass") }, long + name + " --store pass", 2, "item \"key:nnn…: is no name for an item in a keyring, which has 1 to 512 bytes of printable UTF-8", "use another store: aws-mfa-creds add --profile nnn… --store age", retype(long + name + " --store age"), ""},
	}
}
