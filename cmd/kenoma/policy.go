package main

import (
	"os"
	"strconv"
	"strings"
)

type policyCmd struct {
	List     policyListCmd     `cmd:"" help:"Show the settings of the policies and the scripts."`
	Set      policySetCmd      `cmd:"" help:"Change a setting; it holds at once."`
	Unset    policyUnsetCmd    `cmd:"" help:"Take a change back."`
	Rehearse policyRehearseCmd `cmd:"" help:"Show what policies would have done with what came last. Nothing is changed."`
}

type policyListCmd struct{}

func (policyListCmd) Run(e *env) error { return e.do("policy list") }

type policySetCmd struct {
	Key   string `arg:"" help:"Key of the setting, such as keyword.reject."`
	Value string `arg:"" help:"Its value; a list in JSON."`
}

func (c *policySetCmd) Run(e *env) error { return e.do("policy set", c.Key, c.Value) }

type policyUnsetCmd struct {
	Key string `arg:"" help:"Key of the setting."`
}

func (c *policyUnsetCmd) Run(e *env) error { return e.do("policy unset", c.Key) }

type policyRehearseCmd struct {
	Last   int      `default:"1000" help:"How many activities are looked at, the newest."`
	Set    []string `sep:"none" help:"Settings over those in force: keyword.reject=[\"casino\"]." placeholder:"KEY=VALUE"`
	Script string   `help:"File with a script that is tried alone." placeholder:"FILE"`
	Block  []string `help:"Hosts that are blocked, tried alone."`
}

// Run reads the script here: the server may be elsewhere.
func (c *policyRehearseCmd) Run(e *env) error {
	source := ""
	if c.Script != "" {
		text, err := os.ReadFile(c.Script)
		if err != nil {
			return err
		}
		source = string(text)
	}
	return e.do("policy rehearse", strconv.Itoa(c.Last), strings.Join(c.Set, "\n"), source, strings.Join(c.Block, "\n"))
}
