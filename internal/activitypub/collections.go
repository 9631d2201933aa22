package activitypub

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// pageSize is how many entries a page of a collection has.
const (
	pageSize   = 20 // Of activities.
	idsPerPage = 40
)

// askedPage reads the paging of a request: no page is wanted, or the entries below
// max_id, or those right above min_id.
func askedPage(r *http.Request, size int) (page store.Page, wanted bool, err error) {
	q := r.URL.Query()
	page.Limit = size
	for name, at := range map[string]*int64{"max_id": &page.Max, "min_id": &page.Min} {
		if text := q.Get(name); text != "" {
			if *at, err = strconv.ParseInt(text, 10, 64); err != nil || *at < 0 {
				return page, false, fault.New(fault.Malformed, "%s must be a number.", name)
			}
			wanted = true
		}
	}
	return page, wanted || q.Get("page") != "", nil
}

// paged answers with a collection: its size and the way to its pages, or one of
// them. list returns the entries of a page and the number by which each is paged,
// newest first.
func (h *Handler) paged(w http.ResponseWriter, r *http.Request, id vocab.IRI, total int64, size int,
	list func(store.Page) ([]vocab.Item, []int64, error)) error {
	page, wanted, err := askedPage(r, size)
	if err != nil {
		return err
	}
	if !wanted {
		c := &vocab.Collection{ID: id, Type: "OrderedCollection", Total: int(total), First: id + "?page=true", Last: id + "?min_id=0&page=true"}
		return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c), forAll)
	}
	end := page.Min == 0 && r.URL.Query().Has("min_id")
	if end {
		page.Min = 1 // The last page: ids begin above it.
	}
	items, at, err := list(page)
	if err != nil {
		return err
	}
	c := &vocab.Collection{ID: pageID(id, page), Type: "OrderedCollectionPage", Total: int(total), PartOf: id}
	if len(at) > 0 {
		c.Prev = pageID(id, store.Page{Min: at[0]})
	}
	if len(at) == size && !end || page.Min > 1 && len(at) > 0 {
		c.Next = pageID(id, store.Page{Max: at[len(at)-1]})
	}
	return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c, items...), forAll)
}

// pageID is the address of a page.
func pageID(id vocab.IRI, p store.Page) vocab.IRI {
	q := url.Values{"page": {"true"}}
	if p.Max > 0 {
		q.Set("max_id", strconv.FormatInt(p.Max, 10))
	}
	if p.Min > 0 {
		q.Set("min_id", strconv.FormatInt(p.Min, 10))
	}
	return id + "?" + vocab.IRI(q.Encode())
}

// ownerOf returns the account whose collection is asked for, and its numbers.
func (h *Handler) ownerOf(r *http.Request) (*person, store.ActorCounts, error) {
	p, err := h.asked(r, chi.URLParam(r, "name"))
	if err != nil {
		return nil, store.ActorCounts{}, err
	}
	if p.Deleted != 0 {
		return nil, store.ActorCounts{}, fault.New(fault.Gone, "This account was deleted.")
	}
	if p.Suspended != 0 {
		return nil, store.ActorCounts{}, fault.New(fault.Denied, "This account is suspended.")
	}
	counts, err := h.DB.ActorCounts(r.Context(), []int64{p.ID})
	return p, counts[p.ID], err
}

// outbox is GET /users/NAME/outbox: what the account published for everybody, newest
// first.
//
// spec: ap#outbox
func (h *Handler) outbox(w http.ResponseWriter, r *http.Request) error {
	p, counts, err := h.ownerOf(r)
	if err != nil {
		return err
	}
	return h.paged(w, r, p.URI+"/outbox", counts.Statuses, pageSize, func(page store.Page) ([]vocab.Item, []int64, error) {
		return h.published(r.Context(), p.ID, page)
	})
}

