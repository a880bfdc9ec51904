//go:build linux

package test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// configHints are those about profiles.ini, the AWS config and the variables that go with them.
func configHints() []hintCase { return slices.Concat(settingHints(), chainHints(), editHints()) }

// settingHints are those about single settings, and whether their files are read.
func settingHints() []hintCase {
	const (
		withRole = getWork + " --role-arn " + roleARN
		ini      = ownFile + fileLine
		aws      = awsFile + fileLine
	)
	return []hintCase{
		{"header not closed", setting("[x"), getWork, 3, "…/own/profiles.ini:…: the section header has no closing bracket", "close it with ]", edit("[x\n", ""), ""},
		{"header not closed in the AWS config", onlyConfig("[profile p"), "aws-mfa-creds get --profile p", 3, aws + "the section header has no closing bracket", "close it with ]", edit("[profile p", "[profile p]"), "no access key"},
		{"no option", setting("nonsense"), getWork, 3, "…/own/profiles.ini:…: the line is not an option", "write it as KEY = VALUE, or as a comment", edit("nonsense", "# nonsense"), ""},
		{"secret in settings", setting("secret_access_key = x"), getWork, 3, "…/own/profiles.ini:…: secrets do not belong in this file", "delete the line; to store it, run: aws-mfa-creds add --profile work", edit("secret_access_key = x\n", ""), ""},
		{"misspelt key", setting("regoin = us-east-1"), getWork, 3, "…/own/profiles.ini:…: unknown key \"regoin\"", "did you mean region?", edit("regoin", "region"), ""},
		{"unknown key", setting("xyzzy = 1"), getWork, 3, "…/own/profiles.ini:…: unknown key", "the keys are …", edit("xyzzy = 1\n", ""), ""},
		{"not UTF-8", setting("region = us\xff"), getWork, 3, "…/own/profiles.ini:…: the value is not UTF-8", "save the file as UTF-8", edit("us\xff", "us-east-1"), ""},
		{"quoted", setting("region = `us-east-1`"), getWork, 3, "…/own/profiles.ini:…: the value begins with a quotation mark, which the AWS tools take for part of it", "delete the quotation marks", edit("`us-east-1`", "us-east-1"), ""},
		{"control character", setting("region = us-\x01east-1"), getWork, 3, "…/own/profiles.ini:…: the value has the control character U+0001", "delete it", edit("\x01", ""), ""},
		{"services, value of its own", all(config("services = s\n[services s]\nsts = x"), env("AWS_ENDPOINT_URL_STS=")), getWork, 3, "…/home/.aws/config:…: sts has a value of its own", "write the settings of sts indented below it", edit("sts = x", "sts =\n  endpoint_url = <URL>"), ""},
		{"services missing", all(config("services = s"), env("AWS_ENDPOINT_URL_STS=")), getWork, 3, "…/home/.aws/config:…: there is no section [services s]", "add the section to the AWS config, or delete the line", edit("services = s\n", "endpoint_url = <URL>\n"), ""},
		{"option indented", setting("region = us-east-1\n  role_arn = x"), getWork, 3, "…/own/profiles.ini:…: it is indented, so it belongs to the value of region above it", "begin the line at the margin", edit("  role_arn = x\n", ""), ""},
		{"option before a section", func(m *ill) { m.write(m.ini(), "region = x\n") }, getWork, 3, "…/own/profiles.ini:…: there is an option before the first [section]", "begin with a header such as [default]", edit("region", "[default]\nregion"), "no access key"},
		{"UTF-16", func(m *ill) { m.write(m.ini(), "\xff\xfe[\x00w\x00") }, getWork, 3, "…/own/profiles.ini: is UTF-16", "save the file as UTF-8", func(m *ill) { m.write(m.ini(), "[w]\n") }, "no access key"},
		{"NUL", setting("region = us\x00"), getWork, 3, "…/own/profiles.ini:…: there is a NUL byte", "save the file as UTF-8", edit("us\x00", "us-east-1"), ""},
		{"CR alone", setting("region = us-east-1\rx"), getWork, 3, "…/own/profiles.ini:…: there is a CR without an LF", "save the file with LF or CR LF line ends", edit("\rx", "\n"), ""},
		{"temporary key id", edit("access_key_id = A", "access_key_id = ASIA"), getWork, 3, "…/own/profiles.ini:…: is a temporary access key, and GetSessionToken needs a long-lived one", "give the access key of the IAM user, AKIA...", edit("ASIA", "A"), ""},
		{"no key id", edit("access_key_id = A", "access_key_id = B/"), getWork, 3, "…/own/profiles.ini:…: is not an access key id", "give the access key of the IAM user, AKIA...", edit("id = B/", "id = A"), ""},
		{"open quotation", setting("mfa_process = op 'x"), getWork, 3, "…/own/profiles.ini:…: mfa_process has an open quotation", "close it", edit("mfa_process = op 'x", ""), ""},
		{"chain too long", config("source_profile = p1\nrole_arn = " + roleARN + longChain(12)), getWork, 3, "…/home/.aws/config:…: source_profile goes through more than 10 profiles", "shorten the chain", edit("source_profile = p5\n", ""), "no access key"},
		{"loop", config("source_profile = b\nrole_arn = " + roleARN + "\n[profile b]\nrole_arn = " + roleARN + "\nsource_profile = work"), getWork, 3, "…/home/.aws/config:…: source_profile runs in a loop: work -> b -> work", "end the chain in a profile without role_arn", edit("role_arn = "+roleARN+"\nsource_profile = work", ""), "no access key"},
		{"own source", config("[profile b]\nsource_profile = b\nrole_arn = " + roleARN), "aws-mfa-creds get --profile b", 3, "…/home/.aws/config:…: source_profile is the profile itself (b -> b), and no access key is known for it", "delete source_profile, or set AWS_MFA_CREDS_ACCESS_KEY_ID, AWS_MFA_CREDS_SECRET_ACCESS_KEY and AWS_MFA_CREDS_SEED", edit("source_profile = b\n", ""), "no access key"},
		{"serial malformed", edit("arn:aws:iam::", "arn:aws:iam:"), getWork, 3, "…/own/profiles.ini:…: \"arn:aws:iam:123456789012:mfa/alice-laptop\" is not the serial of an MFA device", "an MFA device's serial looks like arn:aws:iam::123456789012:mfa/name", edit("arn:aws:iam:", "arn:aws:iam::"), ""},
		{"SMS device", edit(":mfa/", ":sms-mfa/"), getWork, 3, "…/own/profiles.ini:…: arn:aws:iam::123456789012:sms-mfa/alice-laptop is a sms-mfa device, and the API accepts TOTP devices only", "add a virtual MFA device in the IAM console", edit("sms-mfa", "mfa"), ""},
		{"role malformed", nil, getWork + " --role-arn x", 2, "--role-arn: \"x\" is not the ARN of a role", "a role's ARN looks like arn:aws:iam::123456789012:role/name", retype(withRole), ""},
		{"both durations", setting("duration = 1h\nduration_seconds = 3600"), getWork, 3, "…/own/profiles.ini:…: duration and duration_seconds are both set", "delete one of them", edit("duration = 1h\n", ""), ""},
		{"flag of a role", nil, getWork + " --external-id xx", 2, "--external-id: there is no role to assume", "give --role-arn as well, or set role_arn for the profile", retype(withRole + " --external-id xx"), ""},
		{"name too short", nil, withRole + " --role-session-name x", 2, "--role-session-name: \"x\" has 1 characters, not 2 to 64", "correct it", retype(withRole + " --role-session-name xx"), ""},
		{"name with a space", nil, withRole + " --role-session-name 'x y'", 2, "--role-session-name: \"x y\" has the character U+0020 at position 2", "use letters, digits and …", retype(withRole + " --role-session-name x-y"), ""},
		{"no duration", nil, "aws-mfa-creds register --profile r --source-profile work --role-arn " + roleARN + " --region us-east-1 --assume-by sdk --duration 1.5h", 2, "--duration: \"1.5h\" is not a duration", "write it as 1h, 90m or 3600", retype("aws-mfa-creds register --profile r --source-profile work --role-arn " + roleARN + " --region us-east-1 --assume-by sdk --duration 1h"), ""},
		{"duration", nil, getWork + " --duration 1.5h", 2, "--duration: \"1.5h\" is not a duration from 15m to 36h", "write it as 12h, 90m or in seconds", retype(getWork + " --duration 90m"), ""},
		{"two partitions", setting("role_arn = arn:aws-cn:iam::123456789012:role/x"), getWork, 3, "…/own/profiles.ini:…: the role is in the partition aws-cn, but the MFA device (…/own/profiles.ini:4) in aws", "take both from one partition", edit("arn:aws-cn", "arn:aws"), "role/x"},
		{"unknown partition", all(edit("arn:aws:", "arn:aws-x:"), edit("region = us-east-1\n", "")), getWork, 3, "partition aws-x: it is not known here, and no region is set", "set region for the profile", setting("region = us-x-1"), "seed:arn:aws-x"},
		{"no region", setting("region = Europe"), getWork, 3, "…/own/profiles.ini:…: region \"Europe\" is not a region", "set region to one of AWS's, such as …", edit("Europe", "eu-west-1"), ""},
		{"neither true nor false", env("AWS_USE_FIPS_ENDPOINT=yes"), getWork, 3, "AWS_USE_FIPS_ENDPOINT: \"yes\" is neither true nor false", "set it to true or false", env("AWS_USE_FIPS_ENDPOINT=false"), ""},
		{"endpoint", env("AWS_ENDPOINT_URL_STS=sts.example.com"), getWork, 3, "AWS_ENDPOINT_URL_STS: not a URL of the form https://HOST[:PORT][/PATH]", "write it as https://HOST[:PORT][/PATH]", env("AWS_ENDPOINT_URL_STS=http://sts.example.com"), "loopback"},
		{"endpoint and FIPS", env("AWS_USE_FIPS_ENDPOINT=true"), getWork, 3, "AWS_ENDPOINT_URL_STS: the endpoint at 127.0.0.1:… excludes FIPS and dual-stack endpoints", "unset one of them", env("AWS_USE_FIPS_ENDPOINT="), ""},
		{"settings of others", sh("chmod 0666 <DIR>/own/profiles.ini"), getWork, 12, "…/own/profiles.ini: other users can change it (mode 0666)", "run: chmod go-w …/own/profiles.ini", nil, ""},
		{"directory of others", sh("chmod 0777 <DIR>/own"), getWork, 12, "…/own: other users can change it (mode 0777), and so what is at …/own/profiles.ini", "run: chmod go-w …/own", nil, ""},
		{"directory of another user", asRoot("chown 1 <DIR>/own && chmod 755 <DIR>/own"), getWork, 12, "…/own: belongs to another user, who can change what is at …/own/profiles.ini", "choose a path that leads only through directories of yours and of root", asRoot("chown -R <UID> <DIR>/own"), ""},
		{"cache of root, left by sudo", asRoot("mkdir -p <DIR>/own/age && chown -R 0 <DIR>/own/age"), getWork, 12, "…/own/age: belongs to another user (uid 0)", `run: sudo chown -R "$(id -un)" …/own/age`, nil, ""},
		{"age store of another user", asRoot("chown -R 1 <DIR>/own/age"), getWork, 12, "…/own/age: belongs to another user (uid 1)", "use a copy that belongs to you", asRoot("cp -r <DIR>/own/age <DIR>/own/copy && chown -R <UID> <DIR>/own/copy && mv <DIR>/own/age <DIR>/own/theirs && mv <DIR>/own/copy <DIR>/own/age"), ""},
		{"root with another user's files", all(asRoot("true"), func(m *ill) { m.root = true }), getWork, 12, "…: belongs to another user, …", "run it as that user, without sudo", func(m *ill) { m.root = false }, ""},
		{"a directory", sh("mkdir <DIR>/x"), "AWS_CONFIG_FILE=<DIR>/x " + getWork, 3, "…/x: is a directory", "name a file", retype(getWork), ""},
		{"no regular file", nil, "AWS_CONFIG_FILE=/dev/zero " + getWork, 3, "/dev/zero: is not a regular file", "name a regular file", retype(getWork), ""},
		{"too large", sh("truncate -s 99M <DIR>/x"), "AWS_CONFIG_FILE=<DIR>/x " + getWork, 3, "…/x: is larger than 64 MiB", "name the right file", retype(getWork), ""},
		{"unreadable", sh("chmod 0 <DIR>/home/.aws/config"), getWork, 11, "…/home/.aws/config: cannot be read: permission denied (mode ---------- of …/home/.aws/config)", "run: chmod u+r …", nil, ""},
		{"relative home", nil, "AWS_MFA_CREDS_HOME=x " + getWork, 3, "AWS_MFA_CREDS_HOME: \"x\" is a relative path", "set it to an absolute path", retype("AWS_MFA_CREDS_HOME=<DIR>/own " + getWork), ""},
		{"no brackets", onlyConfig("[x]\nregion = us-east-1"), "aws-mfa-creds get --profile x", 3, "…/home/.aws/config:…: [x] is not a profile in the AWS config", "did you mean [profile x]?", edit("[x]", "[profile x]"), "no access key"},
		{"misspelt profile", nil, "aws-mfa-creds get --profile wark", 3, "profile \"wark\": does not exist in …/own/profiles.ini or …/home/.aws/config", `did you mean "work"? or for a new one run: aws-mfa-creds setup --profile wark`, retype(getWork), ""},
		{"no such profile", nil, "aws-mfa-creds get --profile xyzzy", 3, "profile \"xyzzy\": does not exist in …/own/profiles.ini or …/home/.aws/config", "run: aws-mfa-creds setup --profile xyzzy; with an MFA device that exists, run: aws-mfa-creds add --profile xyzzy", sh("aws-mfa-creds add --profile xyzzy --store age --access-key-file <KEY> --seed-file <SEED> --serial <SERIAL>"), ""},
	}
}

