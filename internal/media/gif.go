package media

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"kenoma/internal/fault"
)

// maxFrames is how many pictures an animation may have: over half a minute.
const maxFrames = 1000

var errGIF = errors.New("broken GIF")

// copyGIF copies a GIF from r to w without comments and other metadata, as it is
// otherwise: nothing is decoded. It returns the number of frames, at most
// maxFrames; more are refused. Bytes behind the end are left out.
//
// spec: https://www.w3.org/Graphics/GIF/spec-gif89a.txt
func copyGIF(w io.Writer, r io.Reader) (frames int, err error) {
	g := gifCopy{r: bufio.NewReader(r), w: bufio.NewWriter(w), keep: true}
	frames, err = g.run()
	if err == nil {
		err = g.w.Flush()
	}
	return frames, err
}

type gifCopy struct {
	r    *bufio.Reader
	w    *bufio.Writer
	keep bool // Write what is read.
}

func (g *gifCopy) run() (frames int, err error) {
	screen, err := g.take(13)
	if err != nil {
		return 0, err
	}
	canvasW, canvasH := binary.LittleEndian.Uint16(screen[6:]), binary.LittleEndian.Uint16(screen[8:])
	if err := g.colours(screen[10]); err != nil {
		return 0, err
	}
	for {
		g.keep = true
		mark, err := g.r.ReadByte()
		if err != nil {
			return 0, errors.Join(errGIF, err)
		}
		switch mark {
		case ';':
			return frames, g.w.WriteByte(mark)
		case '!':
			err = g.extension()
		case ',':
			if frames++; frames > maxFrames {
				return 0, fault.New(fault.TooLarge, "The animation has more than %d pictures. Shorten it, or upload it as a video.", maxFrames)
			}
			err = g.frame(canvasW, canvasH)
		default:
			err = errGIF
		}
		if err != nil {
			return 0, err
		}
	}
}

// extension copies timing and looping, and skips everything else.
func (g *gifCopy) extension() error {
	label, err := g.r.ReadByte()
	if err != nil {
		return errors.Join(errGIF, err)
	}
	size, err := g.r.Peek(1)
	if err != nil {
		return errors.Join(errGIF, err)
	}
	name, err := g.r.Peek(1 + int(size[0]))
	if err != nil {
		return errors.Join(errGIF, err)
	}
	looping := label == 0xff && (bytes.Equal(name[1:], []byte("NETSCAPE2.0")) || bytes.Equal(name[1:], []byte("ANIMEXTS1.0")))
	g.keep = label == 0xf9 || looping
	if g.keep {
		g.w.Write([]byte{'!', label})
	}
	return g.blocks()
}

// frame copies one picture, which must lie on the canvas.
func (g *gifCopy) frame(canvasW, canvasH uint16) error {
	g.w.WriteByte(',')
	d, err := g.take(9)
	if err != nil {
		return err
	}
	edge := func(at, size int) int {
		return int(binary.LittleEndian.Uint16(d[at:])) + int(binary.LittleEndian.Uint16(d[size:]))
	}
	if edge(0, 4) > int(canvasW) || edge(2, 6) > int(canvasH) {
		return errGIF
	}
	if err := g.colours(d[8]); err != nil {
		return err
	}
	if _, err := g.take(1); err != nil { // The smallest code of the compression.
		return err
	}
	return g.blocks()
}

// colours copies the table that flags announce.
func (g *gifCopy) colours(flags byte) error {
	if flags&0x80 == 0 {
		return nil
	}
	_, err := g.take(3 << (1 + flags&7))
	return err
}

// blocks copies data blocks up to the empty one.
func (g *gifCopy) blocks() error {
	for {
		size, err := g.take(1)
		if err != nil || size[0] == 0 {
			return err
		}
		if _, err := g.take(int(size[0])); err != nil {
			return err
		}
	}
}

// take reads n bytes, at most the size of the reader's buffer, and writes them if
// keep is set. They are valid until the next call.
func (g *gifCopy) take(n int) ([]byte, error) {
	b, err := g.r.Peek(n)
	if err != nil {
		return nil, errors.Join(errGIF, err)
	}
	if g.keep {
		if _, err := g.w.Write(b); err != nil {
			return nil, err
		}
	}
	_, err = g.r.Discard(n)
	return b, err
}
