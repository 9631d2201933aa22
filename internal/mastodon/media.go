package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"kenoma/internal/fault"
	"kenoma/internal/media"
	"kenoma/internal/store"
)

// attachment draws an upload as it will stand in a post.
func (api *API) attachment(u *store.Upload) json.RawMessage {
	m := api.uploaded(u)
	return api.draw.appendMedia(nil, &m)
}

// upload takes a file in: what it is is decided by its bytes, pictures are made
// anew, and the row is written when the files are safe.
func (api *API) upload(r *Request) (*store.Upload, error) {
	file := r.File("file")
	if file == nil {
		return nil, fault.New(fault.Invalid, "Validation failed: File can't be blank")
	}
	if api.Media == nil {
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
	res, err := api.Media.Process(r.Context(), in, media.Options{Purpose: media.Attachment})
	if err != nil {
		return nil, err
	}
	defer res.Close()
	if err := api.keep(r.Context(), u, res); err != nil {
		return nil, err
	}
	return u, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.InsertUpload(r.Context(), u) })
}

// keep puts the files of an upload into the storage and completes its row.
func (api *API) keep(ctx context.Context, u *store.Upload, res *media.Result) error {
	var err error
	dir := strconv.FormatInt(u.ID, 10) + "/"
	u.File = dir + "original" + media.Extension(res.Original.Type)
	if err = api.put(ctx, u.File, &res.Original); err != nil {
		return err
	}
	if res.Preview != nil {
		u.Preview = dir + "small" + media.Extension(res.Preview.Type)
		if err = api.put(ctx, u.Preview, res.Preview); err != nil {
			return err
		}
	}
	u.Kind, u.Mime, u.Size = string(res.Kind), res.Original.Type, res.Original.Size
	u.Meta.Width, u.Meta.Height, u.Meta.Blurhash, u.Meta.Duration = res.Original.Width, res.Original.Height, res.Blurhash, res.Duration
	return nil
}

func (api *API) put(ctx context.Context, key string, f *media.File) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	return api.Storage.Put(ctx, key, in, f.Type)
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

func postMedia(api *API, r *Request) (any, error) {
	u, err := api.upload(r)
	if err != nil {
		return nil, err
	}
	return answer{http.StatusOK, api.attachment(u)}, nil
}

// Processing is quick, so that v2 answers 200 at once where Mastodon says 202.
//
// spec: masto:methods/media
var (
	_ = route("POST /api/v1/media", "write:media", postMedia)
	_ = route("POST /api/v2/media", "write:media", postMedia)
	_ = route("GET /api/v1/media/{id}", "write:media", func(api *API, r *Request) (any, error) {
		u, err := api.ownUpload(r)
		if err != nil {
			return nil, err
		}
		return api.attachment(u), nil
	})
	_ = route("PUT /api/v1/media/{id}", "write:media", func(api *API, r *Request) (any, error) {
		u, err := api.ownUpload(r)
		if err != nil {
			return nil, err
		}
		if err := api.describe(r, u); err != nil {
			return nil, err
		}
		if err := api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.UpdateUpload(r.Context(), u) }); err != nil {
			return nil, err
		}
		return api.attachment(u), nil
	})
	_ = route("DELETE /api/v1/media/{id}", "write:media", func(api *API, r *Request) (any, error) {
		u, err := api.ownUpload(r)
		if err != nil {
			return nil, err
		}
		if u.Status != 0 {
			return nil, fault.New(fault.Invalid, "Media attachment is currently used by a status")
		}
		if err := api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.DeleteUpload(r.Context(), u.ID) }); err != nil {
			return nil, err
		}
		for _, key := range []string{u.File, u.Preview} {
			if key != "" {
				if err := api.Storage.Delete(r.Context(), key); err != nil {
					api.Log.Warn("file of a deleted upload stays", "key", key, "err", err)
				}
			}
		}
		return empty, nil
	})
)
