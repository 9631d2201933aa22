package vocab

import (
	"time"

	"kenoma/internal/fault"
)

// Bounds of what is taken from one document. What is over them is cut: a list
// keeps its first entries, a text its first bytes.
const (
	maxAudience    = 512  // Addressees in each of to and cc. Larger than any group's thread we saw; more are a spammer's.
	maxObjects     = 512  // Of a Flag that names posts.
	maxTags        = 256  // Mentions, hashtags, emoji and links together.
	maxAttachments = 32   // Mastodon shows 4 or 16, Pixelfed sends up to 20.
	maxFields      = 32   // Rows of a profile; Pleroma allows 20 by default.
	maxLinks       = 64   // Files of a Video; PeerTube sends each resolution three times.
	maxOptions     = 32   // Of a poll; Pleroma and Friendica allow 20.
	maxKeys        = 8    // Of an actor.
	maxAliases     = 64   // alsoKnownAs and attributedTo.
	maxItems       = 4096 // Of a collection page.

	maxType        = 64
	maxContent     = 512 << 10 // HTML of a long article.
	maxBio         = 64 << 10  // Profile text, content warning, excerpt.
	maxTitle       = 4 << 10   // Names, titles, poll options.
	maxDescription = 16 << 10  // Of a picture; Mastodon allows 1,500 letters, Pleroma 5,000.
	maxFieldText   = 8 << 10
	maxShort       = 255 // Media types, languages, tags' names.
	maxPEM         = 8 << 10
	maxMultibase   = 2 << 10
)

// Decode reads any document and returns an *Activity, *Object, *Actor or
// *Collection, by its type. A type that no table knows is an *Activity where the
// document has both actor and object, else an *Object.
func Decode(doc []byte) (any, error) {
	v, r, err := parse(doc)
	if err != nil {
		return nil, err
	}
	defer r.release()
	switch v.class() {
	case ActivityClass:
		return v.activity()
	case ActorClass:
		return v.actor()
	case CollectionClass:
		return v.collection()
	}
	return v.object()
}

// TypeOf returns id and type of any document; each may be "". Of several types it
// returns the first that a table knows.
func TypeOf(doc []byte) (id IRI, typ string, err error) {
	v, r, err := parse(doc)
	if err != nil {
		return "", "", err
	}
	defer r.release()
	id, ok := v.id()
	if !ok {
		return "", "", badID()
	}
	return id, v.typ(UnknownClass).name, nil
}

// DecodeActivity reads an activity. Raw shares doc's bytes, so leave them alone.
//
// What it accepts: any type but those of objects, actors and collections; one or
// several or inline actors and objects; any order and unknown members. What is
// unusable is left out, e.g. an addressee that is no http address. It does not
// check that ids and hosts belong together; that is the pipeline's.
//
// Errors: fault.Malformed for what is no JSON object, names a property twice, is
// not UTF-8, nests too deep or has no type; fault.Invalid for another class of
// document and for an id that is no http address (a missing one is ""). The same
// holds for the other decoders.
func DecodeActivity(doc []byte) (*Activity, error) {
	v, r, err := parse(doc)
	if err != nil {
		return nil, err
	}
	defer r.release()
	return v.activity()
}

// DecodeObject reads an object of any type, also one that no table knows. Raw
// shares doc's bytes.
func DecodeObject(doc []byte) (*Object, error) {
	v, r, err := parse(doc)
	if err != nil {
		return nil, err
	}
	defer r.release()
	return v.object()
}

// DecodeActor reads an actor. What does not belong to the actor's own host
// (followers, shared inbox, keys …) is left out. An inbox may be missing, since an
// Update may carry a part of the profile only; see Actor.Valid. A username may be
// missing but not bad: ValidUsername holds. Raw shares doc's bytes.
func DecodeActor(doc []byte) (*Actor, error) {
	v, r, err := parse(doc)
	if err != nil {
		return nil, err
	}
	defer r.release()
	return v.actor()
}

// DecodeCollection reads a collection or a page of one. Raw and the items share
// doc's bytes.
func DecodeCollection(doc []byte) (*Collection, error) {
	v, r, err := parse(doc)
	if err != nil {
		return nil, err
	}
	defer r.release()
	return v.collection()
}

func badID() error {
	return fault.New(fault.Invalid, "The document's id is not an http address.")
}

// class is the class of v's type, or what its members make of an unknown one.
func (v value) class() Class {
	t := v.typ(UnknownClass)
	if t.class == UnknownClass && v.get("actor").kind() != 0 && v.get("object").kind() != 0 {
		return ActivityClass
	}
	return t.class
}

// head reads id and type, which every document has.
func (v value) head(want Class) (id IRI, t typeInfo, err error) {
	id, ok := v.id()
	if !ok {
		return "", t, badID()
	}
	t = v.typ(want)
	if t.name == "" {
		return "", t, fault.New(fault.Malformed, "The document has no type.")
	}
	return id, t, nil
}

