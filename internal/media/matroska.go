package media

import (
	"bytes"
	"fmt"
	"io"
	"math"
)

// The elements of Matroska that are looked at.
//
// spec: rfc9559#section-5.1
const (
	mkvHeader      = 0x1A45DFA3
	mkvDocType     = 0x4282
	mkvSegment     = 0x18538067
	mkvSeekHead    = 0x114D9B74
	mkvInfo        = 0x1549A966
	mkvTracks      = 0x1654AE6B
	mkvCluster     = 0x1F43B675
	mkvCues        = 0x1C53BB6B
	mkvChapters    = 0x1043A770
	mkvTags        = 0x1254C367
	mkvAttachments = 0x1941A469
	mkvTrack       = 0xAE
	mkvVideo       = 0xE0
	mkvAudio       = 0xE1
	mkvGroup       = 0xA0
	mkvBlock       = 0xA1
	mkvSimpleBlock = 0xA3
	mkvTime        = 0xE7
	mkvCRC         = 0xBF
	mkvVoid        = 0xEC
	mkvAttached    = 0x61A7
)

// mkv reads the elements of a WebM or Matroska file.
type mkv struct {
	r        io.ReaderAt
	f        *film
	parts    int
	depth    int
	docType  string
	scale    uint64  // Nanoseconds of one unit of time.
	units    float64 // As the header tells.
	last     int64   // Time of the last block.
	time     int64   // Of the current cluster.
	track    mkvTrackInfo
	pictures int64 // Number of the track with the pictures.
	frames   int64 // Blocks of it.
	every    int64 // Nanoseconds of one picture, if told.
	picture  bool  // The attached file is a picture.
}

type mkvTrackInfo struct {
	number, kind, every int64
	codec               string
	w, h                int
	rate                float64
	channels            int
}

// readMatroska reads the elements, and has overwritten tags, attached files, titles,
// dates and names of programs.
//
// spec: rfc9559, rfc8794
func readMatroska(r io.ReaderAt, size int64, f *film) error {
	m := &mkv{r: r, f: f, scale: 1_000_000}
	if _, err := m.elements(0, size, 0); err != nil {
		return err
	}
	if f.Codec == "" && f.Sound == "" {
		return fmt.Errorf("%w: no tracks", errFilm)
	}
	if m.units > 0 {
		f.Duration = m.units * float64(m.scale) / 1e9
	} else {
		f.Endless = true
		f.Duration = float64(m.last) * float64(m.scale) / 1e9
	}
	switch {
	case m.every > 0:
		f.framesPer(1_000_000_000, m.every)
	case m.frames > 1 && f.Duration > 0 && m.units == 0:
		f.framesPer(m.frames*1000, int64(f.Duration*1000))
	}
	if m.docType == "webm" {
		f.becomes("video/webm", "audio/webm")
	} else {
		f.becomes("video/x-matroska", "video/x-matroska")
	}
	return nil
}

// element is the head of one.
type element struct {
	id            uint64
	at, body, end int64
	open          bool // It says nothing about its size.
}

// head reads the head of the element at a place, which ends at end at the latest.
func (m *mkv) head(at, end int64) (element, error) {
	var b [12]byte
	n, _ := m.r.ReadAt(b[:min(int64(len(b)), end-at)], at)
	id, idLen := ebmlNumber(b[:n], true)
	size, sizeLen := ebmlNumber(b[min(n, idLen):n], false)
	if m.parts++; idLen == 0 || idLen > 4 || sizeLen == 0 || m.parts > maxParts {
		return element{}, fmt.Errorf("%w: no element at %d", errFilm, at)
	}
	e := element{id: id, at: at, body: at + int64(idLen+sizeLen)}
	switch {
	case size == 1<<(7*sizeLen)-1:
		e.open, e.end = true, end
	case e.body > end || size > uint64(end-e.body):
		e.end = end // Cut off, as when a recording broke off.
	default:
		e.end = e.body + int64(size)
	}
	return e, nil
}

// elements reads those from at to end, in an element called within, and returns
// where it stopped: an open cluster ends with the first element that can't be in it.
func (m *mkv) elements(at, end int64, within uint64) (int64, error) {
	if m.depth++; m.depth > 8 {
		return at, fmt.Errorf("%w: elements too deep", errFilm)
	}
	defer func() { m.depth-- }()
	for at < end {
		e, err := m.head(at, end)
		if err != nil {
			return at, err
		}
		if within == mkvCluster && mkvTop[e.id] {
			return at, nil
		}
		if e.open && e.id != mkvSegment && e.id != mkvCluster {
			return at, fmt.Errorf("%w: element %x has no size", errFilm, e.id)
		}
		if at, err = m.element(e); err != nil {
			return at, err
		}
	}
	return at, nil
}

// mkvTop are the elements of a segment.
var mkvTop = map[uint64]bool{mkvSeekHead: true, mkvInfo: true, mkvTracks: true, mkvCluster: true, mkvCues: true, mkvChapters: true, mkvTags: true, mkvAttachments: true}

