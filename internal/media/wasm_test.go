package media

import (
	"bytes"
	"image"
	"testing"

	"kenoma/internal/fault"
)

func TestSandboxedDecoders(t *testing.T) {
	if !compiles {
		t.Skip("WebAssembly is not compiled on this machine")
	}
	for _, tt := range []struct {
		file string
		w, h int
	}{{"photo.avif", 512, 512}, {"deep.avif", 512, 512}, {"photo.heic", 512, 512}} {
		t.Run(tt.file, func(t *testing.T) {
			eachProcessor(t, func(t *testing.T, p *Processor) {
				res, err := p.Process(t.Context(), bytes.NewReader(filmOf(t, tt.file)), Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer res.Close()
				_, img := read(t, res.Original)
				if b := img.Bounds(); b.Dx() != tt.w || b.Dy() != tt.h || res.Original.Type != "image/jpeg" || res.Preview == nil || len(res.Blurhash) < 10 {
					t.Errorf("%v as %s, blurhash %q", b, res.Original.Type, res.Blurhash)
				}
				if n := shades(img); n < 100 {
					t.Errorf("only %d colours", n)
				}
			})
		})
	}
	p := NewProcessor(ProcessorOptions{TempDir: t.TempDir()})
	for _, file := range []string{"photo.avif", "photo.heic"} {
		in := filmOf(t, file)
		for name, bad := range map[string][]byte{"half": in[:len(in)/2], "its head": in[:200], "twisted": bytes.ReplaceAll(in, []byte("ispe"), []byte("ipse"))} {
			if res, err := p.Process(t.Context(), bytes.NewReader(bad), Options{}); err == nil {
				res.Close()
			} else if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
				t.Errorf("%s of %s: %v", name, file, err)
			}
		}
		if _, err := p.Process(t.Context(), bytes.NewReader(in[:200]), Options{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("the head of %s: %v", file, err)
		}
	}
}

// shades counts different colours, on a grid.
func shades(img image.Image) int {
	seen := map[[3]uint32]bool{}
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y += 8 {
		for x := b.Min.X; x < b.Max.X; x += 8 {
			r, g, bl, _ := img.At(x, y).RGBA()
			seen[[3]uint32{r, g, bl}] = true
		}
	}
	return len(seen)
}

func TestAVIFOrientation(t *testing.T) {
	with := func(properties ...[]byte) []byte {
		return append(box("ftyp", []byte("avif")), box("meta", []byte{0, 0, 0, 0}, box("iprp", box("ipco", properties...)))...)
	}
	turn := func(n byte) []byte { return box("irot", []byte{n}) }
	for _, tt := range []struct {
		name string
		in   []byte
		want int
	}{
		{"upright", with(), 1}, {"to the left", with(turn(1)), 8}, {"upside down", with(turn(2)), 3}, {"to the right", with(turn(3)), 6},
		{"mirrored", with(box("imir", []byte{1})), 2}, {"turned and mirrored", with(turn(1), box("imir", []byte{1})), 7}, {"nothing", nil, 1},
	} {
		if got := avifOrientation(bytes.NewReader(tt.in)); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
