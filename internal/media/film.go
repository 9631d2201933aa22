package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// A film here is a video or a sound. What it is, and where in it stand things that
// tell about its maker (places, devices, names, times), is found out by reading its
// structure; nothing is decoded. Those things are overwritten in place, so that no
// offset changes, or cut off at the ends.

// Limits of what is read.
const (
	maxHeader = 1 << 20  // Of one header.
	maxCover  = 16 << 20 // Of the tags that may hold a cover.
	maxParts  = 3_000_000
	maxEdits  = 50_000
)

// film is what the structure of a file tells. Zero values are unknown.
type film struct {
	Type          string // The media type, where tracks tell it better than the first bytes.
	Kind          Kind
	Width, Height int     // As shown, after turning.
	Duration      float64 // Seconds.
	Codec         string  // Of the pictures; "" none.
	Endless       bool    // The header doesn't say how long it lasts, so that players can't seek.
	Deep          bool    // The pictures have more than 8 bits, or colours that browsers don't show.
	store.MediaDetail
	Edits edits
	cover []byte // A picture as it stands in the file.
	parts int    // Looked at.
}

// edits are what is to be done to a copy of the file.
type edits struct {
	Patches []patch
	From    int64 // The copy begins there.
	Cut     int64 // So many bytes at the end are left out.
}

// patch overwrites what is at At with Data and zeros, Len bytes together.
type patch struct {
	At, Len int64
	Data    []byte `json:",omitempty"`
}

// put overwrites with data.
func (e *edits) put(at int64, data ...byte) { e.fill(at, int64(len(data)), data) }

// zero overwrites from at to end.
func (e *edits) zero(at, end int64) {
	if end <= at {
		return
	}
	if n := len(e.Patches); n > 0 { // Neighbours become one.
		if last := &e.Patches[n-1]; len(last.Data) == 0 && last.At+last.Len == at {
			last.Len += end - at
			return
		}
	}
	e.fill(at, end-at, nil)
}

func (e *edits) fill(at, size int64, data []byte) {
	e.Patches = append(e.Patches, patch{At: at, Len: size, Data: data})
}

// ok tells whether the edits are within a file of that size; they come from a
// process that met hostile bytes.
func (e *edits) ok(size int64) bool {
	if e.From < 0 || e.Cut < 0 || e.From > size || e.Cut > size-e.From || len(e.Patches) > maxEdits {
		return false
	}
	for _, p := range e.Patches {
		if p.At < 0 || p.Len < int64(len(p.Data)) || p.At > size || p.Len > size-p.At {
			return false
		}
	}
	return true
}

// apply does the edits to f, which is size bytes long, and returns the path and
// size of the outcome: f itself, or a file beside it where something is cut off.
func (e *edits) apply(f *os.File, size int64) (path string, left int64, err error) {
	if !e.ok(size) {
		return "", 0, fmt.Errorf("edits outside of the %d bytes of a film", size)
	}
	zeros := make([]byte, 64<<10)
	for _, p := range e.Patches {
		if _, err := f.WriteAt(p.Data, p.At); err != nil {
			return "", 0, fmt.Errorf("edit film: %w", err)
		}
		for at, end := p.At+int64(len(p.Data)), p.At+p.Len; at < end; {
			n, err := f.WriteAt(zeros[:min(end-at, int64(len(zeros)))], at)
			if err != nil {
				return "", 0, fmt.Errorf("edit film: %w", err)
			}
			at += int64(n)
		}
	}
	left = size - e.From - e.Cut
	if left == size {
		return f.Name(), size, nil
	}
	path = f.Name() + "-cut"
	if _, err := f.Seek(e.From, io.SeekStart); err != nil {
		return "", 0, fmt.Errorf("cut film: %w", err)
	}
	if err := save(path, f, left); err != nil {
		return "", 0, err
	}
	return path, left, nil
}

// errFilm is a file that is not as its type says.
var errFilm = errors.New("broken film")

