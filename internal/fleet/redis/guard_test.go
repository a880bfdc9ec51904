package redis

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// script is a connection on which the other side has said text, which arrives in pieces of some bytes.
type script struct {
	net.Conn
	text  *bytes.Reader
	piece int
}

func (s script) Read(p []byte) (int, error)    { return s.text.Read(p[:min(len(p), s.piece)]) }
func (script) Close() error                    { return nil }
func (script) SetReadDeadline(time.Time) error { return nil }
func (script) Write(p []byte) (int, error)     { return len(p), nil }
func guarded(text string, piece int) io.Reader {
	return &guard{Conn: script{text: bytes.NewReader([]byte(text)), piece: piece}}
}

// answers are what servers really say.
func answers() []string {
	return []string{
		"+OK\r\n", "-WRONGPASS invalid username-password pair or user is disabled.\r\n", ":1\r\n", "$-1\r\n", "*-1\r\n", "$0\r\n\r\n",
		"$5\r\na\r\nb$\r\n", "*4\r\n:-2\r\n$-1\r\n$3\r\nabc\r\n$-1\r\n", "*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n", "*2\r\n*1\r\n:1\r\n+a\r\n",
		"$131072\r\n" + strings.Repeat("x", maxBulk) + "\r\n", "*0\r\n", "-" + strings.Repeat("x", maxLine-3) + "\r\n",
	}
}

func TestGuardPassesWhatServersSay(t *testing.T) {
	t.Parallel()
	all := strings.Repeat(strings.Join(answers(), ""), 20) // far more than one answer may have
	for _, piece := range []int{1, 7, 4096} {
		got, err := io.ReadAll(guarded(all, piece))
		if err != nil || string(got) != all {
			t.Errorf("in pieces of %d: %d of %d bytes, %v", piece, len(got), len(all), err)
		}
	}
}

func TestGuardRefusesWhatWouldCostMemory(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a long string":            "$99999999999\r\n",
		"a string a bit too long":  "$131073\r\n",
		"many items":               "*99999999999\r\n",
		"some items too many":      "*17\r\n",
		"many items in all":        "*8\r\n*8\r\n*8\r\n",
		"arrays without end":       strings.Repeat("*1\r\n", 100000),
		"a line without end":       "+" + strings.Repeat("x", maxLine),
		"an error without end":     "-" + strings.Repeat("x", 10*maxLine),
		"a length without end":     "$" + strings.Repeat("9", 2*maxLine),
		"a negative length":        "$-2\r\n",
		"a length that overflows":  "$9223372036854775808\r\n",
		"no length":                "*\r\n",
		"a large answer":           "*16\r\n" + strings.Repeat("$131072\r\n"+strings.Repeat("x", maxBulk)+"\r\n", 16),
		"the third version":        "%1\r\n+a\r\n+b\r\n",
		"a string in parts":        "$?\r\n;4\r\n",
		"HTTP":                     "HTTP/1.1 400 Bad Request\r\n\r\n",
		"an empty line":            "\r\n",
		"a certificate for a line": "\x15\x03\x01\x00\x02\x02\x46\n",
	} {
		for _, piece := range []int{1, 4096} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			conn := redis.NewConn(&guard{Conn: script{text: bytes.NewReader([]byte(text)), piece: piece}}, 0, 0)
			_, err := conn.Receive()
			runtime.ReadMemStats(&after)
			if !errors.Is(err, errGuard) {
				t.Errorf("%s, in pieces of %d: %v", name, piece, err)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 64<<20 { // other tests run as well
				t.Errorf("%s took %d bytes", name, got)
			}
		}
	}
}

// FuzzGuard has a hostile server say anything: what comes through is a beginning of it, however it is cut, and
// a client survives it.
func FuzzGuard(f *testing.F) {
	for _, text := range answers() {
		f.Add(text[:min(len(text), 100)], 3)
	}
	f.Add("*3\r\n$99999999999\r\n", 1)
	f.Fuzz(func(t *testing.T, text string, piece int) {
		whole, failed := io.ReadAll(guarded(text, 1<<20))
		cut, failedToo := io.ReadAll(guarded(text, 1+(piece&0xff)))
		if !strings.HasPrefix(text, string(cut)) || (failed == nil) != (failedToo == nil) || failed == nil && string(whole) != text {
			t.Fatalf("%d and %d of %d bytes came through: %v, %v", len(whole), len(cut), len(text), failed, failedToo)
		}
		conn := redis.NewConn(&guard{Conn: script{text: bytes.NewReader([]byte(text)), piece: 4096}}, 0, 0)
		for range 100 {
			if _, err := conn.Receive(); err != nil {
				break
			}
		}
	})
}
