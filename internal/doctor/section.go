package doctor

import (
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// The keys of the AWS config that the rules are about.
const (
	keyCommand = "credential_process"
	keyRole    = "role_arn"
	keySource  = "source_profile"
	keySerial  = "mfa_serial"
	keyRegion  = "region"
)

// refusesFile is what the AWS CLI does with a file that Python's configparser does not take
// (configparser.DuplicateSectionError, DuplicateOptionError).
const refusesFile = "the AWS CLI and boto3 refuse the whole file, with all profiles in it (\"Unable to parse config file\"); the other SDKs take the later one"

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
			Severity: Error, Kind: fault.Config, Place: s.Place, What: "[" + fault.Printable(s.Header) + "] is there already, at " + place,
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
				Severity: Error, Kind: fault.Config, Place: o.Place, What: fault.Printable(o.Key) + " is in the section already, at " + place,
				Consequence: refusesFile, Remedy: "delete the one that is wrong",
			})
		}
	}
	return all
}

// sectionUntitled finds [x] where [profile x] is meant: something of ours is in it or named so, and there
// is no such profile.
func sectionUntitled(f Facts) (all []Finding) {
	for _, s := range f.Sections {
		name := strings.TrimSpace(s.Header)
		if s.Profile != "" || !f.meant(s, name) || f.profileSection(name) != nil {
			continue
		}
		all = append(all, Finding{
			Severity: Error, Kind: fault.Config, Place: s.Place, What: "[" + fault.Printable(name) + "] is no profile in the AWS config: it lacks the word profile",
			Consequence: "the AWS CLI and most SDKs do not find the profile (\"The config profile could not be found\")",
			Remedy:      "write it as [profile " + fault.Printable(name) + "]",
		})
	}
	return all
}

// meant reports whether the section must be meant for a profile of ours.
func (f Facts) meant(s Section, name string) bool {
	command, ok := s.option(keyCommand)
	return ok && Ours(command.Value) || contains(f.Own, name)
}

// profileSection returns the last section of a profile, or nil.
func (f Facts) profileSection(name string) *Section {
	for i := range slices.Backward(f.Sections) {
		if f.Sections[i].Profile == name {
			return &f.Sections[i]
		}
	}
	return nil
}

func sectionLoose(_ Facts, p Profile) (all []Finding) {
	for _, s := range p.Sections {
		if !s.Loose {
			continue
		}
		all = append(all, Finding{
			Severity: Error, Kind: fault.Config, Place: s.Place, What: "the AWS CLI does not read the header [" + fault.Printable(s.Header) + "]",
			Consequence: "the AWS CLI and boto3 do not find the profile, though Go and Java do",
			Remedy:      "write it as [profile " + fault.Printable(p.Name) + "], with one space, or choose a name without spaces",
		})
	}
	return all
}

// section returns the section of a profile that counts, or an empty one.
func (p Profile) section() Section {
	if len(p.Sections) == 0 {
		return Section{}
	}
	return p.Sections[len(p.Sections)-1]
}

func roleInSection(_ Facts, p Profile) []Finding {
	role, ok := p.section().option(keyRole)
	if !ok || !p.ours() {
		return nil
	}
	return []Finding{{
		Severity: Error, Kind: fault.Config, Place: role.Place, What: "role_arn stands beside credential_process",
		Consequence: "the AWS CLI stops (\"Partial credentials found in assume-role\"), Go and Terraform assume the role, JS ignores it without a word, .NET refuses the profile",
		Remedy:      "delete the line, and give the role a profile of its own: " + Program + " register --profile " + fault.Shell(p.Name+"-role") + " --source-profile " + fault.Shell(p.Name) + " --role-arn " + fault.Shell(role.Value),
	}}
}

func sourceSelf(_ Facts, p Profile) []Finding {
	source, ok := p.section().option(keySource)
	if !ok || source.Value != p.Name {
		return nil
	}
	return []Finding{{
		Severity: Error, Kind: fault.Config, Place: source.Place, What: "source_profile is the profile itself",
		Consequence: "the AWS CLI stops with \"Infinite loop in credential configuration\", though JS takes it",
		Remedy:      "name another profile there, one with the access key or the credential_process",
	}}
}

