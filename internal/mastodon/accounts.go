package mastodon

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// target returns the account that the path names; NotFound when there is none, or
// it is gone.
func (api *API) target(r *Request) (*store.Actor, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	a, err := api.DB.Actor(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if a.Deleted != 0 {
		return nil, errNotFound()
	}
	return a, nil
}

// drawAccount answers with one account.
func (api *API) drawAccount(r *Request, id int64) (any, error) {
	drawn, err := api.people(r.Context(), []int64{id})
	if err != nil {
		return nil, err
	}
	if drawn[id] == nil {
		return nil, errNotFound()
	}
	return r.drawn(append(r.buffer(), drawn[id].json...))
}

// spec: masto:methods/accounts#get; an account that is gone is drawn as suspended
var _ = route("GET /api/v1/accounts/{id}", "",
	func(api *API, r *Request) (any, error) {
		id, err := parseID(r.PathValue("id"))
		if err != nil {
			if a, herr := api.byHandle(r.Context(), r.PathValue("id")); herr == nil { // Pleroma-FE asks by name.
				return api.drawAccount(r, a.ID)
			}
			return nil, err
		}
		if err := api.lookAt(r, id); err != nil {
			return nil, err
		}
		return api.drawAccount(r, id)
	})

// lookAt has the server of a remote account asked about it, now that one of ours looks
// at it; what it says is shown the next time.
func (api *API) lookAt(r *Request, id int64) error {
	if r.User == nil {
		return nil
	}
	return api.Pipeline.LookAt(r.Context(), id)
}

// spec: masto:methods/accounts#index
var _ = route("GET /api/v1/accounts", "",
	func(api *API, r *Request) (any, error) {
		ids := append(r.IDs("id"), r.IDs("ids")...)
		return api.drawnPeople(r.Context(), ids[:min(len(ids), maxMany)])
	})

// spec: masto:methods/accounts#lookup; nothing is fetched for it
var _ = route("GET /api/v1/accounts/lookup", "",
	func(api *API, r *Request) (any, error) {
		a, err := api.byHandle(r.Context(), r.String("acct"))
		if err != nil {
			return nil, err
		}
		return api.drawAccount(r, a.ID)
	})

// byHandle finds an account that is known, by "ann", "@ann@a.test" or so.
func (api *API) byHandle(ctx context.Context, handle string) (*store.Actor, error) {
	name, domain, _ := strings.Cut(strings.TrimPrefix(handle, "@"), "@")
	domain = strings.ToLower(domain)
	if domain == api.Domain || "https://"+domain == api.URL || "http://"+domain == api.URL {
		domain = ""
	}
	if name == "" {
		return nil, errNotFound()
	}
	a, err := api.DB.ActorByHandle(ctx, name, domain)
	if err == nil && a.Deleted != 0 {
		return nil, errNotFound()
	}
	return a, err
}

// spec: masto:methods/accounts#statuses
var _ = route("GET /api/v1/accounts/{id}/statuses", "?read:statuses",
	func(api *API, r *Request) (any, error) {
		a, err := api.target(r)
		if err != nil {
			return nil, err
		}
		if err := api.lookAt(r, a.ID); err != nil {
			return nil, err
		}
		return api.accountStatuses(r, a)
	})

// Who follows an account, and whom it follows. Nobody is shown where the account
// hides them, or blocks the one who asks.
//
// spec: masto:methods/accounts#followers, #following
var (
	_ = route("GET /api/v1/accounts/{id}/followers", "", func(api *API, r *Request) (any, error) {
		return api.network(r, api.DB.Followers)
	})
	_ = route("GET /api/v1/accounts/{id}/following", "", func(api *API, r *Request) (any, error) {
		return api.network(r, api.DB.Following)
	})
)

func (api *API) network(r *Request, read func(context.Context, int64, store.Page) ([]store.Cursor, error)) (any, error) {
	ctx := r.Context()
	a, err := api.target(r)
	if err != nil {
		return nil, err
	}
	if r.User == nil || r.User.ID != a.ID {
		shown, err := api.networkShown(ctx, a, r.User)
		if err != nil {
			return nil, err
		}
		if !shown {
			return []struct{}{}, nil
		}
	}
	page, err := r.page(somePeople)
	if err != nil {
		return nil, err
	}
	list, err := read(ctx, a.ID, page)
	if err != nil {
		return nil, err
	}
	return api.drawPeople(r, list, page, prevBySince)
}

// networkShown tells whether viewer may see whom an account knows.
func (api *API) networkShown(ctx context.Context, a, viewer *store.Actor) (bool, error) {
	if a.Local {
		account, err := api.DB.Account(ctx, a.ID)
		if err != nil {
			return false, err
		}
		if account.Preferences.HideNetwork {
			return false, nil
		}
	}
	if viewer == nil {
		return true, nil
	}
	blocks, err := api.DB.Blocks(ctx, a.ID, viewer.ID)
	return !blocks, err
}

// Relationship is the entity.
//
// spec: masto:entities/Relationship
type relationship struct {
	ID                  string   `json:"id"`
	Following           bool     `json:"following"`
	ShowingReblogs      bool     `json:"showing_reblogs"`
	Notifying           bool     `json:"notifying"`
	Languages           []string `json:"languages"`
	FollowedBy          bool     `json:"followed_by"`
	Blocking            bool     `json:"blocking"`
	BlockedBy           bool     `json:"blocked_by"`
	Muting              bool     `json:"muting"`
	MutingNotifications bool     `json:"muting_notifications"`
	MutingExpiresAt     *string  `json:"muting_expires_at"`
	Requested           bool     `json:"requested"`
	RequestedBy         bool     `json:"requested_by"`
	DomainBlocking      bool     `json:"domain_blocking"`
	Endorsed            bool     `json:"endorsed"`
	Note                string   `json:"note"`
}

func newRelationship(id int64, r *store.Relation) relationship {
	follows := r.Following || r.Requested
	out := relationship{ID: itoa(id), Following: r.Following, ShowingReblogs: follows && r.Boosts, Notifying: follows && r.Notify,
		FollowedBy: r.FollowedBy, Blocking: r.Blocking, BlockedBy: r.BlockedBy, Muting: r.Muting, MutingNotifications: r.MutingNotifies,
		MutingExpiresAt: isoTime(r.MuteExpires), Requested: r.Requested, RequestedBy: r.RequestedBy, DomainBlocking: r.DomainBlocking, Note: r.Note,
		Endorsed: r.Endorsed && r.Following}
	if follows && r.Languages != "" {
		out.Languages = strings.Split(r.Languages, ",")
	}
	return out
}

// relationships returns how the person stands to accounts, in the order of ids.
func (api *API) relationships(ctx context.Context, viewer *store.Actor, ids []int64) ([]relationship, error) {
	known, err := api.DB.Actors(ctx, ids)
	if err != nil {
		return nil, err
	}
	found, err := api.DB.Relations(ctx, viewer.ID, ids, api.Now().UnixMilli())
	if err != nil {
		return nil, err
	}
	all := []relationship{}
	for _, id := range ids {
		if known[id] != nil {
			all = append(all, newRelationship(id, found[id]))
		}
	}
	return all, nil
}

// spec: masto:methods/accounts#relationships
var _ = route("GET /api/v1/accounts/relationships", "read:follows",
	func(api *API, r *Request) (any, error) {
		ids := r.IDs("id")
		return api.relationships(r.Context(), r.User, ids[:min(len(ids), maxMany)])
	})

// relate registers POST /api/v1/accounts/{id}/NAME: something that is done to an
// account and answered with the Relationship.
func relate(name, scope string, do func(api *API, r *Request, target *store.Actor) error) struct{} {
	return route("POST /api/v1/accounts/{id}/"+name, scope, func(api *API, r *Request) (any, error) {
		target, err := api.target(r)
		if err != nil {
			return nil, err
		}
		if err := do(api, r, target); err != nil {
			return nil, err
		}
		api.relationsChanged(r.User.ID)
		return api.relationshipTo(r, target.ID)
	})
}

func (api *API) relationshipTo(r *Request, id int64) (*relationship, error) {
	all, err := api.relationships(r.Context(), r.User, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errNotFound()
	}
	return &all[0], nil
}

// followed follows an account. One elsewhere that lets everybody in is said to be
// followed at once, though its answer takes a moment: as in Mastodon, apps show no
// request that is about to go away.
func followed(api *API, r *Request) (any, error) {
	target, err := api.target(r)
	if err != nil {
		return nil, err
	}
	if err := api.follow(r, target); err != nil {
		return nil, err
	}
	api.relationsChanged(r.User.ID)
	rel, err := api.relationshipTo(r, target.ID)
	if err != nil || !rel.Requested || target.Local {
		return rel, err
	}
	locked, err := api.DB.Locked(r.Context(), target.ID)
	if err != nil {
		return nil, err
	}
	rel.Following, rel.Requested = !locked, locked
	return rel, nil
}

// spec: masto:methods/accounts#follow and the following
var (
	_ = route("POST /api/v1/accounts/{id}/follow", "write:follows", followed)
	_ = relate("unfollow", "write:follows", func(api *API, r *Request, target *store.Actor) error {
		if err := api.Pipeline.Unfollow(r.Context(), r.User, target); err != nil {
			return err
		}
		return api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.ForgetFollowSettings(r.Context(), r.User.ID, target.ID) })
	})
	_ = relate("remove_from_followers", "write:follows", func(api *API, r *Request, target *store.Actor) error {
		err := api.Pipeline.AnswerFollow(r.Context(), r.User, target, false)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	_ = relate("block", "write:blocks", func(api *API, r *Request, target *store.Actor) error {
		return api.Pipeline.Block(r.Context(), r.User, target)
	})
	_ = relate("unblock", "write:blocks", func(api *API, r *Request, target *store.Actor) error {
		return api.Pipeline.Unblock(r.Context(), r.User, target)
	})
	_ = relate("mute", "write:mutes", (*API).mute)
	_ = relate("unmute", "write:mutes", func(api *API, r *Request, target *store.Actor) error {
		return api.changePrivate(r, "relations_changed", func(tx *store.Tx) error { return tx.RemoveMute(r.Context(), r.User.ID, target.ID) })
	})
	_ = relate("note", "write:accounts", func(api *API, r *Request, target *store.Actor) error {
		comment := r.String("comment")
		if len([]rune(comment)) > maxNote {
			return invalidField("Comment is too long (maximum is %d characters)", maxNote)
		}
		return api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.SetNote(r.Context(), r.User.ID, target.ID, comment) })
	})
)

