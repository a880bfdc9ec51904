package doctor

import (
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// The keys of the AWS config that the rules are about.
const (
	keyCommand = "credential_process"
	keyRole    = "role_arn"
	keySource  = "source_profile"
	keySerial  = "mfa_serial"
	keyRegion  = "region"
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

// section returns the section of the profile that counts, or an empty one.
func (p Profile) section() profile.Section {
	if len(p.Sections) == 0 {
		return profile.Section{}
	}
	return p.Sections[len(p.Sections)-1]
}

// refusesFile is what the AWS CLI does with a file that Python's configparser does not read
// (configparser.DuplicateSectionError, DuplicateOptionError).
const refusesFile = "the AWS CLI and boto3 refuse the whole file, with all its profiles (\"Unable to parse config file\"); the other SDKs use the later one"

func sectionRepeated(f Facts) (all []Finding) {
	first := make(map[string]string)
	for _, s := range f.Sections {
		if s.Header == "DEFAULT" {
			continue
		}
		place, again := first[s.Header]
		if !again {
			first[s.Header] = s.Place
			continue
		}
		all = append(all, Finding{
			Severity: Error, Kind: fault.Config, Place: s.Place, What: "repeats the section [" + fault.Printable(s.Header) + "] of " + place,
			Consequence: refusesFile, Remedy: "join the two sections into one",
		})
	}
	return all
}

func keyRepeated(f Facts) (all []Finding) {
	for _, s := range f.Sections {
		first := make(map[string]string)
		for _, o := range s.Options {
			place, again := first[o.Key]
			if !again {
				first[o.Key] = o.Place
				continue
			}
			all = append(all, Finding{
				Severity: Error, Kind: fault.Config, Place: o.Place, What: "repeats " + fault.Printable(o.Key) + " of " + place,
				Consequence: refusesFile, Remedy: "delete the one that is wrong",
			})
		}
	}
	return all
}

// sectionUntitled finds [x] in place of [profile x]: the section calls this program or has the name
// of one of our profiles, and there is no such profile.
func sectionUntitled(f Facts) (all []Finding) {
	for _, s := range f.Sections {
		name := strings.TrimSpace(s.Header)
		meant := profile.Ours(value(s, keyCommand)) || slices.Contains(f.Own, name)
		all = append(all, when(s.Profile == "" && meant && f.section(name).Place == "", Finding{
			Severity: Error, Kind: fault.Config, Place: s.Place, What: "[" + fault.Printable(name) + "] is not a profile in the AWS config: the word profile is missing",
			Consequence: "the AWS CLI and most SDKs do not find the profile (\"The config profile could not be found\")",
			Remedy:      "write it as [profile " + fault.Printable(name) + "]",
		})...)
	}
	return all
}

func sectionLoose(_ Facts, p Profile) (all []Finding) {
	for _, s := range p.Sections {
		all = append(all, when(s.Loose, Finding{
			Severity: Error, Kind: fault.Config, Place: s.Place, What: "the AWS CLI does not read the header [" + fault.Printable(s.Header) + "]",
			Consequence: "the AWS CLI and boto3 do not find the profile, though Go and Java do",
			Remedy:      "write it as [profile " + fault.Printable(p.Name) + "], with one space, or choose a name without spaces",
		})...)
	}
	return all
}

func staticKeys(_ Facts, p Profile) (all []Finding) {
	if !p.ours() {
		return nil
	}
	for _, key := range p.Static {
		found := Finding{
			Severity: Error, Kind: fault.Config, Place: key.Place, What: "the profile has a plain-text access key beside its credential process",
			Consequence: "the AWS CLI, boto3, Go, Terraform, JS, Ruby, C++ and Kotlin use the access key, without MFA, and never run " + Program + "; Java and Rust run it; .NET refuses the profile",
			Remedy:      command("add", p.Name, "--from-credentials-file"),
		}
		if key.File == profile.ConfigFile {
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

func roleInSection(_ Facts, p Profile) []Finding {
	role, ok := option(p.section(), keyRole)
	return when(ok && p.ours(), Finding{
		Severity: Error, Kind: fault.Config, Place: role.Place, What: "role_arn is beside credential_process",
		Consequence: "the AWS CLI stops (\"Partial credentials found in assume-role\"), Go and Terraform assume the role, JS silently ignores it, .NET refuses the profile",
		Remedy:      "delete the line, and give the role its own profile: " + Program + " register --profile " + fault.Shell(p.Name+"-role") + " --source-profile " + fault.Shell(p.Name) + " --role-arn " + fault.Shell(role.Value),
	})
}

func sourceSelf(_ Facts, p Profile) []Finding {
	source, ok := option(p.section(), keySource)
	return when(ok && source.Value == p.Name, Finding{
		Severity: Error, Kind: fault.Config, Place: source.Place, What: "source_profile is the profile itself",
		Consequence: "the AWS CLI stops with \"Infinite loop in credential configuration\", though JS accepts it",
		Remedy:      "name another profile there, one with the access key or the credential_process",
	})
}

func twoSources(_ Facts, p Profile) []Finding {
	sources := []string{keySource, "credential_source", keyCommand, "web_identity_token_file", "sso_session", "sso_start_url"}
	var found []profile.Option
	for _, o := range p.section().Options {
		if slices.Contains(sources, o.Key) {
			found = append(found, o)
		}
	}
	if len(found) < 2 || found[0].Key == "sso_session" && found[1].Key == "sso_start_url" {
		return nil
	}
	return []Finding{{
		Severity: Error, Kind: fault.Config, Place: found[1].Place, What: found[0].Key + " and " + found[1].Key + " are two sources of credentials in one profile",
		Consequence: "Go and Terraform stop with \"only one credential type may be specified per profile\"; the others do not agree on which one to use",
		Remedy:      "delete one of the two lines",
	}}
}

// extraKeys finds those that the rules before have not refused already.
func extraKeys(_ Facts, p Profile) (all []Finding) {
	for _, o := range p.section().Options {
		if !p.ours() || !slices.Contains([]string{keySerial, "endpoint_url", "services"}, o.Key) {
			continue
		}
		found := Finding{
			Severity: Warning, Place: o.Place, What: o.Key + " is beside credential_process",
			Consequence: "SDK for .NET and PowerShell refuse the profile as invalid; the others accept it",
			Remedy:      "delete the line; " + Program + " also reads it from profiles.ini",
		}
		if o.Key == keySerial {
			found.Remedy = "delete the line, once profiles.ini or AWS_MFA_CREDS_SERIAL has the serial"
		}
		all = append(all, found)
	}
	return all
}

// serialInRole finds role profiles that an SDK assumes from a profile of ours.
func serialInRole(f Facts, p Profile) []Finding {
	s := p.section()
	serial, ok := option(s, keySerial)
	source := value(s, keySource)
	return when(ok && value(s, keyRole) != "" && profile.Ours(value(f.section(source), keyCommand)), Finding{
		Severity: Error, Kind: fault.Config, Place: serial.Place, What: "mfa_serial is in a role profile whose source, " + fault.Printable(source) + ", already has sessions with MFA",
		Consequence: "Go and Terraform stop (\"AssumeRoleTokenProvider session option not set\"), JS too (\"no MFA code callback\"); the AWS CLI asks for a code that is not needed",
		Remedy:      "delete the line: the session of " + fault.Printable(source) + " carries MFA",
	})
}

func regionMissing(f Facts, p Profile) []Finding {
	s := p.section()
	if _, ok := option(s, keyRegion); ok || f.Env["AWS_REGION"] != "" || f.Env["AWS_DEFAULT_REGION"] != "" || s.Profile == "" {
		return nil
	}
	found := Finding{
		Severity: Warning, Place: s.Place, What: "the profile has no region",
		Consequence: "calls to all but global services fail in every tool (\"You must specify a region\"); a role does not inherit the region of its source",
		Remedy:      "aws configure set region us-east-1 --profile " + fault.Shell(p.Name),
	}
	if p.Register != "" {
		found.Remedy = p.Register + " --region us-east-1"
	}
	_, role := option(s, keyRole)
	return when(p.ours() || role, found)
}

func nameQuoting(_ Facts, p Profile) []Finding {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/=@:+-"
	return when(p.ours() && strings.Trim(p.Name, plain) != "", Finding{
		Severity: Info, Place: p.section().Place, What: "the name " + fault.Printable(p.Name) + " has to be quoted in headers and commands",
		Consequence: "shells and SDKs quote in different ways: some may cut the name",
		Remedy:      "register it also under a name of letters, digits and - _ . : " + Program + " register --profile NEW --source-profile " + fault.Shell(p.Name),
	})
}

// notRegistered finds profiles whose secrets no tool uses.
func notRegistered(_ Facts, p Profile) []Finding {
	return when(p.InOwn && !p.ours() && !p.Used && p.KeyStore != "", Finding{
		Severity: Warning, What: "the AWS config has no credential_process for the profile",
		Consequence: "the AWS CLI and the SDKs do not know that " + Program + " has credentials for it",
		Remedy:      command("register", p.Name),
	})
}

// helperRecursion finds profiles whose credential_process runs the AWS CLI, which needs the
// credentials of the same profile (aws-cli#8860).
func helperRecursion(f Facts) (all []Finding) {
	for _, s := range f.Sections {
		line, ok := option(s, keyCommand)
		if !ok || s.Profile == "" || profile.Ours(line.Value) || !f.reaches(s.Profile, func(name string) bool { return name == s.Profile }) {
			continue
		}
		name := fault.Printable(s.Profile)
		all = append(all, Finding{
			Severity: Error, Kind: fault.Config, Place: line.Place, What: "the credential_process of " + name + " runs the AWS CLI, which runs the credential_process of " + name,
			Consequence: "every tool starts processes without end, until the machine has no more",
			Remedy:      command("register", s.Profile),
		})
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
	if source := value(s, keySource); source != "" && source != s.Profile {
		return source
	}
	line := value(s, keyCommand)
	if profile.Ours(line) {
		return ""
	}
	name, _ := asked(profile.FlatWords(line), f.Env)
	return name
}

// mfaProcessRecursion finds programs that need, for a code, the session that the code is for.
func mfaProcessRecursion(f Facts, p Profile) []Finding {
	ours := func(name string) bool { return profile.Ours(value(f.section(name), keyCommand)) }
	name, ok := asked(p.MFAProcess, f.Env)
	what := "mfa_process runs the AWS CLI with profile " + fault.Printable(name) + ", whose credentials come from " + Program
	if profile.Ours(strings.Join(p.MFAProcess, " ")) && slices.Contains(p.MFAProcess, "get") {
		what, ok = "mfa_process runs "+Program+" get", true
	} else {
		ok = ok && (ours(name) || f.reaches(name, ours))
	}
	return when(ok, Finding{
		Severity: Error, Kind: fault.Config, What: what,
		Consequence: "the program needs the session that its code is for: once no cached session is left, get finds that it waits for itself, and fails in every tool",
		Remedy:      "let the program use other credentials (aws --profile OTHER), or store the seed: " + command("add", p.Name),
	})
}
