package media

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"kenoma/internal/fault"
)

// FindFFmpeg returns the program that a setting names: "" is the one in the path,
// "off" none. It returns "" when there is none.
func FindFFmpeg(setting string) (string, error) {
	if setting == "off" {
		return "", nil
	}
	path, err := exec.LookPath(setting)
	if setting == "" {
		if path, err = exec.LookPath("ffmpeg"); err != nil {
			return "", nil
		}
	}
	if err != nil {
		return "", fault.Because(err, fault.Invalid, "There is no program %s: set media.ffmpeg to where ffmpeg is, to off, or leave it empty.", setting)
	}
	return filepath.Abs(path)
}

// film makes of an uploaded video or sound what is stored: without what tells about
// its maker, in a form that browsers play, with a preview.
func (p *Processor) film(ctx context.Context, taken *Taken) (*Result, error) {
	select {
	case p.films <- struct{}{}:
		defer func() { <-p.films }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to process a file: %w", ctx.Err())
	}
	res, f, err := p.structure(ctx, taken.f, taken.dir, taken.t.name)
	if err != nil {
		return nil, err
	}
	if p.o.FFmpeg == "" {
		return res, nil
	}
	if to := target(f, taken.t); to != nil {
		better, err := p.convert(ctx, res.Original.path, taken.dir, taken.t.name, to)
		if err == nil {
			better.Preview, better.Blurhash, better.Detail.Colours = res.Preview, res.Blurhash, res.Detail.Colours
			res = better
		} else if taken.t.upload == converted || fault.Is(err, fault.TooLarge) || ctx.Err() != nil {
			return nil, err
		}
	}
	return res, p.still(ctx, res)
}

// structure reads the structure of a film in dir, cleans it, and checks the limits.
func (p *Processor) structure(ctx context.Context, in *os.File, dir, contentType string) (*Result, *film, error) {
	rep, err := p.run(ctx, in, dir, job{Type: contentType, Film: true})
	if err != nil {
		return nil, nil, err
	}
	f := rep.Film
	if f == nil || len(rep.Files) > 1 || typeNamed(f.Type) == nil || typeNamed(f.Type).kind == Image {
		return nil, nil, errors.New("report without a film")
	}
	if err := p.o.Limits.check(f); err != nil {
		return nil, nil, err
	}
	info, err := in.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("process file: %w", err)
	}
	path, size, err := f.Edits.apply(in, info.Size())
	if err != nil {
		return nil, nil, err
	}
	res := &Result{Kind: f.Kind, Duration: f.Duration, Detail: f.MediaDetail, Blurhash: rep.Blurhash, dir: dir,
		Original: File{Type: f.Type, Size: size, Width: f.Width, Height: f.Height, path: path}}
	if res.Kind != Video {
		res.Kind = Audio
	}
	if len(rep.Files) == 1 {
		res.Preview, res.Detail.Colours = &rep.Files[0], rep.Film.Colours
	}
	return res, f, nil
}

// form is what ffmpeg is to make of a file.
type form struct {
	contentType, format string
	args                []string
}

// Arguments for streams: kept as they are, or made into what every browser plays.
// Sides must be even for the usual colours; larger pictures are made smaller.
var (
	copyPictures = []string{"-c:v", "copy"}
	makePictures = []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-maxrate", "6M", "-bufsize", "12M", "-pix_fmt", "yuv420p", "-profile:v", "high", "-fpsmax", "60",
		"-vf", "scale=w='min(1920,iw)':h='min(1920,ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"}
	copySound = []string{"-c:a", "copy"}
	makeSound = []string{"-c:a", "aac", "-b:a", "128k", "-ac", "2"}
)

// Codecs that the browsers play inside of MP4 and WebM.
var (
	mp4Plays  = []string{"h264", "av1", "vp9", "aac", "mp3", "opus", "flac"}
	webmPlays = []string{"vp8", "vp9", "av1", "opus", "vorbis"}
)

// target returns what a film must become so that browsers play it, nil when they do.
func target(f *film, t *fileType) *form {
	plays := func(codecs []string, deep bool) bool {
		return (f.Codec == "" || slices.Contains(codecs, f.Codec) && !deep) && (f.Sound == "" || slices.Contains(codecs, f.Sound))
	}
	switch {
	case f.Endless && (f.Type == "video/webm" || f.Type == "audio/webm") && plays(webmPlays, false): // As browsers record.
		return &form{f.Type, "webm", slices.Concat(copyPictures, copySound)}
	case f.Kind == Audio && f.Codec == "" && t.upload == direct && (f.Type != "audio/mp4" || plays(mp4Plays, false)):
		return nil
	case f.Kind == Audio && t.kind == Audio, f.Kind == Audio && f.Sound != "":
		return &form{"audio/mp4", "mp4", slices.Concat([]string{"-vn", "-movflags", "+faststart"}, makeSound)}
	case f.Type == "video/webm" && plays(webmPlays, false), f.Type == "video/mp4" && plays(mp4Plays, f.Deep) && f.Duration > 0:
		return nil
	case f.Type == "video/x-matroska" && plays(webmPlays, false):
		return &form{"video/webm", "webm", slices.Concat(copyPictures, copySound)}
	}
	pictures, sound := makePictures, makeSound
	if slices.Contains(mp4Plays, f.Codec) && !f.Deep {
		pictures = copyPictures
	}
	if slices.Contains(mp4Plays, f.Sound) {
		sound = copySound
	}
	return &form{"video/mp4", "mp4", slices.Concat([]string{"-movflags", "+faststart"}, pictures, sound)}
}

