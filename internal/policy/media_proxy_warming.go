package policy

// MediaProxyWarming fetches the media of posts when they arrive, so that the first
// who looks need not wait. It takes room and lets other servers know that we read.
type MediaProxyWarming struct{}

// WarmJob asks for copies of remote files.
type WarmJob struct {
	URLs []string `json:"urls"`
}

// maxWarmed bounds the files of one post that are fetched ahead.
const maxWarmed = 8

// Wants implements Rule.
func (MediaProxyWarming) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (MediaProxyWarming) Check(c *Case) error {
	o := c.Post()
	if o == nil || c.Local || c.Fetched || len(o.Attachments) == 0 {
		return nil
	}
	var j WarmJob
	for _, a := range o.Attachments[:min(len(o.Attachments), maxWarmed)] {
		if a.URL.Host() != "" && len(a.URL) < 2048 {
			j.URLs = append(j.URLs, string(a.URL))
		}
	}
	if len(j.URLs) > 0 {
		c.Ask(Job{Kind: "warm-media", Part: c.Host, Uniq: "warm " + string(o.ID), Payload: j})
	}
	return nil
}
