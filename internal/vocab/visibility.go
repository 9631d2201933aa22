package vocab

import "slices"

// Audience is a group of readers that needs no list of names.
type Audience uint8

// The audiences.
const (
	Nobody    Audience = iota
	Everyone           // The Public collection.
	Followers          // The author's followers collection.
)

// Visibility says who may read a post. Those who are mentioned may read it always.
type Visibility struct {
	Name      string   // As apps know it.
	Level     int16    // As stored. Never change one; a larger one is narrower.
	InTo      Audience // Where a post of this visibility is addressed.
	InCc      Audience
	Federates bool
}

// Visibilities lists every visibility, from widest to narrowest. It is the only
// place to touch when one is added.
//
// spec: ap#public-addressing, masto:entities/Status#visibility
var Visibilities = []Visibility{
	{Name: "public", Level: 0, InTo: Everyone, InCc: Followers, Federates: true},
	{Name: "unlisted", Level: 1, InTo: Followers, InCc: Everyone, Federates: true},
	{Name: "private", Level: 2, InTo: Followers, Federates: true},
	{Name: "direct", Level: 3, Federates: true},
}

// VisibilityOf returns the visibility of something addressed to these. followers
// is the author's true followers collection, "" if there is none: another one
// means nothing, so that nobody reaches the followers of somebody else.
func VisibilityOf(to, cc []IRI, followers IRI) Visibility {
	for _, v := range Visibilities {
		var match bool
		switch {
		case v.InTo == Everyone:
			match = slices.Contains(to, Public)
		case v.InCc == Everyone:
			match = slices.Contains(cc, Public)
		case v.InTo == Followers: // Some put them into cc only: it is as good.
			match = followers != "" && (slices.Contains(to, followers) || slices.Contains(cc, followers))
		}
		if match {
			return v
		}
	}
	return Visibilities[len(Visibilities)-1]
}

// VisibilityNamed returns the visibility of that name.
func VisibilityNamed(name string) (Visibility, bool) {
	for _, v := range Visibilities {
		if v.Name == name {
			return v, true
		}
	}
	return Visibility{}, false
}

// VisibilityLevel returns the visibility stored as level. An unknown level, of a
// newer version, is the narrowest.
func VisibilityLevel(level int16) Visibility {
	for _, v := range Visibilities {
		if v.Level == level {
			return v
		}
	}
	return Visibilities[len(Visibilities)-1]
}

// Audience returns how to address a post of this visibility: to its groups, and
// to those mentioned in cc, or in to where there is no group. Nobody is named
// twice. followers may be "".
func (v Visibility) Audience(followers IRI, mentioned []IRI) (to, cc []IRI) {
	to, cc = v.InTo.list(followers), v.InCc.list(followers)
	named := &cc
	if v.InTo == Nobody {
		named = &to
	}
	for _, who := range mentioned {
		if who != "" && !slices.Contains(to, who) && !slices.Contains(cc, who) {
			*named = append(*named, who)
		}
	}
	return to, cc
}

func (a Audience) list(followers IRI) []IRI {
	switch {
	case a == Everyone:
		return []IRI{Public}
	case a == Followers && followers != "":
		return []IRI{followers}
	}
	return nil
}
