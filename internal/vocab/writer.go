package vocab

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// writer puts one JSON text together, members in the order in which they are
// written, so that the same value always gives the same bytes.
type writer struct {
	buf []byte
}

// comma separates from what stands before, if anything does.
func (w *writer) comma() {
	if n := len(w.buf); n > 0 && w.buf[n-1] != '{' && w.buf[n-1] != '[' && w.buf[n-1] != ':' {
		w.buf = append(w.buf, ',')
	}
}

func (w *writer) open(c byte) {
	w.comma()
	w.buf = append(w.buf, c)
}

func (w *writer) close(c byte) { w.buf = append(w.buf, c) }

// key writes a member's name; a value must follow.
func (w *writer) key(name string) {
	w.comma()
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '"', ':')
}

// text writes a string value. U+0000, which no peer's database takes, and invalid
// UTF-8 become U+FFFD.
func (w *writer) text(s string) {
	w.comma()
	w.buf, _ = jsontext.AppendQuote(w.buf, replaceNUL(s))
}

// raw writes a JSON value.
func (w *writer) raw(v []byte) {
	w.comma()
	w.buf = append(w.buf, v...)
}

// str writes a member unless s is empty; the same for those below.
func (w *writer) str(name, s string) {
	if s != "" {
		w.key(name)
		w.text(s)
	}
}

func (w *writer) iri(name string, iri IRI) { w.str(name, string(iri)) }

// list writes a member with a list, also when it is empty.
func (w *writer) list(name string, iris []IRI) {
	w.key(name)
	w.open('[')
	for _, iri := range iris {
		w.text(string(iri))
	}
	w.close(']')
}

func (w *writer) int(name string, n int) {
	w.key(name)
	w.buf = strconv.AppendInt(w.buf, int64(n), 10)
}

func (w *writer) bool(name string, b bool) {
	w.key(name)
	w.buf = strconv.AppendBool(w.buf, b)
}

func (w *writer) flag(name string, b *bool) {
	if b != nil {
		w.bool(name, *b)
	}
}

func (w *writer) size(name string, n int) {
	if n > 0 {
		w.int(name, n)
	}
}

// time writes RFC 3339 in UTC, to the second or where there is a part of one to
// the millisecond.
func (w *writer) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	layout := "2006-01-02T15:04:05Z"
	if t.Nanosecond() >= 1e6 {
		layout = "2006-01-02T15:04:05.000Z"
	}
	w.str(name, t.UTC().Format(layout))
}

// seconds writes an xsd:duration.
func (w *writer) seconds(name string, s float64) {
	if s > 0 {
		w.str(name, "PT"+strconv.FormatFloat(s, 'f', -1, 64)+"S")
	}
}

// image writes an Image object.
func (w *writer) image(name string, url IRI, mediaType, description string) {
	if url == "" {
		return
	}
	w.key(name)
	w.open('{')
	w.str("type", "Image")
	w.str("mediaType", mediaType)
	w.iri("url", url)
	w.str("name", description)
	w.close('}')
}
