package edit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// Registration is what register writes into a profile of the AWS config: a command for the
// SDKs to run, or a role for them to assume. Exactly one of Command and RoleARN is set.
type Registration struct {
	Command string // credential_process, as CommandLine makes it

	SourceProfile string // whose credentials assume the role
	profile.Flags        // the role, with its duration in seconds; what is "" is left to the SDK

	// Region and Output, if they are not "", are written where the profile does not have
	// them yet.
	Region string
	Output string
}

// Registered is what Register or Unregister has done, or with DryRun would do.
type Registered struct {
	Config Change // of the AWS config
	Own    Change // of profiles.ini, which remembers what was there before

	// Others are the keys of the profile beside those of the registration, sorted. SDK
	// for .NET refuses such a profile, and with static keys, role_arn or source_profile
	// among them most SDKs do not run the command.
	Others []string
}

// Register writes r into the profile name of the AWS config, and makes the profile if it
// is not there. What it adds and replaces is remembered in profiles.ini, for Unregister. To
// register again updates what register wrote, and nothing else.
//
// A section that SDKs do not agree on, such as that of [ profile x ], is a *fault.Error of kind
// Config.
func (e Editor) Register(ctx context.Context, name string, r Registration) (Registered, error) {
	return e.editBoth(ctx, name, func(aws, own *edit) error {
		if err := aws.checkSection(); err != nil {
			return err
		}
		past, err := recall(own)
		if err != nil {
			return err
		}
		now, err := aws.register(r, past)
		if err != nil {
			return err
		}
		return now.remember(own)
	}, r.keys())
}

// Unregister takes back what Register did: lines that it added go, those that it replaced
// come back as they were, and a section that it made goes if nothing else is in it. A value
// that was changed by hand since is not touched. If nothing is remembered, as for a profile that was
// written by hand, only a credential_process that runs this program goes.
func (e Editor) Unregister(ctx context.Context, name string) (Registered, error) {
	return e.editBoth(ctx, name, func(aws, own *edit) error {
		past, err := recall(own)
		if err != nil {
			return err
		}
		if n, ok := aws.last(profile.KeyCommand); ok && !past.wrote(profile.KeyCommand, n.Value()) {
			if home := OtherHome(n.Value(), e.Paths.Own); home != "" {
				return aws.file.Fault(n.Offset, "run: env "+fault.Shell(home)+" "+profile.Program+" unregister --profile "+fault.Shell(name), "the profile is registered with other settings (%s)", home)
			}
		}
		if err := aws.unregister(past); err != nil {
			return err
		}
		if err := own.remove(profile.KeyRegistered); err != nil || past.empty() {
			return err
		}
		return own.removeIfEmpty()
	}, nil)
}

// editBoth changes the profile's sections in both files.
func (e Editor) editBoth(ctx context.Context, name string, work func(aws, own *edit) error, known []string) (Registered, error) {
	if err := checkName(name); err != nil {
		return Registered{}, err
	}
	var others []string
	// The memory, in profiles.ini, takes its place first: without it, what was replaced would be lost.
	all, err := e.transact(ctx, func(all []*target) error {
		return all[1].edit(profile.AWSConfig, name, func(aws *edit) error {
			err := all[0].edit(profile.Plain, name, func(own *edit) error { return work(aws, own) })
			others = aws.keys(known)
			return err
		})
	}, e.Paths.Own, e.Paths.AWSConfig)
	if err != nil {
		return Registered{}, err
	}
	return Registered{Own: all[0].change(), Config: all[1].change(), Others: others}, nil
}

// keys are those that a registration may consist of. For .NET nothing else may be beside a
// command.
func (r Registration) keys() []string {
	if r.Command != "" {
		return []string{profile.KeyCommand, profile.KeyRegion, profile.KeyOutput}
	}
	return []string{profile.KeyRole, profile.KeySource, profile.KeyExternalID, profile.KeySessionName, profile.KeySeconds, profile.KeyRegion, profile.KeyOutput}
}

// lines are the keys that are written in any case, and their values.
func (r Registration) lines() [][2]string {
	all := [][2]string{
		{profile.KeyCommand, r.Command},
		{profile.KeyRole, r.RoleARN},
		{profile.KeySource, r.SourceProfile},
		{profile.KeyExternalID, r.ExternalID},
		{profile.KeySessionName, r.RoleSessionName},
		{profile.KeySeconds, r.Duration},
	}
	return slices.DeleteFunc(all, func(l [2]string) bool { return l[1] == "" })
}

// register writes the registration and returns what is to be remembered of it.
func (e *edit) register(r Registration, past memory) (memory, error) {
	wanted := r.lines()
	now := memory{Section: past.Section || len(e.file.Spellings(e.name)) == 0}
	for _, l := range [][2]string{{profile.KeyRegion, r.Region}, {profile.KeyOutput, r.Output}} {
		if l[1] != "" && e.free(l[0], past) {
			wanted = append(wanted, l)
		}
	}
	for _, l := range wanted {
		if err := e.registerLine(l[0], l[1], past, &now); err != nil {
			return memory{}, err
		}
	}
	return now, e.settle(past, &now)
}

