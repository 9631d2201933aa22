package fedtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kenoma/internal/vocab"
)

// reacts matches what the index says of a reaction: a custom one has its picture.
var reacts = regexp.MustCompile(`^(?:custom )?emoji reaction (\S+) by (\S+) on (\S+?)(?:, image (\S+))?$`)

// isReaction tells whether a document is a reaction, or takes one back.
func (p *play) isReaction() bool {
	return p.activity == "EmojiReact" || p.object == "EmojiReact" || strings.Contains(p.expect, "emoji reaction ")
}

// playReaction delivers a reaction to a post of the person's, who sees it below the
// post and is told of it.
func (p *play) playReaction(doc map[string]any, actor string) {
	if p.activity == "Undo" {
		inner := doc["object"].(map[string]any)
		inner["@context"] = "https://www.w3.org/ns/activitystreams"
		p.net.deliver(p.me.Server, actor, encode(p.T, inner))
		p.claimed("shown before", yes(len(p.reactions(one(inner["object"]))) == 1))
		p.send(actor)
		p.claimed("taken back", yes(len(p.reactions(one(inner["object"]))) == 0 && !p.notified("pleroma:emoji_reaction", actor)))
		return
	}
	m := reacts.FindStringSubmatch(p.expect)
	if m == nil {
		p.Fatalf("no reaction in %q", p.expect)
	}
	post := one(doc["object"])
	p.claimed("not so before", yes(len(p.reactions(post)) == 0))
	p.send(actor)
	list := p.reactions(post)
	if len(list) != 1 {
		p.Fatalf("the person sees %+v", list)
	}
	name, custom := strings.CutPrefix(m[1], ":")
	got, host, _ := strings.Cut(list[0].Name, "@")
	p.claimed("reaction "+m[1], differ(got == strings.TrimSuffix(name, ":") && (host != "") == custom && list[0].Count == 1 && !list[0].Me, fmt.Sprintf("%+v", list[0])))
	p.claimed("image", yes((m[4] == "") == (list[0].URL == nil) && (list[0].URL == nil || shown(*list[0].URL) == "")))
	p.claimed("by "+m[2], yes(slices.Contains(p.reactedBy(post, list[0].Name), m[2])))
	p.claimed("notification", yes(p.notified("pleroma:emoji_reaction", actor)))
	s, _ := p.me.See(post)
	p.claimed("no favourite", yes(s.Favourites == 0))
}

func (p *play) reactions(post string) []Reaction {
	s, ok := p.me.See(post)
	if !ok {
		p.Fatalf("%s is not shown", post)
	}
	return s.Pleroma.Reactions
}

// reactedBy lists who reacted, by their addresses.
func (p *play) reactedBy(post, emoji string) (uris []string) {
	s, _ := p.me.See(post)
	var list []struct{ Accounts []Account }
	p.me.Call("GET", "/api/v1/pleroma/statuses/"+s.ID+"/reactions/"+url.PathEscape(emoji), nil, &list)
	for _, r := range list {
		for _, a := range r.Accounts {
			uris = append(uris, a.URI)
		}
	}
	return uris
}

// reported is a report as moderators see it.
type reported struct {
	Comment, Category string
	Account, Target   struct {
		Account Account
	}
	Statuses []Status
}

// playFlag delivers a report about the person: what the document names on the first
// named host are the person and posts of the person's. Moderators see it.
func (p *play) playFlag(doc map[string]any, actor string) {
	_, token := p.w.boss(p.T, "boss@"+p.me.Server.Host)
	objects, _ := doc["object"].([]any)
	if objects == nil {
		objects = []any{doc["object"]}
	}
	subject, posts := one(objects[0]), map[string]bool{}
	for i, o := range objects {
		inner, embedded := o.(map[string]any)
		id := one([]any{o})
		switch {
		case id == subject:
			objects[i] = string(p.me.Actor.URI)
		case vocab.IRI(id).Host() != vocab.IRI(subject).Host() || !strings.Contains(id, "/post") && !strings.Contains(id, "/objects/"):
		case embedded:
			mine := p.me.Post("rude", "public")
			posts[mine.ID], inner["id"] = true, mine.URI
		default:
			mine := p.me.Post("rude", "public")
			posts[mine.ID], objects[i] = true, mine.URI
		}
	}
	if doc["object"] = any(objects); len(objects) == 1 {
		if _, list := decode(p.T, p.doc)["object"].([]any); !list {
			doc["object"] = objects[0]
		}
	}
	p.doc = encode(p.T, doc)
	p.send(actor)
	var list []reported
	if code := p.me.Server.Call(token, "GET", "/api/v1/admin/reports", nil, &list); code != http.StatusOK {
		p.Fatalf("reports: %d", code)
	}
	if p.claimed("stored for moderators", yes(len(list) == 1)); len(list) != 1 {
		return
	}
	r := list[0]
	comment := regexp.MustCompile(`with comment '(.*)': stored`).FindStringSubmatch(p.expect)
	p.claimed("comment", yes(comment != nil && begins(r.Comment, comment[1]) == ""))
	p.claimed("about", yes(r.Target.Account.URI == string(p.me.Actor.URI)))
	p.claimed("posts", yes(len(r.Statuses) == len(posts)))
	for _, s := range r.Statuses {
		p.claimed("post "+s.ID, yes(posts[s.ID]))
	}
	p.claimed("never shown as a post", yes(len(p.me.Home()) == len(posts)))
	p.claimed("reporter is not revealed", yes(len(p.me.Notifications()) == 0))
}

