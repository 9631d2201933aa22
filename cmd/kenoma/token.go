package main

import "strconv"

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Print a new access token, alone."`
}

type tokenCreateCmd struct {
	named
	Scopes string `default:"read write follow push" help:"What it may do."`
}

func (c *tokenCreateCmd) Run(e *env) error { return e.do("token create", c.Name, c.Scopes) }

type inviteCmd struct {
	Create inviteCreateCmd `cmd:"" help:"Print a link with which people can sign up."`
	List   inviteListCmd   `cmd:"" help:"List the invites, with who made them and how often they were used."`
	Revoke inviteRevokeCmd `cmd:"" help:"End an invite."`
}

type inviteCreateCmd struct {
	Uses    int    `default:"1" help:"How many may use it; 0 is any number."`
	For     string `default:"720h" help:"For how long it works; 0s is for good."`
	Comment string `help:"For you."`
}

func (c *inviteCreateCmd) Run(e *env) error {
	return e.do("invite create", strconv.Itoa(c.Uses), c.For, c.Comment)
}

type inviteListCmd struct{}

func (inviteListCmd) Run(e *env) error { return e.do("invite list") }

type inviteRevokeCmd struct {
	Code string `arg:"" help:"Its code, as in the link."`
}

func (c *inviteRevokeCmd) Run(e *env) error { return e.do("invite revoke", c.Code) }
