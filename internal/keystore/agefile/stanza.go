package agefile

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strings"
)

// A stanza is what age and its plugins say to each other, as defined with age's header:
// a line "-> TYPE ARGUMENTS", then the body in base64, in lines of 64 columns of which the last
// is shorter.
type stanza struct {
	kind string
	args []string
	body []byte
}

const (
	stanzaMark  = "->"
	bodyColumns = 64

	// maxStanza is more than any stanza needs, in bytes: keys, prompts, messages.
	maxStanza = 64 << 10
)

var errStanza = errors.New("not a stanza")

func bodyEncoding() *base64.Encoding { return base64.RawStdEncoding.Strict() }

// writeTo writes the stanza. Kind and args hold neither spaces nor line ends.
func (s stanza) writeTo(w io.Writer) error {
	var text bytes.Buffer
	text.WriteString(strings.Join(append([]string{stanzaMark, s.kind}, s.args...), " ") + "\n")
	body := bodyEncoding().EncodeToString(s.body)
	for len(body) >= bodyColumns {
		text.WriteString(body[:bodyColumns] + "\n")
		body = body[bodyColumns:]
	}
	text.WriteString(body + "\n")
	_, err := w.Write(text.Bytes())
	return err
}

// readStanza reads the next stanza. The error is errStanza or the reader's.
func readStanza(r *bufio.Reader) (stanza, error) {
	first, err := readLine(r)
	if err != nil {
		return stanza{}, err
	}
	words := strings.Split(first, " ")
	if words[0] != stanzaMark || len(words) < 2 || words[1] == "" {
		return stanza{}, errStanza
	}
	s := stanza{kind: words[1], args: words[2:]}
	for len(s.body) < maxStanza {
		line, err := readLine(r)
		if err != nil {
			return stanza{}, err
		}
		part, err := bodyEncoding().DecodeString(line)
		if err != nil || len(line) > bodyColumns || strings.Contains(line, "\r") {
			return stanza{}, errStanza
		}
		s.body = append(s.body, part...)
		if len(line) < bodyColumns {
			return s, nil
		}
	}
	return stanza{}, errStanza
}

// readLine reads a line, which has to fit the reader's buffer.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errStanza
	}
	if err != nil {
		return "", err
	}
	return string(line[:len(line)-1]), nil
}
