package mastodon

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"kenoma/internal/blocklist"
	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// blocklistEntity is a list of hosts to be kept out, ours.
type blocklistEntity struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	URL     *string `json:"url"`  // null: it was imported.
	Kind    string  `json:"kind"` // block, or allow: what it names is not kept out by other lists.
	Cap     *string `json:"severity_cap"`
	Every   int64   `json:"every"` // Seconds between fetches; 0 never.
	Created *string `json:"created_at"`
	Fetched *string `json:"fetched_at"`
	Next    *string `json:"next_fetch_at"`
	Problem *string `json:"problem"`
	Hosts   int64   `json:"hosts"`
	Skipped int64   `json:"skipped"`
}

func drawBlocklist(b *store.Blocklist) *blocklistEntity {
	e := &blocklistEntity{ID: itoa(b.ID), Name: b.Name, URL: orNil(b.URL), Kind: "block", Cap: orNil(b.Cap), Every: b.Every / 1000, Created: isoTime(vocab.TimeOf(b.ID).UnixMilli()),
		Fetched: isoTime(b.Fetched), Next: isoTime(b.Due), Problem: orNil(b.Problem), Hosts: b.Hosts, Skipped: b.Skipped}
	if b.Allow {
		e.Kind = "allow"
	}
	return e
}

// listRule is what a rule about a host is, in a change.
type listRule struct {
	Severity      string `json:"severity"`
	RejectMedia   bool   `json:"reject_media"`
	RejectReports bool   `json:"reject_reports"`
	Comment       string `json:"public_comment"`
}

// listChange is what lists would change, or have changed.
type listChange struct {
	Domain    string    `json:"domain"`
	Was       *listRule `json:"was"` // null: there is no rule.
	Now       *listRule `json:"now"` // null: it is lifted.
	Lists     []string  `json:"lists"`
	Accounts  int64     `json:"accounts"`
	Following int64     `json:"following"` // Follows of its people by ours.
	Followers int64     `json:"followers"`
	Held      bool      `json:"held"` // Waits for an admin.
}

func drawListChanges(all []pipeline.ListChange) []listChange {
	rule := func(b *store.HostBlock) *listRule {
		if b == nil {
			return nil
		}
		return &listRule{b.Severity, b.RejectMedia, b.RejectReports, b.PublicComment}
	}
	list := []listChange{}
	for _, c := range all {
		lists := c.From
		if lists == nil {
			lists = []string{}
		}
		list = append(list, listChange{c.Domain, rule(c.Was), rule(c.Now), lists, c.Concern.Accounts, c.Concern.Following, c.Concern.Followers, c.Held})
	}
	return list
}

// skippedLine is a line of a list that could not be used.
type skippedLine struct {
	Line   int    `json:"line"`
	Text   string `json:"text"`
	Reason string `json:"reason"`
}

// dryRun says what a list would change.
func (api *API) dryRun(r *Request, b *store.Blocklist, list blocklist.List) (any, error) {
	plan, err := api.Pipeline.PlanBlocklists(r.Context(), blocklist.Source{Name: orElse(b.Name, "this list"), Cap: b.Cap, Allow: b.Allow, Entries: list.Entries})
	if err != nil {
		return nil, err
	}
	skipped := []skippedLine{}
	for _, s := range list.Skipped {
		skipped = append(skipped, skippedLine(s))
	}
	return map[string]any{"hosts": len(list.Entries), "skipped": skipped, "changes": drawListChanges(plan)}, nil
}

// readBlocklist takes what a request says of a list; what isn't named stays.
func readBlocklist(r *Request, b *store.Blocklist) error {
	b.Name, b.URL = orElse(r.String("name"), b.Name), orElse(r.String("url"), b.URL)
	if r.Has("severity_cap") {
		b.Cap = r.String("severity_cap")
	}
	switch kind := r.String("kind"); kind {
	case "":
	case "block", "allow":
		b.Allow = kind == "allow"
	default:
		return invalidField("Kind is not included in the list")
	}
	every, err := r.Int("every", b.Every/1000)
	b.Every = every * 1000
	return err
}

func (api *API) askedBlocklist(r *Request) (*store.Blocklist, error) {
	id, err := rowID(r)
	if err != nil {
		return nil, err
	}
	return api.DB.Blocklist(r.Context(), id)
}

