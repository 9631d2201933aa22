package vocab

import (
	"bytes"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"kenoma/internal/fault"
)

// The contexts of our documents. Each defines exactly the terms that documents of
// its kind use, since peers with a JSON-LD processor drop the others. They are
// written whole into every document: nobody need fetch anything of ours.
//
// spec: ap#obj, json-ld11#the-context
const (
	plainContext = `"https://www.w3.org/ns/activitystreams"`

	activityContext = `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",{` +
		`"toot":"http://joinmastodon.org/ns#","litepub":"http://litepub.social/ns#","misskey":"https://misskey-hub.net/ns#",` +
		`"EmojiReact":"litepub:EmojiReact","Emoji":"toot:Emoji","_misskey_reaction":"misskey:_misskey_reaction",` +
		`"QuoteRequest":"https://w3id.org/fep/044f#QuoteRequest",` +
		`"gts":"https://gotosocial.org/ns#","LikeRequest":"gts:LikeRequest","ReplyRequest":"gts:ReplyRequest","AnnounceRequest":"gts:AnnounceRequest"}]`

	objectContext = `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",{` +
		`"ostatus":"http://ostatus.org#","toot":"http://joinmastodon.org/ns#",` +
		`"misskey":"https://misskey-hub.net/ns#","fedibird":"http://fedibird.com/ns#",` +
		`"sensitive":"as:sensitive","Hashtag":"as:Hashtag","Emoji":"toot:Emoji","blurhash":"toot:blurhash",` +
		`"focalPoint":{"@id":"toot:focalPoint","@container":"@list"},"votersCount":"toot:votersCount",` +
		`"conversation":"ostatus:conversation","quote":{"@id":"https://w3id.org/fep/044f#quote","@type":"@id"},` +
		`"quoteAuthorization":{"@id":"https://w3id.org/fep/044f#quoteAuthorization","@type":"@id"},` +
		`"gts":"https://gotosocial.org/ns#","interactionPolicy":{"@id":"gts:interactionPolicy","@type":"@id"},` +
		`"canQuote":{"@id":"gts:canQuote","@type":"@id"},"automaticApproval":{"@id":"gts:automaticApproval","@type":"@id"},` +
		`"manualApproval":{"@id":"gts:manualApproval","@type":"@id"},` +
		`"replyAuthorization":{"@id":"gts:replyAuthorization","@type":"@id"},"approvedBy":{"@id":"gts:approvedBy","@type":"@id"},` +
		`"quoteUri":"fedibird:quoteUri","quoteUrl":"as:quoteUrl","_misskey_quote":"misskey:_misskey_quote","htmlMfm":"https://w3id.org/fep/c16b#htmlMfm"}]`

	stampContext = `["https://www.w3.org/ns/activitystreams",{"QuoteAuthorization":"https://w3id.org/fep/044f#QuoteAuthorization",` +
		`"gts":"https://gotosocial.org/ns#","LikeAuthorization":"gts:LikeAuthorization","ReplyAuthorization":"gts:ReplyAuthorization",` +
		`"AnnounceAuthorization":"gts:AnnounceAuthorization","interactingObject":{"@id":"gts:interactingObject","@type":"@id"},` +
		`"interactionTarget":{"@id":"gts:interactionTarget","@type":"@id"}}]`

	actorContext = `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1","https://w3id.org/security/multikey/v1",{` +
		`"schema":"http://schema.org#","toot":"http://joinmastodon.org/ns#","PropertyValue":"schema:PropertyValue","value":"schema:value",` +
		`"Emoji":"toot:Emoji","Hashtag":"as:Hashtag","manuallyApprovesFollowers":"as:manuallyApprovesFollowers",` +
		`"movedTo":{"@id":"as:movedTo","@type":"@id"},"alsoKnownAs":{"@id":"as:alsoKnownAs","@type":"@id"},` +
		`"featured":{"@id":"toot:featured","@type":"@id"},"featuredTags":{"@id":"toot:featuredTags","@type":"@id"},` +
		`"discoverable":"toot:discoverable","indexable":"toot:indexable","memorial":"toot:memorial","suspended":"toot:suspended",` +
		`"assertionMethod":{"@id":"https://w3id.org/security#assertionMethod","@type":"@id","@container":"@set"},` +
		`"webfinger":"https://purl.archive.org/socialweb/webfinger#webfinger","oauthRegistrationEndpoint":{"@id":"litepub:oauthRegistrationEndpoint","@type":"@id"},"litepub":"http://litepub.social/ns#"}]`
)

