package doctor

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
)

func settingsRefused(f Facts, p Profile) []Finding {
	return when(p.Unusable != nil && !f.reported(p.Unusable), refusal(p.Unusable, "get fails in every tool; Terraform and Go show only the exit status"))
}

// reported reports whether the rules about the environment have found err already.
func (f Facts) reported(err error) bool {
	found := refusal(err, "")
	return slices.ContainsFunc(append(envStoreTwice(f), envStorePartial(f)...), func(other Finding) bool {
		return other.Place == found.Place || strings.Contains(other.What, found.Place) && found.Place != ""
	})
}

func settingsCorrected(f Facts, p Profile) (all []Finding) {
	if len(p.Notes) == 0 {
		return nil // nearly always: comparing with the whole file is not for each of thousands of profiles
	}
	repeated := make(map[string]bool)
	for _, found := range append(sectionRepeated(f), keyRepeated(f)...) {
		repeated[found.Place] = true
	}
	for _, note := range p.Notes {
		place, what, _ := strings.Cut(note, ": ")
		all = append(all, when(!repeated[place], warning(fault.Printable(place), fault.Printable(what),
			Program+" goes on with it; other tools that read the same setting may not",
			"correct it there"))...)
	}
	return all
}

// unreadable is the finding of a secret that cannot be read.
func unreadable(f Facts, what string, err error) []Finding {
	if err == nil || f.reported(err) {
		return nil
	}
	found := refusal(err, "get fails in every tool once no cached session is left")
	if f.exposes(found) {
		return nil
	}
	found.What += ", so " + what + " cannot be used"
	return []Finding{found}
}

// exposes reports whether the rules about files have found the same already.
func (f Facts) exposes(found Finding) bool {
	return found.Kind == fault.Permissions && slices.ContainsFunc(append(fileExposed(f), directoryUnsafe(f)...), func(other Finding) bool {
		return other.Place == found.Place
	})
}

func keyUnreadable(f Facts, p Profile) []Finding { return unreadable(f, "the access key", p.Key) }

// seedUnreadable finds nothing where key and seed are in one store and the store is the trouble.
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
	found := remark("", fmt.Sprintf("the seed has %d bits, and those of AWS's virtual devices have %d", p.SeedBits, usual),
		"if it was cut while it was copied, or belongs to something else, AWS refuses every code",
		"compare its code with that of another app that has the device: "+command("code", p.Name))
	if p.SeedBits < recommended {
		found.Severity = Warning
		found.Consequence += "; anyone who sees some codes can guess it"
	}
	return when(p.SeedBits != 0 && p.SeedBits != usual, found)
}

func roleAccount(_ Facts, p Profile) (all []Finding) {
	device := awsapi.AccountOf(p.Serial)
	for _, role := range p.Roles {
		other := awsapi.AccountOf(role.ARN)
		all = append(all, when(device != "" && other != "" && other != device,
			remark("", "role "+fault.Printable(role.ARN)+" is in another account than the MFA device ("+device+")",
				"AWS lets a user of account "+device+" assume it only if the role's trust policy names that account",
				"nothing, if this is intended"))...)
	}
	return all
}

func sessionShort(_ Facts, p Profile) []Finding {
	const (
		advisory = 15 * time.Minute // botocore's refresh window, and .NET's
		least    = 2 * advisory
	)
	shortest := p.Duration
	if n := len(p.Roles); n > 0 {
		shortest = p.Roles[n-1].Duration // tools see the last one
	}
	return when(shortest != 0 && shortest < least, warning("", fmt.Sprintf("sessions last %s", strings.TrimSuffix(shortest.String(), "0s")),
		"while fewer than 15 minutes remain, the AWS CLI, boto3 and SDK for .NET run the credential process on every request",
		"set a duration of 30m or more for the profile, or best leave it out (12h)"))
}

func sessionLarge(_ Facts, p Profile) []Finding {
	const pipe, v1 = 4 << 10, 8 << 10
	found := remark("", fmt.Sprintf("get prints %d bytes", p.Printed),
		"tools that read the pipe only after the process has ended (Ruby) hang where a pipe holds 4 KiB",
		"use fewer tags and policies for the session")
	if p.Printed > v1 {
		found.Severity = Warning
		found.Consequence = "Go SDK v1 reads 8 KiB of it and fails; Ruby hangs where a pipe holds no more"
	}
	return when(p.Printed > pipe, found)
}

func endpointOverride(_ Facts, p Profile) []Finding {
	if p.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(p.Endpoint)
	if err != nil {
		return nil // get refuses it
	}
	found := remark("", "STS is asked at "+fault.Printable(u.Host)+", because of AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL or endpoint_url",
		"signed requests and token codes go there",
		"unset it, unless this is intended")
	if !awsapi.Loopback(u.Hostname()) && !amazon(u.Hostname()) {
		found.Severity = Warning
		found.Consequence += ", which is not a host of AWS"
	}
	return []Finding{found}
}

// amazon reports hosts of AWS, VPC endpoints included.
func amazon(host string) bool {
	suffixes := []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonaws.eu", ".amazonwebservices.com.cn", ".ic.gov", ".sgov.gov", ".adc-e.uk"}
	return slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(strings.ToLower(host), suffix) })
}

