package awshttp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// Answer is an HTTP answer, read whole.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// response returns the answer in the form the SDK reads.
func (a *Answer) response(req *http.Request) *http.Response {
	return &http.Response{
		StatusCode:    a.Status,
		Header:        a.Header,
		Body:          io.NopCloser(bytes.NewReader(a.Body)),
		ContentLength: int64(len(a.Body)),
		Request:       req,
	}
}

// whole reports whether the answer is AWS's to action, and complete: one XML
// document with the root element that the query protocol prescribes. Nobody
// else on the way produces that. An answer that begins so and is not complete
// is cut.
func (a *Answer) whole(action string) (ok, cut bool) {
	want := "ErrorResponse"
	if a.Status/100 == 2 {
		want = action + "Response"
	}
	root, err := document(a.Body)
	return root == want && err == nil, root == want && err != nil
}

// foreign returns what an answer is that is not AWS's.
func (a *Answer) foreign() string {
	switch {
	case a.Status/100 == 3:
		return fmt.Sprintf("got a redirect (HTTP %d) to %q instead of an answer of AWS (captive portal or proxy?)", a.Status, a.redirect())
	case a.html():
		return fmt.Sprintf("got HTML (HTTP %d) instead of an answer of AWS (captive portal or proxy?)", a.Status)
	case len(a.Body) == 0:
		return fmt.Sprintf("got an empty answer (HTTP %d)", a.Status)
	}
	return fmt.Sprintf("got something else (HTTP %d, type %q) than an answer of AWS", a.Status, a.Header.Get("Content-Type"))
}

// document returns the name of the root element of data, and an error unless
// data is one well-formed XML document.
func document(data []byte) (root string, err error) {
	decoder := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && root != "" {
			return root, nil
		}
		if err != nil {
			return root, err
		}
		if start, ok := token.(xml.StartElement); ok && root == "" {
			root = start.Name.Local
		}
	}
}

func (a *Answer) html() bool {
	start := strings.ToLower(string(a.Body[:min(len(a.Body), 256)]))
	return strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") ||
		strings.HasPrefix(strings.TrimSpace(start), "<!doctype html") || strings.Contains(start, "<html")
}

// redirect returns the host that a redirect names. The rest of the URL is of
// no use to anybody, and may be long.
func (a *Answer) redirect() string {
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil {
		return "?"
	}
	return u.Host
}

// date returns the server's clock when it answered, or zero. The Date header
// is cut to the second, so the middle of that second is the best guess. A
// cache's answer (Age) tells an old time.
func (a *Answer) date() time.Time {
	date, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil || a.Header.Get("Age") != "" {
		return time.Time{}
	}
	return date.Add(time.Second / 2)
}

// requestID returns what AWS's support asks for, or "" if it is not one.
func (a *Answer) requestID() string {
	id := a.Header.Get("X-Amzn-Requestid")
	if len(id) > 64 || strings.Trim(strings.ToLower(id), "0123456789abcdefghijklmnopqrstuvwxyz-_") != "" {
		return ""
	}
	return id
}

// notAWS explains an answer of somebody else. The status still tells whether
// to come back later: a gateway in front of AWS answers so, too.
func (c *Call) notAWS(got *Answer) *Outcome {
	host := c.Host()
	switch {
	case got.Status == http.StatusTooManyRequests:
		return &Outcome{exchange.Throttled, fault.New(fault.Unavailable, host, "try again later", "%s", got.foreign())}
	case got.Status/100 == 5:
		return &Outcome{exchange.ServerError, fault.New(fault.Unavailable, host, "try again later", "%s", got.foreign())}
	}
	remedy := "log in to the network with a browser, or check HTTPS_PROXY"
	if c.peer.Override != "" {
		remedy = "check that " + c.peer.Override + " is an endpoint of " + c.peer.Service
	}
	return &Outcome{exchange.Unreachable, fault.New(fault.Network, host, remedy, "%s", got.foreign())}
}
