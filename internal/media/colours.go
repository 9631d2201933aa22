package media

import (
	"fmt"
	"image"
	"slices"
)

// shade is a colour of a picture, as the average of those close to it.
type shade struct {
	r, g, b float64 // 0 to 1.
	count   int
}

// colours returns three that fit a picture, as #rrggbb: the one that most of it has,
// one to write on that with, and a lively one beside it.
func colours(img *image.RGBA) [3]string {
	groups := map[[3]uint8]*shade{}
	for i := 0; i+3 < len(img.Pix); i += 4 {
		p := img.Pix[i : i+4]
		s := groups[[3]uint8{p[0] >> 5, p[1] >> 5, p[2] >> 5}]
		if s == nil {
			s = &shade{}
			groups[[3]uint8{p[0] >> 5, p[1] >> 5, p[2] >> 5}] = s
		}
		s.r, s.g, s.b, s.count = s.r+float64(p[0])/255, s.g+float64(p[1])/255, s.b+float64(p[2])/255, s.count+1
	}
	var all []shade
	for _, s := range groups {
		n := float64(s.count)
		all = append(all, shade{s.r / n, s.g / n, s.b / n, s.count})
	}
	if len(all) == 0 {
		return [3]string{}
	}
	slices.SortFunc(all, func(a, b shade) int {
		if a.count != b.count {
			return b.count - a.count
		}
		return slices.Compare([]float64{a.r, a.g, a.b}, []float64{b.r, b.g, b.b})
	})
	back := all[0]
	fore := shade{r: 1, g: 1, b: 1}
	if contrast(back, fore) < contrast(back, shade{}) {
		fore = shade{}
	}
	if i := slices.IndexFunc(all, func(s shade) bool { return contrast(back, s) >= 4.5 }); i > 0 {
		fore = all[i]
	}
	accent := fore
	for _, s := range all {
		if contrast(back, s) >= 3 && s.lively() > accent.lively() {
			accent = s
		}
	}
	return [3]string{back.hex(), fore.hex(), accent.hex()}
}

func (s shade) hex() string {
	return fmt.Sprintf("#%02x%02x%02x", int(s.r*255+0.5), int(s.g*255+0.5), int(s.b*255+0.5))
}

// lively is how far a colour is from grey.
func (s shade) lively() float64 { return max(s.r, s.g, s.b) - min(s.r, s.g, s.b) }

// light is how bright a colour is to the eye.
//
// spec: https://www.w3.org/TR/WCAG21/#dfn-relative-luminance
func (s shade) light() float64 {
	return 0.2126*linear[uint8(s.r*255+0.5)] + 0.7152*linear[uint8(s.g*255+0.5)] + 0.0722*linear[uint8(s.b*255+0.5)]
}

// contrast of two colours, 1 to 21.
//
// spec: https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio
func contrast(a, b shade) float64 {
	x, y := a.light(), b.light()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}
