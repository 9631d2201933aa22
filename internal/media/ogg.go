package media

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

// ogg reads the pages of an Ogg file.
type ogg struct {
	r       io.ReaderAt
	f       *film
	streams map[uint32]*oggStream
	pages   []oggPage // With headers of a stream that are not complete yet, or were changed.
	held    int64     // Bytes of headers in memory.
}

// oggStream is one of the streams that are interleaved.
type oggStream struct {
	codec    string
	packets  int     // Complete ones.
	headers  int     // Packets that are headers.
	packet   []byte  // The one that is being read, while it is a header.
	pieces   []patch // Where its bytes stand; Data is unused.
	rate     float64 // Units of position in a second.
	first    int64   // Position of the first sample that is heard.
	position int64
}

// oggPage is a page, of which parts may change.
type oggPage struct {
	at   int64
	data []byte
}

const maxOggStreams = 16

// readOgg reads all pages, and has overwritten the comments of every stream; the
// checksums of the pages that they stand in are made anew.
//
// spec: rfc3533#section-6
func readOgg(r io.ReaderAt, size int64, f *film) error {
	o := &ogg{r: r, f: f, streams: map[uint32]*oggStream{}}
	head := make([]byte, 27+255)
	for at := int64(0); at < size; {
		n, _ := r.ReadAt(head, at)
		if n < 27 || string(head[:4]) != "OggS" || n < 27+int(head[26]) {
			if at == 0 {
				return fmt.Errorf("%w: no page", errFilm)
			}
			f.Edits.Cut = size - at // Broken off, or something else behind it.
			break
		}
		next, err := o.page(at, head[:27+int(head[26])], size)
		if err != nil {
			return err
		}
		at = next
	}
	if f.Codec == "" && f.Sound == "" {
		return fmt.Errorf("%w: no stream", errFilm)
	}
	for _, s := range o.streams {
		if s.rate > 0 {
			f.Duration = max(f.Duration, float64(s.position-s.first)/s.rate)
		}
	}
	f.becomes("video/ogg", "audio/ogg")
	return nil
}

// page reads the page at a place and returns where the next one is.
func (o *ogg) page(at int64, head []byte, size int64) (int64, error) {
	serial := le.Uint32(head[14:])
	lacing := head[27:]
	body := at + int64(len(head))
	end := body
	for _, n := range lacing {
		end += int64(n)
	}
	if end > size {
		o.f.Edits.Cut = size - at
		return size, nil
	}
	if head[5]&2 != 0 || o.streams[serial] == nil { // The first page of a stream.
		if len(o.streams) >= maxOggStreams && o.streams[serial] == nil {
			return 0, fmt.Errorf("%w: too many streams", errFilm)
		}
		o.streams[serial] = &oggStream{headers: 1}
	}
	s := o.streams[serial]
	if position := int64(le.Uint64(head[6:])); position > 0 {
		s.position = position
		if s.codec == "theora" { // Key frame and distance from it.
			s.position = position>>6 + position&63
		}
	}
	if s.packets >= s.headers {
		return end, nil
	}
	p := oggPage{at, part(o.r, at, end, 1<<17)}
	if o.held += end - at; o.held > 2*maxCover || len(p.data) != int(end-at) {
		return 0, fmt.Errorf("%w: headers of %d bytes", errFilm, o.held)
	}
	o.pages = append(o.pages, p)
	where := len(head)
	for _, n := range lacing {
		s.packet = append(s.packet, p.data[where:where+int(n)]...)
		s.pieces = append(s.pieces, patch{At: int64(len(o.pages)-1)<<20 | int64(where), Len: int64(n)})
		where += int(n)
		if n < 255 {
			if err := o.packet(s); err != nil {
				return 0, err
			}
			if s.packets >= s.headers {
				break
			}
		}
	}
	if s.packets >= s.headers {
		o.settle()
	}
	return end, nil
}

// settle forgets the pages when no stream has unread headers.
func (o *ogg) settle() {
	for _, s := range o.streams {
		if s.packets < s.headers {
			return
		}
	}
	o.pages = nil
}

// packet reads a complete header packet.
func (o *ogg) packet(s *oggStream) error {
	b, pieces := s.packet, s.pieces
	s.packet, s.pieces = nil, nil
	s.packets++
	if s.packets == 1 {
		o.begins(s, b)
		if s.codec == "" && !bytes.HasPrefix(b, []byte("fishead")) {
			return fmt.Errorf("%w: an unknown stream", errFilm)
		}
		return nil
	}
	var clean []byte
	switch s.codec {
	case "vorbis":
		if !bytes.HasPrefix(b, []byte("\x03vorbis")) {
			return nil
		}
		o.comments(b[7:])
		clean = append([]byte("\x03vorbis"), 0, 0, 0, 0, 0, 0, 0, 0, 1)
	case "theora":
		if !bytes.HasPrefix(b, []byte("\x81theora")) {
			return nil
		}
		o.comments(b[7:])
		clean = append([]byte("\x81theora"), 0, 0, 0, 0, 0, 0, 0, 0)
	case "opus":
		if !bytes.HasPrefix(b, []byte("OpusTags")) {
			return fmt.Errorf("%w: Opus without tags", errFilm)
		}
		o.comments(b[8:])
		clean = append([]byte("OpusTags"), 0, 0, 0, 0, 0, 0, 0, 0)
	case "speex":
		clean = make([]byte, 8)
	case "flac":
		clean = o.flacBlock(s, b)
	}
	if clean == nil {
		return nil
	}
	if len(clean) > len(b) {
		return fmt.Errorf("%w: comments of %d bytes", errFilm, len(b))
	}
	o.overwrite(pieces, clean)
	return nil
}

