package mastodon

import (
	"context"
	"errors"
	"slices"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
)

// adminQuery reads the filters of the second version.
//
// spec: masto:methods/admin/accounts#v2
func (api *API) adminQuery(r *Request) (w store.AdminQuery, err error) {
	switch origin := r.String("origin"); origin {
	case "", "local", "remote":
		w.Local, w.Remote = origin == "local", origin == "remote"
	default:
		return w, fault.New(fault.Malformed, "origin is local or remote.")
	}
	switch status := r.String("status"); status {
	case "", "active", "pending", "disabled", "silenced", "suspended":
		w.Status = status
	default:
		return w, fault.New(fault.Malformed, "status is active, pending, disabled, silenced or suspended.")
	}
	w.Staff = r.String("permissions") == "staff"
	for _, id := range r.Strings("role_ids") {
		w.Roles = append(w.Roles, roleKey(id))
	}
	if r.String("invited_by") != "" {
		if w.InvitedBy, err = r.ID("invited_by"); err != nil {
			return w, err
		}
	}
	adminTexts(r, &w)
	return w, nil
}

// roleKey is what accounts.role has for the id of a role.
func roleKey(id string) string {
	for i := range store.BuiltinRoles {
		if itoa(store.BuiltinRoles[i].ID) == id {
			return store.BuiltinRoles[i].Key
		}
	}
	return id
}

func adminTexts(r *Request, w *store.AdminQuery) {
	w.Username, w.DisplayName, w.Email, w.IP = strings.TrimPrefix(r.String("username"), "@"), r.String("display_name"), r.String("email"), r.String("ip")
	w.Domain = strings.ToLower(r.String("by_domain"))
}

// adminQueryV1 reads the flags of the first version.
//
// spec: masto:methods/admin/accounts#v1
func adminQueryV1(r *Request) (w store.AdminQuery, err error) {
	w.Local, w.Remote = r.Bool("local", false), r.Bool("remote", false)
	for _, status := range []string{"active", "pending", "disabled", "silenced", "suspended", "sensitized"} {
		if r.Bool(status, false) {
			w.Status = status
		}
	}
	w.Staff = r.Bool("staff", false)
	adminTexts(r, &w)
	return w, nil
}

// listAdminAccounts draws a page of accounts.
func (api *API) listAdminAccounts(r *Request, w store.AdminQuery) (any, error) {
	ctx := r.Context()
	page, err := r.page(manyRows)
	if err != nil {
		return nil, err
	}
	ids, err := api.DB.AdminAccounts(ctx, w, page)
	if err != nil {
		return nil, err
	}
	drawn, err := api.adminAccounts(ctx, ids)
	if err != nil {
		return nil, err
	}
	list := []*adminAccount{}
	for _, id := range ids {
		if one := drawn[id]; one != nil {
			list = append(list, one)
		}
	}
	if len(ids) > 0 {
		r.links(prevByMin, ids[0], ids[len(ids)-1], len(ids) == page.Limit || page.Min != 0)
	}
	return list, nil
}

// moderated returns the account that the path names, deleted ones too. Where it is
// to be changed it must stand below the moderator.
func (api *API) moderated(r *Request, change bool) (*store.Actor, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	a, err := api.DB.Actor(r.Context(), id)
	if err != nil || !change {
		return a, err
	}
	if a.Local {
		account, err := api.DB.Account(r.Context(), id)
		if err != nil {
			return nil, err
		}
		role, err := api.DB.Role(r.Context(), account.Role)
		if err != nil {
			return nil, err
		}
		if !r.Session.Role.Overrides(role) {
			return nil, errNotAllowed
		}
	}
	return a, nil
}

