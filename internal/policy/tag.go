package policy

import (
	"slices"
	"strings"
)

// Tag does what moderators tagged accounts for, ours and others.
type Tag struct{}

// TagPrefix begins the tags that mean something to the rule.
const TagPrefix = "mrf_tag:"

// Tags are the tags that mean something, with what they do.
var Tags = []struct{ Name, Does string }{
	{"media-force-nsfw", "media is marked as sensitive"},
	{"media-strip", "media is removed"},
	{"force-unlisted", "public posts are unlisted"},
	{"sandbox", "public posts are for followers only"},
	{"disable-remote-subscription", "nobody on other servers can follow"},
	{"disable-any-subscription", "nobody can follow"},
}

// Wants implements Rule.
func (Tag) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (Tag) Check(c *Case) error {
	if c.Activity.Type == "Follow" && len(c.TargetTags) > 0 {
		if has(c.TargetTags, "disable-any-subscription") || !c.Local && has(c.TargetTags, "disable-remote-subscription") {
			return c.Reject("This account can't be followed.")
		}
	}
	if len(c.Tags) == 0 || c.Post() == nil {
		return nil
	}
	const why = "moderators tagged the author"
	if has(c.Tags, "media-strip") {
		c.StripMedia(why)
	}
	if has(c.Tags, "media-force-nsfw") && len(c.Post().Attachments) > 0 {
		c.MarkSensitive(why)
	}
	if has(c.Tags, "sandbox") && c.Public() {
		c.FollowersOnly(why)
	}
	if has(c.Tags, "force-unlisted") {
		c.Delist(why)
	}
	return nil
}

func has(tags []string, name string) bool {
	return slices.ContainsFunc(tags, func(t string) bool { return strings.TrimPrefix(t, TagPrefix) == name })
}
