package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// mp4 reads the boxes of an MP4 or QuickTime file.
type mp4 struct {
	r     io.ReaderAt
	f     *film
	parts int
	scale uint32  // Units of a second, of the movie.
	units float64 // Duration of the movie in them.
	found bool    // A movie header.
	moof  bool    // The samples are in fragments.
	track *mp4Track
}

// mp4Track is a track while it is read.
type mp4Track struct {
	at, body, end    int64 // The box.
	handler          string
	codec            string
	w, h             int
	scale            uint32
	samples, lasting int64    // Number of samples, and their time in units of scale.
	chunks           mp4Table // Where the chunks are.
	runs             mp4Table // How many samples each has.
	sizes            mp4Table // How large they are.
	large            bool     // chunks are of 64 bits.
	size             uint32   // Of every sample, if not 0.
	rate, channels   int
	deep             bool
}

// mp4Table is where the entries of a table lie.
type mp4Table struct{ at, count int64 }

// readMP4 reads the boxes, and has overwritten what may tell about the maker: user
// data, metadata in all its forms, names of devices, times, and whole tracks of
// anything but picture, sound and text, in which cameras note where they were.
//
// spec: iso14496-12#8, https://developer.apple.com/documentation/quicktime-file-format
func readMP4(r io.ReaderAt, size int64, f *film) error {
	m := &mp4{r: r, f: f}
	if err := m.boxes(0, size, ""); err != nil {
		return err
	}
	if !m.found || f.Codec == "" && f.Sound == "" {
		return fmt.Errorf("%w: no movie", errFilm)
	}
	if m.scale > 0 && m.units > 0 {
		f.Duration = m.units / float64(m.scale)
	}
	video := "video/mp4"
	if f.Type == "video/quicktime" {
		video = f.Type
	}
	f.becomes(video, "audio/mp4")
	return nil
}

// mp4Within are the boxes that are looked into, and where they stand.
var mp4Within = map[string]string{"moov": "", "trak": "moov", "mdia": "trak", "minf": "mdia", "stbl": "minf", "mvex": "moov", "moof": "", "traf": "moof"}

// boxes reads the boxes from at to end, which are in the box called within.
func (m *mp4) boxes(at, end int64, within string) error {
	var head [16]byte
	for at+8 <= end {
		if m.parts++; m.parts > maxParts {
			return fmt.Errorf("%w: too many boxes", errFilm)
		}
		n, _ := m.r.ReadAt(head[:], at)
		if n < 8 {
			return fmt.Errorf("%w: a box ends early", errFilm)
		}
		size, body := int64(binary.BigEndian.Uint32(head[:])), at+8
		switch {
		case size == 0 && within == "": // Up to the end.
			size = end - at
		case size == 0: // QuickTime ends lists so.
			m.f.Edits.zero(at+4, end)
			return nil
		case size == 1 && n == len(head):
			size, body = clamp(binary.BigEndian.Uint64(head[8:])), at+16
		}
		if size < body-at || size > end-at {
			return fmt.Errorf("%w: a box of %d bytes", errFilm, size)
		}
		if err := m.box(string(head[4:8]), at, body, at+size, within); err != nil {
			return err
		}
		at += size
	}
	m.f.Edits.zero(at, end)
	return nil
}

// box reads one box.
func (m *mp4) box(kind string, at, body, end int64, within string) error {
	if in, ok := mp4Within[kind]; ok && in == within {
		return m.container(kind, at, body, end)
	}
	switch kind {
	case "udta", "meta", "uuid", "emsg", "XMP_", "ID32", "pnot", "PICT":
		if kind == "udta" && within == "moov" {
			m.f.cover = m.coverIn(body, end, "meta", "ilst", "covr", "data")
		}
		m.blank(at, body, end)
	case "free", "skip", "wide":
		m.f.Edits.zero(body, end)
	case "mvhd":
		m.movie(body, end)
	case "mehd":
		if b := part(m.r, body, end, 12); m.units == 0 && len(b) >= 8 {
			m.units = float64(be(b[4:]))
		}
	case "hdlr":
		m.handler(body, end, within)
	default:
		if m.track != nil {
			m.trackBox(kind, body, end)
		}
	}
	return nil
}

