package store

import (
	"testing"
	"time"
)

func TestPolicyApplies(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() << 16 }
	old := acquaintance{Known: ago(400 * 24 * time.Hour), Follower: ago(300 * 24 * time.Hour)}
	with := func(change func(*acquaintance)) acquaintance { a := old; change(&a); return a }
	for _, tt := range []struct {
		name    string
		policy  NotificationPolicy
		who     acquaintance
		mention bool
		want    FilterAction
	}{
		{"nothing is asked for", NotificationPolicy{}, acquaintance{}, true, Accept},
		{"not followed", NotificationPolicy{NotFollowing: Drop}, old, false, Drop},
		{"followed", NotificationPolicy{NotFollowing: Drop}, with(func(a *acquaintance) { a.Following = true }), false, Accept},
		{"a follower", NotificationPolicy{NotFollowers: Withhold}, old, false, Accept},
		{"no follower", NotificationPolicy{NotFollowers: Withhold}, with(func(a *acquaintance) { a.Follower = 0 }), false, Withhold},
		{"a follower since yesterday", NotificationPolicy{NotFollowers: Withhold}, with(func(a *acquaintance) { a.Follower = ago(24 * time.Hour) }), false, Withhold},
		{"a new account", NotificationPolicy{NewAccounts: Drop}, with(func(a *acquaintance) { a.Known = ago(29 * 24 * time.Hour) }), false, Drop},
		{"an old account", NotificationPolicy{NewAccounts: Drop}, old, false, Accept},
		{"an unasked direct message", DefaultPolicy, with(func(a *acquaintance) { a.Direct = true }), true, Withhold},
		{"an answer in private", DefaultPolicy, with(func(a *acquaintance) { a.Direct, a.Answer = true, true }), true, Accept},
		{"a direct message of a friend", DefaultPolicy, with(func(a *acquaintance) { a.Direct, a.Following = true, true }), true, Accept},
		{"a direct message is favoured", DefaultPolicy, with(func(a *acquaintance) { a.Direct = true }), false, Accept},
		{"silenced", DefaultPolicy, with(func(a *acquaintance) { a.Silenced = true }), false, Withhold},
		{"the hardest stands", NotificationPolicy{NotFollowing: Drop, LimitedAccounts: Withhold}, with(func(a *acquaintance) { a.Silenced = true }), false, Drop},
		{"accepted by name", NotificationPolicy{NotFollowing: Drop}, with(func(a *acquaintance) { a.Permitted = true }), false, Accept},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.policy.apply(tt.who, tt.mention, now); got != tt.want {
				t.Errorf("apply = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestKinds(t *testing.T) {
	seen := map[int16]bool{0: true}
	for _, k := range NotificationKinds {
		if seen[k.ID] || KindNamed(k.Name) != k.ID || KindName(k.ID) != k.Name {
			t.Errorf("kind %d %q is not there once and both ways", k.ID, k.Name)
		}
		seen[k.ID] = true
	}
	if Kind(-1).Name != "" || Kind(99).Name != "" {
		t.Error("a kind that does not exist has a name")
	}
}
