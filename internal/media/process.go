package media

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// ProcessorOptions tune a Processor. The zero value works in this process, which
// is fit for tests.
type ProcessorOptions struct {
	// Self is the path of this program, which is started anew for each picture
	// (see Child), so that a bomb can't harm the server. "" decodes in this process.
	Self string
	// TempDir is where files wait until they are stored. "" is the system's.
	TempDir string
	// ImageBytes and VideoBytes bound an upload; the second is also for sound.
	// 0 means 16 MB and 99 MB, as on Mastodon.
	ImageBytes, VideoBytes int64
	// Memory is how many bytes the child may use. 0 means 512 MB, enough for all
	// pictures of the size allowed but rare progressive ones.
	Memory int64
	// Timeout is for one picture. 0 means 30 s.
	Timeout time.Duration
	// Limits bound video and sound.
	Limits FilmLimits
	// FFmpeg is the program of that name, for what needs decoding; "" is none.
	FFmpeg string
	// FFmpegMemory and FFmpegTimeout bound it. 0 means 1 GB and 10 min.
	FFmpegMemory  int64
	FFmpegTimeout time.Duration
}

// Processor makes uploads safe, one picture and one video or sound at a time. It is
// safe for concurrent use.
type Processor struct {
	o     ProcessorOptions
	turn  chan struct{} // Held while a picture is decoded or a structure read.
	films chan struct{} // Held while a video or sound is worked on, which may take minutes.
}

// NewProcessor returns a Processor with the defaults of o filled in.
func NewProcessor(o ProcessorOptions) *Processor {
	fill := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	fill(&o.ImageBytes, 16<<20)
	fill(&o.VideoBytes, 99<<20)
	fill(&o.Memory, 512<<20)
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	fill(&o.FFmpegMemory, 1<<30)
	if o.FFmpegTimeout <= 0 {
		o.FFmpegTimeout = 10 * time.Minute
	}
	return &Processor{o: o, turn: make(chan struct{}, 1), films: make(chan struct{}, 1)}
}

// Options say what is wanted of one upload. The zero value is an attachment.
type Options struct {
	Purpose Purpose
}

// Result is a processed upload. Its files are temporary: Close removes them.
type Result struct {
	Kind     Kind
	Animated bool // A GIF with several pictures.
	Original File
	Preview  *File   // nil for video and sound, and for other purposes than Attachment.
	Blurhash string  // "" where there is no preview.
	Duration float64 // Seconds; 0 when unknown.
	Detail   store.MediaDetail
	dir      string
}

// File is one file of a Result.
type File struct {
	Type          string // Media type, one of those that Serve shows in place.
	Size          int64  // Bytes.
	Width, Height int    // Pixels; 0 when unknown.
	path          string
}

// Aspect is width by height, 0 when unknown.
func (f File) Aspect() float64 {
	if f.Height == 0 {
		return 0
	}
	return float64(f.Width) / float64(f.Height)
}

// Open opens the file for reading. It is there until the Result is closed.
func (f File) Open() (*os.File, error) { return os.Open(f.path) }

// Close removes the files. It is safe to call it twice.
func (r *Result) Close() error { return os.RemoveAll(r.dir) }

// Process reads an upload and makes of it what is stored. Pictures are turned
// upright, made smaller where they are too large, and written anew without any
// metadata. Animations, video and sound are copied without their metadata; with
// ffmpeg those that browsers don't play become MP4, as animated GIFs do. The caller
// closes the Result.
//
// Errors for the person: Unsupported for types that are not handled, TooLarge over
// a limit, Invalid for damaged files.
func (p *Processor) Process(ctx context.Context, r io.Reader, o Options) (*Result, error) {
	taken, err := p.Take(r)
	if err != nil {
		return nil, err
	}
	return p.Work(ctx, taken, o)
}

// Taken is an upload that lies in a temporary file, not looked into yet.
type Taken struct {
	Kind Kind
	Size int64
	t    *fileType
	f    *os.File
	dir  string
}