// drawAdminAccount answers with one account as moderators see it.
func (api *API) drawAdminAccount(ctx context.Context, id int64) (any, error) {
	drawn, err := api.adminAccounts(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	if drawn[id] == nil {
		return nil, errNotFound()
	}
	return drawn[id], nil
}

// moderate has the moderator who asks carry a decision out, and forgets what is
// remembered of the account.
func (api *API) moderate(r *Request, m pipeline.Moderation) error {
	m.By = r.User.ID
	if err := api.Pipeline.Moderate(r.Context(), m); err != nil {
		return err
	}
	api.Auth.Forget()
	api.cache.forgetPerson(m.Target.ID)
	return nil
}

// decide is the handler of a decision that needs nothing to be said. allowed tells
// whether it fits the account's state.
func decide(action string, allowed func(*store.Actor, *store.Account) bool) handler {
	return func(api *API, r *Request) (any, error) {
		a, err := api.moderated(r, true)
		if err != nil {
			return nil, err
		}
		account := &store.Account{}
		if a.Local {
			if account, err = api.DB.Account(r.Context(), a.ID); err != nil {
				return nil, err
			}
		}
		if !allowed(a, account) {
			return nil, errNotAllowed
		}
		if err := api.moderate(r, pipeline.Moderation{Target: a, Action: action}); err != nil {
			return nil, err
		}
		return api.drawAdminAccount(r.Context(), a.ID)
	}
}

// spec: masto:methods/admin/accounts
var (
	_ = admin("GET /api/v2/admin/accounts", "admin:read:accounts", store.ManageUsers, func(api *API, r *Request) (any, error) {
		w, err := api.adminQuery(r)
		if err != nil {
			return nil, err
		}
		return api.listAdminAccounts(r, w)
	})
	_ = admin("GET /api/v1/admin/accounts", "admin:read:accounts", store.ManageUsers, func(api *API, r *Request) (any, error) {
		w, err := adminQueryV1(r)
		if err != nil {
			return nil, err
		}
		return api.listAdminAccounts(r, w)
	})
	_ = admin("GET /api/v1/admin/accounts/{id}", "admin:read:accounts", store.ManageUsers, func(api *API, r *Request) (any, error) {
		a, err := api.moderated(r, false)
		if err != nil {
			return nil, err
		}
		return api.drawAdminAccount(r.Context(), a.ID)
	})
	_ = admin("POST /api/v1/admin/accounts/{id}/approve", "admin:write:accounts", store.ManageUsers,
		decide("approve", func(a *store.Actor, c *store.Account) bool { return a.Local && c.Approved == 0 }))
	_ = admin("POST /api/v1/admin/accounts/{id}/enable", "admin:write:accounts", store.ManageUsers,
		decide("enable", func(a *store.Actor, _ *store.Account) bool { return a.Local }))
	_ = admin("POST /api/v1/admin/accounts/{id}/unsilence", "admin:write:accounts", store.ManageUsers,
		decide("unsilence", func(*store.Actor, *store.Account) bool { return true }))
	_ = admin("POST /api/v1/admin/accounts/{id}/unsensitive", "admin:write:accounts", store.ManageUsers,
		decide("unsensitive", func(*store.Actor, *store.Account) bool { return true }))
	_ = admin("POST /api/v1/admin/accounts/{id}/unsuspend", "admin:write:accounts", store.ManageUsers,
		decide("unsuspend", func(a *store.Actor, _ *store.Account) bool { return a.Suspended != 0 && a.Deleted == 0 }))

	_ = admin("POST /api/v1/admin/accounts/{id}/reject", "admin:write:accounts", store.ManageUsers, func(api *API, r *Request) (any, error) {
		a, err := api.moderated(r, true)
		if err != nil {
			return nil, err
		}
		drawn, err := api.drawAdminAccount(r.Context(), a.ID) // It is gone afterwards.
		if err != nil {
			return nil, err
		}
		if err := api.Pipeline.RejectAccount(r.Context(), r.User.ID, a); err != nil {
			return nil, err
		}
		api.Auth.Forget()
		api.cache.forgetPerson(a.ID)
		return drawn, nil
	})
	_ = admin("DELETE /api/v1/admin/accounts/{id}", "admin:write:accounts", store.DeleteUserData, func(api *API, r *Request) (any, error) {
		a, err := api.moderated(r, true)
		if err != nil {
			return nil, err
		}
		if err := api.Pipeline.EraseSuspended(r.Context(), r.User.ID, a); err != nil {
			return nil, err
		}
		return api.drawAdminAccount(r.Context(), a.ID)
	})
	_ = admin("POST /api/v1/admin/accounts/{id}/action", "admin:write:accounts", store.ManageUsers|store.ManageReports, adminAction)
)

// adminActions are what may be asked for by type.
//
// spec: masto:methods/admin/accounts#action
var adminActions = []string{"none", "sensitive", "disable", "silence", "suspend"}

func adminAction(api *API, r *Request) (any, error) {
	ctx := r.Context()
	a, err := api.moderated(r, true)
	if err != nil {
		return nil, err
	}
	m := pipeline.Moderation{Target: a, Action: r.String("type"), Text: strings.TrimSpace(r.String("text")), Mail: r.Bool("send_email_notification", false)}
	if !slices.Contains(adminActions, m.Action) {
		return nil, invalidField("Type is not included in the list")
	}
	if s := r.String("warning_preset_id"); s != "" {
		id, err := parseID(s)
		if err != nil {
			return nil, err
		}
		preset, err := api.DB.WarningPreset(ctx, id)
		if err != nil {
			return nil, err
		}
		m.Text = strings.TrimSpace(preset.Text + "\n\n" + m.Text)
	}
	if s := r.String("report_id"); s != "" {
		if m.Report, err = parseID(s); err != nil {
			return nil, err
		}
		if rep, err := api.DB.Report(ctx, m.Report); errors.Is(err, store.ErrNotFound) || err == nil && rep.Target != a.ID {
			return nil, errNotFound()
		} else if err != nil {
			return nil, err
		}
	}
	return empty, api.moderate(r, m)
}
