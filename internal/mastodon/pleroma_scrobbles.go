package mastodon

import (
	"context"
	"encoding/json"
	"strings"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// scrobble is what somebody listened to.
//
// spec: pleroma:scrobble
type scrobble struct {
	ID      string          `json:"id"`
	Account json.RawMessage `json:"account"`
	Created *string         `json:"created_at"`
	Title   string          `json:"title"`
	Artist  string          `json:"artist"`
	Album   string          `json:"album"`
	Length  int64           `json:"length"`
	Link    *string         `json:"externalLink"`
	URL     *string         `json:"url"` // The same, as newer apps call it.
}

func (api *API) drawScrobbles(ctx context.Context, of int64, list []store.Scrobble) ([]scrobble, error) {
	faces, err := api.people(ctx, []int64{of})
	if err != nil {
		return nil, err
	}
	drawn := make([]scrobble, 0, len(list))
	for _, s := range list {
		if face := faces[of]; face != nil && !face.suspended {
			drawn = append(drawn, scrobble{itoa(s.Seq), face.json, isoTime(vocab.TimeOf(s.Seq).UnixMilli()), s.Title, s.Artist, s.Album, s.Length, orNil(string(s.Link)), orNil(string(s.Link))})
		}
	}
	return drawn, nil
}

// maxTrackText is how long each text of a scrobble of ours may be, in bytes.
const maxTrackText = 500

// spec: pleroma:scrobbles
var (
	_ = route("GET /api/v1/pleroma/accounts/{id}/scrobbles", "?read", func(api *API, r *Request) (any, error) {
		a, err := api.target(r)
		if err != nil {
			return nil, err
		}
		page, err := r.page(somePosts)
		if err != nil {
			return nil, err
		}
		list, err := api.DB.Scrobbles(r.Context(), a.ID, page)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			r.links(prevByMin, list[0].Seq, list[len(list)-1].Seq, len(list) == page.Limit || page.Min != 0)
		}
		return api.drawScrobbles(r.Context(), a.ID, list)
	})
	_ = route("POST /api/v1/pleroma/scrobble", "write", func(api *API, r *Request) (any, error) {
		t := vocab.Track{Title: strings.TrimSpace(r.String("title")), Artist: strings.TrimSpace(r.String("artist")), Album: strings.TrimSpace(r.String("album"))}
		if t.Title == "" {
			return nil, invalidField("Title can't be blank")
		}
		if max(len(t.Title), len(t.Artist), len(t.Album)) > maxTrackText {
			return nil, invalidField("Title, artist and album can have %d letters", maxTrackText)
		}
		length, err := r.Int("length", 0)
		if err != nil {
			return nil, err
		}
		t.Length = min(max(0, length), 1<<31-1)
		if link := vocab.IRI(orElse(r.String("externalLink"), r.String("external_link"))); link != "" {
			if link.Valid() != nil {
				return nil, invalidField("The link is not an address")
			}
			t.Link = link
		}
		seq, err := api.Pipeline.Listened(r.Context(), r.User, t)
		if err != nil {
			return nil, err
		}
		drawn, err := api.drawScrobbles(r.Context(), r.User.ID, []store.Scrobble{{Actor: r.User.ID, Seq: seq, Track: t}})
		if err != nil || len(drawn) == 0 {
			return nil, err
		}
		return drawn[0], nil
	})
)
