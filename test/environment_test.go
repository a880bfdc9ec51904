package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// TestStrangeEnvironment sets what other programs react to. None of it may change what a get
// prints, nor make it talk.
func TestStrangeEnvironment(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	keylog := filepath.Join(b.Dir, "keylog")
	for i, pair := range []string{
		"GODEBUG=fips140=only", "GODEBUG=http2debug=2", "SSLKEYLOGFILE=" + keylog, "AWS_PROFILE=nonsense", "AWS_DEFAULT_PROFILE=nonsense",
		"AWS_ACCESS_KEY_ID=AKIAOTHEROTHEROTHER1", "AWS_SESSION_TOKEN=x", "AWS_REGION=mars-north-1", "AWS_ROLE_ARN=x", "AWS_SDK_LOAD_CONFIG=1",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1", "AWS_MAX_ATTEMPTS=9", "HTTPS_PROXY=http://user:password@127.0.0.1:1",
		"HOME=", "XDG_CACHE_HOME=relative", "XDG_CONFIG_HOME=relative", "PATH=", "LANG=xx_YY", "TZ=Nowhere/City",
		"HUGE=" + strings.Repeat("x", 100_000),
	} {
		var args []string
		if i < 2 {
			args = []string{"--refresh"} // these matter on the way to AWS
		}
		credentials(t, run(t, b, []string{pair}, b.Binary, append([]string{"get", "--profile", "work"}, args...)...))
	}
	if _, err := os.Stat(keylog); err == nil {
		t.Error("TLS keys were logged")
	}
}
