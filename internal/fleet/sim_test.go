package fleet

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/awsapi"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// The simulation runs the real decision of package session and the real protocol on several hosts, and
// decides itself who goes on: after every verb of the engine, call to AWS and wait, every host that can go on
// is tried as the next one, and so are the passing of time, the death of a host and the loss of an answer. A
// state that was reached before, in whatever order, is not gone on from again.

// Each host waits at a gate for its next event.
type event struct {
	kind  string // "get", "swap", "put", "send", "sleep", "done"
	name  string
	run   func()    // what happens when it goes on
	wake  time.Time // of a sleep
	poll  bool      // it looks for changes of the engine
	began time.Time
	seen  int // the engine's version when it began
}

type stored struct {
	value string
	tag   string // which host's which value it is: values are random
	until time.Time
}

// sim is one run.
type sim struct {
	limits  limits
	now     time.Time
	engine  map[string]stored
	version int
	tags    map[string]string
	hosts   []*simHost
	sent    []totp.Step
	twice   bool
	last    totp.Step // that AWS has accepted
	used    limits
	killed  chan struct{}
}

// limits bound what may happen in a run.
type limits struct {
	hosts, advances int
	stalls          int // how often time passes although a host could go on
	crashes, losses int

	forgetful bool // the engine gives each claim to all: it shows that the simulation finds what it looks for
}

type simHost struct {
	sim     *sim
	name    string
	next    event
	arrived chan event
	goOn    chan struct{}
	lose    bool // the answer of the next verb
	hasty   bool // an answer was lost: the next wait is short
	started bool
	history uint64 // of all that it has learned
	looked  string // what it learned last from the engine, if it has but waited since
	writes  int
	gone    bool
	result  string
	cache   map[string]creds.Session
	record  map[string]rules.Record
}

var simStart = time.Unix(1767225600, 0).UTC() // the first second of a time step

const advance = 15 * time.Second

func newSim(l limits) *sim {
	s := &sim{limits: l, now: simStart, engine: make(map[string]stored), tags: make(map[string]string), killed: make(chan struct{})}
	for i := range l.hosts {
		h := &simHost{
			sim: s, name: string(rune('A' + i)), arrived: make(chan event), goOn: make(chan struct{}),
			cache: make(map[string]creds.Session), record: make(map[string]rules.Record),
		}
		s.hosts = append(s.hosts, h)
		go h.live()
		h.next = <-h.arrived
	}
	return s
}

func (s *sim) close() { close(s.killed) }

// gate has the host wait until it is its turn.
func (h *simHost) gate(e event) {
	e.seen, e.began = h.sim.version, h.sim.now
	select {
	case h.arrived <- e:
	case <-h.sim.killed:
		runtime.Goexit()
	}
	select {
	case <-h.goOn:
	case <-h.sim.killed:
		runtime.Goexit()
	}
}

// learn adds to what the host knows.
func (h *simHost) learn(what ...any) {
	h.looked = ""
	f := fnv.New64a()
	fmt.Fprint(f, h.history, h.sim.now.Unix(), what)
	h.history = f.Sum64()
}

var (
	simSeed, _ = totp.ParseSeed("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", totp.Policy{})
	simPlan    = rules.Plan{Partition: "aws", AccessKeyID: "AKIAEXAMPLE", Serial: "arn:aws:iam::123456789012:mfa/alice", Duration: 12 * time.Hour}
	quiet      = slog.New(slog.NewTextHandler(io.Discard, nil))
)

func (h *simHost) live() {
	b := &session.Broker{
		STS: h, Secrets: h, Sessions: simSessions{h}, Clock: h, Scope: func(string) session.Scope { return h },
		Now: func() time.Time { return h.sim.now }, Sleep: h.sleep, Random: func() float64 { return 0.5 }, Log: quiet,
		Fleet: func(secret, seed creds.Secret, plan rules.Plan) (session.Fleet, error) {
			return Join(Options{
				Engine: h, Prefix: "p:", Host: h.name, Now: func() time.Time { return h.sim.now }, Sleep: h.sleep,
				Random: func() float64 { return 0.5 }, Log: quiet, Note: func(error) {},
			}, secret, seed, plan), nil
		},
	}
	got, err := b.Get(context.Background(), simPlan, session.Options{})
	h.result = got.AccessKeyID
	if err != nil {
		h.result = err.Error()
	}
	h.gate(event{kind: "done"})
}

func (h *simHost) sleep(_ context.Context, d time.Duration) error {
	wake := h.sim.now.Add(d)
	if h.hasty {
		wake, h.hasty = h.sim.now, false
	}
	h.gate(event{kind: "sleep", wake: wake, poll: d <= 2*time.Second})
	return nil
}

// verb runs one verb of the engine, whose answer may be lost.
func (h *simHost) verb(kind, name string, work func()) error {
	h.gate(event{kind: kind, name: name, run: work})
	if h.lose {
		h.lose, h.hasty = false, true
		h.learn("lost")
		return ErrSilent
	}
	return nil
}

