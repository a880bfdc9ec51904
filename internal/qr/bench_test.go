package qr

import "testing"

func BenchmarkEncode(b *testing.B) {
	for b.Loop() {
		if _, err := Encode(secret(otpauth)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode reads a picture of a code, finding included.
func BenchmarkDecode(b *testing.B) {
	matrix, err := Encode(secret(otpauth))
	if err != nil {
		b.Fatal(err)
	}
	picture, err := matrix.PNG(4)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Decode(picture); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeModules reads one code that has been found.
func BenchmarkDecodeModules(b *testing.B) {
	matrix, err := Encode(secret(otpauth))
	if err != nil {
		b.Fatal(err)
	}
	modules := modulesIn(matrix)
	version := (matrix.side - 17) / 4
	for b.Loop() {
		if _, ok := decodeModules(version, modules); !ok {
			b.Fatal("not read")
		}
	}
}
