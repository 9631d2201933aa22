package media

import (
	"encoding/binary"
	"io"
	"math"
)

// maxHeader is how much of one header is read; maxParts how many parts of a file
// are looked at on each level.
const (
	maxHeader = 1 << 20
	maxParts  = 1000
)

// measures is what the header of a video or sound tells; 0 is unknown.
type measures struct {
	width, height int
	duration      float64 // Seconds.
}

// probe reads the header of a file of contentType and size bytes. Nothing is
// decoded. What it can't read stays unknown: the file may still play.
func probe(r io.ReaderAt, size int64, contentType string) measures {
	var m measures
	switch contentType {
	case "video/mp4", "video/quicktime", "audio/mp4":
		mp4Boxes(r, 0, size, 0, &m)
	case "video/webm":
		ebmlElements(r, 0, size, &ebml{scale: 1_000_000}, &m)
	}
	const most = 1 << 14 // Of a side, and 1 year: beyond, the header lies.
	if m.width < 1 || m.height < 1 || m.width > most || m.height > most {
		m.width, m.height = 0, 0
	}
	if !(m.duration > 0 && m.duration < 365*24*3600) {
		m.duration = 0
	}
	return m
}

// mp4Boxes reads the boxes from at to end that hold measures or lead to them.
//
// spec: iso14496-12#8.2 (mvhd), #8.3 (tkhd)
func mp4Boxes(r io.ReaderAt, at, end int64, depth int, m *measures) {
	var head [16]byte
	for range maxParts {
		if at+8 > end {
			return
		}
		n, _ := r.ReadAt(head[:], at)
		if n < 8 {
			return
		}
		size, body := int64(binary.BigEndian.Uint32(head[:])), at+8
		switch {
		case size == 0: // Up to the end.
			size = end - at
		case size == 1 && n == len(head):
			large := binary.BigEndian.Uint64(head[8:])
			size, body = int64(min(large, math.MaxInt64)), at+16
		}
		if size < body-at || size > end-at {
			return
		}
		switch kind := string(head[4:8]); {
		case depth < 2 && (kind == "moov" || kind == "trak"):
			mp4Boxes(r, body, at+size, depth+1, m)
		case kind == "mvhd":
			m.movie(part(r, body, at+size))
		case kind == "tkhd":
			m.track(part(r, body, at+size))
		}
		at += size
	}
}

// part reads from at to end, at most maxHeader.
func part(r io.ReaderAt, at, end int64) []byte {
	b := make([]byte, min(end-at, maxHeader))
	n, _ := r.ReadAt(b, at)
	return b[:n]
}

// movie reads a movie's header: its length in units of its own.
func (m *measures) movie(b []byte) {
	switch {
	case len(b) >= 32 && b[0] == 1:
		m.lasts(float64(binary.BigEndian.Uint64(b[24:])), binary.BigEndian.Uint32(b[20:]))
	case len(b) >= 20 && b[0] == 0:
		m.lasts(float64(binary.BigEndian.Uint32(b[16:])), binary.BigEndian.Uint32(b[12:]))
	}
}

func (m *measures) lasts(units float64, perSecond uint32) {
	if perSecond > 0 {
		m.duration = units / float64(perSecond)
	}
}

// track reads a track's header; the largest one that is shown counts, and its
// matrix tells whether it is shown on its side.
func (m *measures) track(b []byte) {
	matrix := 40
	if len(b) > 0 && b[0] == 1 {
		matrix = 52
	}
	if len(b) < matrix+44 {
		return
	}
	w, h := int(binary.BigEndian.Uint32(b[matrix+36:])>>16), int(binary.BigEndian.Uint32(b[matrix+40:])>>16)
	if a, b := binary.BigEndian.Uint32(b[matrix:]), binary.BigEndian.Uint32(b[matrix+4:]); a == 0 && b != 0 {
		w, h = h, w
	}
	if w*h > m.width*m.height {
		m.width, m.height = w, h
	}
}

// ebml is what is known so far of a WebM file.
type ebml struct {
	parts int     // Looked at.
	scale float64 // Nanoseconds of one unit of time.
	units float64
}

// ebmlElements reads the elements from at to end; it stops at the first cluster,
// behind which the pictures begin.
//
// spec: rfc9559#section-5.1
func ebmlElements(r io.ReaderAt, at, end int64, e *ebml, m *measures) (stop bool) {
	for ; at < end && e.parts < maxParts; e.parts++ {
		var head [12]byte
		n, _ := r.ReadAt(head[:], at)
		id, idLen := ebmlNumber(head[:n], true)
		size, sizeLen := ebmlNumber(head[min(n, idLen):n], false)
		if idLen == 0 || idLen > 4 || sizeLen == 0 {
			return true
		}
		body := at + int64(idLen+sizeLen)
		next := end // An unknown size lasts to the end.
		if size < 1<<(7*sizeLen)-1 {
			if size > uint64(end-body) {
				next = end
			} else {
				next = body + int64(size)
			}
		}
		switch id {
		case 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0: // Segment, Info, Tracks, TrackEntry, Video.
			if ebmlElements(r, body, next, e, m) {
				return true
			}
		case 0x1F43B675: // Cluster.
			return true
		case 0xB0, 0xBA, 0x2AD7B1, 0x4489:
			e.value(id, part(r, body, min(next, body+8)), m)
		}
		at = next
	}
	return e.parts >= maxParts
}

// value takes one number of the header.
func (e *ebml) value(id uint64, b []byte, m *measures) {
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	switch id {
	case 0xB0: // PixelWidth.
		m.width = int(min(v, math.MaxInt32))
	case 0xBA: // PixelHeight.
		m.height = int(min(v, math.MaxInt32))
	case 0x2AD7B1: // TimestampScale.
		e.scale = float64(v)
	case 0x4489: // Duration.
		e.units = math.Float64frombits(v)
		if len(b) == 4 {
			e.units = float64(math.Float32frombits(uint32(v)))
		}
	}
	m.duration = e.units * e.scale / 1e9
}

// ebmlNumber reads a number of variable length and how many bytes it takes, 0 if
// there is none. With marker the bit that tells the length stays, as in ids.
func ebmlNumber(b []byte, marker bool) (v uint64, n int) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0
	}
	n = 1
	for b[0]&(0x80>>(n-1)) == 0 {
		n++
	}
	if n > len(b) {
		return 0, 0
	}
	v = uint64(b[0])
	if !marker {
		v &= 0x7f >> (n - 1)
	}
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, n
}
