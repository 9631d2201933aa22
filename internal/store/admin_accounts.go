package store

import (
	"context"
	"fmt"
	"strings"
)

// AdminQuery says which accounts moderators look for. The zero value wants all.
type AdminQuery struct {
	Local, Remote bool
	Status        string // active, pending, disabled, silenced, suspended, sensitized; "" any.
	Staff         bool   // Whose role is not everybody's.
	Roles         []string
	Username      string // Beginning.
	DisplayName   string // Beginning of its words.
	Domain        string
	Email         string // Beginning.
	IP            string
	InvitedBy     int64
}

// ours tells whether only accounts of ours can match.
func (w *AdminQuery) ours() bool {
	return w.Local || w.Staff || len(w.Roles) > 0 || w.Email != "" || w.IP != "" || w.InvitedBy != 0 || w.Status == "pending" || w.Status == "disabled"
}

// adminStatus is the condition on each status that is looked for, of all accounts
// and of ours.
var adminStatus = map[string][2]string{
	"":           {"", ""},
	"active":     {" AND a.suspended = 0 AND a.silenced = 0 AND a.deleted = 0", " AND c.approved <> 0 AND c.confirmed <> 0 AND c.disabled = 0"},
	"pending":    {" AND a.deleted = 0", " AND c.approved = 0"},
	"disabled":   {"", " AND c.disabled <> 0"},
	"silenced":   {" AND a.silenced <> 0", ""},
	"suspended":  {" AND a.suspended <> 0", ""},
	"sensitized": {" AND a.sensitized <> 0", ""},
}

// AdminAccounts returns a page of the ids of accounts, newest first.
func (q *Q) AdminAccounts(ctx context.Context, w AdminQuery, p Page) ([]int64, error) {
	if w.Local && w.Remote || w.Remote && w.ours() {
		return nil, nil
	}
	cursor, text := "a.id", "SELECT a.id FROM actors a WHERE a.id > 0"
	if w.ours() {
		cursor, text = "c.actor", "SELECT c.actor FROM accounts c JOIN actors a ON a.id = c.actor WHERE c.actor > 0"
	} else if w.Remote {
		text += " AND NOT a.local"
	}
	status := adminStatus[w.Status]
	if text += status[0]; w.ours() {
		text += status[1]
	}
	var args []any
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	within := func(column, prefix string) {
		text += " AND " + column + " >= " + arg(prefix) + " AND " + column + " < " + arg(after(prefix))
	}
	if w.InvitedBy != 0 {
		text += " AND c.invite IN (SELECT i.id FROM invites i WHERE i.creator = " + arg(w.InvitedBy) + ")"
	}
	if w.Staff {
		text += " AND c.role <> ''"
	}
	if len(w.Roles) > 0 {
		list, more := in(len(args)+1, w.Roles)
		text += " AND c.role IN (" + list + ")"
		args = append(args, more...)
	}
	if w.Username != "" {
		within("a.name_key", NameKey(w.Username))
	}
	if w.Email != "" {
		text += " AND c.email_key <> ''"
		within("c.email_key", EmailKey(w.Email))
	}
	if w.Domain != "" {
		text += " AND a.domain = " + arg(strings.ToLower(w.Domain)) + " AND a.domain <> ''"
	}
	if w.IP != "" {
		text += " AND (c.sign_up_ip = " + arg(w.IP) + " OR EXISTS (SELECT 1 FROM seen_ips s WHERE s.actor = c.actor AND s.ip = " + arg(w.IP) + "))"
	}
	for _, word := range nameWords(w.DisplayName) {
		text += " AND EXISTS (SELECT 1 FROM name_words n WHERE n.actor = a.id AND n.word >= " + arg(word) + " AND n.word < " + arg(after(word)) + ")"
	}
	tail, more := p.clause(cursor, len(args)+1)
	ids, err := q.ids(ctx, text+tail, append(args, more...)...)
	return order(p, ids), wrapped(err, "accounts for moderators")
}
