package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// FilterAction is what becomes of a notification; its number stands in the database.
type FilterAction int16

// The actions, from the mildest to the hardest.
const (
	Accept   FilterAction = iota
	Withhold              // It is kept from the list, its actor waits among the requests.
	Drop
)

// filterActions are their names in the client API.
//
// spec: masto:entities/NotificationPolicy#for_not_following
var filterActions = []string{"accept", "filter", "drop"}

// String returns the action's name.
func (a FilterAction) String() string { return filterActions[a] }

// FilterActionNamed returns the action with a name.
func FilterActionNamed(name string) (FilterAction, bool) {
	for i, n := range filterActions {
		if n == name {
			return FilterAction(i), true
		}
	}
	return Accept, false
}

// NotificationPolicy is what an account wants done with notifications by kinds of
// people. The hardest of those that apply stands.
type NotificationPolicy struct {
	NotFollowing    FilterAction // By whom the owner doesn't follow.
	NotFollowers    FilterAction // By who doesn't follow the owner, or for less than three days.
	NewAccounts     FilterAction // By accounts that are known for less than 30 days.
	PrivateMentions FilterAction // Unasked direct messages by whom the owner doesn't follow.
	LimitedAccounts FilterAction // By whom moderators silenced, unless the owner follows them.
}

// DefaultPolicy is that of accounts that chose none, as in Mastodon.
var DefaultPolicy = NotificationPolicy{PrivateMentions: Withhold, LimitedAccounts: Withhold}

// The times up to which a follower or an account counts as new.
const (
	newFollower = 3 * 24 * time.Hour
	newAccount  = 30 * 24 * time.Hour
)

func (p *NotificationPolicy) scan() []any {
	return []any{&p.NotFollowing, &p.NotFollowers, &p.NewAccounts, &p.PrivateMentions, &p.LimitedAccounts}
}

const policyColumns = "not_following, not_followers, new_accounts, private_mentions, limited_accounts"

// NotificationPolicy returns the policy of an account.
func (q *Q) NotificationPolicy(ctx context.Context, owner int64) (NotificationPolicy, error) {
	var p NotificationPolicy
	err := q.row(ctx, "SELECT "+policyColumns+" FROM notification_policies WHERE owner = $1", owner).Scan(p.scan()...)
	if errors.Is(err, ErrNotFound) {
		return DefaultPolicy, nil
	}
	return p, wrapped(err, "notification policy of %d", owner)
}

