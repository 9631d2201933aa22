package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Hidden tells whether nobody is shown anything of the actor: it is gone, or
// moderators suspended it.
func (a *Actor) Hidden() bool { return a.Deleted != 0 || a.Suspended != 0 }

// SuspendedThere stands in Actor.Suspended where an actor's own server suspended it,
// and our moderators didn't.
const SuspendedThere = 1

// SetModeration writes since when an actor is silenced, suspended and its media
// marked; ms, 0 not.
func (tx *Tx) SetModeration(ctx context.Context, a *Actor) error {
	_, err := tx.exec(ctx, "UPDATE actors SET silenced = $2, suspended = $3, sensitized = $4 WHERE id = $1", a.ID, a.Silenced, a.Suspended, a.Sensitized)
	return wrapped(err, "moderating actor %d", a.ID)
}

// HiddenActor tells whether an actor is suspended.
func (q *Q) HiddenActor(ctx context.Context, id int64) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM actors WHERE id = $1 AND suspended <> 0", id)
}

// AuditEntry is one thing that a moderator did.
type AuditEntry struct {
	ID      int64 // Tells when.
	Actor   int64 // 0: on the command line.
	Action  string
	Kind    string // Of the target: account, report, domain_block …
	Target  int64
	Name    string            // What the target was called.
	Details map[string]string // What else is to be known; nil nothing.
}

// Audit notes what a moderator does, in the transaction that does it.
func (tx *Tx) Audit(ctx context.Context, e AuditEntry) error {
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	_, err := tx.exec(ctx, "INSERT INTO audit (id, actor, action, kind, target, name, details) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		tx.NewID(), e.Actor, e.Action, e.Kind, e.Target, clip(e.Name), toJSON(e.Details))
	return wrapped(err, "noting what a moderator did")
}

// AuditQuery says which entries are wanted. The zero value wants all.
type AuditQuery struct {
	Actor  int64
	Kind   string // With Target.
	Target int64
	Action string
}

// AuditLog returns a page of what moderators did, newest first.
func (q *Q) AuditLog(ctx context.Context, w AuditQuery, p Page) ([]AuditEntry, error) {
	text := "SELECT id, actor, action, kind, target, name, details FROM audit WHERE id > 0"
	var args []any
	add := func(condition string, v any) {
		args = append(args, v)
		text += fmt.Sprintf(condition, len(args))
	}
	if w.Actor != 0 {
		add(" AND actor = $%d", w.Actor)
	}
	if w.Kind != "" {
		add(" AND kind = $%d", w.Kind)
		add(" AND target = $%d", w.Target)
	}
	if w.Action != "" {
		add(" AND action = $%d", w.Action)
	}
	tail, more := p.clause("id", len(args)+1)
	rows, err := q.query(ctx, text+tail, append(args, more...)...)
	all, err := collect(rows, err, func(e *AuditEntry) []any {
		return []any{&e.ID, &e.Actor, &e.Action, &e.Kind, &e.Target, &e.Name, jsonOf{&e.Details}}
	})
	return order(p, all), wrapped(err, "audit log")
}

// Warning is what moderators told somebody of ours, with what they did.
type Warning struct {
	ID        int64 // Tells when.
	Moderator int64
	Target    int64
	Action    string
	Text      string
	Report    int64 // 0 none
	Statuses  []int64
	Overruled int64 // ms when an appeal was granted, 0 not.
}

const warningColumns = "id, moderator, target, action, text, report, statuses, overruled"

func (w *Warning) scan() []any {
	return []any{&w.ID, &w.Moderator, &w.Target, &w.Action, &w.Text, &w.Report, idList{&w.Statuses}, &w.Overruled}
}

// InsertWarning keeps a warning, which gets an id.
func (tx *Tx) InsertWarning(ctx context.Context, w *Warning) error {
	w.ID = tx.NewID()
	_, err := tx.exec(ctx, "INSERT INTO warnings ("+warningColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		w.ID, w.Moderator, w.Target, w.Action, w.Text, w.Report, joinIDs(w.Statuses), w.Overruled)
	return wrapped(err, "warning %d", w.Target)
}

// Warnings returns these warnings; unknown ones are left out.
func (q *Q) Warnings(ctx context.Context, ids []int64) (map[int64]*Warning, error) {
	found := map[int64]*Warning{}
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT "+warningColumns+" FROM warnings WHERE id IN ("+list+")", args...)
		all, err := collect(rows, err, (*Warning).scan)
		if err != nil {
			return nil, fmt.Errorf("warnings: %w", err)
		}
		for i := range all {
			found[all[i].ID] = &all[i]
		}
	}
	return found, nil
}

