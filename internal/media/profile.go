package media

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/draw"
	"io"
	"math"
)

// maxProfile is how much of a colour profile is read; those with matrices are small.
const maxProfile = 1 << 20

// matrix is three columns, or rows, of three.
type matrix [3][3]float64

// Where the three primaries of sRGB and of Display P3 lie, as columns, in the
// profile's connection space.
//
// spec: https://www.color.org/chardata/rgb/srgb.xalter
var (
	srgbPrimaries = matrix{{0.43607, 0.38515, 0.14307}, {0.22249, 0.71687, 0.06061}, {0.01392, 0.09708, 0.71410}}
	p3Primaries   = matrix{{0.51512, 0.29198, 0.15710}, {0.24120, 0.69225, 0.06657}, {-0.00105, 0.04189, 0.78407}}
)

// profile turns colours of a picture into sRGB, which is what everybody takes a
// picture without a profile for. nil is a picture that is fine as it is.
type profile struct {
	curves [3][256]float64 // What a value stands for, as light, 0 to 1.
	to     matrix          // Into the light of sRGB.
}

// readProfile returns what is to be done with the colours of a picture. Profiles
// that need more than curves and a matrix are left alone.
func readProfile(r source, contentType string) *profile {
	var icc []byte
	switch contentType {
	case "image/jpeg":
		icc = jpegProfile(r)
	case "image/png":
		if name, packed, ok := bytes.Cut(chunkNamed(r, 8, "iCCP", true, maxProfile), []byte{0}); ok && len(name) < 80 && len(packed) > 1 {
			if z, err := zlib.NewReader(bytes.NewReader(packed[1:])); err == nil {
				icc, _ = io.ReadAll(io.LimitReader(z, maxProfile)) // What can be read counts.
			}
		}
	case "image/webp":
		icc = chunkNamed(r, 12, "ICCP", false, maxProfile)
	case "image/avif", "image/heic":
		kind, body := heifColours(r)
		if kind == "nclx" && len(body) >= 4 && be(body[:2]) == 12 { // Display P3, with the curve of sRGB.
			return newProfile(srgbCurves(), p3Primaries)
		}
		icc = body
	}
	return parseProfile(icc)
}

// parseProfile reads an ICC profile.
//
// spec: https://www.color.org/specification/ICC.1-2022-05.pdf (7, 9.2, 10.6, 10.18, 10.31)
func parseProfile(b []byte) *profile {
	if len(b) < 132 || string(b[16:20]) != "RGB " || string(b[20:24]) != "XYZ " {
		return nil
	}
	tags := map[string][]byte{}
	for i := range min(be(b[128:132]), 100) {
		entry := b[min(132+12*i, uint64(len(b))):]
		if len(entry) < 12 {
			return nil
		}
		at, n := be(entry[4:8]), be(entry[8:12])
		if at > uint64(len(b)) || n > uint64(len(b))-at {
			return nil
		}
		tags[string(entry[:4])] = b[at : at+n]
	}
	var primaries matrix
	var curves [3][256]float64
	for i, name := range []string{"r", "g", "b"} {
		xyz := tags[name+"XYZ"]
		if len(xyz) < 20 || !readCurve(tags[name+"TRC"], &curves[i]) {
			return nil
		}
		for row := range 3 {
			primaries[row][i] = fixed(xyz[8+4*row:])
		}
	}
	return newProfile(curves, primaries)
}

// newProfile returns nil where the colours are as good as those of sRGB.
func newProfile(curves [3][256]float64, primaries matrix) *profile {
	inverse, ok := srgbPrimaries.inverse()
	if !ok {
		return nil
	}
	p := &profile{curves, inverse.times(primaries)}
	far := 0.0
	for i := range 3 {
		for j := range 3 {
			want := 0.0
			if i == j {
				want = 1
			}
			far = max(far, math.Abs(p.to[i][j]-want))
		}
	}
	same := srgbCurves()
	for c := range 3 {
		for v := range 256 {
			far = max(far, math.Abs(curves[c][v]-same[c][v]))
		}
	}
	if far < 0.02 || far > 100 || math.IsNaN(far) { // As good, or absurd.
		return nil
	}
	return p
}

// fixed reads a number with 16 bits behind the point.
func fixed(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / 65536 }

// readCurve fills a curve from its tag.
func readCurve(b []byte, curve *[256]float64) bool {
	if len(b) < 12 {
		return false
	}
	switch string(b[:4]) {
	case "para":
		return parametric(int(be(b[8:10])), b[12:], curve)
	case "curv":
		n := int(be(b[8:12]))
		table := b[12:]
		switch {
		case n == 0:
			return power(curve, 1)
		case n == 1 && len(table) >= 2:
			return power(curve, float64(be(table[:2]))/256)
		case n > 1 && n <= len(table)/2:
			for v := range curve {
				at := float64(v) / 255 * float64(n-1)
				i := min(int(at), n-2)
				a, b := float64(be(table[2*i:2*i+2])), float64(be(table[2*i+2:2*i+4]))
				curve[v] = (a + (b-a)*(at-float64(i))) / 65535
			}
			return true
		}
	}
	return false
}

