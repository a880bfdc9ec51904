package profile

import (
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// maxDepth is how many profiles a chain may have behind the one asked for.
const maxDepth = 10

// link is one profile on the way from the one asked for to the identity.
type link struct {
	name string
	own  *section // nil if profiles.ini has none
	aws  *section // nil if the AWS config has none

	role value // the role to assume for it; empty: none
}

// get returns the first value of key, whole: profiles.ini goes before the AWS config.
func (l link) get(key string) value {
	if v := l.own.get(key); v.text != "" {
		return v
	}
	return l.aws.get(key)
}

// ownsKey reports whether profiles.ini says that the profile has an access key.
func (l link) ownsKey() bool {
	return l.own.get(KeyStore).text != "" || l.own.get(KeyKeyStore).text != "" || l.own.get(KeyAccessKeyID).text != ""
}

// follow finds the chain of profiles from name to the identity. A source_profile
// counts only beside a role_arn, as for AWS.
//
// A profile that is its own source_profile is an identity with a role on top if it
// has an access key of its own, which AWS tools accept as well; otherwise it is a loop.
func (r *resolution) follow(name string) error {
	for {
		l, err := r.link(name)
		if err != nil {
			return err
		}
		r.chain = append(r.chain, l)
		source := r.source(l)
		switch {
		case l.role.text == "" || source.text == "":
			return nil
		case source.text == name && (r.env.Identity || l.ownsKey()):
			return nil
		case slices.ContainsFunc(r.chain, func(l link) bool { return l.name == source.text }):
			return r.loop(source)
		case len(r.chain) > maxDepth:
			return fault.New(fault.Config, source.place(), "shorten the chain", "source_profile goes through more than %d profiles", maxDepth)
		}
		name = source.text
	}
}

// link loads one profile.
func (r *resolution) link(name string) (link, error) {
	own, err := r.files.own.section(name)
	if err != nil {
		return link{}, err
	}
	aws, err := r.files.aws.section(name)
	if err != nil {
		return link{}, err
	}
	l := link{name: name, own: own, aws: aws}
	l.role = l.get(KeyRole).uncommented()
	if len(r.chain) == 0 && r.flags.RoleARN != "" {
		l.role = value{text: r.flags.RoleARN, source: "--role-arn"}
	}
	if own == nil && aws == nil {
		return l, r.missing(name)
	}
	r.collect(own, aws)
	return l, nil
}

// collect takes over the notes of the sections.
func (r *resolution) collect(all ...*section) {
	for _, s := range all {
		if s != nil {
			r.notes = append(r.notes, s.notes...)
		}
	}
}

// source returns the name of the profile that l takes its credentials from. A # in
// it begins a comment only if no profile is named so.
func (r *resolution) source(l link) value {
	v := l.get(KeySource)
	if plain := v.uncommented(); plain.text != v.text && !r.files.has(v.text) {
		return plain
	}
	return v
}

func (r *resolution) loop(source value) error {
	var names []string
	for _, l := range r.chain {
		names = append(names, l.name)
	}
	chain := strings.Join(append(names, source.text), " -> ")
	if source.text != names[len(names)-1] {
		return fault.New(fault.Config, source.place(), "end the chain in a profile without role_arn", "source_profile runs in a loop: %s", chain)
	}
	return fault.New(fault.Config, source.place(), "delete source_profile, or set AWS_MFA_CREDS_ACCESS_KEY_ID, AWS_MFA_CREDS_SECRET_ACCESS_KEY and AWS_MFA_CREDS_SEED",
		"source_profile is the profile itself (%s), and no access key is known for it", chain)
}

// has reports whether either file has the profile.
func (f *Files) has(name string) bool {
	return f.own.has(name) || f.aws.has(name)
}
