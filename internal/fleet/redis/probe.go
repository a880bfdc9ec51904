package redis

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Report is what a probe has found.
type Report struct {
	Latency time.Duration // of one question and its answer
	Expires time.Time     // of the server's certificate; zero: there is no TLS
	Policy  string        // what the server removes when its memory is full (maxmemory-policy), or "" if it does not tell
}

// Probe tries all that a fleet does, under the prefix, and leaves nothing behind.
func (e *Engine) Probe(ctx context.Context) (r Report, err error) {
	key, value := e.settings.Prefix+"doctor:"+rand.Text(), "a probe of aws-mfa-creds doctor"
	if err := e.Put(ctx, key, value, time.Minute); err != nil {
		return r, err
	}
	if conn, ok := e.server.raw.(*tls.Conn); ok {
		r.Expires = conn.ConnectionState().PeerCertificates[0].NotAfter
	}
	began := time.Now() //nolint:forbidigo // it is subtracted only
	values, left, err := e.Get(ctx, key)
	r.Latency = time.Since(began)
	if err == nil && (values[0] != value || left <= 0) {
		err = errors.New("it does not return what was stored, or keeps it for ever")
	}
	if err != nil {
		_, plain := e.do(ctx, "GET", key)
		if plain == nil && !errors.Is(err, ctx.Err()) {
			err = fmt.Errorf("it does not run scripts, which EVAL has to be allowed for (%w)", err)
		}
		return r, err
	}
	if _, swapped, err := e.Swap(ctx, key, value, "", 0); err != nil || !swapped {
		return r, errors.Join(errAnswer, err)
	}
	info, _ := redis.String(e.do(ctx, "INFO", "memory"))
	for line := range strings.Lines(info) {
		if policy, ok := strings.CutPrefix(line, "maxmemory_policy:"); ok {
			r.Policy = strings.TrimSpace(policy)
		}
	}
	return r, nil
}
