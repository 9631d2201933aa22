package fedtest

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// requirement is what one kind of software asks of documents that come to it, as its
// published source has it; without it the document is refused or misread there.
type requirement struct {
	software string
	docs     string // Names of documents, with *, apart by spaces.
	path     string // Where; after "a[]" the path goes on in each member of a.
	rule     string
}

// The rules.
const (
	address   = "an address"    // One URL as a string: no list, no object.
	list      = "a list"        // Also of one or none.
	inline    = "inline"        // An object with id and type.
	date      = "a date"        // RFC 3339.
	text      = "text"          // A string that is not empty.
	words     = "a string"      // May be empty.
	toAll     = "for everybody" // A list with as:Public.
	toAnybody = "for somebody"  // A list that is not empty.
	ofActor   = "the actor"     // The same as the activity's actor.
	grave     = "a Tombstone"   // With its id.
	aMedium   = "a media type"  // A string with a slash.
	count     = "a number"
	none      = "left out"
)

const (
	posts   = "create-note* create-question* update-note update-question"
	answers = "create-note-reply*"
	undos   = "undo-*"
	boosts  = "announce announce-group"
	likes   = "like like-group"
	deletes = "delete-note* delete-question"
)

// requirements is the table: software, documents, property, rule.
var requirements = []requirement{
	{"all", "*", "@context", "there"},
	{"all", "*", "id", address},
	{"all", "*", "type", text},
	{"all", "*", "actor", address},
	{"all", "*", "object", "there"},

	{"Mastodon", posts, "object", inline},
	{"Mastodon", posts, "object.attributedTo", ofActor},
	{"Mastodon", "create-note-picture create-note-video", "object.attachment[].url", address},
	{"Mastodon", "create-note-picture create-note-video", "object.attachment[].mediaType", aMedium},
	{"Mastodon", "create-question update-question", "object.oneOf[].name", text},
	{"Mastodon", "create-question-multiple", "object.anyOf[].replies.totalItems", count},
	{"Mastodon", "create-vote", "object.name", text},
	{"Mastodon", "create-vote", "object.content", none},
	{"Mastodon", "create-note-mention create-note-direct create-note-group", "object.tag[].href", address},
	{"Mastodon", "accept-follow reject-follow", "object.actor", address},
	{"Mastodon", boosts, "object", address},
	{"Mastodon", boosts, "to", toAnybody},
	{"Mastodon", "flag", "object", list},
	{"Mastodon", answers + " " + deletes, "signature", "there"}, // It passes them on to others.
	{"Mastodon", "move", "target", address},
	{"Mastodon", "add remove", "target", address},
	{"Mastodon", "update-note update-question", "object.updated", date},

	{"Pleroma, Akkoma", posts + " create-vote", "object.to", list},
	{"Pleroma, Akkoma", posts + " create-vote", "to", toAnybody},
	{"Pleroma, Akkoma", posts, "object.conversation", text},
	{"Pleroma, Akkoma", "create-note-picture create-note-video", "object.attachment[].type", text},
	{"Pleroma, Akkoma", boosts, "to", toAnybody},
	{"Pleroma, Akkoma", "emojireact*", "content", text},
	{"Pleroma, Akkoma", undos, "object", inline},
	{"Pleroma, Akkoma", "update-note update-question update-actor", "object", inline},

	{"GoToSocial", undos, "object.type", text},
	{"GoToSocial", undos, "object.actor", ofActor},
	{"GoToSocial", "undo-follow undo-block", "object.object", address},
	{"GoToSocial", "update-actor", "object", inline},
	{"GoToSocial", "create-note-quote", "object.interactionPolicy.canQuote.automaticApproval", list},

	{"Misskey and forks", posts + " create-vote", "object.attributedTo", ofActor},
	{"Misskey and forks", posts + " create-vote", "object.id", address},
	{"Misskey and forks", deletes, "object.formerType", none}, // A Note then; another type would have to be one that it knows.
	{"Misskey and forks", "delete-actor", "object", ofActor},
	{"Misskey and forks", "accept-follow reject-follow " + undos, "object", inline},
	{"Misskey and forks", "add remove", "target", address},
	{"Misskey and forks", "create-note-quote", "object._misskey_quote", address},
	{"Misskey and forks", boosts, "published", date},
	{"Misskey and forks", "emojireact*", "content", text},
	{"Misskey and forks", "flag", "content", text},

	{"Lemmy", "create-note-group " + answers, "to", toAll},
	{"Lemmy", "create-note-group " + answers, "cc", list},
	{"Lemmy", "create-note-group create-note-reply-group", "audience", address},
	{"Lemmy", "create-note-group create-note-reply-group", "object.audience", address},
	{"Lemmy", "create-note-group " + answers, "object.attributedTo", ofActor},
	{"Lemmy", "create-note-group " + answers, "object.content", text},
	{"Lemmy", answers, "object.inReplyTo", address},
	{"Lemmy", "create-note-group create-note-mention", "object.tag", list},
	{"Lemmy", likes, "object", address},
	{"Lemmy", "like-group announce-group emojireact-group", "audience", address},
	{"Lemmy", "undo-like undo-like-group undo-follow", "object.id", address},
	{"Lemmy", "undo-like undo-like-group undo-follow", "object.object", address},
	{"Lemmy", "follow follow-asked", "object", address},
	{"Lemmy", "accept-follow", "object.object", ofActor},
	{"Lemmy", deletes, "to", toAll},
	{"Lemmy", deletes, "object.id", address},
	{"Lemmy", "delete-note-group", "audience", address},
	{"Lemmy", deletes, "summary", none}, // It would be a moderator's removal.
	{"Lemmy", "block", "target", none},  // It would be a ban from a community.
	{"Lemmy", "delete-actor", "to", list},
	{"Lemmy", "delete-actor", "object", ofActor},

	{"Mbin", posts, "object.to", list},
	{"Mbin", posts, "object.cc", list},
	{"Mbin", posts, "object.published", date},
	{"Mbin", posts, "object.attributedTo", address},
	{"Mbin", deletes, "object.id", address},

	{"PieFed", undos, "object.type", text},
	{"PieFed", undos, "object.object", address},
	{"PieFed", answers, "object.inReplyTo", address},
	{"PieFed", "create-note-group create-note-reply-group", "object.attributedTo", address},

	{"Pixelfed", boosts + " " + likes, "object", address},
	{"Pixelfed", "undo-follow", "object.object", address},
	{"Pixelfed", "undo-follow", "object.actor", ofActor},
	{"Pixelfed", "accept-follow", "object.id", address},
	{"Pixelfed", "accept-follow", "object.object", ofActor},
	{"Pixelfed", deletes, "object", grave},
	{"Pixelfed", "delete-actor", "object", ofActor},

	{"PeerTube", "create-note-reply", "object.type", text},
	{"PeerTube", "create-note-reply", "object.content", text},
	{"PeerTube", "create-note-reply", "object.inReplyTo", address},
	{"PeerTube", "create-note-reply", "object.published", date},
	{"PeerTube", "create-note-reply", "object.url", address},
	{"PeerTube", "create-note-reply", "object.to", toAll},
	{"PeerTube", "follow follow-asked " + likes + " " + boosts, "object", address},

	{"Friendica", undos + " accept-follow reject-follow", "object", inline}, // The type is read from the object, and fetched by id otherwise.
	{"Friendica", posts, "object.published", date},

	{"Hubzilla", "accept-follow reject-follow undo-follow", "object.type", text},

	{"WordPress", "undo-like undo-follow undo-announce", "object.id", address},
	{"WordPress", "undo-like undo-follow undo-announce", "object.object", address},
	{"WordPress", deletes, "object.id", address},
	{"WordPress", "delete-actor", "object", ofActor},

	{"Mobilizon", posts, "object.type", text},
	{"Mobilizon", "follow follow-asked", "object", address},
	{"Mobilizon", boosts, "object", address},
	{"Mobilizon", "update-actor", "object.type", text},

	{"Owncast", "follow follow-asked " + likes + " " + boosts, "object", address},
	{"Owncast", "undo-follow", "object", inline},

	{"BookWyrm", posts, "to", list},
	{"BookWyrm", posts, "object.published", date},
	{"BookWyrm", posts, "object.attributedTo", address},
	{"BookWyrm", posts, "object.content", words},
	{"BookWyrm", "create-note-mention create-note-group", "object.tag", list},
	{"BookWyrm", "create-note-picture create-note-video", "object.attachment", list},
	{"BookWyrm", boosts, "published", date},
	{"BookWyrm", boosts + " " + likes + " follow follow-asked block", "object", address},
	{"BookWyrm", "accept-follow reject-follow " + undos, "object", inline},
	{"BookWyrm", deletes, "object", grave}, // A bare id is an account to it.
	{"BookWyrm", deletes, "object.deleted", date},
	{"BookWyrm", deletes, "object.published", date},
	{"BookWyrm", "update-note update-question update-actor", "to", list},

	{"WriteFreely", likes + " follow follow-asked", "object", address},
	{"WriteFreely", "undo-like", "object.actor", address},
	{"WriteFreely", "undo-like", "object.object", address},

	{"Discourse", "create-note* like* announce* follow* undo-*", "actor", address},
	{"Discourse", undos, "object", inline},

	{"NodeBB", posts, "object.to", list},
	{"NodeBB", posts, "object.cc", list},
	{"NodeBB", undos, "object.actor", ofActor},
	{"NodeBB", "accept-follow", "object.actor", address},
	{"NodeBB", deletes, "object", grave}, // Otherwise it asks for the id, and purges.
}

