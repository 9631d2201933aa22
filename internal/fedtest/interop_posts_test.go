package fedtest

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kenoma/internal/vocab"
)

// playObject serves a post at its address and looks it up. What its author would
// not serve to us, direct posts and votes, or could not, comes in a Create.
func (p *play) playObject() {
	doc := decode(p.T, p.doc)
	p.stage(doc)
	id, author := one(doc["id"]), one(doc["attributedTo"])
	if p.object == "QuoteAuthorization" {
		p.quoted(doc)
		return
	}
	if vocab.IRI(id).Valid() != nil && !p.isVote() {
		p.playNameless(doc)
		return
	}
	if strings.HasPrefix(p.expect, "unsupported object type") || strings.HasPrefix(p.expect, "tombstone: ") {
		p.net.serve(id, "application/activity+json", p.doc)
		p.claimed("not shown", yes(!p.see(id)))
		return
	}
	if author == "" {
		author = "http://" + p.host + "/users/somebody"
		p.actor(author, "")
	}
	if p.isVote() {
		doc["id"] = author + "#vote"
		p.net.deliver(p.me.Server, author, p.create(author, doc))
		p.checkVotes(1)
		return
	}
	p.net.follow(p.me, author)
	if strings.Contains(p.expect, "direct to ") || strings.Contains(p.expect, "no audience given") || strings.Contains(p.expect, "without attributedTo") {
		p.net.deliver(p.me.Server, author, p.create(author, doc))
	} else {
		p.net.serve(id, "application/activity+json", p.doc)
	}
	p.checkPost(id)
}

// playNameless delivers a post without an address of its own: nobody sees it.
func (p *play) playNameless(doc map[string]any) {
	author := "http://" + p.host + "/users/somebody"
	p.actor(author, "")
	p.net.follow(p.me, author)
	p.net.deliver(p.me.Server, author, p.create(author, doc))
	p.claimed("never public", yes(len(p.me.Home()) == 0 && len(p.me.Notifications()) == 0))
}

// create wraps an object into the Create that would bring it.
func (p *play) create(author string, object map[string]any) string {
	a := map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": one(object["id"]) + "/create", "type": "Create", "actor": author, "object": object}
	for _, key := range []string{"to", "cc"} {
		if v, ok := object[key]; ok {
			a[key] = v
		}
	}
	return encode(p.T, a)
}

// checkPost holds what the index says of a post against what the person sees.
func (p *play) checkPost(id string) {
	p.Helper()
	ok := p.see(id)
	if strings.Contains(p.expect, "(never public)") {
		if ok {
			p.claimed("never public", yes(p.status.Visibility == "private" || p.status.Visibility == "direct"))
		} else {
			p.claimed("never public", "") // Nobody is addressed: nobody sees it.
		}
		return
	}
	if p.claimed("shown", yes(ok)); !ok {
		return
	}
	if strings.Contains(p.expect, "options as in the file") {
		p.checkOptions()
	}
	p.check(statusClaims)
}

// checkOptions holds a poll against the document itself.
func (p *play) checkOptions() {
	o, err := vocab.DecodeObject([]byte(p.doc))
	if err != nil || o.Poll == nil {
		p.Fatalf("no poll: %v", err)
	}
	var want []string
	for _, option := range o.Poll.Options {
		want = append(want, option.Name+"="+strconv.Itoa(option.Votes))
	}
	p.claimed("options", checkPoll(p, []string{"", fmt.Sprintf("%v, %d options (%s)", o.Poll.Multiple, len(want), strings.Join(want, ", "))}))
}

// checkVotes counts the votes in the person's poll and makes sure that none became
// a post.
func (p *play) checkVotes(want int) {
	p.Helper()
	var mine []Status
	p.me.Call("GET", "/api/v1/accounts/"+strconv.FormatInt(p.me.Actor.ID, 10)+"/statuses", nil, &mine)
	if len(mine) != 1 || mine[0].Poll == nil {
		p.Fatalf("the person has %d posts, want the poll", len(mine))
	}
	p.claimed("votes", yes(mine[0].Poll.Votes == want))
	p.claimed("no reply", yes(mine[0].Replies == 0))
	for _, n := range p.me.Notifications() {
		if n.Type == "mention" {
			p.Errorf("the vote is shown as a post: %+v", n.Status)
		}
	}
}

