package sandbox

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
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

func xmlAnswer(status int, requestID string, body []byte) *answer {
	a := newAnswer(status, "text/xml", body)
	a.header.Set("X-Amzn-Requestid", requestID)
	return a
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
	return xmlAnswer(r.status, requestID, body)
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
	return xmlAnswer(http.StatusOK, requestID, body)
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

// param is a parameter of an action, with the constraints of AWS's service model.
type param struct {
	name      string
	low, high int    // of the characters, or of the value of a number
	class     string // of each character; any if empty
	required  bool
	number    bool
	values    []string // if not empty, the only ones there are
}

// must returns the parameter as one that has to be there.
func must(p param) param {
	p.required = true
	return p
}

// broken returns the constraints that the parameter does not meet, in AWS's words.
func (p param) broken(params url.Values) []string {
	value := params.Get(p.name)
	member := "at '" + strings.ToLower(p.name[:1]) + p.name[1:] + "' failed to satisfy constraint: Member must "
	switch {
	case !params.Has(p.name) && p.required:
		return []string{"Value null " + member + "not be null"}
	case !params.Has(p.name):
		return nil
	}
	member = "Value '" + value + "' " + member
	if p.values != nil {
		if slices.Contains(p.values, value) {
			return nil
		}
		return []string{member + "satisfy enum value set: [" + strings.Join(p.values, ", ") + "]"}
	}
	size, what := utf8.RuneCountInString(value), "length"
	if p.number {
		what = "value"
		var err error
		if size, err = strconv.Atoi(value); err != nil {
			return []string{member + "be a valid integer"}
		}
	}
	var list []string
	if size < p.low {
		list = append(list, fmt.Sprintf("%shave %s greater than or equal to %d", member, what, p.low))
	} else if size > p.high {
		list = append(list, fmt.Sprintf("%shave %s less than or equal to %d", member, what, p.high))
	}
	if p.class != "" && !regexp.MustCompile("^"+p.class+"*$").MatchString(value) {
		list = append(list, member+"satisfy regular expression pattern: "+p.class+"*")
	}
	return list
}

// checkParams returns the error of all parameters that are wrong, or nil.
func (c *call) checkParams(list []param) *refusal {
	var broken []string
	for _, p := range list {
		broken = append(broken, p.broken(c.params)...)
	}
	switch len(broken) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: " + broken[0])
	}
	return invalid(fmt.Sprintf("%d validation errors detected: %s", len(broken), strings.Join(broken, "; ")))
}

// number returns the value of a number that has been checked, preset if it is not there.
func (c *call) number(name string, preset int) int {
	if n, err := strconv.Atoi(c.params.Get(name)); err == nil {
		return n
	}
	return preset
}
