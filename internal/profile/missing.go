package profile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// searched names the files that were searched.
func (f *Files) searched() string {
	var places []string
	for _, file := range []*File{f.Own, f.AWS, f.Credentials} {
		if file.Path != "" && (file != f.Credentials || file.Data != "") {
			places = append(places, file.Path)
		}
	}
	if len(places) == 0 {
		return "any file, because HOME is not set"
	}
	return strings.Join(places, " or ")
}

// advice names up to five profiles that are nearly named so, and tells how to make one.
func (r *resolution) advice(name string) string {
	const variables = ", or set AWS_MFA_CREDS_ACCESS_KEY_ID, AWS_MFA_CREDS_SECRET_ACCESS_KEY, AWS_MFA_CREDS_SEED and AWS_MFA_CREDS_SERIAL"
	near := nearest(r.files.Names(), name, 5)
	for i := range near {
		near[i] = strconv.Quote(near[i])
	}
	setup := "run: aws-mfa-creds setup --profile " + fault.Shell(name)
	add := "; with an MFA device that exists, run: aws-mfa-creds add --profile " + fault.Shell(name)
	switch {
	case len(near) > 0:
		return "did you mean " + strings.Join(near, ", ") + "? or for a new one " + setup
	case r.env.Identity:
		return "correct the name, or to use the access key in the environment for it, write to " + r.files.paths.AWSConfig + ": [profile " + Shorten(name) + "]"
	case r.configured():
		return setup + add
	}
	return setup + add + variables
}

// nearest returns up to limit of names that look like a misspelling or another form of want, the
// nearest first.
func nearest(names []string, want string, limit int) []string {
	near := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !resembles(name, want) })
	slices.SortStableFunc(near, func(a, b string) int { return edits(a, want) - edits(b, want) })
	return near[:min(limit, len(near))]
}

// resembles reports whether name is few edits away from want, for their length, or one contains the
// other.
func resembles(name, want string) bool {
	a, b := folded(name), folded(want)
	contained := min(len(a), len(b)) >= 3 && (strings.Contains(a, b) || strings.Contains(b, a))
	return contained || edits(a, b) <= min(3, max(1, len(b)/2))
}

func folded(name string) string { return Shorten(strings.ToLower(name)) }

// edits is the Levenshtein distance of two strings, in bytes and in lower case.
func edits(a, b string) int {
	a, b = folded(a), folded(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// Shorten caps what is compared and echoed of a text from a file.
func Shorten(text string) string { return text[:min(len(text), 64)] }
