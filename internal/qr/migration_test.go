package qr

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/totp"
)

// TestDecodeExport reads the three pictures of an export of 23 accounts, ten to a
// picture as Google Authenticator has them, dark and in a wrong order.
func TestDecodeExport(t *testing.T) {
	t.Parallel()
	var parts []totp.Migration
	for _, index := range []int{2, 0, 1} {
		var payload []byte
		for i := 10 * index; i < min(10*index+10, 23); i++ {
			payload = append(payload, message(1, slices.Concat(message(1, fmt.Appendf(nil, "%02d: forty bytes, as AWS's seeds have them", i)),
				message(2, fmt.Appendf(nil, "Amazon Web Services:user%d@123456789012", i)), message(3, []byte("Amazon Web Services")), []byte{4 << 3, 1, 5 << 3, 1, 6 << 3, 2}))...)
		}
		payload = append(payload, 3<<3, 3, 4<<3, byte(index), 5<<3, 77)
		uri := "otpauth-migration://offline?data=" + url.QueryEscape(base64.StdEncoding.EncodeToString(payload))
		picture := convert(t, qrencode(t, uri, "-s", "5", "-l", "L"), "-negate", "-bordercolor", "gray10", "-border", "200", "-quality", "60", "jpg")
		texts, err := Decode(picture)
		if err != nil || len(texts) != 1 {
			t.Fatalf("part %d: %q, %v", index, reveal(texts), err)
		}
		part, err := totp.ParseMigration(texts[0].Reveal(), totp.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	accounts, err := totp.CombineMigrations(parts)
	if err != nil || len(accounts) != 23 || len(totp.AWSAccounts(accounts)) != 23 {
		t.Fatalf("%d accounts, %v", len(accounts), err)
	}
	for i, a := range accounts {
		if want := fmt.Sprintf("Amazon Web Services:user%d@123456789012", i); a.Name != want || a.Problem != nil {
			t.Errorf("account %d is %s, %v", i, a.Name, a.Problem)
		}
	}
}

// message returns a protobuf field of fewer than 16384 bytes.
func message(tag byte, content []byte) []byte {
	return append([]byte{tag<<3 | 2, byte(len(content)) | 0x80, byte(len(content) >> 7)}, content...)
}