// UnmarshalJSON reads the accounts of a report, which are admin's views of them.
func (r *reported) UnmarshalJSON(b []byte) error {
	var plain struct {
		Comment, Category string
		Account           struct{ Account Account } `json:"account"`
		Target            struct{ Account Account } `json:"target_account"`
		Statuses          []Status
	}
	if err := json.Unmarshal(b, &plain); err != nil {
		return err
	}
	r.Comment, r.Category, r.Statuses = plain.Comment, plain.Category, plain.Statuses
	r.Account.Account, r.Target.Account = plain.Account.Account, plain.Target.Account
	return nil
}

// playQuoteRequest has somebody ask to quote a post of the person's: the answer lets
// them, and its result can be fetched.
func (p *play) playQuoteRequest(doc map[string]any, actor string) {
	mine := p.me.Post("Quotable", "public")
	doc["object"] = mine.URI
	p.doc = encode(p.T, doc)
	p.send(actor)
	p.checkStamp(doc, actor, mine.URI, "QuoteAuthorization", one(doc["instrument"]))
}

// checkStamp looks at the answer to a request, and at what it brings.
func (p *play) checkStamp(request map[string]any, actor, post, typ, interacting string) {
	answer, ok := p.net.took(vocab.IRI(actor).Host(), "Accept")
	var about struct{ ID string }
	if err := json.Unmarshal(answer.Obj, &about); err != nil {
		_ = json.Unmarshal(answer.Obj, &about.ID)
	}
	if p.claimed("answered", yes(ok && about.ID == one(request["id"]))); !ok {
		return
	}
	stamp := p.served(answer.Result)
	p.claimed(typ+" result", yes(stamp["type"] == typ && stamp["attributedTo"] == string(p.me.Actor.URI) &&
		stamp["interactingObject"] == interacting && stamp["interactionTarget"] == post))
}

// served is a document that our server gives to anybody.
func (p *play) served(address string) map[string]any {
	path, ok := strings.CutPrefix(address, "http://"+p.me.Server.Host)
	if !ok {
		p.Fatalf("%q is not on our server", address)
	}
	req, err := http.NewRequest(http.MethodGet, p.me.Server.web.URL+path, nil)
	if err != nil {
		p.Fatal(err)
	}
	req.Host = p.me.Server.Host
	req.Header.Set("Accept", "application/activity+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	var doc map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		p.Fatalf("%s: %d, %v", address, resp.StatusCode, err)
	}
	return doc
}

// quoted has the person quote a post of bob's, who lets it, with that authorisation.
// It returns the quote.
func (p *play) quoted(stamp map[string]any) (quote Status, quotee string) {
	quotee = one(stamp["attributedTo"])
	target := one(stamp["interactionTarget"])
	p.actor(quotee, "")
	p.net.serve(target, "application/activity+json", encode(p.T, map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": target, "type": "Note",
		"attributedTo": quotee, "to": asPub, "content": "<p>Quotable</p>", "published": "2025-01-01T00:00:00Z",
		"interactionPolicy": map[string]any{"canQuote": map[string]any{"automaticApproval": asPub}}}))
	theirs, ok := p.me.See(target)
	if !ok {
		p.Fatal("the quoted post is not shown")
	}
	quote = p.me.Post("Look", "public", "quoted_status_id", theirs.ID)
	p.w.Settle()
	request, ok := p.net.took(vocab.IRI(quotee).Host(), "QuoteRequest")
	if !ok {
		p.Fatal("nobody was asked for leave")
	}
	stamp["interactingObject"] = quote.URI
	stamp["@context"] = "https://www.w3.org/ns/activitystreams"
	p.net.serve(one(stamp["id"]), "application/activity+json", encode(p.T, stamp))
	state, _ := p.me.quoteOf(quote.ID)
	p.claimed("asked", yes(state == "pending"))
	p.net.deliver(p.me.Server, quotee, encode(p.T, map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": quotee + "#accepts/1", "type": "Accept",
		"actor": quotee, "object": request.ID, "result": stamp["id"]}))
	state, _ = p.me.quoteOf(quote.ID)
	p.claimed("accepted", differ(state == "accepted", state))
	return quote, quotee
}

