package activitypub

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// maxPeople bounds who can be addressed by their ids, as each may have to be fetched.
const maxPeople = 50

// maxKey is how much of an Idempotency-Key counts, in characters, as in the client API.
const maxKey = 200

// create posts a Note or Question, or votes.
func (d *wish) create() (int64, error) {
	o := d.Inline
	if o == nil || o.Type != "Note" && o.Type != "Question" {
		return 0, fault.New(fault.Invalid, "This server's people post Notes and Questions. Give one as the object.")
	}
	if o.Name != "" && o.InReplyTo != "" && o.Content == "" {
		return d.vote(o)
	}
	if d.key != "" { // Before anything is judged: its files belong to that post by now.
		if id, err := d.DB.Idempotent(d.ctx, d.by.ID, d.key); !errors.Is(err, store.ErrNotFound) {
			return id, err
		}
	}
	draft, err := d.draft(o, 0)
	if err != nil {
		return 0, err
	}
	if o.InReplyTo != "" {
		if draft.InReplyTo, err = d.post(o.InReplyTo); err != nil {
			return 0, err
		}
	}
	if o.QuoteURL != "" {
		if draft.Quote, err = d.post(o.QuoteURL); err != nil {
			return 0, err
		}
	}
	if draft.People, err = d.people(); err != nil {
		return 0, err
	}
	draft.Visibility = vocab.VisibilityOf(d.To, d.Cc, d.by.Followers).Name
	draft.Key = d.key
	if draft.QuotePolicy = d.quotePolicy(o); draft.QuotePolicy == "" {
		draft.QuotePolicy = d.preferences().QuotePolicy
	}
	if draft.Empty() {
		return 0, fault.New(fault.Invalid, "The post says nothing.")
	}
	return d.Pipeline.Post(d.ctx, d.by, draft)
}

// draft is what a post of a client says. edited is the status that it is a version of.
func (d *wish) draft(o *vocab.Object, edited int64) (pipeline.Draft, error) {
	draft := pipeline.Draft{Text: o.Content, ContentType: "text/html", Spoiler: o.Summary, Sensitive: o.Sensitive, Language: o.Language}
	if o.Source != "" {
		draft.Text, draft.ContentType = o.Source, o.SourceType
	}
	if edited == 0 { // What is not said is as in apps.
		own := d.preferences()
		if draft.Language == "" {
			draft.Language = own.Language
		}
		if d.object["sensitive"] == nil {
			draft.Sensitive = own.Sensitive
		}
	}
	if app := d.session.App; app != nil {
		draft.App, draft.AppURL = app.Name, app.Website
	}
	if err := draft.Check(d.Posts); err != nil {
		return draft, err
	}
	var err error
	if draft.Emoji, err = d.Pipeline.EmojiTags(d.ctx, draft.Text, draft.Spoiler); err != nil {
		return draft, err
	}
	if draft.Media, err = d.files(o, edited); err != nil {
		return draft, err
	}
	if o.Poll != nil {
		draft.Poll = &pipeline.DraftPoll{Multiple: o.Poll.Multiple}
		for _, option := range o.Poll.Options {
			draft.Poll.Options = append(draft.Poll.Options, option.Name)
		}
		if draft.Poll.Expires = o.Poll.Ends.Sub(d.Now()); edited == 0 || !o.Poll.Ends.IsZero() {
			err = draft.Poll.Check(d.Posts)
		} else {
			draft.Poll.Expires = 0 // It ends when it would have.
		}
	}
	return draft, err
}

// preferences are how the author likes to write.
func (d *wish) preferences() store.Preferences {
	if d.session.Account == nil {
		return store.Preferences{}
	}
	return d.session.Account.Preferences
}

// quotePolicy is who may quote a post, as its document says; "" when it does not.
// Whoever is named alone counts as nobody: never more people than were meant.
func (d *wish) quotePolicy(o *vocab.Object) string {
	switch {
	case o.Policy == nil:
		return ""
	case slices.Contains(o.Policy.Automatic, vocab.Public):
		return "public"
	case slices.Contains(o.Policy.Automatic, d.by.Followers):
		return "followers"
	}
	return "nobody"
}

// files are the uploads that a post shows: what the client got when it uploaded them,
// with descriptions.
func (d *wish) files(o *vocab.Object, edited int64) ([]store.Media, error) {
	var ids []int64
	for _, a := range o.Attachments {
		rest, ours := strings.CutPrefix(string(a.URL), d.URL+pipeline.MediaPath)
		name, _, _ := strings.Cut(rest, "/")
		id, err := strconv.ParseInt(name, 10, 64)
		if !ours || err != nil {
			return nil, fault.New(fault.Invalid, "Upload files first; only such can be attached.")
		}
		ids = append(ids, id)
	}
	all, err := d.Pipeline.Attachments(d.ctx, d.by, ids, edited, d.Posts)
	for i := range all {
		if name := o.Attachments[i].Name; name != "" {
			all[i].Description = cutRunes(name, d.Descriptions)
		}
	}
	return all, err
}

