package main

type relayCmd struct {
	List   relayListCmd   `cmd:"" help:"List the relays that are subscribed to, and the members of this server's own."`
	Add    relayAddCmd    `cmd:"" help:"Subscribe to a relay."`
	Remove relayRemoveCmd `cmd:"" help:"Leave a relay, or end a membership."`
	Accept relayAcceptCmd `cmd:"" help:"Let a server become a member of this server's own relay."`
	Reject relayRejectCmd `cmd:"" help:"Refuse that, also later."`
}

type relayListCmd struct{}

func (relayListCmd) Run(e *env) error { return e.do("relay list") }

type relayAddCmd struct {
	Address string `arg:"" help:"Address of its actor (https://relay.example/actor), or of its inbox (https://relay.example/inbox) to follow it as Mastodon does."`
}

func (c *relayAddCmd) Run(e *env) error { return e.do("relay add", c.Address) }

// relayArg names a relay or member.
type relayArg struct {
	Relay string `arg:"" help:"Number, host or address, as the list shows it."`
}

type relayRemoveCmd struct{ relayArg }

func (c *relayRemoveCmd) Run(e *env) error { return e.do("relay remove", c.Relay) }

type relayAcceptCmd struct{ relayArg }

func (c *relayAcceptCmd) Run(e *env) error { return e.do("relay accept", c.Relay) }

type relayRejectCmd struct{ relayArg }

func (c *relayRejectCmd) Run(e *env) error { return e.do("relay reject", c.Relay) }