// broken tells how v, which stands in doc, breaks the rule; "" when it doesn't.
func (r *requirement) broken(doc map[string]any, v any) string {
	s, isText := v.(string)
	values, isList := v.([]any)
	m, _ := v.(map[string]any)
	ok := false
	switch r.rule {
	case "there":
		ok = v != nil
	case none:
		ok = v == nil
	case words:
		ok = isText
	case text:
		ok = s != ""
	case address:
		ok = isAddress(s)
	case aMedium:
		ok = len(s) > 2 && slices.Contains([]byte(s), '/')
	case date:
		_, err := time.Parse(time.RFC3339, s)
		ok = isText && err == nil
	case count:
		_, ok = v.(float64)
	case list:
		ok = isList
	case toAnybody:
		ok = len(values) > 0
	case toAll:
		ok = slices.Contains(values, any("https://www.w3.org/ns/activitystreams#Public"))
	case ofActor:
		ok = s != "" && v == doc["actor"]
	case inline:
		id, _ := m["id"].(string)
		ok = isAddress(id) && m["type"] != nil
	case grave:
		ok = m["id"] != nil && m["type"] == "Tombstone"
	default:
		return "has an unknown rule: " + r.rule
	}
	if ok {
		return ""
	}
	return fmt.Sprintf("is %v, not %s", v, r.rule)
}

