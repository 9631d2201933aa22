package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"kenoma/internal/store"
	"kenoma/internal/stream"
)

// reportCategories are why something may be reported.
var reportCategories = []string{"spam", "legal", "violation", "other"}

// Bounds of a report.
const (
	maxReportComment = 1000 // Characters.
	maxReported      = 100  // Statuses.
)

// reportEntity is Report.
//
// spec: masto:entities/Report
type reportEntity struct {
	ID          string   `json:"id"`
	Taken       bool     `json:"action_taken"`
	TakenAt     *string  `json:"action_taken_at"`
	Category    string   `json:"category"`
	Comment     string   `json:"comment"`
	Forwarded   bool     `json:"forwarded"`
	Created     *string  `json:"created_at"`
	Statuses    []string `json:"status_ids"`
	Rules       []string `json:"rule_ids"`
	Collections []string `json:"collection_ids"`
	Target      any      `json:"target_account"`
}

// drawReport draws a report with the account that it is about. Reports are not sent
// to other servers yet, so none says forwarded.
func (api *API) drawReport(ctx context.Context, rep *store.Report) (*reportEntity, error) {
	faces, err := api.people(ctx, []int64{rep.Target})
	if err != nil {
		return nil, err
	}
	target := faces[rep.Target]
	if target == nil {
		return nil, errNotFound()
	}
	e := &reportEntity{ID: itoa(rep.ID), Taken: rep.Resolved != 0, TakenAt: isoTime(rep.Resolved), Category: rep.Category, Comment: rep.Comment,
		Created: isoTime(rep.Created), Statuses: []string{}, Target: json.RawMessage(target.json)}
	for _, id := range rep.Statuses {
		e.Statuses = append(e.Statuses, itoa(id))
	}
	return e, nil
}

// notifiedReport draws the report that a notification is about, nil when it is gone.
func (api *API) notifiedReport(ctx context.Context, id int64) ([]byte, error) {
	rep, err := api.DB.Report(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	e, err := api.drawReport(ctx, rep)
	if err != nil {
		return nil, err
	}
	return marshal(e)
}

// A report is kept for the moderators, who are notified.
//
// spec: masto:methods/reports#post
var _ = route("POST /api/v1/reports", "write:reports",
	func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		id, err := r.ID("account_id")
		if err != nil {
			return nil, err
		}
		target, err := api.DB.Actor(ctx, id)
		if err != nil {
			return nil, err
		}
		rep := store.Report{Reporter: r.User.ID, Target: target.ID, Comment: r.String("comment"), Category: orElse(r.String("category"), "other"), Forward: r.Bool("forward", false)}
		if len(r.Strings("rule_ids")) > 0 {
			rep.Category = "violation"
		}
		if !slices.Contains(reportCategories, rep.Category) {
			return nil, invalidField("Category is not included in the list")
		}
		if len([]rune(rep.Comment)) > maxReportComment {
			return nil, invalidField("Comment is too long (maximum is %d characters)", maxReportComment)
		}
		if rep.Statuses, err = api.reported(r, target); err != nil {
			return nil, err
		}
		if err := api.keepReport(ctx, &rep); err != nil {
			return nil, err
		}
		return api.drawReport(ctx, &rep)
	})

// reported returns the statuses that a request names, all of the account and for the
// reporter's eyes.
func (api *API) reported(r *Request, target *store.Actor) ([]int64, error) {
	ids := r.IDs("status_ids")
	if len(ids) > maxReported {
		return nil, invalidField("Statuses are too many (maximum is %d)", maxReported)
	}
	ids, err := api.readable(r.Context(), r.User, ids)
	if err != nil {
		return nil, err
	}
	rows, err := api.DB.Statuses(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(ids, func(id int64) bool { return rows[id] == nil || rows[id].Actor != target.ID }), nil
}

// keepReport stores a report and notifies the staff, but for who reports.
func (api *API) keepReport(ctx context.Context, rep *store.Report) error {
	var told []int64
	err := api.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.InsertReport(ctx, rep); err != nil {
			return err
		}
		staff, err := tx.StaffWith(ctx, store.ManageReports)
		if err != nil {
			return err
		}
		told = told[:0]
		for _, id := range staff {
			if id == rep.Reporter {
				continue
			}
			n := store.Notification{Owner: id, ID: rep.ID, Kind: store.KindNamed("admin.report"), Actor: rep.Reporter}
			if _, err := tx.AddNotification(ctx, n); err != nil {
				return err
			}
			told = append(told, id)
		}
		return nil
	})
	if err != nil || api.Hub == nil {
		return err
	}
	for _, id := range told {
		api.Hub.Publish(stream.Event{Kind: "notification", Notification: rep.ID, Author: rep.Reporter, Home: []int64{id}})
	}
	return nil
}
