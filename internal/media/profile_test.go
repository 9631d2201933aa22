package media

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"math"
	"testing"
)

// iccOf is a profile of these primaries and one curve.
func iccOf(primaries matrix, curve []byte) []byte {
	names := []string{"rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"}
	head := make([]byte, 132)
	copy(head[16:], "RGB XYZ ")
	binary.BigEndian.PutUint32(head[128:], uint32(len(names)))
	at := uint32(132 + 12*len(names))
	var table, data []byte
	for i, name := range names {
		body := curve
		if i < 3 {
			body = append([]byte("XYZ "), 0, 0, 0, 0)
			for row := range 3 {
				body = binary.BigEndian.AppendUint32(body, uint32(int32(math.Round(primaries[row][i]*65536))))
			}
		}
		table = append(append(table, name...), words32(at+uint32(len(data)), uint32(len(body)))...)
		data = append(data, body...)
	}
	return append(append(head, table...), data...)
}

// curveOf is a parametric curve.
func curveOf(kind byte, p ...float64) []byte {
	b := append([]byte("para"), 0, 0, 0, 0, 0, kind, 0, 0)
	for _, v := range p {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*65536))))
	}
	return b
}

var srgbCurve = curveOf(3, 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)

func TestProfile(t *testing.T) {
	var table []byte // The same curve as a table.
	table = append(table, "curv\x00\x00\x00\x00"...)
	table = append(table, words32(256)...)
	for _, v := range linear {
		table = binary.BigEndian.AppendUint16(table, uint16(v*65535+0.5))
	}
	for _, tt := range []struct {
		name     string
		icc      []byte
		in, want color.RGBA
	}{
		{"none", nil, color.RGBA{234, 51, 35, 255}, color.RGBA{234, 51, 35, 255}},
		{"sRGB", iccOf(srgbPrimaries, srgbCurve), color.RGBA{234, 51, 35, 255}, color.RGBA{234, 51, 35, 255}},
		{"red of sRGB in Display P3", iccOf(p3Primaries, srgbCurve), color.RGBA{234, 51, 35, 255}, color.RGBA{255, 0, 0, 255}},
		{"by a table", iccOf(p3Primaries, table), color.RGBA{234, 51, 35, 255}, color.RGBA{255, 0, 0, 255}},
		{"grey stays", iccOf(p3Primaries, srgbCurve), color.RGBA{128, 128, 128, 255}, color.RGBA{128, 128, 128, 255}},
		{"another curve", iccOf(srgbPrimaries, curveOf(0, 1)), color.RGBA{55, 55, 55, 255}, color.RGBA{128, 128, 128, 255}},
		{"broken", iccOf(p3Primaries, srgbCurve)[:200], color.RGBA{234, 51, 35, 255}, color.RGBA{234, 51, 35, 255}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img := image.NewRGBA(image.Rect(0, 0, 32, 32))
			for i := range 32 * 32 {
				img.SetRGBA(i%32, i/32, tt.in)
			}
			for kind, in := range map[string][]byte{"JPEG": withProfile(jpegOf(t, img), tt.icc), "as AVIF tells it": nil} {
				got := img.RGBAAt(9, 9)
				if in != nil {
					res, err := NewProcessor(ProcessorOptions{TempDir: t.TempDir()}).Process(t.Context(), bytes.NewReader(in), Options{})
					if err != nil {
						t.Fatal(err)
					}
					_, out := read(t, res.Original)
					r, g, b, _ := out.At(9, 9).RGBA()
					got = color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}
					res.Close()
				} else {
					_, body := heifColours(bytes.NewReader(box("meta", []byte{0, 0, 0, 0}, box("iprp", box("ipco", box("colr", []byte("prof"), tt.icc))))))
					if p := parseProfile(body); p != nil {
						one := image.NewRGBA(image.Rect(0, 0, 1, 1))
						one.SetRGBA(0, 0, tt.in)
						got = p.apply(one).(*image.RGBA).RGBAAt(0, 0)
					}
				}
				for i, v := range []int{int(got.R) - int(tt.want.R), int(got.G) - int(tt.want.G), int(got.B) - int(tt.want.B)} {
					if v < -5 || v > 5 {
						t.Errorf("%s: became %v, want %v (%d)", kind, got, tt.want, i)
						break
					}
				}
			}
		})
	}
}

// withProfile puts a profile into a JPEG, in two pieces.
func withProfile(jpg, icc []byte) []byte {
	if icc == nil {
		return jpg
	}
	out := bytes.Clone(jpg[:2])
	for i, piece := range [][]byte{icc[:50], icc[50:]} {
		body := append(append([]byte("ICC_PROFILE\x00"), byte(i+1), 2), piece...)
		out = append(binary.BigEndian.AppendUint16(append(out, 0xff, 0xe2), uint16(len(body)+2)), body...)
	}
	return append(out, jpg[2:]...)
}

func FuzzProfile(f *testing.F) {
	f.Add(iccOf(p3Primaries, srgbCurve))
	f.Add(iccOf(p3Primaries, curveOf(4, 2.4, 1, 0, 1, 0, 0, 0)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p := parseProfile(data); p != nil {
			one := image.NewRGBA(image.Rect(0, 0, 2, 1))
			one.SetRGBA(0, 0, color.RGBA{9, 200, 77, 255})
			p.apply(one)
		}
	})
}
