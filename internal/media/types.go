// Package media takes in files: it finds out what they are, makes pictures safe
// and small, stores them, serves them, and keeps bounded copies of remote ones.
//
// Nothing here trusts a name, an extension or a Content-Type: the bytes decide.
package media

import (
	"github.com/gabriel-vasile/mimetype"

	"kenoma/internal/fault"
)

// Kind is the rough class of a file, as clients name it.
type Kind string

// The kinds. "" is none of them.
const (
	Image Kind = "image"
	Video Kind = "video"
	Audio Kind = "audio"
	GIFV  Kind = "gifv" // A video without sound that was an animated picture.
)

// fileType is a type that may be shown in place, never as a document that runs.
type fileType struct {
	name    string // As we serve it.
	kind    Kind
	ext     string
	upload  intake
	quick   bool     // The work on it is so short that the uploader may wait.
	sniffed []string // What mimetype calls it, beside name.
}

// intake says what becomes of a type when people upload it.
type intake int

const (
	refused   intake = iota
	direct           // We re-encode it, or clean it for apps that play it.
	converted        // Few apps play it: it needs ffmpeg.
	compiled         // Its decoder is compiled on the machine itself, where that can be done.
)

// fileTypes is the one list of types; everything else is refused. SVG is not in
// it, since it is a document with scripts.
var fileTypes = []fileType{
	{"image/jpeg", Image, ".jpg", direct, true, nil},
	{"image/png", Image, ".png", direct, true, []string{"image/apng"}},
	{"image/gif", Image, ".gif", direct, false, nil},
	{"image/webp", Image, ".webp", direct, true, nil},
	{"image/avif", Image, ".avif", compiled, false, nil},
	{"image/heic", Image, ".heic", compiled, false, []string{"image/heif"}},
	{"image/jxl", Image, ".jxl", refused, false, nil},
	{"image/bmp", Image, ".bmp", refused, false, nil},
	{"image/x-icon", Image, ".ico", refused, false, nil},
	{"video/mp4", Video, ".mp4", direct, false, []string{"video/x-m4v"}},
	{"video/webm", Video, ".webm", direct, false, nil},
	{"video/quicktime", Video, ".mov", direct, false, nil},
	{"video/ogg", Video, ".ogv", direct, false, nil},
	{"video/x-matroska", Video, ".mkv", converted, false, nil},
	{"video/3gpp", Video, ".3gp", converted, false, []string{"video/3gpp2"}},
	{"video/x-msvideo", Video, ".avi", converted, false, nil},
	{"video/mpeg", Video, ".mpg", converted, false, nil},
	{"audio/mpeg", Audio, ".mp3", direct, false, nil},
	{"audio/mp4", Audio, ".m4a", direct, false, []string{"audio/x-m4a"}},
	{"audio/ogg", Audio, ".oga", direct, false, nil},
	{"audio/flac", Audio, ".flac", direct, false, nil},
	{"audio/wav", Audio, ".wav", direct, false, nil},
	{"audio/aac", Audio, ".aac", direct, false, nil},
	{"audio/webm", Audio, ".weba", direct, false, nil},
	{"audio/aiff", Audio, ".aiff", converted, false, nil},
	{"audio/amr", Audio, ".amr", converted, false, nil},
}

// sniffBytes is how much of a file decides its type.
const sniffBytes = 3072

// sniff returns the type of a file that begins with head, or nil.
func sniff(head []byte) *fileType {
	found := mimetype.Detect(head)
	for i := range fileTypes {
		t := &fileTypes[i]
		if found.Is(t.name) {
			return t
		}
		for _, name := range t.sniffed {
			if found.Is(name) {
				return t
			}
		}
	}
	return nil
}

// typeNamed returns the type with that name, or nil.
func typeNamed(name string) *fileType {
	for i := range fileTypes {
		if fileTypes[i].name == name {
			return &fileTypes[i]
		}
	}
	return nil
}

// UploadTypes lists the media types that Process accepts on this machine, for the
// instance's description.
func (p *Processor) UploadTypes() []string {
	var names []string
	for i := range fileTypes {
		if t := &fileTypes[i]; p.takes(t) {
			names = append(names, append([]string{t.name}, t.sniffed...)...)
		}
	}
	return names
}

// Limits are what bounds video and sound.
func (p *Processor) Limits() FilmLimits { return p.o.Limits }

// takes tells whether people may upload that type.
func (p *Processor) takes(t *fileType) bool {
	return t != nil && (t.upload == direct || t.upload == compiled && compiles || t.upload == converted && p.o.FFmpeg != "")
}

// Extension returns the usual extension of a media type with its dot, "" for an
// unknown one.
func Extension(contentType string) string {
	if t := typeNamed(contentType); t != nil {
		return t.ext
	}
	return ""
}

func unsupported(err error) error {
	return fault.Because(err, fault.Unsupported,
		"This kind of file can't be used. Take JPEG, PNG, GIF, WebP, AVIF or HEIC for pictures, MP4 or WebM for video, MP3, Ogg, FLAC or WAV for sound.")
}

func unreadable(err error) error {
	return fault.Because(err, fault.Invalid, "The file is damaged or is not what it seems. Save it anew and try again.")
}
