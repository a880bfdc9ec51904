package creds

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Text returns data from outside as UTF-8, without what the program that wrote it put around: a byte
// order mark, UTF-16 (which PowerShell writes, and cmd /u without a mark), line ends and other ASCII
// white space. Every text that becomes a seed, an access key, a serial, a code or an age identity comes
// through here. All else stays, for its parser to accept or to refuse by its code; see Foreign.
func Text(data []byte) string {
	text := string(data)
	if order := utf16Order(data); order != nil {
		runes := make([]rune, len(data)/2)
		for i := range runes { // pairs of surrogates, which no secret has, become U+FFFD: package utf16 is initialized late
			runes[i] = rune(order.Uint16(data[2*i:]))
		}
		text = string(runes)
	}
	return strings.Trim(strings.TrimPrefix(text, "\ufeff"), " \t\r\n\v\f")
}

// utf16Order returns the order of the bytes of UTF-16 text, or nil if data is none. Without a byte order
// mark, only ASCII is recognized: no text of ours holds NUL.
func utf16Order(data []byte) binary.ByteOrder {
	if len(data) < 2 || len(data)%2 != 0 {
		return nil
	}
	var high [2]byte // the bits of all bytes at even and at odd places
	for i, b := range data {
		high[i%2] |= b
	}
	switch mark := string(data[:2]); {
	case mark == "\xff\xfe", high[0] != 0 && high[1] == 0:
		return binary.LittleEndian
	case mark == "\xfe\xff", high[0] == 0 && high[1] != 0:
		return binary.BigEndian
	}
	return nil
}

// Foreign names the first character of text that is not visible ASCII, by its code: it may be
// invisible, or look like another. It returns "" if there is none, and shows nothing else of text.
func Foreign(text string) string {
	position := 0
	for at, r := range text {
		position++
		switch {
		case r == utf8.RuneError && text[at] != "\ufffd"[0]:
			return fmt.Sprintf("character %d is the byte 0x%02X, not ASCII", position, text[at])
		case r >= utf8.RuneSelf:
			return fmt.Sprintf("character %d is %U, not ASCII", position, r)
		case r <= ' ' || r == 0x7f:
			return fmt.Sprintf("character %d is white space or a control character (%U)", position, r)
		}
	}
	return ""
}

// Quoted reports whether text stands in quotes, as docker --env-file and copied JSON have it.
func Quoted(text string) bool {
	last := len(text) - 1
	return last > 0 && text[0] == text[last] && strings.ContainsRune("\"'`", rune(text[0]))
}
