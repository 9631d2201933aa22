package media

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kenoma/internal/fault"
)

// withFFmpeg returns a Processor that starts children and ffmpeg; tests that call it
// are skipped where there is none.
func withFFmpeg(t *testing.T, o ProcessorOptions) *Processor {
	t.Helper()
	if o.FFmpeg = ffmpegFor(t); o.FFmpeg == "" {
		t.Skip("ffmpeg is missing: run scripts/install")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Self, o.TempDir = self, t.TempDir()
	return NewProcessor(o)
}

func TestConvert(t *testing.T) {
	for _, tt := range []struct {
		file, kind, contentType, sound string
		w, h                           int
	}{
		{"moving.mp4", "video", "video/mp4", "aac", 64, 48},
		{"fragments.mp4", "video", "video/mp4", "aac", 64, 48},
		{"turned.mov", "video", "video/mp4", "", 48, 64},
		{"deep.mp4", "video", "video/mp4", "aac", 64, 48},
		{"new.mp4", "video", "video/mp4", "", 64, 48},
		{"moving.webm", "video", "video/webm", "opus", 64, 48},
		{"live.webm", "video", "video/webm", "", 64, 48},
		{"tagged.ogv", "video", "video/mp4", "", 64, 48},
		{"moving.gif", "gifv", "video/mp4", "", 64, 48},
		{"cover.mkv", "audio", "audio/mp4", "aac", 0, 0},
		{"cover.mp3", "audio", "audio/mpeg", "mp3", 0, 0},
		{"tagged.ogg", "audio", "audio/ogg", "vorbis", 0, 0},
		{"tagged.wav", "audio", "audio/wav", "pcm", 0, 0},
	} {
		t.Run(tt.file, func(t *testing.T) {
			p := withFFmpeg(t, ProcessorOptions{})
			res, out := cleaned(t, p, filmOf(t, tt.file))
			if f := res.Original; string(res.Kind) != tt.kind || f.Type != tt.contentType || f.Width != tt.w || f.Height != tt.h || res.Detail.Sound != tt.sound {
				t.Errorf("%s %s, %d × %d, sound %q", res.Kind, f.Type, f.Width, f.Height, res.Detail.Sound)
			}
			if in := filmOf(t, tt.file); tt.file == "moving.mp4" && len(out) != len(in) {
				t.Errorf("what plays everywhere became another file: %d bytes of %d", len(out), len(in))
			}
			if res.Preview == nil || len(res.Blurhash) < 10 || res.Duration < 0.4 || res.Duration > 1.3 {
				t.Errorf("preview %+v, blurhash %q, lasts %f", res.Preview, res.Blurhash, res.Duration)
			}
			if (res.Kind == Audio) != (res.Detail.Colours[0] != "") {
				t.Errorf("colours %v", res.Detail.Colours)
			}
			for _, s := range secrets[:3] {
				if bytes.Contains(out, []byte(s)) {
					t.Errorf("the file still says %q", s)
				}
			}
			if again, err := readFilm(bytes.NewReader(out), int64(len(out)), tt.contentType); err != nil || again.Endless {
				t.Errorf("read again: %+v, %v", again, err)
			}
			path := filepath.Join(t.TempDir(), "out")
			if err := os.WriteFile(path, out, 0o600); err != nil {
				t.Fatal(err)
			}
			if said, err := exec.Command(p.o.FFmpeg, "-v", "error", "-i", path, "-f", "null", "-").CombinedOutput(); err != nil || len(said) > 0 {
				t.Errorf("%v: %s", err, said)
			}
			if tt.contentType == "video/mp4" && tt.kind != "audio" && bytes.Contains(out, []byte("hvc1")) {
				t.Error("the pictures stayed HEVC")
			}
		})
	}
}

// A list of other files, or a description of a stream, is not followed.
func TestConverterReadsNothingElse(t *testing.T) {
	p := withFFmpeg(t, ProcessorOptions{})
	for _, in := range []string{"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nfile:///etc/passwd\n", "ffconcat version 1.0\nfile '/etc/passwd'\n"} {
		if _, err := p.Process(t.Context(), strings.NewReader(in), Options{}); !fault.Is(err, fault.Unsupported) {
			t.Errorf("%q: %v", in, err)
		}
	}
	args := p.input("x", "video/mp4", 0)
	if !slices.Contains(args, "file,pipe") || !slices.Contains(args, "mov") {
		t.Errorf("it may guess, or use the network: %v", args)
	}
}

func TestConverterIsBounded(t *testing.T) {
	big := filepath.Join(t.TempDir(), "big.avi")
	ffmpeg := ffmpegFor(t)
	if ffmpeg == "" {
		t.Skip("ffmpeg is missing: run scripts/install")
	}
	if out, err := exec.Command(ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc=size=1280x720:rate=25:duration=20", "-c:v", "mjpeg", "-q:v", "20", big).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	in, err := os.ReadFile(big)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]ProcessorOptions{"time": {FFmpegTimeout: time.Second / 2}, "memory": {FFmpegMemory: 40 << 20}} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := withFFmpeg(t, o).Process(t.Context(), bytes.NewReader(in), Options{})
			if !fault.Is(err, fault.TooLarge) && !fault.Is(err, fault.Invalid) {
				t.Errorf("%v", err)
			}
			if name == "time" && time.Since(start) > 20*time.Second {
				t.Errorf("it took %s", time.Since(start))
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := withFFmpeg(t, ProcessorOptions{}).Process(ctx, bytes.NewReader(in), Options{}); fault.KindOf(err) != fault.Internal {
		t.Errorf("a shutdown is taken for a bad file: %v", err)
	}
}

func TestFindFFmpeg(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, tt := range []struct {
		setting, want string
		ok            bool
	}{{"", "", true}, {"off", "", true}, {"/nowhere/ffmpeg", "", false}, {"/bin/sh", "/bin/sh", true}} {
		if got, err := FindFFmpeg(tt.setting); got != tt.want || (err == nil) != tt.ok {
			t.Errorf("FindFFmpeg(%q) = %q, %v", tt.setting, got, err)
		}
	}
}

func TestUploadTypes(t *testing.T) {
	without, with := NewProcessor(ProcessorOptions{}).UploadTypes(), NewProcessor(ProcessorOptions{FFmpeg: "x"}).UploadTypes()
	for _, tt := range []struct {
		name          string
		without, with bool
	}{{"image/jpeg", true, true}, {"video/mp4", true, true}, {"video/x-matroska", false, true}, {"image/svg+xml", false, false}, {"image/bmp", false, false}} {
		if slices.Contains(without, tt.name) != tt.without || slices.Contains(with, tt.name) != tt.with {
			t.Errorf("%s: %t without ffmpeg, %t with", tt.name, slices.Contains(without, tt.name), slices.Contains(with, tt.name))
		}
	}
}
