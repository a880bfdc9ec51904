package endpoint

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

const (
	// lookEvery is for how long nobody looks whether there is another session.
	lookEvery = time.Second

	// keepEvery is how often somebody looks without being asked: each session is renewed ahead of its end.
	keepEvery = 15 * time.Second

	// patience is how long a request waits for a new session while the old one is of use: some SDKs wait for
	// one second.
	patience = 200 * time.Millisecond

	// reserve is what the old session must have left for that.
	reserve = 2 * time.Minute
)

// Session is what a Source hands out.
type Session struct {
	creds.Session

	ID      string        // of what it is a session of: another one replaces it in any case
	RoleARN string        // "" for a base session
	Left    time.Duration // until it ends, by AWS's clock
}

// Source returns the session of a profile, as get does; in hand is what it returned last, or nothing. The
// error is a *fault.Error. It is never asked for the same profile twice at once.
type Source func(ctx context.Context, profile string, inHand Session) (Session, error)

// desk has the sessions in hand.
type desk struct {
	o     Options
	notes *notes
	all   map[string]*hand
}

// hand has the session of one profile.
type hand struct {
	profile string
	wanted  chan struct{} // has keep look at once

	mu     sync.Mutex
	looked time.Time     // when the source was asked last; zero: never
	look   chan struct{} // closed when the look that is wanted or under way ends; nil: there is none
	got    Session
	json   []byte
	err    error // of the last look; then there is no json
}

func newDesk(o Options, n *notes) *desk {
	d := &desk{o: o, notes: n, all: make(map[string]*hand, len(o.Profiles))}
	for _, name := range o.Profiles {
		d.all[name] = &hand{profile: name, wanted: make(chan struct{}, 1)}
	}
	return d
}

// session returns the JSON of the session in h. What is older than a second is looked for again, once for
// all who ask meanwhile. While that takes long, they get the old session if it is of use.
func (d *desk) session(ctx context.Context, h *hand) ([]byte, error) {
	h.mu.Lock()
	age := wall(d.o.Now()).Sub(h.looked)
	json, err := h.json, h.err
	if age >= 0 && age < lookEvery {
		h.mu.Unlock()
		return json, err
	}
	var enough <-chan time.Time
	if json != nil && age >= 0 && h.got.Left-age > reserve {
		enough = time.After(patience)
	}
	look := h.want()
	h.mu.Unlock()
	select {
	case <-look:
	case <-enough:
		return json, nil
	case <-ctx.Done():
		return nil, fault.New(fault.Deadline, "profile "+h.profile, "", "nobody waits for the answer any more")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.json, h.err
}

// want has keep look, unless it does. It needs the lock of h.
func (h *hand) want() (look chan struct{}) {
	if h.look == nil {
		h.look = make(chan struct{})
		select {
		case h.wanted <- struct{}{}:
		default: // it is told already
		}
	}
	return h.look
}

// keep looks at the session of h now and then, and when it is told to, until ctx ends: not the context of a
// request, which ends with its client, while others wait for the same.
func (d *desk) keep(ctx context.Context, h *hand) {
	for {
		d.lookAt(ctx, h)
		select {
		case <-ctx.Done():
			return
		case <-h.wanted:
		case <-time.After(keepEvery):
		}
	}
}

func (d *desk) lookAt(ctx context.Context, h *hand) {
	h.mu.Lock()
	if h.look == nil {
		h.look = make(chan struct{})
	}
	look, inHand := h.look, h.got
	select {
	case <-h.wanted: // this is it
	default:
	}
	h.mu.Unlock()
	got, json, err := d.ask(ctx, h.profile, inHand)
	if err != nil {
		d.notes.add(h.profile+strconv.Itoa(int(fault.KindOf(err))), fault.Line(err))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got, h.json, h.err, h.looked, h.look = got, json, err, wall(d.o.Now()), nil
	close(look)
}

// ask asks the source. A defect in there costs a session, and not the endpoint.
func (d *desk) ask(ctx context.Context, profile string, inHand Session) (got Session, json []byte, err error) {
	defer func() {
		if recover() != nil {
			got, json, err = Session{}, nil, fault.New(fault.Internal, "profile "+profile, "", "a bug has kept its session from being got")
		}
	}()
	if got, err = d.o.Source(ctx, profile, inHand); err == nil {
		json, err = got.Credentials.ContainerJSON(got.RoleARN)
	}
	return got, json, err
}

// forget makes the next who asks look, with nothing in hand.
func (d *desk) forget() {
	for _, h := range d.all {
		h.mu.Lock()
		h.got, h.json, h.err, h.looked = Session{}, nil, nil, time.Time{}
		h.mu.Unlock()
	}
}

// ready reports whether there is a session in every hand.
func (d *desk) ready() bool {
	for _, h := range d.all {
		h.mu.Lock()
		ok := h.json != nil
		h.mu.Unlock()
		if !ok {
			return false
		}
	}
	return true
}

// wall strips the reading of the monotonic clock, which stands still while a computer sleeps.
func wall(t time.Time) time.Time { return t.Round(0) }
