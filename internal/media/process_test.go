package media

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kenoma/internal/fault"
)

func TestMain(m *testing.M) {
	Child()
	os.Exit(m.Run())
}

// eachProcessor runs f with a Processor that decodes in this process and one that
// starts a child, which must not differ.
func eachProcessor(t *testing.T, f func(t *testing.T, p *Processor)) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]ProcessorOptions{"in process": {}, "in a child": {Self: self}} {
		t.Run(name, func(t *testing.T) {
			o.TempDir = t.TempDir()
			f(t, NewProcessor(o))
			left, err := os.ReadDir(o.TempDir)
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// painted returns a picture whose four quarters are red, green, blue and white,
// reading like text from the upper left.
func painted(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := []color.NRGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}}[2*(2*y/h)+2*x/w]
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// quarters names the colours in the quarters of img.
func quarters(img image.Image) string {
	var b strings.Builder
	bounds := img.Bounds()
	for i := range 4 {
		x := bounds.Min.X + bounds.Dx()*(1+2*(i%2))/4
		y := bounds.Min.Y + bounds.Dy()*(1+2*(i/2))/4
		r, g, bl, _ := img.At(x, y).RGBA()
		switch {
		case r > 0x8000 && g > 0x8000:
			b.WriteByte('w')
		case r > 0x8000:
			b.WriteByte('r')
		case g > 0x8000:
			b.WriteByte('g')
		case bl > 0x8000:
			b.WriteByte('b')
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

func pngOf(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gifOf returns a GIF of frames pictures of 8 × 6, with a comment and a loop.
func gifOf(t *testing.T, frames int) []byte {
	t.Helper()
	g := &gif.GIF{}
	for range frames {
		img := image.NewPaletted(image.Rect(0, 0, 8, 6), color.Palette{color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 0, 255, 255}})
		g.Image = append(g.Image, img)
		g.Delay = append(g.Delay, 5)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	comment := append([]byte{'!', 0xfe, 6}, "secret\x00"...)
	return bytes.Join([][]byte{b.Bytes()[:13], comment, b.Bytes()[13:]}, nil)
}

// exifBlock returns an Exif block that says how the picture was held, and where.
func exifBlock(orientation uint16, order binary.ByteOrder) []byte {
	b := []byte("II*\x00")
	if order == binary.BigEndian {
		b = []byte("MM\x00*")
	}
	put16 := func(v uint16) { b = order.(binary.AppendByteOrder).AppendUint16(b, v) }
	put32 := func(v uint32) { b = order.(binary.AppendByteOrder).AppendUint32(b, v) }
	put32(8)
	put16(2)
	put16(0x010f) // Maker, an entry before the one that counts.
	put16(2)
	put32(4)
	b = append(b, "abc\x00"...)
	put16(0x0112)
	put16(3)
	put32(1)
	put16(orientation)
	put16(0)
	put32(0)
	return append(b, "secret"...)
}

// withExif puts a block behind the first marker of a JPEG.
func withExif(jpg []byte, block []byte) []byte {
	body := append([]byte("Exif\x00\x00"), block...)
	head := []byte{0xff, 0xe1, 0, 0}
	binary.BigEndian.PutUint16(head[2:], uint16(len(body)+2))
	return bytes.Join([][]byte{jpg[:2], head, body, jpg[2:]}, nil)
}

// withChunk puts a chunk behind the header of a PNG.
func withChunk(p []byte, name string, data []byte) []byte {
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	chunk = append(append(chunk, name...), data...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	const header = 8 + 25
	return bytes.Join([][]byte{p[:header], chunk, p[header:]}, nil)
}

// read returns the bytes and the picture of a file.
func read(t *testing.T, f File) ([]byte, image.Image) {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(data)) != f.Size {
		t.Errorf("Size = %d, the file has %d bytes", f.Size, len(data))
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("what was made can't be read: %v", err)
	}
	return data, img
}

// Pictures of one transparent and one opaque pixel.
const (
	webpLossless = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="
	webpLossy    = "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA"
)

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestProcess(t *testing.T) {
	alpha := painted(40, 20)
	alpha.SetNRGBA(0, 0, color.NRGBA{})
	deep := image.NewNRGBA64(image.Rect(0, 0, 40, 20))
	for i := range deep.Pix {
		deep.Pix[i] = 0xff
	}
	small := painted(40, 20)
	tests := []struct {
		name          string
		in            []byte
		purpose       Purpose
		wantType      string
		width, height int
		quarters      string
	}{
		{"a JPEG", jpegOf(t, small), Attachment, "image/jpeg", 40, 20, "rgbw"},
		{"a JPEG held sideways", withExif(jpegOf(t, small), exifBlock(6, binary.BigEndian)), Attachment, "image/jpeg", 20, 40, "brwg"},
		{"a PNG", pngOf(t, small), Attachment, "image/png", 40, 20, "rgbw"},
		{"a PNG to see through", pngOf(t, alpha), Attachment, "image/png", 40, 20, "rgbw"},
		{"a PNG held upside down, with text", withChunk(withChunk(pngOf(t, small), "eXIf", exifBlock(3, binary.LittleEndian)), "tEXt", []byte("a\x00secret")), Attachment, "image/png", 40, 20, "wbgr"},
		{"a PNG of 16 bits a colour", pngOf(t, deep), Attachment, "image/png", 40, 20, "wwww"},
		{"a large one", jpegOf(t, painted(6000, 3000)), Attachment, "image/jpeg", 4072, 2036, "rgbw"},
		{"a GIF of one picture", gifOf(t, 1), Attachment, "image/png", 8, 6, "rrrr"},
		{"a WebP", unbase64(t, webpLossy), Attachment, "image/jpeg", 1, 1, ""},
		{"a WebP to see through", unbase64(t, webpLossless), Attachment, "image/png", 1, 1, ""},
		{"an avatar", jpegOf(t, painted(1000, 600)), Avatar, "image/jpeg", 400, 400, "rgbw"},
		{"a small avatar", pngOf(t, painted(30, 50)), Avatar, "image/png", 30, 30, "rgbw"},
		{"a header", pngOf(t, painted(3000, 3000)), Header, "image/png", 1500, 500, "rgbw"},
		{"a header held sideways", withExif(jpegOf(t, painted(1000, 2000)), exifBlock(8, binary.BigEndian)), Header, "image/jpeg", 1500, 500, "gwrb"},
		{"an emoji", pngOf(t, painted(512, 512)), Emoji, "image/png", 256, 256, "rgbw"},
		{"a GIF as avatar", gifOf(t, 3), Avatar, "image/png", 6, 6, "rrrr"},
	}
	eachProcessor(t, func(t *testing.T, p *Processor) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				res, err := p.Process(context.Background(), bytes.NewReader(tt.in), Options{Purpose: tt.purpose})
				if err != nil {
					t.Fatal(err)
				}
				defer res.Close()
				f := res.Original
				if res.Kind != Image || f.Type != tt.wantType || f.Width != tt.width || f.Height != tt.height {
					t.Errorf("got %s %s of %d × %d, want %s of %d × %d", res.Kind, f.Type, f.Width, f.Height, tt.wantType, tt.width, tt.height)
				}
				data, img := read(t, f)
				if bytes.Contains(data, []byte("secret")) {
					t.Error("metadata was kept")
				}
				if size := img.Bounds().Size(); size != image.Pt(f.Width, f.Height) {
					t.Errorf("the file is %v, said %d × %d", size, f.Width, f.Height)
				}
				if got := quarters(img); tt.quarters != "" && got != tt.quarters {
					t.Errorf("the quarters are %s, want %s", got, tt.quarters)
				}
				checkPreview(t, res, tt.purpose, tt.quarters)
			})
		}
	})
}

func checkPreview(t *testing.T, res *Result, purpose Purpose, want string) {
	t.Helper()
	if purpose != Attachment {
		if res.Preview != nil {
			t.Error("there is a preview")
		}
		return
	}
	if res.Preview == nil || len(res.Blurhash) != 28 {
		t.Fatalf("preview %v, blurhash %q", res.Preview, res.Blurhash)
	}
	_, img := read(t, *res.Preview)
	if got := quarters(img); want != "" && got != want {
		t.Errorf("the preview's quarters are %s, want %s", got, want)
	}
	if n := res.Preview.Width * res.Preview.Height; n > previewPixels {
		t.Errorf("the preview has %d pixels", n)
	}
}

func TestProcessAnimation(t *testing.T) {
	eachProcessor(t, func(t *testing.T, p *Processor) {
		res, err := p.Process(context.Background(), bytes.NewReader(gifOf(t, 3)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer res.Close()
		data, _ := read(t, res.Original)
		all, err := gif.DecodeAll(bytes.NewReader(data))
		if err != nil || len(all.Image) != 3 || all.LoopCount != 0 || all.Delay[1] != 5 {
			t.Errorf("the copy has %+v, %v", all, err)
		}
		if !res.Animated || res.Original.Type != "image/gif" || bytes.Contains(data, []byte("secret")) {
			t.Errorf("got %+v, with its comment: %t", res, bytes.Contains(data, []byte("secret")))
		}
		checkPreview(t, res, Attachment, "rrrr")
	})
}

// bombPNG claims w × h pixels in a few bytes.
func bombPNG(w, h uint32) []byte {
	ihdr := []byte("IHDR")
	ihdr = binary.BigEndian.AppendUint32(ihdr, w)
	ihdr = binary.BigEndian.AppendUint32(ihdr, h)
	ihdr = append(ihdr, 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(ihdr))
	return append(b, "\x00\x00\x00\x00IDAT"...)
}

// bombGIF has frames pictures of one pixel.
func bombGIF(frames int) []byte {
	b := []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff")
	for range frames {
		b = append(b, ",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00"...)
	}
	return append(b, ';')
}

func TestProcessRefuses(t *testing.T) {
	jpg, pn := jpegOf(t, painted(200, 100)), pngOf(t, painted(200, 100))
	wide := append([]byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), bombGIF(2)[13:]...)
	outside := bytes.Replace(bombGIF(2), []byte(",\x00\x00"), []byte(",\x09\x00"), 1)
	tests := []struct {
		name string
		in   []byte
		want fault.Kind
	}{
		{"nothing", nil, fault.Unsupported},
		{"text", []byte("hello"), fault.Unsupported},
		{"SVG", []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), fault.Unsupported},
		{"HTML", []byte("<!DOCTYPE html><script>alert(1)</script>"), fault.Unsupported},
		{"a program", append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 100)...), fault.Unsupported},
		{"a PNG of 60,000 × 60,000", bombPNG(60_000, 60_000), fault.TooLarge},
		{"a PNG of no pixels", bombPNG(0, 10), fault.Invalid},
		{"a PNG that overflows", bombPNG(0x7fffffff, 0x7fffffff), fault.Invalid},
		{"a GIF of 65,535 × 65,535", wide, fault.TooLarge},
		{"a GIF of 10,000 pictures", bombGIF(10_000), fault.TooLarge},
		{"a GIF with a picture outside", outside, fault.Invalid},
		{"half a JPEG", jpg[:len(jpg)/2], fault.Invalid},
		{"the head of a JPEG", jpg[:20], fault.Invalid},
		{"half a PNG", pn[:len(pn)/2], fault.Invalid},
		{"half a GIF", gifOf(t, 3)[:60], fault.Invalid},
		{"half a WebP", unbase64(t, webpLossy)[:30], fault.Invalid},
		{"an animated WebP", []byte("RIFF\x24\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00"), fault.Invalid},
		{"HTML behind a PNG's mark", []byte("\x89PNG\r\n\x1a\n<script>alert(1)</script>"), fault.Invalid},
		{"too many bytes", append(bytes.Clone(jpg), make([]byte, 16<<20)...), fault.TooLarge},
	}
	eachProcessor(t, func(t *testing.T, p *Processor) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				start := time.Now()
				res, err := p.Process(context.Background(), bytes.NewReader(tt.in), Options{})
				if !fault.Is(err, tt.want) {
					t.Errorf("got %+v, %v, want %s", res, err, tt.want)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("took %v", took)
				}
			})
		}
	})
}