// published returns a page of an outbox: activities with their objects in them.
func (h *Handler) published(ctx context.Context, actor int64, page store.Page) ([]vocab.Item, []int64, error) {
	rows, err := h.DB.Outbox(ctx, actor, page)
	if err != nil {
		return nil, nil, err
	}
	var ids, at []int64
	for _, row := range rows {
		at = append(at, row.Status)
		if !row.Boost {
			ids = append(ids, row.Status)
		}
	}
	objects, err := h.DB.Objects(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	var items []vocab.Item
	for _, row := range rows {
		doc := []byte(row.Activity)
		if o := objects[row.Status]; !row.Boost {
			if o == nil || o.Deleted != 0 || o.LocalOnly {
				continue
			}
			inline, err := h.documentOf(ctx, o)
			if err != nil {
				return nil, nil, err
			}
			if doc, err = vocab.WithObject(doc, inline); err != nil {
				return nil, nil, err
			}
		}
		items = append(items, vocab.Item{Raw: doc})
	}
	return items, at, nil
}

// followers is GET /users/NAME/followers.
//
// spec: ap#followers
func (h *Handler) followers(w http.ResponseWriter, r *http.Request) error {
	p, counts, err := h.ownerOf(r)
	if err != nil {
		return err
	}
	return h.people(w, r, p, p.URI+"/followers", counts.Followers, h.DB.FollowerURIs)
}

// following is GET /users/NAME/following.
//
// spec: ap#following
func (h *Handler) following(w http.ResponseWriter, r *http.Request) error {
	p, counts, err := h.ownerOf(r)
	if err != nil {
		return err
	}
	return h.people(w, r, p, p.URI+"/following", counts.Following, h.DB.FollowingURIs)
}

// people answers with a list of actors' ids, or only its size where the account
// does not tell whom it knows.
func (h *Handler) people(w http.ResponseWriter, r *http.Request, p *person, id vocab.IRI, total int64,
	read func(context.Context, int64, store.Page) ([]store.Named, error)) error {
	if p.hidesNetwork {
		if _, wanted, err := askedPage(r, idsPerPage); err != nil {
			return err
		} else if wanted {
			return fault.New(fault.Denied, "This account does not tell whom it knows.")
		}
		c := &vocab.Collection{ID: id, Type: "OrderedCollection", Total: int(total)}
		return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c), forAll)
	}
	return h.paged(w, r, id, total, idsPerPage, func(page store.Page) ([]vocab.Item, []int64, error) {
		list, err := read(r.Context(), p.ID, page)
		items, at := named(list)
		return items, at, err
	})
}

// followersThere is GET /users/NAME/followers_synchronization: those of the server
// that asks. Who asks must sign, whatever the settings say.
//
// spec: fep-8fcf#the-partial-follower-collection
func (h *Handler) followersThere(w http.ResponseWriter, r *http.Request) error {
	reader, err := h.signed(r)
	if err != nil {
		return err
	}
	p, err := h.person(r.Context(), chi.URLParam(r, "name"))
	if err != nil {
		return err
	}
	if err := h.welcome(r.Context(), p.ID, reader); err != nil {
		return err
	}
	all, ok, err := h.Pipeline.FollowersFor(r.Context(), p.ID, reader.Host)
	if err != nil {
		return err
	}
	if !ok || p.Deleted != 0 {
		return fault.New(fault.NotFound, "There is no list to compare with.")
	}
	c := &vocab.Collection{ID: p.URI + "/followers_synchronization", Type: "OrderedCollection", Total: len(all)}
	items := make([]vocab.Item, len(all))
	for i, uri := range all {
		items[i].ID = uri
	}
	return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c, items...), forOne)
}

func named(list []store.Named) (items []vocab.Item, at []int64) {
	for _, n := range list {
		items = append(items, vocab.Item{ID: n.URI})
		at = append(at, n.At)
	}
	return items, at
}

// featured is GET /users/NAME/collections/featured: the pinned posts, whole.
func (h *Handler) featured(w http.ResponseWriter, r *http.Request) error {
	p, _, err := h.ownerOf(r)
	if err != nil {
		return err
	}
	ids, err := h.DB.Pins(r.Context(), p.ID)
	if err != nil {
		return err
	}
	objects, err := h.DB.Objects(r.Context(), ids)
	if err != nil {
		return err
	}
	items := []vocab.Item{}
	for _, id := range ids {
		o := objects[id]
		if o == nil || o.Deleted != 0 || o.LocalOnly || o.Visibility > unlisted {
			continue
		}
		doc, err := h.documentOf(r.Context(), o)
		if err != nil {
			return err
		}
		items = append(items, vocab.Item{ID: o.URI, Raw: doc})
	}
	c := &vocab.Collection{ID: p.URI + "/collections/featured", Type: "OrderedCollection", Total: len(items), Items: items}
	return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c), forAll)
}

