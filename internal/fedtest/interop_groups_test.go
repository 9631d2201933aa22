package fedtest

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"kenoma/internal/vocab"
)

// nothing matches what the index expects to have no effect at all.
var nothing = regexp.MustCompile(`^(?:ignored|rejected or ignored|unsupported object type|downvote |ban of |unlock of |restore of |Announce of an OrderedCollection)|inner (?:Add|Remove|Block|Lock) |: reject[,\]]|never a follow|refetch that actor or ignore|unknown id: ignored|host matches$|^(?:Add|Remove) of \S+ to/from \S+: ignored`)

// playIgnored delivers what must have no effect, whoever knows whatever it speaks of.
func (p *play) playIgnored(actor string) {
	if vocab.IRI(actor).Valid() != nil || vocab.IRI(actor).Host() != p.host {
		actor = "http://" + p.host + "/users/somebody"
		p.actor(actor, "")
	}
	p.net.follow(p.me, actor)
	var subject string
	if m := regexp.MustCompile(` of ` + iri + `(?: withdrawn)?: ignored`).FindStringSubmatch(p.expect); m != nil {
		subject = m[1]
		p.post(subject)
		p.see(subject)
	}
	p.seen(actor, subject) // Who is looked at for the first time is looked up.
	p.w.Settle()
	p.w.Advance(time.Minute) // Numbers are shown with a lag.
	before := p.seen(actor, subject)
	code := p.net.deliver(p.me.Server, actor, p.doc)
	if strings.Contains(p.expect, "2xx") {
		p.claimed("2xx", yes(code/100 == 2))
	}
	p.claimed("no trouble of ours", yes(code < http.StatusInternalServerError))
	after := p.seen(actor, subject)
	p.claimed("nothing changed", differ(before == after, before+" became "+after))
}

// seen is all that the person can see change.
func (p *play) seen(actor, post string) string {
	var view struct {
		Home, Notifications, Posts int
		Actor                      profile
		Relation                   relation
		Me                         profile
		Post                       Status
	}
	view.Home, view.Notifications = len(p.me.Home()), len(p.me.Notifications())
	view.Actor, view.Relation = p.me.account(actor), p.me.relation(actor)
	view.Actor.FollowersCount = 0 // As its server tells, which is looked up in the background.
	view.Me = p.me.account(string(p.me.Actor.URI))
	view.Posts = len(p.me.Get("/api/v1/accounts/" + view.Actor.ID + "/statuses"))
	if post != "" {
		view.Post, _ = p.me.See(post)
	}
	return encode(p.T, view)
}

// playGroup delivers what a group wrapped into its Announce, to a follower of it.
//
// spec: fep-1b12
func (p *play) playGroup(doc map[string]any, group string) {
	inner := doc["object"].(map[string]any)
	object := one(inner["object"])
	if one(inner["type"]) == "Undo" {
		object = one(inner["object"].(map[string]any)["object"])
	}
	p.net.follow(p.me, group)
	if object != one(inner["actor"]) {
		p.post(object)
		if !p.see(object) {
			p.Fatalf("%s is not shown", object)
		}
	}
	switch one(inner["type"]) {
	case "Update":
		p.groupUpdates(inner, group)
	case "Delete":
		p.groupDeletes(doc, object, group)
	case "Like":
		p.groupLikes(doc, inner, object, group)
	case "Undo":
		like := inner["object"].(map[string]any)
		p.groupLikes(p.again(doc, "like", like), like, object, group)
		p.servePart(inner)
		p.send(group)
		s, _ := p.me.See(object)
		p.claimed("undone", yes(s.Favourites == 0))
	default:
		p.Fatalf("no way to play a group's %s", one(inner["type"]))
	}
	for _, s := range p.me.Home() {
		p.claimed("no boost", yes(s.Reblog == nil))
	}
}

// again is an Announce of another id, of another activity.
func (p *play) again(doc map[string]any, name string, inner map[string]any) map[string]any {
	other := map[string]any{}
	for k, v := range doc {
		other[k] = v
	}
	other["id"], other["object"] = one(doc["id"])+"?"+name, inner
	return other
}

// servePart serves a part of a document at its own address, on its own host.
func (p *play) servePart(part map[string]any) {
	if id := vocab.IRI(one(part["id"])); id.Valid() == nil && id.Host() != p.me.Server.Host {
		part["@context"] = "https://www.w3.org/ns/activitystreams"
		p.net.serve(string(id), "application/activity+json", encode(p.T, part))
	}
}

func (p *play) groupUpdates(inner map[string]any, group string) {
	object := one(inner["object"])
	if object == one(inner["actor"]) {
		p.net.actor(object, map[string]any{"type": "Person", "preferredUsername": usernameIn(object), "inbox": object + "/inbox", "name": "Anew"}, "")
		p.send(group)
		p.claimed("profile fetched again", yes(p.me.account(object).DisplayName == "Anew"))
		return
	}
	changed := map[string]any{}
	for k, v := range inner["object"].(map[string]any) {
		changed[k] = v
	}
	author := p.status.Account.URI // Whom the post was by when it was first seen.
	changed["attributedTo"], changed["updated"], changed["content"] = author, "2026-01-01T00:00:00Z", "<p>As it is now</p>"
	changed["to"] = "https://www.w3.org/ns/activitystreams#Public"
	p.servePart(changed)
	p.send(group)
	p.claimed("updated", yes(p.see(object) && strings.Contains(p.status.Content, "As it is now")))
}

func (p *play) groupDeletes(doc map[string]any, object, group string) {
	if object == one(doc["object"].(map[string]any)["actor"]) { // A person who leaves.
		p.claimed("known", yes(p.me.account(object).ID != ""))
		p.send(group)
		_, ok := p.me.lookUp(object)
		p.claimed("stays while its host has it", yes(ok))
		return
	}
	status := p.status.ID
	p.send(group)
	p.claimed("stays while its host has it", yes(p.me.Call("GET", "/api/v1/statuses/"+status, nil, nil) == http.StatusOK))
	p.net.gone(object)
	p.net.deliver(p.me.Server, group, encode(p.T, p.again(doc, "again", doc["object"].(map[string]any))))
	p.claimed("deleted", yes(p.me.Call("GET", "/api/v1/statuses/"+status, nil, nil) == http.StatusNotFound))
}

func (p *play) groupLikes(doc, like map[string]any, object, group string) {
	p.net.deliver(p.me.Server, group, encode(p.T, p.again(doc, "unproven", like)))
	s, _ := p.me.See(object)
	same := vocab.IRI(one(like["actor"])).Host() == vocab.IRI(group).Host()
	p.claimed("counts where its host says so", yes(s.Favourites == 0 || same))
	if strings.Contains(one(like["id"]), "#") {
		return // Nobody can be asked for it.
	}
	p.servePart(like)
	p.net.deliver(p.me.Server, group, encode(p.T, doc))
	s, _ = p.me.See(object)
	p.claimed("like counted", yes(s.Favourites == 1))
}
