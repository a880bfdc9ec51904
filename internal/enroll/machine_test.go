package enroll

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

// paths are those of the files of settings.
func (s *stage) paths() profile.Paths {
	return profile.Paths{Own: filepath.Join(s.dir, "profiles.ini")}
}

func (s *stage) resolve(name string) (profile.Settings, error) {
	files, err := profile.Load(s.paths())
	if err != nil {
		return profile.Settings{}, err
	}
	return files.Resolve(profile.Call{Profile: name}, profile.Env{Getenv: none, Identity: true})
}

func none(string) string { return "" }

// own returns what profiles.ini says of a profile.
func (s *stage) own(name string) edit.Own {
	s.t.Helper()
	files, err := profile.Load(s.paths())
	s.must(err)
	own, _, err := edit.ReadOwn(files, name)
	s.must(err)
	return own
}

// edit changes what profiles.ini says of a profile.
func (s *stage) edit(name string, change func(*edit.Own)) {
	s.t.Helper()
	_, err := edit.Editor{Paths: s.paths()}.Update(s.t.Context(), name, change)
	s.must(err)
}

// serial is that of the profile's device.
func (s *stage) serial() string {
	s.t.Helper()
	serial, err := s.manager().serial()
	s.must(err)
	return serial
}

// open opens a store by its name: each is an age store, in a directory of that name.
func (s *stage) open(store string) (keystore.Items, error) {
	age := keystore.Age(keystore.Options{Dir: filepath.Join(s.dir, "stores", store), Now: s.clock.now})
	return keystore.Items{Store: tappedStore{s, age}}, nil
}

// itemsIn opens a store.
func (s *stage) itemsIn(store string) keystore.Items {
	items, err := s.open(store)
	s.must(err)
	return items
}

// files lists the items of all stores whose file's name begins so: STORE/FILE.
func (s *stage) files(prefix string) (found []string) {
	s.t.Helper()
	all, err := filepath.Glob(filepath.Join(s.dir, "stores", "*", prefix+"-*.age"))
	s.must(err)
	for _, path := range all {
		found = append(found, filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path))
	}
	slices.Sort(found)
	return found
}

// tappedStore is a store whose changes pass the stage's tap.
type tappedStore struct {
	s *stage
	keystore.Store
}

func (x tappedStore) Put(ctx context.Context, name string, value creds.Secret) error {
	return x.s.tap("write "+name, func() error { return x.Store.Put(ctx, name, value) })
}

func (x tappedStore) Delete(ctx context.Context, name string) error {
	return x.s.tap("remove "+name, func() error { return x.Store.Delete(ctx, name) })
}

// tapLog makes effects of what is logged about journal and settings, once it has been written.
type tapLog struct {
	slog.Handler
	s *stage
}

func (tapLog) Enabled(context.Context, slog.Level) bool { return true }

func (x tapLog) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "journal ") || strings.HasPrefix(r.Message, "settings ") {
		name := r.Message
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "phase" {
				name += ": " + a.Value.String()
			}
			return true
		})
		x.s.side(name, true)
	}
	return nil
}

// journals returns what the files of the journal hold.
func (s *stage) journals() (texts []string) {
	all, err := filepath.Glob(filepath.Join(s.dir, "unfinished", "*.json"))
	s.must(err)
	for _, path := range all {
		text, err := os.ReadFile(path)
		s.must(err)
		texts = append(texts, string(text))
	}
	return texts
}

// clockBook keeps the measured clock in the cache.
type clockBook struct{ s *stage }

func (c clockBook) LoadClock() rules.Clock { return c.s.cache.LoadClock("clock") }

func (c clockBook) SaveClock(clock rules.Clock) error { return c.s.cache.SaveClock("clock", clock) }

func (s *stage) skew() time.Duration { return clockBook{s}.LoadClock().SkewAt(s.clock.now()) }

// observe learns from the Date of an answer.
func (s *stage) observe(server, local time.Time) {
	s.must(clockBook{s}.SaveClock(clockBook{s}.LoadClock().Measure(server, local)))
}

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