func replaceNUL(s string) string { return strings.ReplaceAll(s, "\x00", "\ufffd") }

// start begins a document of ours.
func start(size int, context string) *writer {
	w := &writer{buf: make([]byte, 0, size+len(context))}
	w.open('{')
	w.key("@context")
	w.raw([]byte(context))
	return w
}

// EncodeActivity returns a as a document to send. inline, which may be nil, is the
// object as a document: an object, an actor or a nested activity. Its @context
// becomes that of the whole and is left out inside. Without inline the object is
// a.Object, or the list a.Objects.
//
// Of a, the fields with a counterpart in the document are written; Inline, Nested
// and Raw are not looked at.
func EncodeActivity(a *Activity, inline []byte) []byte {
	context := activityContext
	if inline != nil {
		var own []byte
		if inline, own = splitContext(inline); own != nil {
			context = string(own)
		}
	} else if len(a.Tags) == 0 && a.Content == "" && !strings.Contains(activityContext, `"`+a.Type+`":`) {
		context = plainContext
	}
	w := start(512+len(inline), context)
	w.iri("id", a.ID)
	w.str("type", a.Type)
	w.iri("actor", a.Actor)
	w.time("published", a.Published)
	w.addressing(a.To, a.Cc, a.Audience, false)
	switch {
	case inline != nil:
		w.key("object")
		w.raw(inline)
	case len(a.Objects) > 0:
		w.list("object", a.Objects)
	default:
		w.iri("object", a.Object)
	}
	w.iri("target", a.Target)
	w.iri("origin", a.Origin)
	w.iri("instrument", a.Instrument)
	w.iri("result", a.Result)
	w.str("summary", a.Summary)
	w.str("content", a.Content)
	if a.Type == "Like" {
		w.str("_misskey_reaction", a.Content)
	}
	w.time("endTime", a.EndTime)
	w.tags(a.Tags)
	w.close('}')
	return w.buf
}

// addressing writes to, cc and audience; always both of the first two where must
// is set, as some peers take a missing one for an error.
func (w *writer) addressing(to, cc, audience []IRI, must bool) {
	if must || len(to) > 0 {
		w.list("to", to)
	}
	if must || len(cc) > 0 {
		w.list("cc", cc)
	}
	if len(audience) == 1 {
		w.iri("audience", audience[0])
	} else if len(audience) > 1 {
		w.list("audience", audience)
	}
}

// EncodeStamp returns the document with which author lets the post quoting quote
// its post quoted.
//
// spec: fep-044f#quoteauthorization
func EncodeStamp(id, author, quoting, quoted IRI) []byte {
	return EncodeAuthorization("QuoteAuthorization", id, author, quoting, quoted)
}

// EncodeAuthorization returns the document with which author lets somebody do
// something with its post quoted: typ is one of Authorizations, quoting what is done.
func EncodeAuthorization(typ string, id, author, quoting, quoted IRI) []byte {
	w := start(256, stampContext)
	w.iri("id", id)
	w.str("type", typ)
	w.iri("attributedTo", author)
	w.iri("interactingObject", quoting)
	w.iri("interactionTarget", quoted)
	w.close('}')
	return w.buf
}

