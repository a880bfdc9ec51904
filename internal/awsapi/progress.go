package awsapi

import (
	"errors"
	"net"
	"sync"
	"time"
)

// phase is how far a try has come.
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
		"while waiting for the answer",
		"while reading the answer",
	}[p]
}

// progress follows the one connection of a try. It stands between net/http and
// the socket, because only there is it certain whether a byte of the request
// can have left: a traced event or an error of net/http may come late, and a
// cancelled request may still be written.
type progress struct {
	stale func() bool      // whether the token code has run out
	now   func() time.Time // the machine's clock

	mu       sync.Mutex
	phase    phase
	at       moments
	outdated bool // stale said so when the request was to be written
	finished bool // the call is over: nothing is written any more
}

// moments are the times of a try by the machine's clock; zero: not reached.
type moments struct{ connected, written, answered time.Time }

// errHeldBack is what a write gets that may not happen any more.
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

// mayWrite is asked before each write to the socket. The first write on a
// standing connection is the last moment at which the request can be withheld.
func (p *progress) mayWrite() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished || p.outdated {
		return false
	}
	if p.phase < sending || !p.at.written.IsZero() {
		return true
	}
	if p.stale() {
		p.outdated = true
		return false
	}
	p.at.written = p.now()
	return true
}

// finish ends the call: from here on delivery is final.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finished = true
}

// delivery returns Unsent only if no byte of the request was handed to the
// socket.
func (p *progress) delivery() Delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at.written.IsZero() {
		return Unsent
	}
	return Unknown
}

func (p *progress) reach(next phase) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase = max(p.phase, next)
	if next == sending {
		p.at.connected = p.now()
	}
	if next == receiving {
		p.at.answered = p.now()
	}
}

func (p *progress) reached() phase {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.phase
}

func (p *progress) heldBack() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.outdated
}

func (p *progress) times() moments {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}
