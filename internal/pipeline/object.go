package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// outcome says what a version of an object is to those that are here.
type outcome int

const (
	first  outcome = iota // The object was not known.
	newer                 // It replaces the version that stood.
	same                  // It was here; a poll's tallies may have moved.
	older                 // It only joins the history.
	buried                // The object was deleted.
)

// put files a version of a post: the newest one is shown, the others are its
// history, and none is after a deletion. Any order of arrival ends in that.
func (s *Step) put(ctx context.Context, o *vocab.Object) error {
	if s.render == nil {
		s.prepare()
	}
	r := s.render
	vis := vocab.VisibilityOf(o.To, o.Cc, s.Actor.Followers)
	if o.Type == "ChatMessage" {
		vis = vocab.VisibilityLevel(direct)
	}
	published := vocab.ClampTime(o.Published, vocab.TimeOf(s.Seq)).UnixMilli()
	version := published
	if !o.Updated.IsZero() {
		version = max(version, vocab.ClampTime(o.Updated, vocab.TimeOf(s.Seq)).UnixMilli())
	}
	if version == published && s.Activity.Type == "Update" && !s.From.Fetched && o.Poll == nil && o.Policy == nil && o.QuoteAuthorization == "" { // Who knows of these says when it edits.
		version = max(version+1, vocab.ClampTime(s.Activity.Published, vocab.TimeOf(s.Seq)).UnixMilli())
	}
	s.visibility = vis.Level
	wrapper, err := vocab.WithoutObject(s.Activity.Raw)
	if err != nil {
		return fault.Because(err, fault.Malformed, "The activity can't be read.")
	}
	s.doc = wrapper
	obj := &store.Object{Seq: s.Seq, URI: o.ID, Type: o.Type, Actor: s.Actor.ID, Visibility: vis.Level, LocalOnly: s.localOnly, Version: version, Doc: string(o.Raw), Patch: s.patchText()}
	what, err := s.fileVersion(ctx, obj, published, vis)
	if err != nil {
		return err
	}
	s.object, s.localOnly = obj.ID, obj.LocalOnly
	switch what {
	case first:
		return s.show(ctx, obj, o, r, published)
	case newer:
		err = s.reshow(ctx, obj, o, r)
	case same:
		if err = s.reshowQuietly(ctx, obj, o, r); err == nil {
			err = s.retally(ctx, obj, o)
		}
	case older:
		err = s.mentionsOf(ctx, obj.ID, o)
	default: // buried
		s.state, s.doc = store.Void, nil
		return nil
	}
	if err != nil {
		return err
	}
	return s.arrive(ctx, obj.ID)
}

// fileVersion writes a version to the log and says what it is to the object. It
// completes obj with the id.
func (s *Step) fileVersion(ctx context.Context, obj *store.Object, published int64, vis vocab.Visibility) (outcome, error) {
	old, err := s.ObjectByURI(ctx, obj.URI)
	if errors.Is(err, store.ErrNotFound) {
		if err := s.wanted(ctx, obj, vis); err != nil {
			return first, err
		}
		if obj.ID, err = s.newObjectID(ctx, obj, published); err != nil {
			return first, err
		}
		return first, s.InsertObject(ctx, obj)
	} else if err != nil {
		return first, err
	}
	if old.Actor != s.Actor.ID {
		return first, fault.New(fault.Rejected, "Only its author can change this.")
	}
	obj.ID, obj.LocalOnly, obj.Visibility = old.ID, old.LocalOnly, old.Visibility
	s.visibility = old.Visibility
	if s.replay {
		return s.replayVersion(ctx, old, obj)
	}
	switch {
	case old.Deleted != 0:
		return buried, nil
	case obj.Version > old.Version:
		return newer, s.ReplaceObject(ctx, old, obj)
	case obj.Version == old.Version:
		return same, s.amend(ctx, old, obj)
	}
	return older, s.AddVersion(ctx, old.ID, store.Version{Version: obj.Version, Seq: s.Seq, Doc: obj.Doc, Patch: obj.Patch})
}

