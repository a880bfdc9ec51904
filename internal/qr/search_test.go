package qr

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"slices"
	"testing"
)

// canvas is a white picture to put codes on.
func canvas(width, height int) *image.Gray {
	picture := image.NewGray(image.Rect(0, 0, width, height))
	draw.Draw(picture, picture.Bounds(), image.White, image.Point{}, draw.Src)
	return picture
}

// put draws modules, row by row, with their upper left corner at a point.
func put(picture *image.Gray, modules []bool, at image.Point, scale int, dark uint8) {
	n := 1
	for n*n < len(modules) {
		n++
	}
	for i, d := range modules {
		if d {
			corner := at.Add(image.Pt(i%n*scale, i/n*scale))
			draw.Draw(picture, image.Rectangle{corner, corner.Add(image.Pt(scale, scale))}, image.NewUniform(color.Gray{Y: dark}), image.Point{}, draw.Src)
		}
	}
}

func encodePNG(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func modulesOf(t *testing.T, text string) []bool {
	t.Helper()
	return modulesIn(mustEncode(t, text))
}

// TestDecodeFaint has less contrast than noise makes in other pictures, which only
// the threshold for the whole picture sees.
func TestDecodeFaint(t *testing.T) {
	t.Parallel()
	for _, level := range []uint8{246, 249, 252} {
		picture := canvas(400, 400)
		put(picture, modulesOf(t, otpauth), image.Pt(40, 40), 5, level)
		if got := mustDecode(t, encodePNG(t, picture)); !slices.Equal(got, []string{otpauth}) {
			t.Errorf("level %d: %q", level, got)
		}
	}
}

// TestDecodeAmongCrosses has more shapes that are like finders from all four sides
// than are looked at, all larger than those of the code. Only diagonals differ.
func TestDecodeAmongCrosses(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string]string{
		"both diagonals": "0011100/0000000/1011101/1011101/1011101/0000000/0011100",
		"one":            "1011100/0000000/1011101/1011101/1011101/0000000/0011101",
		"the other":      "0011101/0000000/1011101/1011101/1011101/0000000/1011100",
	} {
		picture := canvas(900, 1000)
		for i := range maxFinders + 8 {
			put(picture, drawn(rows), image.Pt(30+i%12*70, 30+i/12*70), 7, 0)
		}
		put(picture, modulesOf(t, otpauth), image.Pt(300, 550), 5, 0)
		if got := mustDecode(t, encodePNG(t, picture)); !slices.Equal(got, []string{otpauth}) {
			t.Errorf("%s differ: %q", name, got)
		}
	}
}

// TestDecodeSheet has codes in rows and columns, whose finders make as many squares
// with those of other codes.
func TestDecodeSheet(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{4, 3}, {5, 4}, {7, 2}, {2, 7}} {
		picture := canvas(30+230*size.X, 30+230*size.Y)
		var want []string
		for i := range size.X * size.Y {
			text := fmt.Sprintf("otpauth://totp/user%02d?secret=%s", i, seed)
			put(picture, modulesOf(t, text), image.Pt(30+i%size.X*230, 30+i/size.X*230), 4, 0)
			want = append(want, text)
		}
		got := mustDecode(t, encodePNG(t, picture))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%d x %d: %d codes are read: %q", size.X, size.Y, len(got), got)
		}
	}
}