func caBundleUnusable(_ Facts, p Profile) []Finding {
	return refusals(p.CABundle, "AWS is not asked, so get fails once no cached session is left; the AWS CLI and most SDKs fail as well")
}

func clockSkew(f Facts, p Profile) []Finding {
	const (
		noticed  = 2 * time.Second // less may be the network
		tolerant = 5 * time.Minute // AWS accepts signatures that are older or newer by as much
	)
	skew, when := p.Skew, "as last measured"
	if p.Online.Measured {
		skew, when = p.Online.Skew, "as measured now"
	}
	if err := session.CheckTime(f.Now.Add(skew)); err != nil {
		return []Finding{refusal(err, "there are no token codes for such a time")}
	}
	if skew.Abs() < noticed {
		return nil
	}
	side := "behind"
	if skew < 0 {
		side = "ahead of"
	}
	setClock := cmp.Or(map[string]string{"windows": "w32tm /resync", "darwin": "sudo sntp -sS time.apple.com"}[f.GOOS], "sudo timedatectl set-ntp true")
	if !p.Online.Measured {
		setClock += "; if the clock is right: " + command("clear", p.Name)
	}
	found := warning("clock", fmt.Sprintf("this machine's clock is %s %s AWS's, %s", fault.About(skew.Abs()), side, when),
		Program+" corrects for it; from half a minute on, AWS refuses the codes of other programs on this machine, and from 5 minutes on all signatures",
		setClock)
	if skew.Abs() >= tolerant {
		found.Severity, found.Kind = Error, fault.Clock
		found.Consequence = Program + " corrects for it, but AWS refuses what other tools sign (SignatureDoesNotMatch, RequestTimeTooSkewed), as most do not correct for it at the first call"
	}
	return []Finding{found}
}

func outOfSync(_ Facts, p Profile) (all []Finding) {
	const repeatedly = 2
	for _, s := range p.Sessions {
		if s.Failure == nil || s.Failure.Kind != fault.Refused || s.Failure.Count < repeatedly || !s.Failure.Code {
			continue
		}
		all = append(all, failure(fault.Refused, "", fmt.Sprintf("AWS has refused the token codes of %s %d times in a row", fault.Printable(p.Serial), s.Failure.Count),
			"there is no new session until this is fixed: the device is out of sync since it was enabled, or, if a resync does not help, the seed belongs to another device",
			resync(p)))
	}
	return all
}

func resync(p Profile) string { return command("resync", p.Name) }

func poolDeviceRefused(f Facts, p Profile) (all []Finding) {
	for _, d := range p.Pool {
		if d.Failure == nil {
			continue
		}
		found := refusal(d.Failure.Err(), "get uses the other devices of the pool; jobs wait for each other sooner").demoted(Warning)
		found.What = fmt.Sprintf("%s, %s ago", strings.TrimPrefix(found.Place+": "+found.What, ": "), fault.About(f.Now.Sub(d.Failure.At)))
		found.Place, found.Remedy = "", replaceDevice(p, d.Serial)
		if d.Failure.Code {
			found.Remedy = resync(p) // which takes it by itself
		}
		all = append(all, found)
	}
	return all
}

// replaceDevice is the command that puts another device in the place of one of a pool.
func replaceDevice(p Profile, serial string) string {
	return command("rotate device", p.Name) + " --serial " + fault.Shell(serial)
}

func lockSuspended(_ Facts, p Profile) (all []Finding) {
	for _, s := range p.Sessions {
		if s.Stuck != nil {
			return []Finding{refusal(s.Stuck, "every get that needs a new session waits for it, and fails after 50 seconds")}
		}
	}
	return nil
}

func lastError(f Facts, p Profile) (all []Finding) {
	for _, s := range p.Sessions {
		if s.Failure != nil {
			all = append(all, lastErrorOf(s, f.Now))
		}
	}
	return all
}

func lastErrorOf(s session.Status, now time.Time) Finding {
	const showOnly = "Terraform, Go and JS show only the exit code"
	failure, err := s.Failure, s.Failure.Err()
	found := refusal(err, "the next get asks AWS again")
	name := "GetSessionToken"
	if s.RoleARN != "" {
		name = "session of " + fault.Printable(s.RoleARN)
	}
	found.Place = ""
	found.What = fmt.Sprintf("the last %s failed %s with exit code %d: %s", name, fault.Time(failure.At, now), found.Kind, fault.Text(err))
	held := failure.Until.After(now)
	switch {
	case s.Left > time.Minute:
		found = found.demoted(Warning)
		found.Consequence = "the cached session is used until it expires; then every tool fails. " + showOnly
	case held:
		found.Consequence = fmt.Sprintf("every get fails with it for %s more, without asking AWS. %s", fault.About(failure.Until.Sub(now)), showOnly)
	case found.Kind != fault.Refused && found.Kind != fault.Clock:
		found = found.demoted(Warning)
	}
	if held {
		found.Remedy = strings.TrimPrefix(found.Remedy+"; then: "+Program+" get --refresh --profile NAME", "; then: ")
	}
	return found
}

