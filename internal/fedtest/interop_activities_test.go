package fedtest

import (
	"encoding/json"
	"regexp"
	"strings"

	"kenoma/internal/vocab"
)

// playActivity delivers an activity, after what it builds on.
func (p *play) playActivity() {
	if strings.Contains(p.expect, "without actor") {
		p.playIgnored("")
		return
	}
	doc := decode(p.T, p.doc)
	p.stage(doc)
	actor := one(doc["actor"])
	if nothing.MatchString(p.expect) {
		p.playIgnored(actor)
		return
	}
	if p.playApart(doc, actor) {
		return
	}
	switch p.activity {
	case "Create":
		p.playCreate(doc, actor)
	case "Update":
		p.playUpdate(doc, actor)
	case "Delete":
		p.playDelete(doc, actor)
	case "Follow", "Like", "Announce", "Block":
		if strings.HasPrefix(p.expect, "group announce") && !strings.Contains(p.expect, "inner Create") {
			p.playGroup(doc, actor)
			return
		}
		p.prepare(p.activity, doc, actor)
		p.claimed("not so before", yes(!p.effect(p.activity, doc, actor)))
		p.send(actor)
		ok := p.effect(p.activity, doc, actor)
		if p.activity == "Announce" && neverPublic.MatchString(p.expect) {
			p.claimed("never public", yes(!ok || p.status.Visibility == "private" || p.status.Visibility == "direct"))
			return
		}
		if p.claimed(p.activity, yes(ok)); ok {
			p.checkActivity(doc, actor)
		}
	case "Undo":
		p.playUndo(doc, actor)
	case "Accept":
		p.net.request(p.me, actor)
		r := p.me.relation(actor)
		p.claimed("requested", yes(r.Requested && !r.Following))
		p.send(actor)
		r = p.me.relation(actor)
		p.claimed("accepted", yes(r.Following && !r.Requested))
	case "Reject":
		p.net.follow(p.me, actor)
		p.claimed("following", yes(p.me.relation(actor).Following))
		p.send(actor)
		r := p.me.relation(actor)
		p.claimed("refused", yes(!r.Following && !r.Requested))
	case "TentativeAccept":
		p.net.request(p.me, actor)
		p.send(actor)
		r := p.me.relation(actor)
		p.claimed("still requested", yes(!r.Following && r.Requested))
	case "Remove":
		p.playRemove(doc, actor)
	case "Move":
		p.playMove(doc, actor)
	case "Add":
		p.send(actor)
		p.claimed("nothing pinned", yes(len(p.me.Get("/api/v1/accounts/"+p.me.account(actor).ID+"/statuses?pinned=true")) == 0))
	default:
		p.Fatalf("no way to play %s", p.activity)
	}
}

// playApart delivers what has a way of its own; false when this is none of them.
func (p *play) playApart(doc map[string]any, actor string) bool {
	switch {
	case p.isReaction():
		p.playReaction(doc, actor)
	case p.activity == "Flag":
		p.playFlag(doc, actor)
	case p.activity == "QuoteRequest":
		p.playQuoteRequest(doc, actor)
	case p.object == "QuoteAuthorization":
		p.playRevocation(doc, actor)
	case p.isJudgedQuote():
		p.playQuote(doc, actor)
	case p.activity == "Listen":
		p.playListen(actor)
	case p.isApproval():
		p.playApproval(doc, actor)
	case strings.HasSuffix(p.activity, "Request"):
		p.playIgnored(actor)
	default:
		return false
	}
	return true
}

var neverPublic = regexp.MustCompile(`\(never public\)|, direct to `)

