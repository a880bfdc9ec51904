package doctor

import (
	"slices"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// refusal is the finding that tells of an error which get would end with.
func refusal(err error, consequence string) Finding {
	place, what := "", fault.Text(err)
	if thing, cause, ok := strings.Cut(what, ": "); ok && !strings.Contains(thing, " ") {
		place, what = thing, cause
	}
	remedy := strings.TrimPrefix(fault.Remedy(err), "run: ")
	if remedy == "" {
		remedy = "try again; this tells more: " + Program + " get --refresh --debug --profile NAME"
	}
	return Finding{Severity: Error, Kind: fault.KindOf(err), Place: place, What: what, Consequence: consequence, Remedy: remedy}
}

// command returns a command of ours about a profile.
func command(verb, profile string, args ...string) string {
	return strings.Join(append([]string{Program, verb, "--profile", fault.Shell(profile)}, args...), " ")
}

func contains(list []string, text string) bool { return slices.Contains(list, text) }
