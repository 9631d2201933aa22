package main

type dbCmd struct {
	Migrate dbMigrateCmd `cmd:"" help:"Bring the schema up to date; a start does it too."`
	Rebuild dbRebuildCmd `cmd:"" help:"Make everything that is derived from the log anew."`
	Check   dbCheckCmd   `cmd:"" help:"Look for what must not be."`
}

type dbMigrateCmd struct{}

func (dbMigrateCmd) Run(e *env) error { return e.do("db migrate") }

type dbRebuildCmd struct{}

func (dbRebuildCmd) Run(e *env) error { return e.do("db rebuild") }

type dbCheckCmd struct{}

func (dbCheckCmd) Run(e *env) error { return e.do("db check") }

type inspectCmd struct {
	URI string `arg:"" help:"Id of an activity or object."`
}

func (c *inspectCmd) Run(e *env) error { return e.do("inspect", c.URI) }
