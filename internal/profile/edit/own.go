package edit

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"gopkg.in/ini.v1"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
)

// Own is what profiles.ini says about one profile itself; "" is what it does not say.
type Own struct {
	Store         string // where access key and seed rest, unless the next two say otherwise
	KeyStore      string
	SeedStore     string
	AccessKeyID   string
	Serial        string // of the MFA device, or of those of a pool, with white space between them
	MFAProcess    string // command that prints a token code
	RoleARN       string
	SourceProfile string
	ExternalID    string
	SessionName   string // of the role session
	Duration      string // as "12h", or in seconds
	Region        string
}

// WhereKey returns the store that has the access key, or "".
func (o Own) WhereKey() string { return cmp.Or(o.KeyStore, o.Store) }

// WhereSeed returns the store that has the seed, or "".
func (o Own) WhereSeed() string { return cmp.Or(o.SeedStore, o.Store) }

// SetStores records the stores of access key and seed; "" leaves one as it is.
func (o *Own) SetStores(key, seed string) {
	key, seed = cmp.Or(key, o.WhereKey()), cmp.Or(seed, o.WhereSeed())
	if key == seed {
		o.Store, o.KeyStore, o.SeedStore = key, "", ""
		return
	}
	o.Store, o.KeyStore, o.SeedStore = "", key, seed
}

// Devices returns the serials of the MFA devices.
func (o Own) Devices() []string { return strings.Fields(o.Serial) }

// Replace puts serial in the place of the device old; "" removes it.
func (o *Own) Replace(old, serial string) {
	all := o.Devices()
	if i := slices.Index(all, old); i >= 0 {
		all[i] = serial
	}
	o.Serial = strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), " ")
}

// Take makes serial a device of the profile: one more of a pool, or else the only one.
func (o *Own) Take(serial string, pool bool) {
	switch all := o.Devices(); {
	case slices.Contains(all, serial):
	case pool || len(all) > 1:
		o.Serial = strings.Join(append(all, serial), " ")
	default:
		o.Serial = serial
	}
}

// ForgetDevice drops the MFA device, and leaves the access key.
func (o *Own) ForgetDevice() {
	o.Serial, o.Store, o.KeyStore, o.SeedStore = "", "", o.WhereKey(), ""
}

// field is one setting and its key.
type field struct {
	key  string
	text *string
}

func (o *Own) fields() []field {
	return []field{
		{profile.KeyStore, &o.Store},
		{profile.KeyKeyStore, &o.KeyStore},
		{profile.KeySeedStore, &o.SeedStore},
		{profile.KeyAccessKeyID, &o.AccessKeyID},
		{profile.KeySerial, &o.Serial},
		{profile.KeyProcess, &o.MFAProcess},
		{profile.KeyRole, &o.RoleARN},
		{profile.KeySource, &o.SourceProfile},
		{profile.KeyExternalID, &o.ExternalID},
		{profile.KeySessionName, &o.SessionName},
		{profile.KeyDuration, &o.Duration},
		{profile.KeyRegion, &o.Region},
	}
}

// ReadOwn returns what profiles.ini says about the profile name, and whether it has a section for
// it. It fails with a *fault.Error of kind Config where Resolve would.
func ReadOwn(files *profile.Files, name string) (Own, bool, error) { return readOwn(files.Own, name) }

func readOwn(f *profile.File, name string) (o Own, ok bool, err error) {
	headers := f.Find(name)
	if err := f.Check(name); err != nil || len(headers) == 0 {
		return Own{}, false, err
	}
	text := "[section]"
	for _, h := range headers {
		text += "\n" + strings.Map(plainSpace, f.Data[h.Body:h.End])
	}
	parsed, err := ini.LoadSources(options(), []byte(text))
	if err != nil {
		return Own{}, false, f.Fault(headers[0].Line, "write each line as KEY = VALUE", "the section cannot be parsed")
	}
	section := parsed.Section("section")
	for _, field := range o.fields() {
		*field.text = section.Key(field.key).Value()
		if !isCommand(field.key) {
			*field.text = profile.Uncommented(*field.text)
		}
	}
	return o, true, nil
}

// plainSpace replaces what is white space for Python but not for ini.v1. It stands at the ends of keys
// and values only: inside, Check refuses it.
func plainSpace(r rune) rune {
	if 0x1c <= r && r <= 0x1f {
		return ' '
	}
	return r
}

// options switches off all of ini.v1 that the AWS tools do not have: continued lines, inline
// comments, quotation, child sections.
func options() ini.LoadOptions {
	return ini.LoadOptions{
		InsensitiveKeys:         true,
		IgnoreContinuation:      true,
		IgnoreInlineComment:     true,
		PreserveSurroundedQuote: true,
		KeyValueDelimiters:      "=:",
		ChildSectionDelimiter:   "\x00",
	}
}

