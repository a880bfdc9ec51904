//go:build !unix

package busguard

import "os"

func end() {
	os.Exit(1) //nolint:forbidigo // there may be no main to return to
}