func twoSources(_ Facts, p Profile) []Finding {
	var found []Option
	for _, o := range p.section().Options {
		if contains([]string{keySource, "credential_source", keyCommand, "web_identity_token_file", "sso_session", "sso_start_url"}, o.Key) {
			found = append(found, o)
		}
	}
	if len(found) < 2 || found[0].Key == "sso_session" && found[1].Key == "sso_start_url" {
		return nil
	}
	return []Finding{{
		Severity: Error, Kind: fault.Config, Place: found[1].Place, What: found[0].Key + " and " + found[1].Key + " are two sources of credentials in one profile",
		Consequence: "Go and Terraform stop with \"only one credential type may be specified per profile\"; the others each take another one",
		Remedy:      "delete one of the two lines",
	}}
}

// extraKeys are those which the rules before have not refused already.
func extraKeys(_ Facts, p Profile) (all []Finding) {
	if !p.ours() {
		return nil
	}
	for _, o := range p.section().Options {
		if !contains([]string{keySerial, "endpoint_url", "services"}, o.Key) {
			continue
		}
		found := Finding{
			Severity: Warning, Place: o.Place, What: o.Key + " stands beside credential_process",
			Consequence: "SDK for .NET and PowerShell refuse the profile as invalid; the others take it",
			Remedy:      "delete the line; " + Program + " takes it from profiles.ini, too",
		}
		if o.Key == keySerial {
			found.Remedy = "delete the line, once profiles.ini or AWS_MFA_CREDS_SERIAL has the serial"
		}
		all = append(all, found)
	}
	return all
}

// serialInRole finds role profiles for an SDK to assume, whose source is of ours.
func serialInRole(f Facts, p Profile) []Finding {
	s := p.section()
	serial, ok := s.option(keySerial)
	source, chained := s.option(keySource)
	if _, role := s.option(keyRole); !ok || !chained || !role || !f.ourSection(source.Value) {
		return nil
	}
	return []Finding{{
		Severity: Error, Kind: fault.Config, Place: serial.Place, What: "mfa_serial stands in a role profile whose source, " + fault.Printable(source.Value) + ", has sessions with MFA already",
		Consequence: "Go and Terraform stop (\"AssumeRoleTokenProvider session option not set\"), JS too (\"no MFA code callback\"); the AWS CLI asks for a code that nobody needs",
		Remedy:      "delete the line: the session of " + fault.Printable(source.Value) + " carries MFA",
	}}
}

// ourSection reports whether the AWS config has this program called for the profile.
func (f Facts) ourSection(name string) bool {
	s := f.profileSection(name)
	if s == nil {
		return false
	}
	command, ok := s.option(keyCommand)
	return ok && Ours(command.Value)
}

func regionMissing(f Facts, p Profile) []Finding {
	s := p.section()
	if _, ok := s.option(keyRegion); ok || f.Env["AWS_REGION"] != "" || f.Env["AWS_DEFAULT_REGION"] != "" || s.Profile == "" {
		return nil
	}
	_, role := s.option(keyRole)
	if !p.ours() && !role {
		return nil
	}
	found := Finding{
		Severity: Warning, Place: s.Place, What: "the profile has no region",
		Consequence: "calls to all but global services fail in every consumer (\"You must specify a region\"); roles do not inherit that of their source",
		Remedy:      "aws configure set region us-east-1 --profile " + fault.Shell(p.Name),
	}
	if p.Register != "" {
		found.Remedy = p.Register + " --region us-east-1"
	}
	return []Finding{found}
}

func nameQuoting(_ Facts, p Profile) []Finding {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/=@:+-"
	s := p.section()
	if !p.ours() || strings.Trim(p.Name, plain) == "" {
		return nil
	}
	return []Finding{{
		Severity: Info, Place: s.Place, What: "the name " + fault.Printable(p.Name) + " has to be quoted in headers and commands",
		Consequence: "shells and SDKs quote differently: what one reads as the name, another may cut",
		Remedy:      "register it under a name of letters, digits and - _ . too: " + Program + " register --profile NEW --source-profile " + fault.Shell(p.Name),
	}}
}

// notRegistered finds profiles with secrets that nobody uses.
func notRegistered(_ Facts, p Profile) []Finding {
	if !p.InOwn || p.ours() || p.Used || p.KeyStore == "" {
		return nil
	}
	return []Finding{{
		Severity: Warning, What: "the AWS config has no credential_process for the profile",
		Consequence: "the AWS CLI and the SDKs do not know that " + Program + " has credentials for it",
		Remedy:      command("register", p.Name),
	}}
}
