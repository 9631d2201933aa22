package mastodon

import (
	"strconv"
	"strings"
)

// cutRunes holds a text within a number of characters.
func cutRunes(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return s[:i]
		}
		n++
	}
	return s
}

// parseFocus reads "x,y", each from −1 to 1: what must stay visible of a picture
// that is cropped.
//
// spec: masto:api/guidelines#focal-points
func parseFocus(s string) (focus [2]float64, ok bool) {
	x, y, ok := strings.Cut(s, ",")
	if !ok {
		return focus, false
	}
	for i, part := range []string{x, y} {
		f, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || f < -1 || f > 1 || f != f {
			return focus, false
		}
		focus[i] = f
	}
	return focus, true
}