// container reads a box that holds others.
func (m *mp4) container(kind string, at, body, end int64) error {
	switch kind {
	case "trak":
		m.track = &mp4Track{at: at, body: body, end: end}
		defer func() { m.track = nil }()
	case "moof":
		m.moof = true
	}
	if err := m.boxes(body, end, kind); err != nil || kind != "trak" {
		return err
	}
	return m.ended(m.track)
}

// blank makes a box free space.
func (m *mp4) blank(at, body, end int64) {
	m.f.Edits.put(at+4, 'f', 'r', 'e', 'e')
	m.f.Edits.zero(body, end)
}

// times overwrites the two times at the beginning of a header, behind its version.
func (m *mp4) times(body int64, version byte) {
	n := int64(8)
	if version == 1 {
		n = 16
	}
	m.f.Edits.zero(body+4, body+4+n)
}

// lasting reads scale and duration of mvhd and mdhd.
func lasting(b []byte) (scale uint32, units uint64) {
	switch {
	case len(b) >= 32 && b[0] == 1:
		return binary.BigEndian.Uint32(b[20:]), binary.BigEndian.Uint64(b[24:])
	case len(b) >= 20 && b[0] == 0:
		return binary.BigEndian.Uint32(b[12:]), uint64(binary.BigEndian.Uint32(b[16:]))
	}
	return 0, 0
}

func (m *mp4) movie(body, end int64) {
	b := part(m.r, body, end, 128)
	if len(b) < 20 {
		return
	}
	m.found = true
	scale, units := lasting(b)
	m.scale = scale
	if units != 0xffffffff && units>>62 == 0 {
		m.units = float64(units)
	}
	m.times(body, b[0])
}

// handler reads what a track is of, and overwrites the name of who made it.
func (m *mp4) handler(body, end int64, within string) {
	b := part(m.r, body, end, 24)
	if len(b) < 24 {
		return
	}
	if m.track != nil && within == "mdia" {
		m.track.handler = string(b[8:12])
	}
	m.f.Edits.zero(body+12, end)
}

// trackBox reads a box of a track that holds no others.
func (m *mp4) trackBox(kind string, body, end int64) {
	t := m.track
	b := part(m.r, body, end, 256)
	if len(b) < 8 {
		return
	}
	switch kind {
	case "tkhd":
		m.header(b)
		m.times(body, b[0])
	case "mdhd":
		if t.scale, _ = lasting(b); len(b) >= 20 {
			m.times(body, b[0])
		}
	case "stsd":
		m.description(body, end)
	case "stts":
		t.timing(m.r, mp4Table{body + 8, int64(be(b[4:8]))}, end)
	case "stsz":
		if len(b) >= 12 {
			t.size, t.sizes = uint32(be(b[4:8])), mp4Table{body + 12, int64(be(b[8:12]))}
		}
	case "stsc":
		t.runs = mp4Table{body + 8, int64(be(b[4:8]))}
	case "stco", "co64":
		t.chunks, t.large = mp4Table{body + 8, int64(be(b[4:8]))}, kind == "co64"
	}
}

// header reads a track's header; the matrix tells whether it is shown on its side.
func (m *mp4) header(b []byte) {
	matrix := 40
	if b[0] == 1 {
		matrix = 52
	}
	if len(b) < matrix+44 {
		return
	}
	w, h := int(binary.BigEndian.Uint32(b[matrix+36:])>>16), int(binary.BigEndian.Uint32(b[matrix+40:])>>16)
	if a, b := binary.BigEndian.Uint32(b[matrix:]), binary.BigEndian.Uint32(b[matrix+4:]); a == 0 && b != 0 {
		w, h = h, w
	}
	m.track.w, m.track.h = w, h
}

