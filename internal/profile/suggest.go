package profile

import (
	"slices"
	"strings"
)

// nearest returns up to max of names that look like a misspelling or another form of
// want, the nearest first.
func nearest(names []string, want string, limit int) []string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	for _, name := range names {
		if d, ok := resembles(name, want); ok {
			near = append(near, candidate{name, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.distance - b.distance })
	var found []string
	for _, c := range near[:min(limit, len(near))] {
		found = append(found, c.name)
	}
	return found
}

// resembles tells how many edits name is away from want, if that is few for their
// length or if one contains the other.
func resembles(name, want string) (distance int, ok bool) {
	a, b := Shorten(strings.ToLower(name)), Shorten(strings.ToLower(want))
	distance = edits(a, b)
	contained := min(len(a), len(b)) >= 3 && (strings.Contains(a, b) || strings.Contains(b, a))
	few := min(3, max(1, (len(b)-1)/2))
	return distance, contained || distance <= few
}

// edits is the Levenshtein distance of two strings, in bytes.
func edits(a, b string) int {
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