// Encode returns o as a document to serve. What is zero or empty is left out, of
// replies, likes and shares also a size below 1. Raw, Actor and Links are not
// looked at.
func (o *Object) Encode() []byte {
	w := start(1024+len(o.Content)+len(o.Source), objectContext)
	tombstone := o.Type == "Tombstone"
	w.iri("id", o.ID)
	w.str("type", o.Type)
	w.str("formerType", o.FormerType)
	w.time("deleted", o.Deleted)
	if len(o.AttributedTo) == 1 {
		w.iri("attributedTo", o.AttributedTo[0])
	} else if len(o.AttributedTo) > 1 {
		w.list("attributedTo", o.AttributedTo)
	}
	w.iri("inReplyTo", o.InReplyTo)
	if len(o.AlsoKnownAs) > 0 {
		w.list("alsoKnownAs", o.AlsoKnownAs)
	}
	w.addressing(o.To, o.Cc, o.Audience, !tombstone)
	w.time("published", o.Published)
	w.time("updated", o.Updated)
	w.iri("url", o.URL)
	w.str("name", o.Name)
	w.str("summary", o.Summary)
	if !tombstone && o.Type != "" && PostKindOf(o.Type) != NoPost {
		w.bool("sensitive", o.Sensitive)
	}
	w.body(o)
	w.iri("context", o.Context)
	w.str("conversation", o.Conversation)
	w.quote(o)
	w.iri("replyAuthorization", o.ReplyAuthorization)
	w.iri("approvedBy", o.ReplyAuthorization) // GoToSocial before 0.21.
	w.policy(o.Policy)
	if o.Generator != "" {
		w.key("generator")
		w.open('{')
		w.str("type", "Application")
		w.str("name", o.Generator)
		w.iri("url", o.GeneratorURL)
		w.close('}')
	}
	w.time("startTime", o.StartTime)
	if o.Poll == nil {
		w.time("endTime", o.EndTime)
	}
	w.seconds("duration", o.Duration)
	w.image("icon", o.Icon, "", "")
	w.image("image", o.Image, "", "")
	w.attachments(o.Attachments)
	w.tags(o.Tags)
	w.poll(o.Poll)
	w.counted("replies", o.Replies, o.RepliesCount)
	w.counted("likes", o.Likes, o.LikesCount)
	w.counted("shares", o.Shares, o.SharesCount)
	w.close('}')
	return w.buf
}

// body writes the text in its three forms: HTML, HTML by language, as typed. A
// vote has none.
func (w *writer) body(o *Object) {
	w.str("mediaType", o.MediaType)
	if o.HTMLMFM {
		w.bool("htmlMfm", true)
	}
	if o.Content != "" || PostKindOf(o.Type) != NoPost && o.Name == "" {
		w.key("content")
		w.text(o.Content)
	}
	if o.Language != "" && o.Content != "" {
		w.key("contentMap")
		w.open('{')
		w.comma()
		w.text(o.Language)
		w.buf = append(w.buf, ':')
		w.text(o.Content)
		w.close('}')
	}
	if o.Source != "" {
		w.key("source")
		w.open('{')
		w.str("content", o.Source)
		w.str("mediaType", o.SourceType)
		w.close('}')
	}
}

// quote writes the address of the quoted post under each name that somebody reads.
func (w *writer) quote(o *Object) {
	if o.QuoteURL == "" {
		return
	}
	for _, name := range []string{"quote", "quoteUri", "quoteUrl", "_misskey_quote"} {
		w.iri(name, o.QuoteURL)
	}
	w.iri("quoteAuthorization", o.QuoteAuthorization)
}

// policy writes who may quote the object.
func (w *writer) policy(p *QuotePolicy) {
	if p == nil {
		return
	}
	w.key("interactionPolicy")
	w.open('{')
	w.key("canQuote")
	w.open('{')
	w.list("automaticApproval", p.Automatic)
	w.list("manualApproval", p.Manual)
	w.close('}')
	w.close('}')
}

func (w *writer) attachments(list []Attachment) {
	if len(list) == 0 {
		return
	}
	w.key("attachment")
	w.open('[')
	for _, a := range list {
		w.open('{')
		w.attachment(&a)
		w.close('}')
	}
	w.close(']')
}

