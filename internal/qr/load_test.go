package qr

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// pngHeader returns the start of a PNG file of that size.
func pngHeader(width, height uint32) []byte { return pngHeaderOf(width, height, 8, 0) } // 8 bits of grey

func pngHeaderOf(width, height uint32, depth, colour byte) []byte {
	chunk := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)...)
	chunk = append(chunk, depth, colour, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), chunk...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(chunk))
}

// progressiveHeader returns the start of a progressive JPEG file of that size, in colour.
func progressiveHeader(width, height uint16) []byte {
	file := []byte("\xff\xd8\xff\xc2\x00\x11\x08")
	file = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(file, height), width)
	return append(file, "\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00\xff\xda\x00\x02"...)
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	drawn := qrencode(t, otpauth)
	for name, test := range map[string]struct {
		data          []byte
		cause, remedy string
	}{
		"nothing":        {nil, "is neither a text nor a picture", "PNG"},
		"PDF":            {[]byte("%PDF-1.7\n"), "is a PDF document", "screenshot"},
		"SVG":            {[]byte("<?xml version=\"1.0\"?>\n<!-- x -->\n<SVG xmlns=''>"), "is an SVG drawing", "browser"},
		"drawn SVG":      {output(t, []byte(otpauth), need(t, "qrencode", "qrencode"), "-t", "SVG", "-o", "-"), "is an SVG drawing", "browser"},
		"HEIC":           {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), "is a HEIC, AVIF or video file", "PNG"},
		"BMP":            {convert(t, drawn, "bmp"), "is a BMP or TIFF file", "PNG"},
		"TIFF":           {convert(t, drawn, "tiff"), "is a BMP or TIFF file", "PNG"},
		"text":           {[]byte(otpauth), "is neither a text nor a picture", "PNG"},
		"program":        {[]byte("\x7fELF\x02\x01\x01\x00"), "is neither a text nor a picture of a known kind", "PNG"},
		"only a header":  {[]byte("\x89PNG\r\n\x1a\n"), "is damaged", "screenshot"},
		"cut PNG":        {drawn[:len(drawn)/2], "is damaged", "screenshot"},
		"cut JPEG":       {convert(t, drawn, "jpg")[:300], "is damaged", "screenshot"},
		"cut WebP":       {convert(t, drawn, "webp")[:40], "is damaged", "screenshot"},
		"no pixels":      {pngHeader(0, 0), "is damaged", "screenshot"},
		"100 Mpx":        {pngHeader(10000, 10000), "has 10000 x 10000 pixels, more than 50 million", "crop"},
		"huge":           {pngHeader(60000, 60000), "has 60000 x 60000 pixels", "crop"},
		"16 bits":        {pngHeaderOf(7000, 7000, 16, 6), "has 7000 x 7000 pixels of 8 bytes, more than 256 MiB", "crop"},
		"16 bits grey":   {pngHeaderOf(7000, 7000, 16, 0), "has 7000 x 7000 pixels of 8 bytes, more than 256 MiB", "crop"},
		"progressive":    {progressiveHeader(7000, 7000), "has 7000 x 7000 pixels of 15 bytes", "crop"},
		"beyond 63 bits": {pngHeader(1<<31-1, 1<<31-1), "is damaged", "screenshot"},
		"33 MiB":         {append(pngHeader(10, 10), make([]byte, 33<<20)...), "has more than 32 MiB", "crop"},
		"half a code":    {convert(t, drawn, "-crop", "100x60+0+0", "+repage", "png"), "no QR code found in it", "secret key"},
		"white":          {convert(t, drawn, "-fill", "white", "-colorize", "100", "png"), "no QR code found in it", "crop"},
		"one pixel":      {convert(t, drawn, "-resize", "1x1!", "png"), "no QR code found in it", "crop"},
		"narrow":         {convert(t, drawn, "-resize", "3000x2!", "png"), "no QR code found in it", "crop"},
	} {
		texts, err := Decode(test.data)
		bad, ok := errors.AsType[*fault.Error](err)
		if !ok || texts != nil || bad.Kind != fault.Usage || !strings.HasPrefix(bad.Cause, test.cause) || !strings.Contains(bad.Remedy, test.remedy) {
			t.Errorf("%s: %q, %v", name, reveal(texts), err)
		}
	}
}

// TestDecodeDamaged overwrites bytes of a file, one after the other.
func TestDecodeDamaged(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"png", "jpg", "gif", "webp"} {
		picture := convert(t, qrencode(t, otpauth, "-s", "2"), kind)
		for at := 0; at < len(picture); at += 1 + at/5 {
			spoilt := bytes.Clone(picture)
			spoilt[at] ^= 0xff
			texts, err := Decode(spoilt)
			if bad, ok := errors.AsType[*fault.Error](err); (err != nil) != (texts == nil) || err != nil && (!ok || bad.Kind != fault.Usage) {
				t.Fatalf("%s with another byte %d: %q, %v", kind, at, reveal(texts), err)
			}
		}
	}
}

// FuzzDecode: no file, however damaged, makes Decode panic, and the decoder's
// excuses are ours.
func FuzzDecode(f *testing.F) {
	matrix, err := Encode(secret("otpauth://totp/x?secret=" + seed))
	if err != nil {
		f.Fatal(err)
	}
	picture, err := matrix.PNG(1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(picture)
	f.Add(pngHeader(100, 100))
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"))
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00/\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"))
	f.Add([]byte("\xff\xd8\xff\xc0\x00\x11\x08\x00\x10\x00\x10\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xd9"))
	f.Fuzz(func(t *testing.T, data []byte) {
		texts, err := Decode(data)
		bad, ok := errors.AsType[*fault.Error](err)
		switch {
		case err == nil && len(texts) == 0:
			t.Fatal("neither texts nor an error")
		case err != nil && (!ok || bad.Kind != fault.Usage || bad.Remedy == "" || strings.Contains(bad.Cause, "breaks")):
			t.Fatal(err)
		}
	})
}
