package activitypub

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// ownInbox is GET /users/NAME/inbox, for the person alone: what came for them, newest
// first. That is what their home shows and what they were told of.
//
// spec: ap#inbox
func (h *Handler) ownInbox(w http.ResponseWriter, r *http.Request) error {
	one, err := h.client(r, "read:statuses", "read:notifications")
	if err != nil {
		return err
	}
	if err := h.count(w, one, ""); err != nil {
		return err
	}
	id := one.Actor.URI + "/inbox"
	page, wanted, err := askedPage(r, pageSize)
	if err != nil {
		return err
	}
	if !wanted {
		c := &vocab.Collection{ID: id, Type: "OrderedCollection", Total: -1, First: id + "?page=true"}
		return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c), forOne)
	}
	page.Min = 0 // It goes one way: back in time.
	rows, err := h.DB.Inbox(r.Context(), one.Actor.ID, page)
	if err != nil {
		return err
	}
	c := &vocab.Collection{ID: pageID(id, page), Type: "OrderedCollectionPage", Total: -1, PartOf: id}
	if len(rows) == pageSize {
		c.Next = pageID(id, store.Page{Max: rows[len(rows)-1].At})
	}
	items, err := h.arrived(r, rows)
	if err != nil {
		return err
	}
	return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c, items...), forOne)
}

// arrived are the activities of an inbox with their objects in them, as far as we
// have these.
func (h *Handler) arrived(r *http.Request, rows []store.InboxRow) ([]vocab.Item, error) {
	var ids []int64
	for _, row := range rows {
		if row.Type == "Create" || row.Type == "Update" {
			ids = append(ids, row.Object)
		}
	}
	objects, err := h.DB.Objects(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	items := []vocab.Item{}
	for _, row := range rows {
		doc := []byte(row.Activity)
		if o := objects[row.Object]; o != nil && (row.Type == "Create" || row.Type == "Update") {
			if o.Deleted != 0 {
				continue
			}
			inline, err := h.documentOf(r.Context(), o)
			if err != nil {
				return nil, err
			}
			if doc, err = vocab.WithObject(doc, inline); err != nil {
				return nil, err
			}
		}
		items = append(items, vocab.Item{Raw: doc})
	}
	return items, nil
}

// maxShell bounds the description of an upload, in bytes.
const maxShell = 64 << 10

// ownMedia is POST /users/NAME/media, the endpoint uploadMedia: a multipart form with
// the file and, before it, object: what is to be known of it (its name is the
// description). The answer is what a post takes as its attachment.
//
// spec: https://www.w3.org/wiki/SocialCG/ActivityPub/MediaUpload
func (h *Handler) ownMedia(w http.ResponseWriter, r *http.Request) error {
	one, err := h.client(r, "write:media")
	if err != nil {
		return err
	}
	if err := h.count(w, one, "POST /api/v1/media"); err != nil {
		return err
	}
	if h.Uploads == nil {
		return fault.New(fault.Unsupported, "This server takes no uploads.")
	}
	form, err := r.MultipartReader()
	if err != nil {
		return fault.Because(err, fault.Malformed, "Send a form of type multipart/form-data with the file.")
	}
	u := &store.Upload{ID: h.Pipeline.NewID(), Owner: one.Actor.ID, Created: h.Now().UnixMilli()}
	if err := h.takeForm(r, form, u); err != nil {
		return err
	}
	m := h.Pipeline.Attachment(u)
	shown := vocab.Attachment{Type: "Document", MediaType: m.Mime, URL: m.URL, Name: m.Description, Blurhash: m.Blurhash, Width: m.Width, Height: m.Height,
		Duration: m.Duration, Focus: m.Focus, Preview: m.Preview}
	w.Header().Set("Location", string(m.URL))
	return h.document(w, r, http.StatusCreated, vocab.EncodeAttachment(&shown), forOne)
}

// takeForm reads the parts of the form as they come; the file is kept when it does.
func (h *Handler) takeForm(r *http.Request, form *multipart.Reader, u *store.Upload) error {
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return fault.New(fault.Invalid, "The form has no part %q with the file.", "file")
		} else if err != nil {
			return fault.Because(err, fault.Malformed, "The form can't be read.")
		}
		switch part.FormName() {
		case "object":
			if err := h.describeUpload(part, u); err != nil {
				return err
			}
		case "file":
			return h.Uploads.Add(r.Context(), u, part, nil, true)
		}
	}
}

func (h *Handler) describeUpload(part io.Reader, u *store.Upload) error {
	text, err := io.ReadAll(io.LimitReader(part, maxShell+1))
	if err != nil || len(text) > maxShell {
		return fault.Because(err, fault.TooLarge, "The object may have up to %d bytes.", maxShell)
	}
	var shell struct {
		Name  string    `json:"name"`
		Focus []float64 `json:"focalPoint"`
	}
	if err := json.Unmarshal(bytes.TrimSpace(text), &shell); err != nil {
		return fault.Because(err, fault.Malformed, "The object can't be read.")
	}
	u.Description = cutRunes(shell.Name, h.Descriptions)
	if len(shell.Focus) == 2 && inside(shell.Focus[0]) && inside(shell.Focus[1]) {
		u.Meta.Focus = [2]float64{shell.Focus[0], shell.Focus[1]}
	}
	return nil
}

func inside(x float64) bool { return x >= -1 && x <= 1 }
