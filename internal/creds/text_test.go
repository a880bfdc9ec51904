package creds

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
)

// wide returns text in UTF-16.
func wide(order binary.AppendByteOrder, text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

func TestText(t *testing.T) {
	t.Parallel()
	const plain = "GEZDGNBVGY3TQOJQ"
	for name, test := range map[string]struct{ in, want string }{
		"as it is":                  {plain, plain},
		"empty":                     {"", ""},
		"white space":               {" \t\r\n\v\f", ""},
		"one byte":                  {"A", "A"},
		"line end":                  {plain + "\n", plain},
		"line end of Windows":       {"\r\n" + plain + "\r\n", plain},
		"byte order mark":           {"\ufeff" + plain + "\r\n", plain},
		"byte order mark alone":     {"\ufeff", ""},
		"another byte order mark":   {plain + "\ufeff", plain + "\ufeff"},
		"PowerShell":                {"\xff\xfe" + wide(binary.LittleEndian, plain+"\r\n"), plain},
		"PowerShell, beyond ASCII":  {"\xff\xfe" + wide(binary.LittleEndian, "ä\u200b"), "ä\u200b"},
		"big-endian":                {"\xfe\xff" + wide(binary.BigEndian, plain), plain},
		"big-endian, beyond ASCII":  {"\xfe\xff" + wide(binary.BigEndian, "ä\u200b"), "ä\u200b"},
		"little-endian, no mark":    {wide(binary.LittleEndian, plain), plain},
		"big-endian, no mark":       {wide(binary.BigEndian, plain), plain},
		"beyond 16 bits":            {"\xff\xfe" + wide(binary.LittleEndian, plain+"\U0001F511"), plain + "\ufffd\ufffd"},
		"cut inside of a character": {"\xff\xfeA", "\xff\xfeA"},
		"no-break space":            {plain + "\u00a0", plain + "\u00a0"},
		"zero-width space":          {"\u200b" + plain, "\u200b" + plain},
		"NUL at the end":            {plain + "\x00", plain + "\x00"},
		"lines":                     {"a\r\nb\n", "a\r\nb"},
		"quotes":                    {`"` + plain + `"`, `"` + plain + `"`},
	} {
		if got := Text([]byte(test.in)); got != test.want {
			t.Errorf("%s: Text = %q, want %q", name, got, test.want)
		}
	}
}

func TestForeign(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                 "",
		"Az09+/~!":                         "",
		"ab\u00a0c":                        "character 3 is U+00A0, not ASCII",
		"ä\u200b":                          "character 1 is U+00E4, not ASCII",
		"a\u200b":                          "character 2 is U+200B, not ASCII",
		"a\ufeff":                          "character 2 is U+FEFF, not ASCII",
		"a\xff":                            "character 2 is the byte 0xFF, not ASCII",
		"a\ufffd":                          "character 2 is U+FFFD, not ASCII",
		"ab c":                             "character 3 is white space or a control character (U+0020)",
		"a\x00":                            "character 2 is white space or a control character (U+0000)",
		"abc\x7f":                          "character 4 is white space or a control character (U+007F)",
		strings.Repeat("x", 99) + "\u0410": "character 100 is U+0410, not ASCII",
	} {
		if got := Foreign(text); got != want {
			t.Errorf("Foreign(%q) = %q, want %q", text, got, want)
		}
	}
}
