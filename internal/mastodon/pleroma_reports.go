package mastodon

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// noteEntity is what a moderator wrote about a report or an account, for the others.
//
// spec: pleroma:admin_api#post-apiv1pleromaadminreportsidnotes
type noteEntity struct {
	ID      string          `json:"id"`
	Content string          `json:"content"`
	Created *string         `json:"created_at"`
	User    json.RawMessage `json:"user"` // An Account; null once it is gone.
}

// maxStaffNote bounds a note, in bytes.
const maxStaffNote = 4000

// drawNotes draws the notes about a report or an account.
func (api *API) drawNotes(ctx context.Context, kind string, target int64) ([]noteEntity, error) {
	found, err := api.DB.ModerationNotes(ctx, kind, []int64{target})
	if err != nil {
		return nil, err
	}
	var authors []int64
	for _, n := range found[target] {
		authors = append(authors, n.Author)
	}
	people, err := api.adminAccounts(ctx, authors)
	if err != nil {
		return nil, err
	}
	drawn := []noteEntity{}
	for _, n := range found[target] {
		e := noteEntity{ID: itoa(n.ID), Content: n.Content, Created: isoTime(vocab.TimeOf(n.ID).UnixMilli()), User: json.RawMessage("null")}
		if a := people[n.Author]; a != nil {
			e.User = a.Account
		}
		drawn = append(drawn, e)
	}
	return drawn, nil
}

// addNote keeps a note of who asks, with its entry in the audit log.
func (api *API) addNote(r *Request, kind string, target int64, name string) error {
	text := strings.TrimSpace(r.String("content"))
	if text == "" || len(text) > maxStaffNote {
		return invalidField("Content must have from 1 to %d letters", maxStaffNote)
	}
	ctx := r.Context()
	return api.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.AddModerationNote(ctx, &store.ModerationNote{Kind: kind, Target: target, Author: r.User.ID, Content: text}); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: r.User.ID, Action: "note", Kind: kind, Target: target, Name: name})
	})
}

func (api *API) removeNote(r *Request, kind string, target int64, name, note string) error {
	id, err := parseID(note)
	if err != nil {
		return err
	}
	ctx := r.Context()
	return api.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.RemoveModerationNote(ctx, kind, target, id); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: r.User.ID, Action: "remove_note", Kind: kind, Target: target, Name: name})
	})
}

// noContent is what Pleroma answers where there is nothing to say.
var noContent = answer{http.StatusNoContent, json.RawMessage(nil)}

func reportName(rep *store.Report) string { return "#" + strconv.FormatInt(rep.ID, 10) }

// pleromaReport is a report as Pleroma's admins know it.
//
// spec: pleroma:admin_api#get-apiv1pleromaadminreportsid
type pleromaReport struct {
	ID       string            `json:"id"`
	State    string            `json:"state"` // open, resolved
	Content  string            `json:"content"`
	Created  *string           `json:"created_at"`
	Account  json.RawMessage   `json:"account"` // Who is reported,
	Actor    json.RawMessage   `json:"actor"`   // by whom.
	Assigned json.RawMessage   `json:"assigned_account"`
	Statuses []json.RawMessage `json:"statuses"`
	Rules    []rule            `json:"rules"`
	Notes    []noteEntity      `json:"notes"`
}

// spec: pleroma:admin_api#get-apiv1pleromaadminreportsid and what follows
var (
	_ = admin("GET /api/v1/pleroma/admin/reports/{id}", "admin:read:reports", store.ManageReports, func(api *API, r *Request) (any, error) {
		rep, err := api.askedReport(r)
		if err != nil {
			return nil, err
		}
		all, err := api.drawAdminReports(r.Context(), r.User, []store.Report{*rep})
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return nil, errNotFound()
		}
		notes, err := api.drawNotes(r.Context(), "report", rep.ID)
		if err != nil {
			return nil, err
		}
		m := all[0]
		e := pleromaReport{ID: m.ID, State: "open", Content: m.Comment, Created: m.Created, Account: m.Target.Account, Actor: m.Account.Account, Assigned: json.RawMessage("null"), Statuses: m.Statuses, Rules: m.Rules, Notes: notes}
		if m.Taken {
			e.State = "resolved"
		}
		if m.Assigned != nil {
			e.Assigned = m.Assigned.Account
		}
		return e, nil
	})
	_ = admin("POST /api/v1/pleroma/admin/reports/{id}/notes", "admin:write:reports", store.ManageReports, func(api *API, r *Request) (any, error) {
		rep, err := api.askedReport(r)
		if err == nil {
			err = api.addNote(r, "report", rep.ID, reportName(rep))
		}
		if err != nil {
			return nil, err
		}
		return noContent, nil
	})
	_ = admin("DELETE /api/v1/pleroma/admin/reports/{id}/notes/{note}", "admin:write:reports", store.ManageReports, func(api *API, r *Request) (any, error) {
		rep, err := api.askedReport(r)
		if err == nil {
			err = api.removeNote(r, "report", rep.ID, reportName(rep), r.PathValue("note"))
		}
		if err != nil {
			return nil, err
		}
		return noContent, nil
	})
)

// Notes about accounts, and reports that go to the server of who is reported later on;
// ours.
var (
	_ = admin("GET /api/kenoma/v1/admin/accounts/{id}/notes", "admin:read:accounts", store.ManageUsers, func(api *API, r *Request) (any, error) {
		a, err := api.moderated(r, false)
		if err != nil {
			return nil, err
		}
		return api.drawNotes(r.Context(), "account", a.ID)
	})
	_ = admin("POST /api/kenoma/v1/admin/accounts/{id}/notes", "admin:write:accounts", store.ManageUsers, func(api *API, r *Request) (any, error) {
		a, err := api.moderated(r, false)
		if err == nil {
			err = api.addNote(r, "account", a.ID, a.Acct())
		}
		if err != nil {
			return nil, err
		}
		return api.drawNotes(r.Context(), "account", a.ID)
	})
	_ = admin("DELETE /api/kenoma/v1/admin/accounts/{id}/notes/{note}", "admin:write:accounts", store.ManageUsers, func(api *API, r *Request) (any, error) {
		a, err := api.moderated(r, false)
		if err == nil {
			err = api.removeNote(r, "account", a.ID, a.Acct(), r.PathValue("note"))
		}
		return empty, err
	})
	_ = admin("POST /api/kenoma/v1/admin/reports/{id}/forward", "admin:write:reports", store.ManageReports, func(api *API, r *Request) (any, error) {
		rep, err := api.askedReport(r)
		if err != nil {
			return nil, err
		}
		if rep.Forward {
			return nil, fault.New(fault.Invalid, "This report was forwarded already.")
		}
		if err := api.Pipeline.ForwardReport(r.Context(), r.User.ID, rep); err != nil {
			return nil, err
		}
		return api.answerReport(r, rep.ID)
	})
)
