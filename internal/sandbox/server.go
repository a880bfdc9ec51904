// Package sandbox is a strict local STS and IAM: one HTTP server on loopback
// that speaks AWS's Query protocol and refuses what AWS refuses, with AWS's
// codes, statuses and texts. It exists to try the product without an AWS
// account and to test it.
//
// Strict means: every Signature Version 4 is verified, a token code is accepted
// once per device and only in its window, durations, chaining, device and key
// limits hold, and the Date header has the server's own time. Where AWS's
// behaviour is not documented the sandbox takes the reading that is harder on
// the client.
//
// It shares no code with the product, not even the one-time passwords: a second
// implementation catches the mistakes of the first. Only the library that draws QR
// codes is the same.
//
//	server, err := sandbox.Start(sandbox.Options{Now: time.Now, Rand: rand.Reader})
//	defer server.Close()
//	key := server.World().User("alice").Keys[0]
//
// What the account holds is a World, a plain value; Server.Update changes it
// while the server runs. Server.Inject makes calls fail on demand, and
// Server.State shows what arrived.
package sandbox

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxBody       = 1 << 20
	headerTimeout = time.Minute
	presetToken   = 416 // about what a regional STS token measures
)

// CurrentOnly as Options.Window accepts the code of the current step only.
const CurrentOnly = -1

// Options say how a server is to be. Now and Rand are required.
type Options struct {
	Now  func() time.Time
	Rand io.Reader

	World World  // DefaultWorld if it has no users
	Addr  string // of the loopback interface; "127.0.0.1:0" if empty

	TLS         bool
	Certificate Certificate // with TLS

	Latency   time.Duration // before every answer
	Window    int           // steps before and after the current one whose codes are taken; 1 if 0
	TokenSize int           // characters of a session token, rounded down to a multiple of 4; 416 if 0

	// RefusePastStep makes EnableMFADevice and ResyncMFADevice want the current
	// and the next code; otherwise the previous and the current one do, too.
	RefusePastStep bool

	// AllowSecondDevice lets a caller without MFA in its session enable a
	// further device for a user who has one. AWS refuses that.
	AllowSecondDevice bool

	// DeviceDelay is how long STS does not know a device that IAM has just enabled,
	// and KeyDelay how long AWS does not know an access key that CreateAccessKey has just
	// made: IAM is eventually consistent.
	DeviceDelay time.Duration
	KeyDelay    time.Duration

	// PageSize is how many entries a page of a list has at most, whatever MaxItems
	// asks for; none if 0. IAM may return fewer entries than there are.
	PageSize int

	// AnyIAMRegion takes IAM calls signed for any region of the partition, as
	// the AWS CLI signs them for a custom endpoint. AWS wants us-east-1.
	AnyIAMRegion bool
}

func (o *Options) tokenSize() int {
	if o.TokenSize <= 0 {
		return presetToken
	}
	return max(o.TokenSize/4*4, 32)
}

// Server is a running sandbox. All its methods are safe for concurrent use.
type Server struct {
	options    Options
	random     *random
	operations map[string]operation
	digestKey  []byte // makes token codes comparable in State without telling them

	mu       sync.Mutex // for the World, and all that has happened in it and is to happen
	world    World
	sessions map[string]*session  // by access key id
	logins   map[string]time.Time // the sign-in tokens, and when they end
	actions  map[string]*Count
	codes    map[string]int
	attempts []Attempt
	faults   []Fault // that wait for a call, first come, first served

	authority   *authority
	listener    net.Listener
	server      *http.Server
	offset      atomic.Int64
	latency     atomic.Int64
	connections atomic.Int64
	closing     sync.Once
	done        chan struct{} // closed by Close
	served      chan struct{} // closed when the listener is
}

// Start opens a server. The caller closes it.
func Start(options Options) (*Server, error) {
	if options.Now == nil || options.Rand == nil {
		return nil, errors.New("sandbox: Options.Now and Options.Rand are required")
	}
	if len(options.World.Users) == 0 {
		options.World = DefaultWorld()
	}
	if options.Window == 0 {
		options.Window = 1
	}
	random, err := newRandom(options.Rand)
	if err != nil {
		return nil, err
	}
	s := &Server{
		options: options, random: random, operations: operations(), digestKey: random.bytes(32),
		sessions: map[string]*session{}, logins: map[string]time.Time{}, actions: map[string]*Count{}, codes: map[string]int{},
		done: make(chan struct{}), served: make(chan struct{}),
	}
	s.latency.Store(int64(options.Latency))
	if err := s.Update(func(w *World) { *w = options.World.clone() }); err != nil {
		return nil, err
	}
	return s, s.listen()
}

// listen opens the socket and serves it.
func (s *Server) listen() error {
	config, err := s.tlsConfig()
	if err != nil {
		return err
	}
	address := cmp.Or(s.options.Addr, "127.0.0.1:0")
	if err := checkLoopback(address); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	s.listener = listener
	s.server = &http.Server{
		Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: headerTimeout, ConnState: s.connected,
		ErrorLog: log.New(io.Discard, "", 0), // a client that resets or mistrusts is what tests provoke
	}
	go s.run(config)
	return nil
}

