// Package doctor finds what is wrong with a setup, and says how to fix it. An Inspection gathers the
// facts about this machine and its profiles (inspect.go, online.go); the rules (rules.go) are pure
// functions from facts to findings.
//
// What the rules say about SDKs and tools was observed when running them, or read in their source.
package doctor

import (
	"cmp"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
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

// MarshalText returns the same.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is one thing that is wrong. None of its parts holds a secret. Its JSON is a contract.
type Finding struct {
	ID       string   `json:"id"` // of the rule; stable
	Severity Severity `json:"severity"`

	// Kind is, for an error, the class of failure that it causes: the exit code.
	Kind fault.Kind `json:"exit_code,omitempty"`

	Profile     string `json:"profile,omitempty"` // the profile it is about; "" for the whole machine
	Place       string `json:"place,omitempty"`   // "path:line", a path or a variable; "" where it has none
	What        string `json:"what"`              // what is wrong
	Consequence string `json:"consequence"`       // what will happen, and in which tool
	Remedy      string `json:"remedy"`            // what to type or, where no command can do it, what to do

	Fix     *Fix `json:"-"` // how --fix repairs it; nil if that is not safe
	Fixable bool `json:"fixable,omitempty"`
}

// when returns the finding if wrong.
func when(wrong bool, f Finding) []Finding {
	if !wrong {
		return nil
	}
	return []Finding{f}
}

// failure returns a finding that makes something fail, with the class of the failure.
func failure(kind fault.Kind, place, what, consequence, remedy string) Finding {
	return Finding{Severity: Error, Kind: kind, Place: place, What: what, Consequence: consequence, Remedy: remedy}
}

// warning returns a finding that may make something fail.
func warning(place, what, consequence, remedy string) Finding {
	return failure(0, place, what, consequence, remedy).demoted(Warning)
}

// remark returns a finding that is worth knowing.
func remark(place, what, consequence, remedy string) Finding {
	return failure(0, place, what, consequence, remedy).demoted(Info)
}

// demoted returns the finding as one that makes no get fail.
func (f Finding) demoted(to Severity) Finding {
	f.Severity, f.Kind = to, 0
	return f
}

// refusal is the finding of an error that get would end with; it is empty if err is nil.
func refusal(err error, consequence string) Finding {
	if err == nil {
		return Finding{}
	}
	place, what := "", fault.Text(err)
	if thing, cause, ok := strings.Cut(what, ": "); ok && !strings.Contains(thing, " ") {
		place, what = thing, cause
	}
	remedy := strings.TrimPrefix(fault.Remedy(err), "run: ")
	if remedy == "" {
		remedy = "try again; for more, run: " + Program + " get --debug --refresh --profile NAME"
	}
	return failure(fault.KindOf(err), place, what, consequence, remedy)
}

// refusals returns the finding of an error, if there is one.
func refusals(err error, consequence string) []Finding {
	return when(err != nil, refusal(err, consequence))
}

// command returns one of our commands about a profile.
func command(verb, name string) string {
	return Program + " " + verb + " --profile " + fault.Shell(name)
}

// Fix is a change that is safe to make without asking: none deletes or moves a secret.
type Fix struct {
	Kind    FixKind
	Path    string      // of the file or directory; "" for Rewrite
	Profile string      // for Rewrite
	Take    fs.FileMode // the permissions to take away, for Protect
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
// each profile in the order of the facts, the worst first. Each thing is reported once.
func Examine(f Facts) []Finding {
	all := []Finding{}
	for _, rule := range Rules() {
		if rule.machine != nil {
			all = append(all, named(rule.machine(f), rule.ID, Profile{})...)
		}
	}
	for _, p := range f.Profiles {
		for _, rule := range Rules() {
			if rule.profile != nil {
				all = append(all, named(rule.profile(f, p), rule.ID, p)...)
			}
		}
	}
	return sorted(once(all), f.Profiles)
}

// named sets which rule found it, and for which profile, whose name goes into remedies that were
// written without it. From here on all texts can be printed.
func named(found []Finding, id string, p Profile) []Finding {
	for i := range found {
		f := &found[i]
		f.ID, f.Profile, f.Fixable = id, p.Name, f.Fix != nil
		if p.Name != "" {
			f.Remedy = profile.Call{Profile: cmp.Or(p.Asked.Profile, p.Name), Flags: p.Asked.Flags}.Remedy(f.Remedy)
		}
		f.Place, f.What, f.Consequence, f.Remedy = fault.Escape(f.Place), fault.Escape(f.What), fault.Escape(f.Consequence), fault.Escape(f.Remedy)
	}
	return found
}

// once drops what has been reported before, by this rule or another: the same thing at the same place,
// of the machine or of several profiles.
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

// Worst returns the exit code for what was found: that of the error which a get meets first, on its
// way from files to settings to secrets to AWS; 0 if there is no error.
func Worst(all []Finding) fault.Kind {
	order := []fault.Kind{
		fault.Permissions, fault.Filesystem, fault.Config, fault.NoSecret, fault.Store,
		fault.Clock, fault.Refused, fault.Network, fault.Unavailable, fault.Deadline,
	}
	for _, kind := range order {
		if slices.ContainsFunc(all, func(f Finding) bool { return f.Severity == Error && f.Kind == kind }) {
			return kind
		}
	}
	if slices.ContainsFunc(all, func(f Finding) bool { return f.Severity == Error }) {
		return fault.Internal
	}
	return 0
}

// Apply makes a change to the disk, and returns what it was. It does not Rewrite. Errors are
// *fault.Error.
func (f Fix) Apply(now time.Time) (done string, err error) {
	if f.Kind == Sweep {
		done, err = "removed temporary files that killed processes left in "+f.Path, sweep(f.Path, now)
	} else {
		done, err = "removed other users' permissions from "+f.Path, protect(f.Path, f.Take)
	}
	if err != nil {
		err = securefile.Fault(f.Path, err)
	}
	return done, err
}

// protect takes permissions away from the file that was opened, not from what may be at its path by
// then.
func protect(path string, take fs.FileMode) error {
	file, err := os.Open(path) //nolint:gosec // one of ours, or of the AWS tools
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err == nil {
		err = file.Chmod(info.Mode().Perm() &^ take)
	}
	return err
}

func sweep(path string, now time.Time) error {
	dir, err := securefile.OpenDir(path, securefile.Writable)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	return dir.Sweep(now.Add(-securefile.Abandoned))
}
