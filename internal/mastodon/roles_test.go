package mastodon

import (
	"context"
	"testing"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// staff returns an account of ours with a role, which is made when there is none yet.
func (w *world) staff(name, role string) *store.Actor {
	w.t.Helper()
	a := w.person(name)
	err := w.db.Write(context.Background(), func(tx *store.Tx) error {
		account, err := tx.Account(context.Background(), a.ID)
		if err != nil {
			return err
		}
		account.Role = role
		return tx.UpdateAccount(context.Background(), account)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.api.Auth.Forget()
	w.api.cache.forgetAll()
	return a
}

// asStaff is as with the scopes of the staff's methods.
func (w *world) asStaff(who, method, path, body string) *response {
	w.t.Helper()
	return w.send(w.token(who, fullScopes+" admin:read admin:write"), method, path, body, nil)
}

func TestRoles(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		own := &store.Role{Name: "Helper", Permissions: store.ManageReports, Position: 5, Color: "#ff0000", Highlighted: true}
		if err := w.db.Write(t.Context(), func(tx *store.Tx) error { return tx.SetRole(t.Context(), own) }); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct{ key, role, roles string }{
			{"", `{"id": "-99", "name": "", "permissions": "0", "highlighted": false}`, `[]`},
			{"moderator", `{"id": "1", "name": "Moderator", "permissions": "1308"}`, `[{"id": "1", "name": "Moderator"}]`},
			{"admin", `{"id": "2", "name": "Admin"}`, `[{"id": "2"}]`},
			{"owner", `{"id": "3", "name": "Owner", "permissions": "2097151"}`, `[{"id": "3"}]`},
			{own.Key, `{"name": "Helper", "permissions": "16", "color": "#ff0000"}`, `[{"name": "Helper", "color": "#ff0000"}]`},
			{"12345", `{"id": "-99"}`, `[]`},
		} {
			w.staff("ann", tt.key)
			w.as("ann", "GET", "/api/v1/accounts/verify_credentials", "").want(200, `{"role": `+tt.role+`, "roles": `+tt.roles+`}`)
		}
		w.staff("ann", own.Key)
		w.staff("bob", "moderator")
		if got, err := w.db.StaffWith(t.Context(), store.ManageReports); err != nil || len(got) != 2 {
			t.Errorf("who may manage reports: %v, %v; want two", got, err)
		}
		if got, err := w.db.StaffWith(t.Context(), store.ManageUsers); err != nil || len(got) != 1 {
			t.Errorf("who may manage users: %v, %v; want one", got, err)
		}
		if err := w.db.Write(t.Context(), func(tx *store.Tx) error { return tx.RemoveRole(t.Context(), own) }); err != nil {
			t.Fatal(err)
		}
		account, err := w.db.Account(t.Context(), w.person("ann").ID)
		if err != nil || account.Role != "" {
			t.Errorf("after its role was removed: %+v, %v", account, err)
		}
	})
}

// A permission is needed beside the scope.
func TestNeeds(t *testing.T) {
	w := onSQLite(t)
	w.staff("mod", "moderator")
	w.staff("boss", "owner")
	ask := func(who string, want store.Permission) error {
		s, err := w.api.Auth.Authenticate(t.Context(), w.token(who, "read"))
		if err != nil {
			t.Fatal(err)
		}
		return (&Request{Session: s}).needs(want)
	}
	for _, tt := range []struct {
		who  string
		want store.Permission
		ok   bool
	}{
		{"mod", store.ManageReports, true}, {"mod", store.ManageFederation, false}, {"mod", store.ManageReports | store.ManageFederation, false},
		{"boss", store.ManageFederation, true}, {"ann", store.ManageReports, false},
	} {
		if err := ask(tt.who, tt.want); (err == nil) != tt.ok || err != nil && !fault.Is(err, fault.Denied) {
			t.Errorf("%s with %s: %v, want allowed %t", tt.who, tt.want, err, tt.ok)
		}
	}
	if err := (&Request{}).needs(store.ManageReports); err == nil {
		t.Error("nobody was let in")
	}
}

func TestParsePermissions(t *testing.T) {
	p, err := store.ParsePermissions("manage_reports, view_dashboard")
	if err != nil || p != store.ManageReports|store.ViewDashboard || p.String() != "view_dashboard,manage_reports" {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := store.ParsePermissions("fly"); err == nil {
		t.Error("an unknown permission was taken")
	}
}
