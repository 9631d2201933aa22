package pipeline

import (
	"strconv"
	"strings"

	"kenoma/internal/vocab"
)

// MediaPath is where uploads are served, below the server's address: the number
// of the upload follows, then the name of the file.
const MediaPath = "/media/"

// localize recognises our own uploads among the attachments by their addresses, so
// that apps find them again under the id that the upload had.
func (r *rendering) localize(base string) {
	for i := range r.content.Media {
		m := &r.content.Media[i]
		if id, ok := mediaNumber(base, m.URL); ok {
			m.ID, m.Local = id, true
		}
	}
}

func mediaNumber(base string, url vocab.IRI) (int64, bool) {
	rest, ok := strings.CutPrefix(string(url), base+MediaPath)
	if !ok {
		return 0, false
	}
	number, _, ok := strings.Cut(rest, "/")
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseInt(number, 10, 64)
	return id, err == nil && id > 0
}