// playMove has the reader follow who moves: first to an account that does not know of
// it, then to one that names the old one, among junk.
func (p *play) playMove(doc map[string]any, actor string) {
	old, target := one(doc["object"]), one(doc["target"])
	p.actor(old, "")
	p.net.follow(p.me, old)
	aka := []any{"did:plc:junk", map[string]any{"type": "junk"}, old}
	person := func(alias ...any) {
		p.net.actor(target, map[string]any{"type": "Person", "preferredUsername": usernameIn(target), "inbox": target + "/inbox", "alsoKnownAs": alias}, "")
	}
	asked := func() bool {
		_, ok := p.net.took(vocab.IRI(target).Host(), "Follow")
		return ok
	}
	person(aka[:2]...)
	if actor != old { // Nobody can move somebody else.
		person(aka...)
	}
	p.send(actor)
	p.claimed("not followed there", yes(!asked() && p.me.relation(old).Following))
	if actor != old {
		return
	}
	person(aka...)
	doc["id"] = one(doc["id"]) + "-again"
	p.doc = encode(p.T, doc)
	p.send(actor)
	p.claimed("asked to follow there", yes(asked() && p.me.relation(target).Requested))
	p.claimed("not followed here", yes(!p.me.relation(old).Following))
}

// playRemove pins the post first.
func (p *play) playRemove(doc map[string]any, actor string) {
	post := map[string]any{"id": one(doc["object"]), "type": "Note", "attributedTo": actor, "content": "<p>On top</p>", "to": "https://www.w3.org/ns/activitystreams#Public"}
	p.net.actor(actor, map[string]any{"type": "Person", "preferredUsername": usernameIn(actor), "inbox": actor + "/inbox", "featured": doc["target"]}, "")
	p.net.follow(p.me, actor)
	p.net.deliver(p.me.Server, actor, p.create(actor, post))
	pins := "/api/v1/accounts/" + p.me.account(actor).ID + "/statuses?pinned=true"
	p.net.deliver(p.me.Server, actor, encode(p.T, map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": one(doc["id"]) + "-add", "type": "Add", "actor": actor,
		"object": post["id"], "target": doc["target"]}))
	p.claimed("pinned", yes(len(p.me.Get(pins)) == 1))
	p.send(actor)
	p.claimed("unpinned", yes(len(p.me.Get(pins)) == 0))
}

// send delivers the document; it is taken.
func (p *play) send(actor string) {
	p.Helper()
	if code := p.net.deliver(p.me.Server, actor, p.doc); code/100 != 2 {
		p.Fatalf("answer %d to %s", code, p.file)
	}
}

// prepare brings about what an activity needs to have an effect.
func (p *play) prepare(typ string, doc map[string]any, actor string) {
	switch typ {
	case "Announce":
		p.net.follow(p.me, actor)
		if post, ok := boosted(doc).(string); ok {
			p.post(post)
		} else {
			p.servePart(boosted(doc).(map[string]any))
		}
	case "Block":
		p.net.follow(p.me, actor)
		p.net.deliver(p.me.Server, actor, encode(p.T, map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": actor + "#follow-test",
			"type": "Follow", "actor": actor, "object": p.me.Actor.URI}))
		if r := p.me.relation(actor); !r.Following || !r.FollowedBy {
			p.Fatalf("before: %+v", r)
		}
	}
}

// boosted is what an Announce is about: its object, or what the Create made that it wraps.
func boosted(doc map[string]any) any {
	if inner, ok := doc["object"].(map[string]any); ok && inner["type"] == "Create" {
		return inner["object"]
	}
	return doc["object"]
}

// effect tells whether an activity has its effect at the moment.
func (p *play) effect(typ string, doc map[string]any, actor string) bool {
	switch typ {
	case "Follow":
		return p.me.relation(actor).FollowedBy
	case "Block":
		r := p.me.relation(actor)
		return !r.Following && !r.FollowedBy
	case "Like":
		s, ok := p.me.See(one(doc["object"]))
		return ok && s.Favourites == 1
	case "Announce":
		object := one(boosted(doc))
		for _, s := range p.me.Get("/api/v1/accounts/" + p.me.account(actor).ID + "/statuses") {
			if s.Reblog != nil && s.Reblog.URI == object && s.Account.URI == actor {
				p.status = &s
				return true
			}
		}
	}
	return false
}

