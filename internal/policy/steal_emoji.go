package policy

import (
	"slices"
	"strings"

	"kenoma/internal/vocab"
)

// StealEmoji copies custom emoji that posts from chosen hosts use, so that people
// here can use them too.
type StealEmoji struct {
	// Hosts are the hosts whose emoji are copied.
	Hosts []string `key:"hosts"`

	// RejectedShortcodes are names, or patterns of names, that are left alone.
	RejectedShortcodes []string `key:"rejected_shortcodes"`

	// SizeLimit is how many bytes a picture may have.
	SizeLimit int `key:"size_limit" default:"50000" min:"1000" max:"524288"`

	rejected []pattern
}

// StealJob asks for an emoji to be copied.
type StealJob struct {
	Shortcode string    `json:"shortcode"`
	URL       vocab.IRI `json:"url"`
	Host      string    `json:"host"`
	Limit     int       `json:"limit"` // bytes
}

// maxStolen bounds the emoji of one post that are copied.
const maxStolen = 10

func (r *StealEmoji) compile(*Settings) (err error) {
	r.rejected, err = patterns(r.RejectedShortcodes)
	return err
}

// Wants implements Rule.
func (*StealEmoji) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (r *StealEmoji) Check(c *Case) error {
	o := c.Post()
	if o == nil || c.Local || !slices.Contains(r.Hosts, c.Host) {
		return nil
	}
	n := 0
	for _, t := range o.Tags {
		name := strings.Trim(t.Name, ":")
		if t.Type != "Emoji" || t.Icon.Host() != c.Host || name == "" || n >= maxStolen {
			continue
		}
		if _, no := within(r.rejected, name); no {
			continue
		}
		n++
		c.Ask(Job{Kind: "steal-emoji", Part: c.Host, Uniq: "steal " + name, Payload: StealJob{name, t.Icon, c.Host, r.SizeLimit}})
	}
	return nil
}
