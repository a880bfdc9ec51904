//go:build unix

package test

import (
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// TestHostsThatShareNothing has hosts get a session at once in the second half of a time step: one gets it in each of
// the three steps that begin before their deadline, because those that are refused together spread over the other
// two. The rest send two codes at most, and say what would help.
func TestHostsThatShareNothing(t *testing.T) {
	t.Parallel()
	const many = 25 // that all of them choose the same step is not to be expected
	b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: latency}})
	begin := totp.StepAt(time.Now()).Start().Add(17 * time.Second)
	if time.Until(begin) < 0 {
		begin = begin.Add(totp.Period)
	}
	time.Sleep(time.Until(begin))
	served := 0
	for _, got := range hosts(t, b, many, "off") {
		if got.code == 0 {
			served++
			continue
		}
		wantFailure(t, b, got, 6, "AWS refused the token code", "set shared_cache for all of them")
	}
	attempts := map[int64]int{}
	for _, attempt := range b.Server.State().Attempts {
		attempts[attempt.Step]++
	}
	if served != len(attempts) {
		t.Errorf("%d sessions for the codes of %d time steps", served, len(attempts))
	}
	if n := calls(b, "GetSessionToken"); n > 2*many-1 {
		t.Errorf("%d calls", n)
	}
	step := int64(totp.StepAt(begin))
	if attempts[step] > many*4/5 && (attempts[step+1] == 0 || attempts[step+2] == 0) { // fewer on a machine that is too slow
		t.Errorf("codes by time step: %v", attempts)
	}
}
