package main

import (
	"fmt"
	"os"
	"strconv"
)

type blocksCmd struct {
	List        blocksListCmd        `cmd:"" help:"List the rules about hosts, and who decided."`
	Why         blocksWhyCmd         `cmd:"" help:"Tell why there is a rule about a host."`
	Import      blocksImportCmd      `cmd:"" help:"Take rules from a file: CSV of Mastodon, Oliphant or FediBlockHole, JSON, or a host a line."`
	Export      blocksExportCmd      `cmd:"" help:"Print the rules as Mastodon's CSV."`
	Subscribe   blocksSubscribeCmd   `cmd:"" help:"Follow a list at an address: what it names is kept out, what it names no more is let in."`
	Unsubscribe blocksUnsubscribeCmd `cmd:"" help:"End that; what nothing else backs is lifted."`
	Lists       blocksListsCmd       `cmd:"" help:"List what is subscribed to."`
	Refresh     blocksRefreshCmd     `cmd:"" help:"Fetch all lists now."`
	Plan        blocksPlanCmd        `cmd:"" help:"Print what the lists would change, and whom it concerns."`
	Apply       blocksApplyCmd       `cmd:"" help:"Apply it now."`
	Rules       blocksRulesCmd       `cmd:"" help:"Show or change how lists are merged."`
	Except      blocksExceptCmd      `cmd:"" help:"Let lists have no say in a host and those below it."`
}

type blocksListCmd struct{}

func (blocksListCmd) Run(e *env) error { return e.do("blocks list") }

type blocksWhyCmd struct {
	Host string `arg:"" help:"The host."`
}

func (c *blocksWhyCmd) Run(e *env) error { return e.do("blocks why", c.Host) }

type blocksImportCmd struct {
	File      string `arg:"" help:"The list." type:"existingfile"`
	As        string `help:"Keep it as a list of that name, which the next file of that name replaces. Without it the file makes decisions of yours."`
	Allow     bool   `help:"It names hosts that are fine: they are let in where federation is limited; with --as other lists have no say in them."`
	Overwrite bool   `help:"Change rules that there are."`
	DryRun    bool   `help:"Print what would change as a list, and change nothing."`
}

// mostList is what goes through the socket, in bytes: a host has about 60.
const mostList = 600 << 10

// Run reads the file here: the server may be in another folder.
func (c *blocksImportCmd) Run(e *env) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	if len(text) > mostList {
		return fmt.Errorf("the list has %d kB; up to %d can be imported at once: split it, or subscribe to it at an address", len(text)>>10, mostList>>10)
	}
	return e.do("blocks import", string(text), c.As, strconv.FormatBool(c.Allow), strconv.FormatBool(c.Overwrite), strconv.FormatBool(c.DryRun))
}

type blocksExportCmd struct {
	Allow   bool `help:"The hosts that are let in, where federation is limited."`
	Private bool `help:"With the comments that only the staff sees."`
}

func (c *blocksExportCmd) Run(e *env) error {
	return e.do("blocks export", strconv.FormatBool(c.Allow), strconv.FormatBool(c.Private))
}

type blocksSubscribeCmd struct {
	URL    string `arg:"" name:"url" help:"Its address."`
	Name   string `help:"What it is called here. Empty means its host."`
	AtMost string `enum:",noop,silence,suspend" default:"" help:"The hardest severity that is taken from it."`
	Every  string `default:"24h" help:"How often it is fetched."`
	Allow  bool   `help:"It names hosts that are fine: other lists have no say in them."`
	DryRun bool   `help:"Print what would change and whom it concerns, and change nothing."`
}

func (c *blocksSubscribeCmd) Run(e *env) error {
	return e.do("blocks subscribe", c.URL, c.Name, c.AtMost, c.Every, strconv.FormatBool(c.Allow), strconv.FormatBool(c.DryRun))
}

type blocksUnsubscribeCmd struct {
	Name string `arg:"" help:"The list's name."`
}

func (c *blocksUnsubscribeCmd) Run(e *env) error { return e.do("blocks unsubscribe", c.Name) }

type blocksListsCmd struct{}

func (blocksListsCmd) Run(e *env) error { return e.do("blocks lists") }

type blocksRefreshCmd struct{}

func (blocksRefreshCmd) Run(e *env) error { return e.do("blocks refresh") }

type blocksPlanCmd struct{}

func (blocksPlanCmd) Run(e *env) error { return e.do("blocks plan") }

type blocksApplyCmd struct {
	Held bool `help:"Also what ends many follows and waits for your yes."`
}

func (c *blocksApplyCmd) Run(e *env) error { return e.do("blocks apply", strconv.FormatBool(c.Held)) }

type blocksRulesCmd struct {
	Combine  string `enum:",max,min" default:"" help:"What stands where lists differ: max the hardest, min the mildest."`
	Needs    *int   `help:"How many lists must name a host."`
	Cap      string `enum:",noop,silence,suspend" default:"" help:"The hardest severity that lists may bring."`
	AskAbove *int   `help:"How many follows of people here a list may end without asking you."`
}

func (c *blocksRulesCmd) Run(e *env) error {
	return e.do("blocks rules", c.Combine, orEmpty(c.Needs), c.Cap, orEmpty(c.AskAbove))
}

func orEmpty(n *int) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

type blocksExceptCmd struct {
	Host string `arg:"" help:"The host."`
	Undo bool   `help:"Take the exception back."`
}

func (c *blocksExceptCmd) Run(e *env) error {
	return e.do("blocks except", c.Host, strconv.FormatBool(c.Undo))
}