// maxNote is how many characters one may note about an account.
const maxNote = 2000

// follow follows, or changes how the person follows: what isn't sent stays as it
// is, and begins with boosts, no bell, and all languages.
func (api *API) follow(r *Request, target *store.Actor) error {
	ctx := r.Context()
	if err := api.Pipeline.Follow(ctx, r.User, target); err != nil {
		return err
	}
	if !r.Has("reblogs") && !r.Has("notify") && !r.Has("languages") {
		return nil
	}
	was, err := api.DB.Relations(ctx, r.User.ID, []int64{target.ID}, api.Now().UnixMilli())
	if err != nil {
		return err
	}
	now := was[target.ID]
	f := store.FollowSettings{Actor: r.User.ID, Target: target.ID, Boosts: r.Bool("reblogs", now.Boosts), Notify: r.Bool("notify", now.Notify), Languages: now.Languages}
	if r.Has("languages") {
		languages := r.Strings("languages")
		for _, code := range languages {
			if !vocab.LanguageCode(code) {
				return invalidField("Languages contain an unsupported language")
			}
		}
		f.Languages = strings.Join(languages[:min(len(languages), maxLanguages)], ",")
	}
	return api.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetFollowSettings(ctx, f) })
}

// maxLanguages bounds the languages of one follow.
const maxLanguages = 30

