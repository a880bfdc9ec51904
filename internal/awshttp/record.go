package awshttp

import (
	"context"
	"log/slog"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/exchange"
)

// Record writes the debug record of a finished call: message, what the call
// came to, and the error if there is one. None of it is secret.
func (c *Call) Record(ctx context.Context, log *slog.Logger, message, verdict string, err error) {
	if !log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("host", c.Host()),
		slog.String("action", c.request.Action),
		slog.String("verdict", verdict),
		slog.String("delivery", DeliveryName(c.Delivery())),
		slog.Duration("took", c.peer.Now().Sub(c.started)),
	}
	if at := c.progress.times(); !at.connected.IsZero() {
		attrs = append(attrs, slog.Duration("connected_after", at.connected.Sub(c.started)))
	}
	if c.answer != nil {
		attrs = append(attrs, slog.Int("status", c.answer.Status), slog.String("request_id", c.answer.requestID()))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	log.LogAttrs(ctx, slog.LevelDebug, message, attrs...)
}

// DeliveryName returns d in words.
func DeliveryName(d exchange.Delivery) string {
	switch d {
	case exchange.Unsent:
		return "unsent"
	case exchange.Unknown:
		return "unknown"
	case exchange.Answered:
		return "answered"
	}
	return "?"
}