// blocklistRoute adds a method of ours for who looks after federation.
func blocklistRoute(method, path string, run handler) struct{} {
	scope := "admin:write:domain_blocks"
	if method == "GET" {
		scope = "admin:read:domain_blocks"
	}
	return admin(method+" /api/kenoma/v1/admin/blocklists"+path, scope, store.ManageFederation, run)
}

// Subscribing to lists. A url with dry_run=true is fetched now, and nothing is kept.
var (
	_ = blocklistRoute("GET", "", func(api *API, r *Request) (any, error) {
		all, err := api.DB.Blocklists(r.Context())
		list := []*blocklistEntity{}
		for i := range all {
			list = append(list, drawBlocklist(&all[i]))
		}
		return list, err
	})
	_ = blocklistRoute("POST", "", func(api *API, r *Request) (any, error) {
		b := &store.Blocklist{}
		if err := readBlocklist(r, b); err != nil {
			return nil, err
		}
		if b.URL == "" {
			return nil, invalidField("Url can't be blank")
		}
		if r.Bool("dry_run", false) {
			list, _, err := api.Pipeline.FetchBlocklist(r.Context(), b.URL)
			if err != nil {
				return nil, err
			}
			return api.dryRun(r, b, list)
		}
		if err := api.Pipeline.SetBlocklist(r.Context(), r.User.ID, b); err != nil {
			return nil, err
		}
		return drawBlocklist(b), nil
	})
	_ = blocklistRoute("GET", "/{id}", func(api *API, r *Request) (any, error) {
		b, err := api.askedBlocklist(r)
		if err != nil {
			return nil, err
		}
		return drawBlocklist(b), nil
	})
	_ = blocklistRoute("PUT", "/{id}", func(api *API, r *Request) (any, error) {
		b, err := api.askedBlocklist(r)
		if err == nil {
			err = readBlocklist(r, b)
		}
		if err == nil {
			err = api.Pipeline.SetBlocklist(r.Context(), r.User.ID, b)
		}
		if err != nil {
			return nil, err
		}
		return drawBlocklist(b), nil
	})
	_ = blocklistRoute("DELETE", "/{id}", func(api *API, r *Request) (any, error) {
		b, err := api.askedBlocklist(r)
		if err != nil {
			return nil, err
		}
		return drawBlocklist(b), api.Pipeline.RemoveBlocklist(r.Context(), r.User.ID, b)
	})
	_ = blocklistRoute("POST", "/{id}/refresh", func(api *API, r *Request) (any, error) {
		b, err := api.askedBlocklist(r)
		if err != nil {
			return nil, err
		}
		return empty, api.Pipeline.RefreshBlocklists(r.Context(), b.ID)
	})
)

// What the lists would change, and the rules by which they are merged.
var (
	_ = blocklistRoute("GET", "/plan", func(api *API, r *Request) (any, error) {
		plan, err := api.Pipeline.PlanBlocklists(r.Context())
		return drawListChanges(plan), err
	})
	_ = blocklistRoute("POST", "/apply", func(api *API, r *Request) (any, error) {
		did, err := api.Pipeline.ApplyBlocklists(r.Context(), r.User.ID, r.Bool("held", false))
		api.cache.forgetAll()
		return drawListChanges(did), err
	})
	_ = blocklistRoute("GET", "/rules", func(api *API, r *Request) (any, error) {
		return drawListRules(api.Pipeline.BlocklistRules(r.Context()))
	})
	_ = blocklistRoute("PUT", "/rules", func(api *API, r *Request) (any, error) {
		rules, err := api.Pipeline.BlocklistRules(r.Context())
		if err != nil {
			return nil, err
		}
		rules.Combine, rules.Cap = orElse(r.String("combine"), rules.Combine), orElse(r.String("cap"), rules.Cap)
		needs, err := r.Int("needs", int64(rules.Needs))
		if err != nil {
			return nil, err
		}
		rules.Needs = int(needs)
		if rules.AskAbove, err = r.Int("ask_above", rules.AskAbove); err != nil {
			return nil, err
		}
		if r.Has("except") {
			rules.Except = r.Strings("except")
		}
		if err := api.Pipeline.SetBlocklistRules(r.Context(), r.User.ID, rules); err != nil {
			return nil, err
		}
		return drawListRules(api.Pipeline.BlocklistRules(r.Context()))
	})
	// Why is there a rule about a host?
	_ = blocklistRoute("GET", "/why", func(api *API, r *Request) (any, error) {
		domain, err := domainParam(r)
		if err != nil {
			return nil, err
		}
		var block any
		listed := false
		if b, err := api.DB.HostBlockOf(r.Context(), domain); err == nil {
			block, listed = drawDomainBlock(b), b.Listed
		} else if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		lists, entries, err := api.DB.ListedBy(r.Context(), domain)
		if err != nil {
			return nil, err
		}
		named := []any{}
		for i, l := range lists {
			named = append(named, map[string]any{"id": itoa(l.ID), "name": l.Name, "url": orNil(l.URL), "severity": entries[i].Severity, "reject_media": entries[i].RejectMedia,
				"reject_reports": entries[i].RejectReports, "public_comment": entries[i].Comment})
		}
		return map[string]any{"domain": domain, "block": block, "decided_by": decidedBy(block != nil, listed), "lists": named}, nil
	})
)

