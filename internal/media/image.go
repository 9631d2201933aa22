package media

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"

	"kenoma/internal/fault"
)

// Limits of pictures, in pixels. A picture over the first is refused before it is
// decoded: 40 megapixels are what good cameras give, and take 160 MB in memory.
const (
	maxPixels      = 40_000_000
	maxAnimated    = 3840 * 2160
	originalPixels = 3840 * 2160
	previewPixels  = 640 * 360
	emojiPixels    = 256 * 256
	hashPixels     = 64 * 64 // Of the copy from which a blurhash is taken.
)

// Quality of JPEGs, of 100.
const (
	originalQuality = 85
	previewQuality  = 80
)

// Purpose is what a file is for.
type Purpose string

// The purposes. The zero value is a post's attachment.
const (
	Attachment Purpose = ""
	Avatar     Purpose = "avatar"
	Header     Purpose = "header"
	Emoji      Purpose = "emoji"
	// Preview is a picture that stands for another file: only the small copy is made.
	Preview Purpose = "preview"
)

// shape says what a picture becomes.
type shape struct {
	pixels        int  // It is made smaller to have at most so many, keeping its form.
	width, height int  // Or it is cut to fill this frame.
	preview       bool // A small copy and a blurhash are made.
	animated      bool // An animation stays one; else its first picture is taken.
	only          bool // Nothing but the small copy is made.
}

var shapes = map[Purpose]shape{
	Attachment: {pixels: originalPixels, preview: true, animated: true},
	Avatar:     {width: 400, height: 400},
	Header:     {width: 1500, height: 500},
	Emoji:      {pixels: emojiPixels, animated: true},
	Preview:    {pixels: previewPixels, preview: true, only: true},
}

// job is what a file is to be made into; its bytes come separately.
type job struct {
	Type    string // As sniffed.
	Purpose Purpose
	Film    bool  // The structure of a video or sound is read.
	Memory  int64 // Bytes the process may use, 0 for no limit.
	Seconds int   // CPU time the process may use, 0 for no limit.
}

// report heads the output of a job; the bytes of the files follow in order.
type report struct {
	Refused  string     `json:",omitempty"` // A message for the person; nothing follows.
	Why      fault.Kind `json:",omitempty"`
	Detail   string     `json:",omitempty"` // For the log.
	Files    []File     // Original, preview; of a film the preview, if any.
	Blurhash string
	Colours  [3]string // That fit a preview which was all that was wanted.
	Animated bool
	Film     *film `json:",omitempty"`
}

// output collects what a job makes.
type output struct {
	report
	data [][]byte
}

func (o *output) add(f File, data []byte) {
	f.Size = int64(len(data))
	o.Files = append(o.Files, f)
	o.data = append(o.data, data)
}

// source is the bytes of a picture.
type source interface {
	io.ReadSeeker
	io.ReaderAt
}

// picture does a job: in is a picture of the type that it names. Errors are faults.
func picture(in source, j job) (*output, error) {
	s := shapes[j.Purpose]
	config, err := decodeConfig(in, j.Type)
	if err != nil && fault.KindOf(err) != fault.Internal {
		return nil, err
	}
	if err != nil {
		return nil, unreadable(err)
	}
	if config.Width <= 0 || config.Height <= 0 {
		return nil, unreadable(errors.New("no pixels"))
	}
	most := maxPixels
	if n := wasmPixels[j.Type]; n > 0 {
		most = n
	}
	if config.Width > most/config.Height {
		return nil, fault.New(fault.TooLarge, "The picture has %d × %d pixels; at most %d million are allowed. Make it smaller.",
			config.Width, config.Height, most/1_000_000)
	}
	var out output
	src, err := out.open(in, j, s, config)
	if err != nil && fault.KindOf(err) != fault.Internal {
		return nil, err
	}
	if err != nil {
		return nil, unreadable(err)
	}
	if b := src.Bounds(); b.Empty() || b.Dx() > maxPixels/b.Dy() {
		return nil, unreadable(fmt.Errorf("decoded to %v", b))
	}
	held := 1 // An animation stays as it is.
	if !out.Animated {
		held = orientation(in, j.Type)
	}
	if err := out.still(src, held, s, j.Type, readProfile(in, j.Type)); err != nil {
		return nil, err
	}
	return &out, nil
}

// open returns the picture, of an animation the first; the animation itself is added
// if it may stay one.
func (o *output) open(in source, j job, s shape, config image.Config) (image.Image, error) {
	var a *animation
	var err error
	switch j.Type {
	case "image/gif":
		if err := o.animation(in, s, config); err != nil {
			return nil, err
		}
	case "image/png":
		a, err = animatedPNG(in)
	case "image/webp":
		a, err = animatedWebP(in)
	}
	if err != nil {
		return nil, err
	}
	if a != nil && a.frames > 1 && s.animated && config.Width*config.Height <= min(maxAnimated, s.pixels) {
		o.Animated = true
		o.add(File{Type: j.Type, Width: config.Width, Height: config.Height}, a.data)
	}
	if a != nil && a.first != nil {
		return a.first, nil
	}
	return decode(in, j.Type)
}

