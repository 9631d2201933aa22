package pipeline

import (
	"context"
	"slices"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Limits are what the admin allows in a post.
type Limits struct {
	Characters       int // Of text and warning together, as markup.Length counts.
	Files            int
	PollOptions      int
	OptionCharacters int
}

// How long a poll may last.
const (
	MinPoll = 5 * time.Minute
	MaxPoll = 180 * 24 * time.Hour
)

// invalidField is a validation failure in the words that apps show.
func invalidField(format string, args ...any) error {
	return fault.New(fault.Invalid, "Validation failed: "+format, args...)
}

// Check holds the words of a draft against the limits.
func (d *Draft) Check(l Limits) error {
	switch {
	case d.Language != "" && !vocab.LanguageCode(d.Language):
		return invalidField("Language is not a code such as en or pt-BR")
	case d.ContentType != "" && !slices.Contains(markup.ContentTypes(), d.ContentType):
		return invalidField("Content type must be one of %s", strings.Join(markup.ContentTypes(), ", "))
	case markup.Length(d.Text, d.Spoiler) > l.Characters:
		return invalidField("Text character limit of %d exceeded", l.Characters)
	}
	return nil
}

// Empty tells whether a draft has nothing to show.
func (d *Draft) Empty() bool {
	return strings.TrimSpace(d.Text) == "" && len(d.Media) == 0 && d.Poll == nil && d.Spoiler == "" && d.Quote == 0
}

// Check holds a poll against the limits, and trims its options.
func (poll *DraftPoll) Check(l Limits) error {
	seen := map[string]bool{}
	for i, option := range poll.Options {
		option = strings.TrimSpace(option)
		poll.Options[i] = option
		switch {
		case option == "":
			return invalidField("Options can't be blank")
		case markup.Length(option, "") > l.OptionCharacters:
			return invalidField("Options can't be longer than %d characters each", l.OptionCharacters)
		case seen[option]:
			return invalidField("Options contain duplicate items")
		}
		seen[option] = true
	}
	switch {
	case len(poll.Options) < 2:
		return invalidField("Options must be at least 2")
	case len(poll.Options) > l.PollOptions:
		return invalidField("Options can't be more than %d", l.PollOptions)
	case poll.Expires < MinPoll:
		return invalidField("Expires at is too soon")
	case poll.Expires > MaxPoll:
		return invalidField("Expires at is too far into the future")
	}
	return nil
}

// Attachments returns the uploads with these ids as a post carries them. edited is
// the status that may have them already, 0 none.
func (p *Pipeline) Attachments(ctx context.Context, owner *store.Actor, ids []int64, edited int64, l Limits) ([]store.Media, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > l.Files {
		return nil, invalidField("Cannot attach more than %d files", l.Files)
	}
	uploads, err := p.DB.Uploads(ctx, owner.ID, ids)
	if err != nil {
		return nil, err
	}
	var all []store.Media
	for _, id := range ids {
		u := uploads[id]
		if u == nil || u.Status != 0 && u.Status != edited {
			return nil, invalidField("Media %d does not exist or belongs to another post", id)
		}
		switch u.State {
		case store.UploadWaiting:
			return nil, fault.New(fault.Invalid, "Cannot attach files that have not finished processing. Try again in a moment!")
		case store.UploadFailed:
			return nil, fault.New(fault.Invalid, "%s", u.Problem)
		}
		all = append(all, p.Attachment(u))
	}
	return all, nil
}

// Attachment is an upload as a post carries it.
func (p *Pipeline) Attachment(u *store.Upload) store.Media {
	m := store.Media{ID: u.ID, Kind: u.Kind, Mime: u.Mime, Description: u.Description, Blurhash: u.Meta.Blurhash,
		Width: u.Meta.Width, Height: u.Meta.Height, Duration: u.Meta.Duration, Focus: u.Meta.Focus, Local: true, MediaDetail: u.Meta.MediaDetail}
	if u.State == store.UploadReady {
		m.URL = vocab.IRI(p.URL + MediaPath + u.File)
	}
	if u.Preview != "" {
		m.Preview = vocab.IRI(p.URL + MediaPath + u.Preview)
	}
	return m
}
