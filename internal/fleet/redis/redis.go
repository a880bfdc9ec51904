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
	"net"
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
	getScript = `local v = redis.call('MGET', unpack(KEYS)) table.insert(v, 1, redis.call('PTTL', KEYS[1])) return v`

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
	conn     redis.Conn  // nil: not connected
	raw      net.Conn    // below conn
	at       string      // the server that has the keys, if another one has named it
	first    int         // which of the hosts to try first
}

var _ fleet.Engine = (*Engine)(nil)

// New returns the engine that s describes. The error, a *fault.Error, is about the files of TLS.
func New(s Settings) (*Engine, error) {
	config, err := s.tlsConfig()
	return &Engine{settings: s, tls: config}, err
}

// Get implements fleet.Engine.
func (e *Engine) Get(ctx context.Context, keys ...string) (values []string, left time.Duration, err error) {
	reply, err := redis.Values(e.eval(ctx, getScript, keys))
	if err != nil {
		return nil, 0, explain(err)
	}
	var milliseconds int64
	values = make([]string, len(keys))
	into := []any{&milliseconds}
	for i := range values {
		into = append(into, &values[i])
	}
	if rest, err := redis.Scan(reply, into...); err != nil || len(rest) > 0 {
		return nil, 0, errAnswer
	}
	return values, max(0, time.Duration(milliseconds)*time.Millisecond), nil
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
	if e.conn == nil {
		return nil
	}
	defer func() { e.conn = nil }()
	return e.conn.Close()
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
	for moves := 0; ; moves++ {
		err := e.connect(ctx)
		if err != nil {
			return nil, err
		}
		reply, err := send(ctx, e.conn, e.raw, command, args...)
		if err == nil {
			return reply, nil
		}
		from := e.raw.RemoteAddr().String()
		_, e.at = e.Close(), ""
		to, isMoved := moved(err, from)
		if !isMoved || !e.settings.Cluster || moves == maxMoves {
			return nil, err
		}
		e.at = to
	}
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

// connect connects to the server that has the keys, as far as it is known, or to the first of the hosts that
// answers.
func (e *Engine) connect(ctx context.Context) (err error) {
	if e.conn != nil {
		return nil
	}
	if e.at != "" {
		if e.conn, e.raw, err = e.dial(ctx, e.at, true); err != nil {
			e.at = "" // another one may have taken over
		}
		return err
	}
	hosts := e.settings.Hosts
	for i := range hosts {
		deadline, _ := ctx.Deadline()
		share := time.Until(deadline) / time.Duration(len(hosts)-i)
		host := hosts[(e.first+i)%len(hosts)]
		if err = e.reach(ctx, host, share); err == nil || ctx.Err() != nil {
			break
		}
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
	e.conn, e.raw, err = e.dial(ctx, host, true)
	return err
}

// master asks a Sentinel for the server. It gets the password only if it wants one.
func (e *Engine) master(ctx context.Context, sentinel string, auth bool) (string, error) {
	conn, raw, err := e.dial(ctx, sentinel, auth)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	address, err := redis.Strings(send(ctx, conn, raw, "SENTINEL", "get-master-addr-by-name", e.settings.Master))
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
func (e *Engine) dial(ctx context.Context, address string, auth bool) (redis.Conn, net.Conn, error) {
	dialer := &net.Dialer{Timeout: dialLimit}
	dial := dialer.DialContext
	if e.tls != nil {
		dial = (&tls.Dialer{NetDialer: dialer, Config: e.tls}).DialContext
	}
	raw, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	conn := redis.NewConn(&guard{Conn: raw}, 0, 0)
	for _, command := range e.settings.login(auth) {
		if _, err := send(ctx, conn, raw, command[0].(string), command[1:]...); err != nil {
			_ = conn.Close()
			return nil, nil, err
		}
	}
	return conn, raw, nil
}

// login returns the commands that a connection begins with.
func (s Settings) login(auth bool) (commands [][]any) {
	switch {
	case !auth:
		return nil
	case s.User != "":
		commands = append(commands, []any{"AUTH", s.User, s.Password.Reveal()})
	case !s.Password.IsZero():
		commands = append(commands, []any{"AUTH", s.Password.Reveal()})
	}
	if s.DB != 0 {
		commands = append(commands, []any{"SELECT", s.DB})
	}
	return commands
}

// send sends one command and reads its answer, within ctx.
func send(ctx context.Context, conn redis.Conn, raw net.Conn, command string, args ...any) (any, error) {
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
	deadline, limited := ctx.Deadline()
	if limited {
		if err := raw.SetWriteDeadline(deadline); err != nil {
			return nil, err
		}
	}
	reply, err := redis.DoWithTimeout(conn, time.Until(deadline), command, args...)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return reply, err
}
