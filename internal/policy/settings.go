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
	Policies []string `key:"policies" default:"ObjectAge,Tag,Hashtag,DirectMessageDisabled,SpamWave,Newcomers"`

	// Transparency shows everybody, in NodeInfo, which policies are on and what is
	// decided about hosts.
	Transparency bool `key:"transparency" default:"true"`

	// TransparencyExclusions are hosts that are left out of it; that some are is said.
	TransparencyExclusions []string `key:"transparency_exclusions"`

	// TransparencyObfuscateDomains shows the names of hosts with stars in it.
	TransparencyObfuscateDomains bool `key:"transparency_obfuscate_domains" default:"false"`

	Simple                         Simple                         `key:"simple"`
	Script                         ScriptSettings                 `key:"script"`
	ObjectAge                      ObjectAge                      `key:"object_age"`
	Keyword                        Keyword                        `key:"keyword"`
	Hashtag                        Hashtag                        `key:"hashtag"`
	Hellthread                     Hellthread                     `key:"hellthread"`
	Mention                        Mention                        `key:"mention"`
	RejectNonPublic                RejectNonPublic                `key:"reject_non_public"`
	UserAllowList                  UserAllowList                  `key:"user_allow_list"`
	Vocabulary                     Vocabulary                     `key:"vocabulary"`
	Subchain                       Subchain                       `key:"subchain"`
	SpamWave                       SpamWave                       `key:"spam_wave"`
	Newcomers                      Newcomers                      `key:"newcomers"`
	AntiMentionSpam                AntiMentionSpam                `key:"anti_mention_spam"`
	ActivityExpiration             ActivityExpiration             `key:"activity_expiration"`
	NormalizeMarkup                NormalizeMarkup                `key:"normalize_markup"`
	StealEmoji                     StealEmoji                     `key:"steal_emoji"`
	InlineQuote                    InlineQuote                    `key:"inline_quote"`
	RejectNewlyCreatedAccountNotes RejectNewlyCreatedAccountNotes `key:"reject_newly_created_account_notes"`
}

// Setting is a setting as admins see it.
type Setting struct {
	Key     string // Without "policy.": keyword.reject.
	Value   any    // A text, number, truth or list of texts.
	Default string
	From    string // "default", "database", the file with the line, or "environment".
	Locked  bool   // File or environment has it.
	Allowed string
	Doc     string
}

// kinds are the rules by their names. Each is made of the settings.
var kinds = []struct {
	name string
	make func(*Settings) Rule
}{
	{"NoOp", func(*Settings) Rule { return NoOp{} }},
	{"Drop", func(*Settings) Rule { return Drop{} }},
	{"Tag", func(*Settings) Rule { return Tag{} }},
	{"ObjectAge", func(s *Settings) Rule { return &s.ObjectAge }},
	{"SpamWave", func(s *Settings) Rule { return &s.SpamWave }},
	{"Newcomers", func(s *Settings) Rule { return &s.Newcomers }},
	{"Keyword", func(s *Settings) Rule { return &s.Keyword }},
	{"Hashtag", func(s *Settings) Rule { return &s.Hashtag }},
	{"Hellthread", func(s *Settings) Rule { return &s.Hellthread }},
	{"Mention", func(s *Settings) Rule { return &s.Mention }},
	{"RejectNonPublic", func(s *Settings) Rule { return &s.RejectNonPublic }},
	{"UserAllowList", func(s *Settings) Rule { return &s.UserAllowList }},
	{"Vocabulary", func(s *Settings) Rule { return &s.Vocabulary }},
	{"Subchain", func(s *Settings) Rule { return &s.Subchain }},
	{"AntiFollowbot", func(*Settings) Rule { return AntiFollowbot{} }},
	{"AntiLinkSpam", func(*Settings) Rule { return AntiLinkSpam{} }},
	{"AntiMentionSpam", func(s *Settings) Rule { return &s.AntiMentionSpam }},
	{"ActivityExpiration", func(s *Settings) Rule { return &s.ActivityExpiration }},
	{"EnsureRePrepended", func(*Settings) Rule { return EnsureRePrepended{} }},
	{"ForceBotUnlisted", func(*Settings) Rule { return ForceBotUnlisted{} }},
	{"MediaProxyWarming", func(*Settings) Rule { return MediaProxyWarming{} }},
	{"NoEmpty", func(*Settings) Rule { return NoEmpty{} }},
	{"NoPlaceholderText", func(*Settings) Rule { return NoPlaceholderText{} }},
	{"NormalizeMarkup", func(s *Settings) Rule { return &s.NormalizeMarkup }},
	{"StealEmoji", func(s *Settings) Rule { return &s.StealEmoji }},
	{"InlineQuote", func(s *Settings) Rule { return &s.InlineQuote }},
	{"DirectMessageDisabled", func(*Settings) Rule { return DirectMessageDisabled{} }},
	{"RejectNewlyCreatedAccountNotes", func(s *Settings) Rule { return &s.RejectNewlyCreatedAccountNotes }},
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