// chainHints are those about which profile, which role and whose access key is meant.
func chainHints() []hintCase {
	const (
		aws  = awsFile + fileLine
		role = "\nsource_profile = work\nrole_arn = " + roleARN + "\n"
		getP = "aws-mfa-creds get --profile p"
	)
	noFiles := all(sh("rm -r <DIR>/home/.aws <DIR>/own/profiles.ini"), env("AWS_CONFIG_FILE=", "AWS_SHARED_CREDENTIALS_FILE="))
	return []hintCase{
		{"source without a role", config("[profile p]\nsource_profile = work"), getP, 3, aws + "profile \"p\" has a source_profile and no role_arn", "add role_arn for the role that it assumes, or delete source_profile", edit("source_profile = work\n", "source_profile = work\nrole_arn = "+roleARN+"\n"), ""},
		{"role without a name", config("[profile p]\nsource_profile = work\nrole_arn ="), getP, 3, aws + "role_arn is empty", "give it a value, or delete the line", edit("role_arn =\n", "role_arn = "+roleARN+"\n"), ""},
		{"transitive tag", config("[profile p]" + role + "session_tags = a=b\ntransitive_session_tags = c"), getP, 3, aws + "\"c\" is not one of the session tags", "add it to session_tags, or delete it", edit("a=b", "a=b,c=d"), ""},
		{"tag without a value", config("[profile p]" + role + "session_tags = a"), getP, 3, aws + "session_tags \"a\" is not a list of KEY=VALUE, with commas between", "write it as session_tags = KEY=VALUE,KEY=VALUE", edit("tags = a", "tags = a=b"), ""},
		{"too many tags", config("[profile p]" + role + "session_tags = " + manyTags(51)), getP, 3, aws + "there are 51 session tags, and AWS takes 50", "delete some", edit("k0=v,", ""), ""},
		{"includes no profile", config("[profile p]" + role + "include_profile = q"), getP, 3, aws + "include_profile \"q\" does not exist in the AWS config", "correct the name, or delete the line", edit("include_profile = q\n", ""), ""},
		{"includes itself", config("[profile p]" + role + "include_profile = p"), getP, 3, aws + "include_profile runs in a loop: p -> p", "delete one of the lines", edit("include_profile = p\n", ""), ""},
		{"two headers", onlyConfig("[default]\nregion = us-east-1\n[profile default]\nregion = us-east-2\n"), "aws-mfa-creds get --profile default", 3, aws + "the profile has two headers that are spelled differently, and SDKs do not agree which one counts", "keep one of them", edit("[profile default]\nregion = us-east-2\n", ""), "no access key"},
		{"registered as a role", sh("aws-mfa-creds register --profile p --source-profile work --region us-east-1 --role-arn " + roleARN), getP, 3, aws + "profile \"p\" is registered with --profile \"work\"", "run the command that the AWS config has for the profile: …/aws-mfa-creds get --profile work --role-arn " + roleARN, func(m *ill) { m.again = strings.TrimPrefix(m.said[strings.Index(m.said, ": "):], ": ") }, ""},
		{"source elsewhere", config("[profile sso]\nsso_session = x\n[profile p]\nsource_profile = sso\nrole_arn = " + roleARN), getP, 3, aws + "the credentials of profile \"sso\" come from elsewhere: sso_session", "name another source_profile, or run: aws-mfa-creds add --profile sso", with("--store age --access-key-file <KEY> --seed-file <SEED> --serial <SERIAL>"), ""},
		{"credentials elsewhere", all(fromCI, config("[profile p]\nsso_session = x")), getP, 3, aws + "the credentials of profile \"p\" come from elsewhere: sso_session", "to use the access key in the environment for it, write to …/own/profiles.ini: [p] store = env", setting("[p]\nstore = env"), ""},
		{"misspelt in CI", all(fromCI, onlyConfig("[profile other]\nregion = us-east-1\n")), getP, 3, "profile \"p\": does not exist in …", "correct the name, or to use the access key in the environment for it, write to …/home/.aws/config: [profile p]", config("[profile p]"), ""},
		{"config of CI missing", all(fromCI, noFiles, env("AWS_CONFIG_FILE=/nowhere")), getP, 3, "AWS_CONFIG_FILE: names a file that does not exist, so it is not known what profile \"p\" is", "correct it, or to use no such file, set it to /dev/null", env("AWS_CONFIG_FILE=/dev/null"), ""},
		{"another key in CI", all(fromCI, sh("sed -i /^store/d <DIR>/own/profiles.ini"), setting("access_key_id = AKIAOTHEROTHEROTHER1")), getWork, 3, ownFile + fileLine + "it is another access key than AWS_MFA_CREDS_ACCESS_KEY_ID", "delete the line, or set the variables of that access key", edit("access_key_id = AKIAOTHEROTHEROTHER1\n", ""), ""},
		{"nothing yet", noFiles, getP, 3, "profile \"p\": does not exist in …", "run: aws-mfa-creds setup --profile p; with an MFA device that exists, run: aws-mfa-creds add --profile p, or set AWS_MFA_CREDS_ACCESS_KEY_ID, AWS_MFA_CREDS_SECRET_ACCESS_KEY, AWS_MFA_CREDS_SEED and AWS_MFA_CREDS_SERIAL", fromCI, ""},
		{"program with a pipe", setting("mfa_process = echo 123456 | cat"), getWork, 3, ownFile + fileLine + "mfa_process has characters of a shell (| & ; < > ( ) $ ` ~ # or NAME=VALUE), but no shell runs it", "put it in quotation marks behind /bin/sh -c, as in: mfa_process = /bin/sh -c 'pass otp aws | head -n 1'", edit("mfa_process = echo 123456 | cat", "mfa_process = /bin/sh -c 'echo 123456 | cat'"), "AWS"},
		{"program here", setting("mfa_process = ./x"), getWork, 3, ownFile + fileLine + "mfa_process has a relative path, which depends on the directory of whoever asks", "give its absolute path", edit("./x", "/nowhere"), "it cannot be run"},
	}
}

