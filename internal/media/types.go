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
)

// fileType is a type that may be shown in place, never as a document that runs.
type fileType struct {
	name    string // As we serve it.
	kind    Kind
	ext     string
	upload  bool     // People may upload it: we can re-encode it, or apps play it.
	quick   bool     // The work on it is so short that the uploader may wait.
	sniffed []string // What mimetype calls it, beside name.
}

// fileTypes is the one list of types; everything else is refused. SVG is not in
// it, since it is a document with scripts.
var fileTypes = []fileType{
	{"image/jpeg", Image, ".jpg", true, true, nil},
	{"image/png", Image, ".png", true, true, []string{"image/apng"}},
	{"image/gif", Image, ".gif", true, false, nil},
	{"image/webp", Image, ".webp", true, true, nil},
	{"image/avif", Image, ".avif", false, false, nil},
	{"image/jxl", Image, ".jxl", false, false, nil},
	{"image/bmp", Image, ".bmp", false, false, nil},
	{"image/x-icon", Image, ".ico", false, false, nil},
	{"video/mp4", Video, ".mp4", true, false, []string{"video/x-m4v"}},
	{"audio/webm", Audio, ".weba", true, false, nil},
	{"video/webm", Video, ".webm", true, false, nil},
	{"video/x-matroska", Video, ".mkv", false, false, nil},
	{"video/quicktime", Video, ".mov", true, false, nil},
	{"video/ogg", Video, ".ogv", true, false, nil},
	{"audio/mpeg", Audio, ".mp3", true, false, nil},
	{"audio/mp4", Audio, ".m4a", true, false, []string{"audio/x-m4a"}},
	{"audio/ogg", Audio, ".oga", true, false, nil},
	{"audio/flac", Audio, ".flac", true, false, nil},
	{"audio/wav", Audio, ".wav", true, false, nil},
	{"audio/aac", Audio, ".aac", true, false, nil},
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

// UploadTypes lists the media types that Process accepts, for the instance's
// description.
func UploadTypes() []string {
	var names []string
	for _, t := range fileTypes {
		if t.upload {
			names = append(names, t.name)
		}
	}
	return names
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
		"This kind of file can't be used. Take JPEG, PNG, GIF or WebP for pictures, MP4 or WebM for video, MP3, Ogg, FLAC or WAV for sound.")
}

func unreadable(err error) error {
	return fault.Because(err, fault.Invalid, "The file is damaged or is not what it seems. Save it anew and try again.")
}