func (s *sim) load(key string) (string, time.Duration) {
	if v, ok := s.engine[key]; ok && v.until.After(s.now) {
		return v.value, v.until.Sub(s.now)
	}
	return "", 0
}

func (h *simHost) store(key, value string, ttl time.Duration) {
	h.sim.version++
	if value == "" {
		delete(h.sim.engine, key)
		return
	}
	if h.sim.tags[value] == "" {
		h.writes++
		h.sim.tags[value] = fmt.Sprint(h.name, h.writes)
	}
	h.sim.engine[key] = stored{value, h.sim.tags[value], h.sim.now.Add(ttl)}
}

func (h *simHost) Get(_ context.Context, keys ...string) (values []string, left time.Duration, err error) {
	err = h.verb("get", "", func() {
		values = make([]string, len(keys))
		found := fmt.Sprint(keys)
		for i, key := range keys {
			var ttl time.Duration
			if values[i], ttl = h.sim.load(key); i == 0 {
				left = ttl
			}
			found += " " + h.sim.tags[values[i]]
		}
		if found != h.looked { // else it knows no more than before
			h.learn(found)
			h.looked = found
		}
	})
	return values, left, err
}

func (h *simHost) Swap(_ context.Context, key, old, value string, ttl time.Duration) (present string, swapped bool, err error) {
	err = h.verb("swap", key, func() {
		present, _ = h.sim.load(key)
		if h.sim.limits.forgetful && ttl == claimTTL {
			present = ""
		}
		if swapped = present == old; swapped {
			h.store(key, value, ttl)
		}
		h.learn(swapped, h.sim.tags[present])
	})
	return present, swapped, err
}

func (h *simHost) Put(_ context.Context, key, value string, ttl time.Duration) error {
	return h.verb("put", key, func() { h.store(key, value, ttl) })
}

func (*simHost) Close() error { return nil }

// Call is AWS: it takes a code once, in its time step or beside it, and none before the last it took.
func (h *simHost) Call(_ context.Context, r awsapi.Request) (result awsapi.Result) {
	s := h.sim
	h.gate(event{kind: "send", run: func() {
		defer func() { h.learn(result.Err != nil) }()
		if !s.now.Before(r.CodeExpires) {
			result.Err = &awsapi.Error{Kind: awsapi.CodeOutOfDate, Delivery: awsapi.Unsent, Err: fault.New(fault.Deadline, "", "", "out of date")}
			return
		}
		step := totp.StepAt(r.CodeExpires.Add(-time.Second))
		s.twice = s.twice || slices.Contains(s.sent, step)
		s.sent = append(s.sent, step)
		result.ServerTime, result.LocalTime = s.now, s.now
		if step <= s.last {
			result.Err = &awsapi.Error{Kind: awsapi.CodeRefused, Delivery: awsapi.Answered, Err: fault.New(fault.Refused, "", "", "refused")}
			return
		}
		s.last = step
		result.Credentials = creds.Credentials{
			AccessKeyID: fmt.Sprintf("ASIA%d", step), SecretAccessKey: creds.NewSecret("s"), SessionToken: creds.NewSecret("t"), Expiration: s.now.Add(r.Duration),
		}
	}})
	return result
}

func (*simHost) AccessKey(context.Context) (creds.AccessKey, error) {
	return creds.AccessKey{ID: "AKIAEXAMPLE", Secret: creds.NewSecret("secret")}, nil
}

func (*simHost) Codes(context.Context, string) (session.Codes, error) {
	return session.CodesOf(simSeed, nil)
}

func (h *simHost) LoadClock() rules.Clock       { return rules.Clock{} }
func (h *simHost) SaveClock(rules.Clock) error  { return nil }
func (h *simHost) Load() rules.Record           { return h.record[""] }
func (h *simHost) Save(r rules.Record) error    { h.record[""] = r; return nil }
func (*simHost) Holder() (int, string, bool)    { return 0, "", false }
func (*simHost) Claim(string) error             { return nil }
func (*simHost) Free(string)                    {}
func (*simHost) TryLock() (func(), bool, error) { return func() {}, true, nil }

// simSessions is the cache of a host.
type simSessions struct{ h *simHost }

func (s simSessions) Get(id string) (creds.Session, bool)  { got, ok := s.h.cache[id]; return got, ok }
func (s simSessions) Put(id string, c creds.Session) error { s.h.cache[id] = c; return nil }

