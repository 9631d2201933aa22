package mastodon

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// Entities on the hot path are appended to a buffer by hand: reflection would cost
// more than everything else of a timeline.

// object writes a JSON object's keys one by one.
type object struct {
	b     []byte
	begun bool
}

// key writes the name of the next value; names are our own and need no escaping.
func (o *object) key(name string) {
	if o.begun {
		o.b = append(o.b, ',')
	}
	o.begun = true
	o.b = append(o.b, '"')
	o.b = append(o.b, name...)
	o.b = append(o.b, '"', ':')
}

func (o *object) str(name, v string) { o.key(name); o.b = appendString(o.b, v) }
func (o *object) id(name string, v int64) {
	o.key(name)
	o.b = appendID(o.b, v)
}
func (o *object) num(name string, v int64) { o.key(name); o.b = strconv.AppendInt(o.b, v, 10) }
func (o *object) flag(name string, v bool) { o.key(name); o.b = strconv.AppendBool(o.b, v) }
func (o *object) time(name string, ms int64) {
	o.key(name)
	o.b = appendTime(o.b, ms)
}

// raw writes a value that is JSON already.
func (o *object) raw(name, v string) { o.key(name); o.b = append(o.b, v...) }

// strOr is str with null for "".
func (o *object) strOr(name, v string) {
	if v == "" {
		o.raw(name, "null")
		return
	}
	o.str(name, v)
}

// idOr is id with null for 0.
func (o *object) idOr(name string, v int64) {
	if v == 0 {
		o.raw(name, "null")
		return
	}
	o.id(name, v)
}

// timeOr is time with null for 0.
func (o *object) timeOr(name string, ms int64) {
	if ms == 0 {
		o.raw(name, "null")
		return
	}
	o.time(name, ms)
}

// list writes an array; draw appends the ith element.
func (o *object) list(name string, n int, draw func(b []byte, i int) []byte) {
	o.key(name)
	o.b = append(o.b, '[')
	for i := range n {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = draw(o.b, i)
	}
	o.b = append(o.b, ']')
}

// nest begins a nested object and returns its writer; end closes it.
func (o *object) nest(name string) *object {
	o.key(name)
	return &object{b: append(o.b, '{')}
}

func (o *object) end(inner *object) { o.b = append(inner.b, '}') }

// begin starts an object at the end of b.
func begin(b []byte) *object { return &object{b: append(b, '{')} }

// close returns the buffer with the object ended.
func (o *object) close() []byte { return append(o.b, '}') }

func appendID(b []byte, id int64) []byte {
	b = append(b, '"')
	b = strconv.AppendInt(b, id, 10)
	return append(b, '"')
}

// timeFormat has milliseconds always, as apps expect.
const timeFormat = "2006-01-02T15:04:05.000Z"

func appendTime(b []byte, ms int64) []byte {
	b = append(b, '"')
	b = time.UnixMilli(ms).UTC().AppendFormat(b, timeFormat)
	return append(b, '"')
}

// isoTime is a time in ms as answers write it; nil for 0.
func isoTime(ms int64) *string {
	if ms == 0 {
		return nil
	}
	s := time.UnixMilli(ms).UTC().Format(timeFormat)
	return &s
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD.
//
// spec: rfc8259#section-7
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			b = append(append(b, s[start:i]...), "\uFFFD"...)
			i++
			start = i
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