// WarningsOf returns the warnings of an account, newest first.
func (q *Q) WarningsOf(ctx context.Context, target int64, p Page) ([]Warning, error) {
	tail, args := p.clause("id", 2)
	rows, err := q.query(ctx, "SELECT "+warningColumns+" FROM warnings WHERE target = $1"+tail, append([]any{target}, args...)...)
	all, err := collect(rows, err, (*Warning).scan)
	return order(p, all), wrapped(err, "warnings of %d", target)
}

// Overrule notes that a warning was taken back.
func (tx *Tx) Overrule(ctx context.Context, warning int64) error {
	_, err := tx.exec(ctx, "UPDATE warnings SET overruled = $2 WHERE id = $1", warning, tx.now().UnixMilli())
	return wrapped(err, "warning %d", warning)
}

// Appeal is what a moderated person says to a warning.
type Appeal struct {
	Warning, Actor              int64
	Text                        string
	Created, Approved, Rejected int64 // ms
}

// State is what became of an appeal: pending, approved, rejected.
func (a *Appeal) State() string {
	switch {
	case a.Approved != 0:
		return "approved"
	case a.Rejected != 0:
		return "rejected"
	}
	return "pending"
}

const appealColumns = "warning, actor, text, created, approved, rejected"

func (a *Appeal) scan() []any {
	return []any{&a.Warning, &a.Actor, &a.Text, &a.Created, &a.Approved, &a.Rejected}
}

// InsertAppeal keeps an appeal; ErrExists when there is one against that warning.
func (tx *Tx) InsertAppeal(ctx context.Context, a *Appeal) error {
	a.Created = tx.now().UnixMilli()
	n, err := tx.exec(ctx, "INSERT INTO appeals ("+appealColumns+") VALUES ($1, $2, $3, $4, 0, 0) ON CONFLICT DO NOTHING", a.Warning, a.Actor, a.Text, a.Created)
	if err == nil && n == 0 {
		err = ErrExists
	}
	return wrapped(err, "appeal against %d", a.Warning)
}

// Appeals returns the appeals against these warnings.
func (q *Q) Appeals(ctx context.Context, warnings []int64) (map[int64]*Appeal, error) {
	found := map[int64]*Appeal{}
	for chunk := range chunks(warnings) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT "+appealColumns+" FROM appeals WHERE warning IN ("+list+")", args...)
		all, err := collect(rows, err, (*Appeal).scan)
		if err != nil {
			return nil, fmt.Errorf("appeals: %w", err)
		}
		for i := range all {
			found[all[i].Warning] = &all[i]
		}
	}
	return found, nil
}

// OpenAppeals returns a page of the appeals that nobody has answered, newest first.
func (q *Q) OpenAppeals(ctx context.Context, p Page) ([]Appeal, error) {
	tail, args := p.clause("warning", 1)
	rows, err := q.query(ctx, "SELECT "+appealColumns+" FROM appeals WHERE approved = 0 AND rejected = 0"+tail, args...)
	all, err := collect(rows, err, (*Appeal).scan)
	return order(p, all), wrapped(err, "appeals")
}

// AnswerAppeal notes whether an appeal was granted.
func (tx *Tx) AnswerAppeal(ctx context.Context, warning int64, granted bool) error {
	column := "rejected"
	if granted {
		column = "approved"
	}
	_, err := tx.exec(ctx, "UPDATE appeals SET "+column+" = $2 WHERE warning = $1", warning, tx.now().UnixMilli())
	return wrapped(err, "appeal against %d", warning)
}

