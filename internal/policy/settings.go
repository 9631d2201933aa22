package policy

import (
	"embed"
	"strings"

	"kenoma/internal/fault"
)

// Sources are the files of this package: the comments of the settings in them are
// the manual.
//
//go:embed *.go
var Sources embed.FS

// Settings are what the admin decides about the rules.
type Settings struct {
	// Policies are the rules that are on, in the order in which they are asked, beside
	// those about hosts, which always come first. Pleroma's names are taken too:
	// ObjectAgePolicy, Pleroma.Web.ActivityPub.MRF.ObjectAgePolicy.
	Policies []string `key:"policies" default:"ObjectAge,SpamWave,Newcomers" live:"true"`

	Simple    Simple    `key:"simple"`
	ObjectAge ObjectAge `key:"object_age"`
	SpamWave  SpamWave  `key:"spam_wave"`
	Newcomers Newcomers `key:"newcomers"`
}

// kinds are the rules by their names. Each is made of the settings.
var kinds = []struct {
	name string
	make func(*Settings) Rule
}{
	{"NoOp", func(*Settings) Rule { return NoOp{} }},
	{"Drop", func(*Settings) Rule { return Drop{} }},
	{"ObjectAge", func(s *Settings) Rule { return &s.ObjectAge }},
	{"SpamWave", func(s *Settings) Rule { return &s.SpamWave }},
	{"Newcomers", func(s *Settings) Rule { return &s.Newcomers }},
}

// Names are the names of all rules that can be on.
func Names() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// compiler is a rule whose settings can be wrong in ways of their own.
type compiler interface {
	// compile makes the rule ready, once, before it is asked.
	compile(*Settings) error
}

// Build makes the set of rules that the settings describe. hosts are the rules about
// hosts, which come first. The settings must not be changed afterwards.
func (s *Settings) Build(hosts *Hosts) (*Set, error) {
	s.Simple.hosts = hosts
	set := &Set{Rules: []Named{{"Simple", &s.Simple}}}
	for _, name := range s.Policies {
		rule, err := s.rule(name)
		if err != nil {
			return nil, err
		}
		if rule.Rule != nil {
			set.Rules = append(set.Rules, rule)
		}
	}
	return set, nil
}

// rule makes the rule of that name; one without Rule is there anyway.
func (s *Settings) rule(name string) (Named, error) {
	plain := PlainName(name)
	if plain == "Simple" {
		return Named{Name: plain}, nil
	}
	for _, k := range kinds {
		if k.name != plain {
			continue
		}
		rule := k.make(s)
		if c, ok := rule.(compiler); ok {
			if err := c.compile(s); err != nil {
				return Named{}, fault.Because(err, fault.Invalid, "The policy %s can't be set up: %v.", plain, err)
			}
		}
		return Named{plain, rule}, nil
	}
	return Named{}, fault.New(fault.Invalid, "There is no policy %s. There are: %s.", name, strings.Join(Names(), ", "))
}

// PlainName is the name of a rule without what Pleroma puts around it.
func PlainName(name string) string {
	name = name[strings.LastIndexByte(name, '.')+1:]
	return strings.TrimSuffix(strings.TrimSpace(name), "Policy")
}
