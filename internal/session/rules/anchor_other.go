//go:build !linux

package rules

import "time"

// anchor knows nothing here: that the clock was set back is noticed by its running behind what
// AWS said, that it was set forward by AWS's next answer.
func anchor(time.Time) Anchor { return Anchor{} }