// element reads one and returns where the next one is.
func (m *mkv) element(e element) (int64, error) {
	switch e.id {
	case mkvHeader, mkvSegment, mkvInfo, mkvTracks, mkvVideo, mkvAudio, mkvGroup:
		_, err := m.elements(e.body, e.end, e.id)
		return e.end, err
	case mkvTrack:
		m.track = mkvTrackInfo{}
		if _, err := m.elements(e.body, e.end, e.id); err != nil {
			return e.end, err
		}
		return e.end, m.ended()
	case mkvCluster:
		if e.open || m.units == 0 {
			next, err := m.elements(e.body, e.end, e.id)
			if !e.open {
				next = e.end
			}
			return next, err
		}
	case mkvAttachments:
		m.picture = false
		m.attached(e.body, e.end)
		m.void(e)
	case mkvTags, mkvCRC, 0x7BA9, 0x4461, 0x536E, 0x7384, 0x3C83AB, 0x3E83BB, 0x73A4: // Title, DateUTC, a track's name, file names, the UID.
		m.void(e)
	case mkvVoid, 0x4D80, 0x5741: // MuxingApp, WritingApp.
		m.f.Edits.zero(e.body, e.end)
	case mkvBlock, mkvSimpleBlock:
		m.block(part(m.r, e.body, e.end, 12))
	default:
		m.value(e.id, part(m.r, e.body, e.end, 64))
	}
	return e.end, nil
}

// void makes an element empty space.
func (m *mkv) void(e element) {
	m.f.Edits.fill(e.at, e.end-e.at, voidHead(e.end-e.at))
}

// voidHead is the head of a Void of that size, which is 2 at least.
func voidHead(size int64) []byte {
	if size < 2+127 {
		return []byte{mkvVoid, 0x80 | byte(size-2)}
	}
	n := uint64(size - 9)
	return []byte{mkvVoid, 1, byte(n >> 48), byte(n >> 40), byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

// attached looks for a cover among the attached files.
func (m *mkv) attached(at, end int64) {
	for at < end && len(m.f.cover) == 0 {
		e, err := m.head(at, end)
		if err != nil {
			return
		}
		switch e.id {
		case mkvAttached:
			m.attached(e.body, e.end)
		case 0x4660: // FileMediaType.
			m.picture = bytes.HasPrefix(part(m.r, e.body, e.end, 64), []byte("image/"))
		case 0x465C: // FileData.
			if m.picture {
				m.f.cover = part(m.r, e.body, e.end, maxCover)
			}
		}
		at = e.end
	}
}

// block notes the time of a block, and counts it.
func (m *mkv) block(b []byte) {
	number, n := ebmlNumber(b, false)
	if n == 0 || len(b) < n+2 {
		return
	}
	m.last = max(m.last, m.time+int64(int16(be(b[n:n+2]))))
	if int64(number) == m.pictures {
		m.frames++
	}
}

// value takes one number or text.
func (m *mkv) value(id uint64, b []byte) {
	v, t := be(b[:min(len(b), 8)]), &m.track
	small := int(min(v, math.MaxInt32))
	switch id {
	case mkvDocType:
		m.docType = string(bytes.TrimRight(b, "\x00"))
	case 0x2AD7B1: // TimestampScale.
		m.scale = v
	case 0x4489: // Duration.
		m.units = ebmlFloat(b)
	case mkvTime:
		m.time = int64(min(v, 1<<48))
	case 0xD7: // TrackNumber.
		t.number = clamp(v)
	case 0x83: // TrackType.
		t.kind = clamp(v)
	case 0x86: // CodecID.
		t.codec = string(bytes.TrimRight(b, "\x00"))
	case 0x23E383: // DefaultDuration.
		t.every = clamp(v)
	case 0xB0: // PixelWidth.
		t.w = small
	case 0xBA: // PixelHeight.
		t.h = small
	case 0xB5: // SamplingFrequency.
		t.rate = ebmlFloat(b)
	case 0x9F: // Channels.
		t.channels = small
	}
}

// mkvCodecs are the names of codecs by the beginnings of their ids.
var mkvCodecs = map[string]string{"V_VP8": "vp8", "V_VP9": "vp9", "V_AV1": "av1", "V_MPEG4/ISO/AVC": "h264", "V_MPEGH/ISO/HEVC": "hevc", "V_THEORA": "theora",
	"A_OPUS": "opus", "A_VORBIS": "vorbis", "A_AAC": "aac", "A_FLAC": "flac", "A_MPEG/L3": "mp3", "A_PCM/INT/LIT": "pcm"}

// ended takes over what a track tells.
func (m *mkv) ended() error {
	t, f := &m.track, m.f
	codec := mkvCodecs[t.codec]
	if codec == "" {
		codec = t.codec
	}
	switch t.kind {
	case 1:
		if f.Codec == "" {
			f.Codec, f.Width, f.Height, m.pictures, m.every = codec, t.w, t.h, t.number, t.every
		}
	case 2:
		if f.Sound == "" && t.rate < 1e6 {
			f.Sound, f.SoundRate, f.Channels = codec, int(t.rate), max(t.channels, 1)
		}
	case 0x11: // Subtitles.
	default:
		return fmt.Errorf("%w: a track of kind %d", errFilm, t.kind)
	}
	return nil
}

// ebmlFloat reads a number with a fraction.
func ebmlFloat(b []byte) float64 {
	switch len(b) {
	case 4:
		return float64(math.Float32frombits(uint32(be(b))))
	case 8:
		return math.Float64frombits(be(b))
	}
	return 0
}

// ebmlNumber reads a number of variable length and how many bytes it takes, 0 if
// there is none. With marker the bit that tells the length stays, as in ids.
//
// spec: rfc8794#section-4
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
