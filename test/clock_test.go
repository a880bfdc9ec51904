package test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// TestWrongClock turns AWS's clock against this machine's, which is the same as turning this
// machine's. A refused signature and a refused code cost one code each, and what was learnt is kept.
func TestWrongClock(t *testing.T) {
	t.Parallel()
	for name, offset := range map[string]time.Duration{"3h fast": -3 * time.Hour, "3h slow": 3 * time.Hour, "75s fast": -75 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{})
			b.Server.SetClockOffset(offset)
			first := mustGet(t, b)
			if codes := len(b.Server.State().Attempts); codes > 2 {
				t.Errorf("%d codes for the first session", codes)
			}
			minted := calls(b, "GetSessionToken")
			if again := mustGet(t, b); again.AccessKeyID != first.AccessKeyID {
				t.Error("the session was not served from the cache")
			}
			if got := run(t, b, nil, b.Binary, "code", "--profile", "work"); got.code != 0 || !strings.Contains(got.stderr, "off this machine's clock") {
				t.Errorf("code: %+v", got)
			}
			mustGet(t, b, "--duration", "1h")
			wantMints(t, b, minted+1)
			mustGet(t, b, "--role-arn", "arn:aws:iam::123456789012:role/deploy")
			if got := calls(b, "AssumeRole"); got != 1 {
				t.Errorf("%d AssumeRole calls: the correction was not kept", got)
			}
		})
	}
}
