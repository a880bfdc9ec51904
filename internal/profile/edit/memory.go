package edit

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// memory is what register has done to a profile of the AWS config. It rests in
// profiles.ini, as the value of registered, and not in the AWS config itself, where SDK
// for .NET suffers nothing beside the registration.
type memory struct {
	Section bool              `json:"section,omitempty"` // register made the section
	Set     map[string]string `json:"set,omitempty"`     // what it wrote, by key
	Was     map[string]string `json:"was,omitempty"`     // whole lines that it replaced, by key
}

func (m memory) empty() bool { return !m.Section && len(m.Set) == 0 }

// wrote reports whether register gave key this value.
func (m memory) wrote(key, text string) bool {
	set, ok := m.Set[key]
	return ok && set == text
}

// keep remembers that key was set to text, in the place of the line was, if it is not "".
func (m *memory) keep(key, text, was string) {
	if m.Set == nil {
		m.Set = make(map[string]string)
	}
	m.Set[key] = text
	if was == "" {
		return
	}
	if m.Was == nil {
		m.Was = make(map[string]string)
	}
	m.Was[key] = was
}

// recall reads what is remembered of the profile in profiles.ini.
func recall(own *edit) (memory, error) {
	var m memory
	n, ok := own.last(profile.KeyRegistered)
	if !ok {
		return m, nil
	}
	if err := json.Unmarshal([]byte(n.Value()), &m); err != nil || len(n.More) > 0 || !m.plain() {
		return memory{}, own.file.Fault(n.Offset, "delete the line, and edit the AWS config by hand", "what register did cannot be read")
	}
	return m, nil
}

// plain reports whether what m would bring back are single lines.
func (m memory) plain() bool {
	for _, was := range m.Was {
		if strings.ContainsAny(was, "\r\n\x00") {
			return false
		}
	}
	return true
}

// remember writes m, or deletes the line if there is nothing to remember.
func (m memory) remember(own *edit) error {
	if m.empty() {
		if err := own.remove(profile.KeyRegistered); err != nil {
			return err
		}
		return own.removeIfEmpty()
	}
	for key, was := range m.Was {
		if !utf8.ValidString(was) {
			return fault.New(fault.Config, key, "save the AWS config as UTF-8", "the line that register would replace is not UTF-8")
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return own.set(profile.KeyRegistered, escapeJSON(text))
}

// escapeJSON escapes what cannot stand in a line of profiles.ini. None of it is a part of
// JSON's own syntax, so it can only be in a string.
func escapeJSON(text []byte) string {
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r > '\uffff':
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		case r == '#' || r == ';' || r > '~':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