func isAddress(s string) bool { return len(s) > len("http://") && s[:4] == "http" }

// TestRequirementsBite: each rule refuses what it is there to refuse.
func TestRequirementsBite(t *testing.T) {
	doc := map[string]any{"actor": "http://a.test/users/ann"}
	for rule, bad := range map[string]any{address: map[string]any{"id": "http://a.test/1"}, list: "http://a.test/1", inline: "http://a.test/1", date: "yesterday", text: "", words: nil,
		toAll: []any{"http://a.test/1"}, toAnybody: []any{}, ofActor: "http://a.test/users/bob", grave: "http://a.test/1", aMedium: "png", count: "1", none: "x", "there": nil} {
		r := requirement{rule: rule}
		if r.broken(doc, bad) == "" {
			t.Errorf("%q takes %v", rule, bad)
		}
	}
	for _, software := range []string{"Mastodon", "Pleroma, Akkoma", "GoToSocial", "Misskey and forks", "Lemmy", "Mbin", "PieFed", "Pixelfed", "PeerTube", "Friendica", "Hubzilla", "WordPress",
		"Mobilizon", "Owncast", "BookWyrm", "WriteFreely", "Discourse", "NodeBB"} {
		if !slices.ContainsFunc(requirements, func(r requirement) bool { return r.software == software }) {
			t.Errorf("nothing is known of %s", software)
		}
	}
}
