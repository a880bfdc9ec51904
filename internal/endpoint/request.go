package endpoint

import (
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// The paths of health and readiness, which need no token and reveal nothing.
const (
	healthPath = "/-/health"
	readyPath  = "/-/ready"
)

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, found := s.desk.all[strings.TrimPrefix(r.URL.Path, "/")]
	probe := r.URL.Path == healthPath || r.URL.Path == readyPath
	switch {
	case !ownHost(r.Host):
		s.refuse(w, r, http.StatusForbidden, "the Host header is no address of this computer")
	case r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "":
		s.refuse(w, r, http.StatusForbidden, "it comes from a web page")
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		s.refuse(w, r, http.StatusMethodNotAllowed, "its method is not GET")
	case probe && r.URL.Path == readyPath && !s.desk.ready():
		w.WriteHeader(http.StatusServiceUnavailable)
	case probe:
		w.WriteHeader(http.StatusOK)
	case !s.o.Token.IsZero() && r.Header.Get("Authorization") == "":
		s.refuse(w, r, http.StatusUnauthorized, "there is no token; old SDKs do not read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, but AWS_CONTAINER_AUTHORIZATION_TOKEN")
	case !s.o.Token.IsZero() && !creds.NewSecret(r.Header.Get("Authorization")).Equal(s.o.Token):
		s.refuse(w, r, http.StatusUnauthorized, "the token is wrong")
	case !found:
		s.refuse(w, r, http.StatusNotFound, "the path names no profile that is served")
	default:
		s.handOut(w, r, h)
	}
}

func (s *Server) handOut(w http.ResponseWriter, r *http.Request, h *hand) {
	body, err := s.desk.session(r.Context(), h)
	if err != nil {
		answer(w, statusOf(err), fault.Line(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}

// ownHost reports whether a Host header is an address in numbers, or localhost. In a browser that has been
// led here by a name whose address changed (DNS rebinding), it is that name. The port may be another, as
// behind ssh -R.
func ownHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && CheckAddress(netip.AddrPortFrom(ip, 80).String(), true) == nil || strings.EqualFold(name, "localhost")
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	peer, _, _ := net.SplitHostPort(r.RemoteAddr)
	s.notes.add(peer+why, "refused a request from "+peer+": "+why)
	answer(w, status, why)
}

// statusOf returns the status for a failure to get a session. The SDKs try again at 5xx.
func statusOf(err error) int {
	switch fault.KindOf(err) {
	case fault.Network, fault.Unavailable, fault.Deadline, fault.Store:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// answer writes an error as the SDKs read it: Go, Java and Rust look for code and message, JavaScript for
// Code and Message.
func answer(w http.ResponseWriter, status int, message string) {
	code := strings.ReplaceAll(http.StatusText(status), " ", "")
	body, err := json.Marshal(map[string]string{"code": code, "message": message, "Code": code, "Message": message})
	if err != nil {
		return // there is nothing in it that has no JSON
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// notes keeps a storm of refused requests from becoming a storm of lines.
type notes struct {
	now   func() time.Time
	write func(line string)

	mu   sync.Mutex
	last map[string]time.Time
}

const (
	noteAgain = time.Hour
	maxNotes  = 256 // that are remembered; beyond, nothing is written for a while
)

// add writes line, unless one of the same key was written in the last hour.
func (n *notes) add(key, line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	lately := func(last time.Time) bool { return now.Sub(last).Abs() < noteAgain }
	if last, found := n.last[key]; found && lately(last) {
		return
	}
	if len(n.last) >= maxNotes {
		maps.DeleteFunc(n.last, func(_ string, last time.Time) bool { return !lately(last) })
	}
	if len(n.last) < maxNotes {
		n.last[key] = now
		n.write(fault.Escape(line))
	}
}