// EncodeAttachment returns an attachment as a document of its own.
func EncodeAttachment(a *Attachment) []byte {
	w := start(512, objectContext)
	w.attachment(a)
	w.close('}')
	return w.buf
}

func (w *writer) attachment(a *Attachment) {
	w.str("type", a.Type)
	w.str("mediaType", a.MediaType)
	if a.Type == "Link" {
		w.iri("href", a.URL)
	} else {
		w.iri("url", a.URL)
	}
	w.str("name", a.Name)
	w.str("blurhash", a.Blurhash)
	w.size("width", a.Width)
	w.size("height", a.Height)
	w.seconds("duration", a.Duration)
	if a.Focus != [2]float64{} {
		w.key("focalPoint")
		w.open('[')
		for _, f := range a.Focus {
			w.comma()
			w.buf = jsontext.AppendFloat(w.buf, f, 64)
		}
		w.close(']')
	}
	if a.Sensitive {
		w.bool("sensitive", true)
	}
	w.image("icon", a.Preview, "", "")
}

func (w *writer) tags(list []Tag) {
	if len(list) == 0 {
		return
	}
	w.key("tag")
	w.open('[')
	for _, t := range list {
		w.open('{')
		w.iri("id", t.ID)
		w.str("type", t.Type)
		w.iri("href", t.Href)
		w.str("mediaType", t.MediaType)
		if len(t.Rel) > 0 {
			w.key("rel")
			w.open('[')
			for _, rel := range t.Rel {
				w.text(rel)
			}
			w.close(']')
		}
		w.str("name", t.Name)
		w.time("updated", t.Updated)
		w.image("icon", t.Icon, t.IconType, "")
		w.close('}')
	}
	w.close(']')
}

func (w *writer) poll(p *Poll) {
	if p == nil {
		return
	}
	if p.Multiple {
		w.key("anyOf")
	} else {
		w.key("oneOf")
	}
	w.open('[')
	for _, o := range p.Options {
		w.open('{')
		w.str("type", "Note")
		w.str("name", o.Name)
		w.key("replies")
		w.open('{')
		w.str("type", "Collection")
		w.int("totalItems", o.Votes)
		w.close('}')
		w.close('}')
	}
	w.close(']')
	w.time("endTime", p.Ends)
	switch {
	case p.Closed && p.Ends.IsZero(), p.Closed && p.Ends.After(time.Now()):
		w.bool("closed", true)
	case p.Closed:
		w.time("closed", p.Ends)
	}
	if p.Voters >= 0 {
		w.int("votersCount", p.Voters)
	}
}

// counted writes a collection: its id alone, or with its size where n is above 0.
func (w *writer) counted(name string, id IRI, n int) {
	if id == "" || n <= 0 {
		w.iri(name, id)
		return
	}
	w.key(name)
	w.open('{')
	w.iri("id", id)
	w.str("type", "Collection")
	w.int("totalItems", n)
	w.close('}')
}

