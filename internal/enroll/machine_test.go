package enroll

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/atomicfile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/ledger"
)

// scope taps the books.
type scope struct {
	s *stage
	*cache.Scope
}

func (x scope) Save(r ledger.Record) error {
	return x.s.tap("books", func() error { return x.Scope.Save(r) })
}

// write replaces a file, as the stores and settings do.
func (s *stage) write(name string, data []byte) error {
	return s.tap("write "+name, func() error {
		return atomicfile.Dir{Root: s.root, Rand: rand.Reader}.Write(name, data, atomicfile.Options{})
	})
}

func (s *stage) remove(name string) error {
	return s.tap("remove "+name, func() error {
		if err := s.root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// fileStore is a keystore.Store of one file for each item.
type fileStore struct{ s *stage }

func file(name string) string { return strings.NewReplacer(":", "_", "/", "_").Replace(name) + ".item" }

func (f fileStore) Get(_ context.Context, name string) (creds.Secret, error) {
	text, err := f.s.root.ReadFile(file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return creds.Secret{}, fault.New(fault.NoSecret, name, "", "nothing is stored")
	}
	return creds.NewSecret(string(text)), err
}

func (f fileStore) Put(_ context.Context, name string, value creds.Secret) error {
	return f.s.write(file(name), []byte(value.Reveal()))
}

func (f fileStore) Delete(_ context.Context, name string) error { return f.s.remove(file(name)) }

// keys are the two slots of the profile work.
type keys struct{ items keystore.Items }

func (k keys) AccessKey(ctx context.Context) (creds.AccessKey, error) {
	return k.items.AccessKey(ctx, "work")
}

// Sharing is the profile other as well, once it has a copy of the key.
func (k keys) Sharing(ctx context.Context) ([]string, error) {
	if _, err := k.items.AccessKey(ctx, "other"); missing(err) {
		return []string{"work"}, nil
	} else if err != nil {
		return nil, err
	}
	return []string{"other", "work"}, nil
}

func (k keys) PutAccessKey(ctx context.Context, profiles []string, key creds.AccessKey) error {
	for _, name := range profiles {
		if err := k.items.PutAccessKey(ctx, name, key); err != nil {
			return err
		}
	}
	return nil
}

func (k keys) NewKey(ctx context.Context) (creds.AccessKey, error) {
	return k.items.AccessKey(ctx, "new:work")
}

func (k keys) PutNewKey(ctx context.Context, _ []string, key creds.AccessKey) error {
	return k.items.PutAccessKey(ctx, "new:work", key)
}

func (k keys) DeleteNewKey(ctx context.Context, _ []string) error {
	return k.items.DeleteAccessKey(ctx, "new:work")
}

// settings are those of the profiles work and other.
type settings struct{ s *stage }

type profiles struct {
	Work, Other, KeyID string
	OtherKeyID         string   `json:",omitempty"`
	Third              string   `json:",omitempty"` // the access key of a profile that has nothing to do with work
	Stores             []string `json:",omitempty"` // that have copies of seeds
}

func (x settings) load() (p profiles, err error) {
	text, err := x.s.root.ReadFile("profiles")
	if errors.Is(err, fs.ErrNotExist) {
		return profiles{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	return p, err
}

func (x settings) update(change func(*profiles)) error {
	p, err := x.load()
	if err != nil {
		return err
	}
	change(&p)
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return x.s.write("profiles", text)
}

func (x settings) Serial(context.Context) (string, error) {
	p, err := x.load()
	return p.Work, err
}

func (x settings) SetSerial(_ context.Context, serial string) error {
	return x.update(func(p *profiles) { p.Work = serial })
}

func (x settings) ReplaceSerial(_ context.Context, old, serial string) error {
	return x.update(func(p *profiles) {
		for _, one := range []*string{&p.Work, &p.Other} {
			if *one == old {
				*one = serial
			}
		}
	})
}

func (x settings) SetAccessKeyID(_ context.Context, sharing []string, old, id string) error {
	return x.update(func(p *profiles) {
		p.KeyID = id
		if slices.Contains(sharing, "other") && p.OtherKeyID == old {
			p.OtherKeyID = id
		}
	})
}

func (x settings) SeedStores(context.Context, string) ([]string, error) {
	p, err := x.load()
	return p.Stores, err
}

func (x settings) AccessKeyIDs(context.Context) ([]string, error) {
	p, err := x.load()
	return []string{p.KeyID, p.OtherKeyID, p.Third}, err
}

// seeds are the seeds in the store of the profile work, and in those of others: prefixed there.
type seeds struct{ keystore.Items }

func (x seeds) DeleteCopy(ctx context.Context, store, serial string) error {
	return x.Store.Delete(ctx, store+":"+keystore.SeedName(serial))
}

type journal struct{ s *stage }

func (j journal) TryLock() (func(), bool, error) {
	if j.s.locked {
		return nil, false, nil
	}
	j.s.locked = true
	return func() { j.s.locked = false }, true, nil
}

func (j journal) Load(about Subject) (Entry, error) {
	text, err := j.s.root.ReadFile(string(about) + ".journal")
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, nil
	}
	if err != nil {
		return Entry{}, err
	}
	return ParseEntry(text)
}

func (j journal) Save(e Entry) error {
	text, err := MarshalEntry(e)
	if err != nil {
		return err
	}
	return j.s.write(string(e.About)+".journal", text)
}

func (j journal) Clear(about Subject) error { return j.s.remove(string(about) + ".journal") }

// steppedClock is the clock of both sides.
type steppedClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *steppedClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *steppedClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
