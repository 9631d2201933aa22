package auth

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseScopes(t *testing.T) {
	for _, tt := range []struct{ text, want string }{ // "!" is an error.
		{"", "read"},
		{"  ", "read"},
		{"read write follow push", "read write follow push"},
		{"read+write", "read write"},
		{"read,write", "read write"},
		{"read read", "read"},
		{"write:statuses read:accounts", "write:statuses read:accounts"},
		{"admin", "admin:read admin:write"},
		{"admin admin:read", "admin:read admin:write"},
		{"admin:write:reports", "admin:write:reports"},
		{"openid profile", "profile"},
		{"openid", "read"},
		{"nonsense", "!"},
		{"read nonsense", "!"},
		{"READ", "!"},
		{"read:nonsense", "!"},
		{"write:", "!"},
	} {
		g, err := ParseScopes(tt.text)
		got := g.String()
		if err != nil {
			got = "!"
		}
		if got != tt.want {
			t.Errorf("ParseScopes(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestAllows(t *testing.T) {
	for _, tt := range []struct {
		grant, scope string
		want         bool
	}{
		{"read", "read", true},
		{"read", "read:statuses", true},
		{"read", "write:statuses", false},
		{"read", "profile", false},
		{"read:statuses", "read", false},
		{"read:statuses", "read:accounts", false},
		{"write", "write:media", true},
		{"follow", "write:follows", true},
		{"follow", "read:mutes", true},
		{"follow", "write:blocks", true},
		{"follow", "write:statuses", false},
		{"read write", "push", false},
		{"admin:read", "admin:read:accounts", true},
		{"admin:read", "admin:write:accounts", false},
		{"read write", "admin:read", false},
		{"profile", "read:accounts", false},
		{"", "read", false},
	} {
		if got := Grant(strings.Fields(tt.grant)).Allows(tt.scope); got != tt.want {
			t.Errorf("%q allows %s: %t, want %t", tt.grant, tt.scope, got, tt.want)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, tt := range []struct {
		part, all string
		want      bool
	}{
		{"read", "read write", true},
		{"read:statuses write:media", "read write", true},
		{"read write", "read", false},
		{"follow", "read write", false},
		{"read", "read:statuses", false},
		{"", "read", true},
	} {
		if got := Grant(strings.Fields(tt.part)).Within(strings.Fields(tt.all)); got != tt.want {
			t.Errorf("%q within %q: %t, want %t", tt.part, tt.all, got, tt.want)
		}
	}
}

// TestScopesSay wants words for every scope, and each scope once.
func TestScopesSay(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Scopes {
		if s.Says == "" || seen[s.Name] {
			t.Errorf("scope %q says %q, seen before: %t", s.Name, s.Says, seen[s.Name])
		}
		seen[s.Name] = true
		if i := strings.LastIndex(s.Name, ":"); i > 0 && !seen[s.Name[:i]] && s.Name[:i] != "admin" {
			t.Errorf("scope %s stands before the larger %s", s.Name, s.Name[:i])
		}
	}
	for _, s := range Scopes {
		if got := (Grant{s.Name}).InWords(); len(got) != 1 || len(got[0].Lines) != 1 || got[0].Lines[0] != s.Says {
			t.Errorf("the consent page says of %s: %q", s.Name, got)
		}
	}
	got := (Grant{"write:media", "read:lists", "read", "follow", "write:follows", "push"}).InWords()
	want := []Sentences{
		{"Reading", []string{"read all of your account: posts, messages, notifications and settings"}},
		{"Acting in your name", []string{"upload files", "follow, block and mute people"}},
		{"Notifications", []string{"send you push notifications"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("InWords() = %q, want %q", got, want)
	}
}