// TestChildLimits shows that the walls around the child hold.
func TestChildLimits(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	large := pngOf(t, image.NewNRGBA(image.Rect(0, 0, 6000, 5000)))
	for _, tt := range []struct {
		name string
		o    ProcessorOptions
		in   []byte
		says string
	}{
		{"memory", ProcessorOptions{Self: self, Memory: 64 << 20}, large, "too much memory"},
		{"time", ProcessorOptions{Self: self, Memory: 4 << 30, Timeout: 10 * time.Millisecond}, large, "too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.TempDir = t.TempDir()
			p := NewProcessor(tt.o)
			_, err := p.Process(context.Background(), bytes.NewReader(tt.in), Options{})
			if !fault.Is(err, fault.TooLarge) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want TooLarge and %q", err, tt.says)
			}
			if left, _ := filepath.Glob(filepath.Join(tt.o.TempDir, "*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	t.Run("the one who asks leaves", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		_, err := NewProcessor(ProcessorOptions{Self: self, Memory: 4 << 30, TempDir: t.TempDir()}).Process(ctx, bytes.NewReader(large), Options{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
	})
	t.Run("a program that is no child", func(t *testing.T) {
		_, err := NewProcessor(ProcessorOptions{Self: "/bin/true", TempDir: t.TempDir()}).Process(context.Background(), bytes.NewReader(large), Options{})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("got %v, want Invalid", err)
		}
	})
}

