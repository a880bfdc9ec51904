package test

import (
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// calls returns how many calls of action have arrived at AWS.
func calls(b *testbed.Bed, action string) int { return b.Server.State().Count(action).Calls }

func wantNoCodeTwice(t *testing.T, b *testbed.Bed) {
	t.Helper()
	if repeated := b.Server.State().Repeated(); len(repeated) != 0 {
		t.Errorf("codes sent twice: %+v", repeated)
	}
}
