package media

import (
	"compress/gzip"
	"context"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"kenoma/internal/fault"
)

//go:embed wasm/*.wasm.gz
var wasmFiles embed.FS

// compiles tells whether WebAssembly is compiled on this machine; where it would be
// interpreted it takes minutes for a picture.
const compiles = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"

// wasmPages is the most memory of a decoder, in pages of 64 KB. It is less than what
// the child may use, of which the picture takes part once more.
const wasmPages = 320 << 20 >> 16

// How large a picture those decoders take in that memory, by the type.
var wasmPixels = map[string]int{"image/avif": 16_000_000, "image/heic": 25_000_000}

// sandboxed is a decoder in a sandbox, compiled when it is first used.
type sandboxed struct {
	file   string
	module func() (api.Module, error)
}

func newSandboxed(file string) *sandboxed {
	s := &sandboxed{file: file}
	s.module = sync.OnceValues(s.load)
	return s
}

var avifDecoder, heicDecoder = newSandboxed("wasm/avif.wasm.gz"), newSandboxed("wasm/heif.wasm.gz")

// load compiles the decoder and starts it. It gets neither files nor a clock.
func (s *sandboxed) load() (api.Module, error) {
	if !compiles {
		return nil, errors.ErrUnsupported
	}
	f, err := wasmFiles.Open(s.file)
	if err != nil {
		return nil, fmt.Errorf("decoder: %w", err)
	}
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("decoder %s: %w", s.file, err)
	}
	code, err := io.ReadAll(unzipped)
	if err != nil {
		return nil, fmt.Errorf("decoder %s: %w", s.file, err)
	}
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithMemoryLimitPages(wasmPages).WithMemoryCapacityFromMax(true))
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		return nil, fmt.Errorf("decoder %s: %w", s.file, err)
	}
	m, err := r.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithName(s.file))
	if err != nil {
		return nil, fmt.Errorf("decoder %s: %w", s.file, err)
	}
	return m, nil
}

var errDecode = errors.New("the decoder can't read it")

// call calls a function of the decoder that returns one number.
func call(m api.Module, name string, args ...uint64) (uint32, error) {
	f := m.ExportedFunction(name)
	if f == nil {
		return 0, fmt.Errorf("the decoder has no %s", name)
	}
	res, err := f.Call(context.Background(), args...)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errDecode, err)
	}
	if len(res) == 0 {
		return 0, nil
	}
	return uint32(res[0]), nil
}

// alloc reserves memory of the decoder.
func alloc(m api.Module, size int) (uint32, error) {
	at, err := call(m, "malloc", uint64(size))
	if err == nil && at == 0 {
		err = errors.New("cannot allocate memory in the decoder")
	}
	return at, err
}

// decoding is a picture in the memory of a decoder.
type decoding struct {
	m        api.Module
	in, size uint32
	numbers  uint32 // Where the decoder writes what it found, 4 bytes each.
}

