package store

import (
	"context"
	"fmt"
)

// privateRows are the tables of what an account keeps for itself, with the column
// that names the account and one that tells its rows apart.
var privateRows = []struct{ table, owner, key string }{
	{"tokens", "actor", "id"},
	{"second_factors", "actor", "id"},
	{"idempotency", "actor", "key"},
	{"mutes", "actor", "target"},
	{"conversation_mutes", "actor", "conversation"},
	{"conversation_reads", "owner", "conversation"},
	{"domain_blocks", "actor", "domain"},
	{"bookmarks", "actor", "status"},
	{"follow_settings", "actor", "target"},
	{"notes", "actor", "target"},
	{"markers", "actor", "timeline"},
	{"dismissed", "owner", "notification"},
	{"push_subscriptions", "actor", "id"},
	{"notification_policies", "owner", "owner"},
	{"notification_permissions", "owner", "actor"},
	{"filtered_notifications", "owner", "notification"},
	{"notification_requests", "owner", "actor"},
	{"dismissed_suggestions", "owner", "target"},
	{"seen_ips", "actor", "ip"},
	{"archives", "actor", "id"},
	{"account_moves", "actor", "id"},
	{"tag_follows", "owner", "tag"},
	{"scheduled_statuses", "actor", "id"},
	{"severed", "owner", "event"},
	{"severed_follows", "owner", "other"},
	{"announcement_reads", "actor", "announcement"},
}

// forgotten is how many rows ForgetPrivate deletes at most of one table.
const forgotten = 500

// ForgetPrivate removes a piece of what an account of ours kept for itself, and
// tells whether there is more. With the last piece goes what the account's own row
// knows of the person; its key stays, for deliveries that wait.
func (tx *Tx) ForgetPrivate(ctx context.Context, actor int64) (more bool, err error) {
	for _, t := range privateRows {
		n, err := tx.exec(ctx, "DELETE FROM "+t.table+" WHERE "+t.owner+" = $1 AND "+t.key+" IN (SELECT "+t.key+" FROM "+t.table+" WHERE "+t.owner+" = $1 LIMIT $2)", actor, forgotten)
		if err != nil {
			return false, fmt.Errorf("%s of %d: %w", t.table, actor, err)
		}
		if n == forgotten {
			return true, nil
		}
	}
	lists, err := tx.Lists(ctx, actor)
	if err != nil {
		return false, err
	}
	if len(lists) > 0 {
		return true, tx.DropList(ctx, lists[0].ID)
	}
	for _, text := range []string{
		"DELETE FROM filter_keywords WHERE filter IN (SELECT id FROM filters WHERE owner = $1)",
		"DELETE FROM filter_statuses WHERE filter IN (SELECT id FROM filters WHERE owner = $1)",
		"DELETE FROM filters WHERE owner = $1",
		`UPDATE accounts SET email = '', email_key = '', password = '', reason = '', sign_up_ip = '', locale = '', preferences = '{}', source = '{}' WHERE actor = $1`,
	} {
		if _, err := tx.exec(ctx, text, actor); err != nil {
			return false, fmt.Errorf("forgetting account %d: %w", actor, err)
		}
	}
	return false, nil
}
