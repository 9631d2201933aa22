package policy

import (
	"slices"
	"strings"
)

// NormalizeMarkup leaves less formatting to posts from elsewhere. Whatever is set
// here, only harmless HTML is ever shown.
type NormalizeMarkup struct {
	// ScrubPolicy says what is left: all that is harmless (default), links and lines
	// (twitter_text), or lines alone (no_markup).
	ScrubPolicy string `key:"scrub_policy" default:"default" enum:"default,twitter_text,no_markup"`
}

// Wants implements Rule.
func (*NormalizeMarkup) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (r *NormalizeMarkup) Check(c *Case) error {
	keep := []string{"p", "br"}
	switch r.ScrubPolicy {
	case "twitter_text":
		keep = append(keep, "a", "span")
	case "no_markup":
	default:
		return nil
	}
	o := c.Post()
	if o == nil || c.Local {
		return nil
	}
	content := tagForm.ReplaceAllStringFunc(o.Content, func(tag string) string {
		if slices.Contains(keep, strings.ToLower(tagForm.FindStringSubmatch(tag)[2])) {
			return tag
		}
		return ""
	})
	c.SetText(&content, nil, nil, "less formatting")
	return nil
}
