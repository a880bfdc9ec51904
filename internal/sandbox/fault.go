package sandbox

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is a way for a call to go wrong.
type Kind string

// The faults. Those above Slow happen before the call is processed, so that
// nothing is spent; the others after.
const (
	Throttle        Kind = "throttle"          // 400 Throttling, as STS does
	TooManyRequests Kind = "too-many-requests" // the same as 429
	InternalFailure Kind = "internal-failure"  // 500
	Unavailable     Kind = "unavailable"       // 503
	Refuse          Kind = "refuse"            // Fault.Status, Code and Message
	ResetBefore     Kind = "reset-before"      // the connection is reset
	Hang            Kind = "hang"              // no answer until the client or the server gives up
	Portal          Kind = "portal"            // a captive portal's HTML, with 200
	PortalRedirect  Kind = "portal-redirect"   // a 302 to a captive portal
	GzipBomb        Kind = "gzip-bomb"         // 1 MiB that unpacks to 1 GiB
	Huge            Kind = "huge"              // 100 MB of XML

	Slow       Kind = "slow"        // the answer comes after Fault.Delay
	ResetAfter Kind = "reset-after" // the answer is lost: the connection is reset
	HangAfter  Kind = "hang-after"  // the answer is lost: nothing comes
	Truncate   Kind = "truncate"    // half of the answer, then the end of the connection
	NoDate     Kind = "no-date"     // the answer has no Date header
	Rewrite    Kind = "rewrite"     // the body of the answer is passed through Fault.Rewrite
)

// Kinds returns the kinds of faults that need no function: all but Rewrite.
func Kinds() []Kind {
	return append(kindsBefore(), Slow, ResetAfter, HangAfter, Truncate, NoDate)
}

func kindsBefore() []Kind {
	return []Kind{Throttle, TooManyRequests, InternalFailure, Unavailable, Refuse, ResetBefore, Hang, Portal, PortalRedirect, GzipBomb, Huge}
}

// Fault makes calls fail on demand.
type Fault struct {
	Kind   Kind
	Action string // "GetSessionToken"; empty: any
	Skip   int    // calls to let pass first
	Times  int    // calls to hit; 0 is 1, below 0 is for ever

	Delay time.Duration // of Slow

	Status  int // of Refuse; 403 if 0
	Code    string
	Message string

	Rewrite func(body []byte) []byte // of Rewrite; only from Go
}

// before reports whether the fault strikes before the call is processed.
func (f *Fault) before() bool {
	return f != nil && slices.Contains(kindsBefore(), f.Kind)
}

func (f *Fault) is(kind Kind) bool { return f != nil && f.Kind == kind }

// check refuses a fault that does not exist.
func (f *Fault) check() error {
	if f.Kind == Rewrite && f.Rewrite != nil || slices.Contains(Kinds(), f.Kind) {
		return nil
	}
	return fmt.Errorf("sandbox: no fault %q", f.Kind)
}

// Inject makes coming calls fail. Faults are taken in the order they came. It
// returns an error for a fault that does not exist.
func (s *Server) Inject(fault Fault) error {
	if err := fault.check(); err != nil {
		return err
	}
	fault.Times = cmp.Or(fault.Times, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fault)
	return nil
}

// ClearFaults removes the faults that still wait.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// suffer returns the fault that a call of action is to suffer, or nil.
func (s *Server) suffer(action string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.faults {
		fault := &s.faults[i]
		if fault.Action != "" && fault.Action != action {
			continue
		}
		if fault.Skip > 0 {
			fault.Skip--
			continue
		}
		taken := *fault
		if fault.Times--; fault.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return &taken
	}
	return nil
}

// refusal returns the error answer that the fault stands for, or nil.
func (f *Fault) refusal() *refusal {
	switch f.Kind {
	case Throttle:
		return refuse(http.StatusBadRequest, "Throttling", "Rate exceeded")
	case TooManyRequests:
		return refuse(http.StatusTooManyRequests, "Throttling", "Rate exceeded")
	case InternalFailure:
		return refuse(http.StatusInternalServerError, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure.")
	case Unavailable:
		return refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.")
	case Refuse:
		return refuse(cmp.Or(f.Status, http.StatusForbidden), cmp.Or(f.Code, "AccessDenied"), f.Message)
	default:
		return nil
	}
}

// portalPath is where a captive portal leads to, and portalPage what it shows.
const portalPath = "/_sandbox/portal"

const portalPage = `<!DOCTYPE html>
<html><head><title>Welcome to Free WiFi</title></head>
<body><h1>Please log in</h1><form action="/login"><input name="room"></form></body></html>
`

const (
	forever     = math.MaxInt64
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
		s.pause(w, r, forever)
	case Portal:
		s.write(w, newAnswer(http.StatusOK, "text/html; charset=utf-8", []byte(portalPage)))
	case PortalRedirect:
		answer := newAnswer(http.StatusFound, "text/html; charset=utf-8", []byte(portalPage))
		answer.header.Set("Location", s.URL()+portalPath)
		s.write(w, answer)
	case GzipBomb:
		s.bomb(w)
	case Huge:
		s.huge(w)
	default:
		s.write(w, refusalAnswer(fault.refusal(), namespace("sts"), s.random.requestID()))
	}
}

// deliver sends the answer of a processed call, unless the fault forbids.
func (s *Server) deliver(w http.ResponseWriter, r *http.Request, answer *answer, fault *Fault) {
	switch {
	case fault.is(ResetAfter):
		reset(w)
		return
	case fault.is(HangAfter):
		s.pause(w, r, forever)
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
