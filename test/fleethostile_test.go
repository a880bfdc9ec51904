//go:build unix

package test

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// middle is a man in the middle, between hosts and a real engine.
type middle struct {
	engine string
	mu     sync.Mutex

	// change returns what the host gets for a command's answer; ok is false if that is lost with the connection.
	change func(command []string, answer reply) (changed reply, ok bool)
}

// reply is a value of the protocol: a line, or the values of an array.
type reply struct {
	text  string
	array []reply
	bytes string // as sent
}

func startMiddle(t *testing.T, e *engine) (m *middle, url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	m = &middle{engine: e.addr(), change: func(_ []string, r reply) (reply, bool) { return r, true }}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go m.serve(conn)
		}
	}()
	return m, "redis://" + l.Addr().String()
}

func (m *middle) serve(host net.Conn) {
	defer host.Close()
	engine, err := net.Dial("tcp", m.engine)
	if err != nil {
		return
	}
	defer engine.Close()
	commands, answers := bufio.NewReader(host), bufio.NewReader(engine)
	for {
		command, err := readReply(commands)
		if err != nil {
			return
		}
		_, _ = io.WriteString(engine, command.bytes)
		answer, err := readReply(answers)
		if err != nil {
			return
		}
		var words []string
		for _, word := range command.array {
			words = append(words, word.text)
		}
		m.mu.Lock()
		answer, ok := m.change(words, answer)
		m.mu.Unlock()
		if !ok {
			return
		}
		_, _ = io.WriteString(host, answer.bytes)
	}
}

func readReply(r *bufio.Reader) (reply, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return reply{}, err
	}
	got := reply{bytes: line, text: strings.TrimSpace(line[1:])}
	n, _ := strconv.Atoi(got.text)
	switch {
	case line[0] == '$' && n >= 0:
		text := make([]byte, n+len("\r\n"))
		_, err = io.ReadFull(r, text)
		got.text, got.bytes = string(text[:n]), line+string(text)
	case line[0] == '$':
		got.text = ""
	case line[0] == '*':
		for range n {
			item, err := readReply(r)
			if err != nil {
				return reply{}, err
			}
			got.array, got.bytes = append(got.array, item), got.bytes+item.bytes
		}
	}
	return got, err
}

func bulk(text string) reply {
	if text == "" {
		return reply{bytes: "$-1\r\n"}
	}
	return reply{text: text, bytes: "$" + strconv.Itoa(len(text)) + "\r\n" + text + "\r\n"}
}

// replaced returns the answer to a Get with other values: those that change returns for key and value.
func (r reply) replaced(command []string, change func(key, value string) string) reply {
	keys := command[3:]
	all := reply{array: slices.Clone(r.array), bytes: "*" + r.text + "\r\n" + r.array[0].bytes}
	for i, key := range keys {
		all.array[i+1] = bulk(change(key, r.array[i+1].text))
		all.bytes += all.array[i+1].bytes
	}
	return all
}

// A command is EVAL script n key…, and of a Swap: old new milliseconds.
func isGet(command []string) bool { return command[0] == "EVAL" && command[2] != "1" }

func isSwap(command []string, ttl time.Duration) bool {
	return command[0] == "EVAL" && command[2] == "1" && len(command) == 7 && command[6] == strconv.FormatInt(ttl.Milliseconds(), 10)
}

const (
	leaseTTL = 10 * time.Second
	claimTTL = 10 * time.Minute
)

// TestFleetWithLostAnswers has the answer of each change get lost once, after the engine has made it: what is there has
// been won, so nobody waits for its own lease, or takes its own claim for another's.
func TestFleetWithLostAnswers(t *testing.T) {
	t.Parallel()
	const few = 10
	m, url := startMiddle(t, startEngine(t))
	lost := make(map[string]bool)
	m.change = func(command []string, answer reply) (reply, bool) {
		change := strings.Join(command[len(command)-4:], " ")
		again := isGet(command) || lost[change]
		lost[change] = true
		return answer, again
	}
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: latency}})
	roomInStep()
	all := hosts(t, b, few, url+"?required=true")
	wantSameSession(t, all)
	wantMints(t, b, 1)
	if len(lost) < 3 { // lease, claim, session
		t.Errorf("%d answers were lost", len(lost))
	}
}

// TestFleetWithGrantsForAll has the engine give each lease and each claim to everybody, and show none of them. AWS
// refuses all codes but one, and the other hosts find its session before they send one more.
func TestFleetWithGrantsForAll(t *testing.T) {
	t.Parallel()
	const few = 6
	m, url := startMiddle(t, startEngine(t))
	hidden := make(map[string]bool)
	m.change = func(command []string, answer reply) (reply, bool) {
		switch {
		case isSwap(command, leaseTTL) || isSwap(command, claimTTL):
			hidden[command[3]] = true
			return reply{bytes: ":1\r\n"}, true
		case isGet(command):
			return answer.replaced(command, func(key, value string) string {
				if hidden[key] {
					return ""
				}
				return value
			}), true
		}
		return answer, true
	}
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: 2 * time.Second}})
	roomInStep()
	for _, got := range hosts(t, b, few, url) {
		credentials(t, got)
	}
	accepted := 0
	for _, attempt := range b.Server.State().Attempts {
		if attempt.Outcome == sandbox.CodeAccepted {
			accepted++
		}
	}
	n := calls(b, "GetSessionToken")
	if t.Logf("%d codes were accepted of %d", accepted, n); accepted == 0 || n > few {
		t.Error("a host has sent two codes")
	}
}

