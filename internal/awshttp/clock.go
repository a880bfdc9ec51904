package awshttp

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// maxSkew is how far AWS lets the time of a signature be off ("... (Z - 5 min.)").
const maxSkew = 5 * time.Minute

// Clocks returns AWS's clock and this machine's at the same moment: halfway
// between the first byte sent and the first byte received. They are zero
// unless AWS answered and said so.
func (c *Call) Clocks() (server, local time.Time) {
	if c.answer == nil {
		return time.Time{}, time.Time{}
	}
	server = c.answer.date()
	if server.IsZero() {
		return time.Time{}, time.Time{}
	}
	at := c.progress.times()
	return server, at.written.Add(at.answered.Sub(at.written) / 2)
}

// CorrectedNow returns AWS's time, as far as it was known before the call.
func (c *Call) CorrectedNow() time.Time { return c.peer.Now().Add(c.request.Skew) }

// ServerNow returns AWS's time by the answer or, if that carries none, by what
// was known before.
func (c *Call) ServerNow() time.Time {
	if server, _ := c.Clocks(); !server.IsZero() {
		return server
	}
	return c.CorrectedNow()
}

// farOff reports whether AWS's answer shows that the signature's time was
// beyond what AWS tolerates.
func (c *Call) farOff() bool {
	off, known := c.Offset()
	return known && off.Abs() > maxSkew
}

// Offset returns how far ahead of AWS's clock the request was signed, if AWS's
// answer tells.
func (c *Call) Offset() (off time.Duration, known bool) {
	server, local := c.Clocks()
	if server.IsZero() {
		return 0, false
	}
	return local.Add(c.request.Skew).Sub(server), true
}

// Signer returns the SDK's HTTPSignerV4 for the corrected time. The SDK's own
// correction starts from the machine's clock and comes only after a refusal.
func (c *Call) Signer() Signer { return Signer{v4.NewSigner(), c.CorrectedNow} }

// Signer signs for a time of its own.
type Signer struct {
	inner *v4.Signer
	now   func() time.Time
}

// SignHTTP implements the SDK's HTTPSignerV4. It disregards the time it is given.
func (s Signer) SignHTTP(
	ctx context.Context, key aws.Credentials, r *http.Request, payloadHash, service, region string, _ time.Time, optFns ...func(*v4.SignerOptions),
) error {
	return s.inner.SignHTTP(ctx, key, r, payloadHash, service, region, s.now(), optFns...)
}
