package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
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

// Kinds returns all kinds of faults.
func Kinds() []Kind {
	return append(kindsBefore(), Slow, ResetAfter, HangAfter, Truncate, NoDate, Rewrite)
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

// before tells whether the fault strikes before the call is processed.
func (f *Fault) before() bool {
	return f != nil && slices.Contains(kindsBefore(), f.Kind)
}

func (f *Fault) is(kind Kind) bool { return f != nil && f.Kind == kind }

// faults are those that wait for a call, first come, first served.
type faults struct {
	mu   sync.Mutex
	list []Fault
}

func (f *faults) add(fault Fault) error {
	if !slices.Contains(Kinds(), fault.Kind) {
		return fmt.Errorf("sandbox: there is no fault %q", fault.Kind)
	}
	if fault.Kind == Rewrite && fault.Rewrite == nil {
		return fmt.Errorf("sandbox: the fault %q needs its function", fault.Kind)
	}
	if fault.Times == 0 {
		fault.Times = 1
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, fault)
	return nil
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

func (f *faults) waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.list)
}

// take returns the fault that a call of action is to suffer, or nil.
func (f *faults) take(action string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.list {
		fault := &f.list[i]
		if fault.Action != "" && fault.Action != action {
			continue
		}
		if fault.Skip > 0 {
			fault.Skip--
			continue
		}
		taken := *fault
		if fault.Times--; fault.Times == 0 {
			f.list = slices.Delete(f.list, i, i+1)
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
		status := f.Status
		if status == 0 {
			status = http.StatusForbidden
		}
		return refuse(status, firstOf(f.Code, "AccessDenied"), f.Message)
	default:
		return nil
	}
}