func drawListRules(rules blocklist.Rules, err error) (any, error) {
	if rules.Except == nil {
		rules.Except = []string{}
	}
	rules.Needs = max(rules.Needs, 1)
	return rules, err
}

// decidedBy says who decided about a host.
func decidedBy(is, listed bool) string {
	switch {
	case !is:
		return "nobody"
	case listed:
		return "lists"
	}
	return "staff"
}

// listText reads the file that a request brings, as a file or a field.
func listText(r *Request) ([]byte, error) {
	if r.File("list") == nil {
		return []byte(r.String("list")), nil
	}
	in, err := r.File("list").Open()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = b.ReadFrom(in)
	return b.Bytes(), err
}

// Files. With "as" a file becomes a list that the next file of that name replaces, and
// what that does not name any more is lifted; without it the file makes decisions of
// this server. kind=allow lets its hosts in where federation is limited.
var (
	_ = blocklistRoute("POST", "/import", func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		text, err := listText(r)
		if err != nil {
			return nil, err
		}
		list, err := blocklist.Parse(text)
		if err != nil {
			return nil, err
		}
		if len(list.Entries) == 0 {
			return nil, fault.New(fault.Invalid, "The list names no host.")
		}
		as, allow := r.String("as"), r.String("kind") == "allow"
		switch {
		case r.Bool("dry_run", false):
			return api.dryRun(r, &store.Blocklist{Name: as, Allow: allow, Cap: r.String("severity_cap")}, list)
		case as != "":
			if err := api.Pipeline.ImportList(ctx, r.User.ID, as, allow, list, digest(string(text))); err != nil {
				return nil, err
			}
			b, err := api.DB.BlocklistNamed(ctx, as)
			if err != nil {
				return nil, err
			}
			return drawBlocklist(b), nil
		case allow:
			var domains []string
			for _, e := range list.Entries {
				domains = append(domains, e.Domain)
			}
			n, err := api.Pipeline.AllowHosts(ctx, r.User.ID, domains)
			api.cache.forgetAll()
			return map[string]any{"added": n, "skipped": len(list.Skipped)}, err
		}
		n, err := api.Pipeline.ImportBlocks(ctx, r.User.ID, list.Entries, r.Bool("overwrite", false))
		api.cache.forgetAll()
		return map[string]any{"added": n.Added, "changed": n.Changed, "kept": n.Kept, "skipped": len(list.Skipped)}, err
	})
	_ = blocklistRoute("GET", "/export", func(api *API, r *Request) (any, error) {
		var b bytes.Buffer
		var err error
		if r.String("kind") == "allow" {
			var names []string
			if names, err = api.Pipeline.AllowedHosts(r.Context()); err == nil {
				err = blocklist.WriteDomains(&b, names)
			}
		} else {
			var entries []blocklist.Entry
			private := r.Bool("private", false)
			if entries, err = api.Pipeline.ExportBlocks(r.Context(), private); err == nil {
				entries = slices.DeleteFunc(entries, func(e blocklist.Entry) bool { return e.Severity == "noop" && !e.RejectMedia && !e.RejectReports })
				err = blocklist.Write(&b, entries, private)
			}
		}
		if err != nil {
			return nil, err
		}
		r.header.Set("Content-Type", "text/csv; charset=utf-8")
		r.header.Set("Content-Disposition", `attachment; filename="domain_blocks-`+api.Now().UTC().Format(time.DateOnly)+`.csv"`)
		return json.RawMessage(b.Bytes()), nil
	})
)
