//go:build unix

package test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// crowd is how many hosts ask at once.
var crowd, _ = strconv.Atoi(cmp.Or(os.Getenv("AWS_MFA_CREDS_TEST_HOSTS"), "50"))

// TestFleetAtTheRefreshWindow has the hosts of a fleet ask when eight minutes are left of the session that they
// share. One of them gets the next one. Who has the old one may return it meanwhile, the others wait.
func TestFleetAtTheRefreshWindow(t *testing.T) {
	t.Parallel()
	for name, nowhere := range map[string]bool{"cached everywhere": false, "cached nowhere": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const left = 8 * time.Minute
			e := startEngine(t)
			b := bed(t, testbed.Options{Sandbox: sandbox.Options{Latency: latency}})
			first := mustHost(t, b, 0, e.url())
			b.Server.SetClockOffset(time.Until(first.Expiration) - left)
			run(t, b, host(t, b, 0, "off"), b.Binary, "doctor", "--online") // learns the time
			for _, key := range strings.Fields(e.cli("KEYS", "*")) {
				if ttl, _ := strconv.Atoi(e.cli("TTL", key)); ttl > 1000 { // it is the session, and not a claim
					e.cli("EXPIRE", key, strconv.Itoa(int((left - 2*time.Minute).Seconds())))
				}
			}
			own := filepath.Join(b.Dir, "host0")
			if sessions, err := filepath.Glob(filepath.Join(own, "cache", "*.session")); err != nil || len(sessions) != 1 {
				t.Fatalf("%v, %v", sessions, err)
			} else if nowhere {
				_ = os.Remove(sessions[0])
			}
			for i := 1; i < crowd; i++ {
				if err := exec.Command("cp", "-a", own, filepath.Join(b.Dir, "host"+strconv.Itoa(i))).Run(); err != nil {
					t.Fatal(err)
				}
			}
			if end := totp.StepAt(b.Server.Now()).End(); end.Sub(b.Server.Now()) < 10*time.Second {
				time.Sleep(end.Sub(b.Server.Now()))
			}
			old := 0
			ids := make(map[string]bool)
			for _, got := range hosts(t, b, crowd, e.url()) {
				if id := credentials(t, got).AccessKeyID; id == first.AccessKeyID {
					old++
				} else {
					ids[id] = true
				}
			}
			if len(ids) != 1 || old > 0 && nowhere {
				t.Errorf("%d new sessions, and the old one %d times", len(ids), old)
			}
			t.Logf("%d of %d hosts were served with the old session", old, crowd)
			wantMints(t, b, 2)
		})
	}
}
