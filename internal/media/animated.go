package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/draw"
	"io"

	"golang.org/x/image/webp"
)

// animation is an animated picture that was copied without its metadata. Nothing of
// it is decoded.
type animation struct {
	frames int
	data   []byte
	first  image.Image // WebP: the first picture on its canvas.
}

var errAnimation = errors.New("broken animation")

// pngChunks are those of an animated PNG that stay: pictures, their times, colours.
//
// spec: https://www.w3.org/TR/png-3/#11Chunks
var pngChunks = map[string]bool{"IHDR": true, "PLTE": true, "IDAT": true, "IEND": true, "tRNS": true, "acTL": true, "fcTL": true, "fdAT": true,
	"gAMA": true, "cHRM": true, "sRGB": true, "iCCP": true, "cICP": true, "sBIT": true, "pHYs": true}

// animatedPNG copies a PNG of several pictures; nil when it is none.
//
// spec: https://www.w3.org/TR/png-3/#apng-frame-based-animation
func animatedPNG(r source) (*animation, error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Write(part(r, 0, size, 8))
	a, animated := &animation{}, false
	var canvas image.Rectangle
	for at := int64(8); ; {
		head := part(r, at, size, 8)
		if len(head) < 8 {
			return nil, errAnimation
		}
		n, kind := int64(binary.BigEndian.Uint32(head)), string(head[4:])
		if n > size-at-12 {
			return nil, errAnimation
		}
		switch {
		case kind == "acTL":
			animated = true
		case kind == "IDAT" && !animated:
			return nil, nil
		}
		if pngChunks[kind] {
			chunk := part(r, at, at+12+n, 12+n)
			if err := a.pngChunk(kind, chunk, &canvas); err != nil {
				return nil, err
			}
			out.Write(chunk)
		}
		if at += 12 + n; kind == "IEND" {
			a.data = out.Bytes()
			return a, nil
		}
	}
}

// pngChunk checks a chunk that is copied, with head and checksum.
func (a *animation) pngChunk(kind string, chunk []byte, canvas *image.Rectangle) error {
	n := len(chunk) - 12
	if crc32.ChecksumIEEE(chunk[4:8+n]) != binary.BigEndian.Uint32(chunk[8+n:]) {
		return fmt.Errorf("%w: checksum of %s", errAnimation, kind)
	}
	number := func(i int) int { return int(binary.BigEndian.Uint32(chunk[8+i:])) }
	switch kind {
	case "IHDR":
		if n != 13 {
			return errAnimation
		}
		*canvas = image.Rect(0, 0, number(0), number(4))
	case "fcTL":
		if a.frames++; n != 26 || a.frames > maxFrames || !image.Rect(number(12), number(16), number(12)+number(4), number(16)+number(8)).In(*canvas) {
			return fmt.Errorf("%w: frame %d", errAnimation, a.frames)
		}
	}
	return nil
}

// animatedWebP copies a WebP of several pictures; nil when it is none.
//
// spec: rfc9649#section-2.7
func animatedWebP(r source) (*animation, error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	head := part(r, 0, size, 30)
	if len(head) < 30 || string(head[12:16]) != "VP8X" || head[20]&0x02 == 0 {
		return nil, nil
	}
	head[20] &^= 0x08 | 0x04 // No Exif, no XMP.
	canvas := image.Rect(0, 0, 1+u24(head[24:]), 1+u24(head[27:]))
	a, out := &animation{}, bytes.NewBuffer(head)
	end := min(size, 8+int64(le.Uint32(head[4:])))
	for at := int64(30); at+8 <= end; {
		chunk := part(r, at, end, 8)
		n := int64(le.Uint32(chunk[4:]))
		if n > end-at-8 {
			return nil, errAnimation
		}
		switch kind := string(chunk[:4]); kind {
		case "ANMF":
			body := part(r, at+8, at+8+n, n)
			if err := a.webpFrame(body, canvas); err != nil {
				return nil, err
			}
			writeChunk(out, kind, body)
		case "ANIM", "ICCP":
			writeChunk(out, kind, part(r, at+8, at+8+n, n))
		}
		at += 8 + n + n&1
	}
	if a.frames == 0 {
		return nil, errAnimation
	}
	a.data = out.Bytes()
	le.PutUint32(a.data[4:], uint32(len(a.data)-8))
	return a, nil
}

func u24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// writeChunk writes a chunk of RIFF, to an even length.
func writeChunk(w *bytes.Buffer, kind string, body []byte) {
	w.WriteString(kind)
	w.Write(le.AppendUint32(nil, uint32(len(body))))
	w.Write(body)
	if len(body)&1 == 1 {
		w.WriteByte(0)
	}
}

// webpFrame checks a frame, which must lie on the canvas, and draws the first one.
func (a *animation) webpFrame(b []byte, canvas image.Rectangle) error {
	if a.frames++; len(b) < 24 || a.frames > maxFrames {
		return fmt.Errorf("%w: frame %d", errAnimation, a.frames)
	}
	x, y := 2*u24(b), 2*u24(b[3:])
	place := image.Rect(x, y, x+1+u24(b[6:]), y+1+u24(b[9:]))
	if !place.In(canvas) {
		return fmt.Errorf("%w: frame %d is at %v", errAnimation, a.frames, place)
	}
	var parts bytes.Buffer
	alpha := byte(0)
	for rest := b[16:]; len(rest) >= 8; {
		kind, n := string(rest[:4]), int64(le.Uint32(rest[4:]))
		if n > int64(len(rest)-8) || kind != "ALPH" && kind != "VP8 " && kind != "VP8L" {
			return fmt.Errorf("%w: frame %d holds %q", errAnimation, a.frames, kind)
		}
		if kind == "ALPH" {
			alpha = 0x10
		}
		writeChunk(&parts, kind, rest[8:8+n])
		rest = rest[min(8+n+n&1, int64(len(rest))):]
	}
	if a.first != nil || canvas.Dx() > maxPixels/canvas.Dy() {
		return nil
	}
	var file bytes.Buffer // A picture by itself.
	file.WriteString("RIFF")
	header := append([]byte{alpha, 0, 0, 0}, append(le.AppendUint32(nil, uint32(place.Dx()-1))[:3], le.AppendUint32(nil, uint32(place.Dy()-1))[:3]...)...)
	if alpha == 0 {
		header = nil
	}
	var body bytes.Buffer
	body.WriteString("WEBP")
	if header != nil {
		writeChunk(&body, "VP8X", header)
	}
	body.Write(parts.Bytes())
	file.Write(le.AppendUint32(nil, uint32(body.Len())))
	file.Write(body.Bytes())
	img, err := webp.Decode(&file)
	if err != nil {
		return fmt.Errorf("%w: %w", errAnimation, err)
	}
	if img.Bounds().Size() != place.Size() {
		return fmt.Errorf("%w: frame of another size", errAnimation)
	}
	if place == canvas {
		a.first = img
		return nil
	}
	whole := image.NewRGBA(canvas)
	draw.Draw(whole, place, img, img.Bounds().Min, draw.Src)
	a.first = whole
	return nil
}
