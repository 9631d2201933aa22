package mastodon

import (
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// inviteEntity is an invite as Pleroma's admins know it.
//
// spec: pleroma:admin_api#post-apiv1pleromaadminusersinvite_token
type inviteEntity struct {
	ID         int64   `json:"id"`
	Token      string  `json:"token"`
	Used       bool    `json:"used"` // Nobody can come by it any more.
	Expires    *string `json:"expires_at"`
	Uses       int64   `json:"uses"`
	MaxUse     *int64  `json:"max_use"`
	Type       string  `json:"invite_type"`
	URL        string  `json:"url"` // Ours, as the next three.
	Creator    *string `json:"creator_id"`
	Autofollow bool    `json:"autofollow"`
	Comment    *string `json:"comment"`
}

func (api *API) drawInvite(i *store.Invite) *inviteEntity {
	e := &inviteEntity{ID: i.ID, Token: i.Code, Used: !i.Usable(api.Now().UnixMilli()), Uses: i.Uses, URL: api.Auth.InviteLink(i), Autofollow: i.Autofollow, Comment: orNil(i.Comment)}
	if i.Creator != 0 {
		id := itoa(i.Creator)
		e.Creator = &id
	}
	if i.Expires != 0 {
		day := time.UnixMilli(i.Expires).UTC().Format(time.DateOnly)
		e.Expires = &day
	}
	if i.MaxUses > 0 {
		e.MaxUse = &i.MaxUses
	}
	switch { // spec: pleroma-config §2
	case i.MaxUses == 1 && i.Expires == 0:
		e.Type = "one_time"
	case i.MaxUses == 0 && i.Expires != 0:
		e.Type = "date_limited"
	case i.Expires != 0:
		e.Type = "reusable_date_limited"
	default:
		e.Type = "reusable"
	}
	return e
}

// readInvite reads what is asked for: Pleroma's max_use and expires_at, a day whose end
// is meant, or Mastodon's max_uses and expires_in, in seconds. Nothing is an invite for one.
func readInvite(api *API, r *Request) (*store.Invite, error) {
	i := &store.Invite{Autofollow: r.Bool("autofollow", false), Comment: strings.TrimSpace(r.String("comment"))}
	var err error
	expires, seconds := r.String("expires_at"), int64(0)
	uses := "max_use"
	if r.Has("max_uses") {
		uses = "max_uses"
	}
	if seconds, err = r.Int("expires_in", 0); err != nil {
		return nil, err
	}
	if i.MaxUses, err = r.Int(uses, 0); err != nil {
		return nil, err
	}
	if !r.Has(uses) && expires == "" && seconds == 0 {
		i.MaxUses = 1
	}
	switch {
	case seconds < 0 || seconds > 1<<31:
		return nil, invalidField("Expires in is not a number of seconds")
	case seconds > 0:
		i.Expires = api.Now().UnixMilli() + seconds*1000
	case expires != "":
		day, err := time.Parse(time.DateOnly, expires)
		if err != nil {
			return nil, fault.Because(err, fault.Invalid, "Validation failed: Expires at is no day, such as 2026-12-31")
		}
		i.Expires = day.AddDate(0, 0, 1).UnixMilli() - 1
	}
	return i, nil
}

func (api *API) drawInvites(list []store.Invite) []*inviteEntity {
	drawn := []*inviteEntity{}
	for i := range list {
		drawn = append(drawn, api.drawInvite(&list[i]))
	}
	return drawn
}

// spec: pleroma:admin_api#post-apiv1pleromaadminusersinvite_token and what follows
var (
	_ = admin("POST /api/v1/pleroma/admin/users/invite_token", "admin:write:invites|admin:write:accounts", store.ManageInvites, func(api *API, r *Request) (any, error) {
		i, err := readInvite(api, r)
		if err != nil {
			return nil, err
		}
		i.Creator = r.User.ID
		if err := api.Auth.NewInvite(r.Context(), i); err != nil {
			return nil, err
		}
		return api.drawInvite(i), nil
	})
	_ = admin("GET /api/v1/pleroma/admin/users/invites", "admin:read:invites|admin:read:accounts", store.ManageInvites, func(api *API, r *Request) (any, error) {
		page, err := r.page(pageSize{100, 500})
		if err != nil {
			return nil, err
		}
		list, err := api.DB.Invites(r.Context(), 0, page)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			r.links(prevByMin, list[0].ID, list[len(list)-1].ID, len(list) == page.Limit || page.Min != 0)
		}
		return map[string]any{"invites": api.drawInvites(list)}, nil
	})
	_ = admin("POST /api/v1/pleroma/admin/users/revoke_invite", "admin:write:invites|admin:write:accounts", store.ManageInvites, func(api *API, r *Request) (any, error) {
		i, err := api.Auth.RevokeInvite(r.Context(), r.User.ID, r.String("token"), 0)
		if err != nil {
			return nil, err
		}
		return api.drawInvite(i), nil
	})
	_ = admin("POST /api/v1/pleroma/admin/users/email_invite", "admin:write:invites|admin:write:accounts", store.ManageInvites, func(api *API, r *Request) (any, error) {
		if err := api.Auth.MailInvite(r.Context(), r.User.ID, r.String("email"), r.String("name")); err != nil {
			return nil, err
		}
		return noContent, nil
	})
)

// People whose role lets them invite do it here; ours.
var (
	_ = route("GET /api/kenoma/v1/invites", "read:accounts", func(api *API, r *Request) (any, error) {
		list, err := api.DB.Invites(r.Context(), r.User.ID, store.Page{Limit: 100})
		return api.drawInvites(list), err
	})
	_ = route("POST /api/kenoma/v1/invites", "write:accounts", func(api *API, r *Request) (any, error) {
		i, err := readInvite(api, r)
		if err == nil {
			err = api.Auth.NewOwnInvite(r.Context(), r.Session, i)
		}
		if err != nil {
			return nil, err
		}
		return api.drawInvite(i), nil
	})
	_ = route("DELETE /api/kenoma/v1/invites/{code}", "write:accounts", func(api *API, r *Request) (any, error) {
		i, err := api.Auth.RevokeInvite(r.Context(), r.User.ID, r.PathValue("code"), r.User.ID)
		if err != nil {
			return nil, err
		}
		return api.drawInvite(i), nil
	})
)
