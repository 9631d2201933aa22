package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kenoma/internal/fault"
)

// filmOf reads one of the films that testdata/make made.
func filmOf(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// cleaned processes a film and returns what is stored.
func cleaned(t *testing.T, p *Processor, in []byte) (*Result, []byte) {
	t.Helper()
	res, err := p.Process(t.Context(), bytes.NewReader(in), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Close() })
	f, err := res.Original.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, err := io.ReadAll(f)
	if err != nil || int64(len(out)) != res.Original.Size {
		t.Fatalf("%d bytes of %d, %v", len(out), res.Original.Size, err)
	}
	return res, out
}

// secrets are what must not stand in any film that is passed on, as testdata/make
// and cameras write it.
var secrets = []string{"Secret", "+52.5200", "2021-02-03", "Lavf", "Lavc"}

func TestFilm(t *testing.T) {
	for _, tt := range []struct {
		file, kind, contentType string
		w, h                    int
		sound                   string
		rate                    float64
		cover                   bool
	}{
		{"moving.mp4", "video", "video/mp4", 64, 48, "aac", 10, false},
		{"plain.mp4", "video", "video/mp4", 64, 48, "", 10, false},
		{"turned.mov", "video", "video/quicktime", 48, 64, "", 10, false},
		{"fragments.mp4", "video", "video/mp4", 64, 48, "aac", 0, false},
		{"cover.m4a", "audio", "audio/mp4", 0, 0, "aac", 0, true},
		{"moving.webm", "video", "video/webm", 64, 48, "opus", 0, false},
		{"live.webm", "video", "video/webm", 64, 48, "", 0, false},
		{"cover.mp3", "audio", "audio/mpeg", 0, 0, "mp3", 0, true},
		{"tagged.ogg", "audio", "audio/ogg", 0, 0, "vorbis", 0, false},
		{"tagged.opus", "audio", "audio/ogg", 0, 0, "opus", 0, false},
		{"tagged.ogv", "video", "video/ogg", 64, 48, "", 10, false},
		{"cover.flac", "audio", "audio/flac", 0, 0, "flac", 0, true},
		{"tagged.wav", "audio", "audio/wav", 0, 0, "pcm", 0, false},
		{"bare.aac", "audio", "audio/aac", 0, 0, "aac", 0, false},
	} {
		t.Run(tt.file, func(t *testing.T) {
			eachProcessor(t, func(t *testing.T, p *Processor) {
				in := filmOf(t, tt.file)
				res, err := p.Process(t.Context(), bytes.NewReader(in), Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer res.Close()
				f, d := res.Original, res.Detail
				if string(res.Kind) != tt.kind || f.Type != tt.contentType || f.Width != tt.w || f.Height != tt.h || d.Sound != tt.sound {
					t.Errorf("%s %s, %d × %d, sound %q", res.Kind, f.Type, f.Width, f.Height, d.Sound)
				}
				lasts := 1.0
				if tt.file == "tagged.wav" {
					lasts = 0.5
				}
				if tt.file != "fragments.mp4" && math.Abs(res.Duration-lasts) > 0.16 {
					t.Errorf("lasts %f s, want %f", res.Duration, lasts)
				}
				if tt.sound != "" && (d.SoundRate < 8000 || d.Channels != 1) {
					t.Errorf("%d Hz, %d channels", d.SoundRate, d.Channels)
				}
				if got := float64(d.Frames) / float64(max(d.PerTime, 1)); tt.rate > 0 && math.Abs(got-tt.rate) > 0.01 {
					t.Errorf("%f frames a second, want %f", got, tt.rate)
				}
				if (res.Preview != nil) != tt.cover || (res.Blurhash != "") != tt.cover {
					t.Errorf("preview %v, blurhash %q", res.Preview, res.Blurhash)
				}
				if tt.cover && (res.Preview.Width != 32 || d.Colours[0] == "") {
					t.Errorf("preview %+v, colours %v", res.Preview, d.Colours)
				}
			})
			_, out := cleaned(t, NewProcessor(ProcessorOptions{TempDir: t.TempDir()}), filmOf(t, tt.file))
			for _, s := range secrets {
				found := bytes.Contains(out, []byte(s))
				if found && !(strings.HasPrefix(s, "Lav") && strings.HasSuffix(tt.file, "aac")) && !inStream(tt.file, s) {
					t.Errorf("the file still says %q", s)
				}
			}
			plays(t, out, tt.file)
		})
	}
}

// inStream tells of what encoders write among the pictures and samples themselves,
// which is about the program alone.
func inStream(file, secret string) bool {
	return secret == "Lavc" || secret == "Lavf" && strings.HasSuffix(file, "mp3")
}

// plays fails unless a cleaned film decodes to the same as before, without a word of
// complaint.
func plays(t *testing.T, out []byte, file string) {
	t.Helper()
	ffmpeg := ffmpegFor(t)
	if ffmpeg == "" {
		return
	}
	path := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for name, path := range map[string]string{"before": filepath.Join("testdata", file), "after": path} {
		cmd := exec.Command(ffmpeg, "-v", "error", "-i", path, "-map", "0:V?", "-map", "0:a?", "-f", "md5", "-")
		var said bytes.Buffer
		cmd.Stderr = &said
		sum, err := cmd.Output()
		if err != nil || said.Len() > 0 {
			t.Errorf("%s: %v: %s", name, err, said.String())
		}
		sums[name] = string(sum)
	}
	if sums["before"] != sums["after"] {
		t.Errorf("it plays differently: %v", sums)
	}
}

// ffmpegFor returns where ffmpeg is, "" where there is none; CI must have it.
func ffmpegFor(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("ffmpeg is missing: run scripts/install")
	}
	if err != nil {
		t.Log("ffmpeg is missing: what needs it was not tested")
	}
	return path
}

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

