package profile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// session finds out how long the base session is to last.
func (r *resolution) session(s *Settings) (err error) {
	s.Duration, err = r.lasts(r.identity(), false, defaultSession, maxSession)
	return err
}

// lasts returns how long the role of a link, or the base session of the identity, is to last. What the
// profile's sections say is about its role if they name one, and not about one that a flag names.
func (r *resolution) lasts(l link, role bool, byDefault, limit time.Duration) (time.Duration, error) {
	var v value
	var err error
	if role == (l.get(KeyRole).text != "") {
		if v, err = l.duration(); err != nil {
			return 0, err
		}
	}
	if role || l.role.text == "" {
		v = flag(l.Flags.Duration, "--duration", v)
	}
	return r.duration(v, byDefault, limit)
}

// duration returns the duration that the profile's sections give: "duration" is the
// name in profiles.ini, "duration_seconds" that of the AWS config.
func (l link) duration() (value, error) {
	short, long := l.own().get(KeyDuration).uncommented(), l.own().get(KeySeconds).uncommented()
	switch {
	case short.text != "" && long.text != "":
		return value{}, fault.New(fault.Config, short.place(), "delete one of them", "duration and duration_seconds are both set")
	case short.text != "":
		return short, nil
	}
	return l.get(KeySeconds).uncommented(), nil
}

// roles finds out the roles, from the identity outwards.
func (r *resolution) roles(s *Settings) error {
	if err := r.checkFlags(); err != nil {
		return err
	}
	assumed := slices.DeleteFunc(slices.Clone(r.chain), func(l link) bool { return l.role.text == "" })
	limit := maxRole
	if len(assumed) > 1 {
		limit = maxChained
	}
	for _, l := range slices.Backward(assumed) {
		role, err := r.role(l, limit)
		if err != nil {
			return err
		}
		s.Roles = append(s.Roles, role)
	}
	return nil
}

// checkFlags refuses flags that are about a role where there is none.
func (r *resolution) checkFlags() error {
	asked := r.chain[0]
	if asked.role.text != "" {
		return nil
	}
	for _, v := range []value{{text: asked.Flags.ExternalID, source: "--external-id"}, {text: asked.Flags.RoleSessionName, source: "--role-session-name"}} {
		if v.text != "" {
			return fault.New(fault.Usage, v.source, "give --role-arn as well, or set role_arn for the profile", "there is no role to assume")
		}
	}
	return nil
}

// role reads the role of a link, which may last as long as limit.
func (r *resolution) role(l link, limit time.Duration) (role creds.Role, err error) {
	if role.ARN, err = checkRole(l.role); err != nil {
		return role, err
	}
	name := flag(l.Flags.RoleSessionName, "--role-session-name", l.get(KeySessionName).uncommented())
	external := flag(l.Flags.ExternalID, "--external-id", l.get(KeyExternalID).uncommented())
	role.SessionName = sessionName
	// The limits and characters are those of the STS API.
	for _, text := range []struct {
		value
		to      *string
		longest int
		others  string
	}{
		{name, &role.SessionName, 64, "+=,.@-_"},
		{external, &role.ExternalID, 1224, "+=,.@:/-_"},
		{l.get(KeySourceIdentity).uncommented(), &role.SourceIdentity, 64, "+=,.@-_"},
	} {
		if text.text == "" {
			continue
		}
		if err := checkText(text.value, text.longest, text.others); err != nil {
			return role, err
		}
		*text.to = text.text
	}
	if err := l.tags(&role); err != nil {
		return role, err
	}
	role.Duration, err = r.lasts(l, true, defaultRole, limit)
	return role, err
}

// flag returns the value of a flag if it is given, and v if not.
func flag(text, name string, v value) value {
	if text == "" {
		return v
	}
	return value{text: text, source: name}
}

func checkText(v value, longest int, others string) error {
	if len(v.text) < 2 || len(v.text) > longest {
		return fault.New(v.kind(), v.place(), "correct it", "%s has %d characters, not 2 to %d", v.quoted(), len(v.text), longest)
	}
	if cause := strangeCharacter(v.quoted(), v.text, others); cause != "" {
		return fault.New(v.kind(), v.place(), "use letters, digits and "+strings.Join(strings.Split(others, ""), " "), "%s", cause)
	}
	return nil
}