func cutRunes(s string, most int) string {
	for i := range s {
		if utf8.RuneCountInString(s[:i]) == most {
			return s[:i]
		}
	}
	return s
}

// people returns whom a post names in to, cc and its tags, beside collections.
func (d *wish) people() ([]pipeline.Addressee, error) {
	var all []pipeline.Addressee
	var mentioned []vocab.IRI
	for _, t := range d.Inline.Tags {
		if t.Type == "Mention" {
			mentioned = append(mentioned, t.Href)
		}
	}
	for _, uri := range union(union(d.To, d.Cc), mentioned) {
		if uri == vocab.Public || uri == d.by.Followers || uri == d.by.URI {
			continue
		}
		if len(all) == maxPeople {
			return nil, fault.New(fault.Invalid, "At most %d people can be addressed.", maxPeople)
		}
		a, err := d.actor(uri)
		if err != nil {
			return nil, fault.Because(err, fault.Invalid, "%s can't be addressed: there is nobody.", uri)
		}
		all = append(all, pipeline.Addressee{Actor: a, Mentioned: slices.Contains(mentioned, uri)})
	}
	return all, nil
}

// update changes a post or the profile. What the object leaves out stays as it is;
// null takes it away.
//
// spec: ap#update-activity-outbox
func (d *wish) update() (int64, error) {
	o := d.Inline
	if o == nil {
		return 0, fault.New(fault.Invalid, "Give what is to be changed as the object.")
	}
	if o.ID == d.by.URI || vocab.IsActor(o.Type) {
		return d.by.ID, d.updateProfile(o)
	}
	row, err := d.DB.ObjectByURI(d.ctx, o.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && (row.Actor != d.by.ID || row.Deleted != 0) {
		return 0, noPost
	} else if err != nil {
		return 0, err
	}
	whole, err := overlaid([]byte(row.Doc), d.object)
	if err != nil {
		return 0, err
	}
	draft, err := d.draft(whole, row.ID)
	if err != nil {
		return 0, err
	}
	if draft.Empty() && whole.QuoteURL == "" {
		return 0, fault.New(fault.Invalid, "The post says nothing.")
	}
	if d.object["interactionPolicy"] != nil {
		draft.QuotePolicy = d.quotePolicy(whole)
	}
	return row.ID, d.Pipeline.Edit(d.ctx, d.by, row.ID, draft)
}

// overlaid is a post with some of its members replaced. Of what was typed and what is
// shown, the one that was not given is made anew.
func overlaid(doc []byte, change map[string]json.RawMessage) (*vocab.Object, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(doc, &all); err != nil {
		return nil, err
	}
	if change["content"] != nil || change["contentMap"] != nil {
		delete(all, "source")
		delete(all, "content")
		delete(all, "contentMap")
	}
	for name, value := range change {
		if string(value) == "null" {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	if change["endTime"] == nil {
		delete(all, "endTime")
		delete(all, "closed")
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return vocab.DecodeObject(text)
}

// updateProfile changes the parts of a profile that the object names.
func (d *wish) updateProfile(o *vocab.Object) error {
	if o.ID != d.by.URI {
		return fault.New(fault.Denied, "You can't change somebody else.")
	}
	var change pipeline.ProfileChange
	if err := json.Unmarshal(o.Raw, &change); err != nil {
		return fault.Because(err, fault.Invalid, "The profile can't be read.")
	}
	return d.Pipeline.ChangeProfile(d.ctx, d.by, change)
}

// vote chooses what the object is called in the poll that it answers. A second choice
// of a poll that allows several can't be added later, here as in apps.
func (d *wish) vote(o *vocab.Object) (int64, error) {
	id, err := d.post(o.InReplyTo)
	if err != nil {
		return 0, err
	}
	poll, err := d.DB.Poll(d.ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return 0, fault.New(fault.NotFound, "There is no such poll.")
	} else if err != nil {
		return 0, err
	}
	choice := slices.IndexFunc(poll.Options, func(option store.PollOption) bool { return option.Title == o.Name })
	if choice < 0 {
		return 0, fault.New(fault.Invalid, "There is no such choice in this poll.")
	}
	return id, d.Pipeline.Vote(d.ctx, d.by, id, []int{choice})
}
