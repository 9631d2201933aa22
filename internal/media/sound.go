package media

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// flacStream reads the stream information of FLAC.
//
// spec: rfc9639#section-8.2
func flacStream(b []byte) (rate, channels int, samples int64) {
	if len(b) < 18 {
		return 0, 0, 0
	}
	v := be(b[10:18])
	return int(v >> 44), int(v>>41&7) + 1, int64(v & (1<<36 - 1))
}

// flacPicture returns the picture in a block of that type.
//
// spec: rfc9639#section-8.8
func flacPicture(b []byte) []byte {
	at := 4
	for range 2 { // Its type and description.
		if len(b) < at+4 {
			return nil
		}
		n := int64(be(b[at : at+4]))
		if n > int64(len(b)-at-4) {
			return nil
		}
		at += 4 + int(n)
	}
	if len(b) < at+20 {
		return nil
	}
	n := int64(be(b[at+16 : at+20]))
	if n > int64(len(b)-at-20) {
		return nil
	}
	return b[at+20 : at+20+int(n)]
}

// readFLAC reads the metadata blocks; those of comments, pictures and programs
// become padding. A tag in front is cut off.
//
// spec: rfc9639#section-8
func readFLAC(r io.ReaderAt, size int64, f *film) error {
	at := f.tag(r, size)
	f.Edits.From = at
	if string(part(r, at, size, 4)) != "fLaC" {
		return fmt.Errorf("%w: no FLAC", errFilm)
	}
	at += 4
	for range 1000 {
		head := part(r, at, size, 4)
		if len(head) < 4 {
			return fmt.Errorf("%w: a block ends early", errFilm)
		}
		n := int64(be(head[1:]))
		body := at + 4
		if n > size-body {
			return fmt.Errorf("%w: a block of %d bytes", errFilm, n)
		}
		switch head[0] & 0x7f {
		case 0:
			var samples int64
			f.SoundRate, f.Channels, samples = flacStream(part(r, body, body+n, 64))
			if f.SoundRate > 0 {
				f.Duration = float64(samples) / float64(f.SoundRate)
			}
			f.Sound = "flac"
		case 3: // Seek table.
		case 6:
			if len(f.cover) == 0 {
				f.cover = flacPicture(part(r, body, body+n, maxCover))
			}
			fallthrough
		default:
			f.Edits.put(at, head[0]&0x80|1)
			f.Edits.zero(body, body+n)
		}
		at = body + n
		if head[0]&0x80 != 0 {
			break
		}
	}
	if f.Sound == "" {
		return fmt.Errorf("%w: no stream information", errFilm)
	}
	f.tail(r, size)
	return nil
}

// readWAV reads the chunks; all but the format and the samples become filler.
//
// spec: https://www.loc.gov/preservation/digital/formats/fdd/fdd000001.shtml
func readWAV(r io.ReaderAt, size int64, f *film) error {
	head := part(r, 0, size, 12)
	if len(head) < 12 || string(head[8:]) != "WAVE" {
		return fmt.Errorf("%w: no WAVE", errFilm)
	}
	perSecond := int64(0)
	for at := int64(12); at+8 <= size; {
		if f.parts++; f.parts > 10_000 {
			return fmt.Errorf("%w: too many chunks", errFilm)
		}
		b := part(r, at, size, 8)
		n, body := int64(le.Uint32(b[4:])), at+8
		end := min(body+n, size)
		switch string(b[:4]) {
		case "fmt ":
			if w := part(r, body, end, 16); len(w) == 16 {
				f.Channels, f.SoundRate, perSecond, f.Sound = int(le.Uint16(w[2:])), int(le.Uint32(w[4:])), int64(le.Uint32(w[8:])), "pcm"
			}
		case "data":
			if n == 0xffffffff { // Of RF64, or never ended.
				end = size
			}
			if perSecond > 0 {
				f.Duration = float64(end-body) / float64(perSecond)
			}
		case "fact", "ds64", "PEAK":
		default:
			f.Edits.put(at, []byte("JUNK")...)
			f.Edits.zero(body, end)
		}
		at = end + n&1
	}
	if f.Sound == "" {
		return fmt.Errorf("%w: no format", errFilm)
	}
	return nil
}