// WarningPreset is a text for warnings that come up often.
type WarningPreset struct {
	ID          int64
	Title, Text string
}

// WarningPresets returns all of them.
func (q *Q) WarningPresets(ctx context.Context) ([]WarningPreset, error) {
	rows, err := q.query(ctx, "SELECT id, title, text FROM warning_presets ORDER BY id LIMIT 500")
	all, err := collect(rows, err, func(w *WarningPreset) []any { return []any{&w.ID, &w.Title, &w.Text} })
	return all, wrapped(err, "presets of warnings")
}

// WarningPreset returns one of them.
func (q *Q) WarningPreset(ctx context.Context, id int64) (*WarningPreset, error) {
	w := WarningPreset{ID: id}
	err := q.row(ctx, "SELECT title, text FROM warning_presets WHERE id = $1", id).Scan(&w.Title, &w.Text)
	return &w, wrapped(err, "preset %d", id)
}

// AddWarningPreset keeps a preset, which gets an id.
func (tx *Tx) AddWarningPreset(ctx context.Context, w *WarningPreset) error {
	w.ID = tx.NewID()
	_, err := tx.exec(ctx, "INSERT INTO warning_presets (id, title, text) VALUES ($1, $2, $3)", w.ID, w.Title, w.Text)
	return wrapped(err, "preset of warnings")
}

// RemoveWarningPreset drops a preset; ErrNotFound when there is none.
func (tx *Tx) RemoveWarningPreset(ctx context.Context, id int64) error {
	n, err := tx.exec(ctx, "DELETE FROM warning_presets WHERE id = $1", id)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return wrapped(err, "preset %d", id)
}

// Severance is an event that ended follows: a suspension or a blocked host.
type Severance struct {
	ID                   int64 // Tells when.
	Type                 string
	Target               string // Host or handle.
	Purged               bool
	Followers, Following int64 // What the owner lost.
}

// InsertSeverance notes an event that ends follows.
func (tx *Tx) InsertSeverance(ctx context.Context, s *Severance) error {
	if s.ID == 0 {
		s.ID = tx.NewID()
	}
	_, err := tx.exec(ctx, "INSERT INTO severances (id, type, target, purged) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", s.ID, s.Type, s.Target, s.Purged)
	return wrapped(err, "severed relationships with %s", s.Target)
}

// CountSevered adds to what one of ours lost by an event, and tells whether it is the first of it.
func (tx *Tx) CountSevered(ctx context.Context, owner, event, followers, following int64) (first bool, err error) {
	var n int64
	err = tx.row(ctx, `INSERT INTO severed (owner, event, followers, following) VALUES ($1, $2, $3, $4)
		ON CONFLICT (owner, event) DO UPDATE SET followers = severed.followers + excluded.followers, following = severed.following + excluded.following
		RETURNING followers + following`, owner, event, followers, following).Scan(&n)
	return n == followers+following, wrapped(err, "severed relationships of %d", owner)
}

// Severances returns these events as one of ours saw them.
func (q *Q) Severances(ctx context.Context, owner int64, ids []int64) (map[int64]*Severance, error) {
	found := map[int64]*Severance{}
	for chunk := range chunks(ids) {
		list, args := in(2, chunk)
		rows, err := q.query(ctx, `SELECT e.id, e.type, e.target, e.purged, s.followers, s.following FROM severed s JOIN severances e ON e.id = s.event
			WHERE s.owner = $1 AND s.event IN (`+list+")", append([]any{owner}, args...)...)
		all, err := collect(rows, err, func(s *Severance) []any {
			return []any{&s.ID, &s.Type, &s.Target, &s.Purged, &s.Followers, &s.Following}
		})
		if err != nil {
			return nil, fmt.Errorf("severed relationships: %w", err)
		}
		for i := range all {
			found[all[i].ID] = &all[i]
		}
	}
	return found, nil
}

// SeenIP is an address from which an account came.
type SeenIP struct {
	Actor int64
	IP    string
	Used  int64 // ms
}

