package activitypub

import (
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"kenoma/internal/vocab"
)

// The media types of ActivityStreams documents.
//
// spec: as2-core#media-type, ap#retrieving-objects
const (
	activityJSON = "application/activity+json"
	linkedJSON   = "application/ld+json"
)

// Wants tells whether a request asks for an ActivityPub document rather than for a
// page: such a type is accepted, and at least as much as HTML. Whoever takes
// anything gets the page.
//
// spec: ap#retrieving-objects, rfc9110#section-12.5.1
func Wants(r *http.Request) bool {
	document, page := accepts(r)
	return document > 0 && document >= page
}

// prefersPage tells whether a request names HTML and likes it better.
func prefersPage(r *http.Request) bool {
	document, page := accepts(r)
	return page > document
}

// maxAccept bounds how many types of an Accept header are looked at.
const maxAccept = 32

// accepts returns how much documents and HTML are wanted, from 0 to 1. Types that
// are not named, as in */*, count for neither.
func accepts(r *http.Request) (document, page float64) {
	n := 0
	for _, header := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(quoteSafe(header), ",") {
			if n++; n > maxAccept {
				return document, page
			}
			kind, params, err := mime.ParseMediaType(part)
			if err != nil {
				continue
			}
			q := 1.0
			if text, ok := params["q"]; ok {
				if q, err = strconv.ParseFloat(text, 64); err != nil || q < 0 || q > 1 {
					continue
				}
			}
			switch kind {
			case activityJSON, linkedJSON:
				document = max(document, q)
			case "text/html", "application/xhtml+xml":
				page = max(page, q)
			}
		}
	}
	return document, page
}

// quoteSafe drops quoted parameters, whose commas would be taken for separators.
func quoteSafe(header string) string {
	if !strings.Contains(header, `"`) {
		return header
	}
	var b strings.Builder
	for i, part := range strings.Split(header, `"`) {
		if i%2 == 0 {
			b.WriteString(part)
		} else {
			b.WriteString("x")
		}
	}
	return b.String()
}

// audience says who may keep a copy of an answer.
type audience int

const (
	forAll  audience = iota // A cache between us may keep it for a moment.
	forOne                  // Only whoever signed the request may have it.
	forLong                 // It hardly changes.
)

// caching is what each audience means in a header. A moment only: an edit is
// announced at once, and whoever then comes must not find the old version.
var caching = map[audience]string{
	forAll:  "public, max-age=30",
	forOne:  "private, no-store",
	forLong: "public, max-age=3600",
}

// document answers with an ActivityStreams document.
func (h *Handler) document(w http.ResponseWriter, r *http.Request, status int, body []byte, to audience) error {
	if h.AuthorizedFetch && to == forAll {
		to = forOne
	}
	w.Header().Set("Vary", "Accept, Signature")
	return answer(w, r, status, activityJSON+"; charset=utf-8", body, to)
}

// answer sends a body of any type; 304 where the asker has it already.
func answer(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte, to audience) error {
	head := w.Header()
	head.Set("Content-Type", contentType)
	head.Set("Cache-Control", caching[to])
	head.Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusOK && to != forOne {
		sum := sha256.Sum256(body)
		tag := `"` + hex.EncodeToString(sum[:12]) + `"`
		head.Set("ETag", tag)
		if matches(r.Header.Get("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	head.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) // A reader who has gone is no error of ours.
	}
	return nil
}

// matches compares an If-None-Match header with a tag.
//
// spec: rfc9110#section-13.1.2
func matches(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == tag || one == "*" {
			return true
		}
	}
	return false
}

// tombstone answers that something of ours was deleted.
//
// spec: ap#delete-activity-outbox
func (h *Handler) tombstone(w http.ResponseWriter, r *http.Request, id vocab.IRI, formerType string, deleted int64) error {
	o := &vocab.Object{ID: id, Type: "Tombstone", FormerType: formerType, Deleted: msTime(deleted), RepliesCount: -1, LikesCount: -1, SharesCount: -1}
	return h.document(w, r, http.StatusGone, o.Encode(), forAll)
}
