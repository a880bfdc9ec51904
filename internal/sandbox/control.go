package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	controlPrefix = "/_sandbox/"
	jsonIndent    = "  "
)

// silence is a logger for the HTTP server: a client that resets or mistrusts
// is what tests provoke.
func silence() *log.Logger { return log.New(io.Discard, "", 0) }

// control is the sandbox's own interface for shells. It costs no latency and
// suffers no faults.
//
//	GET  /_sandbox/state    State as JSON
//	POST /_sandbox/fault    a form: kind, action, skip, times, delay, status, code, message to inject a
//	                        fault; clear=true to remove those that wait; clock_offset, latency to set them
//	GET  /_sandbox/ca       the CA's certificate
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET " + controlPrefix + "state":
		w.Header().Set("Content-Type", "application/json")
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", jsonIndent)
		_ = encoder.Encode(s.State()) // a client that has gone is not our failure
	case "POST " + controlPrefix + "fault":
		if err := s.arrange(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case "GET " + controlPrefix + "ca":
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(s.CAPEM())
	case "GET " + controlPrefix + "portal":
		s.write(w, newAnswer(http.StatusOK, "text/html; charset=utf-8", []byte(portalPage)))
	default:
		http.NotFound(w, r)
	}
}

// arrange does what a form asks for, all of it or nothing.
func (s *Server) arrange(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		return err
	}
	form := formReader{values: r.Form}
	fault := form.fault()
	offset, latency := form.duration("clock_offset"), form.duration("latency")
	if err := errors.Join(form.errs...); err != nil {
		return err
	}
	if r.Form.Has("clear") {
		s.ClearFaults()
	}
	if r.Form.Has("kind") {
		if err := s.Inject(fault); err != nil {
			return err
		}
	}
	if r.Form.Has("clock_offset") {
		s.SetClockOffset(offset)
	}
	if r.Form.Has("latency") {
		s.SetLatency(latency)
	}
	return nil
}

// formReader reads the fields of a form and collects what is wrong with them.
type formReader struct {
	values url.Values
	errs   []error
}

func (f *formReader) fault() Fault {
	return Fault{
		Kind:    Kind(f.values.Get("kind")),
		Action:  f.values.Get("action"),
		Skip:    f.number("skip"),
		Times:   f.number("times"),
		Delay:   f.duration("delay"),
		Status:  f.number("status"),
		Code:    f.values.Get("code"),
		Message: f.values.Get("message"),
	}
}

func (f *formReader) number(name string) int {
	if f.values.Get(name) == "" {
		return 0
	}
	n, err := strconv.Atoi(f.values.Get(name))
	f.note(err)
	return n
}

func (f *formReader) duration(name string) time.Duration {
	if f.values.Get(name) == "" {
		return 0
	}
	d, err := time.ParseDuration(f.values.Get(name))
	f.note(err)
	return d
}

func (f *formReader) note(err error) {
	if err != nil {
		f.errs = append(f.errs, err)
	}
}
