// Package vocab is ActivityStreams 2.0 as found in the wild, in Go: decoding
// what strangers send, addressing, visibility and ids. It does no I/O.
package vocab

import "time"

// IRI is the id of an actor, object, activity or collection: an absolute http(s)
// URL, kept exactly as it was sent. "" means none.
type IRI string

// Public is the audience of everybody. On the wire it is also spelt "as:Public"
// and "Public"; decoding turns both into this.
//
// spec: ap#public-addressing
const Public IRI = "https://www.w3.org/ns/activitystreams#Public"

// Activity is something that somebody does. Decoding keeps the document in Raw;
// the fields hold what the pipeline looks at.
type Activity struct {
	ID     IRI
	Type   string // The first type that the vocabulary's table of activities knows, else the first.
	Actor  IRI    // "" when the document names none.
	Object IRI    // Id of the object; "" when the object is inline and has none, or there is none.

	// Inline is the object as it stood in the activity, for Create, Update and the
	// like (Note, Tombstone, Person …); nil when only an id was given.
	Inline *Object
	// Nested is the object decoded as an activity, for Undo, Accept, Reject and an
	// Announce that wraps one; nil when the object is no activity.
	Nested *Activity
	// Objects lists the ids of all objects, where the document had several (Flag).
	Objects []IRI

	Target   IRI // Collection of Add and Remove, new account of Move, community of Block.
	Origin   IRI
	To, Cc   []IRI // bto and bcc of the document are merged into To by DecodeActivity.
	Audience []IRI // The groups that it is for (fep-1b12). It grants nobody the right to read.
	// Result is what came of it, e.g. the authorisation in the Accept of a QuoteRequest.
	Result IRI
	// Instrument is what it was done with, e.g. the quoting post of a QuoteRequest.
	Instrument IRI
	// InlineInstrument is the instrument as it stood in the activity; nil when only an
	// id was given.
	InlineInstrument *Object
	Content          string
	Summary          string
	Published        time.Time // Zero when absent or unreadable.
	EndTime          time.Time
	Tags             []Tag // Emoji of a reaction.
	Raw              []byte
}

// Object is a thing that people make: a Note, Question, Article … It also carries
// a Tombstone or an inline actor's id and type.
type Object struct {
	ID           IRI
	Type         string // The first type that the table of objects knows, else the first.
	AttributedTo []IRI  // People before groups, as far as the document tells.
	Actor        IRI    // Rarely sent instead of attributedTo.
	To, Cc       []IRI
	Audience     []IRI // The groups that it is for (fep-1b12). It grants nobody the right to read.

	Name     string // Title; the choice of a vote.
	Summary  string // Content warning of Note and Question, else an excerpt. HTML or text.
	Content  string // HTML as sent; taken from contentMap where content is missing. Never trusted.
	Language string // BCP 47 from contentMap's key (or @context @language); "" when unknown.
	// Source is what the author typed, e.g. Markdown; "" when absent.
	Source     string
	SourceType string // Its media type.
	MediaType  string // Of Content; "" means text/html.

	URL          IRI // The page for people: text/html is preferred among several. "" when none is http(s).
	InReplyTo    IRI
	AlsoKnownAs  []IRI  // Where the same was before, as its author says.
	Conversation string // context or conversation; an id or any string.
	// Context is where the posts of the conversation are listed, ContextHistory where
	// what was done in it is (fep-7888, fep-f228). Either is an address or "".
	Context, ContextHistory IRI
	QuoteURL                IRI // quote, quoteUri, quoteUrl, _misskey_quote or a Link tag.
	// QuoteAuthorization is where the quoted author's permission is said to be (fep-044f).
	QuoteAuthorization IRI
	// ReplyAuthorization is where the leave of whom the object answers is said to be.
	ReplyAuthorization IRI
	// Policies say who may do what else with the object, by the words of GoToSocial:
	// canLike, canReply, canAnnounce. What has no entry is for everybody.
	Policies map[string]*QuotePolicy
	// Policy says who may quote the object; nil when the document does not.
	Policy *QuotePolicy
	// Interacting and InteractionTarget are what an authorisation is for: the quoting
	// post and the quoted one (fep-044f).
	Interacting, InteractionTarget IRI
	Sensitive                      bool
	Published                      time.Time // Zero when absent or unreadable. Not yet clamped.
	Updated                        time.Time

	Attachments []Attachment
	Tags        []Tag
	Poll        *Poll // For Question (or anything with oneOf/anyOf).

	Replies, Likes, Shares IRI // Collections.
	RepliesCount           int // totalItems where inline, −1 when unknown; the same for the next two.
	LikesCount             int
	SharesCount            int

	// Generator is the app with which the object was made, and its page.
	Generator    string
	GeneratorURL IRI

	FormerType string // Of a Tombstone.
	Deleted    time.Time

	// Links are the url entries with their media types, for Video and Audio.
	Links              []Link
	StartTime, EndTime time.Time // Of an Event.
	Place              string    // Where it is: the location's name and address in one line; "" when unknown.
	// CommentsClosed: nobody may answer (Lemmy's locked posts, PeerTube's videos without comments).
	CommentsClosed bool
	// HTMLMFM: the functions of MFM in the content stand as spans (fep-c16b).
	HTMLMFM bool
	// Book is what a BookWyrm post is about.
	Book     IRI
	Duration float64 // Of a Video or Audio, in seconds; 0 when unknown.
	// Icon and Image are pictures that stand for the object.
	Icon, Image IRI
	Raw         []byte
}

