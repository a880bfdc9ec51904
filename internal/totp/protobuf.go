package totp

import (
	"encoding/binary"
	"iter"
)

// field is one field of a protobuf message. Text holds the bytes of those that are
// length-delimited, number the value of all others that are varints.
type field struct {
	tag    uint64 // the field's number in its message
	text   string
	number uint64
	broken bool // the message cannot be read from here on
}

// The wire types of protobuf: how long a field is. Those of groups, 3 and 4, have
// not been written for many years.
const (
	varint    = 0
	fixed64   = 1
	delimited = 2
	fixed32   = 5
)

// fields yields the fields of message in their order. If message is damaged, the
// last one is broken.
func fields(message string) iter.Seq[field] {
	return func(yield func(field) bool) {
		for message != "" {
			f, rest, ok := nextField(message)
			if !ok {
				yield(field{broken: true})
				return
			}
			if !yield(f) {
				return
			}
			message = rest
		}
	}
}

// nextField takes the first field off message.
func nextField(message string) (f field, rest string, ok bool) {
	key, rest, ok := takeVarint(message)
	if !ok {
		return field{}, "", false
	}
	f = field{tag: key >> 3}
	switch key & 7 {
	case varint:
		f.number, rest, ok = takeVarint(rest)
	case fixed64:
		_, rest, ok = take(rest, 8)
	case fixed32:
		_, rest, ok = take(rest, 4)
	case delimited:
		var length uint64
		if length, rest, ok = takeVarint(rest); ok {
			f.text, rest, ok = take(rest, length)
		}
	default:
		ok = false
	}
	return f, rest, ok && f.tag != 0
}

func takeVarint(s string) (value uint64, rest string, ok bool) {
	value, size := binary.Uvarint([]byte(s[:min(len(s), binary.MaxVarintLen64)]))
	if size <= 0 { // cut, or more than 64 bits
		return 0, "", false
	}
	return value, s[size:], true
}

func take(s string, n uint64) (taken, rest string, ok bool) {
	if n > uint64(len(s)) {
		return "", "", false
	}
	return s[:n], s[n:], true
}
