package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// What a wrong clock leads to.
const (
	noticed  = 2 * time.Second // below is what the network takes
	tolerant = 5 * time.Minute // AWS takes signatures that are older or newer by as much
)

func clockSkew(f Facts, p Profile) []Finding {
	skew, when := p.Skew, "as last measured"
	if p.Online != nil && p.Online.Measured {
		skew, when = p.Online.Skew, "as measured now"
	}
	if skew.Abs() < noticed {
		return nil
	}
	side := "behind"
	if skew < 0 {
		side = "ahead of"
	}
	found := Finding{
		Severity: Warning, Place: "clock", What: fmt.Sprintf("this machine's clock is %s %s AWS's, %s", skew.Abs().Round(time.Second), side, when),
		Consequence: Program + " corrects it; codes of other programs on this machine are refused from half a minute on, and all signatures from 5 minutes on",
		Remedy:      setClock(f.GOOS),
	}
	if skew.Abs() >= tolerant {
		found.Severity, found.Kind = Error, fault.Clock
		found.Consequence = Program + " corrects it, but AWS refuses what the consumers sign (SignatureDoesNotMatch, RequestTimeTooSkewed), as most do not correct theirs at the first call"
	}
	return []Finding{found}
}

func setClock(goos string) string {
	switch goos {
	case "windows":
		return "w32tm /resync"
	case "darwin":
		return "sudo sntp -sS time.apple.com"
	}
	return "sudo timedatectl set-ntp true"
}

func outOfSync(_ Facts, p Profile) (all []Finding) {
	const repeatedly = 2
	for _, s := range p.Sessions {
		if s.Failure == nil || !s.Failure.Code || s.Failure.Count < repeatedly {
			continue
		}
		all = append(all, Finding{
			Severity: Error, Kind: fault.Refused, What: fmt.Sprintf("AWS has refused the token codes of %s %d times in a row", fault.Printable(p.Serial), s.Failure.Count),
			Consequence: "no new session until it is mended: the device is out of sync since it was enabled, or, if a resync does not help, the seed is of another device",
			Remedy:      command("resync", p.Name),
		})
	}
	return all
}

func lastError(f Facts, p Profile) (all []Finding) {
	for _, s := range p.Sessions {
		if s.Failure == nil {
			continue
		}
		all = append(all, s.lastError(f.Now))
	}
	return all
}

func (s Session) lastError(now time.Time) Finding {
	failure := s.Failure
	found := refusal(failure.Err, "the next get asks AWS again")
	found.Place = ""
	found.What = fmt.Sprintf("the last %s failed %s ago with exit code %d: %s", s.name(), ago(now.Sub(failure.At)), found.Kind, fault.Text(failure.Err))
	switch held := failure.Until.After(now); {
	case s.Cached:
		found.Severity, found.Kind = Warning, 0
		found.Consequence = "the cached session is handed out until it ends; then every consumer fails. Terraform, Go and JS show no more than the exit code of it"
	case held:
		found.Consequence = fmt.Sprintf("every get fails with it for %s more, without asking AWS. Terraform, Go and JS show no more than the exit code", ago(failure.Until.Sub(now)))
	case found.Kind != fault.Refused && found.Kind != fault.Clock:
		found.Severity, found.Kind = Warning, 0
	}
	if failure.Until.After(now) {
		found.Remedy = strings.TrimPrefix(found.Remedy+"; then: "+Program+" get --refresh --profile NAME", "; then: ")
	}
	return found
}

func (s Session) name() string {
	if s.Role == "" {
		return "GetSessionToken"
	}
	return "session of " + fault.Printable(s.Role)
}

// ago rounds to what a person wants to know.
func ago(d time.Duration) string {
	if d >= time.Hour {
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return d.Round(time.Second).String()
}