// convert has ffmpeg make to of the file at path, and reads what it made.
func (p *Processor) convert(ctx context.Context, path, dir, contentType string, to *form) (*Result, error) {
	out := filepath.Join(dir, "converted")
	args := slices.Concat(p.input(path, contentType, 0), []string{"-map", "0:V:0?", "-map", "0:a:0?", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1",
		"-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-fs", strconv.FormatInt(p.o.VideoBytes+1, 10)}, to.args, []string{"-f", to.format, "file:" + out})
	if err := p.ffmpeg(ctx, dir, args); err != nil {
		return nil, err
	}
	made, err := os.OpenFile(out, os.O_RDWR, 0)
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { _ = made.Close() }()
	if info, err := made.Stat(); err != nil || info.Size() > p.o.VideoBytes {
		return nil, fault.Because(err, fault.TooLarge, "The file is too large once it is in a form that browsers play. Make it smaller.")
	}
	res, _, err := p.structure(ctx, made, dir, to.contentType)
	return res, err
}

// moving makes a video without sound of an animated picture. Where that fails it
// stays a picture.
func (p *Processor) moving(ctx context.Context, res *Result) error {
	select {
	case p.films <- struct{}{}:
		defer func() { <-p.films }()
	case <-ctx.Done():
		return fmt.Errorf("wait to process a file: %w", ctx.Err())
	}
	made, err := p.convert(ctx, res.Original.path, res.dir, res.Original.Type,
		&form{"video/mp4", "mp4", slices.Concat([]string{"-an", "-movflags", "+faststart"}, makePictures)})
	if err != nil {
		return ctx.Err()
	}
	res.Kind, res.Animated, res.Original, res.Duration = GIFV, false, made.Original, made.Duration
	res.Detail = made.Detail
	return nil
}

// still adds a preview where there is none: a picture of a video, the wave of a sound.
func (p *Processor) still(ctx context.Context, res *Result) error {
	if res.Preview != nil {
		return nil
	}
	frame := filepath.Join(res.dir, "frame.png")
	tries := [][]string{slices.Concat(p.input(res.Original.path, res.Original.Type, 0), []string{"-filter_complex",
		"aformat=channel_layouts=mono,showwavespic=s=640x360:colors=#8f8fff,format=rgb24"})}
	if res.Kind == Video {
		shot := []string{"-an", "-vf", "scale=w='min(1280,iw)':h='min(1280,ih)':force_original_aspect_ratio=decrease,format=rgb24"}
		tries = [][]string{slices.Concat(p.input(res.Original.path, res.Original.Type, min(1, res.Duration/3)), shot),
			slices.Concat(p.input(res.Original.path, res.Original.Type, 0), shot)}
	}
	for _, args := range tries {
		err := p.ffmpeg(ctx, res.dir, append(args, "-frames:v", "1", "-f", "image2", "-c:v", "png", "-update", "1", "file:"+frame))
		if ctx.Err() != nil {
			return fmt.Errorf("preview: %w", ctx.Err())
		}
		in, openErr := os.Open(frame)
		if err != nil || openErr != nil {
			continue // A file that plays needs no preview to do so.
		}
		rep, err := p.run(ctx, in, res.dir, job{Type: "image/png", Purpose: Preview})
		_ = in.Close()
		if err == nil && len(rep.Files) == 1 {
			res.Preview, res.Blurhash = &rep.Files[0], rep.Blurhash
			if res.Kind == Audio {
				res.Detail.Colours = rep.Colours
			}
		}
		return ctx.Err()
	}
	return nil
}

// demuxers are how ffmpeg calls the types; it must not guess, as it knows formats
// that name other files.
var demuxers = map[string]string{
	"video/mp4": "mov", "video/quicktime": "mov", "audio/mp4": "mov", "video/3gpp": "mov", "video/webm": "matroska", "audio/webm": "matroska", "video/x-matroska": "matroska",
	"video/ogg": "ogg", "audio/ogg": "ogg", "video/x-msvideo": "avi", "video/mpeg": "mpeg", "audio/mpeg": "mp3", "audio/flac": "flac", "audio/wav": "wav", "audio/aac": "aac",
	"audio/aiff": "aiff", "audio/amr": "amr", "image/gif": "gif",
}

// input are the arguments for the file that is read, from so many seconds on.
func (p *Processor) input(path, contentType string, from float64) []string {
	args := []string{"-nostdin", "-hide_banner", "-v", "error", "-y", "-threads", "2", "-protocol_whitelist", "file,pipe", "-f", demuxers[contentType]}
	if from > 0 {
		args = append(args, "-ss", strconv.FormatFloat(from, 'f', 3, 64))
	}
	return append(args, "-i", "file:"+path)
}

// ffmpeg runs the program in dir, under limits of memory and time, without network.
func (p *Processor) ffmpeg(ctx context.Context, dir string, args []string) error {
	timed, cancel := context.WithTimeout(ctx, p.o.FFmpegTimeout)
	defer cancel()
	name := p.o.FFmpeg
	if p.o.Self != "" {
		limits, err := json.Marshal(job{Memory: p.o.FFmpegMemory, Seconds: 2 * int(p.o.FFmpegTimeout/time.Second)})
		if err != nil {
			return fmt.Errorf("ffmpeg: %w", err)
		}
		args = slices.Concat([]string{toolArg, string(limits), name}, args)
		name = p.o.Self
	}
	cmd := exec.CommandContext(timed, name, args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, []string{"GOTRACEBACK=none", "LC_ALL=C"}, time.Second
	said := head{most: 2048}
	cmd.Stderr = &said
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("ffmpeg: %w", ctx.Err())
	case timed.Err() != nil:
		return fault.Because(err, fault.TooLarge, "It takes too long to process this file. Make it shorter or smaller and try again.")
	}
	return unreadable(fmt.Errorf("ffmpeg: %w: %s", err, bytes.TrimSpace(said.b)))
}
