package sandbox

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// portalPage is what a captive portal shows.
const portalPage = `<!DOCTYPE html>
<html><head><title>Welcome to Free WiFi</title></head>
<body><h1>Please log in</h1><form action="/login"><input name="room"></form></body></html>
`

const (
	hugeSize    = 100 << 20
	bombMember  = 16 << 20 // what one gzip member unpacks to
	bombMembers = 64
)

// strike answers a call with a fault instead of processing it.
func (s *Server) strike(w http.ResponseWriter, r *http.Request, fault *Fault) {
	switch fault.Kind {
	case ResetBefore:
		reset(w)
	case Hang:
		s.hang(w, r)
	case Portal:
		s.write(w, newAnswer(http.StatusOK, "text/html; charset=utf-8", []byte(portalPage)))
	case PortalRedirect:
		answer := newAnswer(http.StatusFound, "text/html; charset=utf-8", []byte(portalPage))
		answer.header.Set("Location", s.URL()+"/_sandbox/portal")
		s.write(w, answer)
	case GzipBomb:
		s.bomb(w)
	case Huge:
		s.huge(w)
	default:
		id := s.random.requestID()
		answer := refusalAnswer(fault.refusal(), namespace("sts"), id)
		answer.header.Set("X-Amzn-Requestid", id)
		s.write(w, answer)
	}
}

// deliver sends the answer of a processed call, unless the fault forbids.
func (s *Server) deliver(w http.ResponseWriter, r *http.Request, answer *answer, fault *Fault) {
	switch {
	case fault.is(ResetAfter):
		reset(w)
		return
	case fault.is(HangAfter):
		s.hang(w, r)
		return
	case fault.is(Slow):
		if !s.pause(w, r, fault.Delay) {
			return
		}
	case fault.is(Truncate):
		answer.header.Set("Content-Length", strconv.Itoa(len(answer.body)))
		answer.body = answer.body[:len(answer.body)/2]
	case fault.is(NoDate):
		answer.header["Date"] = nil
	case fault.is(Rewrite):
		answer.body = fault.Rewrite(answer.body)
	}
	s.write(w, answer)
}

// write sends an answer with the sandbox's own time.
func (s *Server) write(w http.ResponseWriter, answer *answer) {
	header := w.Header()
	header.Set("Date", s.Now().UTC().Format(http.TimeFormat))
	for name, values := range answer.header {
		header[name] = values
	}
	w.WriteHeader(answer.status)
	_, _ = bytes.NewReader(answer.body).WriteTo(w) // a client that has gone is not our failure
}

// pause waits. If the client or the server gives up meanwhile, it resets the
// connection and returns false.
func (s *Server) pause(w http.ResponseWriter, r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.done:
	}
	reset(w)
	return false
}

func (s *Server) hang(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.done:
	}
	reset(w)
}

// reset ends the connection with a TCP RST.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if counted, ok := conn.(*net.TCPConn); ok {
		_ = counted.SetLinger(0)
	}
	_ = conn.Close()
}

// bomb sends a small body that unpacks to 1 GiB: one gzip member, repeated.
func (s *Server) bomb(w http.ResponseWriter) {
	var member bytes.Buffer
	zip, _ := gzip.NewWriterLevel(&member, gzip.BestCompression) // the level is valid
	_, _ = zip.Write(make([]byte, bombMember))
	_ = zip.Close()
	answer := newAnswer(http.StatusOK, "text/xml", bytes.Repeat(member.Bytes(), bombMembers))
	answer.header.Set("Content-Encoding", "gzip")
	s.write(w, answer)
}

// huge sends a document that begins well and does not end.
func (s *Server) huge(w http.ResponseWriter) {
	s.write(w, newAnswer(http.StatusOK, "text/xml", []byte("<GetSessionTokenResponse>")))
	block := []byte(strings.Repeat(" ", 1<<20))
	for range hugeSize / len(block) {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}