// amend replaces the document that stands by one of the same version, which is no
// edit: a poll's with more votes, or another one that an Update brings, for who may
// quote the post and the permission to quote that it got. The last such Update stands,
// but none takes a permission back: that is for the Delete of the permission.
func (s *Step) amend(ctx context.Context, old, obj *store.Object) error {
	was, err := vocab.DecodeObject([]byte(old.Doc))
	if err != nil {
		return fmt.Errorf("object %d of the log: %w", old.ID, err)
	}
	now := s.Activity.Inline
	switch {
	case now.Poll != nil && was.Poll != nil && tally(now.Poll) != tally(was.Poll):
		if tally(now.Poll) < tally(was.Poll) {
			return nil
		}
	case s.Activity.Type != "Update" || obj.Doc == old.Doc, was.QuoteAuthorization != "" && now.QuoteAuthorization == "":
		return nil
	}
	amended := *old
	amended.Doc, amended.Patch = obj.Doc, obj.Patch
	return s.AmendObject(ctx, &amended)
}

// reshowQuietly renders a post anew whose document was amended; nobody is notified.
func (s *Step) reshowQuietly(ctx context.Context, obj *store.Object, o *vocab.Object, r *rendering) error {
	stands, err := s.Object(ctx, obj.ID)
	if err != nil || stands.Doc != obj.Doc || s.Activity.Type != "Update" || s.Activity.Inline.Policy == nil && o.QuoteURL == "" && !s.From.Fetched {
		return err
	}
	st, err := s.Status(ctx, obj.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	people, err := s.addressed(ctx, o)
	if err != nil {
		return err
	}
	published := vocab.ClampTime(o.Published, vocab.TimeOf(s.Seq)).UnixMilli()
	content := r.fill(obj.URI, published, people)
	if err := s.complete(ctx, content, obj.ID); err != nil {
		return err
	}
	if err := s.quoting(ctx, content, o); err != nil {
		return err
	}
	if err := s.SetContent(ctx, st.ID, content); err != nil {
		return err
	}
	if err := s.settleQuote(ctx, st, content, false); err != nil {
		return err
	}
	e := s.eventFor("status.update", st, r.tags)
	if e.Home, err = s.HomesWith(ctx, st, 500); err != nil {
		return err
	}
	s.publish(e)
	return nil
}

func tally(p *vocab.Poll) int {
	n := p.Voters
	for _, o := range p.Options {
		n += o.Votes
	}
	return n
}

// replayVersion says what a version was, from the log that already holds it.
func (s *Step) replayVersion(ctx context.Context, old, obj *store.Object) (outcome, error) {
	if old.Deleted != 0 {
		return buried, nil
	}
	_, err := s.Status(ctx, old.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return first, nil
	case err != nil:
		return first, err
	case obj.Version < old.Version:
		return older, nil
	}
	return newer, nil
}

// newObjectID returns a free id for the time of publication. One of ours carries
// its id in its address.
func (s *Step) newObjectID(ctx context.Context, obj *store.Object, published int64) (int64, error) {
	if s.From.local() {
		if id, ok := s.p.ownID(obj.URI, "/objects/"); ok {
			return id, nil
		}
	}
	for {
		id := s.DB.IDs.At(msTime(published))
		free, err := s.FreeID(ctx, id)
		if err != nil || free {
			return id, err
		}
	}
}

// wanted refuses what nobody here may read: followers-only posts of people whom
// nobody follows, direct ones for others.
func (s *Step) wanted(ctx context.Context, obj *store.Object, vis vocab.Visibility) error {
	if s.From.local() || s.From.Fetched || vis.Name == "public" || vis.Name == "unlisted" {
		return nil
	}
	people, err := s.addressed(ctx, s.Activity.Inline)
	if err != nil {
		return err
	}
	for _, a := range people {
		if a.Local && a.Deleted == 0 {
			return nil
		}
	}
	if vis.Name == "private" {
		if followed, err := s.FollowedHere(ctx, s.Actor.ID); err != nil || followed {
			return err
		}
	}
	return fault.New(fault.Rejected, "Nobody here is addressed, or follows the author.")
}

// show puts a new post into every projection.
func (s *Step) show(ctx context.Context, obj *store.Object, o *vocab.Object, r *rendering, published int64) error {
	people, err := s.addressed(ctx, o)
	if err != nil {
		return err
	}
	st := &store.Status{ID: obj.ID, Seq: s.Seq, Actor: s.Actor.ID, Conversation: obj.ID, Visibility: obj.Visibility, LocalOnly: obj.LocalOnly,
		Local: s.Actor.Local, Media: int16(len(r.content.Media)), Edited: edited(obj, published), Language: r.language}
	parent, err := s.parentOf(ctx, st, o)
	if err != nil {
		return err
	}
	obj.LocalOnly = st.LocalOnly
	if err := s.InsertStatus(ctx, st); err != nil {
		return err
	}
	content := r.fill(obj.URI, published, people)
	if err := s.complete(ctx, content, obj.ID); err != nil {
		return err
	}
	if err := s.quoting(ctx, content, o); err != nil {
		return err
	}
	if err := s.SetContent(ctx, st.ID, content); err != nil {
		return err
	}
	if err := s.SetTags(ctx, st.ID, r.tags, content.Tags); err != nil {
		return err
	}
	if err := s.link(ctx, st, content.Link); err != nil {
		return err
	}
	if len(r.tags) > 0 || content.Link != "" {
		if err := s.countUse(ctx, st); err != nil {
			return err
		}
	}
	if err := s.address(ctx, st.ID, o, people); err != nil {
		return err
	}
	if err := s.setPoll(ctx, st, o); err != nil {
		return err
	}
	if err := s.index(ctx, st, content, o, people, false); err != nil {
		return err
	}
	if st.Visibility != direct {
		if err := s.CountStatus(ctx, s.Actor.ID, 1, published); err != nil {
			return err
		}
	}
	if parent != nil && st.Visibility <= unlisted {
		if err := s.CountReply(ctx, parent.ID, 1); err != nil {
			return err
		}
	}
	if err := s.tellPeople(ctx, st, people); err != nil {
		return err
	}
	if err := s.newQuote(ctx, st, content); err != nil {
		return err
	}
	if err := s.settleQuote(ctx, st, content, false); err != nil {
		return err
	}
	s.arrived = append(s.arrived, obj.URI)
	if err := s.joinThread(ctx, o); err != nil {
		return err
	}
	return s.distribute(ctx, st, r.tags, people)
}

// complete adds to the content of a post of ours what only its own rows know.
func (s *Step) complete(ctx context.Context, c *store.Content, status int64) (err error) {
	if c.Expires, err = s.lifetimeOf(ctx, status); err != nil {
		return err
	}
	return s.detail(ctx, c)
}

// edited is the time of the last edit, 0 when the post is as it was written.
func edited(obj *store.Object, published int64) int64 {
	if obj.Version > published {
		return obj.Version
	}
	return 0
}

// reshow renders a newer version of a post that is shown.
func (s *Step) reshow(ctx context.Context, obj *store.Object, o *vocab.Object, r *rendering) error {
	people, err := s.addressed(ctx, o)
	if err != nil {
		return err
	}
	st, err := s.Status(ctx, obj.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	published := vocab.TimeOf(obj.ID).UnixMilli()
	if !o.Published.IsZero() {
		published = vocab.ClampTime(o.Published, vocab.TimeOf(s.Seq)).UnixMilli()
	}
	st.Media, st.Language, st.Edited = int16(len(r.content.Media)), r.language, edited(obj, published)
	if err := s.EditStatus(ctx, st); err != nil {
		return err
	}
	content := r.fill(obj.URI, published, people)
	if err := s.complete(ctx, content, obj.ID); err != nil {
		return err
	}
	if err := s.quoting(ctx, content, o); err != nil {
		return err
	}
	if err := s.SetContent(ctx, st.ID, content); err != nil {
		return err
	}
	if err := s.settleQuote(ctx, st, content, false); err != nil {
		return err
	}
	if err := s.SetTags(ctx, st.ID, r.tags, content.Tags); err != nil {
		return err
	}
	if err := s.link(ctx, st, content.Link); err != nil {
		return err
	}
	if err := s.setPoll(ctx, st, o); err != nil {
		return err
	}
	if err := s.index(ctx, st, content, o, people, true); err != nil {
		return err
	}
	if err := s.mentionsOf(ctx, st.ID, o); err != nil {
		return err
	}
	if err := s.tellInterested(ctx, st); err != nil {
		return err
	}
	e := s.eventFor("status.update", st, r.tags)
	e.Home, err = s.HomesWith(ctx, st, 500)
	if err != nil {
		return err
	}
	s.publish(e)
	return nil
}

// mentionsOf tells those who are mentioned in a version and have not been told:
// whichever version came first, everybody who was ever mentioned hears of it once.
func (s *Step) mentionsOf(ctx context.Context, status int64, o *vocab.Object) error {
	people, err := s.addressed(ctx, o)
	if err != nil {
		return err
	}
	st, err := s.Status(ctx, status)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if err := s.address(ctx, status, o, people); err != nil {
		return err
	}
	return s.tellPeople(ctx, st, people)
}

// tellPeople notifies our own who are mentioned.
func (s *Step) tellPeople(ctx context.Context, st *store.Status, people []addressee) error {
	for _, a := range people {
		if !a.Local || !a.named && st.Visibility != direct {
			continue
		}
		told, err := s.Notified(ctx, a.ID, store.KindNamed("mention"), st.ID)
		if err != nil {
			return err
		}
		if told {
			continue
		}
		if err := s.Notify(ctx, a.Actor, "mention", st.ID); err != nil {
			return err
		}
	}
	return nil
}

// tellInterested notifies our own who boosted or quoted a post that it was edited.
//
// spec: masto:entities/Notification#type (update, quoted_update)
func (s *Step) tellInterested(ctx context.Context, st *store.Status) error {
	if s.From.Fetched {
		return nil
	}
	if err := s.tellAll(ctx, "update", st, 0); err != nil {
		return err
	}
	return s.tellAll(ctx, "quoted_update", st, 0)
}

// distribute puts a new status into homes and lists and tells those who listen.
func (s *Step) distribute(ctx context.Context, st *store.Status, tags []string, people []addressee) error {
	e := s.eventFor("update", st, tags)
	if s.Actor.Local && !s.From.imported {
		if err := s.DeliverTo(ctx, s.Actor.ID, st); err != nil {
			return err
		}
		e.Home = append(e.Home, s.Actor.ID)
	}
	if st.Visibility == direct {
		for _, a := range people {
			if a.Local {
				e.Direct = append(e.Direct, a.ID)
			}
		}
		if s.Actor.Local {
			e.Direct = append(e.Direct, s.Actor.ID)
		}
	}
	if !s.From.Fetched && !s.homeless() {
		if err := s.bring(ctx, st, tags, &e); err != nil {
			return err
		}
	} else if s.p.Now().Sub(vocab.TimeOf(st.ID)) > freshPost {
		e.Public = false // Who listens wants what is new.
	}
	s.publish(e)
	return nil
}

// freshPost is how old a post may be that was fetched to be told of in public streams.
const freshPost = time.Hour

// bring puts a status into the homes and lists of others, and rings bells.
func (s *Step) bring(ctx context.Context, st *store.Status, tags []string, e *stream.Event) error {
	owners, next, err := s.Deliver(ctx, st, 0, fanoutChunk)
	if err != nil {
		return err
	}
	e.Home = append(e.Home, owners...)
	if next != 0 {
		if err := s.fanoutRest(ctx, st, next); err != nil {
			return err
		}
	}
	if e.Lists, err = s.DeliverLists(ctx, st); err != nil {
		return err
	}
	if len(tags) > 0 {
		owners, err := s.DeliverTags(ctx, st)
		if err != nil {
			return err
		}
		e.Home = append(e.Home, owners...)
	}
	return s.ringBells(ctx, st)
}

// arrive gives a post that its author sends to those who are to read it, where it is
// here only because it was fetched: an answer or a boost was quicker.
func (s *Step) arrive(ctx context.Context, id int64) error {
	if s.From.Fetched || s.From.local() || s.Activity.Type != "Create" || s.homeless() {
		return nil
	}
	st, err := s.Status(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if fetched, err := s.onlyFetched(ctx, st); err != nil || !fetched {
		return err
	}
	obj, err := s.Object(ctx, id)
	if err != nil {
		return err
	}
	o, err := stored(obj.Doc, obj.Patch)
	if err != nil {
		return err
	}
	people, err := s.addressed(ctx, o)
	if err != nil {
		return err
	}
	st.Seq = s.Seq
	if err := s.SetBringer(ctx, st); err != nil {
		return err
	}
	if err := s.tellPeople(ctx, st, people); err != nil {
		return err
	}
	e := s.eventFor("update", st, nil)
	e.Public = false // Those who listen to public posts heard of it when it was fetched.
	if err := s.bring(ctx, st, render(o).tags, &e); err != nil {
		return err
	}
	s.publish(e)
	return nil
}

// onlyFetched tells whether a status is here because we went to get it.
func (s *Step) onlyFetched(ctx context.Context, st *store.Status) (bool, error) {
	brought, err := s.Tx.Activity(ctx, st.Seq)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && strings.HasPrefix(brought.Origin, fetchPrefix), err
}

// ringBells notifies followers who asked to hear of every new post.
func (s *Step) ringBells(ctx context.Context, st *store.Status) error {
	if st.BoostOf != 0 || st.IsReply && st.ReplyActor != s.Actor.ID || st.Visibility == direct {
		return nil
	}
	return s.tellAll(ctx, "status", st, 0)
}

func (s *Step) eventFor(kind string, st *store.Status, tags []string) stream.Event {
	return stream.Event{Kind: kind, Status: st.ID, Author: st.Actor, Local: st.Local, Media: st.Media > 0, Tags: tags,
		Public: st.Visibility == 0 && st.BoostOf == 0 && !st.LocalOnly && (s.Actor == nil || s.Actor.Silenced == 0)}
}

// bury removes a post with all that hangs on it and leaves its tombstone.
func (s *Step) bury(ctx context.Context, o *store.Object) error {
	if o.Deleted == 0 || !s.replay {
		if err := s.BuryObject(ctx, o.ID, s.now()); err != nil {
			return err
		}
		if s.Actor.Local {
			if err := s.FreeUploads(ctx, o.ID); err != nil {
				return err
			}
		}
	}
	if o.Type == stampType {
		return s.revoked(ctx, o.ID)
	}
	st, err := s.Status(ctx, o.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	e := s.eventFor("delete", st, nil)
	if e.Home, err = s.HomesWith(ctx, st, 500); err != nil {
		return err
	}
	s.publish(e)
	return s.takeDown(ctx, st)
}

// takeDown removes a status, the boosts of it first.
func (s *Step) takeDown(ctx context.Context, st *store.Status) error {
	for {
		boosts, err := s.BoostsOf(ctx, st.ID, takeDownChunk)
		if err != nil {
			return err
		}
		for i := range boosts {
			if err := s.RemoveStatus(ctx, &boosts[i]); err != nil {
				return err
			}
		}
		if len(boosts) < takeDownChunk {
			break
		}
	}
	if st.ReplyTo != 0 && st.Visibility <= unlisted {
		if err := s.CountReply(ctx, st.ReplyTo, -1); err != nil {
			return err
		}
	}
	if err := s.forgetQuote(ctx, st.ID); err != nil {
		return err
	}
	return s.RemoveStatus(ctx, st)
}

const (
	fanoutChunk   = 400 // Home rows written with the post; the rest follows in jobs.
	takeDownChunk = 100

	unlisted int16 = 1 // vocab.Visibilities by level; a test compares them.
	private  int16 = 2
	direct   int16 = 3
)
