package qr

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestDecodeEveryVersion has qrencode draw each of the 160 kinds of code.
func TestDecodeEveryVersion(t *testing.T) {
	t.Parallel()
	for version := 1; version <= maxVersion; version++ {
		text := fmt.Sprint(version, ":") + strings.Repeat("Ab3+/", version*version/10)
		for i, level := range []string{"L", "M", "Q", "H"} {
			scale := fmt.Sprint(1 + (version+i)%3)
			picture := qrencode(t, text, "-v", fmt.Sprint(version), "-l", level, "-s", scale)
			if texts, err := Decode(picture); err != nil || len(texts) != 1 || texts[0].Reveal() != text {
				t.Errorf("version %d-%s, %s pixels a module: %q, %v", version, level, scale, reveal(texts), err)
			}
		}
	}
}

func TestDecodeModes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0", "0123456789012", "ALPHANUMERIC $%*+-./:", "J\u00f6rg \u65e5\u672c \U0001F511", "two\nlines"} {
		if got := mustDecode(t, qrencode(t, text)); !slices.Equal(got, []string{text}) {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestDecodePictures has ImageMagick do to a code what screens and cameras do.
func TestDecodePictures(t *testing.T) {
	t.Parallel()
	type change struct {
		scale string // pixels a module, and more arguments of qrencode
		args  []string
	}
	split := func(scale, args string) change { return change{scale, strings.Fields(args)} }
	changes := map[string]change{
		"inverted":              split("6", "-negate png"),
		"inverted, small":       split("2", "-negate png"),
		"mirrored":              split("6", "-flop png"),
		"no border":             split("6", "-trim +repage png"),
		"one pixel":             split("1", "png"),
		"one pixel and a half":  split("6", "-resize 25% png"),
		"two pixels, nearly":    split("6", "-resize 31% png"),
		"grey, 16 bits":         split("4", "-colorspace gray -depth 16 -define png:bit-depth=16 png"),
		"grey, 8 bits":          split("4", "-colorspace gray -depth 8 -define png:color-type=0 png"),
		"colour, 16 bits":       split("4", "-depth 16 -define png:color-type=2 -define png:bit-depth=16 png"),
		"palette":               split("4", "-define png:color-type=3 png"),
		"interlaced":            split("4", "-interlace PNG png"),
		"white is transparent":  split("4", "-transparent white png"),
		"black is transparent":  split("4", "-negate -transparent black png"),
		"half transparent":      split("4", "-alpha set -channel A -evaluate set 50% png"),
		"blue on yellow":        split("4", "-fill navy -opaque black -fill yellow -opaque white png"),
		"little contrast":       split("6", "-fill gray20 -opaque black -fill gray32 -opaque white png"),
		"GIF":                   split("4", "gif"),
		"WebP without loss":     split("4", "-define webp:lossless=true webp"),
		"WebP with loss":        split("4", "-quality 30 webp"),
		"transparent WebP":      split("4", "-transparent white -quality 60 webp"),
		"progressive JPEG":      split("4", "-interlace JPEG -quality 60 jpg"),
		"CMYK JPEG":             split("4", "-colorspace CMYK jpg"),
		"blurred":               split("8", "-blur 0x3 png"),
		"noise":                 split("8", "-attenuate 2 +noise gaussian -quality 50 jpg"),
		"shadow":                split("8", "( +clone -fill white -colorize 100 -sparse-color bilinear 0,0,white,400,400,gray20 ) -compose multiply -composite png"),
		"large photo":           split("8", "-resize 4000x3000! -blur 0x4 -quality 70 jpg"),
		"much noise":            split("16", "-attenuate 7 +noise gaussian -quality 60 jpg"),
		"uneven noise":          split("5", "-attenuate 5 +noise gaussian -quality 90 jpg"),
		"large, from below":     split("8 -v 22", "-virtual-pixel white -distort Perspective 0,0,60,40,904,0,850,20,904,904,820,820,0,904,20,860 png"),
		"bent":                  split("8 -v 15", "-background white -virtual-pixel white -distort Barrel 0.0,0.0,0.025,0.975 png"),
		"hollow":                split("10", "-virtual-pixel white -distort Barrel 0.0,0.03,0.0 png"),
		"from below, large":     split("6 -v 15", "-virtual-pixel white -distort Perspective 0,0,60,30,510,0,470,0,510,510,500,480,0,510,0,430 png"),
		"little light":          split("6", "+level 70%,76% png"),
		"much noise, level H":   split("10 -l H", "-attenuate 6 +noise gaussian -quality 60 jpg"),
		"in a 4K screenshot":    split("2", "-background white -gravity southeast -splice 900x400 -gravity northwest -splice 2600x1500 png"),
		"in a dark screenshot":  split("2", "-negate -background gray13 -gravity southeast -splice 900x400 -gravity northwest -splice 2600x1500 png"),
		"on a busy screenshot":  split("3", "-size 3840x2160 -seed 1 plasma:fractal +swap -geometry +3000+1500 -composite -depth 8 png"),
		"from the left":         split("10", "-virtual-pixel white -distort Perspective 0,0,60,40,530,0,500,10,530,530,470,500,0,530,10,450 png"),
		"from below":            split("10", "-virtual-pixel white -distort Perspective 0,0,120,60,530,0,500,10,530,530,400,480,0,530,10,400 png"),
		"from below, as a JPEG": split("10", "-virtual-pixel white -distort Perspective 0,0,80,60,530,0,450,40,530,530,500,500,0,530,10,480 -blur 0x2 -attenuate 1 +noise gaussian -quality 40 jpg"),
	}
	for _, quality := range []string{"5", "20", "30"} {
		changes["JPEG of quality "+quality] = split("6", "-quality "+quality+" jpg")
		changes["small JPEG of quality "+quality] = split("3", "-quality "+quality+" jpg")
	}
	for _, angle := range []string{"2", "5", "-7", "17", "33", "45", "60", "90", "121", "180", "270", "315"} {
		changes["rotated by "+angle] = split("6", "-background white -rotate "+angle+" png")
		changes["small, rotated by "+angle] = split("2", "-background white -rotate "+angle+" png")
	}
	for name, change := range changes {
		picture := convert(t, qrencode(t, otpauth, strings.Fields("-s "+change.scale)...), change.args...)
		if texts, err := Decode(picture); err != nil || !slices.Equal(reveal(texts), []string{otpauth}) {
			t.Errorf("%s: %q, %v", name, reveal(texts), err)
		}
	}
}

// TestDecodeSeveral puts codes into one picture, two of them with the same text.
func TestDecodeSeveral(t *testing.T) {
	t.Parallel()
	texts := []string{"first", "second", otpauth, "otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8", "first"}
	picture := qrencode(t, texts[0], "-s", "4")
	for _, text := range texts[1:] {
		path := t.TempDir() + "/code.png"
		output(t, []byte(text), need(t, "qrencode", "qrencode"), "-o", path, "-s", "4")
		picture = convert(t, picture, path, "-background", "white", "+append", "png")
	}
	for name, picture := range map[string][]byte{"plain": picture, "dark, rotated": convert(t, picture, "-rotate", "12", "-negate", "png")} {
		got := mustDecode(t, picture)
		slices.Sort(got)
		want := slices.Sorted(slices.Values(texts[1:]))
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
