package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// option returns the last option of a key in a section, which is the one that counts.
func option(s profile.Section, key string) (last profile.Option, ok bool) {
	for _, o := range s.Options {
		if o.Key == key {
			last, ok = o, true
		}
	}
	return last, ok
}

// value returns the value of that option, or "".
func value(s profile.Section, key string) string {
	o, _ := option(s, key)
	return o.Value
}

// section returns the last section of a profile, or an empty one.
func (f Facts) section(name string) profile.Section {
	for _, s := range slices.Backward(f.Sections) {
		if s.Profile == name && name != "" {
			return s
		}
	}
	return profile.Section{}
}

// refusesFile is what the AWS CLI does with a file that Python's configparser does not read
// (configparser.DuplicateSectionError, DuplicateOptionError).
const refusesFile = "the AWS CLI and boto3 refuse the whole file, with all its profiles (\"Unable to parse config file\"); the other SDKs use the later one"

func sectionRepeated(f Facts) []Finding {
	var headers []profile.Option
	for _, s := range f.Sections {
		if s.Header != "DEFAULT" {
			headers = append(headers, profile.Option{Key: s.Header, Place: s.Place})
		}
	}
	return repeated(headers, "the section [%s]", "join the two sections into one")
}

func keyRepeated(f Facts) (all []Finding) {
	for _, s := range f.Sections {
		all = append(all, repeated(s.Options, "%s", "delete the one that is wrong")...)
	}
	return all
}

// repeated finds the keys that were there before.
func repeated(options []profile.Option, what, remedy string) (all []Finding) {
	first := make(map[string]string)
	for _, o := range options {
		place, again := first[o.Key]
		if !again {
			first[o.Key] = o.Place
			continue
		}
		all = append(all, failure(fault.Config, o.Place, fmt.Sprintf("repeats "+what+" of %s", fault.Printable(o.Key), place), refusesFile, remedy))
	}
	return all
}

// sectionUntitled finds [x] in place of [profile x]: the section calls this program or has the name
// of one of our profiles, and there is no such profile.
func sectionUntitled(f Facts) (all []Finding) {
	for _, s := range f.Sections {
		name := strings.TrimSpace(s.Header)
		meant := profile.Ours(value(s, profile.KeyCommand)) || slices.Contains(f.Own, name)
		all = append(all, when(s.Profile == "" && meant && f.section(name).Place == "",
			failure(fault.Config, s.Place, "["+fault.Printable(name)+"] is not a profile in the AWS config: the word profile is missing",
				"the AWS CLI and most SDKs do not find the profile (\"The config profile could not be found\")",
				profile.HeaderForm(name)))...)
	}
	return all
}

func sectionLoose(_ Facts, p Profile) (all []Finding) {
	for _, s := range p.Sections {
		all = append(all, when(s.Loose, failure(fault.Config, s.Place, "the AWS CLI does not read the header ["+profile.Shorten(s.Header)+"]",
			"the AWS CLI and boto3 do not find the profile, though Go and Java do",
			profile.HeaderForm(p.Name)))...)
	}
	return all
}

func staticKeys(_ Facts, p Profile) (all []Finding) {
	if !p.ours() {
		return nil
	}
	for _, key := range p.Static {
		found := failure(fault.Config, key.Place, "the profile has a plain-text access key beside its credential process",
			"the AWS CLI, boto3, Go, Terraform, JS, Ruby, C++ and Kotlin use the access key, without MFA, and never run "+Program+"; Java and Rust run it; .NET refuses the profile",
			command("add", p.Name)+" --from-credentials-file")
		if key.File == profile.AWSConfig {
			found.Consequence = "Go, Terraform, JS, Ruby, C++ and Kotlin use the access key, without MFA, and never run " + Program + "; the AWS CLI, boto3, Java and Rust run it; .NET refuses the profile"
		}
		if key.Temporary {
			found.What = "the profile has plain-text temporary credentials beside its credential process"
			found.Remedy = "delete them: they expire, and then tools fail without asking " + Program
		}
		all = append(all, found)
	}
	return all
}

func roleInSection(f Facts, p Profile) []Finding {
	role, ok := option(f.section(p.Name), profile.KeyRole)
	return when(ok && p.ours(), failure(fault.Config, role.Place, "role_arn is beside credential_process",
		"the AWS CLI stops (\"Partial credentials found in assume-role\"), Go and Terraform assume the role, JS silently ignores it, .NET refuses the profile",
		"delete the line, and give the role its own profile: "+Program+" register --profile "+fault.Shell(p.Name+"-role")+" --source-profile "+fault.Shell(p.Name)+" --role-arn "+fault.Shell(role.Value)))
}

