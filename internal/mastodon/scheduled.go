package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
)

// minSchedule is how far ahead a post must be scheduled.
//
// spec: masto:methods/statuses#create (scheduled_at)
const minSchedule = 5 * time.Minute

// scheduledPoll is the poll of a scheduled post.
type scheduledPoll struct {
	Options    []string `json:"options"`
	ExpiresIn  int64    `json:"expires_in"` // Seconds.
	Multiple   bool     `json:"multiple"`
	HideTotals bool     `json:"hide_totals"`
}

// scheduledParams is what a scheduled post will say.
//
// spec: masto:entities/ScheduledStatus#params
type scheduledParams struct {
	Text          string         `json:"text"`
	Poll          *scheduledPoll `json:"poll"`
	MediaIDs      []string       `json:"media_ids"`
	Sensitive     bool           `json:"sensitive"`
	SpoilerText   string         `json:"spoiler_text"`
	Visibility    string         `json:"visibility"`
	InReplyTo     *int64         `json:"in_reply_to_id"`
	Language      *string        `json:"language"`
	Application   int64          `json:"application_id"`
	ScheduledAt   *string        `json:"scheduled_at"` // Always null.
	Idempotency   *string        `json:"idempotency"`
	WithRateLimit bool           `json:"with_rate_limit"`
}