// Encode returns a as a document to serve. What is empty is left out. Bot follows
// from the type; Raw is not looked at.
//
// spec: ap#actor-objects
func (a *Actor) Encode() []byte {
	w := start(2048+len(a.Summary), actorContext)
	w.iri("id", a.ID)
	w.str("type", a.Type)
	w.str("preferredUsername", a.PreferredUsername)
	w.str("name", a.Name)
	w.str("summary", a.Summary)
	w.iri("url", a.URL)
	w.iri("inbox", a.Inbox)
	w.iri("outbox", a.Outbox)
	w.iri("followers", a.Followers)
	w.iri("following", a.Following)
	w.iri("featured", a.Featured)
	w.iri("featuredTags", a.FeaturedTags)
	if a.SharedInbox != "" {
		w.key("endpoints")
		w.open('{')
		w.iri("sharedInbox", a.SharedInbox)
		w.iri("oauthAuthorizationEndpoint", a.Client.Authorize)
		w.iri("oauthTokenEndpoint", a.Client.Token)
		w.iri("oauthRegistrationEndpoint", a.Client.Register)
		w.iri("uploadMedia", a.Client.Upload)
		w.close('}')
	}
	w.keys(a.Keys)
	w.bool("manuallyApprovesFollowers", a.Locked)
	w.flag("discoverable", a.Discoverable)
	w.flag("indexable", a.Indexable)
	if a.Memorial {
		w.bool("memorial", true)
	}
	if a.Suspended {
		w.bool("suspended", true)
	}
	w.iri("movedTo", a.MovedTo)
	if len(a.AlsoKnownAs) > 0 {
		w.list("alsoKnownAs", a.AlsoKnownAs)
	}
	w.time("published", a.Published)
	w.time("updated", a.Updated)
	w.str("webfinger", a.Webfinger)
	w.image("icon", a.Icon, a.IconType, a.IconDescription)
	w.image("image", a.Image, a.ImageType, a.ImageDescription)
	if len(a.Fields) > 0 {
		w.key("attachment")
		w.open('[')
		for _, f := range a.Fields {
			w.open('{')
			w.str("type", "PropertyValue")
			w.str("name", f.Name)
			w.key("value")
			w.text(f.Value)
			w.close('}')
		}
		w.close(']')
	}
	w.tags(a.Tags)
	w.close('}')
	return w.buf
}

// keys writes the first PEM key as publicKey, where everybody expects it alone,
// and all others in assertionMethod.
//
// spec: fep-521a
func (w *writer) keys(keys []PublicKey) {
	first := -1
	for i, k := range keys {
		if k.PEM != "" {
			first = i
			w.key("publicKey")
			w.publicKey(k)
			break
		}
	}
	if len(keys) == 0 || first == 0 && len(keys) == 1 {
		return
	}
	w.key("assertionMethod")
	w.open('[')
	for i, k := range keys {
		if i != first {
			w.publicKey(k)
		}
	}
	w.close(']')
}

func (w *writer) publicKey(k PublicKey) {
	w.open('{')
	w.iri("id", k.ID)
	if k.Multi != "" {
		w.str("type", "Multikey")
		w.iri("controller", k.Owner)
		w.str("publicKeyMultibase", k.Multi)
	} else {
		w.iri("owner", k.Owner)
		w.str("publicKeyPem", k.PEM)
	}
	w.close('}')
}

// EncodeCollection returns c as a document to serve. items, or where there are none
// c.Items, are written in their order: documents where there is one, without a
// @context of their own that is that of the whole, else ids. A page has its list
// always, a collection only when it has items or c.Items is empty but not nil, so
// that one can say how many there are without saying which.
func EncodeCollection(c *Collection, items ...Item) []byte {
	if len(items) == 0 {
		items = c.Items
	}
	context := plainContext
	for _, item := range items {
		if _, own := splitContext(item.Raw); own != nil {
			context = string(own)
			break
		}
	}
	w := start(512+64*len(items), context)
	w.iri("id", c.ID)
	w.str("type", c.Type)
	if c.Total >= 0 {
		w.int("totalItems", c.Total)
	}
	w.iri("attributedTo", c.AttributedTo)
	w.iri("partOf", c.PartOf)
	if c.FirstPage != nil {
		w.key("first")
		first, _ := splitContext(EncodeCollection(c.FirstPage))
		w.raw(first)
	} else {
		w.iri("first", c.First)
	}
	w.iri("last", c.Last)
	w.iri("next", c.Next)
	w.iri("prev", c.Prev)
	t := typeTable[c.Type]
	if len(items) == 0 && c.Items == nil && !t.page {
		w.close('}')
		return w.buf
	}
	if t.ordered {
		w.key("orderedItems")
	} else {
		w.key("items")
	}
	w.open('[')
	for _, item := range items {
		if item.Raw == nil {
			w.text(string(item.ID))
			continue
		}
		doc, own := splitContext(item.Raw)
		if own != nil && string(own) != context {
			doc = item.Raw
		}
		w.raw(doc)
	}
	w.close(']')
	w.close('}')
	return w.buf
}