// checkActivity looks at what else the index says.
func (p *play) checkActivity(doc map[string]any, actor string) {
	switch p.activity {
	case "Follow":
		p.claimed("notification", yes(p.notified("follow", actor)))
		answer, ok := p.net.took(vocab.IRI(actor).Host(), "Accept")
		var follow struct{ ID string }
		if err := json.Unmarshal(answer.Obj, &follow); err != nil {
			_ = json.Unmarshal(answer.Obj, &follow.ID)
		}
		p.claimed("Accept with this id", yes(ok && (follow.ID == one(doc["id"]) || doc["id"] == nil)))
	case "Like":
		p.claimed("notification", yes(p.notified("favourite", actor)))
	case "Announce":
		home := false // A boost of what stands there already does not come again.
		for _, s := range p.me.Home() {
			home = home || s.URI == p.status.Reblog.URI || s.Reblog != nil && s.Reblog.URI == p.status.Reblog.URI
		}
		p.claimed("at home", yes(home))
		p.checkBoosted()
		m := regexp.MustCompile(`, (public|unlisted|followers-only)(?:, at (\S+))?`).FindStringSubmatch(p.expect)
		if m == nil {
			p.claimed("never public", yes(p.status.Visibility == "private" && p.status.Reblog.Visibility == "private"))
			return
		}
		want := strings.Replace(m[1], "followers-only", "private", 1)
		p.claimed(m[1], differ(p.status.Visibility == want, p.status.Visibility))
		if m[2] != "" {
			p.claimed("at "+m[2], isTime(p.status.CreatedAt, m[2]))
		}
	case "Block":
		p.claimed("blocked by", yes(p.me.relation(actor).BlockedBy))
	}
}

// checkBoosted looks at the post inside of a boost.
func (p *play) checkBoosted() {
	inner := *p
	inner.status, inner.claims = p.status.Reblog, 0
	for _, c := range statusClaims {
		if words := c.words.String(); strings.Contains(words, "text '") || strings.Contains(words, "title '") {
			inner.check([]claim{c})
		}
	}
	p.claims += inner.claims
}

func (p *play) notified(typ, actor string) bool {
	for _, n := range p.me.Notifications() {
		if n.Type == typ && n.Account.URI == actor {
			return true
		}
	}
	return false
}

// playUndo sends what is undone first.
func (p *play) playUndo(doc map[string]any, actor string) {
	inner, ok := doc["object"].(map[string]any)
	if !ok { // Only its id: it is a like of something of ours.
		mine := p.me.Post("What do you think?", "public")
		inner = map[string]any{"id": doc["object"], "type": "Like", "actor": actor, "object": mine.URI}
	}
	typ := one(inner["type"])
	p.prepare(typ, inner, actor)
	with := map[string]any{"@context": "https://www.w3.org/ns/activitystreams"}
	for k, v := range inner {
		with[k] = v
	}
	if typ == "Announce" && with["to"] == nil {
		with["to"] = "https://www.w3.org/ns/activitystreams#Public"
	}
	p.net.deliver(p.me.Server, actor, encode(p.T, with))
	if !p.effect(typ, inner, actor) {
		p.Fatalf("the %s that is to be undone had no effect", typ)
	}
	p.send(actor)
	if typ == "Block" { // The follows do not come back.
		r := p.me.relation(actor)
		p.claimed("no longer blocks", yes(!r.BlockedBy && !r.Following))
		return
	}
	p.claimed("undone", yes(!p.effect(typ, inner, actor)))
}

func (p *play) playCreate(doc map[string]any, actor string) {
	if p.isVote() {
		p.send(actor)
		if p.object == "list" {
			p.checkVotesAtMost(2)
		} else {
			p.checkVotes(1)
		}
		return
	}
	p.net.follow(p.me, actor)
	address, only := doc["object"].(string)
	if only {
		p.post(address)
	}
	p.send(actor)
	if only {
		p.claimed("fetched", yes(p.net.got("GET "+address)))
		p.claimed("shown", yes(p.see(address)))
		return
	}
	object := doc["object"].(map[string]any)
	if strings.Contains(p.expect, ": reject]") {
		p.claimed("rejected", yes(!p.see(one(object["id"])) && len(p.me.Home()) == 0))
		return
	}
	p.checkPost(one(object["id"]))
	if p.status.Visibility != "direct" && p.status.InReplyTo == nil {
		p.claimed("at home", yes(len(p.me.Home()) == 1))
	}
}

