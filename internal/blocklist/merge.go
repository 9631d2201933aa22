package blocklist

import (
	"maps"
	"slices"
	"strings"

	"kenoma/internal/fault"
)

// Source is a list that counts.
type Source struct {
	Name    string
	Cap     string // The hardest severity that is taken from it. "": any.
	Allow   bool   // What it names is never kept out because of other lists.
	Entries []Entry
}

// Rules say how lists are merged. The zero value takes the hardest that any list says.
type Rules struct {
	// Combine says what stands where lists differ about a host: "max" the hardest, "min"
	// the mildest. "": max.
	Combine string `json:"combine"`
	// Needs is how many lists must name a host. 0 means 1.
	Needs int `json:"needs"`
	// Cap is the hardest severity that lists may bring. "": suspend.
	Cap string `json:"cap"`
	// Except are hosts that lists have no say in, with those below them.
	Except []string `json:"except"`
	// AskAbove is how many follows of ours a list may end by suspending a host without
	// being asked for. More wait until an admin applies them.
	AskAbove int64 `json:"ask_above"`
}

// MaxExcept bounds the hosts that lists have no say in.
const MaxExcept = 1000

// Check puts rules in order; the error is Invalid.
func (r *Rules) Check() error {
	switch {
	case r.Combine != "" && r.Combine != "max" && r.Combine != "min":
		return fault.New(fault.Invalid, "Lists are combined by max or min.")
	case r.Needs < 0 || r.Needs > 100:
		return fault.New(fault.Invalid, "The number of lists that must name a host is from 1 to 100.")
	case r.Cap != "" && level(r.Cap) < 0:
		return fault.New(fault.Invalid, "The hardest severity is noop, silence or suspend.")
	case r.AskAbove < 0:
		return fault.New(fault.Invalid, "The number of follows is not negative.")
	case len(r.Except) > MaxExcept:
		return fault.New(fault.Invalid, "At most %d hosts can be excepted.", MaxExcept)
	}
	var except []string
	for _, d := range r.Except {
		domain, reason := Domain(d)
		if reason != "" {
			return fault.New(fault.Invalid, "%s: %s.", d, reason)
		}
		except = append(except, domain)
	}
	slices.Sort(except)
	r.Except = slices.Compact(except)
	return nil
}

// Merged is what the lists together say of a host.
type Merged struct {
	Entry
	From []string // Names of the lists.
}

// Merge puts the sources together, by domain.
func Merge(sources []Source, rules Rules) []Merged {
	spared := map[string]bool{}
	for _, d := range rules.Except {
		spared[d] = true
	}
	found := map[string]*Merged{}
	for _, s := range sources {
		for _, e := range s.Entries {
			if s.Allow {
				spared[e.Domain] = true
				continue
			}
			e.Severity = milder(e.Severity, s.Cap)
			had := found[e.Domain]
			if had == nil {
				found[e.Domain] = &Merged{Entry: e, From: []string{s.Name}}
				continue
			}
			had.From = append(had.From, s.Name)
			if rules.Combine == "min" {
				had.Entry = softer(had.Entry, e)
			} else {
				had.Entry = harder(had.Entry, e)
			}
		}
	}
	var all []Merged
	for _, domain := range slices.Sorted(maps.Keys(found)) {
		m := found[domain]
		m.Severity = milder(m.Severity, rules.Cap)
		if len(m.From) >= max(rules.Needs, 1) && !within(domain, spared) && !void(m.Entry) {
			all = append(all, *m)
		}
	}
	return uncovered(all)
}

// uncovered leaves out what a rule about a host above says already. One that is milder
// than that would let more in, which nobody asked for.
func uncovered(all []Merged) []Merged {
	at := map[string]*Merged{}
	for i := range all {
		at[all[i].Domain] = &all[i]
	}
	var left []Merged
	for _, m := range all {
		if above := Above(m.Domain, func(d string) bool { return at[d] != nil }); above != "" {
			both := harder(m.Entry, at[above].Entry)
			m.Severity, m.RejectMedia, m.RejectReports = both.Severity, both.RejectMedia, both.RejectReports
			if a := at[above].Entry; a.Severity == m.Severity && a.RejectMedia == m.RejectMedia && a.RejectReports == m.RejectReports {
				continue
			}
		}
		left = append(left, m)
	}
	return left
}

// Above returns the closest domain above one that a set has; "" for none.
func Above(domain string, has func(string) bool) string {
	for {
		_, above, ok := strings.Cut(domain, ".")
		if !ok {
			return ""
		}
		if has(above) {
			return above
		}
		domain = above
	}
}

// void tells whether an entry does nothing.
func void(e Entry) bool { return e.Severity == "noop" && !e.RejectMedia && !e.RejectReports }

// within tells whether a set has a domain or one above it.
func within(domain string, set map[string]bool) bool {
	for {
		if set[domain] {
			return true
		}
		_, above, ok := strings.Cut(domain, ".")
		if !ok {
			return false
		}
		domain = above
	}
}

// milder is the mildest of a severity and a cap.
func milder(severity, most string) string {
	if most != "" && level(most) < level(severity) {
		return most
	}
	return severity
}

// harder is what two entries about a host say together.
func harder(a, b Entry) Entry {
	if level(b.Severity) > level(a.Severity) {
		a.Severity = b.Severity
	}
	a.RejectMedia, a.RejectReports, a.Obfuscate = a.RejectMedia || b.RejectMedia, a.RejectReports || b.RejectReports, a.Obfuscate || b.Obfuscate
	a.PublicComment, a.PrivateNotes = joined(a.PublicComment, b.PublicComment), joined(a.PrivateNotes, b.PrivateNotes)
	return a
}

// softer is what two entries about a host agree on.
func softer(a, b Entry) Entry {
	if level(b.Severity) < level(a.Severity) {
		a.Severity = b.Severity
	}
	a.RejectMedia, a.RejectReports, a.Obfuscate = a.RejectMedia && b.RejectMedia, a.RejectReports && b.RejectReports, a.Obfuscate || b.Obfuscate
	a.PublicComment, a.PrivateNotes = joined(a.PublicComment, b.PublicComment), joined(a.PrivateNotes, b.PrivateNotes)
	return a
}

// joined is two comments, each part once.
func joined(a, b string) string {
	switch {
	case b == "" || strings.Contains(a, b):
		return a
	case a == "":
		return b
	}
	return cut(a+"; "+b, maxComment)
}