var statusClaims = []claim{
	about(`status by `+iri, is(func(p *play) string { return p.status.Account.URI })),
	about(`(public|unlisted|followers-only)(?: \(.*?\))?`, is(func(p *play) string {
		if p.status.Visibility == "private" {
			return "followers-only"
		}
		return p.status.Visibility
	})),
	about(`direct to [^;]*`, func(p *play, _ []string) string {
		if p.status.Visibility != "direct" {
			return p.status.Visibility
		}
		for _, n := range p.me.Notifications() {
			if n.Type == "mention" && n.Status != nil && n.Status.ID == p.status.ID {
				return ""
			}
		}
		return "no notification"
	}),
	about(`type Question`, func(p *play, _ []string) string { return yes(p.status.Poll != nil) }),
	about(`content warning '(.*?)'`, is(func(p *play) string { return p.status.SpoilerText })),
	about(`sensitive`, func(p *play, _ []string) string { return yes(p.status.Sensitive) }),
	about(`text '(.*?)'(?: \(the .*?\))?`, checkText),
	about(`event start (\S+) (?:no end|end (\S+))(?: at '(.*?)')?`, checkEvent),
	about(`media attachment one of \d+ (video|audio)/\S+ links, e\.g\. \S+`, checkFile),
	about(`image `+iri, func(p *play, m []string) string {
		return differ(len(p.status.Media) == 1 && p.status.Media[0].RemoteURL != nil && *p.status.Media[0].RemoteURL == m[1], fmt.Sprint(p.status.Media))
	}),
	about(`no text`, func(p *play, _ []string) string {
		if m := excerptOf.FindStringSubmatch(p.expect); m != nil && begins(p.body(), m[1]) == "" {
			return "" // The excerpt stands for it.
		}
		return begins(p.body(), "")
	}),
	about(`title '(.*?)'`, func(p *play, m []string) string {
		title := titleOf.FindString(p.status.Content)
		return begins(title, m[1])
	}),
	about(`language ([\w-]+)`, is(func(p *play) string {
		if p.status.Language == nil {
			return ""
		}
		return *p.status.Language
	})),
	about(`in reply to `+iri, func(p *play, m []string) string {
		parent, ok := p.me.See(m[1])
		if !ok || p.status.InReplyTo == nil || *p.status.InReplyTo != parent.ID {
			return fmt.Sprintf("%v, parent %s", p.status.InReplyTo, parent.ID)
		}
		return ""
	}),
	about(`\d+ mentions? \(([^;]*)\)`, func(p *play, m []string) string {
		names := strings.Split(m[1], ", ")
		slices.Sort(names)
		return differ(len(slices.Compact(names)) == len(p.status.Mentions), strconv.Itoa(len(p.status.Mentions)))
	}),
	about(`\d+ mentions? \((@[^;]*)\)`, checkMentions),
	about(`(\d+) hashtags? \(#[^;]*\)`, is(func(p *play) string { return strconv.Itoa(len(p.status.Tags)) })),
	about(`\d+ hashtags? \((#[^;]*)\)`, func(p *play, m []string) string {
		var names []string
		for _, t := range p.status.Tags {
			names = append(names, "#"+t.Name)
		}
		got := strings.Join(names, ", ")
		return differ(strings.EqualFold(got, m[1]), got)
	}),
	about(`custom emoji ([^;]*)`, func(p *play, m []string) string { return emojis(p.status.Emojis, m[1]) }),
	about(`\d+ attachments? \((.*?)\)`, checkMedia),
	about(`poll multiple=(.*)`, checkPoll),
	about(`html link `+iri+`(?: on another host[^;]*)?`, is(func(p *play) string { return p.status.URL })),
	about(`published (\d{4}-\S+?)(?: \(offset[^)]*\))?`, func(p *play, m []string) string { return isTime(p.status.CreatedAt, m[1]) }),
	about(`edited (\d{4}-\S+)`, func(p *play, m []string) string {
		if p.status.EditedAt == nil {
			return "not edited"
		}
		return isTime(*p.status.EditedAt, m[1])
	}),
}

// A post with a title shows it in a paragraph of its own, and most end with the address
// of the whole.
var (
	titleOf   = regexp.MustCompile(`^<p><strong>.*?</strong></p>`)
	excerptOf = regexp.MustCompile(`summary '(.*?)' \(excerpt`)
	linkOf    = regexp.MustCompile(`<p><a href="[^"]*" rel="nofollow noopener noreferrer" target="_blank">[^<]*</a></p>$`)
)

// eventOf is the paragraph that says when and where an event is.
var eventOf = regexp.MustCompile(`<p>(?:📅|📍)[^/]*(?:<br />[^<]*)?</p>`)

// oneLink is a paragraph that is a link alone: attached pages stand in such.
var oneLink = regexp.MustCompile(`<p><a href="[^"]*"[^>]*>[^<]*</a></p>`)

// body is the text of a post without what is made of its other properties.
func (p *play) body() string {
	text := p.status.Content
	if titleOf.MatchString(text) && strings.Contains(p.expect, "title") {
		text = linkOf.ReplaceAllString(titleOf.ReplaceAllString(text, ""), "")
	}
	if strings.Contains(p.expect, "event start") {
		text = eventOf.ReplaceAllString(text, "")
	}
	if strings.Contains(p.expect, "(link ") || strings.Contains(p.expect, "type Comment") {
		text = oneLink.ReplaceAllString(text, "")
	}
	return text
}

