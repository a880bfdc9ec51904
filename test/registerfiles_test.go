package test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// oddConfig is an AWS config that a program which edits it may stumble over.
type oddConfig struct {
	name      string
	text      string
	profile   string // to register
	by        string // command, helper or sdk
	refused   string // what the program says, if it should not do it
	gains     string // a profile that has credentials as soon as the one that is registered has
	generated bool
}

// handmadeConfigs are what people have, and what they could come to have.
func handmadeConfigs() []oddConfig {
	const keys = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = none\n"
	all := []oddConfig{
		{name: "empty", text: "", profile: "p"},
		{name: "blank", text: "\n\n \n\t\n", profile: "p"},
		{name: "comments only", text: "# a\n; b\n   # c", profile: "p"},
		{name: "BOM only", text: "\ufeff", profile: "p"},
		{name: "plain", text: "[default]\nregion = us-east-1\n\n[profile a]\nregion = eu-north-1\noutput = json\n", profile: "p"},
		{name: "existing profile", text: "[default]\nregion = us-east-1\n\n[profile p]\noutput = json\n\n[profile z]\nregion = b\n", profile: "p"},
		{name: "existing, in the middle of comments", text: "# top\n[profile p] # mine\n# one\noutput = json\n# two\n\n# about z\n[profile z]\nregion = b\n", profile: "p"},
		{name: "existing, without options", text: "[profile p]\n[profile z]\nregion = b\n", profile: "p"},
		{name: "existing, last, no newline", text: "[profile z]\nregion = b\n[profile p]", profile: "p"},
		{name: "no newline at the end", text: "[profile a]\nregion = a", profile: "p"},
		{name: "no newline behind CR LF", text: "[profile a]\r\nregion = a", profile: "p"},
		{name: "CR LF", text: "[default]\r\nregion = us-east-1\r\n\r\n[profile p]\r\noutput = text\r\n", profile: "p"},
		{name: "CR LF and LF", text: "[default]\r\nregion = us-east-1\n[profile p]\noutput = text\r\n[profile z]\nregion = b\n", profile: "p"},
		{name: "BOM", text: "\ufeff[default]\nregion = us-east-1\n[profile a]\nregion = b\n", profile: "p"},
		{name: "BOM before the profile", text: "\ufeff[profile p]\noutput = json\n[profile a]\nregion = b\n", profile: "p"},
		{name: "blank lines at the end", text: "[profile a]\nregion = a\n\n\n\n", profile: "p"},
		{name: "white space at the end", text: "[profile a]\nregion = a\n  \n\t", profile: "p"},
		{name: "comment at the end", text: "[profile a]\nregion = a\n  # end", profile: "p"},
		{name: "nested block at the end", text: "[profile a]\ns3 =\n  max_concurrent_requests = 20\n  addressing_style = path", profile: "p"},
		{name: "nested block in it", text: "[profile p]\ns3 =\n  addressing_style = path\n\n  # more\n  region = no\n\n[profile z]\nregion = a\n", profile: "p"},
		{name: "empty value at the end", text: "[profile a]\nca_bundle =", profile: "p"},
		{name: "continued at the end", text: "[profile a]\nca_bundle = a\n  b\n", profile: "p"},
		{name: "continued in it", text: "[profile p]\nca_bundle = a\n  b\n   c\n[profile z]\nregion = a\n", profile: "p", refused: "config:3: it is indented"},
		{name: "all indented", text: "  [profile p]\n  output = a\n  [profile z]\n  region = b\n", profile: "p"},
		{name: "all indented, with a block", text: "  [profile p]\n  s3 =\n    addressing_style = path\n  output = a\n  [profile z]\n  region = b\n", profile: "p", refused: "config:2: it is indented"},
		{name: "tabs", text: "[profile p]\noutput\t=\tjson\t\n[profile\tz]\nregion\t= b\n", profile: "p"},
		{name: "inline comments", text: "[profile p] ; mine\noutput = json # mine\n[profile z] # [yours]\nregion = b ; yours\n", profile: "p"},
		{name: "quotation", text: "[profile \"a b\"]\nregion = \"a\"\n[profile 'c']\nregion = 'b'\n", profile: "p"},
		{name: "quoted spelling of it", text: "[profile \"p\"]\noutput = json\n[profile z]\nregion = b\n", profile: "p"},
		{name: "two spellings of it", text: "[profile p]\noutput = json\n[profile z]\nregion = b\n[profile 'p']\nmax_attempts = 3\n", profile: "p", refused: "config:5: the profile has two headers"},
		{name: "default in two spellings", text: "[default]\noutput = json\n[profile z]\nregion = b\n[profile default]\nmax_attempts = 3\n", profile: "default", refused: "config:5: the profile has two headers"},
		{name: "default in two spellings, turned", text: "[profile default]\noutput = json\n[profile z]\nregion = b\n[default]\nmax_attempts = 3\n", profile: "default", refused: "config:5: the profile has two headers"},
		{name: "loose spelling of it", text: "[ profile p ]\noutput = json\n", profile: "p", refused: "AWS CLI does not read"},
		{name: "spelled as in the credentials file", text: "[p]\nregion = a\n", profile: "p", refused: "config:1: [p] is not a profile in the AWS config"},
		{name: "keyword without a space", text: "[profilep]\nregion = a\n[Profile p]\nregion = b\n", profile: "p", refused: "config:3: [p] is not a profile in the AWS config"},
		{name: "keyword with an s, which the AWS CLI reads", text: "[profiles p]\nregion = a\n", profile: "p"},
		{name: "repeated section", text: "[profile p]\noutput = json\n[profile z]\nregion = b\n[profile p]\nmax_attempts = 3\n", profile: "p"},
		{name: "others repeated", text: "[profile z]\nregion = a\n[profile z]\nregion = b\nregion = c\n", profile: "p"},
		{name: "DEFAULT", text: "[DEFAULT]\nregion = a\n[profile z]\noutput = b\n", profile: "p"},
		{name: "DEFAULT at the end", text: "[profile p]\noutput = b\n[DEFAULT]\nca_bundle = a", profile: "p"},
		{name: "services", text: "[profile z]\nservices = s\n[services s]\nsts =\n  endpoint_url = http://localhost:1\n[services p]\niam =\n  endpoint_url = http://localhost:2\n", profile: "p"},
		{name: "sso-session", text: "[sso-session p]\nsso_region = a\nsso_start_url = https://example.com/start\n[profile z]\nsso_session = p\nsso_account_id = 123456789012\nsso_role_name = r\n", profile: "p"},
		{name: "plugins and preview", text: "[plugins]\ncli_legacy_plugin_path = /usr/lib\n[preview]\ncloudfront = true\n", profile: "p"},
		{name: "unicode", text: "[profile \u00e4\u2764]\nregion = a\n# \u00df\n[profile a\u0308]\nca_bundle = \u00fc\n", profile: "\u00e4\u2764", by: "sdk"},
		{name: "new name with a space", text: "[profile a]\nregion = a\n", profile: "q r", refused: "it has a space"},
		{name: "new default", text: "[profile a]\nregion = a\n", profile: "default"},
		{name: "hash in a name", text: "[profile a#b]\nregion = a\n[profile c;d]\nregion = b\n", profile: "p"},
		{name: "garbage", text: "[profile z]\nregion = a\ngarbage\n[profile y]\nregion = b\n", profile: "p"},
		{name: "unclosed header", text: "[profile a]\nregion = a\n[profile y\nregion = b\n", profile: "p"},
		{name: "indented header of another", text: "[profile p]\noutput = a\n  [profile y]\n  region = b\n[profile z]\nregion = c\n", profile: "p", refused: "config:3: the AWS CLI takes an indented header"},
		{name: "indented header of it, below another", text: "[profile a]\noutput = a\n  [profile p]\n  region = b\n[profile z]\nregion = c\n", profile: "p", refused: "config:3: the AWS CLI takes an indented header"},
		{name: "indented header of it, below another, and a section", text: "[profile a]\noutput = a\n  [profile p]\n  region = b\n[profile p]\nregion = c\n", profile: "p", refused: "config:3: the AWS CLI takes an indented header"},
		{name: "indented option in DEFAULT", text: "[DEFAULT]\nregion = a\n  output = b\n[profile z]\nregion = c\n", profile: "p", refused: "config:3: it is indented, so it belongs to the value of region"},
		{name: "indented header at the end", text: "[profile a]\noutput = a\n  [profile y]\n  region = b\n", profile: "p"},
		{name: "options indented less and less", text: "[profile p]\n   output = a\n  region = b\n ca_bundle = c\n[profile z]\nregion = d\n", profile: "p"},
		{name: "no-break space", text: "[profile p]\noutput = a\n\u00a0region = b\n[profile z]\n\u00a0region = c\n", profile: "p"},
		{name: "other program", text: "[profile p]\ncredential_process = /opt/other --x\n\n[profile z]\nregion = b\n", profile: "p"},
		{name: "other program, spelled oddly", text: "[profile p]\n Credential_Process:/opt/other ; x\t\n# end\n[profile z]\nregion = b\n", profile: "p"},
		{name: "other role", text: "[profile p]\nrole_arn=arn:aws:iam::210987654321:role/b\nsource_profile\t: z\n[profile z]\nregion = b\n", profile: "p", by: "sdk"},
		{name: "it is the source of another", text: "[profile y]\nrole_arn = arn:aws:iam::210987654321:role/b\nsource_profile = p\n", profile: "p", gains: "y"},
		{name: "static keys of another", text: "[profile z]\n" + keys + "[profile y]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n", profile: "p"},
		{name: "static keys of it", text: "[profile p]\n" + keys, profile: "p", refused: "config:2: most SDKs would use this access key"},
		{name: "SSO", text: "[profile p]\nsso_start_url = https://example.com/start\nsso_account_id = 123456789012\n", profile: "p", refused: "sso_start_url"},
		{name: "wrong values of another", text: "[profile z]\nretry_mode = odd\n[profile y]\nmax_attempts = many\n[profile x]\nregion = a\n", profile: "p"},
		{name: "option before the first section", text: "region = a\n[profile p]\nregion = b\n", profile: "p", refused: "config:1: there is an option before"},
		{name: "lone CR", text: "[profile a]\rregion = a\r", profile: "p", refused: "CR without an LF"},
		{name: "NUL", text: "[profile a]\nregion = \x00\n", profile: "p", refused: "config:2: there is a NUL byte"},
		{name: "not UTF-8", text: "[profile a]\nca_bundle = \xff\xfe\n[profile z]\nregion = a\n", profile: "p"},
		{name: "UTF-16", text: "\xff\xfe[\x00d\x00]\x00", profile: "p", refused: "is UTF-16"},
		{name: "long line", text: "[profile a]\nca_bundle = " + strings.Repeat("x", 1<<16) + "\n", profile: "p"},
		{name: "many profiles", text: manyProfiles(500), profile: "p300"},
	}
	for i := range all {
		if all[i].by == "" {
			all[i].by = "command"
		}
	}
	return all
}

