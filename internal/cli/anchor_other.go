//go:build !linux

package cli

import (
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/ledger"
)

// anchor knows nothing here: that the clock was set back is noticed by its running behind what
// AWS said, that it was set forward by AWS's next answer.
func anchor(time.Time) ledger.Anchor { return ledger.Anchor{} }