func sourceSelf(f Facts, p Profile) []Finding {
	source, ok := option(f.section(p.Name), profile.KeySource)
	return when(ok && source.Value == p.Name, failure(fault.Config, source.Place, "source_profile is the profile itself",
		"the AWS CLI stops with \"Infinite loop in credential configuration\", though JS accepts it",
		"name another profile there, one with the access key or the credential_process"))
}

func twoSources(f Facts, p Profile) []Finding {
	sources := []string{profile.KeySource, "credential_source", profile.KeyCommand, "web_identity_token_file", "sso_session", "sso_start_url"}
	var found []profile.Option
	for _, o := range f.section(p.Name).Options {
		if slices.Contains(sources, o.Key) {
			found = append(found, o)
		}
	}
	if len(found) < 2 || found[0].Key == "sso_session" && found[1].Key == "sso_start_url" {
		return nil
	}
	return []Finding{failure(fault.Config, found[1].Place, found[0].Key+" and "+found[1].Key+" are two sources of credentials in one profile",
		"Go and Terraform stop with \"only one credential type may be specified per profile\"; the others do not agree on which one to use",
		"delete one of the two lines")}
}

// extraKeys finds those that the rules before have not refused already.
func extraKeys(f Facts, p Profile) (all []Finding) {
	for _, o := range f.section(p.Name).Options {
		if !p.ours() || !slices.Contains([]string{profile.KeySerial, "endpoint_url", "services"}, o.Key) {
			continue
		}
		found := warning(o.Place, o.Key+" is beside credential_process",
			"SDK for .NET and PowerShell refuse the profile as invalid; the others accept it",
			"delete the line; "+Program+" also reads it from profiles.ini")
		if o.Key == profile.KeySerial {
			found.Remedy = "delete the line, once profiles.ini or AWS_MFA_CREDS_SERIAL has the serial"
		}
		all = append(all, found)
	}
	return all
}

// keysIgnored finds keys with which another tool gets other credentials than get does for the profile.
// What only names, colours or times a session is not among them.
func keysIgnored(_ Facts, p Profile) (all []Finding) {
	for _, s := range p.Sections {
		for _, o := range s.Options {
			tool, ok := otherTools()[o.Key]
			all = append(all, when(ok && (p.ours() || p.InOwn || len(p.Roles) > 0), warning(o.Place, Program+" ignores "+o.Key+", a key of "+tool,
				"the credentials are those of the access key and the role that the profile names otherwise",
				"delete the line, or get the profile's credentials with "+tool))...)
		}
	}
	return all
}

// otherTools returns the keys that decide whose credentials a tool gets, and are not read here.
func otherTools() map[string]string {
	return map[string]string{
		"jump_role_arn": "aws-runas", "saml_auth_url": "aws-runas", "saml_provider": "aws-runas", "web_identity_auth_url": "aws-runas",
		"web_identity_token_process": "aws-vault", "granted_sso_start_url": "Granted", "granted_sso_account_id": "Granted", "granted_sso_role_name": "Granted",
		"aws_saml_url": "aws-okta", "azure_tenant_id": "aws-azure-login", "azure_default_role_arn": "aws-azure-login",
	}
}

// serialInRole finds role profiles that an SDK assumes from a profile of ours.
func serialInRole(f Facts, p Profile) []Finding {
	s := f.section(p.Name)
	serial, ok := option(s, profile.KeySerial)
	source := value(s, profile.KeySource)
	return when(ok && value(s, profile.KeyRole) != "" && profile.Ours(value(f.section(source), profile.KeyCommand)),
		failure(fault.Config, serial.Place, "mfa_serial is in a role profile whose source, "+fault.Printable(source)+", already has sessions with MFA",
			"Go and Terraform stop (\"AssumeRoleTokenProvider session option not set\"), JS too (\"no MFA code callback\"); the AWS CLI asks for a code that is not needed",
			"delete the line: the session of "+fault.Printable(source)+" carries MFA"))
}

