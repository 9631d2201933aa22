package vocab

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// object reads v as a document of its own.
func (v value) object() (*Object, error) {
	id, t, err := v.head(ObjectClass)
	if err != nil {
		return nil, err
	}
	return v.readObject(id, t), nil
}

func (v value) readObject(id IRI, t typeInfo) *Object {
	o := &Object{
		ID:           id,
		Type:         t.name,
		AttributedTo: v.get("attributedTo").authors(),
		Actor:        v.get("actor").iri(),
		To:           v.get("to").audience(nil),
		Cc:           v.get("cc").audience(nil),
		Audience:     v.get("audience").audience(nil),
		Name:         v.textOrMap("name", "nameMap", maxTitle),
		Summary:      v.textOrMap("summary", "summaryMap", maxBio),
		MediaType:    v.get("mediaType").str(maxShort),
		InReplyTo:    v.get("inReplyTo").iri(),
		AlsoKnownAs:  v.get("alsoKnownAs").appendIRIs(nil, maxAliases),
		Published:    v.get("published").time(),
		Updated:      v.get("updated").time(),
		Attachments:  v.get("attachment").attachments(),
		Tags:         v.get("tag").tags(),
		FormerType:   v.get("formerType", "former_type").typeName(),
		Deleted:      v.get("deleted").time(),
		StartTime:    v.get("startTime").time(),
		EndTime:      v.get("endTime").time(),
		Duration:     v.get("duration").duration(),
		Icon:         v.get("icon").link(),
		Image:        v.get("image").link(),

		QuoteAuthorization: v.get("quoteAuthorization").iri(),
		Policy:             v.get("interactionPolicy").get("canQuote").quotePolicy(),
		ReplyAuthorization: v.get("replyAuthorization", "approvedBy").iri(),
		Policies:           v.get("interactionPolicy").policies(),
		Interacting:        v.get("interactingObject").iri(),
		InteractionTarget:  v.get("interactionTarget").iri(),
		Raw:                v.raw(),
	}
	o.To = v.get("bcc").audience(v.get("bto").audience(o.To))
	o.Sensitive, _ = v.get("sensitive").truth()
	o.Content, o.Language = v.content()
	o.Source, o.SourceType = v.source()
	o.Conversation = v.conversation()
	o.Context, o.ContextHistory = v.get("context").iri(), v.get("contextHistory").iri()
	o.QuoteURL = v.quote(o.Tags)
	o.URL, o.Links = v.get("url").links()
	o.Poll = v.poll()
	o.Place = v.get("location").place()
	if open, ok := v.get("commentsEnabled").truth(); ok {
		o.CommentsClosed = !open
	}
	o.HTMLMFM, _ = v.get("htmlMfm").truth()
	o.Book = v.get("inReplyToBook").iri()
	if o.Type == "Quotation" { // Its quote is a text.
		o.Content = "<blockquote>" + v.get("quote").text(maxContent/2) + "</blockquote>" + o.Content
	}
	if g := v.get("generator"); g.kind() == '{' {
		o.Generator, o.GeneratorURL = g.get("name").text(maxTitle), g.get("url").iri()
	}
	o.Replies, o.RepliesCount = v.get("replies").counted()
	o.Likes, o.LikesCount = v.get("likes").counted()
	o.Shares, o.SharesCount = v.get("shares").counted()
	if o.RepliesCount < 0 {
		o.RepliesCount = v.get("repliesCount").count(-1)
	}
	return o
}

// place is a location in one line, as one would write it on an envelope.
//
// spec: as2-vocabulary#dfn-place
func (v value) place() string {
	for e := range v.each() {
		if e.kind() != '{' {
			continue
		}
		parts := []string{e.textOrMap("name", "nameMap", maxTitle)}
		switch a := e.get("address"); a.kind() {
		case '"':
			parts = append(parts, a.text(maxTitle))
		case '{':
			code, town := a.get("postalCode").text(maxShort), a.get("addressLocality").text(maxTitle)
			parts = append(parts, a.get("streetAddress").text(maxTitle), strings.TrimSpace(code+" "+town), a.get("addressCountry").text(maxTitle))
		}
		parts = slices.DeleteFunc(parts, func(s string) bool { return strings.TrimSpace(s) == "" })
		if len(parts) > 0 {
			return strings.Join(parts, ", ")
		}
	}
	return ""
}

