package media

import (
	"bytes"
	"testing"

	"kenoma/internal/fault"
)

// withRIFF puts a chunk behind the others of a WebP, and says so in its head.
func withRIFF(webp []byte, kind string, body []byte) []byte {
	out := bytes.NewBuffer(bytes.Clone(webp))
	writeChunk(out, kind, body)
	b := out.Bytes()
	b[20] |= 0x0c
	le.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func TestAnimationsStay(t *testing.T) {
	secret := []byte("SecretPlaceSecret.")
	png := withChunk(filmOf(t, "moving.png"), "tEXt", secret)
	webp := withRIFF(withRIFF(filmOf(t, "moving.webp"), "EXIF", secret), "XMP ", secret)
	for _, tt := range []struct {
		name, contentType string
		in                []byte
	}{{"PNG", "image/png", png}, {"WebP", "image/webp", webp}} {
		t.Run(tt.name, func(t *testing.T) {
			eachProcessor(t, func(t *testing.T, p *Processor) {
				res, out := cleaned(t, p, tt.in)
				defer res.Close()
				if !res.Animated || res.Kind != Image || res.Original.Type != tt.contentType || res.Original.Width != 64 || bytes.Contains(out, secret) {
					t.Errorf("%+v", res)
				}
				if res.Preview == nil || res.Preview.Width != 64 || len(res.Blurhash) < 10 {
					t.Errorf("preview %+v", res.Preview)
				}
				again, err := p.Process(t.Context(), bytes.NewReader(out), Options{}) // It is what it was.
				if err != nil || !again.Animated || again.Original.Size != res.Original.Size {
					t.Errorf("read again: %+v, %v", again, err)
				}
				if again != nil {
					again.Close()
				}
				face, err := p.Process(t.Context(), bytes.NewReader(tt.in), Options{Purpose: Avatar})
				if err != nil || face.Animated {
					t.Fatalf("as an avatar: %+v, %v", face, err)
				}
				_, img := read(t, face.Original)
				if shades(img) < 3 {
					t.Error("the avatar is empty")
				}
				face.Close()
			})
		})
	}
	p := NewProcessor(ProcessorOptions{TempDir: t.TempDir()})
	at := bytes.Index(webp, []byte("ANMF"))
	beside := bytes.Clone(webp)
	beside[at+8] = 200 // The first picture lies beside the canvas.
	broken := bytes.Clone(png)
	broken[bytes.Index(png, []byte("fcTL"))+10] ^= 1
	for name, in := range map[string][]byte{"beside the canvas": beside, "a wrong checksum": broken, "half": webp[:at+40]} {
		if _, err := p.Process(t.Context(), bytes.NewReader(in), Options{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzAnimated(f *testing.F) {
	f.Add(filmOf(f, "moving.webp"))
	f.Add(filmOf(f, "moving.png"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, read := range []func(source) (*animation, error){animatedPNG, animatedWebP} {
			if a, err := read(bytes.NewReader(data)); err == nil && a != nil && (a.frames > maxFrames || len(a.data) > len(data)+1) {
				t.Errorf("%d frames, %d bytes of %d", a.frames, len(a.data), len(data))
			}
		}
	})
}