func TestOrientation(t *testing.T) {
	// The quarters of a picture of each orientation once it is upright.
	want := []string{1: "rgbw", 2: "grwb", 3: "wbgr", 4: "bwrg", 5: "rbgw", 6: "brwg", 7: "wgbr", 8: "gwrb"}
	jpg := jpegOf(t, painted(40, 20))
	for o := uint16(1); o <= 8; o++ {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			in := withExif(jpg, exifBlock(o, order))
			if got := orientation(bytes.NewReader(in), "image/jpeg"); got != int(o) {
				t.Errorf("orientation = %d, want %d", got, o)
			}
		}
		img := upright(shrink(painted(40, 20), image.Rect(0, 0, 40, 20), 40, 20), int(o))
		if got := quarters(img); got != want[o] {
			t.Errorf("orientation %d gives %s, want %s", o, got, want[o])
		}
	}
	riff := []byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00EXIF")
	block := exifBlock(6, binary.LittleEndian)
	riff = append(binary.LittleEndian.AppendUint32(riff, uint32(len(block))), block...)
	if got := orientation(bytes.NewReader(riff), "image/webp"); got != 6 {
		t.Errorf("orientation of a WebP = %d, want 6", got)
	}
}

func FuzzOrientation(f *testing.F) {
	f.Add(exifBlock(6, binary.BigEndian), byte(0))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x08Exif\x00\x00"), byte(1))
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x04eXIfMM\x00*"), byte(2))
	f.Fuzz(func(t *testing.T, data []byte, kind byte) {
		got := tiffOrientation(data)
		if kind > 0 {
			got = orientation(bytes.NewReader(data), []string{"image/jpeg", "image/png", "image/webp"}[kind%3])
		}
		if got < 1 || got > 8 {
			t.Errorf("orientation = %d", got)
		}
	})
}

