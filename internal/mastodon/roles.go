package mastodon

import (
	"context"
	"strconv"
	"sync"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// errNotAllowed is for those who may not do what is the staff's.
//
// spec: masto:entities/Error
var errNotAllowed = fault.New(fault.Denied, "This action is not allowed")

// needs refuses who lacks a permission.
func (r *Request) needs(want store.Permission) error {
	if r.Session == nil || r.Session.Role == nil || !r.Session.Role.Permissions.Has(want) {
		return errNotAllowed
	}
	return nil
}

// admin registers an endpoint of the staff: beside a token with the scope it needs
// a role with all of these permissions.
func admin(pattern, scope string, want store.Permission, run handler) struct{} {
	return route(pattern, scope, func(api *API, r *Request) (any, error) {
		if err := r.needs(want); err != nil {
			return nil, err
		}
		return run(api, r)
	})
}

// roleEntity is Role.
//
// spec: masto:entities/Role
type roleEntity struct {
	ID              string `json:"id"`
	Name            string `json:"name"`
	Permissions     string `json:"permissions"` // The bits as a decimal number.
	Color           string `json:"color"`
	Highlighted     bool   `json:"highlighted"`
	CollectionLimit int    `json:"collection_limit"`
}

// collectionLimit is how many collections anybody may have.
const collectionLimit = 10

// drawRole draws what an account may do; nil is everybody's role.
func drawRole(r *store.Role) *roleEntity {
	if r == nil {
		r = &store.BuiltinRoles[0]
	}
	may := r.Permissions
	if may.Has(store.Administrator) { // As Mastodon has it, clients look at the single bits.
		for _, one := range store.Permissions {
			may |= one.Bit
		}
	}
	return &roleEntity{ID: strconv.FormatInt(r.ID, 10), Name: r.Name, Permissions: strconv.FormatInt(int64(may), 10), Color: r.Color,
		Highlighted: r.Highlighted, CollectionLimit: collectionLimit}
}

// publicRoles draws the badge of a profile, a list of one or none.
//
// spec: masto:entities/AccountRole
func publicRoles(r *store.Role) string {
	if r == nil || !r.Highlighted {
		return "[]"
	}
	o := begin([]byte("["))
	o.str("id", strconv.FormatInt(r.ID, 10))
	o.str("name", r.Name)
	o.str("color", r.Color)
	return string(append(o.close(), ']'))
}

// roleLife is how long a role is remembered, in ms: other nodes and the command
// line may change it.
const roleLife = 10_000

// roleCache remembers the admin's own roles; there are few.
type roleCache struct {
	mu    sync.Mutex
	roles map[string]*cached[*store.Role]
}

// role returns the role with the key that an account has.
func (api *API) role(ctx context.Context, key string) (*store.Role, error) {
	for i := range store.BuiltinRoles {
		if store.BuiltinRoles[i].Key == key {
			return &store.BuiltinRoles[i], nil
		}
	}
	now := api.Now().UnixMilli()
	c := &api.roles
	c.mu.Lock()
	hit := c.roles[key]
	c.mu.Unlock()
	if hit != nil && hit.expires > now {
		return hit.value, nil
	}
	r, err := api.DB.Role(ctx, key)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.roles == nil || len(c.roles) > 1000 {
		c.roles = map[string]*cached[*store.Role]{}
	}
	c.roles[key] = &cached[*store.Role]{value: r, expires: now + roleLife}
	return r, nil
}