// tag looks at ID3 tags at the beginning, takes the cover, and returns where they end.
//
// spec: https://id3.org/id3v2.4.0-structure
func (f *film) tag(r io.ReaderAt, size int64) int64 {
	at := int64(0)
	for range 8 {
		b := part(r, at, size, 10)
		if len(b) < 10 || string(b[:3]) != "ID3" {
			break
		}
		n := int64(b[6]&0x7f)<<21 | int64(b[7]&0x7f)<<14 | int64(b[8]&0x7f)<<7 | int64(b[9]&0x7f)
		if len(f.cover) == 0 {
			f.cover = id3Cover(part(r, at+10, min(at+10+n, size), maxCover), b[3], b[5])
		}
		if at += 10 + n; b[5]&0x10 != 0 {
			at += 10
		}
	}
	return min(at, size)
}

// id3Cover returns the picture among the frames of a tag.
//
// spec: https://id3.org/id3v2.3.0#Attached_picture
func id3Cover(b []byte, version, flags byte) []byte {
	if flags&0x80 != 0 && version < 4 {
		b = bytes.ReplaceAll(b, []byte{0xff, 0}, []byte{0xff})
	}
	if flags&0x40 != 0 && version >= 3 && len(b) >= 4 { // Extended header.
		n := int64(be(b[:4]))
		if version == 3 {
			n += 4
		}
		if n > int64(len(b)) {
			return nil
		}
		b = b[n:]
	}
	width := 10
	if version == 2 {
		width = 6
	}
	for len(b) > width {
		name, n, marks := string(b[:4]), int64(0), byte(0)
		switch version {
		case 2:
			name, n = string(b[:3]), int64(be(b[3:6]))
		case 3:
			n = int64(be(b[4:8]))
		default:
			n, marks = int64(b[4]&0x7f)<<21|int64(b[5]&0x7f)<<14|int64(b[6]&0x7f)<<7|int64(b[7]&0x7f), b[9]
		}
		if n > int64(len(b)-width) || b[0] == 0 {
			return nil
		}
		body := b[width : width+int(n)]
		b = b[width+int(n):]
		if name != "APIC" && name != "PIC" {
			continue
		}
		if marks&1 != 0 && len(body) > 4 { // Its length without unsynchronisation.
			body = body[4:]
		}
		if marks&2 != 0 {
			body = bytes.ReplaceAll(body, []byte{0xff, 0}, []byte{0xff})
		}
		return attachedPicture(body, name == "PIC")
	}
	return nil
}

// attachedPicture returns the bytes behind type and description.
func attachedPicture(b []byte, short bool) []byte {
	if len(b) < 6 {
		return nil
	}
	wide := b[0] == 1 || b[0] == 2 // The description is in UTF-16.
	if short {
		b = b[5:] // Encoding, three letters, kind.
	} else {
		_, rest, ok := bytes.Cut(b[1:], []byte{0})
		if !ok || len(rest) < 2 {
			return nil
		}
		b = rest[1:]
	}
	if !wide {
		_, rest, _ := bytes.Cut(b, []byte{0})
		return rest
	}
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			return b[i+2:]
		}
	}
	return nil
}

// tail cuts off the tags at the end: ID3v1, APEv2, Lyrics3, ID3v2 with a footer.
func (f *film) tail(r io.ReaderAt, size int64) {
	end := size
	for range 8 {
		b := part(r, max(end-128, f.Edits.From), end, 128)
		n := len(b)
		switch {
		case n == 128 && string(b[:3]) == "TAG":
			end -= 128
		case n >= 32 && string(b[n-32:n-24]) == "APETAGEX":
			tag := int64(le.Uint32(b[n-20:]))
			if le.Uint32(b[n-12:])&0x80000000 != 0 { // It has a header too.
				tag += 32
			}
			end -= min(max(tag, 32), end-f.Edits.From)
		case n >= 15 && string(b[n-9:]) == "LYRICS200":
			var tag int64
			if _, err := fmt.Sscanf(string(b[n-15:n-9]), "%06d", &tag); err != nil {
				tag = 0
			}
			end -= min(max(tag, 0)+15, end-f.Edits.From)
		case n >= 10 && string(b[n-10:n-7]) == "3DI":
			c := b[n-10:]
			end -= min(int64(c[6]&0x7f)<<21|int64(c[7]&0x7f)<<14|int64(c[8]&0x7f)<<7|int64(c[9]&0x7f)+20, end-f.Edits.From)
		default:
			f.Edits.Cut = size - end
			return
		}
	}
	f.Edits.Cut = size - end
}

// mpegFrame is the head of a frame of MPEG audio.
type mpegFrame struct{ size, rate, channels, samples int }

