package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// updateActor takes a new version of the actor's own profile. The document may be
// missing from a remote Update; then it is fetched.
func (s *Step) updateActor(ctx context.Context) error {
	s.object = s.Actor.ID
	if s.replay {
		return nil // Profiles are projected from actors before the log is replayed.
	}
	if s.Activity.Inline == nil {
		if s.From.local() {
			return nil
		}
		return s.enqueueAt(ctx, "fetch", s.Actor.Host, "fetch "+string(s.Actor.URI), 0, fetchJob{Actor: s.Actor.URI})
	}
	doc := s.Activity.Inline.Raw
	s.doc = bareDelete(s.Activity)
	a, err := vocab.DecodeActor(doc)
	if err == nil && a.Inbox == "" && !s.From.local() {
		a, err = s.completed(ctx, doc)
	}
	if err != nil {
		return err
	}
	if a.ID != s.Actor.URI {
		return fault.New(fault.Rejected, "An actor can only update itself.")
	}
	return s.p.storeActor(ctx, s.Tx, s.Actor, a, s.now(), s.From.local())
}

// completed is the actor's document with the members of one that holds only what has
// changed.
func (s *Step) completed(ctx context.Context, part []byte) (*vocab.Actor, error) {
	whole, err := s.ActorDoc(ctx, s.Actor.ID)
	if err != nil {
		return nil, err
	}
	members := map[string]json.RawMessage{}
	for _, doc := range [][]byte{[]byte(whole), part} {
		if err := json.Unmarshal(doc, &members); err != nil { // The second adds to the first.
			return nil, fault.Because(err, fault.Malformed, "The actor can't be read.")
		}
	}
	doc, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	return vocab.DecodeActor(doc)
}

// storeActor writes a version of an actor's document that is newer than, or as new
// as, the one that stands, and its profile.
func (p *Pipeline) storeActor(ctx context.Context, tx *store.Tx, row *store.Actor, a *vocab.Actor, now int64, local bool) error {
	version := row.Version
	if !a.Updated.IsZero() {
		version = vocab.ClampTime(a.Updated, msTime(now)).UnixMilli()
		if version < row.Version {
			return nil
		}
	}
	next := *row
	next.Type, next.Version, next.Fetched = a.Type, version, now
	next.Inbox, next.SharedInbox, next.Followers = a.Inbox, a.SharedInbox, a.Followers
	next.KeyID, next.KeyPEM = keyOf(a)
	if next.Inbox == "" {
		return fault.New(fault.Rejected, "An actor needs an inbox.")
	}
	if err := tx.UpdateActor(ctx, &next, string(a.Raw)); err != nil {
		return err
	}
	if err := tx.SetActorKeys(ctx, row.ID, otherKeys(a)); err != nil {
		return err
	}
	if err := followSuspension(ctx, tx, &next, a); err != nil {
		return err
	}
	if err := p.present(ctx, tx, row.ID, profileOf(a)); err != nil {
		return err
	}
	if err := p.lookWhere(ctx, tx, a); err != nil {
		return err
	}
	if p.Stream != nil {
		tx.OnCommit(func() { p.Stream.Publish(stream.Event{Kind: "account_changed", Author: row.ID}) })
	}
	return nil
}

// lookWhere has the account fetched that an actor says it moved to, so that it can be
// shown. Where that one moved to in turn is not looked for.
func (p *Pipeline) lookWhere(ctx context.Context, tx *store.Tx, a *vocab.Actor) error {
	if a.MovedTo == "" || p.fetchable(a.MovedTo) != nil {
		return nil
	}
	if _, err := tx.ActorByURI(ctx, a.MovedTo); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	s := &Step{Tx: tx, p: p}
	return s.enqueueAt(ctx, "fetch", a.MovedTo.Host(), "fetch "+string(a.MovedTo), 0, fetchJob{Actor: a.MovedTo, Unknown: true, Last: true})
}

// followSuspension hides a remote actor that its own server suspended, and shows it
// again; what our moderators decided stands.
//
// spec: toot#suspended
func followSuspension(ctx context.Context, tx *store.Tx, row *store.Actor, a *vocab.Actor) error {
	switch {
	case row.Local:
		return nil
	case a.Suspended && row.Suspended == 0:
		row.Suspended = store.SuspendedThere
	case !a.Suspended && row.Suspended == store.SuspendedThere:
		row.Suspended = 0
	default:
		return nil
	}
	return tx.SetModeration(ctx, row)
}

