package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func settingsRefused(f Facts, p Profile) []Finding {
	if p.Unusable == nil || f.told(p.Unusable) {
		return nil
	}
	return []Finding{refusal(p.Unusable, "get fails in every consumer; Terraform and Go show the exit status alone")}
}

// told reports whether the rules about the environment have told of err already.
func (f Facts) told(err error) bool {
	found := refusal(err, "")
	return slices.ContainsFunc(append(envStoreTwice(f), envStorePartial(f)...), func(other Finding) bool {
		return other.Place == found.Place || strings.Contains(other.What, found.Place) && found.Place != ""
	})
}

func settingsCorrected(f Facts, p Profile) (all []Finding) {
	if len(p.Notes) == 0 {
		return nil
	}
	repeated := make(map[string]bool)
	for _, found := range append(sectionRepeated(f), keyRepeated(f)...) {
		repeated[found.Place] = true
	}
	for _, note := range p.Notes {
		place, what, _ := strings.Cut(note, ": ")
		if repeated[place] {
			continue
		}
		all = append(all, Finding{
			Severity: Warning, Place: fault.Printable(place), What: fault.Printable(what),
			Consequence: Program + " goes on so; other tools that read the same setting may not",
			Remedy:      "correct it there",
		})
	}
	return all
}

// unreadable is the finding of a secret that cannot be had.
func unreadable(f Facts, what string, err error) []Finding {
	if err == nil || f.told(err) {
		return nil
	}
	found := refusal(err, "get fails in every consumer once no cached session is left")
	if f.exposes(found) {
		return nil
	}
	found.What += ", so " + what + " cannot be used"
	return []Finding{found}
}

// exposes reports whether the rules about files have told of the same already.
func (f Facts) exposes(found Finding) bool {
	return found.Kind == fault.Permissions && slices.ContainsFunc(append(fileExposed(f), directoryUnsafe(f)...), func(other Finding) bool {
		return other.Place == found.Place
	})
}

func keyUnreadable(f Facts, p Profile) []Finding { return unreadable(f, "the access key", p.Key) }

// seedUnreadable says nothing where key and seed are in one store and that is the trouble.
func seedUnreadable(f Facts, p Profile) []Finding {
	if p.Key != nil && p.Seed != nil && fault.Text(p.Key) == fault.Text(p.Seed) {
		return nil
	}
	return unreadable(f, "the seed", p.Seed)
}

func seedLength(_ Facts, p Profile) []Finding {
	const (
		usual       = 320 // bits, of the 64 characters that CreateVirtualMFADevice gives
		recommended = 160 // RFC 4226 section 4, R6
	)
	if p.SeedBits == 0 || p.SeedBits == usual {
		return nil
	}
	found := Finding{
		Severity: Info, What: fmt.Sprintf("the seed has %d bits, and those of AWS's virtual devices have %d", p.SeedBits, usual),
		Consequence: "if it was cut while it was copied, or is of something else, AWS refuses every code",
		Remedy:      "compare its code with that of another app that has the device: " + command("code", p.Name),
	}
	if p.SeedBits < recommended {
		found.Severity = Warning
		found.Consequence += "; whoever sees some codes can guess it"
	}
	return []Finding{found}
}

func roleAccount(_ Facts, p Profile) (all []Finding) {
	device := account(p.Serial)
	for _, role := range p.Roles {
		if other := account(role); device == "" || other == "" || other == device {
			continue
		}
		all = append(all, Finding{
			Severity: Info, What: "role " + fault.Printable(role) + " is of another account than the MFA device (" + device + ")",
			Consequence: "AWS lets a user of account " + device + " assume it only if the role's trust policy names that account",
			Remedy:      "nothing, if that is meant",
		})
	}
	return all
}

// account returns the account of an ARN, or "".
func account(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}

func sessionShort(_ Facts, p Profile) []Finding {
	const (
		storm = 15 * time.Minute // botocore's advisory window, and .NET's
		least = 2 * storm
	)
	if p.Shortest == 0 || p.Shortest >= least {
		return nil
	}
	return []Finding{{
		Severity: Warning, What: fmt.Sprintf("sessions last %s", strings.TrimSuffix(p.Shortest.String(), "0s")),
		Consequence: "the AWS CLI, boto3 and SDK for .NET run the credential process again on every request while fewer than 15 minutes remain",
		Remedy:      "set a duration of 30m or more for the profile, best of all none (12h)",
	}}
}

func sessionLarge(_ Facts, p Profile) (all []Finding) {
	const pipe, v1 = 4 << 10, 8 << 10
	for _, s := range p.Sessions {
		if s.Size <= pipe {
			continue
		}
		found := Finding{
			Severity: Info, What: fmt.Sprintf("what get prints has %d bytes", s.Size),
			Consequence: "consumers that read the pipe only after the process has ended (Ruby) hang where a pipe holds 4 KiB",
			Remedy:      "fewer tags and policies on the session",
		}
		if s.Size > v1 {
			found.Severity = Warning
			found.Consequence = "Go SDK v1 reads 8 KiB of it and fails; Ruby hangs where a pipe holds no more"
		}
		all = append(all, found)
	}
	return all
}

func endpointOverride(_ Facts, p Profile) []Finding {
	host := p.Endpoint.Host
	if host == "" {
		return nil
	}
	found := Finding{
		Severity: Info, What: "STS is asked at " + fault.Printable(host) + ", as AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL or endpoint_url says",
		Consequence: "access key signatures and token codes go there",
		Remedy:      "unset it, unless that is meant",
	}
	if !p.Endpoint.Loopback && !amazon(host) {
		found.Severity = Warning
		found.Consequence += ", which is no host of AWS"
	}
	return []Finding{found}
}

// amazon reports hosts of AWS, VPC endpoints included.
func amazon(host string) bool {
	name, _, _ := strings.Cut(host, ":")
	for _, suffix := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonaws.eu", ".vpce.amazonaws.com", ".amazonwebservices.com.cn", ".ic.gov", ".sgov.gov", ".adc-e.uk"} {
		if strings.HasSuffix(strings.ToLower(name), suffix) {
			return true
		}
	}
	return false
}

func caBundleUnusable(_ Facts, p Profile) []Finding {
	if p.CABundle == nil {
		return nil
	}
	return []Finding{refusal(p.CABundle, "AWS is not asked, so get fails once no cached session is left; the AWS CLI and most SDKs fail as well")}
}
