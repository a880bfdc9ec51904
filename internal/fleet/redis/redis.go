// Package redis is the engine of a fleet that speaks the Redis protocol: Redis, Valkey and their managed
// forms, alone, behind Sentinels, or as a cluster. It is the only importer of redigo, which gets its connections
// from here: the servers of a cluster or behind a Sentinel are found out below, and what a server may answer
// is bounded by a guard.
package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fleet"
)

const (
	dialLimit = 4 * time.Second // the backlog of a server that hundreds connect to overflows
	maxMoves  = 5               // from one server of a cluster to the next
)

// The scripts are sent whole each time, so that a server that has just taken over has them too.
const (
	getScript = `local v = redis.call('MGET', unpack(KEYS)) table.insert(v, 1, tostring(redis.call('PTTL', KEYS[1]))) return v`

	swapScript = `local v = redis.call('GET', KEYS[1]) or ''
if v ~= ARGV[1] then return v end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`
)

// Engine is a fleet.Engine. It connects when it is first used, and again after any error. It may not be used
// concurrently.
type Engine struct {
	settings Settings
	tls      *tls.Config // nil: none
	server   *server     // nil: not connected
	first    int         // which of the hosts to try first
}

// server is a connection to a server, and what is below it.
type server struct {
	redis.Conn
	raw net.Conn
}

var _ fleet.Engine = (*Engine)(nil)

// New returns the engine that s describes. The error, a *fault.Error, is about the files of TLS.
func New(s Settings) (*Engine, error) {
	config, err := s.tlsConfig()
	return &Engine{settings: s, tls: config}, err
}

// Get implements fleet.Engine.
func (e *Engine) Get(ctx context.Context, keys ...string) (values []string, left time.Duration, err error) {
	values, err = redis.Strings(e.eval(ctx, getScript, keys))
	if err != nil {
		return nil, 0, explain(err)
	}
	if len(values) != 1+len(keys) {
		return nil, 0, errAnswer
	}
	milliseconds, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil {
		return nil, 0, errAnswer
	}
	return values[1:], max(0, time.Duration(milliseconds)*time.Millisecond), nil
}

// Swap implements fleet.Engine.
func (e *Engine) Swap(ctx context.Context, key, old, value string, ttl time.Duration) (present string, swapped bool, err error) {
	reply, err := e.eval(ctx, swapScript, []string{key}, old, value, ttl.Milliseconds())
	if n, ok := reply.(int64); ok && n == 1 {
		return "", true, nil
	}
	present, err = redis.String(reply, err)
	return present, false, explain(err)
}

// Put implements fleet.Engine.
func (e *Engine) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	_, err := e.do(ctx, "SET", key, value, "PX", ttl.Milliseconds())
	return explain(err)
}

// Close closes the connection, if there is one.
func (e *Engine) Close() error {
	if e.server == nil {
		return nil
	}
	defer func() { e.server = nil }()
	return e.server.Close()
}

func (e *Engine) eval(ctx context.Context, script string, keys []string, args ...any) (any, error) {
	all := []any{script, len(keys)}
	for _, key := range keys {
		all = append(all, key)
	}
	return e.do(ctx, "EVAL", append(all, args...)...)
}

// do sends a command to the server that has the keys, which all are in one slot of a cluster.
func (e *Engine) do(ctx context.Context, command string, args ...any) (any, error) {
	err := e.connect(ctx)
	for moves := 0; err == nil; moves++ {
		reply, failed := e.server.send(ctx, command, args...)
		if failed == nil {
			return reply, nil
		}
		to, isMoved := moved(failed, e.server.raw.RemoteAddr().String())
		_ = e.Close()
		if !isMoved || !e.settings.Cluster || moves == maxMoves {
			return nil, failed
		}
		e.server, err = e.dial(ctx, to, true)
	}
	return nil, err
}

// moved returns the server that an error of another one, from, names: "MOVED slot host:port". Without a host
// it is the same host.
func moved(err error, from string) (to string, ok bool) {
	words := strings.Fields(err.Error())
	if _, isReply := errors.AsType[redis.Error](err); !isReply || len(words) != 3 || words[0] != "MOVED" {
		return "", false
	}
	host, port, err := net.SplitHostPort(words[2])
	if host == "" {
		host, _, _ = net.SplitHostPort(from)
	}
	return net.JoinHostPort(host, port), err == nil
}