// keyOf returns the key with which the actor signs: one that it owns, on its host.
func keyOf(a *vocab.Actor) (id, pem string) {
	for _, k := range a.Keys {
		if k.PEM != "" && (k.Owner == "" || k.Owner == a.ID) && vocab.SameHost(k.ID, a.ID) {
			return string(k.ID), k.PEM
		}
	}
	return "", ""
}

// otherKeys returns the actor's keys beside that of keyOf.
//
// spec: fep-521a
func otherKeys(a *vocab.Actor) []store.ActorKey {
	first, _ := keyOf(a)
	var list []store.ActorKey
	for _, k := range a.Keys {
		if string(k.ID) == first {
			continue // It may stand there twice, in two forms.
		}
		key := store.ActorKey{ID: k.ID, Key: k.PEM}
		if key.Key == "" {
			key.Key = k.Multi
		}
		list = append(list, key)
	}
	return list
}

// maxFields bounds the rows of a profile's table.
const maxFields = 50

// profileOf renders what an actor says of itself.
func profileOf(a *vocab.Actor) *store.Profile {
	p := &store.Profile{DisplayName: markup.DisplayName(a.Name), Note: markup.Sanitize(cut(a.Summary, 64<<10)), URL: a.URL, Avatar: a.Icon, Header: a.Image,
		AvatarDescription: cut(a.IconDescription, 1500), HeaderDescription: cut(a.ImageDescription, 1500),
		Type: a.Type, Bot: a.Bot, Group: a.Type == "Group", Locked: a.Locked, Discoverable: a.Discoverable, Memorial: a.Memorial,
		MovedTo: a.MovedTo, AlsoKnownAs: a.AlsoKnownAs}
	if a.Indexable != nil {
		p.Indexable = *a.Indexable
	}
	if p.URL == "" {
		p.URL = a.ID
	}
	if !a.Published.IsZero() {
		p.Created = a.Published.UnixMilli()
	}
	for _, f := range a.Fields {
		if len(p.Fields) < maxFields {
			p.Fields = append(p.Fields, store.ProfileField{Name: markup.DisplayName(f.Name), Value: markup.Sanitize(cut(f.Value, 4096))})
		}
	}
	for _, t := range a.Tags {
		if e, ok := emoji(t); ok && t.Type == "Emoji" && len(p.Emoji) < maxEmoji {
			p.Emoji = append(p.Emoji, e)
		}
	}
	return p
}

// deleteActor marks an actor as gone, which every read honours at once, and leaves
// the rest to a job.
func (s *Step) deleteActor(ctx context.Context) error {
	s.object = s.Actor.ID
	if s.replay {
		return s.purgeChunk(ctx, s.Actor.ID, 1<<30)
	}
	gone := *s.Actor
	gone.Deleted = s.now()
	if err := s.UpdateActor(ctx, &gone, ""); err != nil {
		return err
	}
	if err := s.SetActorKeys(ctx, gone.ID, nil); err != nil {
		return err
	}
	if err := s.SetProfile(ctx, gone.ID, &store.Profile{Type: gone.Type, URL: gone.URI}); err != nil {
		return err
	}
	s.publish(stream.Event{Kind: "account_changed", Author: gone.ID})
	job, err := purgeOf(&gone)
	if err != nil {
		return err
	}
	s.behind = append(s.behind, job)
	return nil
}

// purgeOf is the job that removes what is left of a deleted actor. That of one of
// ours stands in the lane of what the actor did, behind its Delete: as long as the
// recipients of that are looked for, the followers have to be there.
func purgeOf(a *store.Actor) (store.Job, error) {
	payload, err := json.Marshal(purgeJob{Actor: a.ID})
	job := store.Job{Kind: "purge", Uniq: fmt.Sprintf("purge %d", a.ID), Payload: payload}
	if a.Local {
		job.Lane = a.ID
	}
	return job, err
}

type purgeJob struct {
	Actor int64 `json:"actor"`
}