// free reports whether register may write the key: nobody else has.
func (e *edit) free(key string, past memory) bool {
	n, ok := e.last(key)
	return !ok || past.wrote(key, n.Value())
}

// registerLine sets key and remembers what stood there before register came.
func (e *edit) registerLine(key, text string, past memory, now *memory) error {
	n, ok := e.last(key)
	switch {
	case ok && len(n.More) > 0:
		return e.file.CheckSingle(n)
	case ok && past.wrote(key, n.Value()):
		now.keep(key, text, past.Was[key])
	case ok && reads(n, e.restated(n, key, text)):
		return nil // it was there before, and is not ours to take away
	case ok:
		was := e.file.Data[n.Offset:textEnd(e.file.Data, n.Offset)]
		if !utf8.ValidString(was) { // it could not be remembered
			return e.file.Fault(n.Offset, "save the file as UTF-8", "the value is not UTF-8")
		}
		now.keep(key, text, was)
	default:
		now.keep(key, text, "")
	}
	return e.set(key, text)
}

// settle deals with what register wrote formerly and is not asked for now. A region and an
// output stay. What belongs to the other form of registration, or to a role of other terms, is
// taken back, because no SDK accepts both forms in one profile.
func (e *edit) settle(past memory, now *memory) error {
	for _, key := range slices.Sorted(maps.Keys(past.Set)) {
		text := past.Set[key]
		n, ok := e.last(key)
		if _, again := now.Set[key]; again || !ok || n.Value() != text {
			continue
		}
		if key == profile.KeyRegion || key == profile.KeyOutput {
			now.keep(key, text, past.Was[key])
			continue
		}
		if err := e.takeBack(key, text, past); err != nil {
			return err
		}
	}
	return nil
}

// ReadRegistration returns what Register has written into the profile name of the AWS config and nobody has
// changed since, but for region and output, and whether Register has written anything there at all. A memory
// that cannot be read is a *fault.Error of kind Config.
func ReadRegistration(files *profile.Files, name string) (r Registration, ok bool, err error) {
	past, err := recall(&edit{name: name, file: files.Own})
	if err != nil {
		return r, false, err
	}
	text := func(key string) string {
		if n, ok := files.AWS.Last(name, key); ok && past.wrote(key, n.Value()) {
			return n.Value()
		}
		return ""
	}
	role := profile.Flags{RoleARN: text(profile.KeyRole), RoleSessionName: text(profile.KeySessionName), ExternalID: text(profile.KeyExternalID), Duration: text(profile.KeySeconds)}
	return Registration{Command: text(profile.KeyCommand), SourceProfile: text(profile.KeySource), Flags: role}, !past.empty(), nil
}

func (e *edit) unregister(past memory) error {
	if n, ok := e.last(profile.KeyCommand); ok && profile.Ours(n.Value()) {
		// Also if somebody has changed the path of the program in it.
		past.keep(profile.KeyCommand, n.Value(), past.Was[profile.KeyCommand])
	}
	for _, key := range slices.Sorted(maps.Keys(past.Set)) {
		if err := e.takeBack(key, past.Set[key], past); err != nil {
			return err
		}
	}
	if past.Section {
		return e.removeIfEmpty()
	}
	return nil
}

// takeBack undoes one line, if it still is as register wrote it.
func (e *edit) takeBack(key, text string, past memory) error {
	n, ok := e.last(key)
	if !ok || n.Value() != text || len(n.More) > 0 {
		return nil
	}
	data, was := e.file.Data, past.Was[key]
	if was == "" {
		return e.rescan(cutLine(data, n.Offset))
	}
	return e.splice(data, n.Offset, textEnd(data, n.Offset), was)
}

// keys returns the keys in all spellings of the section but some, sorted, each once.
func (e *edit) keys(without []string) []string {
	var keys []string
	for _, n := range e.file.Statements(e.file.Spellings(e.name)...) {
		if key := n.Key(); key != "" && !slices.Contains(without, key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

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
	for _, lines := range []map[string]string{m.Set, m.Was} {
		for key, text := range lines {
			if strings.ContainsAny(key+text, "\r\n\x00") {
				return false
			}
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
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return own.set(profile.KeyRegistered, string(ASCII(text, "#;"))) // which some readers take for comments
}

// ASCII escapes in JSON what is not printable ASCII, so that nothing in it acts on a terminal, and the characters
// of also. None of these may be part of JSON's own syntax.
func ASCII(text []byte, also string) []byte {
	var out []byte
	for _, r := range string(text) {
		if r < 0x7f && !strings.ContainsRune(also, r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}
