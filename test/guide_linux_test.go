package test

import "testing"

// ciGuide is a maintainer who makes a device for CI, and, weeks later, a runner that has got the two files that she
// has put into the CI's secret store.
func ciGuide(t *testing.T) *recipe {
	t.Helper()
	need(t, "keyctl", "apt-get install keyutils")
	r := beginner(t)
	r.runners["job"] = func(t *testing.T, b block, text string) string {
		r.forgetCodes(t)
		return r.inShell(t, b, "keyctl clear @u; mkdir /run/secrets; mv ~/seed ~/secret-access-key /run/secrets\n"+
			"rm -r ~/.config ~/.cache; export CI=true\n"+text)
	}
	r.checkMemory()
	return r
}