// checkVotesAtMost is for activities of which a part may be taken.
func (p *play) checkVotesAtMost(most int) {
	mine := p.me.Get("/api/v1/accounts/" + p.me.account(string(p.me.Actor.URI)).ID + "/statuses")
	p.claimed("votes", yes(len(mine) == 1 && mine[0].Poll.Votes <= most && mine[0].Replies == 0))
	p.claimed("no post", yes(len(p.me.Notifications()) == 0))
}

// before is an earlier version of an object, in the Create that brought it.
func (p *play) before(object map[string]any, actor string) string {
	old := map[string]any{}
	for k, v := range object {
		old[k] = v
	}
	delete(old, "updated")
	old["content"] = "<p>As it was</p>"
	delete(old, "contentMap")
	if options, ok := old["anyOf"].([]any); ok {
		var none []any
		for _, o := range options {
			none = append(none, map[string]any{"type": "Note", "name": o.(map[string]any)["name"], "replies": map[string]any{"type": "Collection", "totalItems": 0}})
		}
		old["anyOf"], old["votersCount"], old["content"] = none, 0, object["content"]
	}
	return p.create(actor, old)
}

func (p *play) playUpdate(doc map[string]any, actor string) {
	object := doc["object"].(map[string]any)
	if vocab.IsActor(one(object["type"])) {
		p.me.account(actor)
		p.send(actor)
		a := p.me.account(actor)
		p.account = &a
		p.check(actorClaims)
		return
	}
	p.net.follow(p.me, actor)
	p.net.deliver(p.me.Server, actor, p.before(object, actor))
	id := one(object["id"])
	if !p.see(id) || p.status.EditedAt != nil {
		p.Fatalf("before: %+v", p.status)
	}
	first := p.status.ID
	p.send(actor)
	if !p.see(id) {
		p.Fatal("the post is gone")
	}
	p.claimed("one status", yes(p.status.ID == first && (len(p.me.Home()) == 1 || p.status.InReplyTo != nil)))
	var history []struct{ Content string }
	p.me.Call("GET", "/api/v1/statuses/"+first+"/history", nil, &history)
	if m := regexp.MustCompile(`tallies become (.*?), voters (\d+);`).FindStringSubmatch(p.expect); m != nil {
		p.claimed("tallies", checkPoll(p, []string{"", "true, 3 options (" + m[1] + "), voters " + m[2]}))
		p.claimed("not edited", yes(p.status.EditedAt == nil && len(history) == 1))
		return
	}
	p.check(statusClaims)
	if m := regexp.MustCompile(`to text '(.*?)', edited (\S+?);`).FindStringSubmatch(p.expect); m != nil {
		p.claimed("text", begins(p.status.Content, m[1]))
		p.claimed("edited", yes(p.status.EditedAt != nil && isTime(*p.status.EditedAt, m[2]) == ""))
	}
	p.claimed("history", yes(len(history) >= 2 && strings.Contains(history[0].Content, "As it was")))
}

func (p *play) playDelete(doc map[string]any, actor string) {
	object := one(doc["object"])
	if inner, ok := doc["object"].(map[string]any); ok {
		object = one(inner["id"])
	}
	whole := object == actor
	id := object
	if whole {
		id = actor + "/statuses/1"
	}
	note := map[string]any{"id": id, "type": "Note", "attributedTo": actor, "content": "<p>Soon gone</p>", "to": "https://www.w3.org/ns/activitystreams#Public"}
	p.net.follow(p.me, actor)
	p.net.deliver(p.me.Server, actor, p.create(actor, note))
	if !p.see(id) || len(p.me.Home()) != 1 {
		p.Fatal("the post that is to be deleted is not shown")
	}
	status := p.status.ID
	account := p.me.account(actor).ID
	p.send(actor)
	p.claimed("removed", yes(p.me.Call("GET", "/api/v1/statuses/"+status, nil, nil) == 404 && len(p.me.Home()) == 0))
	if whole {
		_, ok := p.me.lookUp("@" + account)
		p.claimed("account deleted", yes(!ok && p.me.Call("GET", "/api/v1/accounts/"+account+"/statuses", nil, nil) != 200))
	} else {
		p.claimed("the account stays", yes(p.me.Call("GET", "/api/v1/accounts/"+account, nil, nil) == 200))
	}
}
