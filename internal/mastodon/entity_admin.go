package mastodon

import (
	"context"
	"encoding/json"
	"strings"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// adminAccount is an account as moderators see it.
//
// spec: masto:entities/Admin_Account
type adminAccount struct {
	ID            string          `json:"id"`
	Username      string          `json:"username"`
	Domain        *string         `json:"domain"`
	Created       *string         `json:"created_at"`
	Email         string          `json:"email"`
	IP            *string         `json:"ip"`
	IPs           []adminIP       `json:"ips"`
	Locale        *string         `json:"locale"`
	InviteRequest *string         `json:"invite_request"`
	Role          *roleEntity     `json:"role"`
	Confirmed     bool            `json:"confirmed"`
	Approved      bool            `json:"approved"`
	Disabled      bool            `json:"disabled"`
	Sensitized    bool            `json:"sensitized"`
	Silenced      bool            `json:"silenced"`
	Suspended     bool            `json:"suspended"`
	Account       json.RawMessage `json:"account"`
	App           string          `json:"created_by_application_id,omitempty"`
	Inviter       string          `json:"invited_by_account_id,omitempty"`
}

// adminIP is an address from which an account came.
//
// spec: masto:entities/Admin_Ip
type adminIP struct {
	IP   string  `json:"ip"`
	Used *string `json:"used_at"`
}

// orNil is the text, or null for none.
func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// adminAccounts draws accounts for moderators; unknown ones are left out.
func (api *API) adminAccounts(ctx context.Context, ids []int64) (map[int64]*adminAccount, error) {
	people, err := api.loadPeople(ctx, ids)
	if err != nil {
		return nil, err
	}
	ips, err := api.DB.SeenIPs(ctx, ids)
	if err != nil {
		return nil, err
	}
	inviters, err := api.DB.Inviters(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]*adminAccount, len(people))
	for id, p := range people {
		found[id] = api.adminAccount(p, ips[id])
		if by := inviters[id]; by != 0 {
			found[id].Inviter = itoa(by)
		}
	}
	return found, nil
}

func (api *API) adminAccount(p *person, ips []store.SeenIP) *adminAccount {
	a := p.actor
	created := vocab.TimeOf(a.Seq).UnixMilli()
	e := &adminAccount{ID: itoa(a.ID), Username: a.Username, Domain: orNil(a.Domain), Created: isoTime(created), IPs: []adminIP{}, Role: drawRole(p.role),
		Confirmed: true, Approved: true, Sensitized: a.Sensitized != 0, Silenced: a.Silenced != 0, Suspended: a.Hidden()}
	seen := *p // Moderators see what others don't.
	open := *a
	open.Suspended = 0
	seen.actor = &open
	e.Account = api.draw.drawAccount(nil, &seen).close()
	c := p.account
	if c == nil {
		return e
	}
	e.Created, e.Email = isoTime(c.Created), c.Email
	e.Confirmed, e.Approved, e.Disabled = c.Confirmed != 0, c.Approved != 0, c.Disabled != 0
	e.InviteRequest = orNil(c.Reason)
	if c.App != 0 {
		e.App = itoa(c.App)
	}
	if language, _, _ := strings.Cut(strings.ToLower(c.Locale), "-"); vocab.LanguageCode(language) {
		e.Locale = orNil(language)
	}
	for _, ip := range ips {
		e.IPs = append(e.IPs, adminIP{ip.IP, isoTime(ip.Used)})
	}
	switch {
	case len(ips) > 0:
		e.IP = &ips[0].IP
	case c.SignUpIP != "":
		e.IP = &c.SignUpIP
		e.IPs = append(e.IPs, adminIP{c.SignUpIP, e.Created})
	}
	return e
}

// warningEntity is AccountWarning.
//
// spec: masto:entities/AccountWarning
type warningEntity struct {
	ID       string          `json:"id"`
	Action   string          `json:"action"`
	Text     string          `json:"text"`
	Statuses []string        `json:"status_ids"`
	Target   json.RawMessage `json:"target_account"`
	Appeal   *appealEntity   `json:"appeal"`
	Created  *string         `json:"created_at"`
}

// spec: masto:entities/Appeal
type appealEntity struct {
	Text  string `json:"text"`
	State string `json:"state"`
}

// drawWarnings draws what moderators told people; unknown ones are left out.
func (api *API) drawWarnings(ctx context.Context, ids []int64) (map[int64]*warningEntity, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	warnings, err := api.DB.Warnings(ctx, ids)
	if err != nil {
		return nil, err
	}
	appeals, err := api.DB.Appeals(ctx, ids)
	if err != nil {
		return nil, err
	}
	var targets []int64
	for _, w := range warnings {
		targets = append(targets, w.Target)
	}
	faces, err := api.people(ctx, targets)
	if err != nil {
		return nil, err
	}
	found := map[int64]*warningEntity{}
	for id, w := range warnings {
		face := faces[w.Target]
		if face == nil {
			continue
		}
		e := &warningEntity{ID: itoa(id), Action: w.Action, Text: w.Text, Statuses: texts(w.Statuses), Target: face.json, Created: isoTime(vocab.TimeOf(id).UnixMilli())}
		if a := appeals[id]; a != nil {
			e.Appeal = &appealEntity{a.Text, a.State()}
		}
		found[id] = e
	}
	return found, nil
}

// texts are ids as the API writes them.
func texts(ids []int64) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = itoa(id)
	}
	return all
}

// severanceEntity is RelationshipSeveranceEvent.
//
// spec: masto:entities/RelationshipSeveranceEvent
type severanceEntity struct {
	ID        string  `json:"id"`
	Type      string  `json:"type"`
	Purged    bool    `json:"purged"`
	Target    string  `json:"target_name"`
	Followers int64   `json:"followers_count"`
	Following int64   `json:"following_count"`
	Created   *string `json:"created_at"`
}

func drawSeverance(s *store.Severance) *severanceEntity {
	return &severanceEntity{itoa(s.ID), s.Type, s.Purged, s.Target, s.Followers, s.Following, isoTime(vocab.TimeOf(s.ID).UnixMilli())}
}
