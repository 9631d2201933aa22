package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Permission is a set of things that a role may do; its bits are Mastodon's.
type Permission int64

// What a role may do. The bits go over the wire, in Role; they never change.
//
// spec: masto:entities/Role#permissions
const (
	Administrator Permission = 1 << iota // Everything.
	ViewDevops
	ViewAuditLog
	ViewDashboard
	ManageReports
	ManageFederation
	ManageSettings
	ManageBlocks
	ManageTaxonomies
	ManageAppeals
	ManageUsers
	ManageInvites
	ManageRules
	ManageAnnouncements
	ManageCustomEmojis
	ManageWebhooks
	InviteUsers
	ManageRoles
	ManageUserAccess
	DeleteUserData
	ViewFeeds
)

// Permissions lists every permission by name, in the order of the bits. It is the
// only place to touch, beside the constants, when one is added.
var Permissions = []struct {
	Bit  Permission
	Name string
}{
	{Administrator, "administrator"}, {ViewDevops, "view_devops"}, {ViewAuditLog, "view_audit_log"}, {ViewDashboard, "view_dashboard"},
	{ManageReports, "manage_reports"}, {ManageFederation, "manage_federation"}, {ManageSettings, "manage_settings"}, {ManageBlocks, "manage_blocks"},
	{ManageTaxonomies, "manage_taxonomies"}, {ManageAppeals, "manage_appeals"}, {ManageUsers, "manage_users"}, {ManageInvites, "manage_invites"},
	{ManageRules, "manage_rules"}, {ManageAnnouncements, "manage_announcements"}, {ManageCustomEmojis, "manage_custom_emojis"},
	{ManageWebhooks, "manage_webhooks"}, {InviteUsers, "invite_users"}, {ManageRoles, "manage_roles"}, {ManageUserAccess, "manage_user_access"},
	{DeleteUserData, "delete_user_data"}, {ViewFeeds, "view_feeds"},
}

// Has tells whether p contains all of want; an administrator has everything.
func (p Permission) Has(want Permission) bool { return p&Administrator != 0 || p&want == want }

// String lists the names, separated by commas.
func (p Permission) String() string {
	var names []string
	for _, one := range Permissions {
		if p&one.Bit != 0 {
			names = append(names, one.Name)
		}
	}
	return strings.Join(names, ",")
}

// ParsePermissions reads a list of names as String writes it.
func ParsePermissions(list string) (Permission, error) {
	var p Permission
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		i := slices.IndexFunc(Permissions, func(one struct {
			Bit  Permission
			Name string
		}) bool {
			return one.Name == name
		})
		if i < 0 {
			return 0, fmt.Errorf("there is no permission %q", name)
		}
		p |= Permissions[i].Bit
	}
	return p, nil
}

// Role says what an account may do on this server.
type Role struct {
	ID          int64  // In the API; built-in ones have small numbers, everyone −99.
	Name        string // Shown.
	Key         string // As accounts.role has it.
	Color       string
	Permissions Permission
	Position    int64 // Who stands higher may moderate who stands lower.
	Highlighted bool  // Shown on profiles.
}

// Staff tells whether the role may do anything that others may not.
func (r *Role) Staff() bool { return r.Permissions&^(InviteUsers|ViewFeeds) != 0 }

// Overrides tells whether the role stands above another one.
func (r *Role) Overrides(other *Role) bool { return r.Position > other.Position }

// BuiltinRoles are those that every server has; the first is everybody's.
var BuiltinRoles = []Role{
	{ID: -99, Position: -1},
	{ID: 1, Name: "Moderator", Key: "moderator", Position: 10, Highlighted: true,
		Permissions: ViewDashboard | ViewAuditLog | ManageUsers | ManageReports | ManageTaxonomies},
	{ID: 2, Name: "Admin", Key: "admin", Position: 100, Highlighted: true,
		Permissions: ViewDashboard | ViewAuditLog | ManageUsers | ManageUserAccess | DeleteUserData | ManageReports | ManageAppeals | ManageFederation |
			ManageBlocks | ManageTaxonomies | ManageSettings | ManageRules | ManageRoles | ManageInvites | ManageAnnouncements | ManageCustomEmojis |
			ManageWebhooks | InviteUsers | ViewFeeds},
	{ID: 3, Name: "Owner", Key: "owner", Position: 1000, Highlighted: true, Permissions: Administrator},
}

// builtinRole returns a built-in role by its key.
func builtinRole(key string) (*Role, bool) {
	for i := range BuiltinRoles {
		if BuiltinRoles[i].Key == key {
			return &BuiltinRoles[i], true
		}
	}
	return nil, false
}