// tags reads the session tags of a role as aws-vault has them: session_tags = KEY=VALUE,... and
// transitive_session_tags = KEY,... The limits are those of the STS API (AssumeRole, Tag).
func (l link) tags(role *creds.Role) error {
	all, transitive := l.get(KeyTags).uncommented(), l.get(KeyTransitive).uncommented()
	has := func(key string) bool {
		return slices.ContainsFunc(role.Tags, func(t creds.Tag) bool { return strings.EqualFold(t.Key, key) })
	}
	for _, text := range items(all.text) {
		key, val, ok := strings.Cut(text, "=")
		tag := creds.Tag{Key: strings.TrimSpace(key), Value: strings.TrimSpace(val)}
		cause := tagProblem(tag)
		switch {
		case !ok:
			cause = "is not a list of KEY=VALUE, with commas between"
		case cause == "" && has(tag.Key):
			cause = "has the tag " + strconv.Quote(tag.Key) + " twice"
		}
		if cause != "" {
			return fault.New(all.kind(), all.place(), "write it as session_tags = KEY=VALUE,KEY=VALUE", "%s %s", all.quoted(), cause)
		}
		role.Tags = append(role.Tags, tag)
	}
	if len(role.Tags) > maxTags {
		return fault.New(all.kind(), all.place(), "delete some", "there are %d session tags, and AWS takes %d", len(role.Tags), maxTags)
	}
	for _, key := range items(transitive.text) {
		if key = strings.TrimSpace(key); key == "" {
			continue
		}
		if !slices.ContainsFunc(role.Tags, func(t creds.Tag) bool { return t.Key == key }) {
			return fault.New(transitive.kind(), transitive.place(), "add it to session_tags, or delete it", "%q is not one of the session tags", Shorten(key))
		}
		role.TransitiveTags = append(role.TransitiveTags, key)
	}
	slices.SortFunc(role.Tags, func(a, b creds.Tag) int { return strings.Compare(a.Key, b.Key) })
	role.TransitiveTags = sorted(role.TransitiveTags)
	return nil
}

const maxTags = 50

// items returns the items of a list with commas between; none of an empty text.
func items(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// tagProblem completes what AWS would refuse about a tag, or is "".
func tagProblem(t creds.Tag) string {
	strange := func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r)
	}
	switch {
	case t.Key == "" || utf8.RuneCountInString(t.Key) > 128:
		return "has a key that is not 1 to 128 characters long"
	case utf8.RuneCountInString(t.Value) > 256:
		return "has a value of more than 256 characters"
	case strings.ContainsFunc(t.Key+t.Value, strange):
		return "has a character other than letters, digits, spaces and _ . : / = + - @"
	case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
		return "has a key that begins with aws:, which only AWS may set"
	}
	return ""
}

// The limits of STS for DurationSeconds.
const (
	minDuration    = 900 * time.Second
	maxSession     = 129600 * time.Second // GetSessionToken
	maxRole        = 43200 * time.Second  // AssumeRole
	maxChained     = time.Hour            // AssumeRole from another session
	defaultSession = 12 * time.Hour
	defaultRole    = time.Hour
)

// ParseDuration reads a duration as --duration takes it. What is none is a *fault.Error of kind
// Usage about flag.
func ParseDuration(flag, text string) (time.Duration, error) {
	d, ok := parseDuration(text)
	if !ok {
		return 0, fault.New(fault.Usage, flag, "write it as 1h, 90m or 3600", "%q is not a duration", Shorten(text))
	}
	return d, nil
}

// parseDuration reads "12h", "1h30m" or whole seconds. Fractions, signs, exponents
// and zero are refused, as is what no Duration can hold.
func parseDuration(text string) (time.Duration, bool) {
	if strings.Trim(text, "0123456789hms") != "" {
		return 0, false
	}
	if strings.Trim(text, "0123456789") == "" {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0 && d%time.Second == 0
}

// duration reads v, or takes byDefault if v is not set. It brings it into the limits, and notes that.
func (r *resolution) duration(v value, byDefault, limit time.Duration) (time.Duration, error) {
	if v.text == "" {
		return byDefault, nil
	}
	d, ok := parseDuration(v.text)
	typed := v.kind() == fault.Usage
	if !ok || typed && (d < minDuration || d > limit) {
		return 0, fault.New(v.kind(), v.place(), "write it as 12h, 90m or in seconds",
			"%s is not a duration from %s to %s", v.quoted(), fault.Duration(minDuration), fault.Duration(limit))
	}
	within := min(max(d, minDuration), limit)
	if within != d {
		r.note(fmt.Sprintf("%s: %s is outside %s to %s, so %s is used",
			v.place(), v.quoted(), fault.Duration(minDuration), fault.Duration(limit), fault.Duration(within)))
	}
	return within, nil
}