// WithoutObject returns an activity with its inline object replaced by the
// object's id; every other byte stays. A document without an inline object, or
// whose object has no usable id, comes back as it is. The log stores the two
// apart; WithObject joins them.
func WithoutObject(doc []byte) ([]byte, error) {
	v, r, err := parse(doc)
	if err != nil {
		return nil, err
	}
	defer r.release()
	object := v.get("object").lone()
	id, _ := object.id()
	if object.kind() != '{' || id == "" {
		return bytes.Clone(v.raw()), nil
	}
	w := writer{}
	w.text(string(id))
	return object.replaced(w.buf), nil
}

// WithObject returns an activity with its object replaced by the document object.
// A @context of the object that is also the activity's is left out. An activity
// with several objects comes back as it is, as from WithoutObject.
func WithObject(doc, object []byte) ([]byte, error) {
	v, r, err := parse(doc)
	if err != nil {
		return nil, err
	}
	defer r.release()
	was := v.get("object").lone()
	if was.kind() == 0 {
		return nil, fault.New(fault.Malformed, "The activity has no object.")
	}
	if was.kind() == '[' {
		return bytes.Clone(v.raw()), nil
	}
	inline, own := splitContext(object)
	if inline == nil {
		return nil, fault.New(fault.Malformed, "The object is not a JSON object.")
	}
	if own != nil && !bytes.Equal(own, v.get("@context").raw()) {
		inline = object
	}
	return was.replaced(bytes.TrimSpace(inline)), nil
}

// WithInstrument returns an activity with its instrument replaced by a document.
func WithInstrument(doc, instrument []byte) ([]byte, error) {
	v, r, err := parse(doc)
	if err != nil {
		return nil, err
	}
	defer r.release()
	was := v.get("instrument")
	if was.kind() == 0 {
		return nil, fault.New(fault.Malformed, "The activity has no instrument.")
	}
	return was.replaced(bytes.TrimSpace(instrument)), nil
}

// replaced returns v's document with another value in place of v.
func (v value) replaced(by []byte) []byte {
	n := v.node()
	root := value{v.d, 0}.node()
	out := make([]byte, 0, int(root.end-root.start)-int(n.end-n.start)+len(by))
	out = append(out, v.d.src[root.start:n.start]...)
	out = append(out, by...)
	return append(out, v.d.src[n.end:root.end]...)
}

// splitContext returns a document without its @context, and the @context, nil
// where there is none. A document that can't be read gives nil, nil.
func splitContext(doc []byte) (without, context []byte) {
	if doc == nil {
		return nil, nil
	}
	if rest, ok := bytes.CutPrefix(doc, []byte(`{"@context":`)); ok {
		for _, known := range []string{objectContext, actorContext, activityContext, plainContext} {
			if after, ok := bytes.CutPrefix(rest, []byte(known+",")); ok {
				return append([]byte{'{'}, after...), []byte(known) // One of ours: no need to parse it.
			}
		}
	}
	v, r, err := parse(doc)
	if err != nil {
		return nil, nil
	}
	defer r.release()
	c := v.get("@context")
	if c.kind() == 0 {
		return bytes.Clone(v.raw()), nil
	}
	n, root := c.node(), v.node()
	before := v.d.src[root.start : n.keyStart-1]
	after := bytes.TrimLeft(v.d.src[n.end:root.end], " \t\r\n")
	if len(after) > 0 && after[0] == ',' {
		after = bytes.TrimLeft(after[1:], " \t\r\n")
	} else {
		before = bytes.TrimSuffix(bytes.TrimRight(before, " \t\r\n"), []byte{','})
	}
	return bytes.Join([][]byte{before, after}, nil), bytes.Clone(c.raw())
}
