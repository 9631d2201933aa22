package pipeline

import (
	"context"
	"errors"
	"fmt"

	"kenoma/internal/fault"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// CreateAccount makes an account of ours: its actor with a key, and the private
// row, in one transaction. The caller has checked what the person may choose; a
// name that is taken is a Conflict.
func (p *Pipeline) CreateAccount(ctx context.Context, n store.NewAccount) (*store.Actor, error) {
	if err := vocab.ValidUsername(n.Username); err != nil {
		return nil, fault.Because(err, fault.Invalid, "This username can't be used.")
	}
	private, err := p.NewKey() // Some hundred ms: before the transaction.
	if err != nil {
		return nil, err
	}
	a, err := p.newPerson(n.Username, private)
	if err != nil {
		return nil, err
	}
	var row *store.Actor
	err = p.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.ActorByHandle(ctx, n.Username, ""); err == nil {
			return fault.New(fault.Conflict, "The name %s is taken.", n.Username)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		id := tx.NewID()
		a.Published = vocab.TimeOf(id)
		if err := addProofKey(ctx, tx, a, id); err != nil {
			return err
		}
		a.Raw = a.Encode()
		row = &store.Actor{ID: id, Seq: id, URI: a.ID, Type: a.Type, Local: true, Host: p.host, Username: n.Username, Inbox: a.Inbox,
			SharedInbox: a.SharedInbox, Followers: a.Followers, KeyID: string(a.Keys[0].ID), KeyPEM: a.Keys[0].PEM, Version: vocab.TimeOf(id).UnixMilli(),
			Fetched: vocab.TimeOf(id).UnixMilli()}
		if err := tx.InsertActor(ctx, row, string(a.Raw)); err != nil {
			return err
		}
		if err := tx.SetActorKeys(ctx, id, otherKeys(a)); err != nil {
			return err
		}
		if err := tx.InsertAccount(ctx, id, private, n); err != nil {
			return err
		}
		if err := p.present(ctx, tx, id, profileOf(a)); err != nil {
			return err
		}
		if n.Invite != "" {
			if err := p.useInvite(ctx, tx, id, n.Invite); err != nil {
				return err
			}
		}
		return p.tellSignUp(ctx, tx, row, n)
	})
	if err != nil {
		return nil, fmt.Errorf("creating account %s: %w", n.Username, err)
	}
	return row, nil
}

// useInvite takes a place of an invite for a new account.
func (p *Pipeline) useInvite(ctx context.Context, tx *store.Tx, account int64, code string) error {
	i, err := tx.UseInvite(ctx, code)
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.NotFound, "This invite is not valid any more.")
	} else if err != nil {
		return err
	}
	if err := tx.SetInvite(ctx, account, i.ID); err != nil || !i.Autofollow || i.Creator == 0 {
		return err
	}
	s := &Step{Tx: tx, p: p}
	return s.enqueue(ctx, "autofollow", "", autofollowJob{account, i.Creator})
}

// autofollowJob has who was invited follow who did that.
type autofollowJob struct {
	Actor  int64 `json:"actor"`
	Target int64 `json:"target"`
}

func (p *Pipeline) autofollow(ctx context.Context, j autofollowJob) error {
	both, err := p.DB.Actors(ctx, []int64{j.Actor, j.Target})
	if err != nil || both[j.Actor] == nil || both[j.Target] == nil || both[j.Actor].Hidden() {
		return err
	}
	err = p.Follow(ctx, both[j.Actor], both[j.Target])
	if fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) {
		return nil // One of them has thought better of it.
	}
	return err
}

// featuredTagsPath is where the tags are that an account shows on its profile.
const featuredTagsPath = "/collections/tags"

// newPerson is the actor of a new account.
func (p *Pipeline) newPerson(username, private string) (*vocab.Actor, error) {
	key, err := remote.ParsePrivateKey(private)
	if err != nil {
		return nil, err
	}
	public, err := remote.EncodePublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	id := p.ActorURI(username)
	yes, no := true, false
	return &vocab.Actor{ID: id, Type: "Person", PreferredUsername: username, Name: "", URL: vocab.IRI(p.URL + "/@" + username),
		Inbox: id + "/inbox", Outbox: id + "/outbox", SharedInbox: vocab.IRI(p.URL + "/inbox"), Followers: id + "/followers", Following: id + "/following",
		Featured: id + "/collections/featured", FeaturedTags: id + featuredTagsPath, Discoverable: &yes, Indexable: &no, Webfinger: username + "@" + p.Domain,
		Client: p.clientEndpoints(id), Keys: []vocab.PublicKey{{ID: id + "#main-key", Owner: id, PEM: public}}}, nil
}

// clientEndpoints are where the clients of our actor id turn to.
func (p *Pipeline) clientEndpoints(id vocab.IRI) vocab.ClientEndpoints {
	at := func(path string) vocab.IRI { return vocab.IRI(p.URL + path) }
	return vocab.ClientEndpoints{Authorize: at("/oauth/authorize"), Token: at("/oauth/token"), Register: at("/api/v1/apps"), Upload: id + "/media"}
}
