package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// A quote is shown when the quoted author permits it: with a stamp, a
// QuoteAuthorization at an address of that author's host, which names both posts.
// Deleting the stamp revokes it. Nobody needs a stamp to quote oneself.
//
// spec: fep-044f

// stampPath is where our own stamps are served, below the server's address.
const stampPath = "/quote_authorizations/"

const stampType = "QuoteAuthorization"

// QuotePermission says whether somebody may quote a post.
type QuotePermission string

// The permissions, as the client API calls them.
//
// spec: masto:entities/QuoteApproval#current_user
const (
	QuoteAutomatic QuotePermission = "automatic"
	QuoteManual    QuotePermission = "manual"
	QuoteDenied    QuotePermission = "denied"
	QuoteUnknown   QuotePermission = "unknown"
)

// Policies are the words for who may quote, from widest to narrowest.
//
// spec: masto:methods/statuses#create (quote_approval_policy)
var Policies = []string{"public", "followers", "nobody"}

// policyOf is a policy of one of ours for a post of that visibility. Nobody quotes
// what is not for everybody.
func policyOf(name string, by *store.Actor, visibility int16) *vocab.QuotePolicy {
	if visibility > unlisted {
		name = "nobody"
	}
	switch name {
	case "", "public":
		return &vocab.QuotePolicy{Automatic: []vocab.IRI{vocab.Public}}
	case "followers":
		return &vocab.QuotePolicy{Automatic: []vocab.IRI{by.Followers}}
	}
	return &vocab.QuotePolicy{Automatic: []vocab.IRI{by.URI}}
}