// Close removes the file. It is safe to call it twice.
func (t *Taken) Close() error {
	_ = t.f.Close()
	return os.RemoveAll(t.dir)
}

// Quick tells whether Work takes but a moment.
func (t *Taken) Quick() bool { return t.Kind == Image && t.t.quick }

// Take writes an upload to a temporary file and finds out what it is, with the
// same errors as Process. The caller closes what it returns, or hands it to Work.
func (p *Processor) Take(r io.Reader) (*Taken, error) {
	dir, err := os.MkdirTemp(p.o.TempDir, "kenoma-media-*")
	if err != nil {
		return nil, fmt.Errorf("take upload: %w", err)
	}
	taken := &Taken{dir: dir}
	if taken.f, taken.t, err = p.spool(dir, r); err == nil {
		var info os.FileInfo
		if info, err = taken.f.Stat(); err == nil {
			taken.Kind, taken.Size = taken.t.kind, info.Size()
			return taken, nil
		}
		_ = taken.f.Close()
	}
	_ = os.RemoveAll(dir)
	return nil, err
}

// Work is the second half of Process. It closes what was taken.
func (p *Processor) Work(ctx context.Context, taken *Taken, o Options) (res *Result, err error) {
	defer func() {
		_ = taken.f.Close()
		if err != nil {
			_ = os.RemoveAll(taken.dir)
		}
	}()
	t := taken.t
	if t.kind == Image {
		res, err := p.picture(ctx, taken, o.Purpose)
		if err == nil && res.Animated && res.Original.Type == "image/gif" && o.Purpose == Attachment && p.o.FFmpeg != "" {
			err = p.moving(ctx, res)
		}
		return res, err
	}
	if o.Purpose != Attachment {
		return nil, unsupported(fmt.Errorf("%s as %s", t.name, o.Purpose))
	}
	return p.film(ctx, taken)
}

// spool writes the upload to a file in dir and finds out what it is.
func (p *Processor) spool(dir string, r io.Reader) (*os.File, *fileType, error) {
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil, fmt.Errorf("read upload: %w", err)
	}
	head = head[:n]
	t := sniff(head)
	if !p.takes(t) {
		return nil, nil, unsupported(nil)
	}
	most := p.o.VideoBytes
	if t.kind == Image {
		most = p.o.ImageBytes
	}
	f, err := os.Create(filepath.Join(dir, "upload"))
	if err != nil {
		return nil, nil, fmt.Errorf("spool upload: %w", err)
	}
	size, err := io.Copy(f, io.LimitReader(io.MultiReader(bytes.NewReader(head), r), most+1))
	if err == nil && size > most {
		err = fault.New(fault.TooLarge, "The file is larger than %d MB. Make it smaller.", most>>20)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("spool upload: %w", err)
	}
	return f, t, nil
}

// picture makes of an uploaded picture what its purpose wants.
func (p *Processor) picture(ctx context.Context, taken *Taken, purpose Purpose) (*Result, error) {
	rep, err := p.run(ctx, taken.f, taken.dir, job{Type: taken.t.name, Purpose: purpose})
	if err != nil {
		return nil, err
	}
	res := &Result{Kind: Image, Animated: rep.Animated, Blurhash: rep.Blurhash, dir: taken.dir}
	res.Detail.Colours = rep.Colours
	switch {
	case purpose == Preview && len(rep.Files) == 1:
		res.Original, res.Preview = rep.Files[0], &rep.Files[0]
	case len(rep.Files) == 1 || len(rep.Files) == 2:
		res.Original = rep.Files[0]
	default:
		return nil, fmt.Errorf("report of %d files", len(rep.Files))
	}
	if len(rep.Files) == 2 {
		res.Preview = &rep.Files[1]
	}
	return res, nil
}