// noSession is the effect of an access key that cannot be used.
const noSession = "there is no new session: get fails in every tool once no cached one is left"

func keyRefused(_ Facts, p Profile) []Finding { return refusals(p.Online.Identity, noSession) }

func rootKey(_ Facts, p Profile) []Finding {
	return when(p.Online.Root, warning("", "the access key is the root user's, of account "+fault.Printable(p.Online.Account),
		"its sessions can do everything, and last an hour at most",
		"create an IAM user with an access key, store that, and delete the root user's key in the console"))
}

func keyOld(f Facts, p Profile) []Finding {
	const limit = 90 * 24 * time.Hour // IAM User Guide, "Update access keys"; also a control of Security Hub (IAM.3)
	age := f.Now.Sub(p.Online.KeyCreated)
	return when(!p.Online.KeyCreated.IsZero() && age > limit, warning("", "the access key is "+fault.About(age)+" old",
		"it works, but Security Hub and most company policies want keys replaced after 90 days",
		command("rotate key", p.Name)))
}

func serialForeign(_ Facts, p Profile) (all []Finding) {
	o := p.Online
	for _, serial := range p.Devices() {
		if o.Devices == nil || slices.Contains(o.Devices, serial) {
			continue
		}
		found := foreign(o, p, serial)
		if len(p.Others) > 0 {
			found = found.demoted(Warning)
			found.Consequence, found.Remedy = "get uses the other devices of the pool; jobs wait for each other sooner", replaceDevice(p, serial)
		}
		all = append(all, found)
	}
	return all
}

func foreign(o Online, p Profile, serial string) Finding {
	has := "none"
	if len(o.Devices) > 0 {
		has = fault.Printable(o.Devices[0])
	}
	return failure(fault.Refused, "", fmt.Sprintf("%s is not among the %d MFA devices of user %s (%s)", fault.Printable(serial), len(o.Devices), fault.Printable(o.User), has),
		noSession+" (\"unable to validate MFA code\")",
		command("add", p.Name)+" --serial ARN, with the seed of one of: aws iam list-mfa-devices --user-name "+fault.Shell(o.User))
}

func sessionRefused(_ Facts, p Profile) []Finding {
	return refusals(p.Online.Session, "get fails in every tool")
}

const (
	slow    = 500 * time.Millisecond // of one answer: a get needs about eight
	expires = 14 * 24 * time.Hour
)

// sharedCacheUnusable is about a shared cache without which hosts spend each other's codes.
func sharedCacheUnusable(f Facts, p Profile) []Finding {
	s := p.Sharing
	consequence := "each host gets sessions of its own, and of those that ask in the same half minute one succeeds"
	if s.Required {
		consequence = "no host gets a session, because required=true is set"
	}
	remedy := "check its address, TLS, user, password and permissions: ~PREFIX* +get +mget +set +del +eval +pttl; then run: " + Program + " doctor --online --profile NAME"
	switch {
	case s.Refused != nil:
		return []Finding{refusal(s.Refused, "no get that needs a new session succeeds")}
	case s.Failed != nil && s.Required:
		return []Finding{failure(fault.Network, s.Place, "the shared cache cannot be used: "+fault.Printable(s.Failed.Error()), consequence, remedy)}
	case s.Failed != nil:
		return []Finding{warning(s.Place, "the shared cache cannot be used: "+fault.Printable(s.Failed.Error()), consequence, remedy)}
	case !s.Asked && !s.Last.Failed.IsZero():
		what := fmt.Sprintf("the shared cache could not be used %s: %s", fault.Time(s.Last.Failed, f.Now), fault.Printable(s.Last.Cause))
		return []Finding{warning(s.Place, what, consequence, command("doctor --online", p.Name))}
	}
	return nil
}

// sharedCacheWeak is about a shared cache that is of use, and could be of more.
func sharedCacheWeak(f Facts, p Profile) (all []Finding) {
	s := p.Sharing
	if s.Plain && s.Place != "" && !strings.HasPrefix(s.Place, "127.") && !strings.HasPrefix(s.Place, "localhost:") && !strings.HasPrefix(s.Place, "[::1]:") {
		all = append(all, warning(s.Place, "the shared cache is reached without TLS", "its password travels in clear; sessions do not, they are sealed", "write rediss:// for redis:// in shared_cache"))
	}
	if left := s.Expires.Sub(f.Now); !s.Expires.IsZero() && left < expires {
		all = append(all, warning(s.Place, "the certificate of the shared cache expires "+fault.Time(s.Expires, f.Now), "then it cannot be used", "renew it"))
	}
	if s.Latency > slow {
		all = append(all, warning(s.Place, "the shared cache takes "+s.Latency.Round(time.Millisecond).String()+" for an answer", "a get that needs a new session asks it about eight times", "give it a nearer server, or one with less to do"))
	}
	if strings.HasPrefix(s.Policy, "allkeys-") {
		all = append(all, remark(s.Place, "the shared cache removes any key when its memory is full ("+s.Policy+")", "a code may then be sent twice, which AWS refuses", "set maxmemory-policy volatile-ttl, or give it more memory"))
	}
	return all
}
