package mastodon

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// search finds accounts by the beginning of their name, tags by theirs, and any
// post or account by its address or handle; resolve goes to look at other servers.
//
// spec: masto:methods/search#v2
var _ = route("GET /api/v2/search", "?read:search", func(api *API, r *Request) (any, error) {
	found, tags, err := api.search(r)
	if err != nil {
		return nil, err
	}
	drawn, err := api.tags(r.Context(), r.User, tags)
	if err != nil {
		return nil, err
	}
	return found.draw(r, drawn)
})

// The first form names tags only. It was removed in 3.0.0, some still ask for it.
//
// spec: masto:methods/search#v1
var _ = route("GET /api/v1/search", "read:search", func(api *API, r *Request) (any, error) {
	found, tags, err := api.search(r)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, t := range tags {
		names = append(names, t.Name)
	}
	return found.draw(r, names)
})

// foundThings are what a search finds but tags, as drawn: JSON lists, nil for empty
// ones.
type foundThings struct{ accounts, statuses any }

// draw puts together the answer. It is not encoded as a whole: that would read all that
// is drawn once more.
func (f *foundThings) draw(r *Request, tags any) (any, error) {
	b := r.buffer()
	for _, part := range []struct {
		name string
		list any
	}{{`{"accounts":`, f.accounts}, {`,"statuses":`, f.statuses}, {`,"hashtags":`, tags}} {
		b = append(b, part.name...)
		switch list := part.list.(type) {
		case nil:
			b = append(b, "[]"...)
		case json.RawMessage:
			b = append(b, list...)
		default:
			text, err := marshal(list)
			if err != nil {
				return nil, err
			}
			b = append(b, text...)
		}
	}
	return r.drawn(append(b, '}'))
}

// search finds accounts and statuses, and tags.
func (api *API) search(r *Request) (found *foundThings, tags []store.Tag, err error) {
	q := strings.TrimSpace(r.String("q"))
	if q == "" {
		return nil, nil, fault.New(fault.Malformed, "param is missing or the value is empty: q")
	}
	limit, err := r.limit(somePosts)
	if err != nil {
		return nil, nil, err
	}
	offset, err := r.Int("offset", 0)
	if err != nil || offset < 0 {
		return nil, nil, fault.New(fault.Malformed, "offset must be a number.")
	}
	if r.User == nil && (offset > 0 || r.Bool("resolve", false)) {
		return nil, nil, fault.New(fault.Unauthorized, "Search queries pagination or resolution is not supported without authentication")
	}
	typ := r.String("type")
	found = &foundThings{}
	wants := func(what string) bool { return typ == "" || typ == what }
	if isAddress(q) {
		return found, nil, api.searchAddress(r, q, wants, found)
	}
	if wants("accounts") {
		if found.accounts, err = api.searchAccounts(r, q, limit, int(offset), r.Bool("resolve", false), r.Bool("following", false)); err != nil {
			return nil, nil, err
		}
	}
	if wants("statuses") && r.User != nil && !isHandle(q) {
		list, err := api.searchStatuses(r, q, limit, int(min(offset, maxFound)))
		if err != nil {
			return nil, nil, err
		}
		found.statuses = json.RawMessage(list)
	}
	if wants("hashtags") && !strings.HasPrefix(q, "@") {
		tags, err = api.DB.SearchTags(r.Context(), markup.FoldTag(strings.TrimPrefix(q, "#")), limit, int(min(offset, maxFound)))
	}
	return found, tags, err
}

// spec: masto:methods/accounts#search
var _ = route("GET /api/v1/accounts/search", "read:accounts", func(api *API, r *Request) (any, error) {
	limit, err := r.limit(somePeople)
	if err != nil {
		return nil, err
	}
	offset, err := r.Int("offset", 0)
	if err != nil {
		return nil, fault.New(fault.Malformed, "offset must be a number.")
	}
	return api.searchAccounts(r, strings.TrimSpace(r.String("q")), limit, int(offset), r.Bool("resolve", false), r.Bool("following", false))
})

// resolveTime is how long a search goes to look at other servers.
const resolveTime = 5 * time.Second

func isAddress(q string) bool {
	return strings.HasPrefix(q, "https://") || strings.HasPrefix(q, "http://")
}

