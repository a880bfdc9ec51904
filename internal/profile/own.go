package profile

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// Own is what profiles.ini says about one profile itself; "" is what it does not say.
type Own struct {
	Store         string // where access key and seed rest, unless the next two say otherwise
	KeyStore      string
	SeedStore     string
	AccessKeyID   string
	Serial        string // of the MFA device
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

// field is one setting and its key.
type field struct {
	key  string
	text *string
}

func (o *Own) fields() []field {
	return []field{
		{keyStore, &o.Store},
		{keyKeyStore, &o.KeyStore},
		{keySeedStore, &o.SeedStore},
		{keyAccessKeyID, &o.AccessKeyID},
		{keySerial, &o.Serial},
		{keyProcess, &o.MFAProcess},
		{keyRole, &o.RoleARN},
		{keySource, &o.SourceProfile},
		{keyExternalID, &o.ExternalID},
		{keySessionName, &o.SessionName},
		{keyDuration, &o.Duration},
		{keyRegion, &o.Region},
	}
}

// Own returns what profiles.ini says about the profile name, and whether it has a
// section for it.
func (f *Files) Own(name string) (Own, bool, error) { return f.own.settings(name) }

func (f *file) settings(name string) (o Own, ok bool, err error) {
	s, err := f.section(name)
	if s == nil || err != nil {
		return Own{}, false, err
	}
	for _, field := range o.fields() {
		v := s.get(field.key)
		if !isCommand(field.key) {
			v = v.uncommented()
		}
		*field.text = v.text
	}
	return o, true, nil
}

// Sharing returns the names of the profiles whose section in profiles.ini names the MFA
// device with this serial, sorted. They share its seed.
func (f *Files) Sharing(serial string) []string { return f.own.having(keySerial, serial) }

// SharingKey returns the names of the profiles whose section in profiles.ini names the access key
// with this id, sorted. Each has a copy of it.
func (f *Files) SharingKey(id string) []string { return f.own.having(keyAccessKeyID, id) }

// AccessKeyIDs returns the ids of the access keys that sections of profiles.ini name, sorted.
func (f *Files) AccessKeyIDs() []string {
	return slices.Compact(slices.Sorted(maps.Values(f.own.values(keyAccessKeyID))))
}

// having returns the names of the sections in which key has the value wanted.
func (f *file) having(key, wanted string) []string {
	var names []string
	for name, v := range f.values(key) {
		if v == wanted {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// values returns the value of key in each section that has it; the last one counts.
func (f *file) values(key string) map[string]string {
	values := make(map[string]string)
	for _, h := range f.headers {
		name := string(f.bytes(h.name))
		for _, n := range statements(f.data, h) {
			if n.key() == key {
				values[name] = value{text: n.value()}.uncommented().text
			}
		}
	}
	return values
}

// Update changes what profiles.ini says about the profile name: change is called, under
// the lock, with what it says now, and leaves there what it shall say; its error ends the
// update. Other keys of the section stay. A section without any key left goes, but not the
// comments in it.
func (e Editor) Update(ctx context.Context, name string, change func(*Own) error) (Change, error) {
	return e.editOwn(ctx, name, func(edit *edit) error {
		before, _, err := edit.file.settings(name)
		if err != nil {
			return err
		}
		after := before
		if err := change(&after); err != nil {
			return err
		}
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
	var t *target
	err := e.transact(ctx, func() (_ []*target, err error) {
		if t, err = openTarget(e.Paths.Own, true); err != nil {
			return nil, err
		}
		return []*target{t}, t.edit(ownConfig, name, work)
	})
	if err != nil {
		return Change{}, err
	}
	return t.change(), nil
}

// edit has work change the section of the profile name, and keeps the outcome as the
// file's new content.
func (t *target) edit(d dialect, name string, work func(*edit) error) error {
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
