package sandbox

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// refusal is an error answer of the Query protocol.
type refusal struct {
	status  int
	code    string
	message string
}

func refuse(status int, code, message string) *refusal {
	return &refusal{status: status, code: code, message: message}
}

func denied(message string) *refusal {
	return refuse(http.StatusForbidden, "AccessDenied", message)
}

func invalid(message string) *refusal {
	return refuse(http.StatusBadRequest, "ValidationError", message)
}

// answer is an HTTP answer before it is sent.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func newAnswer(status int, contentType string, body []byte) *answer {
	header := http.Header{}
	header.Set("Content-Type", contentType)
	return &answer{status: status, header: header, body: body}
}

// refusalAnswer writes r as STS and IAM do.
func refusalAnswer(r *refusal, namespace, requestID string) *answer {
	kind := "Sender"
	if r.status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	type detail struct{ Type, Code, Message string }
	body := marshal(struct {
		XMLName   xml.Name
		Error     detail
		RequestID string `xml:"RequestId"`
	}{xml.Name{Space: namespace, Local: "ErrorResponse"}, detail{kind, r.code, r.message}, requestID})
	return newAnswer(r.status, "text/xml", body)
}

// resultAnswer wraps result as the answer to action. A nil result stands for an
// action that returns nothing; AWS sends no Result element for those.
func resultAnswer(action, namespace, requestID string, result any) *answer {
	type metadata struct {
		RequestID string `xml:"RequestId"`
	}
	var element any
	if result != nil {
		element = named{xml.Name{Local: action + "Result"}, result}
	}
	body := marshal(struct {
		XMLName          xml.Name
		Result           any
		ResponseMetadata metadata
	}{xml.Name{Space: namespace, Local: action + "Response"}, element, metadata{requestID}})
	return newAnswer(http.StatusOK, "text/xml", body)
}

// named is a value that chooses its own element name.
type named struct {
	name  xml.Name
	value any
}

// MarshalXML writes the value under its name.
func (n named) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(n.value, xml.StartElement{Name: n.name})
}

// marshal returns v as XML. Only types of this package come here, so a failure
// is a defect of the sandbox and shows as an empty answer.
func marshal(v any) []byte {
	var buf bytes.Buffer
	if err := xml.NewEncoder(&buf).Encode(v); err != nil {
		return nil
	}
	buf.WriteByte('\n')
	return buf.Bytes()
}

// timestamp is a time as AWS writes it: UTC, to the second.
type timestamp time.Time

// MarshalText writes 2026-11-23T19:55:05Z.
func (t timestamp) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05Z")), nil
}

// text checks a parameter against the service model: if it is there, it has between low
// and high characters, all of the class. What is wrong is kept for invalidParameters.
func (c *call) text(name string, low, high int, class string) string {
	value := c.params.Get(name)
	if !c.params.Has(name) {
		return ""
	}
	if n := utf8.RuneCountInString(value); n < low {
		c.add(name, value, "have length greater than or equal to "+strconv.Itoa(low))
	} else if n > high {
		c.add(name, value, "have length less than or equal to "+strconv.Itoa(high))
	}
	if class != "" && !regexp.MustCompile("^"+class+"*$").MatchString(value) {
		c.add(name, value, "satisfy regular expression pattern: "+class+"*")
	}
	return value
}

// required is text for a parameter that must be there.
func (c *call) required(name string, low, high int, class string) string {
	if !c.params.Has(name) {
		c.broken = append(c.broken, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", lowerFirst(name)))
	}
	return c.text(name, low, high, class)
}

// seconds checks a whole number, preset if it is not there.
func (c *call) seconds(name string, preset, low, high int) time.Duration {
	value := c.params.Get(name)
	if !c.params.Has(name) {
		return time.Duration(preset) * time.Second
	}
	n, err := strconv.Atoi(value)
	switch {
	case err != nil:
		c.add(name, value, "be a valid integer")
	case n < low:
		c.add(name, value, "have value greater than or equal to "+strconv.Itoa(low))
	case n > high:
		c.add(name, value, "have value less than or equal to "+strconv.Itoa(high))
	}
	return time.Duration(n) * time.Second
}

func (c *call) add(name, value, must string) {
	c.broken = append(c.broken, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, lowerFirst(name), must))
}

// invalidParameters returns the error of all parameters that are wrong, in AWS's words, or nil.
func (c *call) invalidParameters() *refusal {
	plural := "s"
	switch len(c.broken) {
	case 0:
		return nil
	case 1:
		plural = ""
	}
	return invalid(fmt.Sprintf("%d validation error%s detected: %s", len(c.broken), plural, strings.Join(c.broken, "; ")))
}

// lowerFirst turns a wire name into the member name that AWS's texts use.
func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }
