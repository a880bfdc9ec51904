package redis

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"strconv"
)

// What a server may answer. The largest value that is stored is a session.
const (
	maxLine   = 1 << 10 // bytes
	maxBulk   = 128 << 10
	maxAnswer = 1 << 20
	maxItems  = 16 // of all arrays of an answer together
)

var errGuard = errors.New("the answer is larger than any of a Redis or Valkey server, or does not have their form")

// guard is a connection whose answers are held within bounds: clients reserve memory for whatever length a
// server announces. It follows the second version of the protocol (RESP2).
type guard struct {
	net.Conn
	from   *bufio.Reader // Conn, up to one line ahead
	line   []byte        // what is to be returned of a line
	bulk   int           // bytes of a string that are to come, with its end of line
	values int           // of the answer that are to come
	items  int           // that the arrays of the answer have announced
	size   int           // of the answer so far
}

// Read implements net.Conn. It fails before it returns anything of an answer that is out of bounds.
func (g *guard) Read(p []byte) (n int, err error) {
	if g.from == nil {
		g.from = bufio.NewReaderSize(g.Conn, maxLine)
	}
	if g.bulk > 0 {
		n, err = g.from.Read(p[:min(len(p), g.bulk)])
		if g.bulk -= n; g.bulk == 0 {
			g.end()
		}
	} else {
		if len(g.line) == 0 {
			g.line, err = g.from.ReadSlice('\n')
			switch {
			case errors.Is(err, bufio.ErrBufferFull), err == nil && !g.header():
				_ = g.Close()
				return 0, errGuard
			case len(g.line) > 0:
				err = nil // it comes again
			}
		}
		n = copy(p, g.line)
		g.line = g.line[n:]
	}
	if g.size += n; g.size > maxAnswer {
		_ = g.Close()
		return 0, errGuard
	}
	if g.values == 0 && g.bulk == 0 && len(g.line) == 0 {
		g.size, g.items = 0, 0
	}
	return n, err
}

// header takes a whole line, and reports whether it may stand there.
func (g *guard) header() bool {
	kind, text := g.line[0], string(bytes.TrimSuffix(g.line[1:], []byte("\r\n")))
	switch kind {
	case '+', '-', ':':
		g.end()
		return true
	case '$', '*':
	default:
		return false
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < -1 || kind == '$' && n > maxBulk:
		return false
	case n < 0:
		g.end()
	case kind == '$':
		g.bulk = n + len("\r\n")
	default:
		g.items += n
		g.end()
		g.values += n
	}
	return g.items <= maxItems
}

// end notes that a value is complete, or that an array has begun.
func (g *guard) end() { g.values = max(0, g.values-1) }
