package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
)

var (
	_ = command("user create", 4, userCreate)
	_ = command("user list", 0, userList)
	_ = command("user show", 1, userShow)
	_ = command("user set-password", 2, userSetPassword)
	_ = command("user set-role", 2, userSetRole)
	_ = command("user disable", 1, changeAccount(func(a *store.Account, _ string, now int64) error { a.Disabled = now; return nil }))
	_ = command("user enable", 1, changeAccount(func(a *store.Account, _ string, _ int64) error { a.Disabled = 0; return nil }))
	_ = command("user approve", 1, changeAccount(func(a *store.Account, _ string, now int64) error { a.Approved = now; return nil }))
	_ = command("user confirm", 1, changeAccount(func(a *store.Account, _ string, now int64) error { a.Confirmed = now; return nil }))
	_ = command("user delete", 1, userDelete)
	_ = command("user reset-second-factor", 1, userResetSecondFactor)
	_ = command("token create", 2, tokenCreate)
	_ = command("invite create", 3, inviteCreate)
	_ = command("invite list", 0, inviteList)
	_ = command("invite revoke", 1, inviteRevoke)
)

// userCreate: name, e-mail, password, role.
func userCreate(ctx context.Context, env *Env, args []string, out io.Writer) error {
	role, err := env.DB.RoleNamed(ctx, args[3])
	if err != nil {
		return err
	}
	actor, err := env.Auth.CreateAccount(ctx, args[0], args[1], args[2], role.Key)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Created @%s, id %d.\n", actor.Username, actor.ID)
	return err
}

// local returns one of our actors with its account.
func local(ctx context.Context, env *Env, name string) (*store.Actor, *store.Account, error) {
	actor, err := env.DB.ActorByHandle(ctx, strings.TrimPrefix(name, "@"), "")
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, fault.New(fault.NotFound, "There is no account %s.", name)
	} else if err != nil {
		return nil, nil, err
	}
	account, err := env.DB.Account(ctx, actor.ID)
	return actor, account, err
}

func state(actor *store.Actor, a *store.Account) string {
	switch {
	case actor.Deleted != 0:
		return "deleted"
	case a.Disabled != 0:
		return "disabled"
	case a.Approved == 0:
		return "waits for approval"
	case a.Confirmed == 0:
		return "e-mail not confirmed"
	}
	return "active"
}

func userList(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tE-MAIL\tROLE\tSTATE\tCREATED")
	page := store.Page{Limit: 200}
	for {
		all, err := env.DB.Accounts(ctx, page)
		if err != nil {
			return err
		}
		for i := range all {
			actor, err := env.DB.Actor(ctx, all[i].Actor)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", actor.Username, all[i].Email, all[i].Role, state(actor, &all[i]), day(all[i].Created))
			page.Max = all[i].Actor
		}
		if len(all) < page.Limit {
			return w.Flush()
		}
	}
}

func day(ms int64) string {
	if ms == 0 {
		return "never"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04")
}

func userShow(ctx context.Context, env *Env, args []string, out io.Writer) error {
	actor, a, err := local(ctx, env, args[0])
	if err != nil {
		return err
	}
	counts, err := env.DB.ActorCounts(ctx, []int64{actor.ID})
	if err != nil {
		return err
	}
	n := counts[actor.ID]
	_, err = fmt.Fprintf(out, "name       %s\nid         %d\naddress    %s\ne-mail     %s\nrole       %s\nstate      %s\ncreated    %s\nlast seen  %s\nposts      %d\nfollowers  %d\nfollowing  %d\n",
		actor.Username, actor.ID, actor.URI, a.Email, a.Role, state(actor, a), day(a.Created), day(a.LastSeen), n.Statuses, n.Followers, n.Following)
	return err
}

func userSetPassword(ctx context.Context, env *Env, args []string, out io.Writer) error {
	actor, _, err := local(ctx, env, args[0])
	if err != nil {
		return err
	}
	if err := env.Auth.SetPassword(ctx, actor.ID, args[1]); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "The password of @%s is changed; it is signed out everywhere.\n", actor.Username)
	return err
}

