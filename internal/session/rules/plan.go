package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
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

	// Others are the serials of the further devices of a pool. Serial stands for all of them in the ids of
	// sessions: they are the user's, whichever device they were made with.
	Others []string

	// Route is how AWS is reached, region included. It changes an answer, but not what comes back.
	Route string

	Duration time.Duration // of the base session
	Roles    []creds.Role  // to assume one from the other; none: the base session
}

// Target is one session to have: the base session, or a role session.
type Target struct {
	ID       string      // of the cached session: hex SHA-256 of all that identifies it
	Scope    string      // whose lock and record it falls under: the only device or itself
	Role     *creds.Role // nil: the base session
	Duration time.Duration
	Source   *Target // the session that signs; nil: the access key, with a code
}

// Target returns the session the plan ends with; its sources lead back to the
// access key.
func (p Plan) Target() *Target {
	root := digest("key", p.Partition, p.Endpoint, p.AccessKeyID, p.Serial)
	scope := func(id string) string {
		if len(p.Others) > 0 {
			return id
		}
		return DeviceScope(p.Serial)
	}
	if len(p.Roles) == 1 && p.Roles[0].Duration > maxChained { // longer than role chaining allows: with the access key and a code
		role := &p.Roles[0]
		id := roleID("direct", root, role)
		return &Target{ID: id, Scope: scope(id), Role: role, Duration: role.Duration}
	}
	id := digest("base", root, seconds(p.Duration))
	t := &Target{ID: id, Scope: scope(id), Duration: p.Duration}
	for i := range p.Roles {
		role := &p.Roles[i]
		id := roleID("chained", t.ID, role)
		t = &Target{ID: id, Scope: id, Role: role, Duration: role.Duration, Source: t}
	}
	return t
}

// Devices returns the serials of all MFA devices.
func (p Plan) Devices() []string { return append([]string{p.Serial}, p.Others...) }

// Mark returns the mark of what AWS is asked with along the route: secrets, or the session that signs.
func (p Plan) Mark(with ...string) string { return digest(append(with, p.Route)...) }

// CodeMark returns the mark of a token code, keyed with the secret access key that it is sent with.
func CodeMark(secret, code string) string { return digest("code", secret, code) }

// DeviceScope names the scope of the MFA device serial: its lock and its record. Its codes are
// the same for all access keys and behind every endpoint, so neither is part of it.
func DeviceScope(serial string) string { return digest("device", serial) }

// roleID keeps the ids of roles without source identity and tags as they were before there were any.
func roleID(kind, source string, r *creds.Role) string {
	parts := []string{kind, source, r.ARN, r.SessionName, r.ExternalID, seconds(r.Duration)}
	if r.SourceIdentity != "" || len(r.Tags) > 0 {
		parts = append(parts, r.SourceIdentity)
		for _, tag := range r.Tags {
			parts = append(parts, "tag", tag.Key, tag.Value)
		}
		for _, key := range r.TransitiveTags {
			parts = append(parts, "transitive", key)
		}
	}
	return digest(parts...)
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
