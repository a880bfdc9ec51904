package session

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
)

// maxChained is the longest a role session can last that another session
// assumed: role chaining (STS API, AssumeRole) is limited to one hour.
const maxChained = time.Hour

// Plan says which credentials are wanted. Everything in it that changes
// which credentials come back is part of the sessions' ids.
type Plan struct {
	Partition   string // of the account: "aws", "aws-cn", ...
	Endpoint    string // an endpoint other than the partition's own, or ""
	AccessKeyID string // of the long-lived access key
	Serial      string // of the MFA device

	Duration time.Duration // of the base session
	Hops     []Hop         // roles to assume one from the other; none: the base session
}

// Hop is one role on the way from the base session.
type Hop struct {
	exchange.Role
	Duration time.Duration
}

// Direct reports whether the role is assumed with the access key and a code of its
// own: a single role that is wanted for longer than role chaining allows.
func (p Plan) Direct() bool {
	return len(p.Hops) == 1 && p.Hops[0].Duration > maxChained
}

// target is one session to have: the base session, or a role session.
type target struct {
	id       string // of the cached session: hex SHA-256 of all that identifies it
	scope    string // whose lock and books it falls under: the device or itself
	role     *exchange.Role
	duration time.Duration
	source   *target // the session that signs; nil: the access key, with a code
}

// target returns the session the plan ends with; its sources lead back to the
// access key.
func (p Plan) target() *target {
	root := digest("key", p.Partition, p.Endpoint, p.AccessKeyID, p.Serial)
	if p.Direct() {
		hop := p.Hops[0]
		return &target{id: hop.id("direct", root), scope: p.device(), role: &hop.Role, duration: hop.Duration}
	}
	t := &target{id: digest("base", root, seconds(p.Duration)), scope: p.device(), duration: p.Duration}
	for _, hop := range p.Hops {
		id := hop.id("chained", t.id)
		t = &target{id: id, scope: id, role: &hop.Role, duration: hop.Duration, source: t}
	}
	return t
}

// device names the scope of the MFA device.
func (p Plan) device() string { return DeviceScope(p.Serial) }

// DeviceScope names the scope, for Broker.Scope, of the MFA device serial: its lock and its
// books. Its codes are the same for all access keys and behind every endpoint, so neither is
// part of it.
func DeviceScope(serial string) string { return digest("device", serial) }

func (h Hop) id(kind, source string) string {
	return digest(kind, source, h.ARN, h.SessionName, h.ExternalID, seconds(h.Duration))
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// digest hashes the parts, each behind its length so that no two lists of parts
// give the same bytes.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))
}