// scheduledDraft is what is kept of a scheduled post.
type scheduledDraft struct {
	scheduledParams
	Quoted      *int64 `json:"quoted_status_id,omitempty"`
	QuotePolicy string `json:"quote_approval_policy,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	LocalOnly   bool   `json:"local_only,omitempty"`
	App         string `json:"app,omitempty"`
	AppURL      string `json:"app_url,omitempty"`
}

// scheduledStatus is the entity.
//
// spec: masto:entities/ScheduledStatus
type scheduledStatus struct {
	ID               string          `json:"id"`
	ScheduledAt      string          `json:"scheduled_at"`
	Params           scheduledParams `json:"params"`
	MediaAttachments json.RawMessage `json:"media_attachments"`
}

// scheduledAt reads when a post is to be published; zero: at once, which a time in
// the past means too.
func (api *API) scheduledAt(r *Request) (time.Time, error) {
	text := r.String("scheduled_at")
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, invalidField("Scheduled at is not a date")
	}
	now := api.Now()
	switch {
	case !at.After(now):
		return time.Time{}, nil
	case at.Before(now.Add(minSchedule)):
		return at, invalidField("Scheduled at The scheduled date must be in the future")
	}
	return at, nil
}

// roomToSchedule refuses more scheduled posts than the admin allows, in all or on one
// day (UTC).
func (api *API) roomToSchedule(ctx context.Context, tx *store.Tx, s store.Scheduled) error {
	day := time.UnixMilli(s.RunAt).UTC().Truncate(24 * time.Hour)
	all, thatDay, err := tx.CountScheduled(ctx, s.Actor, s.ID, day.UnixMilli(), day.Add(24*time.Hour).UnixMilli())
	switch {
	case err != nil:
		return err
	case all >= api.Settings.Scheduled:
		return invalidField("You have exceeded the limit of %d scheduled posts", api.Settings.Scheduled)
	case thatDay >= api.Settings.ScheduledDaily:
		return invalidField("You have exceeded the limit of %d scheduled posts for that day", api.Settings.ScheduledDaily)
	}
	return nil
}

// schedule keeps a draft, which was checked like any, until it is due.
func (api *API) schedule(r *Request, d *pipeline.Draft, at time.Time) (any, error) {
	ctx := r.Context()
	p := paramsOf(r, d)
	body, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	row := store.Scheduled{ID: api.Pipeline.NewID(), Actor: r.User.ID, RunAt: at.UnixMilli(), Params: string(body)}
	err = api.DB.Write(ctx, func(tx *store.Tx) error {
		if d.Key != "" {
			if err := tx.Remember(ctx, r.User.ID, d.Key, row.ID, api.Now().UnixMilli()); err != nil {
				return err
			}
		}
		if err := api.roomToSchedule(ctx, tx, row); err != nil {
			return err
		}
		if err := tx.AttachUploads(ctx, r.User.ID, row.ID, r.IDs("media_ids")); err != nil {
			return err
		}
		return tx.SetScheduled(ctx, row)
	})
	if errors.Is(err, store.ErrExists) { // The same key at the same moment.
		if row.ID, err = api.DB.Idempotent(ctx, r.User.ID, d.Key); err == nil {
			return api.drawKeyed(r, row.ID)
		}
	}
	if err != nil {
		return nil, err
	}
	return api.drawScheduled(ctx, &row)
}

// paramsOf is what a draft said.
func paramsOf(r *Request, d *pipeline.Draft) scheduledDraft {
	p := scheduledDraft{scheduledParams: scheduledParams{Text: d.Text, Sensitive: d.Sensitive, SpoilerText: d.Spoiler, Visibility: orElse(d.Visibility, "public"), MediaIDs: []string{}},
		QuotePolicy: d.QuotePolicy, ContentType: d.ContentType, LocalOnly: d.LocalOnly, App: d.App, AppURL: d.AppURL}
	for _, m := range d.Media {
		p.MediaIDs = append(p.MediaIDs, itoa(m.ID))
	}
	if d.Poll != nil {
		p.Poll = &scheduledPoll{Options: d.Poll.Options, ExpiresIn: int64(d.Poll.Expires / time.Second), Multiple: d.Poll.Multiple}
	}
	if d.Language != "" {
		p.Language = &d.Language
	}
	if d.InReplyTo != 0 {
		p.InReplyTo = &d.InReplyTo
	}
	if d.Quote != 0 {
		p.Quoted = &d.Quote
	}
	if d.Key != "" {
		p.Idempotency = &d.Key
	}
	if r.Session.App != nil {
		p.Application = r.Session.App.ID
	}
	return p
}

// drawKeyed draws what an Idempotency-Key made: a post, or one for later.
func (api *API) drawKeyed(r *Request, id int64) (any, error) {
	row, err := api.DB.Scheduled(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return api.drawStatus(r, id)
	} else if err != nil {
		return nil, err
	}
	return api.drawScheduled(r.Context(), row)
}

func (api *API) drawScheduled(ctx context.Context, row *store.Scheduled) (*scheduledStatus, error) {
	list, err := api.drawAllScheduled(ctx, row.Actor, []store.Scheduled{*row})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// drawAllScheduled draws scheduled posts of one account.
func (api *API) drawAllScheduled(ctx context.Context, owner int64, rows []store.Scheduled) ([]*scheduledStatus, error) {
	list := []*scheduledStatus{}
	var files []int64
	for _, row := range rows {
		s := &scheduledStatus{ID: itoa(row.ID), ScheduledAt: *isoTime(row.RunAt)}
		if err := json.Unmarshal([]byte(row.Params), &s.Params); err != nil {
			return nil, err
		}
		files = append(files, parseIDs(s.Params.MediaIDs)...)
		list = append(list, s)
	}
	uploads := map[int64]*store.Upload{}
	if len(files) > 0 {
		var err error
		if uploads, err = api.DB.Uploads(ctx, owner, files); err != nil {
			return nil, err
		}
	}
	for _, s := range list {
		var drawn [][]byte
		for _, id := range parseIDs(s.Params.MediaIDs) {
			if u := uploads[id]; u != nil {
				m := api.Pipeline.Attachment(u)
				drawn = append(drawn, api.draw.appendMedia(nil, &m))
			}
		}
		s.MediaAttachments = appendAll(nil, drawn)
	}
	return list, nil
}

func parseIDs(texts []string) []int64 {
	var ids []int64
	for _, text := range texts {
		if id, err := parseID(text); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// ownScheduled returns the scheduled post that a request names.
func (api *API) ownScheduled(r *Request) (*store.Scheduled, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	row, err := api.DB.Scheduled(r.Context(), id)
	if err == nil && row.Actor != r.User.ID {
		err = errNotFound()
	}
	return row, err
}

// spec: masto:methods/scheduled_statuses
var (
	_ = route("GET /api/v1/scheduled_statuses", "read:statuses", func(api *API, r *Request) (any, error) {
		page, err := r.page(somePosts)
		if err != nil {
			return nil, err
		}
		rows, err := api.DB.ScheduledOf(r.Context(), r.User.ID, page)
		if err != nil {
			return nil, err
		}
		if len(rows) > 0 {
			r.links(prevByMin, rows[0].ID, rows[len(rows)-1].ID, len(rows) == page.Limit || page.Min != 0)
		}
		return api.drawAllScheduled(r.Context(), r.User.ID, rows)
	})
	_ = route("GET /api/v1/scheduled_statuses/{id}", "read:statuses", func(api *API, r *Request) (any, error) {
		row, err := api.ownScheduled(r)
		if err != nil {
			return nil, err
		}
		return api.drawScheduled(r.Context(), row)
	})
	_ = route("PUT /api/v1/scheduled_statuses/{id}", "write:statuses", func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		row, err := api.ownScheduled(r)
		if err != nil {
			return nil, err
		}
		at, err := api.scheduledAt(r)
		if err != nil {
			return nil, err
		}
		if at.IsZero() {
			return nil, invalidField("Scheduled at The scheduled date must be in the future")
		}
		row.RunAt = at.UnixMilli()
		err = api.DB.Write(ctx, func(tx *store.Tx) error {
			if _, err := tx.Scheduled(ctx, row.ID); err != nil {
				return err // Published meanwhile.
			}
			if err := api.roomToSchedule(ctx, tx, *row); err != nil {
				return err
			}
			return tx.SetScheduled(ctx, *row)
		})
		if err != nil {
			return nil, err
		}
		return api.drawScheduled(ctx, row)
	})
	_ = route("DELETE /api/v1/scheduled_statuses/{id}", "write:statuses", func(api *API, r *Request) (any, error) {
		row, err := api.ownScheduled(r)
		if err != nil {
			return nil, err
		}
		return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.TakeScheduled(r.Context(), row.ID) })
	})
)

// publishScheduled is the job: it publishes a post that is due, once, since the row
// goes in the transaction of the post.
func (api *API) publishScheduled(ctx context.Context, j store.Job) error {
	var id int64
	if err := json.Unmarshal(j.Payload, &id); err != nil {
		return fault.Because(err, fault.Malformed, "The job's payload can't be read.")
	}
	row, err := api.DB.Scheduled(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil // Published, or called off.
	} else if err != nil {
		return err
	}
	if row.RunAt > api.Now().UnixMilli() { // Put off.
		return api.DB.Write(ctx, func(tx *store.Tx) error { return tx.EnqueueScheduled(ctx, *row) })
	}
	err = api.publish(ctx, row)
	if err == nil || fault.Retryable(err) || errors.Is(err, store.ErrNotFound) && fault.KindOf(err) == fault.Internal {
		return err
	}
	api.Log.Warn("scheduled post given up", "id", id, "err", err)
	return api.DB.Write(ctx, func(tx *store.Tx) error { return tx.TakeScheduled(ctx, id) })
}

// publish makes a post of a scheduled one. What it was to answer or quote may be gone
// by now: it appears without.
func (api *API) publish(ctx context.Context, row *store.Scheduled) error {
	var p scheduledDraft
	if err := json.Unmarshal([]byte(row.Params), &p); err != nil {
		return fault.Because(err, fault.Malformed, "The scheduled post can't be read.")
	}
	by, err := api.DB.Actor(ctx, row.Actor)
	if err != nil {
		return err
	}
	account, err := api.DB.Account(ctx, row.Actor)
	if err != nil {
		return err
	}
	if by.Deleted != 0 || by.Suspended != 0 || account.Disabled != 0 {
		return fault.New(fault.Denied, "The account can't post.")
	}
	d := pipeline.Draft{Text: p.Text, ContentType: p.ContentType, Spoiler: p.SpoilerText, Sensitive: p.Sensitive, Visibility: p.Visibility,
		LocalOnly: p.LocalOnly, QuotePolicy: p.QuotePolicy, App: p.App, AppURL: p.AppURL, Scheduled: row.ID}
	if p.Language != nil {
		d.Language = *p.Language
	}
	if p.Poll != nil {
		d.Poll = &pipeline.DraftPoll{Options: p.Poll.Options, Multiple: p.Poll.Multiple, Expires: time.Duration(p.Poll.ExpiresIn) * time.Second}
	}
	if d.Emoji, err = api.usedEmoji(ctx, d.Text+" "+d.Spoiler); err != nil {
		return err
	}
	if d.Media, err = api.attachments(ctx, by, parseIDs(p.MediaIDs), row.ID); err != nil {
		return err
	}
	for _, one := range []struct {
		asked *int64
		to    *int64
	}{{p.InReplyTo, &d.InReplyTo}, {p.Quoted, &d.Quote}} {
		if one.asked == nil {
			continue
		}
		st, err := api.DB.Status(ctx, *one.asked)
		if errors.Is(err, store.ErrNotFound) {
			continue
		} else if err != nil {
			return err
		}
		if ok, err := api.DB.Visible(ctx, st, by); err != nil {
			return err
		} else if ok {
			*one.to = st.ID
		}
	}
	_, err = api.Pipeline.Post(ctx, by, d)
	if fault.Is(err, fault.NotFound) && d.Quote != 0 { // Not quotable any more.
		d.Quote = 0
		_, err = api.Pipeline.Post(ctx, by, d)
	}
	return err
}
