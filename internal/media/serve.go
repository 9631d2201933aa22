package media

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// sandbox keeps a file that is opened by itself from doing anything; the styles
// are those of the browser's own picture view.
const sandbox = "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; sandbox"

// Serve answers r with the file under key. contentType is what it was stored as:
// what is no picture, video or sound that browsers show safely is a download of
// unknown type. Ranges and conditions work as usual. The answer may be kept for
// good by everybody, since a file never changes.
//
// An error (NotFound, if there is no file) is returned before anything is written.
func Serve(w http.ResponseWriter, r *http.Request, s Storage, key, contentType string) error {
	f, info, err := s.Open(r.Context(), key)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	w.Header().Set("ETag", `"`+key+`"`)
	ServeContent(w, r, f, contentType, info.Modified, 365*24*time.Hour)
	return nil
}

// ServeContent is Serve for an open file, such as one of Cache; maxAge is how long
// others may keep it. modified may be zero.
func ServeContent(w http.ResponseWriter, r *http.Request, content io.ReadSeeker, contentType string, modified time.Time, maxAge time.Duration) {
	h := w.Header()
	if typeNamed(contentType) == nil {
		contentType = "application/octet-stream"
		h.Set("Content-Disposition", "attachment")
	} else {
		h.Set("Content-Disposition", "inline")
	}
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", sandbox)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // Web apps live on other hosts.
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d, immutable", int64(maxAge/time.Second)))
	http.ServeContent(w, r, "", modified, content)
}
