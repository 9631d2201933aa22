// Package stream carries what was committed to those who are connected: live
// events over WebSocket and SSE on every node. It knows listeners, not rules.
package stream

import (
	"strconv"
	"sync"
)

// Event is something that was committed. It names rows by id; what a listener
// gets is rendered once per event, by the door that it listens at.
type Event struct {
	Kind         string   `json:"k"`           // update, status.update, delete, notification, filters_changed, relations_changed …
	Status       int64    `json:"s,omitempty"` // statuses.id of a boost or post; for delete the one that is gone.
	Author       int64    `json:"a,omitempty"` // actors.id of the status's author.
	Notification int64    `json:"n,omitempty"` // Set for kind notification, with the one owner in Home.
	Home         []int64  `json:"h,omitempty"` // Owners of the "user" streams concerned (accounts and lists have different ids).
	Lists        []int64  `json:"l,omitempty"` // Lists concerned.
	Direct       []int64  `json:"d,omitempty"` // Local accounts addressed by a direct post.
	Public       bool     `json:"p,omitempty"` // In the public timelines.
	Local        bool     `json:"o,omitempty"` // Made here.
	Media        bool     `json:"m,omitempty"` // Has attachments.
	Tags         []string `json:"t,omitempty"` // Folded.
	Announcement int64    `json:"w,omitempty"`
	Reaction     string   `json:"r,omitempty"` // To the announcement.
	Everyone     bool     `json:"e,omitempty"` // For all who have a "user" stream.

	memo *memo // Set by the hub.
}

// Topic names what a listener may listen to. Who may is the door's decision.
type Topic string

// The topics that are not about one account, list or tag.
const (
	Everyone          Topic = "everyone" // What is for all who have a home.
	Public            Topic = "public"
	PublicLocal       Topic = "public:local"
	PublicRemote      Topic = "public:remote"
	PublicMedia       Topic = "public:media"
	PublicLocalMedia  Topic = "public:local:media"
	PublicRemoteMedia Topic = "public:remote:media"
)

func numbered(prefix string, id int64) Topic { return Topic(prefix + strconv.FormatInt(id, 10)) }

// User is the home of an account: its posts, notifications and settings.
func User(account int64) Topic { return numbered("user:", account) }

// Notifications is what User has of notifications.
func Notifications(account int64) Topic { return numbered("user:notification:", account) }

// List is what is posted to a list.
func List(id int64) Topic { return numbered("list:", id) }

// Direct is what is sent to an account alone.
func Direct(account int64) Topic { return numbered("direct:", account) }

// Hashtag is the public posts with a folded tag.
func Hashtag(tag string) Topic { return Topic("hashtag:" + tag) }

// HashtagLocal is those of them that were made here.
func HashtagLocal(tag string) Topic { return Topic("hashtag:local:" + tag) }

// Topics calls yield with each topic that e belongs to.
func (e *Event) Topics(yield func(Topic) bool) {
	each := func(ids []int64, topic func(int64) Topic) bool {
		for _, id := range ids {
			if !yield(topic(id)) {
				return false
			}
		}
		return true
	}
	if e.Everyone && !yield(Everyone) {
		return
	}
	if !each(e.Home, User) ||
		e.Kind == "notification" && !each(e.Home, Notifications) ||
		!each(e.Lists, List) || !each(e.Direct, Direct) || !e.Public {
		return
	}
	origin, media := PublicRemote, PublicRemoteMedia
	if e.Local {
		origin, media = PublicLocal, PublicLocalMedia
	}
	if !yield(Public) || !yield(origin) || e.Media && (!yield(PublicMedia) || !yield(media)) {
		return
	}
	for _, tag := range e.Tags {
		if !yield(Hashtag(tag)) || e.Local && !yield(HashtagLocal(tag)) {
			return
		}
	}
}

// memo holds the renderings of an event.
type memo struct {
	mu   sync.Mutex
	made map[string]func() []byte
}

// Once returns what render returns, which is called once per event and key however
// many listeners ask, at the same time or later. The key names the class of viewers
// to whom the same bytes go. They must not be changed. A nil rendering, for what no
// longer exists, is remembered too.
func (e *Event) Once(key string, render func() []byte) []byte {
	if e.memo == nil { // Not from a hub.
		return render()
	}
	e.memo.mu.Lock()
	f := e.memo.made[key]
	if f == nil {
		if e.memo.made == nil {
			e.memo.made = map[string]func() []byte{}
		}
		f = sync.OnceValue(render)
		e.memo.made[key] = f
	}
	e.memo.mu.Unlock()
	return f()
}
