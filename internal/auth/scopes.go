package auth

import (
	"slices"
	"strings"

	"kenoma/internal/fault"
)

// Scope is something that an app may be allowed to do.
type Scope struct {
	Name string
	// Says is what the consent page tells the person. "" for parts of a larger scope.
	Says string
}

// Scopes lists every scope; a name contains those that begin with it and a colon.
//
// spec: masto:api/oauth-scopes
var Scopes = []Scope{
	{"profile", "see who you are, nothing else"},
	{"read", "read all of your account: posts, messages, notifications and settings"},
	{"read:accounts", "see accounts"}, {"read:blocks", "see whom you block"}, {"read:bookmarks", "see your bookmarks"}, {"read:favourites", "see your favourites"},
	{"read:filters", "see your filters"}, {"read:follows", "see whom you follow"}, {"read:lists", "see your lists"}, {"read:mutes", "see whom you mute"},
	{"read:notifications", "see your notifications"}, {"read:search", "search for you"}, {"read:statuses", "see posts"}, {"read:collections", "see collections"},
	{"write", "post, delete and change all of your account"},
	{"write:accounts", "change your profile"}, {"write:blocks", "block accounts"}, {"write:bookmarks", "bookmark posts"}, {"write:conversations", "mute and delete conversations"},
	{"write:favourites", "favour posts"}, {"write:filters", "change your filters"}, {"write:follows", "follow and unfollow people"}, {"write:lists", "change your lists"},
	{"write:media", "upload files"}, {"write:mutes", "mute people and conversations"}, {"write:notifications", "clear your notifications"}, {"write:reports", "report people"},
	{"write:statuses", "post and delete posts"}, {"write:collections", "change collections"},
	{"follow", "follow, block and mute people"},
	{"push", "send you push notifications"},
	{"admin:read", "see everything that moderators see"},
	{"admin:read:accounts", "see accounts as moderators do"}, {"admin:read:reports", "see reports"}, {"admin:read:domain_allows", "see allowed hosts"},
	{"admin:read:domain_blocks", "see blocked hosts"}, {"admin:read:ip_blocks", "see blocked addresses"}, {"admin:read:email_domain_blocks", "see blocked e-mail hosts"},
	{"admin:read:canonical_email_blocks", "see blocked e-mail addresses"},
	{"admin:read:invites", "see invites"},
	{"admin:write", "moderate the server"}, {"admin:write:invites", "make and revoke invites"},
	{"admin:write:accounts", "moderate accounts"}, {"admin:write:reports", "handle reports"}, {"admin:write:domain_allows", "allow hosts"},
	{"admin:write:domain_blocks", "block hosts"}, {"admin:write:ip_blocks", "block addresses"}, {"admin:write:email_domain_blocks", "block e-mail hosts"},
	{"admin:write:canonical_email_blocks", "block e-mail addresses"},
}

// followScope is the old scope and what it stands for.
//
// spec: masto:api/oauth-scopes#follow
var followScope = []string{"read:blocks", "write:blocks", "read:follows", "write:follows", "read:mutes", "write:mutes"}

// Grant is a set of scopes.
type Grant []string

// ParseScopes reads a list of scopes separated by spaces (or commas, or pluses);
// "" means read. The error is Invalid and names what is unknown.
func ParseScopes(text string) (Grant, error) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '+' || r == '\n' })
	if len(fields) == 0 {
		return Grant{"read"}, nil
	}
	var g Grant
	for _, f := range fields {
		if f == "openid" || f == "admin" { // Asked for by some; admin is both halves.
			if f == "admin" {
				g = append(g, "admin:read", "admin:write")
			}
			continue
		}
		if !slices.ContainsFunc(Scopes, func(s Scope) bool { return s.Name == f }) {
			return nil, fault.New(fault.Invalid, "The requested scope is invalid, unknown, or malformed.")
		}
		if !slices.Contains(g, f) {
			g = append(g, f)
		}
	}
	if len(g) == 0 {
		return Grant{"read"}, nil
	}
	return g, nil
}

// String is the list as it was asked for.
func (g Grant) String() string { return strings.Join(g, " ") }

// Allows tells whether the grant contains a scope, itself or by a larger one.
func (g Grant) Allows(scope string) bool {
	for _, have := range g {
		if have == scope || strings.HasPrefix(scope, have+":") || have == "follow" && slices.Contains(followScope, scope) {
			return true
		}
	}
	return false
}

// Within tells whether every scope of g is contained in all.
func (g Grant) Within(all Grant) bool {
	for _, s := range g {
		if !all.Allows(s) {
			return false
		}
	}
	return true
}

// Sentences is what a grant allows, in words, under a heading.
type Sentences struct {
	Heading string
	Lines   []string
}

// headings group scopes by how their names begin, in the order of the page.
var headings = []struct{ prefix, heading string }{
	{"profile", "Who you are"},
	{"read", "Reading"},
	{"write", "Acting in your name"},
	{"follow", "Acting in your name"},
	{"push", "Notifications"},
	{"admin:read", "Reading as a moderator"},
	{"admin:write", "Acting as a moderator"},
}

// InWords says what a grant allows, grouped. What a larger scope contains is not
// said again.
func (g Grant) InWords() []Sentences {
	var groups []Sentences
	for _, h := range headings {
		for _, s := range Scopes {
			if !slices.Contains(g, s.Name) || s.Name != h.prefix && !strings.HasPrefix(s.Name, h.prefix+":") || g.containsLarger(s.Name) {
				continue
			}
			if n := len(groups); n == 0 || groups[n-1].Heading != h.heading {
				groups = append(groups, Sentences{Heading: h.heading})
			}
			last := &groups[len(groups)-1]
			last.Lines = append(last.Lines, s.Says)
		}
	}
	return groups
}

// containsLarger tells whether g has a scope of which this one is a part.
func (g Grant) containsLarger(scope string) bool {
	return slices.ContainsFunc(g, func(have string) bool { return have != scope && Grant{have}.Allows(scope) })
}
