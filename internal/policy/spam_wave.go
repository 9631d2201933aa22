package policy

import (
	"fmt"
	"hash/maphash"
	"regexp"
	"strings"
	"time"
	"unicode"

	"kenoma/internal/vocab"
)

// SpamWave withholds first messages by new accounts of other servers that look like
// spam: the people named find them among their notification requests, where they can
// let them through, and no public timeline shows them. It is about posts alone that name
// somebody here who does not follow the author, by an account that nobody here follows,
// and that answer nothing of ours. Nothing is lost, and what people here have asked for
// is never touched.
type SpamWave struct {
	// NewFor is for how long an account counts as new: since it was made, as its server
	// says, else since it was first heard of here.
	NewFor time.Duration `key:"new_for" default:"7d" min:"1h" live:"true"`

	// MaxPeople is how many people a first message may name.
	MaxPeople int `key:"max_people" default:"3" min:"1" max:"100"`

	// Links withholds first messages with links or files.
	Links bool `key:"links" default:"true"`

	// PerAccount is how many first messages a new account may send here in a day.
	PerAccount int `key:"per_account" default:"3" min:"1" max:"1000"`

	// PerHost is how many the new accounts of one server may send here in an hour.
	PerHost int `key:"per_host" default:"5" min:"1" max:"10000"`

	// Overall is how many all new accounts may send here in an hour.
	Overall int `key:"overall" default:"25" min:"1" max:"100000"`

	// SameText is how many accounts may send the same first message in a day, new or not.
	SameText int `key:"same_text" default:"3" min:"1" max:"1000"`

	// TellStaff has moderators get a mail when there are more than overall.
	TellStaff bool `key:"tell_staff" default:"true"`
}

// The times in which first messages are counted.
const (
	waveHour = time.Hour
	waveDay  = 24 * time.Hour
)

// SpamWaveJob is the queue's job that tells the staff of a wave.
const SpamWaveJob = "spam-wave"

// Wants implements Rule. Only posts from elsewhere that name people cost anything.
func (r *SpamWave) Wants(c *Case) Want {
	if c.Local || c.Fetched || c.Post() == nil || len(c.People()) == 0 {
		return 0
	}
	return WantReaders | WantFollowed | WantProfile | WantAnswer
}

// Check implements Rule.
func (r *SpamWave) Check(c *Case) error {
	o := c.Post()
	if c.Local || c.Fetched || o == nil || len(c.Strangers) == 0 || c.FollowedHere || c.AnswersUs {
		return nil
	}
	if why := r.reason(c, o); why != "" {
		c.Withhold(why)
		c.Delist(why)
	}
	return nil
}

// reason says why a first message is withheld; "" it is not. Each is counted once,
// whatever becomes of it.
func (r *SpamWave) reason(c *Case, o *vocab.Object) string {
	text := essence(o.Content)
	var same, account, host, all int
	fresh := r.fresh(c)
	if c.Activity.Type == "Create" {
		if len(text) >= minEssence {
			same = c.Tally.Count("text "+fingerprint(text), string(c.Activity.Actor), waveDay, c.Now)
		}
		if fresh {
			id := string(c.Activity.Object)
			account = c.Tally.Count("actor "+string(c.Activity.Actor), id, waveDay, c.Now)
			host = c.Tally.Count("host "+c.Host, id, waveHour, c.Now)
			all = c.Tally.Count("all", id, waveHour, c.Now)
		}
	}
	if all > r.Overall && r.TellStaff {
		c.Ask(Job{Kind: SpamWaveJob, Uniq: SpamWaveJob, Payload: struct{}{}})
	}
	switch {
	case same > r.SameText:
		return fmt.Sprintf("%d accounts have sent this as a first message", same)
	case !fresh:
		return ""
	case len(c.People()) > r.MaxPeople:
		return fmt.Sprintf("a first message of a new account that names %d people", len(c.People()))
	case r.Links && len(o.Attachments) > 0:
		return "a first message of a new account, with files"
	case r.Links && hasLink(o):
		return "a first message of a new account, with a link"
	case account > r.PerAccount:
		return "a new account that has sent many first messages"
	case host > r.PerHost:
		return "many new accounts of " + c.Host + " send first messages"
	case all > r.Overall:
		return "many new accounts send first messages"
	}
	return ""
}

// fresh tells whether the author is new. A server that says when its account was made
// is believed: those who lie are told by their texts and their number.
func (r *SpamWave) fresh(c *Case) bool {
	since := c.FirstSeen
	if !c.Created.IsZero() {
		since = c.Created
	}
	return c.Now.Sub(since) < r.NewFor
}

// minEssence is how many bytes a text must have for others like it to mean something:
// many people say "hello".
const minEssence = 20

var (
	anchor = regexp.MustCompile(`(?is)<a\b[^>]*>.*?</a>`)
	tagged = regexp.MustCompile(`<[^>]*>`)
	handle = regexp.MustCompile(`@[\pL\pN_.-]+(@[\pL\pN.-]+)?`)
)

// hasLink tells whether a post links to something but people and tags.
func hasLink(o *vocab.Object) bool {
	tags := map[string]bool{}
	for _, t := range o.Tags {
		tags[string(t.Href)] = true
	}
	rest := anchor.ReplaceAllStringFunc(o.Content, func(a string) string {
		head, _, _ := strings.Cut(a, ">")
		if strings.Contains(head, "mention") || strings.Contains(head, "hashtag") {
			return ""
		}
		for href := range tags {
			if href != "" && strings.Contains(head, `"`+href+`"`) {
				return ""
			}
		}
		return a
	})
	rest = strings.ToLower(rest)
	return strings.Contains(rest, "http://") || strings.Contains(rest, "https://") || strings.Contains(rest, "href")
}

// essence is what a text says: without markup, links, people, numbers and case.
func essence(content string) string {
	text := handle.ReplaceAllString(tagged.ReplaceAllString(anchor.ReplaceAllString(content, " "), " "), " ")
	var b strings.Builder
	for _, c := range text {
		if unicode.IsLetter(c) {
			b.WriteRune(unicode.ToLower(c))
		}
	}
	return b.String()
}

var textSeed = maphash.MakeSeed()

// fingerprint stands for a text in the tally.
func fingerprint(text string) string {
	return fmt.Sprintf("%x", maphash.String(textSeed, text))
}
