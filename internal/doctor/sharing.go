package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

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
