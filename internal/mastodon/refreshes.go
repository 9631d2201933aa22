package mastodon

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"kenoma/internal/pipeline"
	"kenoma/internal/store"
)

// refreshEvery is how often the answers to one post are looked for elsewhere.
const refreshEvery = 15 * time.Minute

// maxRefreshes bounds how many posts are remembered for that.
const maxRefreshes = 5000

// refreshes remembers for which posts answers were looked for lately.
type refreshes struct {
	mu   sync.Mutex
	last map[int64]time.Time
}

// due tells whether it is time again for a post, and takes note.
func (r *refreshes) due(post int64, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.last[post]) < refreshEvery {
		return false
	}
	if r.last == nil || len(r.last) >= maxRefreshes {
		r.last = map[int64]time.Time{}
	}
	r.last[post] = now
	return true
}

const refreshPrefix = "context-"

// refreshContext has the answers to a post of another server looked for, and tells the
// app where to ask whether that is done.
//
// spec: masto:methods/statuses#context, masto:methods/async_refreshes
func (api *API) refreshContext(r *Request, st *store.Status) error {
	if r.User == nil || st.Local || st.BoostOf != 0 {
		return nil
	}
	running, err := api.DB.JobWaits(r.Context(), pipeline.RepliesUniq(st.ID))
	if err != nil {
		return err
	}
	if !running {
		if !api.refreshed.due(st.ID, api.Now()) {
			return nil
		}
		if running, err = api.Pipeline.SeekReplies(r.Context(), st.ID); err != nil || !running {
			return err
		}
	}
	r.header.Set("Mastodon-Async-Refresh", fmt.Sprintf(`id="%s%d", retry=3`, refreshPrefix, st.ID))
	return nil
}

// asyncRefresh is the entity.
//
// spec: masto:entities/AsyncRefresh
type asyncRefresh struct {
	ID          string `json:"id"`
	Status      string `json:"status"`
	ResultCount *int   `json:"result_count"`
}

// spec: masto:methods/async_refreshes#show
var _ = route("GET /api/v1_alpha/async_refreshes/{id}", "read",
	func(api *API, r *Request) (any, error) {
		number, ok := strings.CutPrefix(r.PathValue("id"), refreshPrefix)
		if !ok {
			return nil, errNotFound()
		}
		st, err := api.visiblePost(r.Context(), r.User, number)
		if err != nil {
			return nil, err
		}
		running, err := api.DB.JobWaits(r.Context(), pipeline.RepliesUniq(st.ID))
		if err != nil {
			return nil, err
		}
		state := asyncRefresh{ID: r.PathValue("id"), Status: "finished"}
		if running {
			state.Status = "running"
		}
		return map[string]any{"async_refresh": state}, nil
	})
