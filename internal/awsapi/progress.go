package awsapi

import (
	"errors"
	"net"
	"sync"
	"time"
)

// phase is a part of a call.
type phase int

const (
	connecting phase = iota
	tunnelling       // connected to the proxy, not yet through it
	securing         // in the TLS handshake with the endpoint
	sending          // the connection stands: what is written now is the request
	receiving
)

// String completes "timed out ...".
func (p phase) String() string {
	return [...]string{
		"while connecting",
		"while asking for a tunnel",
		"in the TLS handshake",
		"while waiting for the response",
		"while reading the response",
	}[p]
}

// progress follows the one connection of a call. It stands between net/http and the socket, because
// only there is it certain whether a byte of the request can have left: a traced event or an error of
// net/http may come late, and a cancelled request may still be written.
type progress struct {
	stale func() bool      // whether the token code has expired
	now   func() time.Time // the machine's clock

	mu       sync.Mutex
	finished bool // the call is over: nothing is written any more
	state    state
}

// state is how far a call has come.
type state struct {
	phase    phase
	outdated bool // stale said so when the request was to be written

	// Times by the machine's clock; zero: not reached.
	connected, written, answered time.Time
}

// delivery returns Unsent only if no byte of the request was handed to the socket.
func (s state) delivery() Delivery {
	if s.written.IsZero() {
		return Unsent
	}
	return Unknown
}

// errHeldBack fails a write that may not happen any more.
var errHeldBack = errors.New("held back")

// watched is a connection whose writes progress knows of.
type watched struct {
	net.Conn
	progress *progress
}

func (c watched) Write(p []byte) (int, error) {
	if !c.progress.mayWrite() {
		return 0, errHeldBack
	}
	return c.Conn.Write(p)
}

// mayWrite is asked before each write to the socket. The first write on a standing connection is the
// last moment at which the request can be withheld.
func (p *progress) mayWrite() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished || p.state.outdated {
		return false
	}
	if p.state.phase < sending || !p.state.written.IsZero() {
		return true
	}
	if p.stale() {
		p.state.outdated = true
		return false
	}
	p.state.written = p.now()
	return true
}

// finish ends the call: from here on the state is final.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finished = true
}

func (p *progress) reach(next phase) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.phase = max(p.state.phase, next)
	switch next {
	case sending:
		p.state.connected = p.now()
	case receiving:
		p.state.answered = p.now()
	default:
	}
}

func (p *progress) reached() state {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}
