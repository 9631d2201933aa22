package vocab

import (
	"strings"

	"kenoma/internal/fault"
)

// actor reads v as a document of its own.
func (v value) actor() (*Actor, error) {
	id, t, err := v.head(ActorClass)
	if err != nil {
		return nil, err
	}
	if t.class != ActorClass {
		return nil, fault.New(fault.Invalid, "A document of type %s is not an actor.", t.name)
	}
	if id == "" {
		return nil, fault.New(fault.Invalid, "The actor has no id.")
	}
	a := v.readActor(id, t)
	if a.PreferredUsername != "" || v.get("preferredUsername").kind() != 0 {
		if err := ValidUsername(a.PreferredUsername); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (v value) readActor(id IRI, t typeInfo) *Actor {
	icon, image := v.get("icon"), v.get("image")
	a := &Actor{
		ID:                id,
		Type:              t.name,
		Bot:               t.bot,
		PreferredUsername: v.get("preferredUsername").str(maxUsername + 1),
		Name:              v.textOrMap("name", "nameMap", maxTitle),
		Summary:           v.textOrMap("summary", "summaryMap", maxBio),
		Icon:              icon.link(),
		Image:             image.link(),
		IconType:          icon.firstMember("mediaType").str(maxShort),
		ImageType:         image.firstMember("mediaType").str(maxShort),
		IconDescription:   icon.firstMember("name", "summary").text(maxDescription),
		ImageDescription:  image.firstMember("name", "summary").text(maxDescription),
		Inbox:             v.get("inbox").iri(),
		Outbox:            v.get("outbox").iri(),
		MovedTo:           v.get("movedTo").iri(),
		AlsoKnownAs:       v.get("alsoKnownAs").appendIRIs(nil, maxAliases),
		Discoverable:      v.get("discoverable").flag(),
		Indexable:         v.get("indexable").flag(),
		Tags:              v.get("tag").tags(),
		Published:         v.get("published").time(),
		Updated:           v.get("updated").time(),
		Webfinger:         strings.TrimPrefix(strings.TrimPrefix(v.get("webfinger").str(maxShort), "acct:"), "@"),
		Raw:               v.raw(),
	}
	a.URL, _ = v.get("url").links()
	a.Locked, _ = v.get("manuallyApprovesFollowers").truth()
	a.Memorial, _ = v.get("memorial").truth()
	a.Suspended, _ = v.get("suspended").truth()
	own := func(iri IRI) IRI {
		if !SameHost(iri, id) {
			return ""
		}
		return iri
	}
	a.Followers = own(v.get("followers").iri())
	a.Following = own(v.get("following").iri())
	a.Featured = own(v.get("featured").iri())
	a.FeaturedTags = own(v.get("featuredTags").iri())
	a.SharedInbox = own(v.get("endpoints").get("sharedInbox").iri())
	if a.SharedInbox == "" {
		a.SharedInbox = own(v.get("sharedInbox").iri()) // Old Misskey.
	}
	for e := range v.get("attachment").each() {
		if len(a.Fields) < maxFields && e.typ(ObjectClass).name == "PropertyValue" {
			f := Field{Name: e.get("name").text(maxFieldText), Value: e.get("value").text(maxFieldText)}
			if f.Name != "" {
				a.Fields = append(a.Fields, f)
			}
		}
	}
	a.Keys = v.keys(id)
	return a
}

// firstMember is get on v, or on the first of a list.
func (v value) firstMember(names ...string) value {
	for e := range v.each() {
		return e.get(names...)
	}
	return value{}
}

// flag is a boolean that may be missing.
func (v value) flag() *bool {
	b, known := v.truth()
	if !known {
		return nil
	}
	return &b
}

// keys are the public keys that belong to the actor: on the actor's host, and
// owned by nobody else. The form of their ids says nothing.
//
// spec: fep-521a for assertionMethod
func (v value) keys(actor IRI) []PublicKey {
	var list []PublicKey
	for _, member := range []string{"publicKey", "assertionMethod"} {
		for e := range v.get(member).each() {
			if len(list) == maxKeys || e.kind() != '{' {
				continue
			}
			k := PublicKey{
				ID:    e.iri(),
				Owner: e.get("owner", "controller").iri(),
				PEM:   e.get("publicKeyPem").str(maxPEM + 1),
				Multi: e.get("publicKeyMultibase").str(maxMultibase + 1),
			}
			if k.ID == "" && e.get("id").kind() == 0 {
				k.ID = actor
			}
			if k.Owner == "" && e.get("owner", "controller").kind() == 0 {
				k.Owner = actor
			}
			if k.Owner == actor && SameHost(k.ID, actor) && len(k.PEM) <= maxPEM && len(k.Multi) <= maxMultibase && k.PEM+k.Multi != "" {
				list = append(list, k)
			}
		}
	}
	return list
}

// Valid tells whether a can be stored as a whole actor: an id, an inbox to deliver
// to and a usable name.
//
// spec: ap#actor-objects
//
// The error is fault.Invalid.
func (a *Actor) Valid() error {
	if err := a.ID.Valid(); err != nil {
		return err
	}
	if a.Inbox == "" {
		return fault.New(fault.Invalid, "The actor %s has no inbox.", a.ID)
	}
	return ValidUsername(a.PreferredUsername)
}