// readFilm reads the structure of a file of contentType. It fails where it can't
// make out the whole of it: what isn't understood can't be cleaned.
func readFilm(r io.ReaderAt, size int64, contentType string) (*film, error) {
	f := &film{Type: contentType, Kind: typeNamed(contentType).kind}
	read := filmReaders[contentType]
	if read == nil {
		return f, nil // Only the converter can.
	}
	if err := read(r, size, f); err != nil {
		return nil, err
	}
	const most = 1 << 14 // Of a side, and 1 year: beyond, the header lies.
	if f.Width < 1 || f.Height < 1 || f.Width > most || f.Height > most {
		f.Width, f.Height = 0, 0
	}
	if !(f.Duration > 0 && f.Duration < 365*24*3600) {
		f.Duration = 0
	}
	if f.Duration > 0 && f.Bitrate == 0 {
		f.Bitrate = int64(float64(size) * 8 / f.Duration)
	}
	if f.SoundRate < 0 || f.SoundRate > 1_000_000 || f.Channels < 0 || f.Channels > 255 {
		f.SoundRate, f.Channels = 0, 0
	}
	if len(f.Edits.Patches) > maxEdits {
		return nil, fmt.Errorf("%w: %d edits", errFilm, len(f.Edits.Patches))
	}
	return f, nil
}

// filmReaders read the structure of a type.
var filmReaders = map[string]func(r io.ReaderAt, size int64, f *film) error{
	"video/mp4": readMP4, "video/quicktime": readMP4, "audio/mp4": readMP4, "video/3gpp": readMP4,
	"video/webm": readMatroska, "audio/webm": readMatroska, "video/x-matroska": readMatroska,
	"video/ogg": readOgg, "audio/ogg": readOgg,
	"audio/mpeg": readMP3, "audio/aac": readADTS, "audio/flac": readFLAC, "audio/wav": readWAV,
}

// becomes sets the type by the tracks that were found.
func (f *film) becomes(video, audio string) {
	if f.Codec == "" {
		f.Type, f.Kind = audio, Audio
	} else {
		f.Type, f.Kind = video, Video
	}
}

// framesPer notes a frame rate as the smallest fraction, if it may be one.
func (f *film) framesPer(frames, seconds int64) {
	if frames <= 0 || seconds <= 0 || frames/seconds > 1000 {
		return
	}
	a, b := frames, seconds
	for b > 0 {
		a, b = b, a%b
	}
	frames, seconds = frames/a, seconds/a
	for frames > 10_000_000 || seconds > 10_000_000 {
		frames, seconds = frames/10, max(seconds/10, 1)
	}
	f.Frames, f.PerTime = int(frames), int(seconds)
}

// part reads from at to end, at most most bytes.
func part(r io.ReaderAt, at, end int64, most int64) []byte {
	b := make([]byte, max(min(end-at, most), 0))
	n, _ := r.ReadAt(b, at)
	return b[:n]
}

// FilmLimits bound video. 0 is no bound.
type FilmLimits struct {
	Pixels   int           // Width times height.
	Rate     int           // Frames a second.
	Duration time.Duration // Of sound too.
}

// check refuses what is over a limit.
func (l FilmLimits) check(f *film) error {
	switch {
	case l.Pixels > 0 && f.Width*f.Height > l.Pixels:
		return fault.New(fault.TooLarge, "The video has %d × %d pixels, which is too much. Make it smaller.", f.Width, f.Height)
	case l.Rate > 0 && f.Frames > l.Rate*max(f.PerTime, 1):
		return fault.New(fault.TooLarge, "The video has more than %d pictures a second. Save it with fewer.", l.Rate)
	case l.Duration > 0 && f.Duration > l.Duration.Seconds():
		return fault.New(fault.TooLarge, "The file lasts longer than %s. Shorten it.", l.Duration)
	}
	return nil
}

// filmJob does a job for a video or sound: its structure, and a preview made of the
// cover that a sound may hold.
func filmJob(in source, j job) (*output, error) {
	size, err := in.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("size of a film: %w", err)
	}
	f, err := readFilm(in, size, j.Type)
	if err != nil {
		return nil, unreadable(err)
	}
	out := &output{report: report{Film: f}}
	if f.Kind == Audio && len(f.cover) > 0 {
		out.cover(f)
	}
	return out, nil
}

// cover adds the preview of a cover; without one that can be read there is none.
func (o *output) cover(f *film) {
	t := sniff(f.cover[:min(len(f.cover), sniffBytes)])
	if t == nil || t.upload != direct || t.kind != Image {
		return
	}
	made, err := picture(bytes.NewReader(f.cover), job{Type: t.name, Purpose: Preview})
	if err != nil {
		return
	}
	o.Files, o.data, o.Blurhash = made.Files, made.data, made.Blurhash
	o.Film.Colours = made.Colours
}

// be reads a big-endian number of up to 8 bytes.
func be(b []byte) uint64 {
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

// clamp makes an int64 of v.
func clamp(v uint64) int64 { return int64(min(v, math.MaxInt64)) }

var le = binary.LittleEndian
