package main

import (
	"fmt"
	"io"
	"os"

	"kenoma/internal/config"
	"kenoma/internal/control"
)

// siteSettings are the settings that can be changed while the server runs.
func siteSettings(c *config.Config) []control.SiteSetting {
	var list []control.SiteSetting
	for _, s := range c.Site() {
		list = append(list, control.SiteSetting{Key: s.Key, Value: s.Value, From: s.From, Editable: s.Editable(), Check: s.Check})
	}
	return list
}

// text is the one given, or what a file holds; "-" is standard input.
func (e *env) text(given, file string) (string, error) {
	switch file {
	case "":
		return given, nil
	case "-":
		b, err := io.ReadAll(io.LimitReader(e.in, 512<<10))
		return string(b), err
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if info.Size() > 512<<10 {
		return "", fmt.Errorf("%s is too large", file)
	}
	b, err := os.ReadFile(file)
	return string(b), err
}

type settingCmd struct {
	List  settingListCmd  `cmd:"" help:"List the settings that can be changed while the server runs."`
	Get   settingGetCmd   `cmd:"" help:"Print one of them."`
	Set   settingSetCmd   `cmd:"" help:"Change one of them."`
	Unset settingUnsetCmd `cmd:"" help:"Take the change back."`
}

type settingListCmd struct{}

func (settingListCmd) Run(e *env) error { return e.do("setting list") }

type settingGetCmd struct {
	Key string `arg:"" help:"Key of the setting."`
}

func (c *settingGetCmd) Run(e *env) error { return e.do("setting get", c.Key) }

type settingSetCmd struct {
	Key   string `arg:"" help:"Key of the setting."`
	Value string `arg:"" optional:"" help:"Its value."`
	File  string `help:"File with the value; - is standard input." placeholder:"FILE"`
}

func (c *settingSetCmd) Run(e *env) error {
	value, err := e.text(c.Value, c.File)
	if err != nil {
		return err
	}
	return e.do("setting set", c.Key, value)
}

type settingUnsetCmd struct {
	Key string `arg:"" help:"Key of the setting."`
}

func (c *settingUnsetCmd) Run(e *env) error { return e.do("setting unset", c.Key) }

type ruleCmd struct {
	List      ruleListCmd      `cmd:"" help:"List the rules that members agree to."`
	Add       ruleAddCmd       `cmd:"" help:"Add a rule."`
	Translate ruleTranslateCmd `cmd:"" help:"Say a rule in another language."`
	Remove    ruleRemoveCmd    `cmd:"" help:"Remove a rule."`
}

type ruleListCmd struct{}

func (ruleListCmd) Run(e *env) error { return e.do("rule list") }

type ruleAddCmd struct {
	Text string `arg:"" help:"The rule."`
	Hint string `help:"What it means, at more length."`
}

func (c *ruleAddCmd) Run(e *env) error { return e.do("rule add", c.Text, c.Hint) }

type ruleTranslateCmd struct {
	ID       string `arg:"" help:"Number of the rule."`
	Language string `arg:"" help:"Code of the language: de."`
	Text     string `arg:"" optional:"" help:"The rule; without it the translation is removed."`
	Hint     string `help:"What it means, at more length."`
}

func (c *ruleTranslateCmd) Run(e *env) error {
	return e.do("rule translate", c.ID, c.Language, c.Text, c.Hint)
}

type ruleRemoveCmd struct {
	ID string `arg:"" help:"Number of the rule."`
}

func (c *ruleRemoveCmd) Run(e *env) error { return e.do("rule remove", c.ID) }

type termsCmd struct {
	List   termsListCmd   `cmd:"" help:"List the versions of the terms of service."`
	Set    termsSetCmd    `cmd:"" help:"Write the version that holds from a day on."`
	Remove termsRemoveCmd `cmd:"" help:"Remove a version."`
}

type termsListCmd struct{}

func (termsListCmd) Run(e *env) error { return e.do("terms list") }

type termsSetCmd struct {
	From string `arg:"" help:"The day: 2026-12-31."`
	Text string `arg:"" optional:"" help:"The terms, in Markdown."`
	File string `help:"File with the terms; - is standard input." placeholder:"FILE"`
}

func (c *termsSetCmd) Run(e *env) error {
	text, err := e.text(c.Text, c.File)
	if err != nil {
		return err
	}
	return e.do("terms set", c.From, text)
}

type termsRemoveCmd struct {
	From string `arg:"" help:"The day from which on they hold."`
}

func (c *termsRemoveCmd) Run(e *env) error { return e.do("terms remove", c.From) }