// animation adds a GIF of several pictures as the original, if it may stay one.
func (o *output) animation(in io.ReadSeeker, s shape, config image.Config) error {
	var copied bytes.Buffer
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	frames, err := copyGIF(&copied, in)
	switch {
	case err != nil && fault.KindOf(err) != fault.Internal:
		return err
	case err != nil || frames == 0:
		return unreadable(err)
	case frames == 1 || !s.animated:
		return nil
	case config.Width*config.Height > min(maxAnimated, s.pixels):
		return fault.New(fault.TooLarge, "The animation has %d × %d pixels, which is too much. Make it smaller, or upload it as a video.",
			config.Width, config.Height)
	}
	o.Animated = true
	o.add(File{Type: "image/gif", Width: config.Width, Height: config.Height}, copied.Bytes())
	return nil
}

// still adds the files that are made of src, whose colours are those of p: the
// original unless there is one, and the preview.
func (o *output) still(src image.Image, held int, s shape, contentType string, p *profile) error {
	img := drawn(src, held, s)
	if p != nil {
		img = p.apply(img)
	}
	if !o.Animated && !s.only {
		as := contentType
		switch {
		case as == "image/gif":
			as = "image/png"
		case as != "image/jpeg" && as != "image/png":
			as = bestType(img)
		}
		if err := o.encode(img, as, originalQuality); err != nil {
			return err
		}
	}
	if !s.preview {
		return nil
	}
	small := smaller(img, previewPixels)
	if err := o.encode(small, bestType(small), previewQuality); err != nil {
		return err
	}
	tiny := smaller(small, hashPixels)
	o.Blurhash = blurhash(tiny)
	if s.only {
		o.Colours = colours(tiny)
	}
	return nil
}

// drawn returns src as the shape wants it, upright.
func drawn(src image.Image, held int, s shape) image.Image {
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	part := image.Rect(0, 0, w, h)
	tw, th := w, h
	switch {
	case s.width == 0:
		tw, th = fit(w, h, s.pixels)
	case turned(held):
		part, tw, th = fill(w, h, s.height, s.width)
	default:
		part, tw, th = fill(w, h, s.width, s.height)
	}
	if tw == w && th == h && held <= 1 && plainModel(src) {
		return src
	}
	return upright(shrink(src, part, tw, th), held)
}

// plainModel tells whether src is encoded as it is; the others (16 bits a colour,
// CMYK) are drawn anew.
func plainModel(src image.Image) bool {
	switch src.(type) {
	case *image.YCbCr, *image.RGBA, *image.NRGBA, *image.Paletted, *image.Gray:
		return true
	}
	return false
}

// smaller returns img with at most pixels pixels.
func smaller(img image.Image, pixels int) *image.RGBA {
	b := img.Bounds()
	w, h := fit(b.Dx(), b.Dy(), pixels)
	return shrink(img, b.Sub(b.Min), w, h)
}

// bestType is PNG for what can be seen through, else JPEG.
func bestType(img image.Image) string {
	if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() {
		return "image/jpeg"
	}
	return "image/png"
}

// encode adds img as a file. No metadata is written.
func (o *output) encode(img image.Image, contentType string, quality int) error {
	var b bytes.Buffer
	var err error
	if contentType == "image/jpeg" {
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: quality})
	} else {
		contentType = "image/png"
		err = png.Encode(&b, img)
	}
	if err != nil {
		return fmt.Errorf("encode %s: %w", contentType, err)
	}
	o.add(File{Type: contentType, Width: img.Bounds().Dx(), Height: img.Bounds().Dy()}, b.Bytes())
	return nil
}

func decodeConfig(in io.ReadSeeker, contentType string) (image.Config, error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return image.Config{}, err
	}
	switch contentType {
	case "image/jpeg":
		return jpeg.DecodeConfig(in)
	case "image/png":
		return png.DecodeConfig(in)
	case "image/gif":
		return gif.DecodeConfig(in)
	case "image/webp":
		return webp.DecodeConfig(in)
	case "image/avif":
		_, config, err := avif(in, true)
		return config, err
	case "image/heic":
		_, config, err := heic(in, true)
		return config, err
	}
	return image.Config{}, fmt.Errorf("no decoder for %q", contentType)
}

// decode returns the picture, of an animation the first.
func decode(in io.ReadSeeker, contentType string) (image.Image, error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	switch contentType {
	case "image/jpeg":
		return jpeg.Decode(in)
	case "image/png":
		return png.Decode(in)
	case "image/webp":
		return webp.Decode(in)
	case "image/avif":
		img, _, err := avif(in, false)
		return img, err
	case "image/heic":
		img, _, err := heic(in, false)
		return img, err
	case "image/gif":
		return decodeGIF(in)
	}
	return nil, fmt.Errorf("no decoder for %q", contentType)
}

// decodeGIF returns the first picture on its canvas, which may be larger.
func decodeGIF(in io.ReadSeeker) (image.Image, error) {
	config, err := gif.DecodeConfig(in)
	if err != nil {
		return nil, err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	frame, err := gif.Decode(in)
	if err != nil {
		return nil, err
	}
	canvas := image.Rect(0, 0, config.Width, config.Height)
	if frame.Bounds() == canvas {
		return frame, nil
	}
	img := image.NewRGBA(canvas)
	draw.Draw(img, frame.Bounds(), frame, frame.Bounds().Min, draw.Src)
	return img, nil
}