const roleColumns = "id, name, color, permissions, position, highlighted"

func (r *Role) scan() []any {
	return []any{&r.ID, &r.Name, &r.Color, &r.Permissions, &r.Position, &r.Highlighted}
}

// Role returns the role with the key that accounts.role has. Of a role that was
// removed nothing is left: its holders are like everybody.
func (q *Q) Role(ctx context.Context, key string) (*Role, error) {
	if r, ok := builtinRole(key); ok {
		return r, nil
	}
	id, err := strconv.ParseInt(key, 10, 64)
	if err != nil {
		return &BuiltinRoles[0], nil
	}
	r := Role{Key: key}
	err = q.row(ctx, "SELECT "+roleColumns+" FROM roles WHERE id = $1", id).Scan(r.scan()...)
	if errors.Is(err, ErrNotFound) {
		return &BuiltinRoles[0], nil
	}
	return &r, wrapped(err, "role %s", key)
}

// RoleNamed returns a role by its name or key, without regard to case; "user" and
// "" are everybody's. ErrNotFound when there is none.
func (q *Q) RoleNamed(ctx context.Context, name string) (*Role, error) {
	if name == "user" || name == "" {
		return &BuiltinRoles[0], nil
	}
	all, err := q.Roles(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if strings.EqualFold(all[i].Name, name) || all[i].Key == name {
			return &all[i], nil
		}
	}
	return nil, fmt.Errorf("role %q: %w", name, ErrNotFound)
}

// Roles returns all roles, the lowest first.
func (q *Q) Roles(ctx context.Context) ([]Role, error) {
	rows, err := q.query(ctx, "SELECT "+roleColumns+" FROM roles WHERE id > 0 ORDER BY id LIMIT 1000")
	own, err := collect(rows, err, (*Role).scan)
	if err != nil {
		return nil, fmt.Errorf("roles: %w", err)
	}
	for i := range own {
		own[i].Key = strconv.FormatInt(own[i].ID, 10)
	}
	all := append(slices.Clone(BuiltinRoles), own...)
	slices.SortStableFunc(all, func(a, b Role) int { return int(a.Position - b.Position) })
	return all, nil
}

// SetRole adds a role of the admin's own, or changes the one of that name, and
// gives it its id and key.
func (tx *Tx) SetRole(ctx context.Context, r *Role) error {
	r.ID = tx.NewID()
	err := tx.row(ctx, `INSERT INTO roles (`+roleColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (name) DO UPDATE SET color = excluded.color, permissions = excluded.permissions, position = excluded.position, highlighted = excluded.highlighted
		RETURNING id`, r.ID, r.Name, r.Color, int64(r.Permissions), r.Position, r.Highlighted).Scan(&r.ID)
	r.Key = strconv.FormatInt(r.ID, 10)
	return wrapped(err, "role %s", r.Name)
}

// RemoveRole removes a role of the admin's own; who has it becomes like everybody.
func (tx *Tx) RemoveRole(ctx context.Context, r *Role) error {
	if _, err := tx.exec(ctx, "UPDATE accounts SET role = '' WHERE role = $1 AND role <> ''", r.Key); err != nil {
		return fmt.Errorf("role %s: %w", r.Name, err)
	}
	_, err := tx.exec(ctx, "DELETE FROM roles WHERE id = $1", r.ID)
	return wrapped(err, "role %s", r.Name)
}

// maxStaff bounds how many of the staff are told of one thing.
const maxStaff = 200

// StaffWith returns the accounts that have a permission and can sign in, at most 200.
func (q *Q) StaffWith(ctx context.Context, want Permission) ([]int64, error) {
	roles, err := q.Roles(ctx)
	if err != nil {
		return nil, err
	}
	var keys []string
	for i := range roles {
		if roles[i].Key != "" && roles[i].Permissions.Has(want) {
			keys = append(keys, roles[i].Key)
		}
	}
	var all []int64
	for chunk := range chunks(keys) {
		list, args := in(1, chunk)
		ids, err := q.ids(ctx, fmt.Sprintf("SELECT actor FROM accounts WHERE role IN (%s) AND role <> '' AND disabled = 0 AND approved <> 0 ORDER BY role, actor LIMIT %d", list, maxStaff), args...)
		if err != nil {
			return nil, fmt.Errorf("staff: %w", err)
		}
		all = append(all, ids...)
	}
	slices.Sort(all)
	return all[:min(len(all), maxStaff)], nil
}