// actions returns what can happen next.
func (s *sim) actions() (all []string) {
	for i, h := range s.hosts {
		e := h.next
		if i > 0 && !s.hosts[i-1].started { // the hosts are alike: who begins first is A
			break
		}
		if h.gone || e.kind == "done" || e.kind == "sleep" && e.wake.After(s.now) && (!e.poll || s.version == e.seen) {
			continue
		}
		all = append(all, "run "+h.name)
		if verb := e.kind == "get" || e.kind == "swap" || e.kind == "put"; verb && e.began.Equal(s.now) && s.used.losses < s.limits.losses {
			all = append(all, "lose "+h.name)
		}
	}
	for _, h := range s.hosts {
		if s.used.crashes < s.limits.crashes && !h.gone && h.next.kind != "done" {
			all = append(all, "crash "+h.name)
		}
	}
	idle := !slices.ContainsFunc(all, func(action string) bool { return strings.HasPrefix(action, "run") })
	waiting := slices.ContainsFunc(s.hosts, func(h *simHost) bool { return !h.gone && h.next.kind != "done" })
	switch {
	case !waiting || s.used.advances == s.limits.advances:
	case idle:
		all = append(all, "advance")
	case s.used.stalls < s.limits.stalls:
		all = append(all, "stall")
	}
	return all
}

func (s *sim) act(action string) {
	verb, name, _ := strings.Cut(action, " ")
	if verb == "stall" {
		s.used.stalls++
	}
	if verb == "advance" || verb == "stall" {
		s.used.advances++
		s.now = s.now.Add(advance)
		return
	}
	h := s.hosts[name[0]-'A']
	h.started = true
	switch verb {
	case "crash":
		s.used.crashes++
		h.gone = true
		return
	case "lose":
		s.used.losses++
		h.lose = true
	}
	if h.next.run != nil {
		h.next.run()
	}
	h.goOn <- struct{}{}
	h.next = <-h.arrived
}

// state tells apart the states that matter.
func (s *sim) state() string {
	var b strings.Builder
	fmt.Fprint(&b, s.now.Unix(), s.used, s.sent, s.last)
	names := make([]string, 0, len(s.engine))
	for name, v := range s.engine {
		if v.until.After(s.now) {
			names = append(names, fmt.Sprint(name, v.tag, v.until.Unix()))
		}
	}
	slices.Sort(names)
	fmt.Fprint(&b, names)
	for _, h := range s.hosts {
		fmt.Fprint(&b, " ", h.gone, h.history, h.next.kind, h.next.wake.Unix(), h.next.seen == s.version)
	}
	f := fnv.New128a()
	_, _ = f.Write([]byte(b.String()))
	return string(f.Sum(nil))
}

// outcomes are what the runs came to.
type outcomes struct {
	states, runs int
	codes        int      // the most that were sent in a run
	twice        []string // the way to a code that was sent twice
	unserved     []string // the way to a host that lives, and has no session in the end
}

// explore goes every way there is, until it finds a code that was sent twice.
func explore(l limits) (o outcomes) {
	seen := make(map[string]bool)
	stack := [][]string{nil}
	for len(stack) > 0 && o.twice == nil {
		path := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		s := newSim(l)
		for _, action := range path {
			s.act(action)
		}
		o.runs++
		for state := s.state(); !seen[state] && !s.twice; state = s.state() {
			seen[state] = true
			actions := s.actions()
			if len(actions) == 0 {
				if s.unserved() {
					o.unserved = path
				}
				break
			}
			for _, action := range actions[1:] {
				stack = append(stack, append(slices.Clone(path), action))
			}
			path = append(slices.Clone(path), actions[0])
			s.act(actions[0])
		}
		if s.twice {
			o.twice = path
		}
		o.codes = max(o.codes, len(s.sent))
		s.close()
	}
	o.states = len(seen)
	return o
}

func (s *sim) unserved() bool {
	return slices.ContainsFunc(s.hosts, func(h *simHost) bool { return !h.gone && !strings.HasPrefix(h.result, "ASIA") })
}

func TestNoCodeIsSentTwice(t *testing.T) {
	t.Parallel()
	all := []limits{
		{hosts: 3, advances: 4},
		{hosts: 3, advances: 4, crashes: 1}, // of one step and the next, and enough time for a third
		{hosts: 2, advances: 6, crashes: 2},
		{hosts: 2, advances: 4, losses: 1},
		{hosts: 2, advances: 4, stalls: 1},
	}
	if testing.Short() {
		all = all[2:4] // seconds, also with the race detector
	}
	if os.Getenv("AWS_MFA_CREDS_TEST_ROUNDS") != "" { // hours of one processor in minutes of make soak
		all = append(all, limits{hosts: 3, advances: 4, stalls: 1}, limits{hosts: 2, advances: 4, stalls: 2}, limits{hosts: 3, advances: 4, losses: 1}, limits{hosts: 3, advances: 6, crashes: 2})
	}
	for _, l := range all {
		o := explore(l)
		t.Logf("%+v: %d states in %d runs, at most %d codes", l, o.states, o.runs, o.codes)
		if o.twice != nil {
			t.Errorf("%+v: a code was sent twice: %q", l, o.twice)
		}
		if l.stalls == 0 && o.unserved != nil {
			t.Errorf("%+v: a host has no session: %q", l, o.unserved)
		}
	}
	if o := explore(limits{hosts: 2, advances: 4, stalls: 1, forgetful: true}); o.twice == nil {
		t.Error("an engine that gives claims to all made no difference")
	}
}
