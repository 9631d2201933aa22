package mastodon

import (
	"context"
	"encoding/json"
	"slices"

	"kenoma/internal/store"
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

// drawReport draws a report with the account that it is about.
func (api *API) drawReport(ctx context.Context, rep *store.Report) (*reportEntity, error) {
	faces, err := api.people(ctx, []int64{rep.Target})
	if err != nil {
		return nil, err
	}
	target := faces[rep.Target]
	if target == nil {
		return nil, errNotFound()
	}
	return &reportEntity{ID: itoa(rep.ID), Taken: rep.Resolved != 0, TakenAt: isoTime(rep.Resolved), Category: rep.Category, Comment: rep.Comment, Forwarded: rep.Forward,
		Created: isoTime(rep.Created), Statuses: texts(rep.Statuses), Rules: texts(rep.Rules), Collections: texts(rep.Collections), Target: json.RawMessage(target.json)}, nil
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
		rep := store.Report{Rules: r.IDs("rule_ids"), Collections: r.IDs("collection_ids"), Comment: r.String("comment"), Category: orElse(r.String("category"), "other"), Forward: r.Bool("forward", false)}
		if len(rep.Rules) > maxReported || len(rep.Collections) > maxReported {
			return nil, invalidField("Rules or collections are too many (maximum is %d)", maxReported)
		}
		if len(rep.Rules) > 0 && r.String("category") == "" {
			rep.Category = "violation"
		}
		if rep.Category != "violation" {
			rep.Rules = nil
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
		if err := api.Pipeline.Report(ctx, r.User, target, &rep); err != nil {
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
