package mastodon

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// attachment draws an upload as it will stand in a post.
func (api *API) attachment(u *store.Upload) json.RawMessage {
	m := api.Pipeline.Attachment(u)
	return api.draw.appendMedia(nil, &m)
}

// upload takes a file in. With wait it is ready then.
func (api *API) upload(r *Request, wait bool) (*store.Upload, error) {
	file := r.File("file")
	if file == nil {
		return nil, fault.New(fault.Invalid, "Validation failed: File can't be blank")
	}
	if api.Uploads == nil {
		return nil, fault.New(fault.Unsupported, "This server takes no uploads.")
	}
	u := &store.Upload{ID: api.Pipeline.NewID(), Owner: r.User.ID, Created: api.Now().UnixMilli()}
	if err := api.describe(r, u); err != nil {
		return nil, err
	}
	in, err := file.Open()
	if err != nil {
		return nil, err
	}
	thumbnail, err := opened(r.File("thumbnail"))
	if err != nil {
		return nil, err
	}
	return u, api.Uploads.Add(r.Context(), u, in, thumbnail, wait)
}

// opened reads a file that may be missing; then it is nil.
func opened(file *Upload) (io.Reader, error) {
	if file == nil {
		return nil, nil
	}
	return file.Open()
}

// describe reads description and focus.
func (api *API) describe(r *Request, u *store.Upload) error {
	if r.Has("description") {
		u.Description = cutRunes(r.String("description"), api.Settings.DescriptionCharacters)
	}
	if s := r.String("focus"); s != "" {
		focus, ok := parseFocus(s)
		if !ok {
			return fault.New(fault.Invalid, "Validation failed: Focus must be two numbers from -1 to 1")
		}
		u.Meta.Focus = focus
	}
	return nil
}

// ownUpload returns one of the person's own files that no post has yet.
func (api *API) ownUpload(r *Request) (*store.Upload, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, errNotFound()
	}
	u, err := api.DB.Upload(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) || err == nil && u.Owner != r.User.ID {
		return nil, errNotFound()
	}
	return u, err
}

// worked answers with an upload: 200 when it is ready, with waiting while a job works
// on it, 422 when that failed.
//
// spec: masto:methods/media#get
func (api *API) worked(u *store.Upload, waiting int) (any, error) {
	switch u.State {
	case store.UploadFailed:
		return nil, fault.New(fault.Invalid, "%s", u.Problem)
	case store.UploadWaiting:
		return answer{waiting, api.attachment(u)}, nil
	}
	return api.attachment(u), nil
}

// A file that takes its time (video, sound, an animation) is ready when v1 answers;
// v2 answers 202 without an address, and a job works on it.
//
// spec: masto:methods/media
var (
	_ = route("POST /api/v1/media", "write:media", func(api *API, r *Request) (any, error) {
		u, err := api.upload(r, true)
		if err != nil {
			return nil, err
		}
		return api.attachment(u), nil
	})
	_ = route("POST /api/v2/media", "write:media", func(api *API, r *Request) (any, error) {
		u, err := api.upload(r, false)
		if err != nil {
			return nil, err
		}
		return api.worked(u, http.StatusAccepted)
	})
	_ = route("GET /api/v1/media/{id}", "write:media", func(api *API, r *Request) (any, error) {
		u, err := api.ownUpload(r)
		if err != nil {
			return nil, err
		}
		return api.worked(u, http.StatusPartialContent)
	})
	_ = route("PUT /api/v1/media/{id}", "write:media", func(api *API, r *Request) (any, error) {
		u, err := api.ownUpload(r)
		if err != nil {
			return nil, err
		}
		if u.Status != 0 { // An edit of the post changes it then.
			return nil, errNotFound()
		}
		if err := api.describe(r, u); err != nil {
			return nil, err
		}
		thumbnail, err := opened(r.File("thumbnail"))
		if err != nil {
			return nil, err
		}
		if u, err = api.Uploads.Change(r.Context(), u, thumbnail); err != nil {
			return nil, err
		}
		return api.worked(u, http.StatusOK)
	})
	_ = route("DELETE /api/v1/media/{id}", "write:media", func(api *API, r *Request) (any, error) {
		u, err := api.ownUpload(r)
		if err != nil {
			return nil, err
		}
		if u.Status != 0 {
			return nil, fault.New(fault.Invalid, "Media attachment is currently used by a status")
		}
		if err := api.Uploads.Delete(r.Context(), u); err != nil {
			return nil, err
		}
		return empty, nil
	})
)