// SetNotificationPolicy writes it. What was filtered before stays as it is.
func (tx *Tx) SetNotificationPolicy(ctx context.Context, owner int64, p NotificationPolicy) error {
	_, err := tx.exec(ctx, "INSERT INTO notification_policies (owner, "+policyColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (owner) DO UPDATE SET not_following = excluded.not_following, not_followers = excluded.not_followers,
			new_accounts = excluded.new_accounts, private_mentions = excluded.private_mentions, limited_accounts = excluded.limited_accounts`,
		owner, int16(p.NotFollowing), int16(p.NotFollowers), int16(p.NewAccounts), int16(p.PrivateMentions), int16(p.LimitedAccounts))
	return wrapped(err, "notification policy of %d", owner)
}

// acquaintance is what a policy asks about who caused a notification.
type acquaintance struct {
	Permitted bool  // The owner accepted its notifications.
	Following bool  // The owner follows it.
	Follower  int64 // Seq of its accepted follow of the owner, 0 none.
	Silenced  bool
	Known     int64 // Seq at which the account came here.
	Direct    bool  // The status is a direct message,
	Answer    bool  // and answers one of the owner.
}

// acquaintance reads it, in one query.
func (q *Q) acquaintance(ctx context.Context, n Notification) (a acquaintance, err error) {
	var permitted, following, silenced, direct, answer int
	err = q.row(ctx, `SELECT CASE WHEN p.owner IS NULL THEN 0 ELSE 1 END, CASE WHEN f.accepted THEN 1 ELSE 0 END,
			CASE WHEN g.accepted THEN g.seq ELSE 0 END, CASE WHEN a.silenced <> 0 THEN 1 ELSE 0 END, a.seq,
			CASE WHEN s.visibility = $4 THEN 1 ELSE 0 END, CASE WHEN s.reply_actor = $1 THEN 1 ELSE 0 END
		FROM actors a LEFT JOIN notification_permissions p ON p.owner = $1 AND p.actor = a.id
			LEFT JOIN follows f ON f.actor = $1 AND f.target = a.id
			LEFT JOIN follows g ON g.actor = a.id AND g.target = $1
			LEFT JOIN statuses s ON s.id = $3
		WHERE a.id = $2`, n.Owner, n.Actor, n.Status, directLevel).
		Scan(&permitted, &following, &a.Follower, &silenced, &a.Known, &direct, &answer)
	if errors.Is(err, ErrNotFound) {
		err = nil // Of nobody known nothing is known.
	}
	a.Permitted, a.Following, a.Silenced, a.Direct, a.Answer = permitted != 0, following != 0, silenced != 0, direct != 0, answer != 0
	return a, wrapped(err, "acquaintance of %d and %d", n.Owner, n.Actor)
}

// apply returns the hardest action that the policy has for a notification by this
// acquaintance.
//
// spec: masto:entities/NotificationPolicy
func (p NotificationPolicy) apply(a acquaintance, isMention bool, now time.Time) FilterAction {
	if a.Permitted {
		return Accept
	}
	since := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() << 16 } // The least id of that time.
	hardest := Accept
	for _, rule := range []struct {
		action  FilterAction
		applies bool
	}{
		{p.NotFollowing, !a.Following},
		{p.NotFollowers, a.Follower == 0 || a.Follower > since(newFollower)},
		{p.NewAccounts, !a.Following && a.Known > since(newAccount)},
		{p.PrivateMentions, isMention && a.Direct && !a.Answer && !a.Following},
		{p.LimitedAccounts, a.Silenced && !a.Following},
	} {
		if rule.applies {
			hardest = max(hardest, rule.action)
		}
	}
	return hardest
}

// decide says what becomes of a notification that comes in now. Of a muted
// conversation nothing is told.
func (tx *Tx) decide(ctx context.Context, n Notification) (FilterAction, error) {
	if n.Status != 0 {
		muted, err := tx.exists(ctx, `SELECT 1 FROM statuses s JOIN conversation_mutes m ON m.actor = $1 AND m.conversation = s.conversation
			WHERE s.id = $2`, n.Owner, n.Status)
		if err != nil || muted {
			return Drop, wrapped(err, "muted conversations of %d", n.Owner)
		}
	}
	if !Kind(n.Kind).Filtered || n.Actor == n.Owner {
		return Accept, nil
	}
	p, err := tx.NotificationPolicy(ctx, n.Owner)
	if err != nil || p == (NotificationPolicy{}) && !n.Withheld {
		return Accept, err
	}
	a, err := tx.acquaintance(ctx, n)
	if err != nil {
		return Accept, err
	}
	action := p.apply(a, KindName(n.Kind) == "mention", tx.now())
	if n.Withheld && !a.Permitted {
		action = max(action, Withhold)
	}
	return action, nil
}

// withhold keeps a notification from the list and puts its actor among the requests.
func (tx *Tx) withhold(ctx context.Context, n Notification) error {
	_, err := tx.exec(ctx, "INSERT INTO filtered_notifications (owner, notification, actor) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", n.Owner, n.ID, n.Actor)
	if err != nil {
		return fmt.Errorf("filtering a notification of %d: %w", n.Owner, err)
	}
	_, err = tx.exec(ctx, `INSERT INTO notification_requests (owner, actor, id, status, updated) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (owner, actor) DO UPDATE SET updated = excluded.updated,
			status = CASE WHEN excluded.status <> 0 THEN excluded.status ELSE notification_requests.status END`,
		n.Owner, n.Actor, tx.NewID(), n.Status, tx.now().UnixMilli())
	return wrapped(err, "request of %d to notify %d", n.Actor, n.Owner)
}