func (s *Server) run(config *tls.Config) {
	defer close(s.served)
	listener := s.listener
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	_ = s.server.Serve(listener) // returns when Close is called
}

// connected counts the connections.
func (s *Server) connected(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.connections.Add(1)
	}
}

// tlsConfig returns nil for plain HTTP.
func (s *Server) tlsConfig() (*tls.Config, error) {
	if !s.options.TLS {
		return nil, nil //nolint:nilnil // no configuration is a valid one
	}
	authority, err := newAuthority(s.random, s.options.Now())
	if err != nil {
		return nil, err
	}
	s.authority = authority
	return authority.config(s.options.Certificate)
}

func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	ip, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("sandbox: %q is not a loopback address", address)
	}
	return nil
}

// Close ends the server, and every call that still hangs. It may be called
// more than once.
func (s *Server) Close() {
	s.closing.Do(func() {
		close(s.done)
		_ = s.server.Close() // that connections break is the purpose
		<-s.served
	})
}

// URL returns the endpoint, the same for STS and IAM.
func (s *Server) URL() string {
	if s.options.TLS {
		return "https://" + s.listener.Addr().String()
	}
	return "http://" + s.listener.Addr().String()
}

// CAPEM returns the certificate that clients of a TLS server are to trust, as
// AWS_CA_BUNDLE wants it, or nil.
func (s *Server) CAPEM() []byte {
	if s.authority == nil {
		return nil
	}
	return s.authority.pem()
}

// Now returns the server's time, by which codes and sessions are judged.
func (s *Server) Now() time.Time {
	return s.options.Now().Add(time.Duration(s.offset.Load()))
}

// SetClockOffset moves the server's clock against Options.Now. With -3 h the
// client's clock looks three hours fast.
func (s *Server) SetClockOffset(offset time.Duration) { s.offset.Store(int64(offset)) }

// SetLatency sets the time before every answer.
func (s *Server) SetLatency(latency time.Duration) { s.latency.Store(int64(latency)) }

// World returns a copy of what the account holds now, secrets included.
func (s *Server) World() World {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.clone()
}

// Update changes what the account holds. It returns an error, and changes
// nothing, if the world that change leaves behind is meaningless.
func (s *Server) Update(change func(*World)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	world := s.world.clone()
	change(&world)
	world.fill(s.random, s.Now())
	if err := world.check(); err != nil {
		return err
	}
	s.world = world
	return nil
}

// Restore puts back the World of an earlier time, and the token codes that had been sent by then.
func (s *Server) Restore(world World, then State) error {
	return s.Update(func(w *World) { *w, s.attempts = world.clone(), slices.Clone(then.Attempts) })
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case codePath:
		s.showCode(w, r)
		return
	case federationPath:
		s.federate(w, r)
		return
	case portalPath:
		s.write(w, newAnswer(http.StatusOK, "text/html; charset=utf-8", []byte(portalPage)))
		return
	}
	request := s.read(w, r)
	fault := s.suffer(request.action)
	latency := time.Duration(s.latency.Load())
	if fault.before() {
		s.skip(request)
		if s.pause(w, r, latency) {
			s.strike(w, r, fault)
		}
		return
	}
	answer := s.process(request)
	if s.pause(w, r, latency) {
		s.deliver(w, r, answer, fault)
	}
}

// read takes in a request. What cannot be read becomes its defect.
func (s *Server) read(w http.ResponseWriter, r *http.Request) *request {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	request := &request{http: r, payload: hashHex(body), now: s.Now(), params: url.Values{}}
	query, queryErr := url.ParseQuery(r.URL.RawQuery)
	form, formErr := url.ParseQuery(string(body))
	switch {
	case err != nil:
		request.defect = refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Request entity too large")
	case r.URL.Path != "/":
		request.defect = refuse(http.StatusNotFound, "UnknownOperationException", "UnknownOperationException")
	case queryErr != nil || formErr != nil:
		request.defect = refuse(http.StatusNotFound, "MalformedQueryString", "The query string contains a syntax error.")
	}
	if request.defect == nil {
		request.take(query, form)
	}
	return request
}

// take sets the parameters; those of the form go before those of the query.
func (r *request) take(query, form url.Values) {
	for _, values := range []url.Values{query, form} {
		for name, value := range values {
			r.params[name] = value
		}
	}
	r.query = query
	r.action = r.params.Get("Action")
}

// codePath has the token code that a device shows now, for a person who plays with the sandbox and has no phone:
// the query names the device, ?device=alice-phone.
const codePath = "/_sandbox/code"

func (s *Server) showCode(w http.ResponseWriter, r *http.Request) {
	world := s.World()
	device := world.Device(world.DeviceARN(r.URL.Query().Get("device")))
	if device == nil {
		http.NotFound(w, r)
		return
	}
	fmt.Fprintln(w, hotp(device.key(), stepAt(s.Now())))
}