// Sharing returns the names of the profiles whose section in profiles.ini names the MFA device
// with this serial, sorted. They share its seed.
func Sharing(files *profile.Files, serial string) []string {
	return having(files, profile.KeySerial, serial)
}

// SharingKey returns the names of the profiles whose section in profiles.ini names the access key
// with this id, sorted. Each has a copy of it.
func SharingKey(files *profile.Files, id string) []string {
	return having(files, profile.KeyAccessKeyID, id)
}

// AccessKeyIDs returns the ids of the access keys that sections of profiles.ini name, sorted.
func AccessKeyIDs(files *profile.Files) []string {
	return slices.Compact(slices.Sorted(maps.Values(values(files.Own, profile.KeyAccessKeyID))))
}

// having returns the names of the sections of profiles.ini in which key has the value wanted, perhaps among
// others.
func having(files *profile.Files, key, wanted string) []string {
	var names []string
	for name, v := range values(files.Own, key) {
		if slices.Contains(strings.Fields(v), wanted) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// values returns the value of key in each section that has it; the last one counts. Sections that
// Resolve would refuse count as well: what is used nowhere else may be deleted.
func values(f *profile.File, key string) map[string]string {
	values := make(map[string]string)
	for _, h := range f.Headers() {
		for _, n := range f.Statements(h) {
			if n.Key() == key {
				values[strings.Trim(h.Text, " \t")] = profile.Uncommented(n.Value())
			}
		}
	}
	return values
}

// Update changes what profiles.ini says about the profile name: change is called, under
// the lock, with what it says now, and leaves there what it shall say. Other keys of the
// section stay. A section without any key left goes, but not the comments in it.
func (e Editor) Update(ctx context.Context, name string, change func(*Own)) (Change, error) {
	return e.editOwn(ctx, name, func(edit *edit) error {
		before, _, err := readOwn(edit.file, name)
		if err != nil {
			return err
		}
		after := before
		change(&after)
		return edit.apply(before, after)
	})
}

// apply writes the difference.
func (e *edit) apply(before, after Own) error {
	deleted := false
	was := before.fields()
	for i, field := range after.fields() {
		if *field.text == *was[i].text {
			continue
		}
		var err error
		if *field.text == "" {
			deleted = true
			err = e.remove(field.key)
		} else {
			err = e.set(field.key, *field.text)
		}
		if err != nil {
			return err
		}
	}
	if deleted {
		return e.removeIfEmpty()
	}
	return nil
}

// Remove deletes the section of the profile name from profiles.ini: from its header to its
// last key, with the comments between them and the blank line before it. Comments behind
// the last key stay, as they may be about the next section.
//
// With it goes what Unregister needs to know, so that comes first.
func (e Editor) Remove(ctx context.Context, name string) (Change, error) {
	return e.editOwn(ctx, name, (*edit).removeSection)
}

// editOwn changes profiles.ini.
func (e Editor) editOwn(ctx context.Context, name string, work func(*edit) error) (Change, error) {
	if err := checkName(name); err != nil {
		return Change{}, err
	}
	return e.editFile(ctx, e.Paths.Own, func(t *target) error { return t.edit(profile.Plain, name, work) })
}

func (e Editor) editFile(ctx context.Context, path string, work func(*target) error) (Change, error) {
	all, err := e.transact(ctx, func(all []*target) error { return work(all[0]) }, path)
	if err != nil {
		return Change{}, err
	}
	return all[0].change(), nil
}

// edit has work change the section of the profile name, and keeps the outcome as the
// file's new content.
func (t *target) edit(d profile.Dialect, name string, work func(*edit) error) error {
	e, err := newEdit(t.path, d, t.new, name)
	if err != nil {
		return err
	}
	if err := work(e); err != nil {
		return err
	}
	t.new, err = e.content()
	return err
}

// RemoveStaticKey deletes the access key of the profile name, in all its parts and however
// often it stands there, from a file of the AWS tools. The other keys of the section and
// all comments stay; a section with no key left goes.
//
// A copy of the file as it was stays beside it, as NAME.aws-mfa-creds-backup, or with a number
// behind if there is one already, unless NoBackup is set. It is private, but it has the key in clear.
func (e Editor) RemoveStaticKey(ctx context.Context, file profile.Dialect, name string) (Change, error) {
	path := e.Paths.AWSCredentials
	if file == profile.AWSConfig {
		path = e.Paths.AWSConfig
	}
	return e.editFile(ctx, path, func(t *target) error {
		t.backup = !e.NoBackup
		return t.edit(file, name, (*edit).removeStaticKey)
	})
}

func (e *edit) removeStaticKey() error {
	before := len(e.file.Data)
	for _, key := range profile.StaticKeyNames() {
		if err := e.remove(key); err != nil {
			return err
		}
	}
	if len(e.file.Data) == before {
		return nil
	}
	return e.removeIfEmpty()
}
