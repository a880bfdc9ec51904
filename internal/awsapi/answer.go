package awsapi

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

// answer is an HTTP answer, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// response returns the answer in the form the SDK reads.
func (a *answer) response(req *http.Request) *http.Response {
	return &http.Response{
		StatusCode:    a.status,
		Header:        a.header,
		Body:          io.NopCloser(bytes.NewReader(a.body)),
		ContentLength: int64(len(a.body)),
		Request:       req,
	}
}

// complete reports whether the answer is AWS's to action, and whole: one XML
// document with the root element that the query protocol prescribes. Nobody
// else on the way produces that. An answer that begins so and is not complete
// is cut.
func (a *answer) complete(action string) (ok, cut bool) {
	want := "ErrorResponse"
	if a.status/100 == 2 {
		want = action + "Response"
	}
	root, err := document(a.body)
	return root == want && err == nil, root == want && err != nil
}

// foreign returns what an answer is that is not AWS's.
func (a *answer) foreign() string {
	switch {
	case a.status/100 == 3:
		host := "?"
		if u, err := url.Parse(a.header.Get("Location")); err == nil {
			host = u.Host // the rest of the URL may be long
		}
		return fmt.Sprintf("got a redirect (HTTP %d) to %q instead of a response from AWS (captive portal or proxy?)", a.status, host)
	case a.html():
		return fmt.Sprintf("got HTML (HTTP %d) instead of a response from AWS (captive portal or proxy?)", a.status)
	case len(a.body) == 0:
		return fmt.Sprintf("got an empty response (HTTP %d)", a.status)
	}
	return fmt.Sprintf("got a response that is not from AWS (HTTP %d, type %q)", a.status, a.header.Get("Content-Type"))
}

// document returns the name of the root element of data, and an error unless data is one well-formed XML
// document: one root element, nothing behind it but white space and comments, no document type, and in no
// element two of the same name, but for the members of a list.
func document(data []byte) (root string, err error) {
	decoder := xml.NewDecoder(bytes.NewReader(data)) //nolint:gosec // its tokens are compared, and nothing is made of them
	seen := []map[string]bool{{}}                    // in each open element, the root's first
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && root != "" {
			return root, nil
		}
		if err != nil {
			return root, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			name, within := t.Name.Local, seen[len(seen)-1]
			if within[name] && name != "member" || len(seen) == 1 && root != "" || len(seen) > maxDepth {
				return root, errNotOne
			}
			within[name], root = true, cmp.Or(root, name)
			seen = append(seen, make(map[string]bool))
		case xml.EndElement:
			seen = seen[:len(seen)-1]
		case xml.CharData:
			if len(seen) == 1 && len(bytes.TrimSpace(t)) > 0 {
				return root, errNotOne
			}
		case xml.ProcInst:
			if root != "" {
				return root, errNotOne
			}
		case xml.Directive: // AWS sends no document type
			return root, errNotOne
		}
	}
}

const maxDepth = 100 // many times what AWS sends

var errNotOne = errors.New("not one XML document")

func (a *answer) html() bool {
	start := strings.ToLower(string(a.body[:min(len(a.body), 256)]))
	return strings.HasPrefix(a.header.Get("Content-Type"), "text/html") ||
		strings.HasPrefix(strings.TrimSpace(start), "<!doctype html") || strings.Contains(start, "<html")
}

// date returns the server's clock when it answered, or zero. The Date header
// is cut to the second, so the middle of that second is the best guess. A
// cached answer (Age) has an old time, and what a proxy makes of it may be no time at all.
func (a *answer) date() time.Time {
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil || a.header.Get("Age") != "" || !rules.Plausible(date) {
		return time.Time{}
	}
	return date.Add(time.Second / 2)
}

// requestID returns what AWS's support asks for, or "" if it is not one.
func (a *answer) requestID() string {
	id := a.header.Get("X-Amzn-Requestid")
	if len(id) > 64 || strings.Trim(strings.ToLower(id), "0123456789abcdefghijklmnopqrstuvwxyz-_") != "" {
		return ""
	}
	return id
}

// notAWS explains an answer that is not from AWS. The status still says whether
// to come back later: a gateway in front of AWS answers so, too.
func (c *call) notAWS(got *answer) *Error {
	host := c.host()
	switch {
	case got.status == http.StatusTooManyRequests:
		return c.fail(Throttled, fault.New(fault.Unavailable, host, "try again later", "%s", got.foreign()))
	case got.status/100 == 5:
		return c.fail(ServerError, fault.New(fault.Unavailable, host, "try again later", "%s", got.foreign()))
	}
	remedy := "log in to the network with a browser, or check HTTPS_PROXY"
	if c.at.override != "" {
		remedy = "check that " + c.at.override + " is an endpoint of " + c.at.service
	}
	return c.fail(Unreachable, fault.New(fault.Network, host, remedy, "%s", got.foreign()))
}
