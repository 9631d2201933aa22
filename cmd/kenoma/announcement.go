package main

import "strconv"

type announcementCmd struct {
	Create announcementCreateCmd `cmd:"" help:"Announce something to everybody here."`
	List   announcementListCmd   `cmd:"" help:"List all announcements."`
	Delete announcementDeleteCmd `cmd:"" help:"Take an announcement back."`
}

type announcementCreateCmd struct {
	Text   string `arg:"" help:"What is announced, in Markdown."`
	Starts string `help:"When it begins: 2026-05-01, or 2026-05-01T18:00:00+02:00."`
	Ends   string `help:"When it ends; the announcement goes then."`
	AllDay bool   `help:"The times are whole days."`
	At     string `help:"When to publish it. Without, at once."`
}

func (c *announcementCreateCmd) Run(e *env) error {
	return e.do("announcement create", c.Text, c.Starts, c.Ends, strconv.FormatBool(c.AllDay), c.At)
}

type announcementListCmd struct{}

func (announcementListCmd) Run(e *env) error { return e.do("announcement list") }

type announcementDeleteCmd struct {
	ID string `arg:"" help:"Number of the announcement, as list shows it."`
}

func (c *announcementDeleteCmd) Run(e *env) error { return e.do("announcement delete", c.ID) }