// editHints are those about files that cannot be read or changed, and about what cannot be written there.
func editHints() []hintCase {
	const (
		aws      = awsFile + fileLine
		register = "aws-mfa-creds register --region us-east-1 --profile "
		x        = register + "x --source-profile work"
		again    = x + " --yes"
		noHome   = "env -u HOME -u AWS_CONFIG_FILE -u AWS_SHARED_CREDENTIALS_FILE "
		nameForm = "use letters (a-z, A-Z), digits and . _ - / @ : + only"
		busy     = strace + "fsync:signal=STOP " + x + " & n=0; while kill -0 $!; do new=$(grep -c 'SIGSTOP {' <DIR>/trace); if test $new -gt $n; then n=$new; echo '# more' >> <DIR>/home/.aws/config; pkill -CONT -P $!; fi; sleep .02; done 2>/dev/null; wait $!"
		late     = "exec 3<><DIR>/home/.aws/config; " + strace + "renameat,renameat2:signal=STOP " + x + " & " + untilStopped + "; echo '# ours' >&3; " + goOn + "; wait $!"
	)
	return []hintCase{
		{"config of root", asRoot("chown 0 <DIR>/home/.aws/config; chmod 600 <DIR>/home/.aws/config"), getWork, 12, awsFile + ": belongs to another user (uid 0)", `run: sudo chown -R "$(id -un)" …/home/.aws/config`, nil, ""},
		{"config in a closed directory", sh("chmod 600 <DIR>/home/.aws"), getWork, 11, awsFile + ": cannot be read: permission denied (mode drw------- of …/home/.aws)", "run: chmod u+x …/home/.aws", nil, ""},
		{"config links to itself", sh("ln -sf config <DIR>/home/.aws/config"), getWork, 11, awsFile + ": cannot be read: too many levels of symbolic links", "put a readable file in its place", sh("rm <DIR>/home/.aws/config; touch <DIR>/home/.aws/config"), ""},
		{"directory read-only", sh("chmod 500 <DIR>/home/.aws"), x, 11, awsFile + ": cannot be written: permission denied", "make it writable: chmod u+w …/home/.aws", nil, ""},
		{"disk full", nil, strace + "fsync:error=ENOSPC " + x, 11, ownFile + ": cannot be written: no space left on device", "look at the permissions and the free space of …/own", retype(x), ""},
		{"no home for the AWS config", asRoot("true"), noHome + x, 3, "the AWS config: has no place, because HOME is not set", "set HOME, or AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE", retype("HOME=<DIR>/home " + x), ""},
		{"sections held by their indentation", func(m *ill) {
			m.write(m.ini(), strings.ReplaceAll("[a]\nregion = us-east-1\n"+read(m.t, m.ini())+" [z]\nregion = us-east-1\n", "\nstore", "\n  store"))
			edit("\naccess_key_id", "\n  access_key_id")(m)
			edit("\nmfa_serial", "\n  mfa_serial")(m)
		}, "aws-mfa-creds remove --profile work --yes", 3, ownFile + ": because of its indentation, changing one section would change another", "begin all section headers at the margin", edit(" [z]", "[z]"), ""},
		{"header in a value", onlyConfig("[profile x]\noutput = json\n  [profile y]\n"), x, 3, aws + "the AWS CLI takes an indented header for part of the value above it, and other SDKs for a section", "begin the line at the margin", edit("  [profile y]", "[profile y]"), ""},
		{"replaced line not UTF-8", onlyConfig("[profile x]\ncredential_process = \xff\n"), again, 3, aws + "the value is not UTF-8", "save the file as UTF-8", edit("\xff", "ÿ"), ""},
		{"new name with a space", nil, register + "'a b' --source-profile work", 2, "profile name \"a b\": it has a space; the SDKs for JavaScript and Go do not find such a profile", nameForm, retype(register + "a-b --source-profile work"), ""},
		{"name that no header can hold", nil, "aws-mfa-creds unregister --profile 'a]b'", 2, "profile \"a]b\": its name has a closing bracket, which no section header can hold", nameForm, retype("aws-mfa-creds unregister --profile a-b"), ""},
		{"name for no command", func(m *ill) { m.write(m.ini(), strings.Replace(read(m.t, m.ini()), "[work]", "[größe]", 1)) }, register + "größe", 3, `"gr\u00f6\u00dfe": some SDKs would run something else with it as an argument`, nameForm, all(sh("aws-mfa-creds add --profile big --access-key-file <KEY> --store age --serial <SERIAL>"), retype(register+"big")), ""},
		{"region that is none", nil, "aws-mfa-creds register --profile work --region xyzzy", 2, "--region: \"xyzzy\" is not a region of AWS", "give one of AWS's, such as us-east-1", retype(register + "work"), ""},
		{"region in a new partition", all(edit("arn:aws:", "arn:aws-x:"), edit("region = us-east-1", "region = Europe")), getWork, 3, aws + "region \"Europe\" is not a region", "set region to one of AWS's, such as us-east-1", edit("Europe", "us-x-1"), "seed:arn:aws-x"},
		{"program by a relative path", nil, x + " --program bin/x", 3, "\"bin/x\": the path of a credential_process has to be absolute, since SDKs run it anywhere", "give its absolute path", retype(x + " --program <DIR>/bin/x"), ""},
		{"program at a strange path", nil, x + " --program '/a$b/x'", 3, "\"/a$b/x\": the path has '$', which a shell may take for something else", "install it at a path of letters, digits and . _ / - only", retype(x + " --program /ab/x"), ""},
		{"changed all the time", sh("strace -V"), busy, 3, awsFile + ": another program changed it in the meantime", "run the command again", retype(x), ""},
		{"edit of a suspended process", stopped("register --profile y --source-profile work --region us-east-1"), x, 9, "…/own/.profiles.lock: another edit has held the lock for 20s", "try again; one that is suspended goes on with: pkill -CONT -x aws-mfa-creds", sh(strings.ReplaceAll(goOn, "$!", "$(cat <DIR>/pid)")), ""},
		{"changed while it was replaced", all(sh(x), edit("\n[profile x]", "\n[profile y]"), sh("strace -V")), late, 3, awsFile + ": another program changed it while it was replaced; what it wrote is in …/home/.aws/config.aws-mfa-creds-backup", "compare them: diff …/home/.aws/config.aws-mfa-creds-backup …/home/.aws/config", func(m *ill) {
			_, command, _ := strings.Cut(m.said, ": ")
			if got := m.sh(command); got.code != 1 || !strings.Contains(got.stdout, "# ours") {
				m.t.Errorf("%s: exit %d: %s%s", command, got.code, got.stdout, got.stderr)
			}
			m.again = x
		}, ""},
	}
}

