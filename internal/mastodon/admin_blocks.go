package mastodon

import (
	"context"
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// names reads pages of a table of names.
func (api *API) names(t store.NameTable) func(context.Context, store.Page) ([]store.NameRow, error) {
	return func(ctx context.Context, p store.Page) ([]store.NameRow, error) { return api.DB.Names(ctx, t, p) }
}

func nameID(n *store.NameRow) int64 { return n.ID }

// askedName returns the row that the path names.
func (api *API) askedName(r *Request, t store.NameTable) (*store.NameRow, error) {
	id, err := rowID(r)
	if err != nil {
		return nil, err
	}
	return api.DB.Name(r.Context(), t, id)
}

// keepOut writes a rule about who may sign up, with its entry in the audit log, and
// has every node read the rules anew.
func (api *API) keepOut(r *Request, action, kind string, name string, write func(tx *store.Tx) (int64, error)) error {
	ctx := r.Context()
	err := api.DB.Write(ctx, func(tx *store.Tx) error {
		id, err := write(tx)
		if err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: r.User.ID, Action: action, Kind: kind, Target: id, Name: name})
	})
	if err != nil {
		return err
	}
	if api.Hub != nil {
		api.Hub.Publish(stream.Event{Kind: "rules_changed"})
	}
	return api.Auth.ReloadBlocks(ctx)
}

// addName adds a row to a table of names.
func (api *API) addName(r *Request, t store.NameTable, kind string, n *store.NameRow) error {
	err := api.keepOut(r, "create", kind, n.Name, func(tx *store.Tx) (int64, error) {
		err := tx.AddName(r.Context(), t, n)
		return n.ID, err
	})
	if errors.Is(err, store.ErrExists) {
		return invalidField("Domain has already been taken")
	}
	return err
}

// removeName is the handler that removes a row from a table of names, and answers with
// what it was.
func removeName(t store.NameTable, kind string, draw func(*API, context.Context, *store.NameRow) (any, error)) handler {
	return func(api *API, r *Request) (any, error) {
		n, err := api.askedName(r, t)
		if err != nil {
			return nil, err
		}
		err = api.keepOut(r, "destroy", kind, n.Name, func(tx *store.Tx) (int64, error) { return n.ID, tx.RemoveName(r.Context(), t, n.ID) })
		if err != nil {
			return nil, err
		}
		return draw(api, r.Context(), n)
	}
}

// adminEmailDomainBlock is an e-mail provider that is kept out.
//
// spec: masto:entities/Admin_EmailDomainBlock
type adminEmailDomainBlock struct {
	ID      string       `json:"id"`
	Domain  string       `json:"domain"`
	Created *string      `json:"created_at"`
	History []historyDay `json:"history"`
}

// historyDay is how often somebody tried; seconds since 1970 and numbers as text.
type historyDay struct {
	Day      string `json:"day"`
	Accounts string `json:"accounts"`
	Uses     string `json:"uses"`
}

// historyDays is how many days of attempts are shown.
const historyDays = 7

// drawEmailDomains draws rows with their attempts of the last week.
func (api *API) drawEmailDomains(ctx context.Context, list []store.NameRow) ([]*adminEmailDomainBlock, error) {
	const day = 24 * 60 * 60 * 1000
	now := api.Now().UnixMilli()
	today := now - now%day
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	uses, err := api.DB.EmailDomainUses(ctx, ids, today-(historyDays-1)*day)
	if err != nil {
		return nil, err
	}
	drawn := make([]*adminEmailDomainBlock, len(list))
	for i, n := range list {
		e := &adminEmailDomainBlock{ID: itoa(n.ID), Domain: n.Name, Created: isoTime(vocab.TimeOf(n.ID).UnixMilli())}
		for d := range int64(historyDays) {
			at, attempts := today-d*day, int64(0)
			for _, u := range uses[n.ID] {
				if u.Day == at {
					attempts = u.Attempts
				}
			}
			e.History = append(e.History, historyDay{strconv.FormatInt(at/1000, 10), itoa(attempts), itoa(attempts)})
		}
		drawn[i] = e
	}
	return drawn, nil
}

