package profile

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// base are the settings of a profile about which nothing is said.
func base() Settings {
	return Settings{Profile: "x", Identity: "x", Duration: 12 * time.Hour, Partition: "aws", Region: "us-east-1"}
}

func with(change func(*Settings)) Settings {
	s := base()
	change(&s)
	return s
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		aws, own, credentials string
		flags                 Flags
		want                  Settings
	}{
		"nothing said": {aws: "[profile x]\n", want: base()},
		"own only": {
			own: "[x]\nstore = keychain\naccess_key_id = AKIAIOSFODNN7EXAMPLE\nmfa_serial = " + serial + "\nduration = 1h30m\nregion = eu-west-1\n",
			want: with(func(s *Settings) {
				s.Store, s.KeyStore, s.SeedStore = "keychain", "keychain", "keychain"
				s.AccessKeyID, s.Serial = "AKIAIOSFODNN7EXAMPLE", serial
				s.Duration, s.Region = 90*time.Minute, "eu-west-1"
			}),
		},
		"own before AWS, key by key": {
			own: "[x]\nregion = eu-west-1\nmfa_process =\n",
			aws: "[profile x]\nregion = eu-west-2\nmfa_process = code --for 'x # y'\nduration_seconds = 3600\nmfa_serial = " + serial,
			want: with(func(s *Settings) {
				s.Region, s.MFAProcess, s.Duration, s.Serial = "eu-west-1", []string{"code", "--for", "x # y"}, time.Hour, serial
			}),
		},
		"two stores, of the identity": {
			aws: "[profile x]\nrole_arn = " + roleA + "\nsource_profile = id\n",
			own: "[id]\nstore = age\nkey_store = keychain # mine\nregistered = {}\n[x]\nseed_store = pass\n",
			want: with(func(s *Settings) {
				s.Identity, s.Store, s.KeyStore, s.SeedStore = "id", "age", "keychain", "age"
				s.Roles = []creds.Role{roleOf(roleA, "aws-mfa-creds", "", time.Hour)}
			}),
		},
		"own key, itself as source": {
			aws: "[profile x]\nrole_arn = " + roleA + "\nsource_profile = x\n",
			own: "[x]\nkey_store = pass\n",
			want: with(func(s *Settings) {
				s.KeyStore = "pass"
				s.Roles = []creds.Role{roleOf(roleA, "aws-mfa-creds", "", time.Hour)}
			}),
		},
		"default": {
			aws:  "[default]\nregion = eu-west-1\n[profile x]\n",
			want: base(),
		},
		"role of the AWS CLI": {
			aws: "[profile x]\nrole_arn = " + roleA + "\nsource_profile = id\nmfa_serial = " + serial + "\nregion = eu-west-1\nexternal_id = e/1\nrole_session_name = anna@x\nduration_seconds = 1800\n" +
				"[profile id]\nduration_seconds = 7200\nregion = eu-west-2\nmfa_serial = GAHT12345678\n",
			want: with(func(s *Settings) {
				s.Identity, s.Serial, s.Region, s.Duration = "id", serial, "eu-west-1", 2*time.Hour
				s.Roles = []creds.Role{roleOf(roleA, "anna@x", "e/1", 30*time.Minute)}
			}),
		},
		"serial, region, process and endpoint at the identity": {
			aws: "[profile x]\nrole_arn = " + roleA + "\nsource_profile = id\n[profile id]\nregion = eu-west-2\nendpoint_url = https://sts.example\nca_bundle = /ca # x\n",
			own: "[id]\nmfa_serial = " + serial + "\nmfa_process = code\nstore = age\naccess_key_id = AKIAIOSFODNN7EXAMPLE\n[x]\nstore = ignored\n",
			want: with(func(s *Settings) {
				s.Identity, s.Serial, s.Region, s.MFAProcess, s.Endpoint, s.CABundle = "id", serial, "eu-west-2", []string{"code"}, "https://sts.example", "/ca # x"
				s.Store, s.KeyStore, s.SeedStore, s.AccessKeyID = "age", "age", "age", "AKIAIOSFODNN7EXAMPLE"
				s.Roles = []creds.Role{roleOf(roleA, "aws-mfa-creds", "", time.Hour)}
			}),
		},
		"role without source": {
			aws: "[profile x]\nrole_arn = " + roleA + "\nduration_seconds = 7200\n",
			want: with(func(s *Settings) {
				s.Roles = []creds.Role{roleOf(roleA, "aws-mfa-creds", "", 2*time.Hour)}
			}),
		},
		"three roles": {
			aws: "[profile x]\nrole_arn = " + roleA + "\nsource_profile = y\nexternal_id = xx\n[profile y]\nrole_arn = " + roleB +
				"\nsource_profile = z\nrole_session_name = yy\n[profile z]\nrole_arn = " + roleC + "\nsource_profile = id\nduration_seconds = 900\n[profile id]\n",
			want: with(func(s *Settings) {
				s.Identity = "id"
				s.Roles = []creds.Role{roleOf(roleC, "aws-mfa-creds", "", 900*time.Second), roleOf(roleB, "yy", "", time.Hour), roleOf(roleA, "aws-mfa-creds", "xx", time.Hour)}
			}),
		},
		"role by flag keeps the profile's duration for the base session": {
			aws:   "[profile x]\nduration_seconds = 7200\n",
			flags: Flags{RoleARN: roleA, ExternalID: "ee", RoleSessionName: "nn"},
			want: with(func(s *Settings) {
				s.Duration, s.Roles = 2*time.Hour, []creds.Role{roleOf(roleA, "nn", "ee", time.Hour)}
			}),
		},
		"flags go first": {
			aws:   "[profile x]\nrole_arn = " + roleA + "\nsource_profile = id\nexternal_id = ff\nrole_session_name = ff\nduration_seconds = 900\n[profile id]\nduration_seconds = 900\n",
			flags: Flags{RoleARN: roleB, ExternalID: "ee", RoleSessionName: "nn", Duration: "2h"},
			want: with(func(s *Settings) {
				s.Identity, s.Duration = "id", 900*time.Second
				s.Roles = []creds.Role{roleOf(roleB, "nn", "ee", 2*time.Hour)}
			}),
		},
		"duration flag without role": {
			aws: "[profile x]\nduration_seconds = 900\n", flags: Flags{Duration: "129600"},
			want: with(func(s *Settings) { s.Duration = 36 * time.Hour }),
		},
		"comments": {
			aws: "[profile x]\nrole_arn = " + roleA + " # a\nsource_profile = id ; b\nregion = eu-west-1\t# c\nduration_seconds = 900 # d\nmfa_serial = " + serial + " # e\n[profile id]\n",
			want: with(func(s *Settings) {
				s.Identity, s.Region, s.Serial = "id", "eu-west-1", serial
				s.Roles = []creds.Role{roleOf(roleA, "aws-mfa-creds", "", 900*time.Second)}
			}),
		},
		"no comment without white space": {
			aws: "[profile x]\nrole_arn = arn:aws:iam::123456789012:role/a#b;c/d\n",
			want: with(func(s *Settings) {
				s.Roles = []creds.Role{roleOf("arn:aws:iam::123456789012:role/a#b;c/d", "aws-mfa-creds", "", time.Hour)}
			}),
		},
		"comment that is a name": {
			aws: "[profile x]\nrole_arn = " + roleA + "\nsource_profile = id # 2\n[profile id]\nregion = eu-west-1\n[profile \"id # 2\"]\nregion = eu-west-2\n",
			want: with(func(s *Settings) {
				s.Identity, s.Region = "id # 2", "eu-west-2"
				s.Roles = []creds.Role{roleOf(roleA, "aws-mfa-creds", "", time.Hour)}
			}),
		},
		"own source is itself": {
			aws: "[profile x]\nrole_arn = " + roleA + "\nsource_profile = x\n",
			own: "[x]\nstore = age\n",
			want: with(func(s *Settings) {
				s.Store, s.KeyStore, s.SeedStore = "age", "age", "age"
				s.Roles = []creds.Role{roleOf(roleA, "aws-mfa-creds", "", time.Hour)}
			}),
		},
		"China by serial": {
			aws: "[profile x]\nmfa_serial = arn:aws-cn:iam::123456789012:mfa/a\n",
			want: with(func(s *Settings) {
				s.Serial, s.Partition, s.Region = "arn:aws-cn:iam::123456789012:mfa/a", "aws-cn", "cn-northwest-1"
			}),
		},
		"China by role": {
			aws: "[profile x]\nregion = cn-north-1\nrole_arn = arn:aws-cn:iam::123456789012:role/a\nmfa_serial = GAHT12345678\n",
			want: with(func(s *Settings) {
				s.Serial, s.Partition, s.Region = "GAHT12345678", "aws-cn", "cn-north-1"
				s.Roles = []creds.Role{roleOf("arn:aws-cn:iam::123456789012:role/a", "aws-mfa-creds", "", time.Hour)}
			}),
		},
		"GovCloud by region": {
			aws:  "[profile x]\nregion = us-gov-east-1\nmfa_serial = GAHT12345678\n",
			want: with(func(s *Settings) { s.Serial, s.Partition, s.Region = "GAHT12345678", "aws-us-gov", "us-gov-east-1" }),
		},
		"new partition": {
			aws: "[profile x]\nregion = xx-new-1\nmfa_serial = arn:aws-new:iam::123456789012:mfa/a\n",
			want: with(func(s *Settings) {
				s.Serial, s.Partition, s.Region = "arn:aws-new:iam::123456789012:mfa/a", "aws-new", "xx-new-1"
			}),
		},
		"pseudo region": {aws: "[profile x]\nregion = aws-global\n", want: base()},
		"keys that are not ours": {
			aws: "[profile x]\naws_secret_access_key = b\nduration = 1h\nstore = c\n", want: base(),
		},
		"only in the credentials file": {credentials: "[x]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n", want: base()},
		"all in the credentials file": {
			credentials: "[DEFAULT]\nexternal_id = ee\n[x]\nrole_arn = " + roleA + "\nsource_profile = id\nmfa_serial = " + serial + "\nrole_session_name = nn\nduration_seconds = 1800\nregion = eu-west-1\n[id]\nduration_seconds = 7200\n",
			want: with(func(s *Settings) {
				s.Identity, s.Serial, s.Region, s.Duration = "id", serial, "eu-west-1", 2*time.Hour
				s.Roles = []creds.Role{roleOf(roleA, "nn", "ee", 30*time.Minute)}
			}),
		},
		"the credentials file before the AWS config, key by key": {
			aws:         "[profile x]\nregion = eu-west-2\nrole_arn = " + roleB + "\nexternal_id = ee\n[profile id]\n",
			credentials: "[x]\nrole_arn = " + roleA + "\nsource_profile = id\nregion = eu-west-3\n",
			own:         "[x]\nregion = eu-west-1\n",
			want: with(func(s *Settings) {
				s.Identity, s.Region, s.Roles = "id", "eu-west-1", []creds.Role{roleOf(roleA, "aws-mfa-creds", "ee", time.Hour)}
			}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := Load(write(t, c.aws, c.own, c.credentials))
			if err != nil {
				t.Fatal(err)
			}
			got, err := files.Resolve(Call{"x", c.flags}, environment())
			if err != nil {
				t.Fatal(fault.Line(err))
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// TestIgnoredVariables sets everything that belongs to the consumer.
func TestIgnoredVariables(t *testing.T) {
	t.Parallel()
	var read []string
	env := Env{Getenv: func(name string) string {
		read = append(read, name)
		return ""
	}}
	if _, err := load(t, "[profile x]\n", "").Resolve(Call{Profile: "x"}, env); err != nil {
		t.Fatal(err)
	}
	allowed := " AWS_REGION AWS_DEFAULT_REGION AWS_USE_FIPS_ENDPOINT AWS_USE_DUALSTACK_ENDPOINT AWS_CA_BUNDLE AWS_IGNORE_CONFIGURED_ENDPOINT_URLS AWS_ENDPOINT_URL_STS AWS_ENDPOINT_URL "
	for _, name := range read {
		if !strings.Contains(allowed, " "+name+" ") {
			t.Errorf("%s was read", name)
		}
	}
}

func TestEnvIdentity(t *testing.T) {
	t.Parallel()
	env := environment()
	env.Identity, env.AccessKeyID, env.Serial = true, "AKIAIOSFODNN7EXAMPLE", " "+serial+"\n"
	for name, c := range map[string]struct{ aws, own, identity string }{
		"no files":              {"", "", "x"},
		"serials of the files":  {"[profile x]\nmfa_serial = GAHT12345678\n", "[x]\nmfa_serial = GAHT87654321\naccess_key_id = AKIAIOSFODNN7EXAMPLE\n", "x"},
		"source that is itself": {"[profile x]\nrole_arn = " + roleA + "\nsource_profile = x\n", "", "x"},
		"nonsense elsewhere":    {"[profile x]\n[profile y]\nmfa_serial = nonsense\n", "", "x"},
	} {
		s, err := load(t, c.aws, c.own).Resolve(Call{Profile: "x"}, env)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.Serial != serial || s.AccessKeyID != "AKIAIOSFODNN7EXAMPLE" || s.Identity != c.identity {
			t.Errorf("%s: %+v", name, s)
		}
	}
	s, err := load(t, "", "").Resolve(Call{Profile: "x", Flags: Flags{RoleARN: roleA}}, env)
	if err != nil || len(s.Roles) != 1 || s.Roles[0].ARN != roleA {
		t.Errorf("a role of a profile that stands nowhere: %+v, %v", s.Roles, err)
	}
	env.Serial = "nonsense"
	_, err = load(t, "", "").Resolve(Call{Profile: "x"}, env)
	wantFault(t, err, fault.Config, "AWS_MFA_CREDS_SERIAL", "nonsense", "arn:aws:iam::123456789012:mfa/name")
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	role := "[profile x]\nrole_arn = " + roleA + "\n"
	for name, c := range map[string]struct {
		aws, own string
		flags    Flags
		kind     fault.Kind
		parts    []string
	}{
		"unknown key":              {own: "[x]\nrole_anr = a\n", parts: []string{"profiles.ini:2", `"role_anr"`, `did you mean role_arn?`}},
		"far key":                  {own: "[x]\nzzzzzzzz = a\n", parts: []string{"the keys are", "mfa_serial"}},
		"secret in own":            {own: "[x]\naws_secret_access_key = canary\n", parts: []string{"profiles.ini:2", "secrets do not belong"}},
		"pasted line in own":       {own: "[x]\n\ncanary/canary\n", parts: []string{"profiles.ini:3", "the line is not an option"}},
		"pasted line in AWS":       {aws: "[profile x]\r\n\r\ncanary\r\n", parts: []string{"config:3", "the line is not an option"}},
		"no key":                   {aws: "[profile x]\n= canary\n", parts: []string{"config:2"}},
		"unclosed header":          {aws: "[profile x]\n[profile y\nrole_arn = a\n", parts: []string{"config:2", "no closing bracket"}},
		"unclosed header of it":    {aws: "[profile y]\n[profile x\nrole_arn = a\n", parts: []string{"config:2", "no closing bracket"}},
		"two spellings":            {aws: "[profile x]\n[profile 'x']\n", parts: []string{"config:2", "two headers"}},
		"two spellings, one loose": {aws: "[ profile x ]\nrole_arn = " + roleA + "\n[profile x]\n", parts: []string{"config:3", "two headers"}},
		"no profile":               {aws: "[default]\n\n[x]\nregion = a\n", parts: []string{"config:3", "did you mean [profile x]?"}},
		"continued":                {aws: "[profile x]\nregion = a\n  b = c\n", parts: []string{"config:3", "region"}},
		"NUL":                      {aws: "[profile x]\n# \x00\n", parts: []string{"config:2", "NUL"}},
		"lone CR":                  {aws: "[profile x]\nregion = a\rrole_arn = b\n", parts: []string{"config:2", "CR without"}},
		"lone CR at the header":    {aws: "[profile x]\rregion = a\n", parts: []string{"CR without"}},
		"lone CR before header":    {aws: "[profile x]\n\r[profile y]\n", parts: []string{"CR without"}},
		"not UTF-8":                {aws: "[profile x]\nregion = \xff\n", parts: []string{"config:2", "UTF-8"}},
		"control character":        {aws: "[profile x]\nregion = a\x1bb\n", parts: []string{"config:2", "U+001B"}},
		"serial":                   {aws: "[profile x]\n\nmfa_serial = arn:aws:iam::12345678901:mfa/a\n", parts: []string{"config:3", "leading zero lost?"}},
		"role":                     {aws: "[profile x]\nrole_arn = arn:aws:iam::123456789012:user/a\n", parts: []string{"config:2", "the ARN of a user, not a role"}},
		"role by flag":             {aws: role, flags: Flags{RoleARN: "admin"}, kind: fault.Usage, parts: []string{"--role-arn", `"admin" is not the ARN of a role`}},
		"session name":             {aws: role + "role_session_name = a b\n", parts: []string{"config:3", "U+0020"}},
		"short session name":       {aws: role, flags: Flags{RoleSessionName: "a"}, kind: fault.Usage, parts: []string{"--role-session-name", "1 characters"}},
		"external id":              {aws: role + "external_id = \u00e4\u00e4\n", parts: []string{"config:3", "U+00E4"}},
		"external id, no role":     {aws: "[profile x]\n", flags: Flags{ExternalID: "ab"}, kind: fault.Usage, parts: []string{"--external-id", "no role"}},
		"session name, no role":    {aws: "[profile x]\n", flags: Flags{RoleSessionName: "ab"}, kind: fault.Usage, parts: []string{"--role-session-name", "no role"}},
		"partitions":               {aws: role + "mfa_serial = arn:aws-cn:iam::123456789012:mfa/a\n", parts: []string{"config:2", "aws-cn", "config:3"}},
		"new partition":            {aws: "[profile x]\nmfa_serial = arn:aws-new:iam::123456789012:mfa/a\n", parts: []string{"aws-new", "set region"}},
		"region":                   {aws: "[profile x]\nregion = Frankfurt!\n", parts: []string{"config:2", "Frankfurt!"}},
		"temporary key":            {own: "[x]\naccess_key_id = ASIAIOSFODNN7EXAMPLE\n", parts: []string{"profiles.ini:2", "temporary"}},
		"secret key as id":         {own: "[x]\naccess_key_id = canary/canary+canary\n", parts: []string{"profiles.ini:2", "not an access key id"}},
		"duration twice":           {own: "[x]\nduration = 1h\nduration_seconds = 3600\n", parts: []string{"profiles.ini:2", "both set"}},
		"itself without key":       {aws: role + "source_profile = x\n", parts: []string{"config:3", "x -> x", "AWS_MFA_CREDS_SEED"}},
		"loop of two":              {aws: role + "source_profile = y\n[profile y]\nrole_arn = " + roleB + "\nsource_profile = x\n", parts: []string{"config:6", "x -> y -> x"}},
		"loop behind":              {aws: role + "source_profile = y\n[profile y]\nrole_arn = " + roleB + "\nsource_profile = z\n[profile z]\nrole_arn = " + roleC + "\nsource_profile = y\n", parts: []string{"config:9", "x -> y -> z -> y"}},
		"source that exists not":   {aws: role + "source_profile = basis\n[profile base]\n", parts: []string{"config:3", `source_profile "basis"`, `did you mean "base"?`}},
		"services that exist not":  {aws: "[profile x]\nservices = s\n", parts: []string{"config:2", "[services s]"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, c.aws, c.own).Resolve(Call{"x", c.flags}, environment())
			if c.kind == 0 {
				c.kind = fault.Config
			}
			wantFault(t, err, c.kind, c.parts...)
			if strings.Contains(fault.Line(err), "canary") {
				t.Errorf("%q shows what may be a secret", fault.Line(err))
			}
		})
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	aws, _ := big(1)
	files := load(t, aws+"[profile role--1]\nrole_arn = "+roleA+"\nsource_profile = role-0\n", "")
	s, err := files.Resolve(Call{Profile: "role-0"}, environment())
	if err != nil || len(s.Roles) != 10 || s.Identity != "role-10" {
		t.Errorf("ten profiles behind: %+v, %v", s, err)
	}
	_, err = files.Resolve(Call{Profile: "role--1"}, environment())
	wantFault(t, err, fault.Config, "more than 10 profiles")
}

func TestMissing(t *testing.T) {
	t.Parallel()
	var aws strings.Builder
	for _, name := range []string{"prod1", "prod2", "prod3", "prod4", "prod5", "prod6", "unrelated"} {
		aws.WriteString("[profile " + name + "]\n")
	}
	_, err := load(t, aws.String(), "[Prod]\n").Resolve(Call{Profile: "prod"}, environment())
	wantFault(t, err, fault.Config, `profile "prod"`, "profiles.ini", "config", `did you mean "Prod", "prod1", "prod2", "prod3", "prod4"?`)
	_, err = load(t, "", "").Resolve(Call{Profile: "a\x1bb\u00e9"}, environment())
	wantFault(t, err, fault.Config, "run: aws-mfa-creds add --profile", `\x1b`)
	nowhere, err := Load(Paths{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = nowhere.Resolve(Call{Profile: "x"}, environment())
	wantFault(t, err, fault.Config, "HOME is not set")
	_, err = nowhere.Resolve(Call{Profile: ""}, environment())
	wantFault(t, err, fault.Usage, "it is empty")
}

func TestNotes(t *testing.T) {
	t.Parallel()
	role := "[profile x]\nrole_arn = " + roleA + "\n"
	for name, c := range map[string]struct{ aws, own, want string }{
		"duplicate section":    {aws: "[profile x]\nregion = eu-west-1\n[profile x]\nregion = eu-west-2\n", want: "config:3: repeats a section"},
		"duplicate key":        {aws: "[profile x]\nregion = eu-west-1\nRegion = eu-west-2\n", want: "config:3: repeats the key region"},
		"long session":         {aws: "[profile x]\nduration_seconds = 1000000000\n", want: "config:2: duration_seconds \"1000000000\" is outside 15m to 36h, so 36h is used"},
		"short session":        {own: "[x]\nduration = 10s\n", want: "15m is used"},
		"long role":            {aws: role + "duration_seconds = 90000\n", want: "12h is used"},
		"long chained role":    {aws: role + "source_profile = y\nduration_seconds = 7200\n[profile y]\nrole_arn = " + roleB + "\n", want: "outside 15m to 1h, so 1h is used"},
		"region and partition": {aws: "[profile x]\nregion = us-east-1\nmfa_serial = arn:aws-cn:iam::123456789012:mfa/a\n", want: "region us-east-1 is not in the partition aws-cn; STS is asked in cn-northwest-1"},
	} {
		s := resolve(t, c.aws, c.own)
		if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], c.want) {
			t.Errorf("%s: got %q, want %q", name, s.Notes, c.want)
		}
	}
}

// TestOwnDeviceGoesBeforeThePhone has role profiles as people have written them for the AWS CLI, with the
// phone's serial, and the device of this computer in profiles.ini.
func TestOwnDeviceGoesBeforeThePhone(t *testing.T) {
	t.Parallel()
	const phone = "arn:aws:iam::123456789012:mfa/phone"
	aws := "[profile work]\nmfa_serial = " + phone + "\n[profile x]\nrole_arn = " + roleA + "\nsource_profile = work\nmfa_serial = " + phone + "\nmfa_process = phone\n"
	if s := resolve(t, aws, "[work]\nmfa_serial = "+serial+"\nmfa_process = here\n"); s.Serial != serial || !slices.Equal(s.MFAProcess, []string{"here"}) {
		t.Errorf("%s, %q", s.Serial, s.MFAProcess)
	}
	if s := resolve(t, aws, "[work]\nstore = age\n"); s.Serial != phone || !slices.Equal(s.MFAProcess, []string{"phone"}) {
		t.Errorf("%s, %q", s.Serial, s.MFAProcess)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	s := resolve(t, "[profile x]\nregion = eu-west-1\nmfa_process = a\n[other]\n[profile x]\nregion = eu-west-2\n", "[x]\nstore = a\n[x]\nstore = b\n")
	if s.Region != "eu-west-2" || !slices.Equal(s.MFAProcess, []string{"a"}) || s.Store != "b" {
		t.Errorf("%+v", s)
	}
}

// TestGarbageElsewhere makes sure that only what is needed has to be right.
func TestGarbageElsewhere(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("y", 1<<20)
	garbage := "[profile y]\n\"\"\"\n`\n= =\nno option\n[unclosed\n" + "a = \x00\xff" + long + "\r\n\x01\n"
	s := resolve(t, garbage+"[profile x]\noutput = "+long+"\nregion = eu-west-1\n"+garbage, "[y]\nwhatever = 1\nno option\n[x]\nstore = a\n[z]\n`\n")
	if s.Region != "eu-west-1" || s.Store != "a" {
		t.Errorf("%+v", s)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	files := load(t, "[default]\n[profile b]\n[profile 'a c']\n[profile b]\n[sso-session s]\n[services t]\n[b]\n[z]\n", "[b]\n[ d e ]\n[\u00e9]\n")
	want := []string{"a c", "b", "d e", "default", "\u00e9"}
	if got := files.Names(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func roleOf(arn, sessionName, externalID string, d time.Duration) creds.Role {
	return creds.Role{ARN: arn, SessionName: sessionName, ExternalID: externalID, Duration: d}
}