// run has a job done, in its turn, and saves the files that it made in dir.
func (p *Processor) run(ctx context.Context, in *os.File, dir string, j job) (*report, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to process a file: %w", ctx.Err())
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("process file: %w", err)
	}
	var rep *report
	collect := func(out io.Reader) (err error) {
		rep, err = p.collect(out, dir)
		return err
	}
	if p.o.Self == "" {
		r, w := io.Pipe()
		go func() { _ = w.CloseWithError(work(in, j, w)) }()
		err := collect(r)
		_ = r.Close()
		return rep, err
	}
	if err := p.child(ctx, in, j, collect); err != nil {
		return nil, err
	}
	return rep, nil
}

// child starts this program anew for the job and gives its output to collect.
func (p *Processor) child(ctx context.Context, in *os.File, j job, collect func(io.Reader) error) error {
	j.Memory = p.o.Memory
	j.Seconds = int(p.o.Timeout/time.Second) + 1
	text, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("process file: %w", err)
	}
	timed, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	cmd := exec.CommandContext(timed, p.o.Self, childArg, string(text))
	cmd.Stdin = in
	cmd.Env = []string{"GOTRACEBACK=none"}
	cmd.WaitDelay = time.Second
	said := head{most: 2048}
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("process file: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("process file: %w", err)
	}
	collected := collect(out)
	if collected != nil {
		cancel() // Whatever it still writes is of no use.
	}
	ended := cmd.Wait()
	var refused *fault.Error
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("process file: %w", ctx.Err())
	case errors.As(collected, &refused):
		return collected
	case errors.Is(timed.Err(), context.DeadlineExceeded):
		return fault.Because(collected, fault.TooLarge, "It takes too long to process this file. Make it smaller and try again.")
	case bytes.Contains(said.b, []byte("out of memory")) || bytes.Contains(said.b, []byte("cannot allocate memory")):
		return fault.Because(collected, fault.TooLarge, "This file takes too much memory to process. Make it smaller and try again.")
	case collected != nil || ended != nil:
		return unreadable(fmt.Errorf("%w: %s", errors.Join(collected, ended), said.b))
	}
	return nil
}

// head keeps the beginning of what is written to it.
type head struct {
	b    []byte
	most int
}

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	h.b = append(h.b, p[:min(len(p), h.most-len(h.b))]...)
	return len(p), nil
}

// maxReport is how long a report may be, edits and all.
const maxReport = 8 << 20

// collect reads a job's report and files, and puts them into dir. The process that
// wrote them met hostile bytes, so it is not trusted with sizes or types either.
func (p *Processor) collect(out io.Reader, dir string) (*report, error) {
	r := bufio.NewReaderSize(out, 64<<10)
	var line []byte
	for {
		more, err := r.ReadSlice('\n')
		line = append(line, more...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) || len(line) > maxReport {
			return nil, fmt.Errorf("no report: %w", err)
		}
	}
	var rep report
	if err := json.Unmarshal(line, &rep); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	if rep.Refused != "" {
		return nil, fault.Because(errors.New(rep.Detail), rep.Why, "%s", rep.Refused)
	}
	if len(rep.Files) > 2 {
		return nil, fmt.Errorf("report of %d files", len(rep.Files))
	}
	for i := range rep.Files {
		f := &rep.Files[i]
		f.path = filepath.Join(dir, fmt.Sprint("file", i))
		if t := typeNamed(f.Type); t == nil || t.kind != Image || f.Size <= 0 || f.Size > p.o.Memory {
			return nil, fmt.Errorf("report of a file of %q, %d bytes", f.Type, f.Size)
		}
		if err := save(f.path, r, f.Size); err != nil {
			return nil, err
		}
	}
	return &rep, nil
}

// save writes exactly size bytes of r to a new file.
func save(path string, r io.Reader, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("save picture: %w", err)
	}
	_, err = io.CopyN(f, r, size)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("save picture: %w", err)
	}
	return nil
}