func manyProfiles(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[profile p%d]\nregion = r%d\n# %d\n\n", i, i, i)
	}
	return b.String()
}

// The parts that configs are put together from.
func oddHeaders() []string {
	return []string{
		"[default]", "[profile default]", "[DEFAULT]", "[profile a]", "[profile b]", "[profile p]", "[profile 'p']", "[profile \"e f\"]", "[profile work.dev@corp]", "[profile \u00e4\u2764]",
		"[profile d] # x", "[profile g] ; [y]", "[ profile l ]", "[profile\tt]", "[profile h#i]", "[services s]", "[sso-session o]", "[plugins]",
	}
}

func oddLines() []string {
	return []string{
		"region = eu-north-1", "Output: json", "sdk_ua_app_id\t=\ta b\t", "ca_bundle = a # b", "ec2_metadata_service_endpoint = \"c\" ; d", "max_attempts = 3", "retry_mode = odd",
		"s3 =\n  addressing_style = path\n\n  # x\n  use_accelerate_endpoint = true", "ec2 =\n\tregion = no", "duration_seconds = 900", "services = s", "use_fips_endpoint = true",
		"web_identity_token_file = a\n  b = c", "cli_timestamp_format =", "cli_pager =", "endpoint_url = http://localhost:1/a=b", "x = y = z", "# region = c", "; x", "", "  # deep",
		"credential_process = /opt/other --a", "role_arn = arn:aws:iam::210987654321:role/r\nsource_profile = b", "sso_session = o\nsso_account_id = 123456789012\nsso_role_name = r",
		"aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = none", "external_id = '\u00fc'", "mfa_serial = GAHT12345678",
	}
}

