package mastodon

import (
	"context"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// unsilenced leaves out, of a public timeline, posts of accounts that moderators
// silenced, unless the viewer follows them.
func (api *API) unsilenced(ctx context.Context, viewer *store.Actor, where string, list []*shown) ([]*shown, error) {
	if where != "public" {
		return list, nil
	}
	var ids []int64
	for _, s := range list {
		if s.silenced && (viewer == nil || s.row.Actor != viewer.ID) {
			ids = append(ids, s.row.Actor)
		}
	}
	if len(ids) == 0 {
		return list, nil
	}
	followed, err := api.followed(ctx, viewer, ids)
	if err != nil {
		return nil, err
	}
	kept := list[:0:0]
	for _, s := range list {
		if !s.silenced || followed[s.row.Actor] || viewer != nil && s.row.Actor == viewer.ID {
			kept = append(kept, s)
		}
	}
	return kept, nil
}

// followed tells which of these accounts the viewer follows.
func (api *API) followed(ctx context.Context, viewer *store.Actor, ids []int64) (map[int64]bool, error) {
	found := map[int64]bool{}
	if viewer == nil || len(ids) == 0 {
		return found, nil
	}
	relations, err := api.DB.Relations(ctx, viewer.ID, ids, api.Now().UnixMilli())
	if err != nil {
		return nil, err
	}
	for id, r := range relations {
		found[id] = r.Following
	}
	return found, nil
}

// notifiedExtra is what a notification is about beside accounts and statuses: the
// key and the JSON under it.
type notifiedExtra struct {
	key   string
	json  []byte
	emoji *drawnEmoji // Instead of both, of a reaction.
}

// notifiedExtras draws the reports, warnings and severed relationships that these
// notifications are about, by the notifications' ids.
//
// spec: masto:entities/Notification#report, #event, #moderation_warning
func (api *API) notifiedExtras(ctx context.Context, viewer *store.Actor, list []store.Notification) (map[int64]*notifiedExtra, error) {
	byKind := map[string][]int64{}
	var reactions []store.Notification
	for _, n := range list {
		name := store.KindName(n.Kind)
		byKind[name] = append(byKind[name], n.ID)
		if name == reactionKind {
			reactions = append(reactions, n)
		}
	}
	found := map[int64]*notifiedExtra{}
	if err := api.drawNotifiedReactions(ctx, reactions, found); err != nil {
		return nil, err
	}
	if err := api.drawNotifiedReports(ctx, byKind["admin.report"], found); err != nil {
		return nil, err
	}
	if len(byKind["move"]) > 0 {
		if err := api.movedNotifications(ctx, list, found); err != nil {
			return nil, err
		}
	}
	warnings, err := api.drawWarnings(ctx, byKind["moderation_warning"])
	if err != nil {
		return nil, err
	}
	for id, w := range warnings {
		if err := keepExtra(found, id, "moderation_warning", w); err != nil {
			return nil, err
		}
	}
	if ids := byKind["severed_relationships"]; len(ids) > 0 {
		events, err := api.DB.Severances(ctx, viewer.ID, ids)
		if err != nil {
			return nil, err
		}
		for id, e := range events {
			if err := keepExtra(found, id, "event", drawSeverance(e)); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// drawNotifiedReports adds the reports with these ids.
func (api *API) drawNotifiedReports(ctx context.Context, ids []int64, to map[int64]*notifiedExtra) error {
	reports, err := api.DB.ReportsNamed(ctx, ids)
	if err != nil {
		return err
	}
	var targets []int64
	for _, rep := range reports {
		targets = append(targets, rep.Target)
	}
	if _, err := api.people(ctx, targets); err != nil { // All at once, for the drawing.
		return err
	}
	for id, rep := range reports {
		drawn, err := api.drawReport(ctx, rep)
		if fault.Is(err, fault.NotFound) {
			continue
		} else if err != nil {
			return err
		}
		if err := keepExtra(to, id, "report", drawn); err != nil {
			return err
		}
	}
	return nil
}

func keepExtra(to map[int64]*notifiedExtra, id int64, key string, v any) error {
	b, err := marshal(v)
	to[id] = &notifiedExtra{key: key, json: b}
	return err
}

// ruled adds to an actor what the rule about its host says, at once, before a job has
// marked the accounts that are known of it.
func (api *API) ruled(a *store.Actor) {
	if a.Local {
		return
	}
	rule := api.Pipeline.Hosts.Of(a.Host)
	if rule.Suspend && a.Suspended == 0 {
		a.Suspended = max(rule.Since, 1)
	}
	if rule.Silence && a.Silenced == 0 {
		a.Silenced = max(rule.Since, 1)
	}
}

// withoutMedia leaves out the media of posts from hosts of which none is wanted.
func (api *API) withoutMedia(ctx context.Context, rows map[int64]*store.Status, contents map[int64]*store.Content) error {
	if !api.Pipeline.Hosts.AnyMedia() {
		return nil
	}
	var authors []int64
	for id, c := range contents {
		if row := rows[id]; row != nil && !row.Local && len(c.Media) > 0 {
			authors = append(authors, row.Actor)
		}
	}
	if len(authors) == 0 {
		return nil
	}
	actors, err := api.DB.Actors(ctx, authors)
	if err != nil {
		return err
	}
	for id, c := range contents {
		if row := rows[id]; row != nil && actors[row.Actor] != nil && api.Pipeline.Hosts.Of(actors[row.Actor].Host).RejectMedia {
			c.Media = nil
		}
	}
	return nil
}