func regionMissing(f Facts, p Profile) []Finding {
	s := f.section(p.Name)
	if _, ok := option(s, profile.KeyRegion); ok || f.Env["AWS_REGION"] != "" || f.Env["AWS_DEFAULT_REGION"] != "" || s.Profile == "" {
		return nil
	}
	found := warning(s.Place, "the profile has no region",
		"calls to all but global services fail in every tool (\"You must specify a region\"); a role does not inherit the region of its source",
		"aws configure set region us-east-1 --profile "+fault.Shell(p.Name))
	if p.Register != "" {
		found.Remedy = p.register() + " --region us-east-1"
	}
	_, role := option(s, profile.KeyRole)
	return when(p.ours() || role, found)
}

func nameQuoting(f Facts, p Profile) []Finding {
	also := " register --profile NEW --source-profile " + fault.Shell(p.Asked.Profile) + p.Asked.Flags.Words()
	if !profile.Callable(p.Asked.Profile) {
		also = " add --profile NEW"
	}
	return when(p.ours() && strings.Trim(p.Name, profile.NameCharacters) != "",
		remark(f.section(p.Name).Place, "the name "+fault.Printable(p.Name)+" has to be quoted in headers and commands",
			"shells and SDKs quote in different ways: some may cut the name",
			profile.NameForm+": "+Program+also))
}

// unfinishedRun finds what an interrupted command has left in IAM.
func unfinishedRun(_ Facts, p Profile) []Finding {
	what, remedy, _ := strings.Cut(p.Unfinished, "; run it again: ")
	return when(what != "", warning("", what, "an MFA device or access key may be in IAM that no profile uses", remedy))
}

// notRegistered finds profiles whose secrets no tool uses.
func notRegistered(_ Facts, p Profile) []Finding {
	remedy := command("register", p.Name)
	if !profile.Callable(p.Name) {
		remedy = profile.NameForm + ": " + Program + " add --profile NEW"
	}
	return when(p.InOwn && !p.ours() && !p.Used && p.KeyStore != "", warning("", "the AWS config has no credential_process for the profile",
		"the AWS CLI and the SDKs do not know that "+Program+" has credentials for it", remedy))
}

// helperRecursion finds profiles whose credential_process runs the AWS CLI, which needs the
// credentials of the same profile (aws-cli#8860).
func helperRecursion(f Facts) (all []Finding) {
	for _, s := range f.Sections {
		line, ok := option(s, profile.KeyCommand)
		if !ok || s.Profile == "" || profile.Ours(line.Value) || !f.reaches(s.Profile, func(name string) bool { return name == s.Profile }) {
			continue
		}
		name := fault.Printable(s.Profile)
		all = append(all, failure(fault.Config, line.Place, "the credential_process of "+name+" runs the AWS CLI, which runs the credential_process of "+name,
			"every tool starts processes without end, until the machine has no more",
			command("register", s.Profile)))
	}
	return all
}

// reaches reports whether the profile from gets its credentials, over any number of other
// profiles, from one that is a goal.
func (f Facts) reaches(from string, goal func(string) bool) bool {
	for range len(f.Sections) + 1 {
		if from = f.next(f.section(from)); from == "" || goal(from) {
			return from != ""
		}
	}
	return false
}

// next returns the profile whose credentials a section needs, or "".
func (f Facts) next(s profile.Section) string {
	if source := value(s, profile.KeySource); source != "" && source != s.Profile {
		return source
	}
	line := value(s, profile.KeyCommand)
	if profile.Ours(line) {
		return ""
	}
	name, _ := asked(profile.FlatWords(line), f.Env)
	return name
}

// mfaProcessRecursion finds programs that need, for a code, the session that the code is for.
func mfaProcessRecursion(f Facts, p Profile) []Finding {
	ours := func(name string) bool { return profile.Ours(value(f.section(name), profile.KeyCommand)) }
	name, ok := asked(p.MFAProcess, f.Env)
	what := "mfa_process runs the AWS CLI with profile " + fault.Printable(name) + ", whose credentials come from " + Program
	if profile.Ours(strings.Join(p.MFAProcess, " ")) && slices.Contains(p.MFAProcess, "get") {
		what, ok = "mfa_process runs "+Program+" get", true
	} else {
		ok = ok && (ours(name) || f.reaches(name, ours))
	}
	return when(ok, failure(fault.Config, "", what,
		"the program needs the session that its code is for: once no cached session is left, get finds that it waits for itself, and fails in every tool",
		"let the program use other credentials (aws --profile OTHER), or store the seed: "+command("add", p.Name)))
}
