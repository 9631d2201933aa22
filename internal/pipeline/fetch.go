package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// fetchJob asks for a document by its id.
type fetchJob struct {
	Object vocab.IRI `json:"object,omitempty"`
	Actor  vocab.IRI `json:"actor,omitempty"`
	Depth  int       `json:"depth,omitempty"` // How far up a thread this is.
	// Unknown: the actor is not fetched when somebody else's job has done it.
	Unknown bool `json:"unknown,omitempty"`
	// Last: where the actor moved to in turn is not looked for.
	Last bool `json:"last,omitempty"`
	// Again: what is known is fetched nevertheless. Deleted: somebody says that it is gone.
	Again   bool `json:"again,omitempty"`
	Deleted bool `json:"deleted,omitempty"`
	// Proof is an activity that somebody else told of.
	Proof vocab.IRI `json:"proof,omitempty"`
}

// maxClimb is how many parents of one arrival are fetched, one job each.
const maxClimb = 40

// fetchLater has a job get a document, after the commit. One address is fetched
// once at a time, however many ask for it.
func (s *Step) fetchLater(ctx context.Context, uri vocab.IRI) error {
	if s.replay || s.p.fetchable(uri) != nil {
		return nil
	}
	depth := s.From.climb + 1
	if depth > maxClimb {
		return nil
	}
	return s.enqueueAt(ctx, "fetch", uri.Host(), "fetch "+string(uri), 0, fetchJob{Object: uri, Depth: depth})
}

// fetchable refuses addresses that must not be asked: our own, and what is no
// address. The remote client checks where a name leads.
func (p *Pipeline) fetchable(uri vocab.IRI) error {
	if p.Remote == nil {
		return fault.New(fault.Rejected, "Nothing is fetched here.")
	}
	if err := uri.Valid(); err != nil {
		return fault.Because(err, fault.Rejected, "%s is not an address.", uri)
	}
	if p.Hosts.Refuses(uri.Host()) {
		return fault.New(fault.Rejected, "This server does not talk to %s.", uri.Host())
	}
	if uri.Host() == p.host {
		return fault.New(fault.NotFound, "There is no %s here.", uri)
	}
	return nil
}

// FetchObject returns the status for an object that may not be known yet, fetched
// from its own host. uri may also be the address of its page.
func (p *Pipeline) FetchObject(ctx context.Context, uri vocab.IRI) (int64, error) {
	return p.fetchObject(ctx, uri, 0)
}

func (p *Pipeline) fetchObject(ctx context.Context, uri vocab.IRI, depth int) (int64, error) {
	if o, err := p.DB.ObjectByURI(ctx, uri); err == nil {
		if o.Deleted != 0 {
			return 0, fault.New(fault.Gone, "This post was deleted.")
		}
		return o.ID, nil
	} else if !errors.Is(err, store.ErrNotFound) {
		return 0, err
	}
	if err := p.fetchable(uri); err != nil {
		return 0, err
	}
	body, final, err := p.Remote.Document(ctx, uri, p.InstanceKey(ctx))
	if err != nil {
		return 0, fmt.Errorf("fetching %s: %w", uri, err)
	}
	return p.fetched(ctx, body, final, depth)
}

// fetched takes in a document that came from its own host, as a Create by its author.
func (p *Pipeline) fetched(ctx context.Context, body []byte, final vocab.IRI, depth int) (int64, error) {
	_, typ, err := vocab.TypeOf(body)
	if err != nil {
		return 0, err
	}
	if typ == "Create" || typ == "Announce" { // Some give the activity for the object's address.
		a, err := vocab.DecodeActivity(body)
		if err != nil {
			return 0, err
		}
		if typ != "Create" || a.Inline == nil || !vocab.SameHost(a.Inline.ID, final) {
			return 0, fault.New(fault.Rejected, "%s is no post.", final)
		}
		body = a.Inline.Raw
	}
	o, err := vocab.DecodeObject(body)
	if err != nil {
		return 0, err
	}
	if !vocab.SameHost(o.ID, final) {
		return 0, fault.New(fault.Rejected, "%s answered with an object of another host.", final)
	}
	author := authorOf(o)
	if author == "" || !vocab.SameHost(author, o.ID) {
		return 0, fault.New(fault.Rejected, "%s has no author on its own host.", o.ID)
	}
	if _, err := p.FetchActor(ctx, author); err != nil {
		return 0, err
	}
	create := &vocab.Activity{ID: o.ID + "#fetched", Type: "Create", Actor: author, Object: o.ID, Inline: o, To: o.To, Cc: o.Cc}
	create.Raw = vocab.EncodeActivity(create, nil)
	if err := p.Process(ctx, create, Origin{Host: o.ID.Host(), Fetched: true, climb: depth}); err != nil {
		return 0, err
	}
	row, err := p.DB.ObjectByURI(ctx, o.ID)
	if err != nil {
		return 0, fault.Because(err, fault.NotFound, "%s is not shown here.", o.ID)
	}
	if row.Deleted != 0 {
		return 0, fault.New(fault.Gone, "This post was deleted.")
	}
	return row.ID, nil
}