// begin copies a picture to the decoder.
func (s *sandboxed) begin(r io.ReadSeeker) (*decoding, error) {
	m, err := s.module()
	if err != nil {
		return nil, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	d := &decoding{m: m, size: uint32(len(data))}
	if d.in, err = alloc(m, len(data)); err != nil {
		return nil, err
	}
	if d.numbers, err = alloc(m, 64); err != nil {
		return nil, err
	}
	if !m.Memory().Write(d.in, data) {
		return nil, errDecode
	}
	return d, nil
}

// end frees the decoder's memory of the picture as it came.
func (d *decoding) end() {
	for _, at := range []uint32{d.in, d.numbers} {
		_, _ = call(d.m, "free", uint64(at)) // It ends with the process anyhow.
	}
}

// number returns one of those that the decoder wrote.
func (d *decoding) number(i uint32) int {
	v, _ := d.m.Memory().ReadUint32Le(d.numbers + 4*i)
	return int(v)
}

// run has the decoder run; out is where the pixels go, 0 for the sizes alone.
func (d *decoding) run(args ...uint64) error {
	ok, err := call(d.m, "decode", args...)
	if err == nil && ok == 0 {
		err = errDecode
	}
	return err
}

// plane returns pixels that the decoder wrote.
func (d *decoding) plane(at uint32, size int) ([]byte, error) {
	b, ok := d.m.Memory().Read(at, uint32(size))
	if !ok {
		return nil, errDecode
	}
	return b, nil
}

// sized checks the size that a decoder told.
func sized(w, h int) (image.Config, error) {
	if w <= 0 || h <= 0 || w > maxPixels || h > maxPixels {
		return image.Config{}, errDecode
	}
	return image.Config{Width: w, Height: h}, nil
}

// avif runs the decoder of AVIF; only the size is found out with configOnly.
func avif(r io.ReadSeeker, configOnly bool) (image.Image, image.Config, error) {
	d, err := avifDecoder.begin(r)
	if err != nil {
		return nil, image.Config{}, err
	}
	defer d.end()
	n := uint64(d.numbers)
	decode := func(config uint64, delay, out uint32) error { // Width, height, bits, number of pictures.
		return d.run(uint64(d.in), uint64(d.size), config, 0, n, n+4, n+8, n+12, uint64(delay), uint64(out))
	}
	if err := decode(1, 0, 0); err != nil {
		return nil, image.Config{}, err
	}
	config, err := sized(d.number(0), d.number(1))
	width := 4
	if err == nil && d.number(2) > 8 {
		if width = 8; config.Width > wasmPixels["image/avif"]/2/config.Height {
			err = fault.New(fault.TooLarge, "The picture is too large for one with more than 8 bits a colour. Make it smaller.")
		}
	}
	if err != nil || configOnly || config.Width > wasmPixels["image/avif"]/config.Height {
		return nil, config, err
	}
	size := config.Width * config.Height
	out, err := alloc(d.m, size*width)
	if err != nil {
		return nil, config, err
	}
	if err := decode(0, d.numbers+16, out); err != nil {
		return nil, config, err
	}
	pix, err := d.plane(out, size*width)
	if err != nil {
		return nil, config, err
	}
	if width == 8 { // 16 bits a colour, low byte first: keep the high one.
		for i := range size * 4 {
			pix[i] = pix[2*i+1]
		}
		pix = pix[:size*4]
	}
	return &image.RGBA{Pix: pix, Stride: 4 * config.Width, Rect: image.Rect(0, 0, config.Width, config.Height)}, config, nil
}

// Numbers of libheif.
const (
	heifYCbCr, heifRGB, heifGrey    = 0, 1, 2
	heifChroma420, heifChroma422    = 1, 2
	heifChroma444, heifPremultplied = 3, 1
)

// heic runs the decoder of HEIC; only the size is found out with configOnly. The
// picture comes upright.
func heic(r io.ReadSeeker, configOnly bool) (image.Image, image.Config, error) {
	d, err := heicDecoder.begin(r)
	if err != nil {
		return nil, image.Config{}, err
	}
	defer d.end()
	n := uint64(d.numbers)
	decode := func(config uint64, out uint32) error { // Width, height, colours, their sharing, premultiplied.
		return d.run(uint64(d.in), uint64(d.size), config, n, n+4, n+8, n+12, n+16, uint64(out))
	}
	if err := decode(1, 0); err != nil {
		return nil, image.Config{}, err
	}
	config, err := sized(d.number(0), d.number(1))
	if err != nil || configOnly || config.Width > wasmPixels["image/heic"]/config.Height {
		return nil, config, err
	}
	h := heifLayout(config, d.number(2), d.number(3))
	// The decoder copies whole rows, whose length it may round up further.
	out, err := alloc(d.m, h.size+h.size/4+1<<16)
	if err != nil {
		return nil, config, err
	}
	if err := decode(0, out); err != nil {
		return nil, config, err
	}
	pix, err := d.plane(out, h.size)
	if err != nil {
		return nil, config, err
	}
	return h.image(pix, d.number(4) == heifPremultplied), config, nil
}

// heifPlanes says how a picture lies in memory.
type heifPlanes struct {
	rect            image.Rectangle
	colours, size   int
	stride, cStride int
	rows            int // Of the two planes of colour.
	ratio           image.YCbCrSubsampleRatio
}

// heifLayout returns how libheif lays a picture out: rows of multiples of 16 bytes.
func heifLayout(c image.Config, colours, chroma int) heifPlanes {
	round := func(n int) int { return (n + 15) &^ 15 }
	h := heifPlanes{rect: image.Rect(0, 0, c.Width, c.Height), colours: colours}
	switch colours {
	case heifYCbCr:
		h.stride, h.cStride, h.rows, h.ratio = round(c.Width), round((c.Width+1)/2), (c.Height+1)/2, image.YCbCrSubsampleRatio420
		if chroma == heifChroma422 {
			h.rows, h.ratio = c.Height, image.YCbCrSubsampleRatio422
		}
		if chroma == heifChroma444 {
			h.cStride, h.rows, h.ratio = h.stride, c.Height, image.YCbCrSubsampleRatio444
		}
		h.size = h.stride*c.Height + 2*h.cStride*h.rows
	case heifGrey:
		h.stride = round(c.Width)
		h.size = h.stride * c.Height
	default:
		h.stride = round(4 * c.Width)
		h.size = h.stride * c.Height
	}
	return h
}

func (h heifPlanes) image(pix []byte, premultiplied bool) image.Image {
	switch {
	case h.colours == heifYCbCr:
		y, c := h.stride*h.rect.Dy(), h.cStride*h.rows
		return &image.YCbCr{Y: pix[:y], Cb: pix[y : y+c], Cr: pix[y+c : y+2*c], YStride: h.stride, CStride: h.cStride, SubsampleRatio: h.ratio, Rect: h.rect}
	case h.colours == heifGrey:
		return &image.Gray{Pix: pix, Stride: h.stride, Rect: h.rect}
	case premultiplied:
		return &image.RGBA{Pix: pix, Stride: h.stride, Rect: h.rect}
	}
	return &image.NRGBA{Pix: pix, Stride: h.stride, Rect: h.rect}
}

// avifOrientation returns how an AVIF is to be turned, as Exif counts: its decoder
// doesn't. The properties of all items are taken for those of the picture.
//
// spec: iso23008-12#6.5.10 (irot), #6.5.12 (imir)
func avifOrientation(r io.ReaderAt) int {
	turns, mirror := 0, -1
	heifProperties(r, func(kind string, body []byte) {
		switch {
		case kind == "irot" && len(body) > 0:
			turns = int(body[0] & 3)
		case kind == "imir" && len(body) > 0:
			mirror = int(body[0] & 1)
		}
	})
	// By quarter turns to the left, then: not mirrored, top to bottom, left to right.
	return [4][3]int{{1, 4, 2}, {8, 5, 7}, {3, 2, 4}, {6, 7, 5}}[turns][mirror+1]
}

// heifProperties calls f for each property of the pictures in a file.
//
// spec: iso23008-12#9.3
func heifProperties(r io.ReaderAt, f func(kind string, body []byte)) {
	var walk func(b []byte, depth int)
	walk = func(b []byte, depth int) {
		for len(b) >= 8 {
			size := int64(binary.BigEndian.Uint32(b))
			if size < 8 || size > int64(len(b)) {
				return
			}
			body := b[8:size]
			switch kind := string(b[4:8]); {
			case kind == "meta" && depth == 0 && len(body) > 4:
				walk(body[4:], 1)
			case kind == "iprp" && depth == 1, kind == "ipco" && depth == 2:
				walk(body, depth+1)
			case depth == 3:
				f(kind, body)
			}
			b = b[size:]
		}
	}
	walk(part(r, 0, 1<<20, 256<<10), 0)
}
