package oddconfig

import (
	"math/rand/v2"
	"strings"
)

// Config is a config that a parser may stumble over.
type Config struct {
	Name string
	Text string
	// Refused are the profiles we refuse though botocore gives a value, which no setting
	// of ours can have.
	Refused []string
	// More are the profiles we find and botocore does not, though other SDKs do.
	More []string
}

// Corpus is compared with botocore: where it reads a file, we read the same, but
// for the differences that are named.
func Corpus() []Config {
	long := strings.Repeat("x", 1<<20)
	return []Config{
		{Name: "empty", Text: ""},
		{Name: "blank", Text: "\n\n  \n\t\n"},
		{Name: "comments only", Text: "# a\n; b\n   # c\n"},
		{Name: "plain", Text: "[default]\nregion = us-east-1\n[profile x]\nregion = eu-west-1\nrole_arn=arn:aws:iam::123456789012:role/a\n"},
		{Name: "no newline at the end", Text: "[profile x]\nregion = eu-west-1"},
		{Name: "CR LF", Text: "[default]\r\nregion = us-east-1\r\n\r\n[profile x]\r\nregion = eu-west-1\r\n"},
		{Name: "BOM", Text: "\ufeff[profile x]\nregion = eu-west-1\n"},
		{Name: "BOM in a key", Text: "[profile x]\n\ufeffregion = eu-west-1\nsource_profile = a\n"},
		{Name: "comments between", Text: "[profile x]\n# region = a\nregion = b\n; region = c\n  # region = d\nmfa_serial = e\n"},
		{Name: "inline number sign", Text: "[profile x]\nregion = eu-west-1 # mine\nsource_profile = a#b\n"},
		{Name: "inline semicolon", Text: "[profile x]\nregion = eu-west-1 ; mine\nsource_profile = a;b\n"},
		{Name: "comment at once", Text: "[profile x]\nregion = # none\nsource_profile = ;none\n"},
		{Name: "header comment", Text: "[profile x] # mine\nregion = a\n[profile y] ; mine\nregion = b\n[profile z]mine\nregion=c\n"},
		{Name: "header comment with bracket", Text: "[profile x] # [mine]\nregion = a\n", More: []string{"x"}},
		{Name: "nested", Text: "[profile x]\ns3 =\n  region = no\n  role_arn = no\nregion = yes\n"},
		{Name: "nested at the end", Text: "[profile x]\nregion = yes\ns3 =\n  region = no\n"},
		{Name: "nested then section", Text: "[profile x]\ns3 =\n  region = no\n[profile y]\nregion = yes\n"},
		{Name: "nested with comments", Text: "[profile x]\ns3 =\n  # region = no\n\n  signature_version = s3v4\nregion = yes\n"},
		{Name: "nested with tabs", Text: "[profile x]\ns3 =\n\tregion = no\nregion = yes\n"},
		{Name: "nested garbage", Text: "[profile x]\ns3 =\n  garbage\nregion = yes\n"},
		{Name: "empty value then option", Text: "[profile x]\nregion =\nrole_arn = a\n"},
		{Name: "continued other key", Text: "[profile x]\noutput = a\n  region = no\n  role_arn = no\nregion = yes\n"},
		{Name: "continued after blank", Text: "[profile x]\noutput = a\n\n  region = no\nregion = yes\n"},
		{Name: "continued after comment", Text: "[profile x]\noutput = a\n# comment\n  region = no\nregion = yes\n"},
		{Name: "continued key of ours", Text: "[profile x]\nregion = a\n  b\n", Refused: []string{"x"}},
		{Name: "block under a key of ours", Text: "[profile x]\nregion =\n  a = b\n", Refused: []string{"x"}},
		{Name: "indented options", Text: "[profile x]\n  region = a\n  role_arn = b\n"},
		{Name: "options indented more and more", Text: "[profile x]\n output = a\n  region = no\n   role_arn = no\n"},
		{Name: "options indented less and less", Text: "[profile x]\n   output = a\n  region = yes\n role_arn = b\n"},
		{Name: "all indented", Text: "  [profile x]\n  region = a\n  [profile y]\n  region = b\n"},
		{Name: "indented header is a value", Text: "[profile x]\noutput = a\n  [profile y]\n  region = no\n[profile z]\nregion = b\n"},
		{Name: "indented header after header", Text: "[profile x]\n  [profile y]\n  region = yes\n"},
		{Name: "header under deep option", Text: "[profile x]\n    region = a\n  [profile y]\n  region = b\n"},
		{Name: "margin after indented", Text: "[profile x]\n  region = a\nrole_arn = b\n  [profile y]\nregion = c\n", Refused: []string{"x"}},
		{Name: "no-break space indents", Text: "[profile x]\noutput = a\n\u00a0region = no\nregion = yes\n"},
		{Name: "ideographic space indents", Text: "[profile x]\noutput = a\n\u3000region = no\nregion = yes\n"},
		{Name: "form feed and vertical tab", Text: "[profile x]\noutput = a\n\fregion = no\n\vrole_arn = no\nregion = yes\n"},
		{Name: "file separator is white", Text: "[profile x]\noutput = a\n\x1cregion = no\nregion = yes\x1f\n"},
		{Name: "colon", Text: "[profile x]\nregion: eu-west-1\nmfa_serial : arn:aws:iam::123456789012:mfa/a\nrole_arn=arn:aws:iam::1:role/a\n"},
		{Name: "colon before equals", Text: "[profile x]\nregion : a = b\nsource_profile = c : d\n"},
		{Name: "value with equals", Text: "[profile x]\nmfa_process = a --b=c == d\nexternal_id==a=\n"},
		{Name: "quotes stay", Text: "[profile x]\nregion = \"a\"\nsource_profile = 'b'\nexternal_id = \"c\n"},
		{Name: "backquote", Text: "[profile x]\nregion = `a`\nrole_arn = b\n", Refused: []string{"x"}},
		{Name: "three quotes", Text: "[profile x]\nexternal_id = \"\"\"a\nregion = b\n", Refused: []string{"x"}},
		{Name: "quoted key", Text: "[profile x]\n\"region\" = a\n'region' = b\n`region` = c\nrole_arn = d\n"},
		{Name: "backslash at the end", Text: "[profile x]\nmfa_process = a\\\nregion = b\n"},
		{Name: "percent", Text: "[profile x]\nregion = %(output)s\noutput = a\nmfa_process = echo %d %%\n"},
		{Name: "dollar", Text: "[profile x]\nca_bundle = $HOME/~/${x}\n"},
		{Name: "case of keys", Text: "[profile x]\nRegion = a\nROLE_ARN = b\nMfa_Serial = c\n"},
		{Name: "spaces in values", Text: "[profile x]\nmfa_process =   a   b\tc  \t\n"},
		{Name: "spaces in keys", Text: "[profile x]\nregion   = a\nrole arn = b\n\tsource_profile\t=\tc\n"},
		{Name: "dash key", Text: "[profile x]\n- = a\nregion = b\n-=c\n"},
		{Name: "duplicate section", Text: "[profile x]\nregion = a\n[profile x]\nregion = b\n"},
		{Name: "duplicate key", Text: "[profile x]\nregion = a\nregion = b\n"},
		{Name: "duplicate key in other case", Text: "[profile x]\nregion = a\nREGION = b\n"},
		{Name: "default twice", Text: "[default]\nregion = a\n[profile default]\nrole_arn = b\n"},
		{Name: "default twice, turned", Text: "[profile default]\nregion = a\n[default]\nrole_arn = b\n"},
		{Name: "default is no profile x", Text: "[default]\nregion = a\n[x]\nregion = b\n"},
		{Name: "one profile, two spellings", Text: "[profile x]\nregion = a\nmfa_serial = m\n[profile \"x\"]\nregion = b\n"},
		{Name: "three spellings", Text: "[profile 'x']\nregion = a\n[profile x]\nregion = b\n[profile  x]\nrole_arn = c\n"},
		{Name: "DEFAULT holds everywhere", Text: "[DEFAULT]\nregion = a\n[profile x]\nrole_arn = b\n[profile y]\nregion = c\n"},
		{Name: "DEFAULT at the end", Text: "[profile x]\nrole_arn = b\n[DEFAULT]\nregion = a\n"},
		{Name: "quoted name", Text: "[profile \"a b\"]\nregion = a\n[profile 'c d']\nregion = b\n[profile e\\ f]\nregion = c\n"},
		{Name: "quoted keyword", Text: "[\"profile\" x]\nregion = a\n['profile y']\nregion = b\n"},
		{Name: "half quoted name", Text: "[profile a\"b c\"d]\nregion = a\n[profile \"\\\"\\q\"]\nregion = b\n"},
		{Name: "open quotation", Text: "[profile \"x]\nregion = a\n[profile y]\nregion = b\n"},
		{Name: "apostrophe", Text: "[profile bob's]\nregion = a\n", More: []string{"bob's"}},
		{Name: "name with spaces", Text: "[profile a b]\nregion = a\n", More: []string{"a b"}},
		{Name: "white space in header", Text: "[profile\tx]\nregion = a\n[profile   y   ]\nregion = b\n"},
		{Name: "white space around header", Text: "[ profile x ]\nregion = a\n[ default ]\nregion = b\n", More: []string{"default", "x"}},
		{Name: "strict before loose", Text: "[profile x]\nregion = a\n[ profile x ]\nregion = b\n"},
		{Name: "profiles with s", Text: "[profiles x]\nregion = a\n[profilex]\nregion = b\n[profile-z y]\nregion = c\n"},
		{Name: "no name", Text: "[profile]\nregion = a\n[profile ]\nregion = b\n[profile \"\"]\nregion = c\n"},
		{Name: "case of the keyword", Text: "[Profile x]\nregion = a\n[Default]\nregion = b\n"},
		{Name: "empty header", Text: "[profile x]\nregion = a\n[]\nrole_arn = b\n"},
		{Name: "brackets in name", Text: "[profile x]y]\nregion = a\n[[profile z]]\nregion = b\n"},
		{Name: "backslash in name", Text: "[profile DOMAIN\\user]\nregion = a\n"},
		{Name: "dots are no parents", Text: "[profile a]\nregion = a\n[profile a.b]\nrole_arn = b\n"},
		{Name: "unicode name", Text: "[profile \u00e4\u2764]\nregion = a\n[profile a\u0308]\nregion = b\n[profile x\u00a0]\nregion = c\n"},
		{Name: "punctuation in name", Text: "[profile a#b]\nregion = a\n[profile c;d=e:f]\nregion = b\n[profile #g]\nregion = c\n"},
		{Name: "unclosed header", Text: "[profile x]\nregion = a\n[profile y\nregion = b\n"},
		{Name: "unclosed header with equals", Text: "[profile x]\nregion = a\n[profile y = 1\nrole_arn = b\n", Refused: []string{"x"}},
		{Name: "key before any section", Text: "region = a\n[profile x]\nregion = b\n"},
		{Name: "no delimiter", Text: "[profile x]\nregion\nrole_arn = a\n"},
		{Name: "no key", Text: "[profile x]\n= a\nregion = b\n"},
		{Name: "garbage elsewhere", Text: "[other]\n\"\"\"\n`a\n[profile x]\nregion = b\n"},
		{Name: "binary elsewhere", Text: "[other]\nx = \xff\xfe\x00\n[profile x]\nregion = b\n"},
		{Name: "NUL elsewhere", Text: "[other]\nx = \x00\n[profile x]\nregion = b\n"},
		{Name: "lone CR", Text: "[profile x]\rregion = a\r[profile y]\rregion = b\r", Refused: []string{"x", "y"}},
		{Name: "lone CR elsewhere", Text: "[other]\nx = a\rb = c\r[profile x]\nregion = b\n"},
		{Name: "CR CR LF", Text: "[profile x]\r\r\nregion = a\r\r\n", Refused: []string{"x"}},
		{Name: "line separators are no line ends", Text: "[profile x]\noutput = a\u2028region = b\u0085role_arn = c\n"},
		{Name: "long line", Text: "[profile x]\noutput = " + long + "\nregion = a\n"},
		{Name: "long value", Text: "[profile x]\nregion = " + long + "\n"},
		{Name: "long name", Text: "[profile " + long[:4096] + "]\nregion = a\n[profile x]\nregion = b\n"},
		{Name: "services", Text: "[profile x]\nservices = s\n[services s]\nsts =\n  endpoint_url = http://localhost:1\niam =\n  endpoint_url = http://localhost:2\n"},
		{Name: "services, spelled oddly", Text: "[services \"s t\"]\nSTS =\n\n   # no\n\tendpoint_url=http://localhost:1/=\n\tEndpoint_URL = no\n\tendpoint_url : no = 1\n[servicesx y]\nsts=\n a = b\n"},
		{Name: "services without block", Text: "[services s]\niam =\n  endpoint_url = http://localhost:2\n"},
		{Name: "services with later key", Text: "[services s]\nsts =\n  endpoint_url = a\n  endpoint_url = b\nendpoint_url = c\n"},
		{Name: "sso-session", Text: "[sso-session x]\nregion = a\n[profile x]\nregion = b\n"},
	}
}

// Random returns a config that is put together at random from the pieces that make a difference.
func Random(random *rand.Rand) string {
	headers := []string{"[profile a]", "[profile 'a']", "[profile b]", "[default]", "[profile default]", "[DEFAULT]", "[c]", "[profile d] # x", "[profile \"e f\"]", "[profile x"}
	lines := []string{
		"region = 1", "role_arn: 2", "Source_Profile=3 # x", "mfa_serial =", "s3 =", "output = x", "external_id = a ; b",
		"# region = 4", "; x", "", "region : 5 = 6", "x = y = z",
	}
	indents := []string{"", "", "", "", "", " ", "  ", "\t", "\u00a0"}
	ends := []string{"\n", "\n", "\n", "\n", "\n", "\r\n", "\n\n", "\n \n"}
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	var b strings.Builder
	for range 1 + random.IntN(4) {
		b.WriteString(pick(indents) + pick(headers) + pick(ends))
		for _, i := range random.Perm(len(lines))[:random.IntN(5)] {
			b.WriteString(pick(indents) + lines[i] + pick(ends))
		}
	}
	return b.String()
}