// SawIP notes from where an account came.
func (tx *Tx) SawIP(ctx context.Context, actor int64, ip string) error {
	_, err := tx.exec(ctx, "INSERT INTO seen_ips (actor, ip, used) VALUES ($1, $2, $3) ON CONFLICT (actor, ip) DO UPDATE SET used = excluded.used",
		actor, ip, tx.now().UnixMilli())
	return wrapped(err, "address of %d", actor)
}

// maxSeenIPs bounds how many addresses of one account are shown.
const maxSeenIPs = 20

// SeenIPs returns from where accounts came, the newest first of each.
func (q *Q) SeenIPs(ctx context.Context, actors []int64) (map[int64][]SeenIP, error) {
	found := map[int64][]SeenIP{}
	for chunk := range chunks(actors) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT actor, ip, used FROM seen_ips WHERE actor IN ("+list+") LIMIT 5000", args...)
		all, err := collect(rows, err, func(s *SeenIP) []any { return []any{&s.Actor, &s.IP, &s.Used} })
		if err != nil {
			return nil, fmt.Errorf("addresses: %w", err)
		}
		slices.SortFunc(all, func(a, b SeenIP) int { return int(b.Used - a.Used) })
		for _, s := range all {
			if len(found[s.Actor]) < maxSeenIPs {
				found[s.Actor] = append(found[s.Actor], s)
			}
		}
	}
	return found, nil
}

// SweepIPs forgets addresses that were not used since a time (ms), some at a time,
// and tells whether there may be more.
func (tx *Tx) SweepIPs(ctx context.Context, since int64) (more bool, err error) {
	n, err := tx.exec(ctx, "DELETE FROM seen_ips WHERE (actor, ip) IN (SELECT actor, ip FROM seen_ips WHERE used < $1 LIMIT $2)", since, swept)
	return n == swept, wrapped(err, "sweeping addresses")
}

// DropPending removes an account that was never let in, so that its name is free again.
// ErrNotFound when there is none.
func (tx *Tx) DropPending(ctx context.Context, actor int64) error {
	n, err := tx.exec(ctx, "DELETE FROM accounts WHERE actor = $1 AND approved = 0", actor)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("rejecting %d: %w", actor, err)
	}
	for _, text := range []string{"DELETE FROM tokens WHERE actor = $1", "DELETE FROM profiles WHERE actor = $1", "DELETE FROM name_words WHERE actor = $1", "DELETE FROM name_prefixes WHERE actor = $1",
		"DELETE FROM seen_ips WHERE actor = $1", "DELETE FROM notifications WHERE actor = $1", "DELETE FROM actors WHERE id = $1"} {
		if _, err := tx.exec(ctx, text, actor); err != nil {
			return fmt.Errorf("rejecting %d: %w", actor, err)
		}
	}
	return nil
}

// UndoAll takes back, in the log, up to limit of the live activities of an actor
// that make no objects, and tells whether there may be more.
func (tx *Tx) UndoAll(ctx context.Context, actor int64, limit int) (more bool, err error) {
	n, err := tx.exec(ctx, `UPDATE activities SET state = 2 WHERE seq IN (SELECT seq FROM activities WHERE actor = $1 AND state IN (0, 1)
		AND type NOT IN ('Create', 'Update', 'Delete', 'Undo') ORDER BY seq LIMIT $2)`, actor, limit)
	return n == int64(limit), wrapped(err, "taking back what %d did", actor)
}

// idList scans ids that are joined by commas.
type idList struct{ to *[]int64 }

// Scan implements sql.Scanner.
func (l idList) Scan(v any) error {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case []byte:
		text = string(v)
	default:
		return fmt.Errorf("a list of ids holds %T", v)
	}
	*l.to = nil
	for s := range strings.SplitSeq(text, ",") {
		if s == "" {
			continue
		}
		id, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return fmt.Errorf("a list of ids: %w", err)
		}
		*l.to = append(*l.to, id)
	}
	return nil
}

func joinIDs(ids []int64) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(parts, ",")
}
