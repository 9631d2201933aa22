package pipeline

import (
	"testing"

	"kenoma/internal/vocab"
)

func TestMediaKind(t *testing.T) {
	for _, tt := range []struct {
		name string
		a    vocab.Attachment
		want string
	}{
		{"by its media type", vocab.Attachment{Type: "Document", MediaType: "video/webm", URL: "https://b.test/x.jpg"}, "video"},
		{"by its type", vocab.Attachment{Type: "Audio", MediaType: "application/ogg", URL: "https://b.test/x"}, "audio"},
		{"by its address", vocab.Attachment{Type: "Document", URL: "https://b.test/a/x.MP4?size=1"}, "video"},
		{"by its address, as bytes", vocab.Attachment{Type: "Document", MediaType: "application/octet-stream", URL: "https://b.test/x.opus"}, "audio"},
		{"by nothing", vocab.Attachment{Type: "Document", URL: "https://b.test/x"}, "unknown"},
		{"a text", vocab.Attachment{Type: "Document", MediaType: "application/pdf", URL: "https://b.test/x.jpg"}, "unknown"},
		{"a link to a picture", vocab.Attachment{Type: "Link", URL: "https://b.test/x.jpg"}, "image"},
		{"a link to a page", vocab.Attachment{Type: "Link", MediaType: "text/html", URL: "https://b.test/x"}, ""},
	} {
		if got := mediaKind(&tt.a); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
