package main

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Print a new access token, alone."`
}

type tokenCreateCmd struct {
	named
	Scopes string `default:"read write follow push" help:"What it may do."`
}

func (c *tokenCreateCmd) Run(e *env) error { return e.do("token create", c.Name, c.Scopes) }

type inviteCmd struct {
	Create inviteCreateCmd `cmd:"" help:"Print a link with which one person can sign up."`
}

type inviteCreateCmd struct{}

func (inviteCreateCmd) Run(e *env) error { return e.do("invite create") }
