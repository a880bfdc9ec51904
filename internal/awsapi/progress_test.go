package awsapi

import (
	"io"
	"net"
	"testing"
	"time"
)

// TestNothingIsWrittenAfterTheTry has a connection become ready too late, as
// one does that net/http goes on with after its request was cancelled.
func TestNothingIsWrittenAfterTheTry(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	t.Cleanup(func() { _ = near.Close() })

	p := progress{now: time.Now, stale: func() bool { return false }}
	conn := watched{near, &p}
	if _, err := conn.Write([]byte("handshake")); err != nil || p.reached().delivery() != Unsent {
		t.Errorf("handshake: %v, %s", err, p.reached().delivery())
	}
	p.finish()
	p.reach(sending)
	if _, err := conn.Write([]byte("request")); err == nil || p.reached().delivery() != Unsent {
		t.Errorf("request after the end: %v, %s", err, p.reached().delivery())
	}
}

// TestFirstByteCounts has a write that fails: part of it may have left.
func TestFirstByteCounts(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	_ = far.Close()
	p := progress{now: time.Now, stale: func() bool { return false }}
	p.reach(sending)
	if _, err := (watched{near, &p}).Write([]byte("request")); err == nil || p.reached().delivery() != Unknown {
		t.Errorf("%v, %s", err, p.reached().delivery())
	}
}
