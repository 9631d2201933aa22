package media

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/png"

	"kenoma/internal/fault"
)

// maxEmojiSide is how wide and high an emoji may be, in pixels.
const maxEmojiSide = 1024

// CheckedEmoji is a picture that may become a custom emoji.
type CheckedEmoji struct {
	Type   string // Media type.
	Ext    string // Of its file, with a dot.
	Static []byte // The first frame as PNG, of a GIF that moves; nil for others.
}

// CheckEmoji tells what a picture of at most limit bytes is. It must be PNG, GIF or
// WebP by its bytes, whatever it is called, and not be huge.
func CheckEmoji(data []byte, limit int64) (*CheckedEmoji, error) {
	if int64(len(data)) > limit {
		return nil, fault.New(fault.TooLarge, "An emoji may have %d kB, this has %d.", limit/1024, len(data)/1024)
	}
	t := sniff(data)
	if t == nil || t.name != "image/png" && t.name != "image/gif" && t.name != "image/webp" {
		return nil, fault.New(fault.Unsupported, "An emoji is a PNG, GIF or WebP picture.")
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fault.Because(err, fault.Invalid, "The picture can't be read.")
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxEmojiSide || c.Height > maxEmojiSide {
		return nil, fault.New(fault.Invalid, "An emoji may be %d by %d pixels, this is %d by %d.", maxEmojiSide, maxEmojiSide, c.Width, c.Height)
	}
	e := &CheckedEmoji{Type: t.name, Ext: t.ext}
	if t.name == "image/gif" {
		frame, err := gif.Decode(bytes.NewReader(data))
		if err != nil {
			return nil, fault.Because(err, fault.Invalid, "The picture can't be read.")
		}
		var b bytes.Buffer
		if err := png.Encode(&b, frame); err != nil {
			return nil, fmt.Errorf("first frame: %w", err)
		}
		e.Static = b.Bytes()
	}
	return e, nil
}

// EmojiType is the media type of an emoji's file by its name; "" when it has none.
func EmojiType(name string) string {
	for _, t := range fileTypes {
		if t.kind == Image && len(name) > len(t.ext) && name[len(name)-len(t.ext):] == t.ext {
			return t.name
		}
	}
	return ""
}