var (
	mpegRates    = [4][3]int{{11025, 12000, 8000}, {}, {22050, 24000, 16000}, {44100, 48000, 32000}}
	mpegBitrates = map[[2]int][15]int{ // By version 1 or 2, and layer; kbit/s.
		{1, 1}: {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448}, {1, 2}: {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
		{1, 3}: {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}, {2, 1}: {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
		{2, 2}: {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}, {2, 3}: {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
	}
)

// readFrame reads the head of a frame; false where there is none.
//
// spec: iso11172-3#2.4.1.3
func readFrame(b []byte) (m mpegFrame, ok bool) {
	if len(b) < 4 || b[0] != 0xff || b[1]&0xe0 != 0xe0 {
		return m, false
	}
	version, layer := int(b[1]>>3&3), 4-int(b[1]>>1&3)
	bitrate, rate, padding := int(b[2]>>4), int(b[2]>>2&3), int(b[2]>>1&1)
	if version == 1 || layer == 4 || bitrate == 0 || bitrate == 15 || rate == 3 {
		return m, false
	}
	group := 2
	if version == 3 {
		group = 1
	}
	m.rate, m.channels, m.samples = mpegRates[version][rate], 2, 1152
	kbit := mpegBitrates[[2]int{group, layer}][bitrate]
	if b[3]>>6 == 3 {
		m.channels = 1
	}
	switch {
	case layer == 1:
		m.samples = 384
		m.size = (12*kbit*1000/m.rate + padding) * 4
	case layer == 3 && group == 2:
		m.samples = 576
		m.size = 72*kbit*1000/m.rate + padding
	default:
		m.size = 144*kbit*1000/m.rate + padding
	}
	return m, m.size > 4
}

// readMP3 walks over the frames; tags in front and behind are cut off.
func readMP3(r io.ReaderAt, size int64, f *film) error {
	f.Edits.From = f.tag(r, size)
	f.tail(r, size)
	end := size - f.Edits.Cut
	at, ok := f.firstFrame(r, end)
	if !ok {
		return fmt.Errorf("%w: no frames", errFilm)
	}
	f.Edits.From = at
	b := bufio.NewReaderSize(io.NewSectionReader(r, at, end-at), 64<<10)
	var samples, rate int64
	for {
		head, err := b.Peek(4)
		m, ok := readFrame(head)
		if err != nil {
			break
		}
		if !ok { // Something between the frames.
			if _, err := b.Discard(1); err != nil {
				break
			}
			continue
		}
		if f.Sound == "" {
			f.Sound, f.SoundRate, f.Channels = "mp3", m.rate, m.channels
		}
		samples, rate = samples+int64(m.samples), int64(m.rate)
		if _, err := b.Discard(m.size); err != nil {
			break
		}
	}
	if rate > 0 {
		f.Duration = float64(samples) / float64(rate)
	}
	return nil
}

// firstFrame finds two frames in a row within the first bytes.
func (f *film) firstFrame(r io.ReaderAt, end int64) (int64, bool) {
	b := part(r, f.Edits.From, end, maxHeader)
	for i := 0; i+4 <= len(b); i++ {
		m, ok := readFrame(b[i:])
		if !ok {
			continue
		}
		next := i + m.size
		if next+4 > len(b) && next <= len(b) {
			return f.Edits.From + int64(i), true // The only one.
		}
		if next+4 <= len(b) {
			if _, ok := readFrame(b[next:]); ok {
				return f.Edits.From + int64(i), true
			}
		}
	}
	return 0, false
}

var adtsRates = [13]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// readADTS walks over the frames of bare AAC.
//
// spec: iso13818-7#6.2
func readADTS(r io.ReaderAt, size int64, f *film) error {
	f.Edits.From = f.tag(r, size)
	f.tail(r, size)
	b := bufio.NewReaderSize(io.NewSectionReader(r, f.Edits.From, size-f.Edits.Cut-f.Edits.From), 64<<10)
	frames := int64(0)
	for {
		h, err := b.Peek(7)
		if err != nil || h[0] != 0xff || h[1]&0xf6 != 0xf0 || int(h[2]>>2&15) >= len(adtsRates) {
			break
		}
		f.Sound, f.SoundRate, f.Channels = "aac", adtsRates[h[2]>>2&15], int(h[2]&1<<2|h[3]>>6)
		n := int(h[3]&3)<<11 | int(h[4])<<3 | int(h[5]>>5)
		if n < 7 {
			break
		}
		frames++
		if _, err := b.Discard(n); err != nil {
			break
		}
	}
	if frames == 0 {
		return fmt.Errorf("%w: no frames", errFilm)
	}
	f.Duration = float64(frames) * 1024 / float64(f.SoundRate)
	return nil
}