// connect connects to the first of the hosts that answers, unless there is a connection.
func (e *Engine) connect(ctx context.Context) (err error) {
	hosts := e.settings.Hosts
	for i := 0; e.server == nil && i < len(hosts) && (i == 0 || ctx.Err() == nil); i++ {
		deadline, _ := ctx.Deadline()
		share := time.Until(deadline) / time.Duration(len(hosts)-i)
		err = e.reach(ctx, hosts[(e.first+i)%len(hosts)], share)
	}
	if err != nil {
		e.first++
	}
	return err
}

// reach connects to a host, or to the server that it names as a Sentinel.
func (e *Engine) reach(ctx context.Context, host string, limit time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if e.settings.Master != "" {
		if host, err = e.master(ctx, host, false); err != nil {
			return err
		}
	}
	e.server, err = e.dial(ctx, host, true)
	return err
}

// master asks a Sentinel for the server. It gets the password only if it wants one.
func (e *Engine) master(ctx context.Context, sentinel string, auth bool) (string, error) {
	conn, err := e.dial(ctx, sentinel, auth)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	address, err := redis.Strings(conn.send(ctx, "SENTINEL", "get-master-addr-by-name", e.settings.Master))
	switch {
	case err != nil && !auth && word(err) == "NOAUTH":
		return e.master(ctx, sentinel, true)
	case errors.Is(err, redis.ErrNil):
		return "", fmt.Errorf("the Sentinel does not know %q", e.settings.Master)
	case err == nil && len(address) != 2:
		err = errAnswer
	}
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(address[0], address[1]), nil
}

// dial connects to a server and logs in.
func (e *Engine) dial(ctx context.Context, address string, auth bool) (*server, error) {
	dialer := &net.Dialer{Timeout: dialLimit, Control: hurry}
	dial := dialer.DialContext
	if e.tls != nil {
		dial = (&tls.Dialer{NetDialer: dialer, Config: e.tls}).DialContext
	}
	raw, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &server{redis.NewConn(&guard{Conn: raw}, 0, 0), raw}
	if auth {
		err = s.login(ctx, e.settings)
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *server) login(ctx context.Context, o Settings) (err error) {
	switch {
	case o.User != "":
		_, err = s.send(ctx, "AUTH", o.User, o.Password.Reveal())
	case !o.Password.IsZero():
		_, err = s.send(ctx, "AUTH", o.Password.Reveal())
	}
	if err == nil && o.DB != 0 {
		_, err = s.send(ctx, "SELECT", o.DB)
	}
	return err
}

// send sends one command and reads its answer, within ctx.
func (s *server) send(ctx context.Context, command string, args ...any) (any, error) {
	defer context.AfterFunc(ctx, func() { _ = s.raw.Close() })()
	deadline, _ := ctx.Deadline()
	if err := s.raw.SetWriteDeadline(deadline); err != nil {
		return nil, err
	}
	reply, err := redis.DoWithTimeout(s.Conn, time.Until(deadline), command, args...)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return reply, err
}

// errAnswer says that what answered has the protocol, but not the commands.
var errAnswer = errors.New("its answer is not that of a Redis or Valkey server")

// explain returns err with what fleet.Engine says of it. Its text has nothing of what a server answered but
// the word that a refusal begins with: servers repeat commands, passwords included.
func explain(err error) error {
	if err == nil {
		return nil
	}
	_, isReply := errors.AsType[redis.Error](err)
	name, isName := errors.AsType[*net.DNSError](err)
	failed, isNet := errors.AsType[*net.OpError](err)
	switch {
	case isReply:
		return refused(word(err), err)
	case errors.Is(err, context.DeadlineExceeded), isNet && failed.Timeout(), isName && name.Timeout():
		return fmt.Errorf("%w in time", fleet.ErrSilent)
	case isName:
		return fmt.Errorf("%s is not a host that is known: %w", name.Name, err)
	case isNet && failed.Op != "remote error", errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return fmt.Errorf("%w: %w", fleet.ErrAway, err)
	}
	return err
}

// refused explains the answer of a server that begins with word.
func refused(word string, err error) error {
	switch word {
	case "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "ASK", "NOREPLICAS", "NOMASTERLINK": // it ends by itself
		return fmt.Errorf("%w: the server says %s", fleet.ErrAway, word)
	case "MOVED":
		return errors.New("the server belongs to a cluster: write redis+cluster:// or rediss+cluster://")
	}
	if strings.HasPrefix(err.Error(), "ERR max number of clients") {
		return fmt.Errorf("%w: the server says %s", fleet.ErrAway, word)
	}
	return fmt.Errorf("the server says %s", word)
}

// word returns the first word of a server's error, if it is one that servers use, or "".
func word(err error) string {
	word, _, _ := strings.Cut(err.Error(), " ")
	if len(word) > 16 || strings.ContainsFunc(word, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return "something that is not an error of Redis"
	}
	return word
}