// mp4Codecs are the names of codecs by their four letters.
var mp4Codecs = map[string]string{
	"avc1": "h264", "avc3": "h264", "hvc1": "hevc", "hev1": "hevc", "dvh1": "hevc", "av01": "av1", "vp08": "vp8", "vp09": "vp9", "mp4v": "mpeg4",
	"jpeg": "mjpeg", "mjpa": "mjpeg", "apcn": "prores", "apch": "prores", "apcs": "prores", "apco": "prores", "ap4h": "prores", "s263": "h263",
	"mp4a": "aac", "Opus": "opus", "fLaC": "flac", "alac": "alac", "ac-3": "ac3", "ec-3": "eac3", "samr": "amr", "sawb": "amr", ".mp3": "mp3",
	"lpcm": "pcm", "sowt": "pcm", "twos": "pcm", "in24": "pcm", "ipcm": "pcm",
}

// description reads the first entry of the sample descriptions.
func (m *mp4) description(body, end int64) {
	b := part(m.r, body+8, end, 4096)
	if len(b) < 36 {
		return
	}
	four := string(b[4:8])
	t := m.track
	if t.codec = mp4Codecs[four]; t.codec == "" {
		t.codec = four
	}
	switch t.handler {
	case "vide":
		if len(b) >= 86 {
			m.f.Edits.zero(body+8+50, body+8+82) // The name of the encoder.
		}
		t.deep = deepPictures(b)
	case "soun":
		t.channels, t.rate = int(be(b[24:26])), int(be(b[32:34]))
		t.elementary(b)
	}
}

// elementary reads the description of an elementary stream, which knows the number
// of channels of AAC better than the entry.
//
// spec: iso14496-1#7.2.6, iso14496-3#1.6.2
func (t *mp4Track) elementary(entry []byte) {
	i := bytes.Index(entry, []byte("esds"))
	if i < 0 || len(entry) < i+8 {
		return
	}
	b := entry[i+8:]
	for len(b) > 2 {
		tag := b[0]
		b = b[1:]
		for len(b) > 0 && b[0]&0x80 != 0 { // The length.
			b = b[1:]
		}
		b = b[min(1, len(b)):]
		skip := 0
		switch tag {
		case 3:
			skip = 3
		case 4:
			if skip = 13; len(b) > 0 && (b[0] == 0x69 || b[0] == 0x6b) {
				t.codec = "mp3"
			}
		case 5:
			if len(b) >= 2 && b[0]>>3 != 31 {
				if n := int(b[1] >> 3 & 15); n > 0 && n < 7 {
					t.channels = n
				}
			}
			return
		default:
			return
		}
		b = b[min(skip, len(b)):]
	}
}

// deepPictures tells whether the entry of an H.264 stream names a profile that
// browsers don't play: those above High.
func deepPictures(entry []byte) bool {
	for i := 86; i+10 < len(entry); i++ {
		if string(entry[i:i+4]) == "avcC" {
			return entry[i+5] > 100
		}
	}
	return false
}

// timing adds up the samples and their time.
func (t *mp4Track) timing(r io.ReaderAt, table mp4Table, end int64) {
	for b := range table.entries(r, 8, end) {
		n, each := int64(be(b[:4])), int64(be(b[4:8]))
		t.samples += n
		t.lasting += n * min(each, 1<<24)
		if t.samples > 1<<31 {
			return
		}
	}
}

// entries yields the entries of a table, width bytes each.
func (table mp4Table) entries(r io.ReaderAt, width, end int64) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		at, left := table.at, table.count
		buf := make([]byte, width*1024)
		for left > 0 && at+width <= end {
			n, _ := r.ReadAt(buf[:min(left*width, int64(len(buf)), (end-at)/width*width)], at)
			n -= n % int(width)
			if n == 0 {
				return
			}
			for b := buf[:n]; len(b) > 0; b = b[width:] {
				if !yield(b[:width]) {
					return
				}
			}
			at, left = at+int64(n), left-int64(n)/width
		}
	}
}

