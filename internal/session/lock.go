package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
)

// The lock is polled, because a blocked flock cannot be given up portably. Each
// wait is half as long again as the last, and scattered, so that hundreds of waiting
// processes do not wake up together.
const (
	firstPoll = 5 * time.Millisecond
	lastPoll  = 100 * time.Millisecond
)

// lock takes the lock of scope. While another process holds it, the session that this one
// is minting is looked for and returned as filled as soon as it is there.
func (c *call) lock(ctx context.Context, scope Scope, t *rules.Target, d demand) (unlock func(), filled *creds.Session, err error) {
	for wait := firstPoll; ; wait = min(wait*3/2, lastPoll) {
		unlock, held, err := scope.TryLock()
		if err != nil || held {
			return unlock, nil, err
		}
		if session, ok := c.filled(t, d); ok {
			return nil, &session, nil
		}
		if d.optional {
			return nil, nil, c.notWaiting("", "another process is refreshing the session")
		}
		jittered := time.Duration(float64(wait) * (0.5 + c.Random()))
		if err := c.Sleep(ctx, jittered); err != nil {
			return nil, nil, gaveUp(ctx, waiting(Taken(scope, c.plan.Serial)))
		}
	}
}

// Taken is the failure of a wait for the lock of scope, which belongs to the MFA device serial.
func Taken(scope Scope, serial string) *fault.Error {
	pid, command, suspended := scope.Holder()
	who, remedy := "another process", "try again; one that is suspended goes on with: pkill -CONT -x aws-mfa-creds"
	switch {
	case suspended:
		who, remedy = fmt.Sprintf("process %d (%s), which is suspended,", pid, command), fmt.Sprintf("run: kill -CONT %d, or end it: kill -KILL %d", pid, pid)
	case pid != 0:
		who, remedy = fmt.Sprintf("process %d (%s)", pid, command), "try again"
	}
	return fault.New(fault.Deadline, "MFA device "+serial, remedy, "gave up waiting: %s holds its lock", who)
}

// filled returns the cached session of t if it meets d.
func (c *call) filled(t *rules.Target, d demand) (creds.Session, bool) {
	session, ok := c.cached(t)
	return session, ok && c.meets(session, d)
}

// meets reports whether a session that may be handed out meets d.
func (c *call) meets(s creds.Session, d demand) bool {
	return rules.Fresh(s, c.now()) && (!d.Refresh || s.Credentials.AccessKeyID != d.replaces)
}

// notWaiting returns the error of a wait that this process cannot afford.
func (c *call) notWaiting(remedy, why string) error {
	return waiting(fault.New(fault.Deadline, "MFA device "+c.plan.Serial, remedy, "%s", why))
}

// waiting marks a failure to wait.
func waiting(err *fault.Error) *fault.Error {
	err.Err = ErrWaiting
	return err
}

// gaveUp returns the error of a wait that ended before its time: the cause of the cancellation, or
// otherwise, which says what was waited for.
func gaveUp(ctx context.Context, otherwise error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	return otherwise
}
