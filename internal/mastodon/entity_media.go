package mastodon

import (
	"fmt"
	"math"
	"strconv"

	"kenoma/internal/store"
)

// appendMeta draws sizes, times and sound as far as they are known.
//
// spec: masto:entities/MediaAttachment#meta
func appendMeta(b []byte, m *store.Media) []byte {
	o := begin(b)
	moving := m.Kind == "video" || m.Kind == "gifv" || m.Kind == "audio"
	if moving {
		appendFilm(o, m)
	}
	if m.Width > 0 && m.Height > 0 || m.Duration > 0 {
		in := o.nest("original")
		if m.Width > 0 && m.Height > 0 {
			appendSize(in, m.Width, m.Height, !moving)
		}
		if m.Frames > 0 {
			in.str("frame_rate", strconv.Itoa(m.Frames)+"/"+strconv.Itoa(max(m.PerTime, 1)))
		}
		if m.Duration > 0 {
			in.raw("duration", decimal(m.Duration))
		}
		if m.Bitrate > 0 {
			in.num("bitrate", m.Bitrate)
		}
		o.end(in)
	}
	w, h := m.SmallWidth, m.SmallHeight
	if w == 0 || h == 0 { // Of another server; pictures are shown as they are.
		w, h = m.Width, m.Height
	}
	if w > 0 && h > 0 {
		in := o.nest("small")
		appendSize(in, w, h, true)
		o.end(in)
	}
	if m.Kind == "image" {
		in := o.nest("focus")
		in.raw("x", decimal(m.Focus[0]))
		in.raw("y", decimal(m.Focus[1]))
		o.end(in)
	}
	return o.close()
}

// appendSize draws a size, with more also in the forms that can be reckoned from it.
func appendSize(o *object, w, h int, more bool) {
	o.num("width", int64(w))
	o.num("height", int64(h))
	if more {
		o.str("size", strconv.Itoa(w)+"x"+strconv.Itoa(h))
		o.raw("aspect", decimal(float64(w)/float64(h)))
	}
}

// appendFilm draws what video and sound have beside the two sizes.
func appendFilm(o *object, m *store.Media) {
	if m.Duration > 0 {
		o.str("length", clock(m.Duration))
		o.raw("duration", decimal(m.Duration))
	}
	if m.Frames > 0 {
		o.num("fps", int64(math.Round(float64(m.Frames)/float64(max(m.PerTime, 1)))))
	}
	if m.Width > 0 && m.Height > 0 {
		o.str("size", strconv.Itoa(m.Width)+"x"+strconv.Itoa(m.Height))
		o.num("width", int64(m.Width))
		o.num("height", int64(m.Height))
		o.raw("aspect", decimal(float64(m.Width)/float64(m.Height)))
	}
	if m.Sound != "" {
		o.str("audio_encode", m.Sound)
	}
	if m.SoundRate > 0 {
		o.str("audio_bitrate", strconv.Itoa(m.SoundRate)+" Hz") // As Mastodon calls it.
	}
	if m.Channels > 0 {
		o.str("audio_channels", channelsText(m.Channels))
	}
	if m.Colours[0] != "" {
		in := o.nest("colors")
		for i, name := range []string{"background", "foreground", "accent"} {
			in.str(name, m.Colours[i])
		}
		o.end(in)
	}
}

// clock is a time of so many seconds as h:mm:ss.hh.
func clock(seconds float64) string {
	n := int64(math.Round(seconds * 100))
	return fmt.Sprintf("%d:%02d:%02d.%02d", n/360000, n/6000%60, n/100%60, n%100)
}

// channelsText names a number of channels.
func channelsText(n int) string {
	switch n {
	case 1:
		return "mono"
	case 2:
		return "stereo"
	case 6:
		return "5.1"
	}
	return strconv.Itoa(n) + " channels"
}