// changeAccount is a command that edits an account's row: name [argument].
func changeAccount(change func(a *store.Account, arg string, now int64) error) Command {
	return func(ctx context.Context, env *Env, args []string, out io.Writer) error {
		actor, _, err := local(ctx, env, args[0])
		if err != nil {
			return err
		}
		arg := ""
		if len(args) > 1 {
			arg = args[1]
		}
		err = env.DB.Write(ctx, func(tx *store.Tx) error {
			a, err := tx.Account(ctx, actor.ID)
			if err != nil {
				return err
			}
			if err := change(a, arg, time.Now().UnixMilli()); err != nil {
				return err
			}
			return tx.UpdateAccount(ctx, a)
		})
		if err != nil {
			return err
		}
		env.Auth.Forget()
		return userShow(ctx, env, args[:1], out)
	}
}

// userResetSecondFactor lets somebody in again who has lost phone and recovery codes.
func userResetSecondFactor(ctx context.Context, env *Env, args []string, out io.Writer) error {
	actor, _, err := local(ctx, env, args[0])
	if err != nil {
		return err
	}
	if err := env.Auth.RemoveFactors(ctx, actor.ID); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "@%s signs in with the password alone now.\n", actor.Username)
	return err
}

func userDelete(ctx context.Context, env *Env, args []string, out io.Writer) error {
	actor, _, err := local(ctx, env, args[0])
	if err != nil {
		return err
	}
	if err := env.Pipeline.DeleteAccount(ctx, actor); err != nil {
		return err
	}
	env.Auth.Forget()
	_, err = fmt.Fprintf(out, "@%s is deleted. Its posts go in the background while the server runs; the name stays taken.\n", actor.Username)
	return err
}

// tokenCreate: name, scopes. Prints the token alone.
func tokenCreate(ctx context.Context, env *Env, args []string, out io.Writer) error {
	actor, _, err := local(ctx, env, args[0])
	if err != nil {
		return err
	}
	grant, err := auth.ParseScopes(args[1])
	if err != nil {
		return err
	}
	secret, err := env.Auth.NewToken(ctx, "access", store.Token{Actor: actor.ID, Scopes: grant.String()}, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, secret)
	return err
}

// inviteCreate: how many may use it (0 any number), for how long (0 for good), comment.
func inviteCreate(ctx context.Context, env *Env, args []string, out io.Writer) error {
	uses, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return fault.New(fault.Invalid, "%q is no number.", args[0])
	}
	life, err := time.ParseDuration(args[1])
	if err != nil || life < 0 {
		return fault.New(fault.Invalid, "%q is no length of time, such as 720h.", args[1])
	}
	i := &store.Invite{MaxUses: uses, Comment: args[2]}
	if life > 0 {
		i.Expires = env.Auth.Now().Add(life).UnixMilli()
	}
	if err := env.Auth.NewInvite(ctx, i); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, env.Auth.InviteLink(i))
	return err
}

func inviteList(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	all, err := env.DB.Invites(ctx, 0, store.Page{Limit: 500})
	if err != nil {
		return err
	}
	var ids []int64
	for _, i := range all {
		ids = append(ids, i.Creator)
	}
	actors, err := env.DB.Actors(ctx, ids)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "CODE\tBY\tUSED\tENDS\tSTATE\tCOMMENT")
	for _, i := range all {
		by, used, ends, state := "(command line)", fmt.Sprintf("%d", i.Uses), "never", "open"
		if a := actors[i.Creator]; a != nil {
			by = a.Username
		}
		if i.MaxUses > 0 {
			used += fmt.Sprintf(" of %d", i.MaxUses)
		}
		if i.Expires != 0 {
			ends = time.UnixMilli(i.Expires).UTC().Format(time.DateTime)
		}
		if i.Revoked != 0 {
			state = "revoked"
		} else if !i.Usable(env.Auth.Now().UnixMilli()) {
			state = "over"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", i.Code, by, used, ends, state, oneLine(i.Comment))
	}
	return w.Flush()
}

// inviteRevoke: code.
func inviteRevoke(ctx context.Context, env *Env, args []string, out io.Writer) error {
	if _, err := env.Auth.RevokeInvite(ctx, 0, args[0], 0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "Revoked.")
	return err
}