// begins reads the first packet of a stream.
func (o *ogg) begins(s *oggStream, b []byte) {
	f := o.f
	switch {
	case bytes.HasPrefix(b, []byte("\x01vorbis")) && len(b) >= 16:
		s.codec, s.headers, s.rate = "vorbis", 3, float64(le.Uint32(b[12:]))
		o.sound("vorbis", int(le.Uint32(b[12:])), int(b[11]))
	case bytes.HasPrefix(b, []byte("OpusHead")) && len(b) >= 12:
		s.codec, s.headers, s.rate, s.first = "opus", 2, 48000, int64(le.Uint16(b[10:]))
		o.sound("opus", 48000, int(b[9]))
	case bytes.HasPrefix(b, []byte("\x80theora")) && len(b) >= 30:
		s.codec, s.headers = "theora", 3
		if f.Codec == "" {
			f.Codec, f.Width, f.Height = "theora", int(be(b[14:17])), int(be(b[17:20]))
			f.framesPer(int64(be(b[22:26])), int64(be(b[26:30])))
		}
		if per := be(b[26:30]); per > 0 {
			s.rate = float64(be(b[22:26])) / float64(per)
		}
	case bytes.HasPrefix(b, []byte("\x7fFLAC")) && len(b) >= 13+38:
		s.codec, s.headers = "flac", 1+int(be(b[7:9]))
		if s.headers == 1 {
			s.headers = 64 // Not told; the last block says so.
		}
		rate, channels, _ := flacStream(b[17:])
		s.rate = float64(rate)
		o.sound("flac", rate, channels)
	case bytes.HasPrefix(b, []byte("Speex   ")) && len(b) >= 52:
		s.codec, s.headers, s.rate = "speex", 2, float64(le.Uint32(b[36:]))
		o.sound("speex", int(le.Uint32(b[36:])), int(le.Uint32(b[48:])))
	}
}

func (o *ogg) sound(codec string, rate, channels int) {
	if o.f.Sound == "" {
		o.f.Sound, o.f.SoundRate, o.f.Channels = codec, rate, channels
	}
}

// flacBlock returns what a metadata block of FLAC becomes, nil where it stays.
func (o *ogg) flacBlock(s *oggStream, b []byte) []byte {
	if len(b) < 4 {
		return nil
	}
	if b[0]&0x80 != 0 {
		s.headers = s.packets
	}
	switch b[0] & 0x7f {
	case 4:
		o.comments(b[4:])
		if len(b) < 12 {
			return nil
		}
		return append(bytes.Clone(b[:4]), 0, 0, 0, 0, 0, 0, 0, 0)
	case 6:
		if len(o.f.cover) == 0 {
			o.f.cover = flacPicture(b[4:])
		}
		fallthrough
	case 2, 5:
		return []byte{b[0]&0x80 | 1, b[1], b[2], b[3]} // Padding.
	}
	return nil
}

// comments looks for a cover.
func (o *ogg) comments(b []byte) {
	if len(o.f.cover) == 0 {
		o.f.cover = commentCover(b)
	}
}

// commentCover returns the picture in a block of Vorbis comments.
//
// spec: https://xiph.org/vorbis/doc/v-comment.html, https://wiki.xiph.org/VorbisComment#METADATA_BLOCK_PICTURE
func commentCover(b []byte) []byte {
	next := func() []byte {
		if len(b) < 4 {
			return nil
		}
		n := int64(le.Uint32(b))
		if n > int64(len(b)-4) {
			b = nil
			return nil
		}
		text := b[4 : 4+n]
		b = b[4+n:]
		return text
	}
	next() // The vendor.
	if len(b) < 4 {
		return nil
	}
	count := le.Uint32(b)
	b = b[4:]
	for range min(count, 10_000) {
		name, value, ok := strings.Cut(string(next()), "=")
		if ok && strings.EqualFold(name, "METADATA_BLOCK_PICTURE") {
			if block, err := base64.StdEncoding.DecodeString(value); err == nil {
				return flacPicture(block)
			}
		}
	}
	return nil
}

// overwrite has the pieces of a packet, whose places are in pages, overwritten with
// clean and zeros.
func (o *ogg) overwrite(pieces []patch, clean []byte) {
	changed := map[int64]bool{}
	for _, piece := range pieces {
		i, where := piece.At>>20, piece.At&(1<<20-1)
		p := o.pages[i]
		bytesOf := p.data[where : where+piece.Len]
		n := copy(bytesOf, clean)
		clear(bytesOf[n:])
		o.f.Edits.fill(p.at+where, piece.Len, clean[:n:n])
		clean = clean[n:]
		changed[i] = true
	}
	for i := range o.pages {
		if !changed[int64(i)] {
			continue
		}
		p := o.pages[i]
		clear(p.data[22:26])
		sum := oggChecksum(p.data)
		le.PutUint32(p.data[22:], sum)
		o.f.Edits.put(p.at+22, bytes.Clone(p.data[22:26])...)
	}
}

var oggTable = func() (table [256]uint32) {
	for i := range table {
		v := uint32(i) << 24
		for range 8 {
			v = v<<1 ^ v>>31*0x04c11db7
		}
		table[i] = v
	}
	return table
}()

// oggChecksum is the checksum of a page whose own field is zero.
//
// spec: rfc3533#section-6
func oggChecksum(b []byte) uint32 {
	var v uint32
	for _, c := range b {
		v = v<<8 ^ oggTable[byte(v>>24)^c]
	}
	return v
}