// ended takes over what a track tells, or drops it.
func (m *mp4) ended(t *mp4Track) error {
	f := m.f
	switch t.handler {
	case "vide":
		if f.Codec == "" || t.w*t.h > f.Width*f.Height { // Covers may be tracks too.
			f.Codec, f.Width, f.Height, f.Deep = t.codec, t.w, t.h, t.deep
			f.framesPer(t.samples*int64(t.scale), t.lasting)
		}
	case "soun":
		if f.Sound == "" {
			f.Sound, f.SoundRate, f.Channels = t.codec, t.rate, t.channels
		}
	case "subt", "text", "sbtl", "clcp":
	default:
		return m.drop(t)
	}
	return nil
}

// drop overwrites a track and its samples.
func (m *mp4) drop(t *mp4Track) error {
	if m.moof {
		return fmt.Errorf("%w: a track of %q in fragments", errFilm, t.handler)
	}
	if err := m.dropSamples(t); err != nil {
		return err
	}
	m.blank(t.at, t.body, t.end)
	return nil
}

// dropSamples overwrites the samples of a track, chunk by chunk.
func (m *mp4) dropSamples(t *mp4Track) error {
	if t.sizes.count > maxParts || t.chunks.count > maxParts {
		return fmt.Errorf("%w: too many samples", errFilm)
	}
	var sizes []uint32
	if t.size == 0 {
		for b := range t.sizes.entries(m.r, 4, t.end) {
			sizes = append(sizes, uint32(be(b)))
		}
	}
	var runs [][2]int64 // First chunk, samples in each.
	for b := range t.runs.entries(m.r, 12, t.end) {
		if runs = append(runs, [2]int64{int64(be(b[:4])), int64(be(b[4:8]))}); len(runs) > maxParts/10 {
			return fmt.Errorf("%w: too many runs of samples", errFilm)
		}
	}
	width := int64(4)
	if t.large {
		width = 8
	}
	sample, chunk := int64(0), int64(0)
	for b := range t.chunks.entries(m.r, width, t.end) {
		chunk++
		for len(runs) > 1 && runs[1][0] <= chunk {
			runs = runs[1:]
		}
		if len(runs) == 0 {
			break
		}
		n := min(runs[0][1], t.sizes.count-sample)
		length := n * int64(t.size)
		if t.size == 0 {
			length = 0
			for _, s := range sizes[min(sample, int64(len(sizes))):min(sample+n, int64(len(sizes)))] {
				length += int64(s)
			}
		}
		sample += n
		at := clamp(be(b))
		m.f.Edits.zero(at, at+length)
	}
	return nil
}

// coverIn returns the content of the box at the end of a path, nil where there is none.
func (m *mp4) coverIn(at, end int64, path ...string) []byte {
	var head [16]byte
	for range 1000 {
		if n, _ := m.r.ReadAt(head[:], at); at+8 > end || n < 12 {
			return nil
		}
		size, body := int64(binary.BigEndian.Uint32(head[:])), at+8
		if size < 8 || size > end-at {
			return nil
		}
		if string(head[4:8]) != path[0] {
			at += size
			continue
		}
		switch {
		case len(path) == 1:
			return part(m.r, body+8, at+size, maxCover) // Behind type and country.
		case path[0] == "meta" && n16(head) == 0: // With version, as in MP4; QuickTime has none.
			body += 4
		}
		return m.coverIn(body, at+size, path[1:]...)
	}
	return nil
}

// n16 is the number behind a box's head.
func n16(head [16]byte) uint32 { return binary.BigEndian.Uint32(head[8:]) }
