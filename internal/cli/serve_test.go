package cli

import (
	"bytes"
	"strings"
	"testing"
)

// TestSayEndpoint tells a relative URI only of the very address that SDKs put before one.
func TestSayEndpoint(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"http://169.254.170.2:80/a%2Fb": "RELATIVE_URI=/a%2Fb\n",
		"http://169.254.170.2:8080/a":   "FULL_URI=http://169.254.170.2:8080/a\n",
		"http://127.0.0.1:80/a":         "FULL_URI=http://127.0.0.1:80/a\n",
	} {
		var out bytes.Buffer
		if (&app{stdout: &out}).sayEndpoint(uri, ""); !strings.HasSuffix(out.String(), want) {
			t.Errorf("%s: %s", uri, out.String())
		}
	}
}

// TestConnectedBy finds the one connection in a table that has others from the same port.
func TestConnectedBy(t *testing.T) {
	t.Parallel()
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1000 00000000:0000 0A 00000000:00000000 00:00000000 00000000     1        0 1
   1: 0100007F:2000 0100007F:0050 01 00000000:00000000 00:00000000 00000000     2        0 2
   2: 0100007F:2000 0100007F:1000 01 00000000:00000000 00:00000000 00000000     3        0 3
   3: 0100007F:1000 0100007F:2000 01 00000000:00000000 00:00000000 00000000     4        0 4
`
	for client, want := range map[string]string{"127.0.0.1:8192": "3", "127.0.0.1:8193": ""} {
		if uid := connectedBy(table, client, "127.0.0.1:4096"); uid != want {
			t.Errorf("%s is of %q, want %q", client, uid, want)
		}
	}
}