// playRevocation takes back the leave to quote.
func (p *play) playRevocation(doc map[string]any, actor string) {
	stamp := doc["object"].(map[string]any)
	quote, _ := p.quoted(stamp)
	delete(stamp, "@context")
	p.doc = encode(p.T, doc)
	p.send(actor)
	state, content := p.me.quoteOf(quote.ID)
	p.claimed("withdrawn", differ(state == "revoked" && content == "", state))
	_, still := p.me.See(quote.URI)
	p.claimed("not a status delete", yes(still))
}

// playQuote delivers a post that quotes another one, which is there.
func (p *play) playQuote(doc map[string]any, actor string) {
	object := doc["object"].(map[string]any)
	target := one(object["quote"])
	self := strings.HasPrefix(target, actor)
	author := actor
	if !self {
		author = target[:strings.Index(target, "/statuses/")]
	}
	p.actor(author, "")
	p.net.serve(target, "application/activity+json", encode(p.T, map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": target, "type": "Note",
		"attributedTo": author, "to": asPub, "content": "<p>Quotable</p>", "published": "2025-01-01T00:00:00Z"}))
	if stamp := one(object["quoteAuthorization"]); stamp != "" {
		p.net.serve(stamp, "application/activity+json", encode(p.T, map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": stamp, "type": "QuoteAuthorization",
			"attributedTo": author, "interactingObject": object["id"], "interactionTarget": target}))
	}
	p.net.follow(p.me, actor)
	p.send(actor)
	p.checkPost(one(object["id"]))
	state, content := p.me.quoteOf(p.status.ID)
	accepted := self || one(object["quoteAuthorization"]) != ""
	p.claimed("quote", differ((state == "accepted") == accepted && strings.Contains(content, "Quotable") == accepted, state))
	p.claimed("no line of the quote", yes(!accepted || !strings.Contains(p.status.Content, "RE:")))
}

// TestInteropNeedsQuotes makes sure that the plays above tell quotes apart.
func TestInteropNeedsQuotes(t *testing.T) {
	for expect, want := range map[string]bool{"status by x; self-quote of y": true, "status by x; quotes y, shown as accepted only": true, "status by x; quotes y (via quoteUri)": false} {
		p := &play{row: row{activity: "Create", expect: expect}}
		if got := p.isJudgedQuote(); got != want {
			t.Errorf("%q is one that needs leave: %t", expect, got)
		}
	}
}

// isJudgedQuote tells whether a post quotes in the form that needs leave.
func (p *play) isJudgedQuote() bool {
	return p.activity == "Create" && regexp.MustCompile(`self-quote of|unapproved quote of|shown as accepted only`).MatchString(p.expect)
}

// isApproval tells whether somebody lets one of ours do something.
func (p *play) isApproval() bool {
	return p.activity == "Accept" && (strings.Contains(p.expect, ", approval ") || strings.Contains(p.expect, ", authorisation "))
}

// playApproval has an author approve an answer of the person's, which names the
// approval from then on.
func (p *play) playApproval(doc map[string]any, actor string) {
	parent := actor + "/statuses/1"
	p.post(parent)
	theirs, ok := p.me.See(parent)
	if !ok {
		p.Fatal("the post to answer is not shown")
	}
	reply := p.me.Post("@"+theirs.Account.Acct+" I agree", "public", "in_reply_to_id", theirs.ID)
	p.w.Settle()
	if request, ok := doc["object"].(map[string]any); ok {
		request["id"], request["actor"], request["object"], request["instrument"] = reply.URI+"/replyRequest", string(p.me.Actor.URI), parent, reply.URI
	} else {
		doc["object"] = reply.URI
	}
	p.doc = encode(p.T, doc)
	p.claimed("not approved before", yes(p.served(reply.URI)["replyAuthorization"] == nil))
	p.send(actor)
	p.claimed("approval noted", yes(p.served(reply.URI)["replyAuthorization"] == doc["result"]))
	update, ok := p.net.took(vocab.IRI(actor).Host(), "Update")
	p.claimed("told", yes(ok && strings.Contains(string(update.Obj), one(doc["result"]))))
	s, _ := p.me.See(reply.URI)
	p.claimed("no edit", yes(s.EditedAt == nil))
	r := p.me.relation(actor)
	p.claimed("never a follow", yes(!r.Following && !r.Requested))
}

// playListen has somebody listen to a track, which the profile shows.
func (p *play) playListen(actor string) {
	list := func() (all []struct{ Title, Artist, Album string }) {
		p.me.Call("GET", "/api/v1/pleroma/accounts/"+p.me.account(actor).ID+"/scrobbles", nil, &all)
		return all
	}
	p.claimed("nothing before", yes(len(list()) == 0))
	p.send(actor)
	all := list()
	p.claimed("scrobble", yes(len(all) == 1 && strings.Contains(p.doc, all[0].Title) && all[0].Title != "" && all[0].Artist != "" && all[0].Album != ""))
	p.claimed("no post", yes(len(p.me.Home()) == 0))
}