// typeName is a type as a string, or the type of an object.
func (v value) typeName() string {
	if v.kind() == '{' {
		return v.typ(ObjectClass).name
	}
	for e := range v.each() {
		if e.kind() == '"' {
			return e.typeInfo().name
		}
	}
	return ""
}

// authors are the addresses of attributedTo, people first, groups last: PeerTube
// names the account and the channel, in either order.
func (v value) authors() []IRI {
	if v.kind() != '[' {
		return v.appendIRIs(nil, 1)
	}
	var people, others, groups []IRI
	for e := range v.each() {
		if len(people)+len(others)+len(groups) == maxAliases {
			break
		}
		iri := e.iri()
		if iri == "" || e.kind() == '[' {
			continue
		}
		switch t := e.typ(ActorClass); {
		case t.group:
			groups = append(groups, iri)
		case t.class == ActorClass:
			people = append(people, iri)
		default:
			others = append(others, iri)
		}
	}
	return slices.Concat(people, others, groups)
}

// textOrMap is a text, or where it is missing one of its translations.
func (v value) textOrMap(name, mapName string, limit int) string {
	if s := v.get(name).text(limit); s != "" {
		return s
	}
	_, s := v.get(mapName).translation(value{}, limit)
	return s
}

// content is the text of a post and its language. Where content is missing the
// first text of contentMap stands in.
func (v value) content() (content, language string) {
	text := v.get("content")
	content = text.text(maxContent)
	language, mapped := v.get("contentMap").translation(text, maxContent)
	if content == "" {
		content = mapped
	}
	if language == "" {
		l := v.get("language", "inLanguage")
		if l.kind() == '{' {
			l = l.get("identifier") // PeerTube, Lemmy
		}
		language = languageTag(l.str(maxShort))
	}
	if language == "" {
		language = v.contextLanguage()
	}
	return content, language
}

// translation finds text in a map of language to text and returns its key. Where
// text is absent or empty it returns the first entry that has one. Where neither is
// found it returns the key of an only entry.
func (v value) translation(text value, limit int) (language, found string) {
	missing := text.text(1) == ""
	only, entries := "", 0
	for key, e := range v.members() {
		only, entries = key, entries+1
		switch {
		case missing:
			if s := e.text(limit); s != "" {
				return languageTag(key), s
			}
		case bytes.Equal(e.raw(), text.raw()) || e.text(limit) == text.text(limit):
			return languageTag(key), ""
		}
	}
	if entries != 1 {
		return "", ""
	}
	return languageTag(only), ""
}

// contextLanguage is the default language that the @context of v, or of the whole
// document, sets. Contexts that are named by address are never fetched.
//
// spec: json-ld11#string-internationalization
func (v value) contextLanguage() string {
	raw := v.get("@context").raw()
	if raw == nil {
		raw = value{v.d, 0}.get("@context").raw()
	}
	if !bytes.Contains(raw, []byte(`"@language"`)) {
		return ""
	}
	context, r, err := parse(slices.Concat([]byte(`{"c":`), raw, []byte("}")))
	if err != nil {
		return ""
	}
	defer r.release()
	for e := range context.get("c").each() {
		if l := languageTag(e.get("@language").str(maxShort)); l != "" {
			return l
		}
	}
	return ""
}

// languageTag returns tag in the form of BCP 47, "" when it is none or says that
// the language is not known.
func languageTag(tag string) string {
	tag = strings.ReplaceAll(tag, "_", "-")
	if len(tag) < 2 || len(tag) > 35 || tag == "und" {
		return ""
	}
	for i := 0; i < len(tag); i++ {
		c := tag[i] | 0x20
		if (c < 'a' || c > 'z') && (i < 2 || tag[i] != '-' && (tag[i] < '0' || tag[i] > '9')) {
			return ""
		}
	}
	return tag
}

// source is what the author typed.
func (v value) source() (text, mediaType string) {
	s := v.get("source")
	if s.kind() != '{' {
		return s.str(maxContent), ""
	}
	return s.get("content").text(maxContent), s.get("mediaType").str(maxShort)
}

// conversation is whatever two posts of one thread have in common.
func (v value) conversation() string {
	for _, name := range []string{"context", "conversation"} {
		c := v.get(name)
		if c.kind() == '{' {
			c = c.get("id")
		}
		if s := c.text(maxIRI); s != "" {
			return s
		}
	}
	return ""
}

