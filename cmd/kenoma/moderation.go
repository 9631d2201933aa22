package main

import "strconv"

type auditCmd struct {
	Limit int    `default:"50" help:"How many entries, the newest."`
	By    string `help:"Only what this account did."`
}

// Run prints what moderators did.
func (c *auditCmd) Run(e *env) error { return e.do("audit", strconv.Itoa(c.Limit), c.By) }

type userModerateCmd struct {
	Handle string `arg:"" help:"Name, or name@host."`
	Action string `arg:"" enum:"none,sensitive,disable,silence,suspend,unsensitive,enable,unsilence,unsuspend" help:"One of ${enum}."`
	Text   string `help:"What the person is told, by notification and mail."`
}

func (c *userModerateCmd) Run(e *env) error {
	return e.do("user moderate", c.Handle, c.Action, c.Text)
}

type appealCmd struct {
	List    appealListCmd    `cmd:"" help:"List the appeals that wait for an answer."`
	Approve appealApproveCmd `cmd:"" help:"Grant an appeal; the decision is taken back."`
	Reject  appealRejectCmd  `cmd:"" help:"Reject an appeal."`
}

type appealListCmd struct{}

func (appealListCmd) Run(e *env) error { return e.do("appeal list") }

type appealApproveCmd struct {
	ID string `arg:"" help:"Number of the appeal."`
}

func (c *appealApproveCmd) Run(e *env) error { return e.do("appeal approve", c.ID) }

type appealRejectCmd struct {
	ID string `arg:"" help:"Number of the appeal."`
}

func (c *appealRejectCmd) Run(e *env) error { return e.do("appeal reject", c.ID) }

type presetCmd struct {
	List   presetListCmd   `cmd:"" help:"List the texts."`
	Add    presetAddCmd    `cmd:"" help:"Add a text."`
	Remove presetRemoveCmd `cmd:"" help:"Remove a text."`
}

type presetListCmd struct{}

func (presetListCmd) Run(e *env) error { return e.do("preset list") }

type presetAddCmd struct {
	Title string `arg:"" help:"Title, for moderators."`
	Text  string `arg:"" help:"Text of the warning."`
}

func (c *presetAddCmd) Run(e *env) error { return e.do("preset add", c.Title, c.Text) }

type presetRemoveCmd struct {
	ID string `arg:"" help:"Number of the text."`
}

func (c *presetRemoveCmd) Run(e *env) error { return e.do("preset remove", c.ID) }