// policyWords puts the entries of a policy into the words that apps know.
// following is the author's collection of that name, "" when it is not known.
//
// spec: masto:entities/QuoteApproval
func policyWords(list []vocab.IRI, author *store.Actor, following vocab.IRI) []string {
	var words []string
	for _, iri := range list {
		word := "unsupported_policy"
		switch {
		case iri == author.URI:
			continue
		case iri == vocab.Public:
			word = "public"
		case iri == author.Followers:
			word = "followers"
		case iri == following:
			word = "following"
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

// Permission judges by the words of a policy, for somebody who is not the author.
func Permission(automatic, manual []string, follows, followedBy bool) QuotePermission {
	fits := func(words []string) bool {
		return slices.Contains(words, "public") || follows && slices.Contains(words, "followers") || followedBy && slices.Contains(words, "following")
	}
	switch {
	case fits(automatic):
		return QuoteAutomatic
	case fits(manual):
		return QuoteManual
	case slices.Contains(automatic, "unsupported_policy"), slices.Contains(manual, "unsupported_policy"):
		return QuoteUnknown
	}
	return QuoteDenied
}

// mayQuote tells whether by may quote a post.
func mayQuote(ctx context.Context, q *store.Q, by *store.Actor, post *store.Status) (QuotePermission, error) {
	switch {
	case post.Visibility == direct:
		return QuoteDenied, nil
	case post.Actor == by.ID:
		return QuoteAutomatic, nil
	case post.Visibility > unlisted:
		return QuoteDenied, nil
	}
	if blocks, err := q.Blocks(ctx, post.Actor, by.ID); err != nil || blocks {
		return QuoteDenied, err
	}
	contents, err := q.Contents(ctx, []int64{post.ID})
	if err != nil {
		return QuoteDenied, err
	}
	c := contents[post.ID]
	if c == nil {
		return QuoteDenied, nil
	}
	follows, followedBy, err := q.FollowedAmong(ctx, by.ID, []int64{post.Actor})
	return Permission(c.QuoteAuto, c.QuoteAsk, follows[post.Actor], followedBy[post.Actor]), err
}

// quoting completes what is shown of a post with what its document says of quotes.
func (s *Step) quoting(ctx context.Context, c *store.Content, o *vocab.Object) error {
	if o.QuoteURL != o.ID {
		c.Quote, c.QuoteStamp = o.QuoteURL, o.QuoteAuthorization
	}
	if o.Policy == nil {
		return nil
	}
	var following vocab.IRI
	for _, iri := range slices.Concat(o.Policy.Automatic, o.Policy.Manual) {
		if iri == vocab.Public || iri == s.Actor.Followers || iri == s.Actor.URI {
			continue
		}
		doc, err := s.ActorDoc(ctx, s.Actor.ID)
		if err != nil {
			return err
		}
		if a, err := vocab.DecodeActor([]byte(doc)); err == nil {
			following = a.Following
		}
		break
	}
	c.QuoteAuto, c.QuoteAsk = policyWords(o.Policy.Automatic, s.Actor, following), policyWords(o.Policy.Manual, s.Actor, following)
	return nil
}

// settleQuote works out what became of the quote in a post from what is known by
// now: any order of arrival ends in the same. What is missing is waited for, and
// fetched. shown: the post was shown before, and those who see it are told.
func (s *Step) settleQuote(ctx context.Context, st *store.Status, c *store.Content, shown bool) error {
	old, err := s.Quote(ctx, st.ID)
	if err != nil {
		return err
	}
	if c.Quote == "" {
		if old == nil {
			return nil
		}
		if err := s.unquote(ctx, old); err != nil {
			return err
		}
		return s.RemoveQuote(ctx, st.ID)
	}
	now := &store.Quote{Status: st.ID, Actor: st.Actor}
	target, err := s.ObjectByURI(ctx, c.Quote)
	switch {
	case errors.Is(err, store.ErrNotFound):
		err = s.seekQuoted(ctx, st, c)
	case err == nil && vocab.IsPost(target.Type) && target.ID != st.ID:
		now.Quoted = target.ID
		if old != nil && old.Quoted != now.Quoted {
			if err := s.unquote(ctx, old); err != nil {
				return err
			}
			if err := s.RemoveQuote(ctx, st.ID); err != nil {
				return err
			}
			old = nil
		}
		now.State, err = s.permitted(ctx, st, c, target, old)
	}
	if err != nil {
		return err
	}
	if old != nil && *old == *now {
		return nil
	}
	if err := s.SetQuote(ctx, now); err != nil {
		return err
	}
	if err := s.quoteChanged(ctx, st, old, now); err != nil || !shown {
		return err
	}
	e := s.eventFor("status.update", st, nil)
	if e.Home, err = s.HomesWith(ctx, st, 500); err != nil {
		return err
	}
	s.publish(e)
	return nil
}

// seekQuoted waits for the quoted post, and has it fetched.
func (s *Step) seekQuoted(ctx context.Context, st *store.Status, c *store.Content) error {
	if err := s.AddWait(ctx, c.Quote, store.Wait{Ref: st.ID, Kind: store.WaitQuote}); err != nil {
		return err
	}
	return s.fetchLater(ctx, c.Quote)
}

// permitted returns the state of a quote whose target is known.
func (s *Step) permitted(ctx context.Context, st *store.Status, c *store.Content, target *store.Object, old *store.Quote) (store.QuoteState, error) {
	if target.Actor == st.Actor {
		return store.QuoteAccepted, nil
	}
	if old != nil && old.State == store.QuoteRejected {
		return store.QuoteRejected, nil // Final, as the rejection of a follow.
	}
	if c.QuoteStamp != "" {
		if err := s.namedStamp(ctx, st, c, target); err != nil {
			return 0, err
		}
	}
	stamps, err := s.Stamps(ctx, st.ID)
	if err != nil {
		return 0, err
	}
	state := store.QuotePending
	for _, one := range stamps {
		switch {
		case one.Actor != target.Actor:
		case one.Deleted == 0:
			return store.QuoteAccepted, nil
		default:
			state = store.QuoteRevoked
		}
	}
	return state, nil
}

// namedStamp files the stamp that the quoting post names, if it is one for this
// quote. One that is not known is waited for, and fetched.
func (s *Step) namedStamp(ctx context.Context, st *store.Status, c *store.Content, target *store.Object) error {
	o, err := s.ObjectByURI(ctx, c.QuoteStamp)
	if errors.Is(err, store.ErrNotFound) {
		if !vocab.SameHost(c.QuoteStamp, target.URI) {
			return nil // Nobody else can permit it.
		}
		if err := s.AddWait(ctx, c.QuoteStamp, store.Wait{Ref: st.ID, Kind: store.WaitQuote}); err != nil {
			return err
		}
		if s.p.fetchable(c.QuoteStamp) != nil {
			return nil
		}
		return s.enqueueAt(ctx, "quote-verify", c.QuoteStamp.Host(), "quote "+string(c.QuoteStamp), 0, stampJob{Stamp: c.QuoteStamp, Author: target.Actor})
	} else if err != nil {
		return err
	}
	if o.Type != stampType || o.Actor != target.Actor {
		return nil
	}
	if o.Deleted == 0 {
		stamp, err := vocab.DecodeObject([]byte(o.Doc))
		if err != nil {
			return fmt.Errorf("object %d of the log: %w", o.ID, err)
		}
		if stamp.Interacting != c.URI || stamp.InteractionTarget != target.URI {
			return nil
		}
	}
	return s.AddStamp(ctx, st.ID, o.ID)
}

// quoteChanged counts, tells the quoted author, and has one of ours publish the
// stamp that it got.
func (s *Step) quoteChanged(ctx context.Context, st *store.Status, old, now *store.Quote) error {
	was, is := old != nil && old.State == store.QuoteAccepted, now.State == store.QuoteAccepted
	switch {
	case was && !is:
		return s.unquote(ctx, old)
	case is && !was:
		if err := s.countQuote(ctx, now.Quoted, 1); err != nil {
			return err
		}
		return s.tellQuoted(ctx, st, now)
	}
	return nil
}

// unquote takes back what an accepted quote brought.
func (s *Step) unquote(ctx context.Context, q *store.Quote) error {
	if q.State != store.QuoteAccepted {
		return nil
	}
	if err := s.countQuote(ctx, q.Quoted, -1); err != nil {
		return err
	}
	stamps, err := s.Stamps(ctx, q.Status)
	if err != nil {
		return err
	}
	for _, one := range stamps {
		if err := s.RemoveNotification(ctx, one.Actor, one.ID); err != nil {
			return err
		}
	}
	return nil
}

// countQuote counts for a post that is not deleted: the numbers of one that is have
// gone with it.
func (s *Step) countQuote(ctx context.Context, quoted, n int64) error {
	o, err := s.Object(ctx, quoted)
	if err != nil || o.Deleted != 0 {
		return err
	}
	return s.CountQuote(ctx, quoted, n)
}

// tellQuoted notifies one of ours who is quoted, and gives the stamp of another
// server to those who have a post of ours. The notification's id is the stamp's:
// the same whatever came first.
//
// spec: masto:entities/Notification#type (quote)
func (s *Step) tellQuoted(ctx context.Context, st *store.Status, q *store.Quote) error {
	stamps, err := s.Stamps(ctx, q.Status)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(stamps, func(one store.Stamp) bool { return one.Deleted == 0 })
	if at < 0 {
		return nil // Quoting oneself.
	}
	stamp := stamps[at]
	author, err := s.Tx.Actor(ctx, stamp.Actor)
	if err != nil {
		return err
	}
	if !author.Local {
		if st.Local {
			return s.carryStamp(ctx, st, vocab.IRI(stamp.URI))
		}
		return nil
	}
	if sees, err := s.Visible(ctx, st, author); err != nil || !sees {
		return err
	}
	return s.tell(ctx, store.Notification{Owner: author.ID, ID: stamp.ID, Kind: store.KindNamed("quote"), Actor: st.Actor, Status: st.ID})
}

// carryStamp has a post of ours name its stamp, so that others can check it.
func (s *Step) carryStamp(ctx context.Context, st *store.Status, stamp vocab.IRI) error {
	row, err := s.Object(ctx, st.ID)
	if err != nil || row.Deleted != 0 || s.replay {
		return err
	}
	o, err := vocab.DecodeObject([]byte(row.Doc))
	if err != nil {
		return fmt.Errorf("object %d of the log: %w", row.ID, err)
	}
	if o.QuoteAuthorization == stamp {
		return nil
	}
	by, err := s.Tx.Actor(ctx, st.Actor)
	if err != nil {
		return err
	}
	o.QuoteAuthorization = stamp
	s.Emit(s.p.amendment(by, o), by)
	return nil
}

// amendment is by's Update of a post that changes no word of it: no edit.
func (p *Pipeline) amendment(by *store.Actor, o *vocab.Object) *vocab.Activity {
	o.Raw = o.Encode()
	a := p.activity("Update", by, o.ID)
	a.To, a.Cc, a.Inline = o.To, o.Cc, o
	a.Raw = vocab.EncodeActivity(a, nil)
	return a
}

// newQuote does what a new post of ours with a quote calls for: what another of
// ours permits is stamped, another server is asked.
func (s *Step) newQuote(ctx context.Context, st *store.Status, c *store.Content) error {
	if c.Quote == "" || s.replay || !s.From.local() {
		return nil
	}
	target, err := s.ObjectByURI(ctx, c.Quote)
	if err != nil || target.Actor == st.Actor {
		return err
	}
	author, err := s.Tx.Actor(ctx, target.Actor)
	if err != nil {
		return err
	}
	if !author.Local {
		request := s.p.activity("QuoteRequest", s.Actor, target.URI)
		request.Instrument, request.To = c.URI, []vocab.IRI{author.URI}
		s.Emit(encoded(request), s.Actor)
		return nil
	}
	post, err := s.Status(ctx, target.ID)
	if err != nil {
		return err
	}
	if may, err := mayQuote(ctx, s.Q, s.Actor, post); err != nil || may != QuoteAutomatic {
		return err
	}
	_, err = s.stamp(ctx, c.QuoteStamp, author, c.URI, target.URI)
	return err
}

// stamp keeps the permission of author under its address, and returns its id.
func (s *Step) stamp(ctx context.Context, uri vocab.IRI, author *store.Actor, quoting, quoted vocab.IRI) (int64, error) {
	o, err := s.ObjectByURI(ctx, uri)
	if err == nil {
		if o.Type != stampType || o.Actor != author.ID {
			return 0, fault.New(fault.Rejected, "%s is no permission of %s.", uri, author.URI)
		}
		return o.ID, nil
	} else if !errors.Is(err, store.ErrNotFound) {
		return 0, err
	}
	id := s.NewID()
	if own, ok := s.p.ownID(uri, stampPath); ok && author.Local {
		id = own
	}
	return id, s.InsertObject(ctx, &store.Object{ID: id, Seq: s.Seq, URI: uri, Type: stampType, Actor: author.ID, Version: s.now(),
		Doc: string(vocab.EncodeStamp(uri, author.URI, quoting, quoted))})
}

// newStamp is an address for a stamp of ours.
func (p *Pipeline) newStamp() vocab.IRI {
	return vocab.IRI(p.URL + stampPath + strconv.FormatInt(p.NewID(), 10))
}

// revoked lets the quotes that a deleted stamp was for be judged again.
func (s *Step) revoked(ctx context.Context, stamp int64) error {
	posts, err := s.StampedBy(ctx, stamp)
	if err != nil {
		return err
	}
	for _, id := range posts {
		if err := s.judgeQuote(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// judgeQuote is settleQuote for a post that is shown.
func (s *Step) judgeQuote(ctx context.Context, status int64) error {
	st, err := s.Status(ctx, status)
	if errors.Is(err, store.ErrNotFound) {
		return nil // Deleted meanwhile.
	} else if err != nil {
		return err
	}
	contents, err := s.Contents(ctx, []int64{status})
	if err != nil || contents[status] == nil {
		return err
	}
	return s.settleQuote(ctx, st, contents[status], true)
}

// wakeStatus goes on with a post that waited for a document: what it answers, what
// it quotes, or its permission.
func (s *Step) wakeStatus(ctx context.Context, status int64, uri vocab.IRI) error {
	contents, err := s.Contents(ctx, []int64{status})
	c := contents[status]
	if err != nil || c == nil {
		return err
	}
	if c.ReplyTo == uri {
		if err := s.thread(ctx, status, uri); err != nil {
			return err
		}
	}
	if c.Quote != uri && c.QuoteStamp != uri {
		return nil
	}
	next := &Step{Tx: s.Tx, p: s.p, Activity: s.Activity, Actor: s.Actor, From: s.From, Seq: s.Seq, replay: s.replay}
	if err := next.judgeQuote(ctx, status); err != nil {
		return err
	}
	next.publishOnCommit()
	return next.after(ctx, 1)
}

// forgetQuote takes back what the quote in a post brought, before it is taken down.
func (s *Step) forgetQuote(ctx context.Context, status int64) error {
	q, err := s.Quote(ctx, status)
	if err != nil || q == nil {
		return err
	}
	return s.unquote(ctx, q)
}

// isStamp tells whether a document is a permission, and of its author's host.
func isStamp(o *vocab.Object, author vocab.IRI) bool {
	return o.Type == stampType && o.Interacting != "" && vocab.SameHost(o.ID, author) && vocab.SameHost(o.InteractionTarget, author) &&
		slices.Contains(o.AttributedTo, author)
}

// fetchedStamp takes in a stamp that was fetched from its own host.
func (s *Step) fetchedStamp(ctx context.Context, o *vocab.Object) error {
	s.visibility = direct
	target, err := s.ObjectByURI(ctx, o.InteractionTarget)
	if errors.Is(err, store.ErrNotFound) || err == nil && target.Actor != s.Actor.ID {
		return fault.New(fault.Rejected, "What %s permits to quote is not by its author.", o.ID)
	} else if err != nil {
		return err
	}
	id, err := s.stamp(ctx, o.ID, s.Actor, o.Interacting, o.InteractionTarget)
	if err != nil {
		return err
	}
	s.object, s.doc = id, bareDelete(s.Activity)
	s.arrived = append(s.arrived, o.ID)
	return nil
}

type stampJob struct {
	Stamp  vocab.IRI `json:"stamp"`
	Author int64     `json:"author"` // Who must have given it.
}

// verifyStamp fetches a stamp that a post names, and takes it in when it is one.
func (p *Pipeline) verifyStamp(ctx context.Context, j stampJob) error {
	if err := p.fetchable(j.Stamp); err != nil {
		return err
	}
	author, err := p.DB.Actor(ctx, j.Author)
	if err != nil {
		return err
	}
	body, final, err := p.Remote.Document(ctx, j.Stamp, p.InstanceKey(ctx))
	if err != nil {
		return fmt.Errorf("fetching %s: %w", j.Stamp, err)
	}
	o, err := vocab.DecodeObject(body)
	if err != nil {
		return err
	}
	if o.ID != j.Stamp || !vocab.SameHost(o.ID, final) || !isStamp(o, author.URI) {
		return fault.New(fault.Rejected, "%s is no permission of %s.", j.Stamp, author.URI)
	}
	create := &vocab.Activity{ID: o.ID + "#fetched", Type: "Create", Actor: author.URI, Object: o.ID, Inline: o}
	create.Raw = vocab.EncodeActivity(create, nil)
	return p.Process(ctx, create, Origin{Host: o.ID.Host(), Fetched: true})
}

// draftQuote completes what the draft quotes.
func (p *Pipeline) draftQuote(ctx context.Context, by *store.Actor, d *Draft, o *vocab.Object) error {
	if d.Quote == 0 {
		return nil
	}
	missing := fault.New(fault.NotFound, "The post that you quote does not exist, or its author does not let you quote it.")
	post, author, uri, err := p.post(ctx, by, d.Quote)
	if fault.Is(err, fault.NotFound) {
		return missing
	} else if err != nil {
		return err
	}
	may, err := mayQuote(ctx, p.DB.Q, by, post)
	switch {
	case err != nil:
		return err
	case may == QuoteDenied, author.Local && may != QuoteAutomatic:
		return missing
	case post.Visibility == private && (d.Visibility == "" || d.Visibility == "public" || d.Visibility == "unlisted"):
		d.Visibility = vocab.VisibilityLevel(private).Name // Followers-only words stay among followers.
	}
	d.LocalOnly = d.LocalOnly || post.LocalOnly
	o.QuoteURL = uri
	if author.Local && author.ID != by.ID {
		o.QuoteAuthorization = p.newStamp()
	}
	return nil
}

// quoteLink is the Link tag that stands for a quote.
//
// spec: fep-e232
func quoteLink(uri vocab.IRI) vocab.Tag {
	return vocab.Tag{Type: "Link", Name: "RE: " + string(uri), Href: uri, MediaType: `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`,
		Rel: []string{"https://misskey-hub.net/ns#_misskey_quote"}}
}

// nameQuote has a post name what it quotes to those who don't show quotes.
func (p *Pipeline) nameQuote(ctx context.Context, o *vocab.Object) {
	if o.QuoteURL != "" {
		o.Content = markup.QuoteLine(p.pageOf(ctx, o.QuoteURL)) + o.Content
		o.Tags = append(o.Tags, quoteLink(o.QuoteURL))
	}
}

// pageOf is the address for people of a post.
func (p *Pipeline) pageOf(ctx context.Context, uri vocab.IRI) string {
	o, err := p.DB.ObjectByURI(ctx, uri)
	if err == nil {
		if contents, err := p.DB.Contents(ctx, []int64{o.ID}); err == nil && contents[o.ID] != nil && contents[o.ID].URL != "" {
			return string(contents[o.ID].URL)
		}
	}
	return string(uri)
}

// SetQuotePolicy has one of ours decide anew who may quote its post.
func (p *Pipeline) SetQuotePolicy(ctx context.Context, by *store.Actor, status int64, policy string) error {
	if !slices.Contains(Policies, policy) {
		return fault.New(fault.Invalid, "The policy must be one of %s.", strings.Join(Policies, ", "))
	}
	row, err := p.DB.Object(ctx, status)
	if errors.Is(err, store.ErrNotFound) || err == nil && (row.Actor != by.ID || row.Deleted != 0) {
		return fault.New(fault.NotFound, "There is no such post.")
	} else if err != nil {
		return err
	}
	o, err := vocab.DecodeObject([]byte(row.Doc))
	if err != nil {
		return fmt.Errorf("object %d of the log: %w", row.ID, err)
	}
	o.Policy = policyOf(policy, by, row.Visibility)
	return p.processLocalOnly(ctx, p.amendment(by, o), by, row.LocalOnly)
}

// RevokeQuote has by take back its leave for a post to quote one of its own;
// NotFound when that post does not quote it.
func (p *Pipeline) RevokeQuote(ctx context.Context, by *store.Actor, quoted, quoting int64) error {
	missing := fault.New(fault.NotFound, "There is no such quote.")
	o, err := p.DB.Object(ctx, quoted)
	if errors.Is(err, store.ErrNotFound) || err == nil && o.Actor != by.ID {
		return missing
	} else if err != nil {
		return err
	}
	q, err := p.DB.Quote(ctx, quoting)
	if err != nil {
		return err
	}
	if q == nil || q.Quoted != quoted || q.Actor == by.ID {
		return missing
	}
	quoter, err := p.DB.Actor(ctx, q.Actor)
	if err != nil {
		return err
	}
	stamps, err := p.DB.Stamps(ctx, quoting)
	if err != nil {
		return err
	}
	for _, one := range stamps {
		if one.Deleted != 0 || one.Actor != by.ID {
			continue
		}
		a := p.activity("Delete", by, vocab.IRI(one.URI))
		a.To, a.Cc = []vocab.IRI{vocab.Public}, []vocab.IRI{quoter.URI, by.Followers}
		if err := p.processLocalOnly(ctx, encoded(a), by, o.LocalOnly); err != nil {
			return err
		}
	}
	return nil
}