// authorOf is the person behind an object, on the object's host.
func authorOf(o *vocab.Object) vocab.IRI {
	for _, a := range append(o.AttributedTo, o.Actor) {
		if a != "" && vocab.SameHost(a, o.ID) {
			return a
		}
	}
	return ""
}

// fetch is the job.
func (p *Pipeline) fetch(ctx context.Context, j fetchJob) error {
	var err error
	switch {
	case j.Last:
		err = p.fetchLast(ctx, j.Actor)
	case j.Proof != "":
		err = p.fetchProof(ctx, j.Proof)
	case j.Again && j.Actor != "":
		err = p.refetchActor(ctx, j.Actor)
	case j.Again:
		err = p.refetch(ctx, j.Object, j.Deleted)
	case j.Unknown:
		_, err = p.FetchActor(ctx, j.Actor)
	case j.Actor != "":
		_, err = p.RefreshActor(ctx, j.Actor)
	default:
		_, err = p.fetchObject(ctx, j.Object, j.Depth)
	}
	return err
}

// fetchLast fetches an actor that isn't known, and nobody for its sake.
func (p *Pipeline) fetchLast(ctx context.Context, uri vocab.IRI) error {
	if _, err := p.DB.ActorByURI(ctx, uri); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	a, err := p.actorAt(ctx, uri)
	if err == nil {
		_, err = p.addActor(ctx, a)
	}
	return err
}

// Resolve finds an actor by its handle, "ann@a.test" or "ann" for one of ours, by
// WebFinger when it isn't known.
func (p *Pipeline) Resolve(ctx context.Context, handle string) (*store.Actor, error) {
	name, domain, ok := cutHandle(handle)
	if !ok {
		name, domain = strings.TrimPrefix(handle, "@"), ""
	}
	if domain == p.Domain || domain == p.host {
		domain = ""
	}
	a, err := p.DB.ActorByHandle(ctx, name, domain)
	if err == nil && a.Deleted == 0 {
		return a, nil
	} else if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if domain == "" || p.Remote == nil {
		return nil, fault.New(fault.NotFound, "There is no account %s.", handle)
	}
	found, err := p.Remote.Finger(ctx, name+"@"+domain)
	if err != nil {
		return nil, err
	}
	if err := p.confirm(ctx, found, name+"@"+domain); err != nil {
		return nil, err
	}
	return p.FetchActor(ctx, found.Actor)
}

// confirm makes sure that a handle which an answer gives for the one that was asked
// is that actor's also in the eyes of its own host.
func (p *Pipeline) confirm(ctx context.Context, found *remote.Finger, asked string) error {
	name, domain, ok := cutHandle(strings.TrimPrefix(found.Subject, "acct:"))
	if !ok || strings.EqualFold(name+"@"+domain, asked) {
		return nil
	}
	if domain != p.Domain && domain != p.host {
		again, err := p.Remote.Finger(ctx, name+"@"+domain)
		if err != nil {
			return err
		}
		if again.Actor == found.Actor {
			return nil
		}
	}
	return fault.New(fault.Rejected, "%s is said to be %s, which is somebody else.", asked, found.Subject)
}

// cutHandle splits "@name@domain".
func cutHandle(handle string) (name, domain string, ok bool) {
	name, domain, ok = strings.Cut(strings.TrimPrefix(handle, "@"), "@")
	return name, strings.ToLower(domain), ok && name != "" && domain != ""
}
