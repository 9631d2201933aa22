package media

import (
	"image"
	"math"
	"strings"
)

// Components of the blurhashes that we write: enough for a picture's mood, and
// 28 characters long.
const (
	hashX = 4
	hashY = 3
)

// digits83 are the digits of base 83.
const digits83 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"

// blurhash returns the blurhash of a picture, which should be small: the work is
// in proportion to its pixels.
//
// spec: blurhash#Algorithm.md
func blurhash(img *image.RGBA) string {
	var factors [hashX * hashY][3]float64
	greatest := 0.0
	for j := range hashY {
		for i := range hashX {
			f := factor(img, i, j)
			factors[j*hashX+i] = f
			if i+j > 0 {
				greatest = max(greatest, math.Abs(f[0]), math.Abs(f[1]), math.Abs(f[2]))
			}
		}
	}
	var b strings.Builder
	base83(&b, hashX-1+(hashY-1)*9, 1)
	quantised := max(0, min(82, int(greatest*166-0.5)))
	base83(&b, quantised, 1)
	dc := factors[0]
	base83(&b, toSRGB(dc[0])<<16|toSRGB(dc[1])<<8|toSRGB(dc[2]), 4)
	scale := float64(quantised+1) / 166
	for _, f := range factors[1:] {
		base83(&b, (step19(f[0]/scale)*19+step19(f[1]/scale))*19+step19(f[2]/scale), 2)
	}
	return b.String()
}

// factor returns how much of the cosine wave i, j is in each colour of img.
func factor(img *image.RGBA, i, j int) [3]float64 {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	waveX := make([]float64, w)
	for x := range waveX {
		waveX[x] = math.Cos(math.Pi * float64(i) * float64(x) / float64(w))
	}
	var sum [3]float64
	for y := range h {
		waveY := math.Cos(math.Pi * float64(j) * float64(y) / float64(h))
		row := img.Pix[y*img.Stride:]
		for x := range w {
			wave := waveX[x] * waveY
			sum[0] += wave * linear[row[x*4]]
			sum[1] += wave * linear[row[x*4+1]]
			sum[2] += wave * linear[row[x*4+2]]
		}
	}
	scale := 1 / float64(w*h)
	if i+j > 0 {
		scale *= 2
	}
	return [3]float64{sum[0] * scale, sum[1] * scale, sum[2] * scale}
}

// linear holds the light of each sRGB value.
var linear = func() (t [256]float64) {
	for i := range t {
		if v := float64(i) / 255; v <= 0.04045 {
			t[i] = v / 12.92
		} else {
			t[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return t
}()

func toSRGB(v float64) int {
	v = max(0, min(1, v))
	if v <= 0.0031308 {
		return int(v*12.92*255 + 0.5)
	}
	return int((1.055*math.Pow(v, 1/2.4)-0.055)*255 + 0.5)
}

// step19 puts v, from −1 to 1, on a scale of 19 steps that is finer near 0.
func step19(v float64) int {
	root := math.Copysign(math.Sqrt(math.Abs(v)), v)
	return max(0, min(18, int(math.Floor(root*9+9.5))))
}

// base83 writes v with n digits.
func base83(b *strings.Builder, v, n int) {
	for d := n - 1; d >= 0; d-- {
		place := 1
		for range d {
			place *= 83
		}
		b.WriteByte(digits83[v/place%83])
	}
}