// QuotePolicy is interactionPolicy.canQuote: whose quotes are approved at once, and
// whose are looked at. Entries are Public, collections of the author's, or actors.
//
// spec: fep-044f
type QuotePolicy struct{ Automatic, Manual []IRI }

// Link is one entry of a url list.
type Link struct {
	Href          IRI
	MediaType     string
	Rel           string
	Height, Width int
}

// Attachment is a media file or link that hangs on an object.
type Attachment struct {
	Type          string // Image, Video, Audio, Document, Link, PropertyValue …
	MediaType     string
	URL           IRI
	Name          string // Description.
	Blurhash      string
	Width, Height int
	Duration      float64    // Seconds; 0 when unknown.
	Focus         [2]float64 // x, y from −1 to 1.
	Preview       IRI        // icon or preview.
	Sensitive     bool
}

// Tag is a Mention, Hashtag, Emoji or Link.
type Tag struct {
	Type      string
	Name      string // "@ann@a.test", "#go", ":blob:".
	Href      IRI    // Mentioned actor, tag page, linked object.
	ID        IRI    // Of an Emoji.
	Icon      IRI    // Picture of an Emoji.
	IconType  string
	MediaType string // Of a Link.
	Rel       []string
	Updated   time.Time
}

// Poll is what a Question asks.
type Poll struct {
	Multiple bool // anyOf.
	Options  []PollOption
	Ends     time.Time // endTime, or closed where that is a date; zero when unknown.
	Closed   bool      // closed was true or a past date.
	Voters   int       // votersCount; −1 when unknown.
}

// PollOption is one answer of a Poll.
type PollOption struct {
	Name  string
	Votes int // replies.totalItems, at least 0.
}

// ClientEndpoints are what the person's own client needs.
//
// spec: ap#actor-objects (endpoints)
type ClientEndpoints struct{ Authorize, Token, Register, Upload IRI }

// Actor is a Person, Service, Application, Group or Organization.
type Actor struct {
	ID                IRI
	Type              string
	PreferredUsername string
	Name              string // Plain text or HTML as sent.
	Summary           string // HTML as sent.
	URL               IRI
	Icon, Image       IRI    // Avatar, header; http(s) only.
	IconType          string // Media type as claimed; "" when absent. The same for ImageType.
	ImageType         string
	IconDescription   string
	ImageDescription  string
	Inbox, Outbox     IRI
	SharedInbox       IRI             // Only where it is on the actor's host, else "".
	Client            ClientEndpoints // Written only, not read.
	Followers         IRI
	Following         IRI
	Featured          IRI
	FeaturedTags      IRI
	Keys              []PublicKey
	Locked            bool  // manuallyApprovesFollowers.
	Discoverable      *bool // nil when absent.
	Indexable         *bool
	Memorial          bool
	Suspended         bool // By its own server's moderators.
	MovedTo           IRI
	AlsoKnownAs       []IRI
	Fields            []Field
	Tags              []Tag     // Emoji, Hashtag.
	Published         time.Time // Account creation.
	Updated           time.Time
	Webfinger         string // "user@host" as the document claims (FEP-2c59); "" when absent.
	Bot               bool   // Service or Application.
	Raw               []byte
}

// PublicKey is one key of an actor.
type PublicKey struct {
	ID    IRI
	Owner IRI
	PEM   string // publicKeyPem, or "" for a Multikey.
	Multi string // publicKeyMultibase, or "".
}

// Field is a row of the profile's table.
type Field struct{ Name, Value string }

// Collection is any of the four collection types, or a page of one.
type Collection struct {
	ID          IRI
	Type        string
	Total       int // −1 when unknown.
	First, Last IRI
	Next, Prev  IRI
	PartOf      IRI
	// AttributedTo is whose collection it is, "" when the document does not tell.
	AttributedTo IRI
	Items        []Item
	FirstPage    *Collection // first, where it stood inline.
	Raw          []byte
}

// Item is one entry of a collection: an id, or an inline document.
type Item struct {
	ID  IRI
	Raw []byte // nil when only an id was given.
}