// purgeSize is how many posts of a deleted actor go in one transaction.
const purgeSize = 25

// purge removes what is left of a deleted actor, a piece at a time.
func (p *Pipeline) purge(ctx context.Context, j purgeJob) error {
	for more := true; more; {
		err := p.DB.Write(ctx, func(tx *store.Tx) error {
			actor, err := tx.Actor(ctx, j.Actor)
			if err != nil {
				return err
			}
			s := &Step{Tx: tx, p: p, Actor: actor, Seq: tx.NewID(), Activity: &vocab.Activity{Type: "Delete"}}
			left, err := tx.StatusesOf(ctx, j.Actor, purgeSize)
			if err != nil {
				return err
			}
			more = len(left) == purgeSize
			return s.purgeChunk(ctx, j.Actor, purgeSize)
		})
		if err != nil {
			return err
		}
	}
	return p.forgetPrivate(ctx, j.Actor)
}

// forgetPrivate removes what a deleted account of ours kept for itself, and what
// is known of the person. The name stays taken, and the key signs what is still to
// be delivered.
func (p *Pipeline) forgetPrivate(ctx context.Context, id int64) error {
	actor, err := p.DB.Actor(ctx, id)
	if err != nil || !actor.Local || actor.Deleted == 0 {
		return err
	}
	for _, step := range []func(*store.Tx) (bool, error){
		func(tx *store.Tx) (bool, error) { return tx.DropUploads(ctx, id, droppedFiles) },
		func(tx *store.Tx) (bool, error) { return false, tx.DropArchives(ctx, id) },
		func(tx *store.Tx) (bool, error) { return tx.ForgetPrivate(ctx, id) },
	} {
		for more := true; more; {
			err := p.DB.Write(ctx, func(tx *store.Tx) (err error) {
				more, err = step(tx)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// droppedFiles is how many files of a deleted account one job deletes.
const droppedFiles = 100

// purgeChunk takes down up to n posts of an actor; with the last ones its follows
// and what is filed under its name.
func (s *Step) purgeChunk(ctx context.Context, actor int64, n int) error {
	all, err := s.StatusesOf(ctx, actor, n)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].BoostOf != 0 {
			if err := s.RemoveStatus(ctx, &all[i]); err != nil {
				return err
			}
			if err := s.CountBoost(ctx, all[i].BoostOf, -1); err != nil {
				return err
			}
			continue
		}
		o, err := s.Object(ctx, all[i].ID)
		if err != nil {
			return err
		}
		if err := s.bury(ctx, o); err != nil {
			return err
		}
	}
	if len(all) == n {
		return nil
	}
	for {
		follows, err := s.FollowsAround(ctx, actor, 100)
		if err != nil {
			return err
		}
		for _, f := range follows {
			if err := s.unfollow(ctx, f.Actor, f.Target); err != nil {
				return err
			}
		}
		if len(follows) < 100 {
			break
		}
	}
	return s.ForgetActor(ctx, actor)
}

// FetchActor returns an actor that may not be known yet, fetched from its own
// host. It is bounded in size, time and redirects by the remote client.
func (p *Pipeline) FetchActor(ctx context.Context, uri vocab.IRI) (*store.Actor, error) {
	a, err := p.DB.ActorByURI(ctx, uri)
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return a, err
	}
	return p.RefreshActor(ctx, uri)
}

// RefreshActor fetches an actor's document and stores it, known or not.
func (p *Pipeline) RefreshActor(ctx context.Context, uri vocab.IRI) (*store.Actor, error) {
	a, err := p.actorAt(ctx, uri)
	if err != nil {
		return nil, err
	}
	return p.AddActor(ctx, a)
}

// actorAt fetches an actor's document.
func (p *Pipeline) actorAt(ctx context.Context, uri vocab.IRI) (*vocab.Actor, error) {
	if err := p.fetchable(uri); err != nil {
		return nil, err
	}
	body, final, err := p.Remote.Document(ctx, uri, p.InstanceKey(ctx))
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", uri, err)
	}
	a, err := vocab.DecodeActor(body)
	if err != nil {
		return nil, err
	}
	if a.ID != final {
		return nil, fault.New(fault.Rejected, "%s answered with another actor.", uri)
	}
	return a, nil
}

// AddActor stores a remote actor's document that was fetched from its own host.
func (p *Pipeline) AddActor(ctx context.Context, a *vocab.Actor) (*store.Actor, error) {
	row, err := p.addActor(ctx, a)
	if err != nil || a.MovedTo == "" {
		return row, err
	}
	return row, p.DB.Write(ctx, func(tx *store.Tx) error { return p.lookWhere(ctx, tx, a) })
}

func (p *Pipeline) addActor(ctx context.Context, a *vocab.Actor) (*store.Actor, error) {
	if err := usable(a, p.host); err != nil {
		return nil, err
	}
	domain := a.ID.Host()
	if handle, err := p.Remote.VerifyHandle(ctx, a); err == nil {
		if _, d, ok := cutHandle(handle); ok {
			domain = d
		}
	}
	var row *store.Actor
	err := p.DB.Write(ctx, func(tx *store.Tx) error {
		old, err := tx.ActorByURI(ctx, a.ID)
		if err == nil {
			row = old
			if old.Deleted != 0 {
				return fault.New(fault.Gone, "%s was deleted.", a.ID)
			}
			if err := p.storeActor(ctx, tx, old, a, p.Now().UnixMilli(), false); err != nil {
				return err
			}
			row, err = tx.Actor(ctx, old.ID)
			return err
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		row, err = p.insertActor(ctx, tx, a, domain)
		return err
	})
	return row, err
}

func (p *Pipeline) insertActor(ctx context.Context, tx *store.Tx, a *vocab.Actor, domain string) (*store.Actor, error) {
	id := tx.NewID()
	row := &store.Actor{ID: id, Seq: id, URI: a.ID, Type: a.Type, Host: a.ID.Host(), Domain: domain, Username: a.PreferredUsername,
		Inbox: a.Inbox, SharedInbox: a.SharedInbox, Followers: a.Followers, Version: 0, Fetched: p.Now().UnixMilli()}
	row.KeyID, row.KeyPEM = keyOf(a)
	if rule := p.Hosts.Of(row.Host); rule.Silence {
		row.Silenced = rule.Since
	}
	if !a.Updated.IsZero() {
		row.Version = vocab.ClampTime(a.Updated, p.Now()).UnixMilli()
	}
	other, err := tx.ActorByHandle(ctx, row.Username, row.Domain)
	if err == nil {
		// The handle moved to a new actor, or its host claims it twice: the newer
		// actor gets it, the older one keeps its posts under its address.
		if err := tx.ParkHandle(ctx, other); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if err := tx.InsertActor(ctx, row, string(a.Raw)); err != nil {
		return nil, err
	}
	if err := p.askSoftware(ctx, tx, row.Host); err != nil {
		return nil, err
	}
	if keys := otherKeys(a); len(keys) > 0 {
		if err := tx.SetActorKeys(ctx, id, keys); err != nil {
			return nil, err
		}
	}
	if err := p.present(ctx, tx, id, profileOf(a)); err != nil {
		return nil, err
	}
	if err := tx.Lock(ctx, string(a.ID)); err != nil { // A post that mentions the actor may be about to be committed.
		return nil, err
	}
	posts, err := tx.Mentioning(ctx, a.ID, 1)
	if err != nil || len(posts) == 0 {
		return row, err
	}
	s := &Step{Tx: tx, p: p}
	return row, s.enqueue(ctx, "introduce", "", introduceJob{Actor: id})
}

// usable refuses actors that can't take part, or claim to be who they are not.
func usable(a *vocab.Actor, own string) error {
	switch {
	case a.ID.Valid() != nil, a.ID.Host() == own:
		return fault.New(fault.Rejected, "The actor's id is not usable.")
	case a.Inbox == "" || a.Inbox.Valid() != nil:
		return fault.New(fault.Rejected, "An actor needs an inbox.")
	case !vocab.IsActor(a.Type):
		return fault.New(fault.Rejected, "A %s is no actor.", a.Type)
	}
	if err := vocab.ValidUsername(a.PreferredUsername); err != nil {
		return fault.Because(err, fault.Rejected, "The actor's username is not usable.")
	}
	return nil
}
