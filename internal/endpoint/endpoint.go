// Package endpoint is the container credential endpoint that all AWS SDKs know from ECS: GET /PROFILE, with a
// token in the header Authorization, answers with a session. The rules of a request are in request.go, the
// sessions in hand in handout.go.
//
// It asks its Source, which does what get does, and keeps what it got for a second. So an endpoint costs
// neither a token code nor a look at a seed more than get, and sees what happens to the cache and to the
// settings meanwhile.
package endpoint

import (
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Limits of a connection. A client that is slow to ask holds up nobody but itself.
const (
	maxHeader     = 8 << 10
	askingTime    = 5 * time.Second
	answeringTime = time.Minute // a new session may need a new time step
	idleTime      = 2 * time.Minute
	leavingTime   = 2 * time.Second // for the answers that are under way at the end
)

// Options say what is served. All fields but Token are required.
type Options struct {
	Profiles []string
	Source   Source
	Token    creds.Secret // that clients have to send; if it is empty, everybody who can connect is served
	Now      func() time.Time

	// Log gets a line on what went wrong, without secrets, and the same not again for a while.
	Log func(line string)
}

// Server is an endpoint.
type Server struct {
	o        Options
	listener net.Listener
	desk     *desk
	notes    *notes
}

// New returns an endpoint at listener, whose address has to pass CheckAddress.
func New(o Options, listener net.Listener) *Server {
	own := func() *notes { return &notes{now: o.Now, write: o.Log, last: map[string]time.Time{}} }
	return &Server{o: o, listener: listener, notes: own(), desk: newDesk(o, own())} // refused requests silence nothing else
}

// Start serves on a free port of the loopback interface until ctx ends, with a token of its own.
func Start(ctx context.Context, o Options, random io.Reader) (*Server, error) {
	token, err := NewToken(random)
	if err != nil {
		return nil, err
	}
	o.Token = token
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := New(o, listener)
	go func() { _ = s.Serve(ctx) }()
	return s, nil
}

// Serve answers requests, and renews sessions ahead of their end, until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	server := &http.Server{Handler: s, MaxHeaderBytes: maxHeader, ReadTimeout: askingTime, WriteTimeout: answeringTime, IdleTimeout: idleTime}
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.listener) }()
	var looking sync.WaitGroup
	for _, h := range s.desk.all {
		looking.Go(func() { s.desk.keep(ctx, h) })
	}
	defer looking.Wait()
	defer stop()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), leavingTime)
	defer cancel()
	_ = server.Shutdown(leaving)
	return nil
}

// Reload forgets the sessions in hand, so that the next request sees what is in the files now.
func (s *Server) Reload() { s.desk.forget() }

// Settle waits until each profile has a session in hand, or a reason why not, or until ctx ends.
func (s *Server) Settle(ctx context.Context) {
	for _, h := range s.desk.all {
		_, _ = s.desk.session(ctx, h)
	}
}

// URI is AWS_CONTAINER_CREDENTIALS_FULL_URI for a profile.
func (s *Server) URI(profile string) string {
	return "http://" + s.listener.Addr().String() + "/" + url.PathEscape(profile)
}

// Token is AWS_CONTAINER_AUTHORIZATION_TOKEN.
func (s *Server) Token() creds.Secret { return s.o.Token }

const tokenSize = 32 // in bytes: as many bits as cannot be guessed

// TokenLength is how many characters a token has.
const TokenLength = 43

// NewToken returns a new token, of characters that need no quotes anywhere.
func NewToken(random io.Reader) (creds.Secret, error) {
	var bits [tokenSize]byte
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return creds.Secret{}, err
	}
	return creds.NewSecret(base64.RawURLEncoding.EncodeToString(bits[:])), nil
}

// containerAddresses are those, beside loopback, that the SDKs ask for credentials without TLS: of ECS, and
// of EKS.
func containerAddresses() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("169.254.170.2"), netip.MustParseAddr("169.254.170.23"), netip.MustParseAddr("fd00:ec2::23")}
}

// CheckAddress refuses an address that the SDKs do not ask, or that is not of this computer alone. Without a
// token it has to be one that a network of containers has for itself: on loopback, every user and every web
// page of the computer could ask.
func CheckAddress(address string, token bool) error {
	parsed, err := netip.ParseAddrPort(address)
	ip := parsed.Addr().Unmap()
	ofContainers := slices.Contains(containerAddresses(), ip)
	switch {
	case err != nil:
		return fault.New(fault.Usage, "--listen", "give --listen 127.0.0.1:9911", "%q is not an IP address with a port", address)
	case !ip.IsLoopback() && !ofContainers:
		return fault.New(fault.Usage, "--listen", "give --listen 127.0.0.1:9911, or 169.254.170.2:80 in a network of containers",
			"others can reach %s, and no SDK asks it for credentials without TLS", ip)
	case !token && !ofContainers:
		return fault.New(fault.Usage, "--no-token", "leave it out, or give --listen 169.254.170.2:80, too", "every user and every web page of this computer could get sessions from %s", ip)
	}
	return nil
}
