package mastodon

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"kenoma/internal/store"
)

// adminReport is a report as moderators see it.
//
// spec: masto:entities/Admin_Report
type adminReport struct {
	ID        string            `json:"id"`
	Taken     bool              `json:"action_taken"`
	TakenAt   *string           `json:"action_taken_at"`
	Category  string            `json:"category"`
	Comment   string            `json:"comment"`
	Forwarded bool              `json:"forwarded"`
	Created   *string           `json:"created_at"`
	Updated   *string           `json:"updated_at"`
	Account   *adminAccount     `json:"account"`
	Target    *adminAccount     `json:"target_account"`
	Assigned  *adminAccount     `json:"assigned_account"`
	Resolver  *adminAccount     `json:"action_taken_by_account"`
	Statuses  []json.RawMessage `json:"statuses"`
	Rules     []rule            `json:"rules"`
}

// drawAdminReports draws reports in their order.
func (api *API) drawAdminReports(ctx context.Context, viewer *store.Actor, list []store.Report) ([]*adminReport, error) {
	var who, posts []int64
	for _, one := range list {
		who = append(who, one.Reporter, one.Target)
		for _, id := range []int64{one.Assigned, one.Resolver} {
			if id != 0 {
				who = append(who, id)
			}
		}
		posts = append(posts, one.Statuses...)
	}
	slices.Sort(who)
	accounts, err := api.adminAccounts(ctx, slices.Compact(who))
	if err != nil {
		return nil, err
	}
	shown, err := api.show(ctx, viewer, posts)
	if err != nil {
		return nil, err
	}
	drawn := map[int64]json.RawMessage{}
	for _, s := range shown {
		drawn[s.row.ID] = s.append(nil)
	}
	rules, err := api.rules(ctx)
	if err != nil {
		return nil, err
	}
	all := []*adminReport{}
	for i := range list {
		one := &list[i]
		e := &adminReport{ID: itoa(one.ID), Taken: one.Resolved != 0, TakenAt: isoTime(one.Resolved), Category: one.Category, Comment: one.Comment,
			Forwarded: one.Forward, Created: isoTime(one.Created), Updated: isoTime(max(one.Updated, one.Created)), Account: accounts[one.Reporter], Target: accounts[one.Target],
			Assigned: accounts[one.Assigned], Resolver: accounts[one.Resolver], Statuses: []json.RawMessage{}, Rules: []rule{}}
		for _, id := range one.Statuses {
			if s := drawn[id]; s != nil {
				e.Statuses = append(e.Statuses, s)
			}
		}
		for _, known := range rules {
			if slices.Contains(texts(one.Rules), known.ID) {
				e.Rules = append(e.Rules, known)
			}
		}
		if e.Account != nil && e.Target != nil {
			all = append(all, e)
		}
	}
	return all, nil
}

// askedReport returns the report that the path names.
func (api *API) askedReport(r *Request) (*store.Report, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return api.DB.Report(r.Context(), id)
}

// answerReport draws a report as it is now.
func (api *API) answerReport(r *Request, id int64) (any, error) {
	one, err := api.DB.Report(r.Context(), id)
	if err != nil {
		return nil, err
	}
	all, err := api.drawAdminReports(r.Context(), r.User, []store.Report{*one})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errNotFound()
	}
	return all[0], nil
}

// changeReport is the handler of what moderators do with a report.
func changeReport(action string, change func(ctx context.Context, tx *store.Tx, r *Request, rep *store.Report) error) handler {
	return func(api *API, r *Request) (any, error) {
		rep, err := api.askedReport(r)
		if err != nil {
			return nil, err
		}
		ctx := r.Context()
		err = api.DB.Write(ctx, func(tx *store.Tx) error {
			if err := change(ctx, tx, r, rep); err != nil {
				return err
			}
			return tx.Audit(ctx, store.AuditEntry{Actor: r.User.ID, Action: action, Kind: "report", Target: rep.ID, Name: "#" + strconv.FormatInt(rep.ID, 10)})
		})
		if err != nil {
			return nil, err
		}
		return api.answerReport(r, rep.ID)
	}
}

// spec: masto:methods/admin/reports
var (
	_ = admin("GET /api/v1/admin/reports", "admin:read:reports", store.ManageReports, func(api *API, r *Request) (any, error) {
		page, err := r.page(manyRows)
		if err != nil {
			return nil, err
		}
		w := store.ReportQuery{Resolved: r.Bool("resolved", false), Domain: r.String("by_target_domain")}
		for _, one := range []struct {
			name string
			to   *int64
		}{{"account_id", &w.Reporter}, {"target_account_id", &w.Target}} {
			if r.String(one.name) == "" {
				continue
			}
			if *one.to, err = r.ID(one.name); err != nil {
				return nil, err
			}
		}
		list, err := api.DB.Reports(r.Context(), w, page)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			r.links(prevByMin, list[0].ID, list[len(list)-1].ID, len(list) == page.Limit || page.Min != 0)
		}
		return api.drawAdminReports(r.Context(), r.User, list)
	})
	_ = admin("GET /api/v1/admin/reports/{id}", "admin:read:reports", store.ManageReports, func(api *API, r *Request) (any, error) {
		rep, err := api.askedReport(r)
		if err != nil {
			return nil, err
		}
		return api.answerReport(r, rep.ID)
	})
	_ = admin("PUT /api/v1/admin/reports/{id}", "admin:write:reports", store.ManageReports, func(api *API, r *Request) (any, error) {
		category := r.String("category")
		if category != "" && !slices.Contains(reportCategories, category) {
			return nil, invalidField("Category is not included in the list")
		}
		rules := r.IDs("rule_ids")
		if len(rules) > maxReported {
			return nil, invalidField("Rules are too many (maximum is %d)", maxReported)
		}
		return changeReport("update", func(ctx context.Context, tx *store.Tx, r *Request, rep *store.Report) error {
			rep.Category = orElse(category, rep.Category)
			if r.Has("rule_ids") {
				rep.Rules = rules
			}
			if rep.Category != "violation" {
				rep.Rules = nil
			}
			return tx.SortReport(ctx, rep)
		})(api, r)
	})
	_ = admin("POST /api/v1/admin/reports/{id}/assign_to_self", "admin:write:reports", store.ManageReports,
		changeReport("assigned_to_self", func(ctx context.Context, tx *store.Tx, r *Request, rep *store.Report) error {
			return tx.AssignReport(ctx, rep.ID, r.User.ID)
		}))
	_ = admin("POST /api/v1/admin/reports/{id}/unassign", "admin:write:reports", store.ManageReports,
		changeReport("unassign", func(ctx context.Context, tx *store.Tx, _ *Request, rep *store.Report) error {
			return tx.AssignReport(ctx, rep.ID, 0)
		}))
	_ = admin("POST /api/v1/admin/reports/{id}/resolve", "admin:write:reports", store.ManageReports,
		changeReport("resolve", func(ctx context.Context, tx *store.Tx, r *Request, rep *store.Report) error {
			_, err := tx.ResolveReport(ctx, rep.ID, r.User.ID, true)
			return err
		}))
	_ = admin("POST /api/v1/admin/reports/{id}/reopen", "admin:write:reports", store.ManageReports,
		changeReport("reopen", func(ctx context.Context, tx *store.Tx, r *Request, rep *store.Report) error {
			_, err := tx.ResolveReport(ctx, rep.ID, r.User.ID, false)
			return err
		}))
)