func power(curve *[256]float64, gamma float64) bool {
	for v := range curve {
		curve[v] = math.Pow(float64(v)/255, gamma)
	}
	return true
}

// parametric fills a curve from the parameters g, a, b, c, d, e, f, of which each
// kind has the first few.
func parametric(kind int, b []byte, curve *[256]float64) bool {
	counts := []int{1, 3, 4, 5, 7}
	if kind >= len(counts) || len(b) < 4*counts[kind] {
		return false
	}
	p := [7]float64{1, 1}
	for i := range counts[kind] {
		p[i] = fixed(b[4*i:])
	}
	g, a, off, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	switch kind {
	case 0:
		d = -1
	case 1, 2: // Below where the power begins it is flat.
		e, f, c = c, c, 0
		d = -off / a
	}
	for v := range curve {
		x := float64(v) / 255
		if x >= d {
			curve[v] = math.Pow(max(a*x+off, 0), g) + e
		} else {
			curve[v] = c*x + f
		}
	}
	return true
}

// srgbCurves are those of sRGB, for all three.
func srgbCurves() (curves [3][256]float64) {
	for c := range curves {
		copy(curves[c][:], linear[:])
	}
	return curves
}

func (m matrix) times(n matrix) (out matrix) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				out[i][j] += m[i][k] * n[k][j]
			}
		}
	}
	return out
}

func (m matrix) inverse() (out matrix, ok bool) {
	minor := func(r, c int) float64 {
		r1, r2, c1, c2 := (r+1)%3, (r+2)%3, (c+1)%3, (c+2)%3
		return m[r1][c1]*m[r2][c2] - m[r1][c2]*m[r2][c1]
	}
	det := m[0][0]*minor(0, 0) + m[0][1]*minor(0, 1) + m[0][2]*minor(0, 2)
	for i := range 3 {
		for j := range 3 {
			out[j][i] = minor(i, j) / det
		}
	}
	return out, det != 0
}

// apply returns img with its colours in sRGB.
func (p *profile) apply(img image.Image) image.Image {
	dst, ok := img.(*image.RGBA)
	if !ok {
		b := img.Bounds()
		dst = image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
		draw.Draw(dst, dst.Bounds(), img, b.Min, draw.Src)
	}
	const steps = 4096
	var encode [steps + 1]uint8
	for i := range encode {
		encode[i] = uint8(toSRGB(float64(i) / steps))
	}
	for i := 0; i+3 < len(dst.Pix); i += 4 {
		px := dst.Pix[i : i+4 : i+4]
		a := int(px[3])
		if a == 0 {
			continue
		}
		var light [3]float64
		for c := range 3 {
			light[c] = p.curves[c][min(int(px[c])*255/a, 255)]
		}
		for c := range 3 {
			v := p.to[c][0]*light[0] + p.to[c][1]*light[1] + p.to[c][2]*light[2]
			px[c] = uint8(int(encode[int(min(max(v, 0), 1)*steps+0.5)]) * a / 255)
		}
	}
	return dst
}

// jpegProfile puts the pieces of a profile together.
//
// spec: https://www.color.org/specification/ICC.1-2022-05.pdf (B.4)
func jpegProfile(r source) []byte {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil
	}
	mark := []byte("ICC_PROFILE\x00")
	var icc []byte
	for at, left := int64(2), 300; left > 0; left-- {
		head := part(r, at, size, 4)
		if len(head) < 4 || head[0] != 0xff || head[1] == 0xda {
			break
		}
		n := int64(be(head[2:]))
		if head[1] == 0xe2 {
			if b := part(r, at+4, at+2+n, n); bytes.HasPrefix(b, mark) && len(b) > len(mark)+2 && len(icc) < maxProfile {
				icc = append(icc, b[len(mark)+2:]...) // They come in order.
			}
		}
		at += 2 + max(n, 2)
	}
	return icc
}

// heifColours returns the kind and content of the first colour property of an AVIF
// or HEIC.
//
// spec: iso14496-12#12.1.5
func heifColours(r io.ReaderAt) (kind string, body []byte) {
	heifProperties(r, func(name string, b []byte) {
		if name == "colr" && len(b) > 4 && kind == "" {
			kind, body = string(b[:4]), b[4:]
		}
	})
	return kind, body
}