// checkText compares the text. Where it came as Markdown, the index has its signs.
func checkText(p *play, m []string) string {
	want := m[1]
	if strings.Contains(p.expect, "mediaType text/markdown") {
		want = markdownSigns.ReplaceAllString(want, "")
	}
	return begins(p.body(), want)
}

var markdownSigns = regexp.MustCompile(`\*\*|\[|\]\([^)…]*\)?`)

// checkEvent looks for the times and the place of an event.
func checkEvent(p *play, m []string) string {
	line := html.UnescapeString(eventOf.FindString(p.status.Content))
	for _, text := range m[1:3] {
		if text == "" {
			continue
		}
		at, err := vocab.ParseTime(text)
		if err != nil || !strings.Contains(line, at.UTC().Format("15:04")) {
			return strconv.Quote(line)
		}
	}
	return differ(strings.Contains(line, m[3]), line)
}

// checkFile looks for the media that a video or recording itself is: one of its files.
func checkFile(p *play, m []string) string {
	if len(p.status.Media) != 1 || p.status.Media[0].RemoteURL == nil {
		return fmt.Sprintf("%d files", len(p.status.Media))
	}
	file := p.status.Media[0]
	return differ(file.Type == m[1] && strings.Contains(p.doc, strings.ReplaceAll(*file.RemoteURL, "&", `\u0026`)) || strings.Contains(p.doc, `"`+*file.RemoteURL+`"`), *file.RemoteURL)
}

func differ(ok bool, got string) string {
	if ok {
		return ""
	}
	return strconv.Quote(got)
}

// checkMentions compares names. Some documents give no host, or not the one that
// the address of the mentioned is on.
func checkMentions(p *play, m []string) string {
	var got []string
	for _, a := range p.status.Mentions {
		acct := a.Acct
		if !strings.Contains(acct, "@") {
			acct += "@" + p.me.Server.Host
		}
		got = append(got, strings.ToLower(acct))
	}
	for _, want := range strings.Split(m[1], ", ") {
		want = strings.ToLower(strings.TrimPrefix(want, "@"))
		found := false
		for _, g := range got {
			name, host, _ := strings.Cut(g, "@")
			wanted, _, _ := strings.Cut(want, "@")
			found = found || g == want || name == wanted && strings.Contains(p.doc, `"http://`+host+"/")
		}
		if !found {
			return strings.Join(got, ", ")
		}
	}
	return ""
}

var mediaKind = regexp.MustCompile(`^(image|video|audio)/`)

// checkMedia compares "image/png alt 'x' blurhash; video/mp4 no alt". What is "link …"
// is part of the text.
func checkMedia(p *play, m []string) string {
	var parts []string
	for _, part := range strings.Split(m[1], "; ") {
		link, ok := strings.CutPrefix(part, "link ")
		if !ok {
			parts = append(parts, part)
			continue
		}
		file := false // A link to a picture is shown as that.
		for _, a := range p.status.Media {
			file = file || a.RemoteURL != nil && *a.RemoteURL == link
		}
		if file {
			parts = append(parts, "")
		} else if !strings.Contains(p.status.Content, `href="`+link+`"`) {
			return "no link to " + link
		}
	}
	if len(parts) != len(p.status.Media) {
		return "another number"
	}
	for i, part := range parts {
		a := p.status.Media[i]
		kind := mediaKind.FindStringSubmatch(part)
		alt := ""
		if _, quoted, ok := strings.Cut(part, "alt '"); ok {
			alt, _, _ = strings.Cut(quoted, "'")
			alt = strings.TrimSuffix(alt, "…")
		}
		switch {
		case kind != nil && a.Type != kind[1],
			alt != "" && begins(a.Description, alt+"…") != "",
			strings.Contains(part, "no alt") && a.Description != "",
			strings.Contains(part, " blurhash") && (a.Blurhash == nil || *a.Blurhash == ""):
			return fmt.Sprintf("%+v", a)
		}
	}
	return ""
}

var pollPattern = regexp.MustCompile(`^(true|false), (\d+) options \((.*?)\)(?:, (?:expires|closed) (\d{4}-[^\s,;]+))?(?:, [^;]*?)?(?:, voters (\d+))?(?:;|$)`)

func checkPoll(p *play, m []string) string {
	poll, w := p.status.Poll, pollPattern.FindStringSubmatch(m[1])
	if poll == nil || w == nil {
		return "no poll, or a claim that can't be read"
	}
	var options []string
	for _, o := range poll.Options {
		votes := "hidden"
		if o.Votes != nil {
			votes = strconv.Itoa(*o.Votes)
		}
		options = append(options, o.Title+"="+votes)
	}
	got := strings.Join(options, ", ")
	return differ(got == w[3] && strconv.FormatBool(poll.Multiple) == w[1] && (!strings.Contains(m[1], "closed") || poll.Expired), fmt.Sprintf("%s %+v", got, poll))
}