// quote is the quoted post. One post may carry several of these for one quote.
//
// spec: fep-044f, fep-e232
func (v value) quote(tags []Tag) IRI {
	for _, name := range []string{"quote", "quoteUrl", "quoteUri", "quoteURL", "_misskey_quote"} {
		if iri := v.get(name).iri(); iri != "" {
			return iri
		}
	}
	for _, t := range tags {
		if t.Type == "Link" && (slices.Contains(t.Rel, misskeyQuote) || isActivityJSON(t.MediaType)) {
			return t.Href
		}
	}
	return ""
}

// maxApprovals is how many entries each list of a policy may have.
const maxApprovals = 16

// quotePolicy reads canQuote; nil when there is none. GoToSocial's older names are
// read too.
//
// spec: fep-044f
func (v value) quotePolicy() *QuotePolicy {
	if v.kind() != '{' {
		return nil
	}
	return &QuotePolicy{
		Automatic: v.get("automaticApproval", "always").approvals(),
		Manual:    v.get("manualApproval", "approvalRequired", "with_approval").approvals(),
	}
}

// policies reads what an interactionPolicy says beside canQuote; nil when nothing.
func (v value) policies() map[string]*QuotePolicy {
	var all map[string]*QuotePolicy
	for _, name := range []string{"canLike", "canReply", "canAnnounce"} {
		if p := v.get(name).quotePolicy(); p != nil {
			if all == nil {
				all = map[string]*QuotePolicy{}
			}
			all[name] = p
		}
	}
	return all
}

func (v value) approvals() []IRI {
	list := v.audience(nil)
	return list[:min(len(list), maxApprovals)]
}

// misskeyQuote marks the Link tag that stands for a quote.
const misskeyQuote = "https://misskey-hub.net/ns#_misskey_quote"

// isActivityJSON tells whether a media type is one of ActivityPub's two.
//
// spec: ap#retrieving-objects
func isActivityJSON(mediaType string) bool {
	base, params, _ := strings.Cut(strings.ToLower(mediaType), ";")
	switch strings.TrimSpace(base) {
	case "application/activity+json":
		return true
	case "application/ld+json":
		return strings.Contains(params, "www.w3.org/ns/activitystreams")
	}
	return false
}

// counted is the id of a collection and its totalItems where it stands inline.
func (v value) counted() (IRI, int) {
	if v.kind() != '{' {
		return v.iri(), -1
	}
	id, _ := v.id()
	return id, v.get("totalItems").count(-1)
}

// links are the entries of url, and of them the page for people: the first of type
// text/html, else the first that names no other type, else the first.
func (v value) links() (page IRI, links []Link) {
	var plain, any IRI
	for e := range v.each() {
		l := Link{}
		switch e.kind() {
		case '"':
			l.Href = e.iri()
		case '{':
			l = e.asLink()
			links = appendLink(links, l)
			for t := range e.get("tag").each() { // The files of PeerTube's HLS playlists.
				links = appendLink(links, t.asLink())
			}
		}
		switch base, _, _ := strings.Cut(l.MediaType, ";"); {
		case l.Href == "":
		case page == "" && base == "text/html":
			page = l.Href
		case plain == "" && l.MediaType == "":
			plain = l.Href
		case any == "":
			any = l.Href
		}
	}
	for _, iri := range []IRI{page, plain, any} {
		if iri != "" {
			return iri, links
		}
	}
	return "", links
}

func appendLink(list []Link, l Link) []Link {
	if l.Href == "" || len(list) == maxLinks {
		return list
	}
	return append(list, l)
}

// asLink reads one Link.
func (v value) asLink() Link {
	if v.kind() != '{' {
		return Link{}
	}
	return Link{
		Href:      v.get("href", "url").iri(),
		MediaType: v.get("mediaType", "mimeType").str(maxShort),
		Rel:       v.get("rel").text(maxShort),
		Height:    v.get("height").count(0),
		Width:     v.get("width").count(0),
	}
}

// attachments reads the files and links that hang on an object. What has neither
// an address nor a name and value is left out.
func (v value) attachments() []Attachment {
	var list []Attachment
	for e := range v.each() {
		if len(list) == maxAttachments {
			break
		}
		a := Attachment{}
		switch e.kind() {
		case '"':
			a = Attachment{Type: "Document", URL: e.iri()}
		case '{':
			a = e.attachment()
		}
		if a.URL != "" {
			list = append(list, a)
		}
	}
	return list
}