// trackOf is a track whose samples, of these sizes, stand in one chunk.
func trackOf(handler, codec string, chunk uint32, sizes ...uint32) []byte {
	entry := append(append(words32(86), codec...), make([]byte, 78)...)
	table := box("stbl", box("stsd", words32(0, 1), entry), box("stts", words32(0, 1, uint32(len(sizes)), 100)),
		box("stsc", words32(0, 1, 1, uint32(len(sizes)), 1)), box("stsz", words32(0, 0, uint32(len(sizes))), words32(sizes...)), box("stco", words32(0, 1, chunk)))
	head := box("tkhd", words32(7, 1, 1, 1, 0, 9000, 0, 0, 0, 0, 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000, 640<<16, 360<<16))
	return box("trak", head, box("mdia", box("mdhd", words32(0, 1, 1, 1000, 12500, 0)), box("hdlr", words32(0, 0), []byte(handler), make([]byte, 12), []byte("SecretCamera")), box("minf", table)))
}

// Cameras note in a track of its own where they were at each moment.
func TestTrackOfPlacesIsDropped(t *testing.T) {
	brand := box("ftyp", []byte("isom\x00\x00\x00\x00isom"))
	at := uint32(len(brand) + 8)
	samples := []byte("picturepicture" + "SecretPlaceSecret" + "picture")
	in := bytes.Join([][]byte{brand, box("mdat", samples), box("moov", box("mvhd", words32(0, 1, 1, 1000, 12500)),
		trackOf("vide", "avc1", at, 7, 7), trackOf("meta", "mebx", at+14, 11, 6), box("udta", box("\xa9xyz", []byte("Secret+52.5200")))),
		box("uuid", bytes.Repeat([]byte{1}, 16), []byte("<xmp>Secret</xmp>")), box("free", []byte("Secret"))}, nil)
	res, out := cleaned(t, NewProcessor(ProcessorOptions{TempDir: t.TempDir()}), in)
	if bytes.Contains(out, []byte("Secret")) || bytes.Contains(out, []byte("mebx")) || bytes.Count(out, []byte("picture")) != 3 || len(out) != len(in) {
		t.Errorf("became %q", out)
	}
	if res.Original.Width != 640 || res.Duration != 12.5 || bytes.Count(out, []byte("trak")) != 1 {
		t.Errorf("%+v", res)
	}
}

func TestFilmLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits FilmLimits
		ok     bool
	}{
		{"within all", FilmLimits{Pixels: 64 * 48, Rate: 10, Duration: 2 * time.Second}, true},
		{"too many pixels", FilmLimits{Pixels: 64*48 - 1}, false},
		{"too many frames", FilmLimits{Rate: 9}, false},
		{"too long", FilmLimits{Duration: time.Second / 2}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := NewProcessor(ProcessorOptions{TempDir: t.TempDir(), Limits: tt.limits})
			res, err := p.Process(t.Context(), bytes.NewReader(filmOf(t, "plain.mp4")), Options{})
			if tt.ok != (err == nil) || err != nil && !fault.Is(err, fault.TooLarge) {
				t.Fatal(err)
			}
			if res != nil {
				res.Close()
			}
		})
	}
}

func TestFilmRefuses(t *testing.T) {
	mp4 := filmOf(t, "plain.mp4")
	webm := filmOf(t, "moving.webm")
	p := NewProcessor(ProcessorOptions{TempDir: t.TempDir()})
	for _, tt := range []struct {
		name string
		in   []byte
		kind fault.Kind
	}{
		{"half a movie", mp4[:400], fault.Invalid},
		{"a movie of zeros", append(bytes.Clone(mp4[:32]), make([]byte, 500)...), fault.Invalid},
		{"a box that is too long", append(bytes.Clone(mp4[:28]), "\xff\xff\xff\xffmoovxxxxxxxx"...), fault.Invalid},
		{"half a head of WebM", webm[:60], fault.Invalid},
		{"MP3 without frames", append([]byte("ID3\x03\x00\x00\x00\x00\x00\x00"), make([]byte, 500)...), fault.Invalid},
		{"Ogg of something else", append([]byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00abcd\x00\x00\x00\x00efgh\x01\x08OpusHuad"), make([]byte, 50)...), fault.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, err := p.Process(t.Context(), bytes.NewReader(tt.in), Options{})
			if err == nil {
				res.Close()
			}
			if fault.KindOf(err) != tt.kind && !fault.Is(err, fault.Unsupported) {
				t.Errorf("%v, want %v", err, tt.kind)
			}
		})
	}
	if _, err := p.Process(t.Context(), bytes.NewReader(mp4), Options{Purpose: Avatar}); !fault.Is(err, fault.Unsupported) {
		t.Errorf("a video as an avatar: %v", err)
	}
}

// What a child reports is not believed.
func TestEditsStayWithin(t *testing.T) {
	for _, e := range []edits{
		{From: -1}, {Cut: 11}, {From: 6, Cut: 5}, {Patches: []patch{{At: -1, Len: 1}}}, {Patches: []patch{{At: 5, Len: 6}}},
		{Patches: []patch{{At: 5, Len: 1, Data: []byte{1, 2}}}}, {Patches: []patch{{At: math.MaxInt64, Len: math.MaxInt64}}},
	} {
		if e.ok(10) {
			t.Errorf("%+v is let through", e)
		}
	}
}

func fuzzFilm(f *testing.F, contentType string, files ...string) {
	for _, name := range files {
		f.Add(filmOf(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		film, err := readFilm(bytes.NewReader(data), int64(len(data)), contentType)
		if err != nil {
			if !errors.Is(err, errFilm) {
				t.Fatal(err)
			}
			return
		}
		if film.Width < 0 || film.Height < 0 || film.Duration < 0 || math.IsNaN(film.Duration) || (film.Width == 0) != (film.Height == 0) || typeNamed(film.Type) == nil {
			t.Errorf("%+v", film)
		}
	})
}

func FuzzMP4(f *testing.F)      { fuzzFilm(f, "video/mp4", "moving.mp4", "fragments.mp4", "cover.m4a") }
func FuzzMatroska(f *testing.F) { fuzzFilm(f, "video/webm", "moving.webm", "live.webm", "cover.mkv") }
func FuzzOgg(f *testing.F)      { fuzzFilm(f, "audio/ogg", "tagged.ogg", "tagged.opus", "tagged.ogv") }
func FuzzMP3(f *testing.F)      { fuzzFilm(f, "audio/mpeg", "cover.mp3") }
func FuzzFLAC(f *testing.F)     { fuzzFilm(f, "audio/flac", "cover.flac") }
func FuzzWAV(f *testing.F)      { fuzzFilm(f, "audio/wav", "tagged.wav") }
func FuzzADTS(f *testing.F)     { fuzzFilm(f, "audio/aac", "bare.aac") }