// searchAddress finds what an address names.
func (api *API) searchAddress(r *Request, q string, wants func(string) bool, found *foundThings) error {
	ctx, cancel := context.WithTimeout(r.Context(), resolveTime)
	defer cancel()
	resolve := r.Bool("resolve", false) && r.User != nil
	uri := vocab.IRI(q)
	if wants("accounts") {
		if a, err := api.DB.ActorByURI(ctx, uri); err == nil && a.Deleted == 0 {
			found.accounts, err = api.drawnPeople(ctx, []int64{a.ID})
			return err
		}
		if name, ok := api.ownPage(q); ok && !strings.Contains(name, "/") {
			if a, err := api.DB.ActorByHandle(ctx, name, ""); err == nil {
				found.accounts, err = api.drawnPeople(ctx, []int64{a.ID})
				return err
			}
		}
	}
	if wants("statuses") {
		id, ok := api.statusAt(ctx, q)
		if !ok && resolve {
			fetched, err := api.Pipeline.FetchObject(ctx, uri)
			ok = err == nil
			id = fetched
		}
		if ok {
			if _, err := api.visiblePost(ctx, r.User, itoa(id)); err != nil {
				return nil // Nothing for these eyes.
			}
			list, err := api.show(ctx, r.User, []int64{id})
			if err != nil {
				return err
			}
			found.statuses = json.RawMessage(appendStatuses(nil, list))
			return nil
		}
	}
	if wants("accounts") && resolve {
		a, err := api.Pipeline.FetchActor(ctx, uri)
		if err != nil {
			return nil // There is nothing of use at that address.
		}
		found.accounts, err = api.drawnPeople(ctx, []int64{a.ID})
		return err
	}
	return nil
}

// ownPage is what follows /@ in the address of one of our pages.
func (api *API) ownPage(q string) (string, bool) { return strings.CutPrefix(q, api.URL+"/@") }

// statusAt returns the post that we know by an id on the wire, or by its page.
func (api *API) statusAt(ctx context.Context, q string) (int64, bool) {
	if o, err := api.DB.ObjectByURI(ctx, vocab.IRI(q)); err == nil {
		return o.ID, o.Deleted == 0
	}
	page, ok := api.ownPage(q)
	if !ok {
		return 0, false
	}
	_, number, ok := strings.Cut(page, "/")
	id, err := parseID(number)
	return id, ok && err == nil
}

// searchAccounts finds accounts by handle or by the beginning of their name.
func (api *API) searchAccounts(r *Request, q string, limit, offset int, resolve, following bool) (any, error) {
	ctx := r.Context()
	name, domain, exact := strings.Cut(strings.TrimPrefix(q, "@"), "@")
	if strings.EqualFold(domain, api.Domain) {
		domain = ""
	}
	var ids []int64
	if exact && offset == 0 && !following {
		if a, err := api.DB.ActorByHandle(ctx, name, strings.ToLower(domain)); err == nil && !a.Hidden() {
			ids = append(ids, a.ID)
		} else if resolve && r.User != nil && domain != "" {
			ctx, cancel := context.WithTimeout(ctx, resolveTime)
			defer cancel()
			if a, err := api.Pipeline.Resolve(ctx, name+"@"+domain); err == nil {
				ids = append(ids, a.ID)
			}
		}
	}
	var more []int64
	if !exact || domain != "" { // A whole handle of ours has no others.
		w := store.AccountSearch{Text: name, Domain: domain, Following: following && r.User != nil, Limit: limit, Offset: offset}
		if r.User != nil {
			w.Viewer = r.User.ID
		}
		var err error
		if more, err = api.DB.SearchAccounts(ctx, w); err != nil {
			return nil, err
		}
	}
	for _, id := range more {
		if len(ids) < limit && (len(ids) == 0 || ids[0] != id) {
			ids = append(ids, id)
		}
	}
	return api.drawnPeople(ctx, ids)
}

// drawnPeople draws accounts in this order.
func (api *API) drawnPeople(ctx context.Context, ids []int64) (any, error) {
	drawn, err := api.people(ctx, ids)
	if err != nil {
		return nil, err
	}
	all := make([][]byte, 0, len(ids))
	for _, id := range ids {
		if one := drawn[id]; one != nil && !one.suspended {
			all = append(all, one.json)
		}
	}
	return json.RawMessage(appendAll(nil, all)), nil
}
