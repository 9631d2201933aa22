package vocab

// Class says which kind of document a type makes.
type Class uint8

// The classes. Zero is a type that no table knows.
const (
	UnknownClass Class = iota
	ActivityClass
	ObjectClass
	ActorClass
	CollectionClass
)

// ActivityTypes lists the types that are activities. A type outside it is still
// decoded as one where the document has an actor and an object.
//
// Question is missing on purpose: the specification calls it an activity,
// everybody sends it as an object.
//
// spec: as2-vocabulary#activity-types
var ActivityTypes = []string{
	"Accept", "Add", "Announce", "Arrive", "Block", "Create", "Delete", "Dislike",
	"Flag", "Follow", "Ignore", "Invite", "Join", "Leave", "Like", "Listen", "Move",
	"Offer", "Read", "Reject", "Remove", "TentativeAccept", "TentativeReject",
	"Travel", "Undo", "Update", "View",
	"Activity", "IntransitiveActivity",
	"EmojiReact",               // litepub, fep-c0e0
	"Bite",                     // Mia's bites
	"Lock",                     // Lemmy
	"Report",                   // Lemmy's older Flag
	"QuoteRequest",             // fep-044f
	"ReplyRequest",             // GoToSocial's interaction policies, this and the next two
	"LikeRequest",              //
	"AnnounceRequest",          //
	"ApproveReply",             // fep-5624
	"RejectReply",              //
	"Vote", "Rate", "Bookmark", // seen at PeerTube, BookWyrm and others
}

// PostKind says how an object is shown.
type PostKind uint8

// The kinds. Zero is an object that is stored at most, never shown.
const (
	NoPost    PostKind = iota
	NotePost           // Content as it is; the summary is a content warning.
	TitlePost          // Title and link above the content; the summary is an excerpt.
)

// ObjectTypes lists the types of objects and how they are shown.
//
// spec: as2-vocabulary#object-types
var ObjectTypes = []struct {
	Name string
	Post PostKind
}{
	{"Note", NotePost},
	{"Question", NotePost},
	{"Article", TitlePost},
	{"Page", TitlePost},
	{"Video", TitlePost},
	{"Audio", TitlePost},
	{"Image", TitlePost},
	{"Event", TitlePost},
	{"Document", TitlePost},
	{"PodcastEpisode", TitlePost}, // Castopod
	{"GeneratedNote", NotePost},   // BookWyrm, this and the next three
	{"Comment", NotePost},
	{"Quotation", NotePost},
	{"Review", NotePost},
	{"ChatMessage", NotePost}, // Pleroma, Lemmy and Mbin; a direct message to one person
	{"Album", NoPost},
	{"Tombstone", NoPost},
	{"Place", NoPost},
	{"Profile", NoPost},
	{"Relationship", NoPost},
	{"Emoji", NoPost},
	{"Hashtag", NoPost},
	{"Mention", NoPost},
	{"Link", NoPost},
	{"PropertyValue", NoPost},
	{"QuoteAuthorization", NoPost}, // fep-044f
	{"ReplyAuthorization", NoPost}, // GoToSocial, this and the next two
	{"LikeAuthorization", NoPost},
	{"AnnounceAuthorization", NoPost},
	{"ReplyApproval", NoPost}, // GoToSocial before 0.21, this and the next two
	{"LikeApproval", NoPost},
	{"AnnounceApproval", NoPost},
	{"Object", NoPost},
}

// ActorTypes lists the types of actors and whether they act without a person.
//
// spec: as2-vocabulary#actor-types
var ActorTypes = []struct {
	Name       string
	Bot, Group bool
}{
	{Name: "Person"},
	{Name: "Service", Bot: true},
	{Name: "Application", Bot: true},
	{Name: "Group", Group: true},
	{Name: "Organization"},
}

// CollectionTypes lists the types of collections.
//
// spec: as2-vocabulary#dfn-collection
var CollectionTypes = []struct {
	Name          string
	Ordered, Page bool
}{
	{Name: "Collection"},
	{Name: "OrderedCollection", Ordered: true},
	{Name: "CollectionPage", Page: true},
	{Name: "OrderedCollectionPage", Ordered: true, Page: true},
}

// Authorizations lists the types of objects with which authors let others do
// something with their posts.
var Authorizations = []string{"QuoteAuthorization", "ReplyAuthorization", "LikeAuthorization", "AnnounceAuthorization"}

// typeInfo is what the tables say of a type. name is theirs, so that decoding
// need not allocate one.
type typeInfo struct {
	name          string
	class         Class
	post          PostKind
	bot, group    bool
	ordered, page bool
}

// typeTable is the tables above by name.
var typeTable = func() map[string]typeInfo {
	m := map[string]typeInfo{}
	for _, name := range ActivityTypes {
		m[name] = typeInfo{name: name, class: ActivityClass}
	}
	for _, t := range ObjectTypes {
		m[t.Name] = typeInfo{name: t.Name, class: ObjectClass, post: t.Post}
	}
	for _, t := range ActorTypes {
		m[t.Name] = typeInfo{name: t.Name, class: ActorClass, bot: t.Bot, group: t.Group}
	}
	for _, t := range CollectionTypes {
		m[t.Name] = typeInfo{name: t.Name, class: CollectionClass, ordered: t.Ordered, page: t.Page}
	}
	return m
}()

// ClassOf returns which kind of document a type makes.
func ClassOf(typ string) Class { return typeTable[typ].class }

// IsActivity tells whether typ is in ActivityTypes.
func IsActivity(typ string) bool { return ClassOf(typ) == ActivityClass }

// IsObject tells whether typ is in ObjectTypes.
func IsObject(typ string) bool { return ClassOf(typ) == ObjectClass }

// IsActor tells whether typ is in ActorTypes.
func IsActor(typ string) bool { return ClassOf(typ) == ActorClass }

// IsCollection tells whether typ is in CollectionTypes.
func IsCollection(typ string) bool { return ClassOf(typ) == CollectionClass }

// IsPost tells whether objects of this type are shown as posts.
func IsPost(typ string) bool { return typeTable[typ].post != NoPost }

// PostKindOf tells how objects of this type are shown. Whether the summary is a
// content warning depends on it: for an Article, Page, Video or Event it is an
// excerpt.
func PostKindOf(typ string) PostKind { return typeTable[typ].post }

// IsBot tells whether actors of this type act without a person.
func IsBot(typ string) bool { return typeTable[typ].bot }
