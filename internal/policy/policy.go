// Package policy holds the admin's rules for what is let in and how (MRF): one
// file per rule. Rules are pure: the pipeline gathers the facts before the call,
// only those that a rule which is on wants, and makes the verdict come true.
package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// Rule judges an activity. It is asked by many goroutines at once.
type Rule interface {
	// Wants says what the rule must know to judge c, of which only the activity and
	// the plain facts are known yet. It is asked for every activity and must be quick.
	Wants(c *Case) Want
	// Check lets c pass with a nil error, changed by c's methods where the rule wants
	// that. An error of c.Reject refuses the activity; no rule behind is asked then.
	Check(c *Case) error
}

// Want is a set of facts that cost a look into the database.
type Want uint16

// The facts that may be wanted, see the fields of Facts.
const (
	WantKnown    Want = 1 << iota // Known
	WantCounts                    // Posts, FollowerCount
	WantFollowed                  // FollowedHere
	WantProfile                   // Name, Bot, Created
	WantTarget                    // TargetFollows
	WantParent                    // ParentSummary
	WantClosed                    // Closed
	WantReaders                   // Strangers
	WantAnswer                    // AnswersUs
	WantUnknown                   // Unknown
)

// Facts are what a rule may know beside the activity itself.
type Facts struct {
	Local     bool      // One of our own accounts acts.
	Host      string    // The actor's host.
	Import    bool      // Part of an import of lists of ours.
	Fetched   bool      // We went to get it: nobody's home or notifications get it.
	Now       time.Time // Of the judgement.
	Followers vocab.IRI // The actor's collection of followers, "" none.
	FirstSeen time.Time // When the actor was first heard of here; of ours, when it signed up.
	Username  string    // The actor's.
	Service   bool      // The actor's document calls it a bot.
	Tags      []string  // What moderators tagged the actor with.
	// TargetTags are those of the account of ours that a Follow is about.
	TargetTags []string

	// What follows is known only where it was wanted.

	Known         bool  // The object is here already.
	Posts         int64 // Posts of the actor that are known here.
	FollowerCount int64 // Its followers that are known here.
	FollowedHere  bool  // Somebody here follows it.
	Name          string
	Created       time.Time // Of the account, as its own server says; zero unknown.
	TargetFollows bool      // Whom a Follow is about follows the actor.
	ParentSummary string    // Content warning of what the post answers.
	// Closed are people of ours whom the post names and who take no direct messages
	// from the actor.
	Closed []vocab.IRI
	// Strangers are people of ours whom the post names and who don't follow the actor.
	Strangers []vocab.IRI
	// AnswersUs tells that the post answers one of ours, or one that names somebody of ours.
	AnswersUs bool
	// Unknown are people, wherever they are, whom a post names and who don't follow its
	// author.
	Unknown []vocab.IRI
}

// Decision is what one rule said about an activity.
type Decision struct {
	Rule string `json:"rule"`
	Said string `json:"said"`
}

// Job is work that a rule asks for. It is queued with the activity's effects.
type Job struct {
	Kind    string // Of the queue.
	Part    string // Jobs of one part share its fate: a host.
	Uniq    string // Queued once at a time under this name; "" always.
	Payload any    // Becomes JSON.
}

// Case is an activity before the rules, with what was decided so far.
type Case struct {
	Activity *vocab.Activity
	Facts
	Patch     Patch
	Decisions []Decision
	Jobs      []Job
	Expires   time.Time // When a post of ours is to be deleted; zero never.
	Tally     *Tally    // What happened lately; nil counts nothing.

	rule string // Whose turn it is.
}

// Post is the post that the activity brings, nil when it brings none: with a vote
// for somebody's poll it doesn't.
func (c *Case) Post() *vocab.Object {
	o := c.Activity.Inline
	if o == nil || c.Activity.Type != "Create" && c.Activity.Type != "Update" || !vocab.IsPost(o.Type) || IsVote(o) {
		return nil
	}
	return o
}

// IsVote tells a vote from a post: it names one of the choices and says nothing.
func IsVote(o *vocab.Object) bool {
	return o.Type == "Note" && o.Name != "" && o.Content == "" && o.InReplyTo != "" && len(o.Attachments) == 0
}

// Audience returns to whom the activity is addressed: its post, where it brings one.
func (c *Case) Audience() (to, cc []vocab.IRI) {
	if o := c.Post(); o != nil {
		return o.To, o.Cc
	}
	return c.Activity.To, c.Activity.Cc
}

// Visibility is that of the activity, by its audience.
func (c *Case) Visibility() vocab.Visibility {
	to, cc := c.Audience()
	return vocab.VisibilityOf(to, cc, c.Facts.Followers)
}

