package qr

// The ECI numbers of ISO 8859-1.
const (
	latin1Old = 1
	latin1    = 3
)

// asIs reports whether texts of a character set, given by its ECI number, are
// taken unchanged: UTF-8, ASCII, binary, and what declares none, which is UTF-8 in
// practice whatever the standard says.
func asIs(charset int) bool {
	const (
		none   = 0
		utf8   = 26
		ascii  = 27
		binary = 899
	)
	return charset == none || charset == utf8 || charset == ascii || charset == binary
}

// extendsASCII reports whether bytes below 0x80 mean what they do in ASCII, as long as
// there are no others: so it is in all code pages and Asian sets up to number 32, but
// for UTF-16.
func extendsASCII(charset int) bool {
	const utf16, gb18030 = 25, 32
	return charset <= gb18030 && charset != utf16
}
