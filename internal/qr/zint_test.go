package qr

import (
	"fmt"
	"strings"
	"testing"
)

// TestDecodeZint reads what zint makes of character sets, GS1, and masks.
func TestDecodeZint(t *testing.T) {
	t.Parallel()
	zint := need(t, "zint", "zint")
	for name, test := range map[string]struct {
		args string
		want string
	}{
		"UTF-8":             {"--eci=26 -d J\u00f6rg\u65e5\u672c", "J\u00f6rg\u65e5\u672c"},
		"ISO 8859-1":        {"--eci=3 -d J\u00f6rg", "J\u00f6rg"},
		"ISO 8859-15 ASCII": {"--eci=17 -d Joerg", "Joerg"},
		"binary":            {"--eci=899 --binary -d J\u00f6rg", ""},
		"GS1":               {"--gs1 -d [01]09501101530003[10]AB%12[21]7", "010950110153000310AB%12\x1d217"},
		"mixed modes":       {"-d otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&period=000000000030", "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&period=000000000030"},
		"Kanji":             {"--fullmultibyte -d \u70b9\u8317\u70b9\u8317", "\u70b9\u8317\u70b9\u8317"},
		"part of a text":    {"--structapp=1,2 -d otpauth://totp/x", ""},
	} {
		for mask := range 8 {
			args := append(strings.Fields(test.args), "-b", "QRCODE", "--direct", "--filetype=PNG", "--quietzones", fmt.Sprint("--mask=", mask), fmt.Sprint("--secure=", 1+mask%4))
			texts, err := Decode(output(t, nil, zint, args...))
			if got := strings.Join(reveal(texts), "|"); got != test.want || (err != nil) != (test.want == "") {
				t.Errorf("%s, mask %d: %q, %v", name, mask, got, err)
			}
		}
	}
}
