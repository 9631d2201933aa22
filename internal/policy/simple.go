package policy

import "kenoma/internal/vocab"

// Simple does what the admin decided about hosts, as far as it changes what arrives.
// It is always on, and first. Silencing a host and refusing its media, avatars,
// banners and reports can be taken back: that is seen to when things are shown.
type Simple struct {
	// HandleThreads has posts refused too that answer one of a blocked host, or stand
	// in a thread that was begun there.
	HandleThreads bool `key:"handle_threads" default:"false"`

	// Refuse are hosts that the settings' file keeps out.
	Refuse RejectDomains

	hosts *Hosts
}

// NewSimple is the rule for hosts.
func NewSimple(hosts *Hosts, handleThreads bool) *Simple {
	return &Simple{HandleThreads: handleThreads, hosts: hosts}
}

// Wants implements Rule.
func (*Simple) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (s *Simple) Check(c *Case) error {
	if c.Local {
		return nil
	}
	rule := s.hosts.Of(c.Host)
	if rule.Suspend || s.Refuse.Refuses(c.Host) {
		return c.Reject("This server does not accept posts from %s.", c.Host)
	}
	if s.HandleThreads {
		if err := s.threads(c); err != nil {
			return err
		}
	}
	if rule.RejectDeletes && c.Activity.Type == "Delete" {
		return c.Reject("This server does not take deletions from %s.", c.Host)
	}
	if rule.FollowersOnly {
		c.FollowersOnly("so decided for " + c.Host)
	}
	if rule.MediaNSFW {
		if o := c.Post(); o != nil && len(o.Attachments) > 0 {
			c.MarkSensitive("so decided for " + c.Host)
		}
	}
	return nil
}

func (s *Simple) threads(c *Case) error {
	o := c.Post()
	if o == nil {
		return nil
	}
	for _, above := range []vocab.IRI{o.InReplyTo, vocab.IRI(o.Conversation)} {
		if host := above.Host(); host != "" && s.hosts.Refuses(host) {
			return c.Reject("This server takes no part in threads of %s.", host)
		}
	}
	return nil
}