// FuzzCopyGIF checks that a copy is a GIF of the same pictures, and that copying
// it changes nothing.
func FuzzCopyGIF(f *testing.F) {
	f.Add(bombGIF(3))
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00!\xfe\x01a\x00!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00;"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var once, twice bytes.Buffer
		frames, err := copyGIF(&once, bytes.NewReader(data))
		if err != nil {
			return
		}
		again, err := copyGIF(&twice, bytes.NewReader(once.Bytes()))
		if err != nil || again != frames || !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Fatalf("the copy of a copy differs: %d and %d pictures, %v", frames, again, err)
		}
		if len(data) > 10 && int(data[6])+int(data[7])+int(data[8])+int(data[9]) < 200 {
			if _, err := gif.DecodeAll(bytes.NewReader(data)); err == nil {
				if g, err := gif.DecodeAll(bytes.NewReader(once.Bytes())); err != nil || len(g.Image) != frames {
					t.Fatalf("the copy can't be read: %v", err)
				}
			}
		}
	})
}

func TestShrink(t *testing.T) {
	src := image.NewNRGBA(image.Rect(10, 10, 14, 12))
	for i, v := range []uint8{0, 100, 200, 100, 50, 50, 100, 0} {
		src.SetNRGBA(10+i%4, 10+i/4, color.NRGBA{v, v, v, 255})
	}
	got := shrink(src, image.Rect(0, 0, 4, 2), 2, 1)
	if a, b := got.RGBAAt(0, 0), got.RGBAAt(1, 0); a != (color.RGBA{50, 50, 50, 255}) || b != (color.RGBA{100, 100, 100, 255}) {
		t.Errorf("averages are %v, %v", a, b)
	}
	solid := image.NewNRGBA(image.Rect(0, 0, 101, 67))
	for i := range solid.Pix {
		solid.Pix[i] = 255
	}
	for i, v := range shrink(solid, solid.Bounds(), 37, 13).Pix {
		if v != 255 {
			t.Fatalf("white became %d at %d", v, i)
		}
	}
}

