// Package doctor knows what goes wrong with credential processes, and how it is mended: each rule
// looks at the facts about a machine and returns what it finds. It is pure: gathering the facts,
// printing and mending are the business of cmd.
//
// The rules, with their ids, are the table in rules.go. What they say of consumers was seen when
// running them, or stands in their sources.
package doctor

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Severity tells how bad a finding is.
type Severity int

// The severities, the worst first.
const (
	Error   Severity = iota // something fails, or takes other credentials than it should
	Warning                 // something may fail, or fails in some consumers
	Info                    // worth knowing
)

// String returns "error", "warning" or "info".
func (s Severity) String() string { return [...]string{"error", "warning", "info"}[s] }

// Finding is one thing that is wrong. None of its parts holds a secret.
type Finding struct {
	ID       string // of the rule; stable
	Severity Severity

	// Kind is, for an error, the class of failure that it causes: the exit code.
	Kind fault.Kind

	Profile     string // the profile it is about; "" for the whole machine
	Place       string // "path:line", a path or a variable; "" where it has none
	What        string // what is wrong
	Consequence string // what will happen, and in which consumer
	Remedy      string // what to type or, where no command can do it, what to do

	Fix *Fix // how --fix mends it; nil if that is not safe
}

// Fix is a change that is safe to make unasked: none deletes or moves a secret.
type Fix struct {
	Kind FixKind
	Path string      // of the file or directory; "" for Rewrite
	Take fs.FileMode // the permissions to take away, for Protect
}

// FixKind is the kind of a change.
type FixKind int

// The changes.
const (
	Protect FixKind = iota // take permissions of group and others from a file or directory
	Rewrite                // write the registration of the profile anew, with the path of this program
	Sweep                  // remove the temporary files of killed processes from a directory of ours
)

// Examine applies all rules to the facts. The findings about the machine come first, then those of
// each profile in the order of the facts, the worst first. What is found more than once is
// told once.
func Examine(f Facts) []Finding {
	var all []Finding
	for _, rule := range Rules() {
		if rule.machine != nil {
			all = append(all, named(rule.machine(f), rule.ID, "")...)
		}
	}
	for _, p := range f.Profiles {
		for _, rule := range Rules() {
			if rule.profile != nil {
				all = append(all, named(rule.profile(f, p), rule.ID, p.Name)...)
			}
		}
	}
	return sorted(once(all), f.Profiles)
}

// named says which rule found it, and where; the profile goes into remedies that were written
// without knowing it.
func named(found []Finding, id, profile string) []Finding {
	for i := range found {
		found[i].ID, found[i].Profile = id, profile
		if profile != "" {
			found[i].Remedy = strings.ReplaceAll(found[i].Remedy, "--profile NAME", "--profile "+fault.Shell(profile))
		}
	}
	return found
}

// once drops what has been said before, by this rule or another: the same thing at the same place, be
// it of the machine or of several profiles.
func once(all []Finding) []Finding {
	type key struct{ place, what string }
	seen := make(map[key]bool)
	return slices.DeleteFunc(all, func(f Finding) bool {
		k := key{f.Place, f.What}
		again := seen[k]
		seen[k] = true
		return again
	})
}

func sorted(all []Finding, profiles []Profile) []Finding {
	order := map[string]int{"": -1}
	for i, p := range profiles {
		order[p.Name] = i
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(order[a.Profile]-order[b.Profile], int(a.Severity-b.Severity))
	})
	return all
}

// Worst returns the exit code for what was found: that of the error which stops a get first, on its
// way from the files over the settings and secrets to AWS; 0 if there is no error.
func Worst(all []Finding) fault.Kind {
	way := []fault.Kind{
		fault.Permissions, fault.Filesystem, fault.Config, fault.NoSecret, fault.Store,
		fault.Clock, fault.Refused, fault.Network, fault.Unavailable, fault.Deadline,
	}
	for _, kind := range way {
		if slices.ContainsFunc(all, func(f Finding) bool { return f.Severity == Error && f.Kind == kind }) {
			return kind
		}
	}
	if slices.ContainsFunc(all, func(f Finding) bool { return f.Severity == Error }) {
		return fault.Internal
	}
	return 0
}
