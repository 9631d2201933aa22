package policy

import (
	"fmt"
	"regexp"
	"strings"
)

// Subchain applies other policies to some actors alone.
type Subchain struct {
	// MatchActor are patterns of the ids of actors with the policies that are asked
	// about what those do: "^https://example\\.org/ => ForceBotUnlisted Keyword". They
	// have the settings that they have everywhere.
	MatchActor []string `key:"match_actor"`

	chains []chain
}

type chain struct {
	actor *regexp.Regexp
	rules []Named
}

func (r *Subchain) compile(s *Settings) error {
	r.chains = nil
	for _, entry := range r.MatchActor {
		form, names, ok := strings.Cut(entry, "=>")
		if !ok {
			return fmt.Errorf("%q has no =>", entry)
		}
		re, err := regexp.Compile(strings.TrimSpace(form))
		if err != nil {
			return err
		}
		one := chain{actor: re}
		for _, name := range strings.FieldsFunc(names, func(r rune) bool { return r == ' ' || r == ',' }) {
			if PlainName(name) == "Subchain" {
				return fmt.Errorf("Subchain can't stand in itself")
			}
			rule, err := s.rule(name)
			if err != nil {
				return err
			}
			if rule.Rule != nil {
				one.rules = append(one.rules, rule)
			}
		}
		r.chains = append(r.chains, one)
	}
	return nil
}

// Wants implements Rule.
func (r *Subchain) Wants(c *Case) Want {
	var all Want
	for i := range r.chains {
		if r.chains[i].actor.MatchString(string(c.Activity.Actor)) {
			for _, rule := range r.chains[i].rules {
				all |= rule.Wants(c)
			}
		}
	}
	return all
}

// Check implements Rule.
func (r *Subchain) Check(c *Case) error {
	for i := range r.chains {
		if !r.chains[i].actor.MatchString(string(c.Activity.Actor)) {
			continue
		}
		for _, rule := range r.chains[i].rules {
			c.rule = "Subchain " + rule.Name
			if err := rule.Check(c); err != nil {
				return &refusal{c.rule, err}
			}
		}
	}
	return nil
}
