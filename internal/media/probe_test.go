package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// box returns an MP4 box.
func box(kind string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+8)), kind...), body...)
}

func words32(v ...uint32) (b []byte) {
	for _, w := range v {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

// trackOf is a track header of version 0 with a matrix that turns if side is set.
func trackOf(w, h uint32, side bool) []byte {
	a, b := uint32(0x10000), uint32(0)
	if side {
		a, b = b, a
	}
	return box("trak", box("tkhd", words32(7, 0, 0, 1, 0, 9000, 0, 0, 0, 0, a, b, 0, 0, a, 0, 0, 0, 0x40000000, w<<16, h<<16)))
}

// element returns an EBML element with a size of two bytes.
func element(id uint32, parts ...[]byte) []byte {
	head := bytes.TrimLeft(binary.BigEndian.AppendUint32(nil, id), "\x00")
	body := bytes.Join(parts, nil)
	return append(binary.BigEndian.AppendUint16(bytes.Clone(head), 0x4000|uint16(len(body))), body...)
}

func TestProbe(t *testing.T) {
	movie := box("mvhd", words32(0, 0, 0, 1000, 12500))
	long := box("mvhd", []byte{1, 0, 0, 0}, make([]byte, 16), words32(90_000, 0, 180_000))
	brand := box("ftyp", []byte("isom\x00\x00\x00\x00"))
	video := element(0xAE, element(0xE0, element(0xB0, []byte{2, 0x80}), element(0xBA, []byte{1, 0x68})))
	duration := binary.BigEndian.AppendUint64(nil, math.Float64bits(2500))
	webm := func(after ...[]byte) []byte {
		segment := element(0x18538067, element(0x1549A966, element(0x2AD7B1, []byte{0x0f, 0x42, 0x40}), element(0x4489, duration)), element(0x1654AE6B, video), bytes.Join(after, nil))
		return append(element(0x1A45DFA3, []byte("x")), segment...)
	}
	known := webm()
	at := bytes.Index(known, []byte{0x18, 0x53, 0x80, 0x67}) + 4
	unknown := bytes.Join([][]byte{known[:at], {0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, known[at+2:]}, nil)
	for _, tt := range []struct {
		name, contentType string
		in                []byte
		want              measures
	}{
		{"MP4", "video/mp4", bytes.Join([][]byte{brand, box("moov", movie, trackOf(640, 360, false))}, nil), measures{640, 360, 12.5}},
		{"pictures first", "video/mp4", bytes.Join([][]byte{brand, box("mdat", make([]byte, 5000)), box("moov", movie, trackOf(640, 360, false))}, nil), measures{640, 360, 12.5}},
		{"held sideways", "video/quicktime", box("moov", movie, trackOf(640, 360, true)), measures{360, 640, 12.5}},
		{"sound beside it", "video/mp4", box("moov", movie, trackOf(640, 360, false), trackOf(0, 0, false)), measures{640, 360, 12.5}},
		{"long times", "audio/mp4", box("moov", long), measures{0, 0, 2}},
		{"sound only", "audio/mp4", box("moov", movie, trackOf(0, 0, false)), measures{0, 0, 12.5}},
		{"a box that is too long", "video/mp4", append(brand, "\xff\xff\xff\xffmoov"...), measures{}},
		{"a box that is too short", "video/mp4", append(brand, "\x00\x00\x00\x04moov"...), measures{}},
		{"no time unit", "video/mp4", box("moov", box("mvhd", words32(0, 0, 0, 0, 12500))), measures{}},
		{"absurd sides", "video/mp4", box("moov", trackOf(60000, 60000, false)), measures{}},
		{"WebM", "video/webm", webm(), measures{640, 360, 2.5}},
		{"nothing behind the first cluster", "video/webm", webm(element(0x1F43B675), video), measures{640, 360, 2.5}},
		{"a live WebM", "video/webm", unknown, measures{640, 360, 2.5}},
		{"half a WebM", "video/webm", webm()[:20], measures{}},
		{"another type", "audio/ogg", webm(), measures{}},
		{"nothing", "video/mp4", nil, measures{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := probe(bytes.NewReader(tt.in), int64(len(tt.in)), tt.contentType); got != tt.want {
				t.Errorf("probe = %+v, want %+v", got, tt.want)
			}
		})
	}
}

func FuzzProbe(f *testing.F) {
	f.Add(box("moov", box("mvhd", words32(0, 0, 0, 1000, 12500)), trackOf(640, 360, false)), false)
	f.Add(element(0x18538067, element(0x1654AE6B, element(0xAE, element(0xE0, element(0xB0, []byte{2, 0x80}))))), true)
	f.Fuzz(func(t *testing.T, data []byte, webm bool) {
		contentType := "video/mp4"
		if webm {
			contentType = "video/webm"
		}
		m := probe(bytes.NewReader(data), int64(len(data)), contentType)
		if m.width < 0 || m.height < 0 || m.duration < 0 || math.IsNaN(m.duration) || (m.width == 0) != (m.height == 0) {
			t.Errorf("probe = %+v", m)
		}
	})
}