// Public tells whether everybody may read it, listed or not.
func (c *Case) Public() bool {
	to, cc := c.Audience()
	return slices.Contains(to, vocab.Public) || slices.Contains(cc, vocab.Public)
}

// People are those whom it names, whoever they are.
func (c *Case) People() []vocab.IRI {
	var people []vocab.IRI
	to, cc := c.Audience()
	for _, list := range [][]vocab.IRI{to, cc} {
		for _, who := range list {
			if who != vocab.Public && who != c.Facts.Followers && who != c.Activity.Actor && !strings.HasSuffix(string(who), "/followers") && !slices.Contains(people, who) {
				people = append(people, who)
			}
		}
	}
	return people
}

// Note adds a line to the story of the activity.
func (c *Case) Note(format string, args ...any) {
	c.Decisions = append(c.Decisions, Decision{c.rule, fmt.Sprintf(format, args...)})
}

// Reject refuses the activity.
func (c *Case) Reject(format string, args ...any) error {
	return fault.New(fault.Rejected, format, args...)
}

// narrow gives the activity a narrower visibility, and tells whether it was wider.
func (c *Case) narrow(name string) bool {
	vis, _ := vocab.VisibilityNamed(name)
	if c.Visibility().Level >= vis.Level {
		return false
	}
	to, cc := vis.Audience(c.Facts.Followers, c.People())
	c.set(func(p *Patch) { p.To, p.Cc = listed(to), listed(cc) })
	return true
}

// Delist takes a public activity out of the public timelines.
func (c *Case) Delist(why string) {
	if c.narrow("unlisted") {
		c.Note("unlisted: %s", why)
	}
}

// FollowersOnly shows the activity to the actor's followers and those named, alone.
func (c *Case) FollowersOnly(why string) {
	if c.narrow("private") {
		c.Note("for followers only: %s", why)
	}
}

// Quiet keeps the activity out of the homes of those who follow its author.
func (c *Case) Quiet(why string) {
	if !c.Patch.Quiet {
		c.Patch.Quiet = true
		c.Note("in nobody's home timeline: %s", why)
	}
}

// Withhold has the people whom the activity tells of something find it among their
// notification requests, unless they have let the actor through.
func (c *Case) Withhold(why string) {
	if !c.Patch.Withhold {
		c.Patch.Withhold = true
		c.Note("notifications withheld: %s", why)
	}
}

// MarkSensitive hides the media of the post behind a click.
func (c *Case) MarkSensitive(why string) {
	if o := c.Post(); o != nil && !o.Sensitive {
		yes := true
		c.set(func(p *Patch) { p.Sensitive = &yes })
		c.Note("marked as sensitive: %s", why)
	}
}

// StripMedia removes the files of the post.
func (c *Case) StripMedia(why string) {
	if o := c.Post(); o != nil && len(o.Attachments) > 0 {
		c.set(func(p *Patch) { p.Media = listed[vocab.Attachment](nil) })
		c.Note("without its media: %s", why)
	}
}

// SetText changes what the post says; a nil text stays.
func (c *Case) SetText(content, summary, name *string, why string) {
	o := c.Post()
	if o == nil {
		return
	}
	same := func(s *string, is string) bool { return s == nil || *s == is }
	if same(content, o.Content) && same(summary, o.Summary) && same(name, o.Name) {
		return
	}
	c.set(func(p *Patch) {
		if content != nil {
			p.Content = content
		}
		if summary != nil {
			p.Summary = summary
		}
		if name != nil {
			p.Name = name
		}
	})
	c.Note("text changed: %s", why)
}

// SetPeople changes to whom the activity is addressed.
func (c *Case) SetPeople(to, cc []vocab.IRI, why string) {
	c.set(func(p *Patch) { p.To, p.Cc = listed(to), listed(cc) })
	c.Note("audience changed: %s", why)
}

// SetTags changes the tags of the post: mentions, hashtags, emoji.
func (c *Case) SetTags(tags []vocab.Tag, why string) {
	if c.Post() != nil {
		c.set(func(p *Patch) { p.Tags = listed(tags) })
		c.Note("tags changed: %s", why)
	}
}

// Expire has a post of ours deleted at a time, unless it is to go earlier anyway.
func (c *Case) Expire(at time.Time, why string) {
	if c.Expires.IsZero() || at.Before(c.Expires) {
		c.Expires = at
		c.Note("deleted on %s: %s", at.UTC().Format("2006-01-02 15:04"), why)
	}
}

// Ask has work done for the activity when it is accepted.
func (c *Case) Ask(j Job) { c.Jobs = append(c.Jobs, j) }

func (c *Case) set(change func(*Patch)) {
	change(&c.Patch)
	c.Patch.Apply(c.Activity)
}
