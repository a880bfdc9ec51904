package awsapi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func TestCheckProxy(t *testing.T) {
	t.Parallel()
	for value, good := range map[string]bool{
		"": true, "proxy:3128": true, "http://user:pw@proxy:3128": true, "socks5://proxy": true,
		"http://user:pass#canary@proxy": false, "ftp://proxy": false, "http://": false, "http://proxy/path": false,
	} {
		for _, variable := range []string{"HTTPS_PROXY", "https_proxy"} {
			err := CheckProxy(func(name string) string {
				if name == variable {
					return value
				}
				return ""
			})
			if (err == nil) != good {
				t.Errorf("%s=%s: %v", variable, value, err)
			}
			if err != nil && (fault.KindOf(err) != fault.Network || strings.Contains(fault.Line(err), "canary") || !strings.Contains(fault.Text(err), variable)) {
				t.Errorf("%s=%s: %s", variable, value, fault.Line(err))
			}
		}
	}
}

func TestCheckBundle(t *testing.T) {
	t.Parallel()
	if err := CheckBundle(""); err != nil {
		t.Error(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, empty + ".missing", filepath.Dir(empty)} {
		if err := CheckBundle(path); fault.KindOf(err) != fault.Config || err == nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}
