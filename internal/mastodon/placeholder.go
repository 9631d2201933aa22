package mastodon

import (
	"io"
	"net/http"
)

// What stands in for the avatar and header of those who have none. Apps load them
// like any picture.
var placeholders = map[string]string{
	"avatar": `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96"><rect width="96" height="96" fill="#8a94a6"/><circle cx="48" cy="37" r="17" fill="#fff"/><path d="M14 96c0-21 15-34 34-34s34 13 34 34z" fill="#fff"/></svg>`,
	"header": `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1500 500" width="1500" height="500"><defs><linearGradient id="g" x2="1" y2="1"><stop stop-color="#5b6b8c"/><stop offset="1" stop-color="#8a94a6"/></linearGradient></defs><rect width="1500" height="500" fill="url(#g)"/></svg>`,
}

func init() {
	for name, svg := range placeholders {
		endpoints = append(endpoints, endpoint{pattern: "GET /api/kenoma/" + name + ".svg", raw: func(_ *API, w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", "image/svg+xml")
			h.Set("Cache-Control", "public, max-age=604800")
			h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
			io.WriteString(w, svg)
		}})
	}
}