// generatedConfig puts a config together at random.
func generatedConfig(random *rand.Rand) oddConfig {
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	var b strings.Builder
	for _, header := range random.Perm(len(oddHeaders()))[:1+random.IntN(6)] {
		indent := pick("", "", "", "", "", "", "", " ", "\t")
		b.WriteString(indent + oddHeaders()[header] + "\n")
		for _, line := range random.Perm(len(oddLines()))[:random.IntN(6)] {
			b.WriteString(indent + pick("", "", "", "", "", "", "", "", " ", "\t", "\u00a0") + oddLines()[line] + pick("\n", "\n", "\n", "\n\n", "\n \n"))
		}
	}
	text := b.String()
	if random.IntN(8) == 0 { // perhaps a section once more, perhaps a header that is none
		text += pick(append(oddHeaders(), "[profile u", "[]")...) + "\nregion = b\n"
	}
	if random.IntN(3) == 0 {
		text = strings.TrimRight(text, "\n")
	}
	if random.IntN(4) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if random.IntN(12) == 0 {
		text = "\ufeff" + text
	}
	return oddConfig{text: text, profile: pick("p", "p", "new", "new", "a", "work.dev@corp", "default", "admin-1"), by: pick("command", "command", "helper", "sdk"), generated: true}
}

// generatedConfigs returns n different configs, always the same.
func generatedConfigs(n int) []oddConfig {
	random := rand.New(rand.NewPCG(11, 12))
	seen := make(map[string]bool)
	var all []oddConfig
	for len(all) < n {
		c := generatedConfig(random)
		if seen[c.text] {
			continue
		}
		seen[c.text] = true
		c.name = fmt.Sprintf("generated %d", len(all))
		all = append(all, c)
	}
	return all
}