// drawEmailDomain is drawEmailDomains for one.
func (api *API) drawEmailDomain(ctx context.Context, n *store.NameRow) (any, error) {
	all, err := api.drawEmailDomains(ctx, []store.NameRow{*n})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// spec: masto:methods/admin/email_domain_blocks
var (
	_ = admin("GET /api/v1/admin/email_domain_blocks", "admin:read:email_domain_blocks", store.ManageBlocks, func(api *API, r *Request) (any, error) {
		page, err := r.page(manyRows)
		if err != nil {
			return nil, err
		}
		list, err := api.DB.Names(r.Context(), store.EmailDomainBlocks, page)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			r.links(prevByMin, list[0].ID, list[len(list)-1].ID, len(list) == page.Limit || page.Min != 0)
		}
		return api.drawEmailDomains(r.Context(), list)
	})
	_ = admin("GET /api/v1/admin/email_domain_blocks/{id}", "admin:read:email_domain_blocks", store.ManageBlocks, func(api *API, r *Request) (any, error) {
		n, err := api.askedName(r, store.EmailDomainBlocks)
		if err != nil {
			return nil, err
		}
		return api.drawEmailDomain(r.Context(), n)
	})
	_ = admin("POST /api/v1/admin/email_domain_blocks", "admin:write:email_domain_blocks", store.ManageBlocks, func(api *API, r *Request) (any, error) {
		domain, err := domainParam(r)
		if err != nil {
			return nil, err
		}
		n := &store.NameRow{Name: domain, Flag: r.Bool("allow_with_approval", false)}
		if err := api.addName(r, store.EmailDomainBlocks, "email_domain_block", n); err != nil {
			return nil, err
		}
		return api.drawEmailDomain(r.Context(), n)
	})
	_ = admin("DELETE /api/v1/admin/email_domain_blocks/{id}", "admin:write:email_domain_blocks", store.ManageBlocks, removeName(store.EmailDomainBlocks, "email_domain_block", (*API).drawEmailDomain))
)

// adminCanonicalEmailBlock is a mailbox that is known by its hash.
//
// spec: masto:entities/Admin_CanonicalEmailBlock
type adminCanonicalEmailBlock struct {
	ID   string `json:"id"`
	Hash string `json:"canonical_email_hash"`
}

func drawCanonical(n *store.NameRow) *adminCanonicalEmailBlock {
	return &adminCanonicalEmailBlock{itoa(n.ID), n.Name}
}

var hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// spec: masto:methods/admin/canonical_email_blocks
var (
	_ = admin("GET /api/v1/admin/canonical_email_blocks", "admin:read:canonical_email_blocks", store.ManageBlocks, func(api *API, r *Request) (any, error) {
		return listRows(r, api.names(store.CanonicalEmailBlocks), nameID, drawCanonical)
	})
	_ = admin("GET /api/v1/admin/canonical_email_blocks/{id}", "admin:read:canonical_email_blocks", store.ManageBlocks, func(api *API, r *Request) (any, error) {
		n, err := api.askedName(r, store.CanonicalEmailBlocks)
		if err != nil {
			return nil, err
		}
		return drawCanonical(n), nil
	})
	_ = admin("POST /api/v1/admin/canonical_email_blocks/test", "admin:read:canonical_email_blocks", store.ManageBlocks, func(api *API, r *Request) (any, error) {
		email := r.String("email")
		if !strings.Contains(email, "@") {
			return nil, fault.New(fault.Malformed, "param is missing or the value is empty: email")
		}
		found, err := api.DB.NamesIn(r.Context(), store.CanonicalEmailBlocks, []string{store.CanonicalEmail(email)})
		if err != nil {
			return nil, err
		}
		list := []*adminCanonicalEmailBlock{}
		for i := range found {
			list = append(list, drawCanonical(&found[i]))
		}
		return list, nil
	})
	_ = admin("POST /api/v1/admin/canonical_email_blocks", "admin:write:canonical_email_blocks", store.ManageBlocks, func(api *API, r *Request) (any, error) {
		hash := strings.ToLower(r.String("canonical_email_hash"))
		if email := r.String("email"); strings.Contains(email, "@") {
			hash = store.CanonicalEmail(email)
		}
		if !hashForm.MatchString(hash) {
			return nil, invalidField("Canonical email hash can't be blank")
		}
		n := &store.NameRow{Name: hash}
		if err := api.addName(r, store.CanonicalEmailBlocks, "canonical_email_block", n); err != nil {
			return nil, err
		}
		return drawCanonical(n), nil
	})
	_ = admin("DELETE /api/v1/admin/canonical_email_blocks/{id}", "admin:write:canonical_email_blocks", store.ManageBlocks, removeName(store.CanonicalEmailBlocks, "canonical_email_block",
		func(_ *API, _ context.Context, n *store.NameRow) (any, error) { return drawCanonical(n), nil }))
)

// adminIPBlock is a network that is kept out.
//
// spec: masto:entities/Admin_IpBlock
type adminIPBlock struct {
	ID       string  `json:"id"`
	IP       string  `json:"ip"`
	Severity string  `json:"severity"`
	Comment  string  `json:"comment"`
	Created  *string `json:"created_at"`
	Expires  *string `json:"expires_at"`
}

