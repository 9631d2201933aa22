package mastodon

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"kenoma/internal/auth"
	"kenoma/internal/mastodon/contract"
)

// Every route is one that apps know, with scopes that exist, and only once.
func TestRoutes(t *testing.T) {
	param := regexp.MustCompile(`\{\w+\}`)
	seen := map[string]bool{}
	for _, e := range endpoints {
		method, path, _ := strings.Cut(param.ReplaceAllString(e.pattern, "1"), " ")
		if _, ok := contract.Returns(method, path); !ok && !strings.Contains(path, "pleroma") && !strings.Contains(path, "kenoma") && !strings.Contains(path, "/emoji_reactions/") && !strings.HasSuffix(path, "*") {
			t.Errorf("%s is not documented anywhere", e.pattern)
		}
		if seen[method+path] {
			t.Errorf("%s stands there twice", e.pattern)
		}
		seen[method+path] = true
		for _, scope := range e.access.scopes {
			if !slices.ContainsFunc(auth.Scopes, func(s auth.Scope) bool { return s.Name == scope }) {
				t.Errorf("%s wants the scope %s, which nobody can have", e.pattern, scope)
			}
		}
	}
	for pattern := range endpointLimits {
		if !slices.ContainsFunc(endpoints, func(e endpoint) bool { return e.pattern == pattern }) {
			t.Errorf("the limit of %s is for no route", pattern)
		}
	}
	for pattern := range uploads {
		if !slices.ContainsFunc(endpoints, func(e endpoint) bool { return e.pattern == pattern }) {
			t.Errorf("%s takes files and is no route", pattern)
		}
	}
}

func TestAccess(t *testing.T) {
	for scope, want := range map[string]access{
		"":                    {},
		"?read:statuses":      {scopes: []string{"read:statuses"}},
		"app":                 {token: true},
		"app write:accounts":  {token: true, scopes: []string{"write:accounts"}},
		"user":                {token: true, person: true},
		"read:follows|follow": {token: true, person: true, scopes: []string{"read:follows", "follow"}},
		"write:favourites":    {token: true, person: true, scopes: []string{"write:favourites"}},
	} {
		got := parseAccess(scope)
		if got.token != want.token || got.person != want.person || !slices.Equal(got.scopes, want.scopes) {
			t.Errorf("parseAccess(%q) = %+v, want %+v", scope, got, want)
		}
	}
}
