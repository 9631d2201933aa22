package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

var (
	_ = command("role list", 0, roleList)
	_ = command("role set", 5, roleSet)
	_ = command("role remove", 1, roleRemove)
)

func roleList(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	all, err := env.DB.Roles(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tPOSITION\tSHOWN\tPERMISSIONS")
	for i := range all {
		r := &all[i]
		name := r.Name
		if r.Key == "" {
			name = "(everyone)"
		}
		fmt.Fprintf(w, "%s\t%d\t%t\t%s\n", name, r.Position, r.Highlighted, r.Permissions)
	}
	return w.Flush()
}

var colorForm = regexp.MustCompile(`^(#[0-9a-fA-F]{6})?$`)

// roleSet: name, permissions, position, color, shown.
func roleSet(ctx context.Context, env *Env, args []string, out io.Writer) error {
	may, err := store.ParsePermissions(args[1])
	if err != nil {
		return fault.Because(err, fault.Invalid, "%s. Permissions are: %s.", strings.ToUpper(err.Error()[:1])+err.Error()[1:], allPermissions())
	}
	position, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil || position < 0 || position > 10_000 {
		return fault.New(fault.Invalid, "The position is a number from 0 to 10000; moderators have 10, admins 100.")
	}
	name := strings.TrimSpace(args[0])
	if name == "" || len(name) > 100 {
		return fault.New(fault.Invalid, "A role needs a name of at most 100 letters.")
	}
	if !colorForm.MatchString(args[3]) {
		return fault.New(fault.Invalid, "A color is written as #rrggbb.")
	}
	if r, err := env.DB.RoleNamed(ctx, name); err == nil && r.ID < 100 {
		return fault.New(fault.Invalid, "The built-in role %s can't be changed.", name)
	} else if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	r := &store.Role{Name: name, Permissions: may, Position: position, Color: args[3], Highlighted: args[4] == "true"}
	if err := env.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetRole(ctx, r) }); err != nil {
		return err
	}
	env.Auth.Forget()
	return roleList(ctx, env, nil, out)
}

func allPermissions() string {
	var names []string
	for _, p := range store.Permissions {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

func roleRemove(ctx context.Context, env *Env, args []string, out io.Writer) error {
	r, err := ownRole(ctx, env, args[0])
	if err != nil {
		return err
	}
	if err := env.DB.Write(ctx, func(tx *store.Tx) error { return tx.RemoveRole(ctx, r) }); err != nil {
		return err
	}
	env.Auth.Forget()
	_, err = fmt.Fprintf(out, "The role %s is removed; who had it is like everybody now.\n", r.Name)
	return err
}

// ownRole returns a role that the admins made.
func ownRole(ctx context.Context, env *Env, name string) (*store.Role, error) {
	r, err := env.DB.RoleNamed(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New(fault.NotFound, "There is no role %s.", name)
	} else if err != nil {
		return nil, err
	}
	if r.ID < 100 {
		return nil, fault.New(fault.Invalid, "The built-in role %s can't be changed.", name)
	}
	return r, nil
}

// userSetRole: name, role.
func userSetRole(ctx context.Context, env *Env, args []string, out io.Writer) error {
	r, err := env.DB.RoleNamed(ctx, args[1])
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.Invalid, "A role is user, moderator, admin, owner, or one that `kenoma role list` shows.")
	} else if err != nil {
		return err
	}
	return changeAccount(func(a *store.Account, _ string, _ int64) error { a.Role = r.Key; return nil })(ctx, env, args[:1], out)
}