// mute hides an account, for some seconds or for good.
func (api *API) mute(r *Request, target *store.Actor) error {
	if target.ID == r.User.ID {
		return fault.New(fault.Invalid, "You can't mute yourself.")
	}
	seconds, err := r.Int("duration", 0)
	if err != nil {
		return err
	}
	if seconds == 0 { // Pleroma's name of it.
		if seconds, err = r.Int("expires_in", 0); err != nil {
			return err
		}
	}
	if seconds < 0 || seconds > maxDuration {
		return invalidField("Duration is out of range")
	}
	m := store.Mute{Actor: r.User.ID, Target: target.ID, Notifications: r.Bool("notifications", true)}
	if seconds > 0 {
		m.Expires = api.Now().Add(time.Duration(seconds) * time.Second).UnixMilli()
	}
	return api.changePrivate(r, "relations_changed", func(tx *store.Tx) error { return tx.SetMute(r.Context(), m) })
}

// maxDuration is how long mutes and filters may last, in seconds: a hundred years.
const maxDuration = 100 * 365 * 24 * 60 * 60

// spec: masto:methods/accounts#familiar_followers
var _ = route("GET /api/v1/accounts/familiar_followers", "read:follows",
	func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		type familiar struct {
			ID       string `json:"id"`
			Accounts any    `json:"accounts"`
		}
		ids := r.IDs("id")
		ids = ids[:min(len(ids), somePosts.max)]
		targets, err := api.networksShown(ctx, r.User, ids)
		if err != nil {
			return nil, err
		}
		who, err := api.DB.FamiliarFollowers(ctx, r.User.ID, targets, maxFamiliar)
		if err != nil {
			return nil, err
		}
		known, err := api.DB.Actors(ctx, ids)
		if err != nil {
			return nil, err
		}
		var people []int64
		for _, list := range who {
			people = append(people, list...)
		}
		drawn, err := api.people(ctx, people)
		if err != nil {
			return nil, err
		}
		all := []familiar{}
		for _, id := range ids {
			if known[id] == nil {
				continue
			}
			var faces [][]byte
			for _, one := range who[id] {
				if f := drawn[one]; f != nil {
					faces = append(faces, f.json)
				}
			}
			all = append(all, familiar{itoa(id), json.RawMessage(appendAll(nil, faces))})
		}
		return all, nil
	})

// networksShown returns which of these accounts let viewer see whom they know.
func (api *API) networksShown(ctx context.Context, viewer *store.Actor, ids []int64) ([]int64, error) {
	accounts, err := api.DB.AccountsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	rel, err := api.relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	var shown []int64
	for _, id := range ids {
		if a := accounts[id]; (a == nil || !a.Preferences.HideNetwork) && !rel.Blocks[id] {
			shown = append(shown, id)
		}
	}
	return shown, nil
}

// maxFamiliar is how many familiar followers of one account are shown.
const maxFamiliar = 10

// spec: masto:methods/accounts#lists
var _ = route("GET /api/v1/accounts/{id}/lists", "read:lists",
	func(api *API, r *Request) (any, error) {
		target, err := api.target(r)
		if err != nil {
			return nil, err
		}
		lists, err := api.DB.ListsWith(r.Context(), r.User.ID, target.ID)
		return newLists(lists), err
	})
