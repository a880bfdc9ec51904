package sandbox

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"time"
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