func TestFit(t *testing.T) {
	for _, tt := range []struct{ w, h, pixels, ww, wh int }{
		{100, 50, 5000, 100, 50},
		{200, 100, 5000, 100, 50},
		{40_000, 1, 100, 100, 1},
		{1, 40_000, 100, 1, 100},
		{3, 3, 1, 1, 1},
	} {
		w, h := fit(tt.w, tt.h, tt.pixels)
		if w != tt.ww || h != tt.wh {
			t.Errorf("fit(%d, %d, %d) = %d, %d, want %d, %d", tt.w, tt.h, tt.pixels, w, h, tt.ww, tt.wh)
		}
	}
}

func TestBlurhash(t *testing.T) {
	// The answers are those of the TypeScript encoder, once it takes the largest
	// factor by amount, as the one in C does.
	for _, tt := range []struct {
		want string
		at   func(x, y int) [3]int
	}{
		{"L00000fQfQfQfQfQfQfQfQfQfQfQ", func(x, y int) [3]int { return [3]int{0, 0, 0} }},
		{"LDTSUA_3fQ_3~qoffQoffQfQfQfQ", func(x, y int) [3]int { return [3]int{255, 255, 255} }},
		{"LxH27b2kwzX5mAWYjuf7gKfkfQfj", func(x, y int) [3]int { return [3]int{x * 8, y * 10, (x + y) * 4} }},
		{"LjLjfLN~fQFQsXjufQjufQFOfQ2N", func(x, y int) [3]int {
			if (x>>3+y>>3)%2 == 1 {
				return [3]int{255, 0, 0}
			}
			return [3]int{0, 0, 255}
		}},
		{"LNHBY?unm9rErpW+fgoJWQW-W=Ws", func(x, y int) [3]int {
			return [3]int{(x*37 + y*91) % 256, (x*x + y) % 256, (x * y * 3) % 256}
		}},
	} {
		img := image.NewRGBA(image.Rect(0, 0, 32, 24))
		for y := range 24 {
			for x := range 32 {
				v := tt.at(x, y)
				img.SetRGBA(x, y, color.RGBA{uint8(v[0]), uint8(v[1]), uint8(v[2]), 255})
			}
		}
		if got := blurhash(img); got != tt.want {
			t.Errorf("blurhash = %s, want %s", got, tt.want)
		}
	}
}

func BenchmarkPicture(b *testing.B) {
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, painted(4000, 3000), nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := picture(bytes.NewReader(buf.Bytes()), job{Type: "image/jpeg"}); err != nil {
			b.Fatal(err)
		}
	}
}