func drawIPBlock(b *store.IPBlock) *adminIPBlock {
	return &adminIPBlock{itoa(b.ID), b.IP, b.Severity, b.Comment, isoTime(vocab.TimeOf(b.ID).UnixMilli()), isoTime(b.Expires)}
}

// network reads an address or a network.
func parseNetwork(text string) (string, error) {
	text = strings.TrimSpace(text)
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked().String(), nil
	}
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()).String(), nil
	}
	return "", invalidField("Ip is not a valid IP address")
}

// maxIPComment bounds the comment on a blocked network, in characters.
const maxIPComment = 2000

// readIPBlock takes what a request says of a block; what isn't named stays.
func (api *API) readIPBlock(r *Request, b *store.IPBlock) (err error) {
	if r.Has("ip") || b.ID == 0 {
		if b.IP, err = parseNetwork(r.String("ip")); err != nil {
			return err
		}
	}
	b.Severity = orElse(r.String("severity"), b.Severity)
	if !slices.Contains([]string{auth.SignUpByApproval, auth.NoSignUp, auth.NoAccess}, b.Severity) {
		return invalidField("Severity is not included in the list")
	}
	if r.Has("comment") {
		b.Comment = cutRunes(r.String("comment"), maxIPComment)
	}
	if r.Has("expires_in") {
		seconds, err := r.Int("expires_in", 0)
		if err != nil || seconds < 0 || seconds > 10*365*24*3600 {
			return invalidField("Expires in is not a number of seconds")
		}
		if b.Expires = 0; seconds > 0 {
			b.Expires = api.Now().UnixMilli() + seconds*1000
		}
	}
	return nil
}

// writeIPBlock stores a block. Nobody shuts themselves out.
func (api *API) writeIPBlock(r *Request, action string, b *store.IPBlock) (any, error) {
	if p, err := netip.ParsePrefix(b.IP); err == nil && b.Severity == auth.NoAccess && p.Contains(auth.ClientIP(r.Request, api.TrustedProxies)) {
		return nil, invalidField("Ip is your own")
	}
	err := api.keepOut(r, action, "ip_block", b.IP, func(tx *store.Tx) (int64, error) {
		err := tx.SetIPBlock(r.Context(), b)
		return b.ID, err
	})
	if errors.Is(err, store.ErrExists) {
		return nil, invalidField("Ip has already been taken")
	} else if err != nil {
		return nil, err
	}
	return drawIPBlock(b), nil
}

// askedIPBlock returns the block that the path names.
func (api *API) askedIPBlock(r *Request) (*store.IPBlock, error) {
	id, err := rowID(r)
	if err != nil {
		return nil, err
	}
	return api.DB.IPBlock(r.Context(), id)
}

// spec: masto:methods/admin/ip_blocks
var (
	_ = admin("GET /api/v1/admin/ip_blocks", "admin:read:ip_blocks", store.ManageBlocks, func(api *API, r *Request) (any, error) {
		return listRows(r, api.DB.IPBlocks, func(b *store.IPBlock) int64 { return b.ID }, drawIPBlock)
	})
	_ = admin("GET /api/v1/admin/ip_blocks/{id}", "admin:read:ip_blocks", store.ManageBlocks, func(api *API, r *Request) (any, error) {
		b, err := api.askedIPBlock(r)
		if err != nil {
			return nil, err
		}
		return drawIPBlock(b), nil
	})
	_ = admin("POST /api/v1/admin/ip_blocks", "admin:write:ip_blocks", store.ManageBlocks, func(api *API, r *Request) (any, error) {
		b := &store.IPBlock{}
		if err := api.readIPBlock(r, b); err != nil {
			return nil, err
		}
		return api.writeIPBlock(r, "create", b)
	})
	_ = admin("PUT /api/v1/admin/ip_blocks/{id}", "admin:write:ip_blocks", store.ManageBlocks, func(api *API, r *Request) (any, error) {
		b, err := api.askedIPBlock(r)
		if err != nil {
			return nil, err
		}
		if err := api.readIPBlock(r, b); err != nil {
			return nil, err
		}
		return api.writeIPBlock(r, "update", b)
	})
	// The documentation's scope, admin:write:domain_blocks, is a slip: Mastodon takes this one.
	_ = admin("DELETE /api/v1/admin/ip_blocks/{id}", "admin:write:ip_blocks|admin:write:domain_blocks", store.ManageBlocks, func(api *API, r *Request) (any, error) {
		b, err := api.askedIPBlock(r)
		if err != nil {
			return nil, err
		}
		err = api.keepOut(r, "destroy", "ip_block", b.IP, func(tx *store.Tx) (int64, error) { return b.ID, tx.RemoveIPBlock(r.Context(), b.ID) })
		if err != nil {
			return nil, err
		}
		return drawIPBlock(b), nil
	})
)