func (v value) attachment() Attachment {
	a := Attachment{
		Type:      v.typ(ObjectClass).name,
		MediaType: v.get("mediaType", "mimeType").str(maxShort),
		Name:      v.textOrMap("name", "nameMap", maxDescription),
		Blurhash:  v.get("blurhash").str(maxShort),
		Width:     v.get("width").count(0),
		Height:    v.get("height").count(0),
		Duration:  v.get("duration").duration(),
		Preview:   v.get("icon", "preview").link(),
	}
	a.Sensitive, _ = v.get("sensitive").truth()
	if a.Name == "" {
		a.Name = v.get("summary").text(maxDescription)
	}
	for e := range v.get("url", "href").each() {
		l := e.asLink()
		if e.kind() == '"' {
			l.Href = e.iri()
		}
		if l.Href == "" {
			continue
		}
		a.URL = l.Href
		if a.MediaType == "" {
			a.MediaType = l.MediaType
		}
		if a.Width == 0 || a.Height == 0 {
			a.Width, a.Height = l.Width, l.Height
		}
		break
	}
	i := 0
	for e := range v.get("focalPoint").each() {
		if f, err := e.number(); err == nil && i < 2 {
			a.Focus[i] = min(max(f, -1), 1)
		}
		i++
	}
	return a
}

// duration is a length of time in seconds, 0 when unknown.
func (v value) duration() float64 {
	if v.kind() == '0' {
		f, err := v.number()
		if err != nil || f < 0 {
			return 0
		}
		return min(f, maxDuration)
	}
	return parseDuration(v.str(64))
}

// tags reads mentions, hashtags, emoji and links. Entries without a type and
// emoji that can't be shown are left out.
func (v value) tags() []Tag {
	var list []Tag
	for e := range v.each() {
		if len(list) == maxTags {
			break
		}
		if e.kind() != '{' {
			continue
		}
		t := e.tag()
		if t.Type == "" || t.Type == "Emoji" && (t.Icon == "" || !validShortcode(t.Name)) {
			continue
		}
		list = append(list, t)
	}
	return list
}

func (v value) tag() Tag {
	t := Tag{
		Type: v.typ(ObjectClass).name,
		Name: strings.TrimSpace(v.textOrMap("name", "nameMap", maxShort)),
		Href: v.get("href").iri(),
	}
	switch t.Type {
	case "Mention", "Hashtag":
		return t
	case "Emoji":
		icon := v.get("icon")
		t.Icon = icon.link()
		t.IconType = icon.get("mediaType").str(maxShort)
		t.Updated = v.get("updated").time()
		if name := strings.Trim(t.Name, ":"); name != "" {
			t.Name = ":" + name + ":"
		}
	default:
		t.MediaType = v.get("mediaType").str(maxShort)
		for e := range v.get("rel").each() {
			if s := e.str(maxShort); s != "" && len(t.Rel) < 8 {
				t.Rel = append(t.Rel, s)
			}
		}
	}
	t.ID, _ = v.id()
	return t
}

// validShortcode accepts ":name:" of ASCII letters, digits, underscore, plus and
// hyphen. Names become parts of addresses and of text in which they are searched.
func validShortcode(name string) bool {
	if len(name) < 3 || len(name) > 102 {
		return false
	}
	for _, r := range name[1 : len(name)-1] {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-' && r != '+' {
			return false
		}
	}
	return true
}

// poll reads what a Question asks; nil when there are no options.
func (v value) poll() *Poll {
	options := v.get("oneOf")
	p := &Poll{}
	if options.kind() == 0 || options.kind() == '[' && options.node().skip == options.i+1 {
		if options = v.get("anyOf"); options.kind() == 0 {
			return nil
		}
		p.Multiple = true
	}
	for e := range options.each() {
		if len(p.Options) == maxOptions {
			break
		}
		o := PollOption{Name: strings.TrimSpace(e.str(maxTitle))}
		if e.kind() == '{' {
			o.Name = strings.TrimSpace(e.textOrMap("name", "nameMap", maxTitle))
			o.Votes = e.get("replies").get("totalItems").count(0)
		}
		if o.Name != "" {
			p.Options = append(p.Options, o)
		}
	}
	if len(p.Options) == 0 {
		return nil
	}
	closed := v.get("closed")
	when := closed.time()
	p.Ends = timeOr(v.get("endTime").time(), when)
	p.Closed, _ = closed.truth()
	p.Closed = p.Closed || !when.IsZero() && when.Before(time.Now())
	p.Voters = v.get("votersCount").count(-1)
	return p
}
