package kernelkey

import (
	"fmt"
	"regexp"
	"testing"
)

// FuzzPrivateKey: no description passes that gives something to group or others, or to another user.
func FuzzPrivateKey(f *testing.F) {
	for _, described := range []string{"user;1000;-1;3f3b0000;name", "user;1000;-1;3f3b0001;n", "user;0;0;3f3b0000;n", "logon;1000;1000;0;n", "user;1000;1;-0;n;o", ""} {
		f.Add(described, 1000)
	}
	f.Fuzz(func(t *testing.T, described string, uid int) {
		private := regexp.MustCompile(fmt.Sprintf(`(?s)^user;%d;[^;]*;(0*|0*[0-9a-fA-F]{1,4}0000);`, uid))
		if privateKey(described, uid) && !private.MatchString(described) {
			t.Errorf("%q passes for user %d", described, uid)
		}
	})
}
