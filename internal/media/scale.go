package media

import (
	"image"
	"image/draw"
	"math"
)

// fit returns the largest size of the same shape with at most pixels pixels; a
// smaller picture stays as it is. Neither side becomes 0.
func fit(w, h, pixels int) (int, int) {
	if w*h <= pixels {
		return w, h
	}
	f := math.Sqrt(float64(pixels) / (float64(w) * float64(h)))
	nw, nh := max(1, int(float64(w)*f)), max(1, int(float64(h)*f))
	return min(nw, pixels), min(nh, pixels)
}

// fill returns the part of a picture of w × h that fills a frame of fw × fh when
// centred, and the size at which it is drawn: that of the frame, or less where
// the picture is smaller, since nothing is enlarged.
func fill(w, h, fw, fh int) (part image.Rectangle, tw, th int) {
	pw, ph := w, w*fh/fw
	if ph > h {
		pw, ph = h*fw/fh, h
	}
	pw, ph = max(1, pw), max(1, ph)
	x, y := (w-pw)/2, (h-ph)/2
	return image.Rect(x, y, x+pw, y+ph), min(fw, pw), min(fh, ph)
}

// shrink draws part of src (relative to its upper left corner) at w × h, not
// larger than part. Each pixel is the average of the area that it stands for, so
// that no detail flickers; rows are converted one by one, so that it takes little
// memory beside src and the result.
func shrink(src image.Image, part image.Rectangle, w, h int) *image.RGBA {
	part = part.Add(src.Bounds().Min)
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	row := image.NewRGBA(image.Rect(0, 0, part.Dx(), 1))
	if part.Dx() == w && part.Dy() == h {
		draw.Draw(dst, dst.Bounds(), src, part.Min, draw.Src)
		return dst
	}
	narrow := make([]float32, w*4) // The current row, averaged along x.
	sum := make([]float32, w*4)    // What the current row of dst has so far.
	read := -1                     // The row of part that narrow holds.
	step := float64(part.Dy()) / float64(h)
	for y := range h {
		clear(sum)
		top, bottom := float64(y)*step, float64(y+1)*step
		for sy := int(top); sy < part.Dy() && float64(sy) < bottom; sy++ {
			weight := float32((min(bottom, float64(sy+1)) - max(top, float64(sy))) / step)
			if weight <= 0 {
				continue
			}
			if sy != read {
				draw.Draw(row, row.Bounds(), src, image.Pt(part.Min.X, part.Min.Y+sy), draw.Src)
				average(narrow, row.Pix, w)
				read = sy
			}
			for i, v := range narrow {
				sum[i] += v * weight
			}
		}
		out := dst.Pix[y*dst.Stride:]
		for i, v := range sum {
			out[i] = uint8(min(v+0.5, 255))
		}
	}
	return dst
}

// average writes to dst the RGBA row pix, averaged to w pixels.
func average(dst []float32, pix []uint8, w int) {
	n := len(pix) / 4
	step := float64(n) / float64(w)
	for x := range w {
		left, right := float64(x)*step, float64(x+1)*step
		var r, g, b, a float32
		for sx := int(left); sx < n && float64(sx) < right; sx++ {
			weight := float32((min(right, float64(sx+1)) - max(left, float64(sx))) / step)
			p := pix[sx*4 : sx*4+4 : sx*4+4]
			r += float32(p[0]) * weight
			g += float32(p[1]) * weight
			b += float32(p[2]) * weight
			a += float32(p[3]) * weight
		}
		d := dst[x*4 : x*4+4 : x*4+4]
		d[0], d[1], d[2], d[3] = r, g, b, a
	}
}

// turned tells whether an orientation swaps width and height.
func turned(orientation int) bool { return orientation >= 5 }

// upright returns src turned and mirrored as its orientation says.
func upright(src *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	dw, dh := w, h
	if turned(orientation) {
		dw, dh = h, w
	}
	dst := image.NewRGBA(image.Rect(0, 0, dw, dh))
	for y := range h {
		for x := range w {
			tx, ty := place(orientation, x, y, w, h)
			copy(dst.Pix[ty*dst.Stride+tx*4:][:4], src.Pix[y*src.Stride+x*4:][:4])
		}
	}
	return dst
}

// place returns where the pixel at x, y of a stored picture of w × h belongs.
//
// spec: exif#4.6.4
func place(orientation, x, y, w, h int) (int, int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return h - 1 - y, x
	case 7:
		return h - 1 - y, w - 1 - x
	case 8:
		return y, w - 1 - x
	}
	return x, y
}