// activity reads v as a document of its own.
func (v value) activity() (*Activity, error) {
	id, t, err := v.head(ActivityClass)
	if err != nil {
		return nil, err
	}
	if t.class != ActivityClass && t.class != UnknownClass {
		return nil, fault.New(fault.Invalid, "A document of type %s is not an activity.", t.name)
	}
	return v.readActivity(id, t), nil
}

// nested reads v as an activity inside another one. An unusable id is none.
func (v value) nested() *Activity {
	id, _ := v.id()
	return v.readActivity(id, v.typ(ActivityClass))
}

func (v value) readActivity(id IRI, t typeInfo) *Activity {
	a := &Activity{
		ID:         id,
		Type:       t.name,
		Actor:      v.get("actor").iri(),
		Target:     v.get("target").iri(),
		Origin:     v.get("origin").iri(),
		Result:     v.get("result").iri(),
		Instrument: v.get("instrument").iri(),
		To:         v.get("to").audience(nil),
		Cc:         v.get("cc").audience(nil),
		Audience:   v.get("audience").audience(nil),
		Content:    v.get("content").text(maxContent),
		Summary:    v.get("summary").text(maxBio),
		Published:  v.get("published").time(),
		EndTime:    v.get("endTime").time(),
		Tags:       v.get("tag").tags(),
		Raw:        v.raw(),
	}
	a.To = v.get("bcc").audience(v.get("bto").audience(a.To))
	if a.Content == "" {
		a.Content = v.get("_misskey_reaction").text(maxTitle)
	}
	if in := v.get("instrument"); in.kind() == '{' && in.get("type").kind() != 0 {
		id, _ := in.id()
		a.InlineInstrument = in.readObject(id, in.typ(ObjectClass))
	}
	v.get("object").readObjects(a)
	return a
}

// readObjects fills Object, Inline, Nested and Objects. Of several objects the
// first with an id counts, which is also what a list of one comes to.
func (v value) readObjects(a *Activity) {
	if v.kind() == '[' {
		a.Objects = v.appendIRIs(nil, maxObjects)
		v = v.firstObject()
		if len(a.Objects) < 2 {
			a.Objects = nil
		}
	}
	a.Object = v.iri()
	if v.kind() == '{' && v.get("id").kind() == '[' { // Funkwhale deletes several files so.
		if a.Objects = v.get("id").appendIRIs(nil, maxObjects); len(a.Objects) < 2 {
			a.Objects = nil
		}
	}
	if v.kind() != '{' || v.get("type").kind() == 0 {
		return
	}
	if v.class() == ActivityClass {
		a.Nested = v.nested()
		return
	}
	id, _ := v.id()
	a.Inline = v.readObject(id, v.typ(ObjectClass))
}

// firstObject is the first entry of a list that has an id, else the first that is
// an object.
func (v value) firstObject() (first value) {
	for e := range v.each() {
		if e.kind() != '[' && e.iri() != "" {
			return e
		}
		if first.kind() == 0 && e.kind() == '{' {
			first = e
		}
	}
	return first
}

// collection reads v as a document of its own.
func (v value) collection() (*Collection, error) {
	id, t, err := v.head(CollectionClass)
	if err != nil {
		return nil, err
	}
	if t.class != CollectionClass {
		return nil, fault.New(fault.Invalid, "A document of type %s is not a collection.", t.name)
	}
	return v.readCollection(id, t), nil
}

func (v value) readCollection(id IRI, t typeInfo) *Collection {
	c := &Collection{
		ID:     id,
		Type:   t.name,
		Total:  v.get("totalItems").count(-1),
		Last:   v.get("last").iri(),
		Next:   v.get("next").iri(),
		Prev:   v.get("prev").iri(),
		PartOf: v.get("partOf").iri(),

		AttributedTo: v.get("attributedTo").iri(),
		Raw:          v.raw(),
	}
	first := v.get("first")
	c.First = first.iri()
	if t := first.typ(CollectionClass); first.kind() == '{' && t.class == CollectionClass && !typeTable[c.Type].page {
		c.FirstPage = first.readCollection(c.First, t)
	}
	for e := range v.get("orderedItems", "items").each() {
		if len(c.Items) == maxItems {
			break
		}
		item := Item{}
		switch e.kind() {
		case '"':
			item.ID = e.iri()
		case '{':
			item.ID, _ = e.id()
			if e.get("type").kind() != 0 {
				item.Raw = e.raw()
			}
		}
		if item.ID != "" || item.Raw != nil {
			c.Items = append(c.Items, item)
		}
	}
	return c
}

// timeOr is the first date that can be read.
func timeOr(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}