// What makes system calls fail or suspend the program, waits until the program, which runs in the background, is suspended, and makes it go on
// until it ends.
const (
	strace       = "strace -f -o <DIR>/trace -e inject="
	untilStopped = "until grep -qs 'stopped by' <DIR>/trace || ! kill -0 $!; do sleep .1; done"
	goOn         = "while pkill -CONT -P $!; do sleep .1; done"
)

// stopped starts a command that is suspended while it changes files.
func stopped(line string) func(*ill) {
	return func(m *ill) {
		need(m.t, "strace", "apt-get install strace")
		m.must(m.fill(strace + "flock:signal=STOP aws-mfa-creds " + line + " >/dev/null 2>&1 & echo $! > <DIR>/pid; " + untilStopped))
		m.t.Cleanup(func() { _ = exec.Command("sh", "-c", m.fill("pkill -KILL -x aws-mfa-creds -P $(cat <DIR>/pid)")).Run() })
	}
}

// read returns what is in a file.
func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return string(data)
}

// fromCI has the secrets in the environment, as a job of CI does.
func fromCI(m *ill) {
	id := m.Identity()
	env("AWS_MFA_CREDS_ACCESS_KEY_ID="+id.AccessKeyID, "AWS_MFA_CREDS_SECRET_ACCESS_KEY="+id.SecretAccessKey, "AWS_MFA_CREDS_SEED="+id.Seed, "AWS_MFA_CREDS_SERIAL="+id.Serial)(m)
}

// manyTags are n session tags.
func manyTags(n int) (text string) {
	for i := range n {
		text += fmt.Sprintf("k%d=v,", i)
	}
	return strings.TrimSuffix(text, ",")
}

// longChain are the profiles p1 to pn, each the source of the one before.
func longChain(n int) (text string) {
	for i := 1; i <= n; i++ {
		text += fmt.Sprintf("\n[profile p%d]\nsource_profile = p%d\nrole_arn = %s", i, i+1, roleARN)
	}
	return text
}
