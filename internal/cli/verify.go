package cli

import (
	"context"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
)

// verify gets a new session for a profile, which proves that its secrets work.
func (a *app) verify(ctx context.Context, name string) error {
	w, err := a.open(wanted{profile: name})
	if err != nil {
		return err
	}
	if err := w.ready(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, processDeadline)
	defer cancel()
	c, err := w.broker.Get(ctx, w.plan, session.Options{Refresh: true, Ahead: true})
	if err != nil {
		return err
	}
	a.say("It works: AWS gave a session, which expires %s.", c.Expiration.Local().Format(time.DateTime))
	return nil
}

// forgetFailures ends the hold-off of a profile whose secrets have changed. That this fails
// only means that it ends by itself.
func (a *app) forgetFailures(name string) {
	if w, err := a.open(wanted{profile: name}); err == nil {
		w.broker.Forget(w.plan)
	}
}

// forgetSessions removes the sessions of a profile that will not be used any more, as far as it
// can: they expire.
func (a *app) forgetSessions(name string) {
	files, err := a.loadFiles()
	if err != nil {
		return
	}
	if _, err := a.forget(files, getOptions{profile: name}); err != nil {
		a.log().Debug("sessions not removed", "profile", name, "error", fault.Text(err))
	}
}
