package totp

import "testing"

func BenchmarkCode(b *testing.B) {
	seed := mustParse(b, b32(awsKey))
	for step := Step(0); b.Loop(); step++ {
		seed.Code(step)
	}
}

func BenchmarkParseSeed(b *testing.B) {
	text := b32(awsKey)
	for name, spelling := range map[string]string{
		"base32":  text,
		"grouped": grouped(text, " "),
		"uri":     "otpauth://totp/AWS:bob?secret=" + text + "&issuer=AWS",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := ParseSeed(spelling, Policy{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