// replies is GET /objects/ID/replies: the public answers, those of the author
// first, which make a thread, and then everybody else's.
//
// spec: as2-vocabulary#dfn-replies
func (h *Handler) replies(w http.ResponseWriter, r *http.Request) error {
	p, err := h.livePost(r)
	if err != nil {
		return err
	}
	page, wanted, err := askedPage(r, pageSize)
	if err != nil {
		return err
	}
	id := p.URI + "/replies"
	others := r.URL.Query().Has("only_other_accounts")
	if wanted {
		first, err := h.repliesPage(r.Context(), p, id, others, page.Min)
		if err != nil {
			return err
		}
		return h.document(w, r, http.StatusOK, vocab.EncodeCollection(first), p.audience)
	}
	first, err := h.repliesPage(r.Context(), p, id, false, 0)
	if err != nil {
		return err
	}
	c := &vocab.Collection{ID: id, Type: "Collection", Total: -1, FirstPage: first}
	return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c), p.audience)
}

// repliesPage is a page of the author's own answers, or of others'. After the last
// one of the author's come the others'.
func (h *Handler) repliesPage(ctx context.Context, p *post, id vocab.IRI, others bool, after int64) (*vocab.Collection, error) {
	list, err := h.DB.ReplyURIs(ctx, p.ID, p.author.ID, !others, after, pageSize)
	if err != nil {
		return nil, err
	}
	items, at := named(list)
	page := &vocab.Collection{ID: repliesID(id, others, after), Type: "CollectionPage", Total: -1, PartOf: id, Items: items}
	switch {
	case len(at) == pageSize:
		page.Next = repliesID(id, others, at[len(at)-1])
	case !others:
		page.Next = repliesID(id, true, 0)
	}
	return page, nil
}

// context is GET /contexts/ID: the public posts of the conversation that began with
// our post ID, in the order in which they were written.
//
// spec: fep-7888, fep-f228#collection-of-posts
func (h *Handler) context(w http.ResponseWriter, r *http.Request) error {
	p, err := h.livePost(r)
	if err != nil {
		return err
	}
	st, err := h.DB.Status(r.Context(), p.ID)
	if err != nil {
		return err
	}
	if st.IsReply {
		return noPost // Somebody else's conversation, or one that began above.
	}
	page, wanted, err := askedPage(r, idsPerPage)
	if err != nil {
		return err
	}
	total, err := h.DB.CountContext(r.Context(), p.ID)
	if err != nil {
		return err
	}
	id := h.Pipeline.ContextURI(p.ID)
	if !wanted {
		c := &vocab.Collection{ID: id, Type: "OrderedCollection", Total: int(total) + 1, AttributedTo: p.author.URI, First: contextPage(id, 0)}
		return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c), p.audience)
	}
	list, err := h.DB.ContextURIs(r.Context(), p.ID, page.Min, idsPerPage)
	if err != nil {
		return err
	}
	items, at := named(list)
	c := &vocab.Collection{ID: contextPage(id, page.Min), Type: "OrderedCollectionPage", Total: int(total) + 1, PartOf: id}
	if page.Min == 0 {
		items = append([]vocab.Item{{ID: p.URI}}, items...)
	}
	if len(at) == idsPerPage {
		c.Next = contextPage(id, at[len(at)-1])
	}
	return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c, items...), p.audience)
}

// contextPage is the address of what comes after a post in a conversation.
func contextPage(id vocab.IRI, after int64) vocab.IRI {
	if after == 0 {
		return id + "?page=true"
	}
	return id + "?" + vocab.IRI(url.Values{"page": {"true"}, "min_id": {strconv.FormatInt(after, 10)}}.Encode())
}

func repliesID(id vocab.IRI, others bool, after int64) vocab.IRI {
	q := url.Values{"page": {"true"}}
	if others {
		q.Set("only_other_accounts", "true")
	}
	if after > 0 {
		q.Set("min_id", strconv.FormatInt(after, 10))
	}
	return id + "?" + vocab.IRI(q.Encode())
}
