package policy

import (
	"slices"
	"strings"

	"kenoma/internal/vocab"
)

// Hashtag acts on the hashtags of posts, ours too.
type Hashtag struct {
	// Sensitive are hashtags, without the #, whose posts have their media marked.
	Sensitive []string `key:"sensitive" default:"nsfw"`

	// FederatedTimelineRemoval are those whose posts are taken out of the public
	// timelines.
	FederatedTimelineRemoval []string `key:"federated_timeline_removal"`

	// Reject are those whose posts are refused.
	Reject []string `key:"reject"`
}

// Wants implements Rule.
func (*Hashtag) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (r *Hashtag) Check(c *Case) error {
	o := c.Post()
	if o == nil {
		return nil
	}
	if tag := hashtagIn(o, r.Reject); tag != "" {
		return c.Reject("This server does not take posts with the hashtag #%s.", tag)
	}
	if tag := hashtagIn(o, r.FederatedTimelineRemoval); tag != "" {
		c.Delist("it has the hashtag #" + tag)
	}
	if tag := hashtagIn(o, r.Sensitive); tag != "" {
		c.MarkSensitive("it has the hashtag #" + tag)
	}
	return nil
}

// hashtagIn returns the first hashtag of a post that is in a list, "" none.
func hashtagIn(o *vocab.Object, list []string) string {
	if len(list) == 0 {
		return ""
	}
	for _, t := range o.Tags {
		name := strings.TrimPrefix(t.Name, "#")
		if t.Type == "Hashtag" && slices.ContainsFunc(list, func(one string) bool { return strings.EqualFold(strings.TrimPrefix(one, "#"), name) }) {
			return name
		}
	}
	return ""
}