// TestFleetWithReplays has the engine show old values for ever: a lease, a failure, a session. None of it keeps a host
// from a session of its own, and --refresh gets a new one.
func TestFleetWithReplays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(t *testing.T, b *testbed.Bed, m *middle, url string){
		"lease": func(t *testing.T, b *testbed.Bed, m *middle, url string) {
			t.Helper()
			old := m.record(func(command []string) bool { return isSwap(command, leaseTTL) }, 5)
			mustHost(t, b, 0, url)
			m.replay(old)
			got := run(t, b, host(t, b, 2, url), b.Binary, "get", "--profile", "work", "--refresh")
			credentials(t, got)
			if got.took < 10*time.Second {
				t.Errorf("the old lease was not heeded: %v", got.took)
			}
		},
		"failure": func(t *testing.T, b *testbed.Bed, m *middle, url string) {
			t.Helper()
			old := m.record(func(command []string) bool { return command[0] == "SET" }, 2)
			if err := b.Server.Inject(sandbox.Fault{Kind: sandbox.Throttle, Action: "GetSessionToken"}); err != nil {
				t.Fatal(err)
			}
			wantFailure(t, b, run(t, b, host(t, b, 0, url), b.Binary, "get", "--profile", "work"), 8)
			wantFailure(t, b, run(t, b, host(t, b, 1, url), b.Binary, "get", "--profile", "work"), 8) // it is shared
			if n := calls(b, "GetSessionToken"); n != 1 {
				t.Errorf("%d calls", n)
			}
			m.replay(old)
			time.Sleep(6 * time.Second)
			mustHost(t, b, 2, url)
		},
		"session": func(t *testing.T, b *testbed.Bed, m *middle, url string) {
			t.Helper()
			old := m.record(func(command []string) bool { return command[0] == "SET" }, 2)
			first := mustHost(t, b, 0, url)
			m.replay(old)
			renewed := mustHost(t, b, 1, url, "--refresh")
			if again := mustHost(t, b, 2, url); renewed.AccessKeyID == first.AccessKeyID || again.AccessKeyID != first.AccessKeyID {
				t.Errorf("%s, then %s, then %s", first.AccessKeyID, renewed.AccessKeyID, again.AccessKeyID)
			}
			b.Server.SetClockOffset(13 * time.Hour)
			run(t, b, host(t, b, 3, "off"), b.Binary, "doctor", "--online") // it learns the time
			if late := mustHost(t, b, 3, url); late.AccessKeyID == first.AccessKeyID {
				t.Error("a session that has expired")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, url := startMiddle(t, startEngine(t))
			b := bed(t, testbed.Options{})
			test(t, b, m, url+"?required=true")
			wantNoCodeTwice(t, b)
		})
	}
}

// record keeps the first value of each key that a command stores, which is word at of it.
func (m *middle) record(stores func(command []string) bool, at int) map[string]string {
	old := make(map[string]string)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.change = func(command []string, answer reply) (reply, bool) {
		key := command[1]
		if command[0] == "EVAL" {
			key = command[3]
		}
		if stores(command) && old[key] == "" {
			old[key] = command[at]
		}
		return answer, true
	}
	return old
}

// replay has each Get show what is old, whatever there is now.
func (m *middle) replay(old map[string]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.change = func(command []string, answer reply) (reply, bool) {
		if isGet(command) {
			answer = answer.replaced(command, func(key, value string) string {
				if old[key] != "" {
					return old[key]
				}
				return value
			})
		}
		return answer, true
	}
}

// TestFleetWithForgedLeases has the engine show leases that none of the hosts can have written: it is not believed in
// anything more.
func TestFleetWithForgedLeases(t *testing.T) {
	t.Parallel()
	m, url := startMiddle(t, startEngine(t))
	asked := 0
	m.change = func(command []string, answer reply) (reply, bool) {
		if asked++; isGet(command) {
			answer = answer.replaced(command, func(key, value string) string {
				if key == command[len(command)-1] {
					return "forged"
				}
				return value
			})
		}
		return answer, true
	}
	b := bed(t, testbed.Options{})
	wantFailure(t, b, run(t, b, host(t, b, 0, url+"?required=true"), b.Binary, "get", "--profile", "work"), 7, "does not open")
	mustHost(t, b, 1, url)
	wantMints(t, b, 1)
	if asked != 2 {
		t.Errorf("the engine was asked %d times by two hosts", asked)
	}
}
