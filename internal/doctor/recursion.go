package doctor

import (
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// helperRecursion finds profiles whose credential_process runs the AWS CLI, which takes the
// credentials of the same profile (aws-cli#8860).
func helperRecursion(f Facts) (all []Finding) {
	for _, s := range f.Sections {
		line, ok := s.option(keyCommand)
		if !ok || s.Profile == "" || Ours(line.Value) || !f.reaches(s.Profile, s.Profile, nil) {
			continue
		}
		all = append(all, Finding{
			Severity: Error, Kind: fault.Config, Place: line.Place, What: "the credential_process of " + fault.Printable(s.Profile) + " runs the AWS CLI, which asks the credential_process of " + fault.Printable(s.Profile),
			Consequence: "every consumer starts processes without end, until the machine has no more",
			Remedy:      command("register", s.Profile),
		})
	}
	return all
}

// reaches reports whether getting the credentials of the profile from leads to those of another.
func (f Facts) reaches(from, to string, seen []string) bool {
	if contains(seen, from) {
		return false
	}
	s := f.profileSection(from)
	if s == nil {
		return false
	}
	next := f.next(*s)
	return next == to && next != "" || next != "" && f.reaches(next, to, append(seen, from))
}

// next returns the profile whose credentials a section needs, or "".
func (f Facts) next(s Section) string {
	if source, ok := s.option(keySource); ok && source.Value != s.Profile {
		return source.Value
	}
	line, ok := s.option(keyCommand)
	if !ok || Ours(line.Value) {
		return ""
	}
	profile, _ := asked(words(line.Value), f.Env)
	return profile
}

// mfaProcessRecursion finds programs for codes that need the session which the code is for.
func mfaProcessRecursion(f Facts, p Profile) []Finding {
	if len(p.MFAProcess) == 0 {
		return nil
	}
	itself := Ours(strings.Join(p.MFAProcess, " ")) && contains(p.MFAProcess, "get")
	profile, ok := asked(p.MFAProcess, f.Env)
	if !itself && (!ok || !f.leadsHere(profile)) {
		return nil
	}
	what := "mfa_process runs " + Program + " get"
	if !itself {
		what = "mfa_process runs the AWS CLI with profile " + fault.Printable(profile) + ", whose credentials come from " + Program
	}
	return []Finding{{
		Severity: Error, Kind: fault.Config, What: what,
		Consequence: "for a code it needs the session that the code is for: once no cached session is left, get notices that it waits for itself, and fails in every consumer",
		Remedy:      "let the program use other credentials (aws --profile OTHER), or store the seed: " + command("add", p.Name),
	}}
}

// leadsHere reports whether the credentials of a profile come from this program.
func (f Facts) leadsHere(profile string) bool {
	for range len(f.Sections) + 1 {
		if f.ourSection(profile) {
			return true
		}
		s := f.profileSection(profile)
		if s == nil {
			return false
		}
		if profile = f.next(*s); profile == "" {
			return false
		}
	}
	return false
}
