package auth

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strconv"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// The bounds of an invite.
const (
	maxInviteUses    = 10_000
	maxInviteLife    = 365 * 24 * time.Hour
	maxInviteComment = 420 // Bytes.
	invitesADay      = 50  // Of somebody who is no staff.
)

// NewInvite makes an invite. It gets a code; creator 0 is the command line.
func (s *Service) NewInvite(ctx context.Context, i *store.Invite) error {
	now := s.Now().UnixMilli()
	switch {
	case i.MaxUses < 0 || i.MaxUses > maxInviteUses:
		return fault.New(fault.Invalid, "An invite can be used up to %d times; 0 is any number.", maxInviteUses)
	case i.Expires != 0 && (i.Expires <= now || i.Expires > now+maxInviteLife.Milliseconds()):
		return fault.New(fault.Invalid, "An invite ends within a year, and not in the past.")
	case len(i.Comment) > maxInviteComment:
		return fault.New(fault.Invalid, "The comment is too long.")
	}
	secret := make([]byte, 10)
	rand.Read(secret)
	i.Code = strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)) // Short, and can be read out.
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.InsertInvite(ctx, i); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: i.Creator, Action: "create", Kind: "invite", Target: i.ID, Name: "#" + strconv.FormatInt(i.ID, 10)})
	})
}

// NewOwnInvite is NewInvite for somebody whose role lets them invite.
func (s *Service) NewOwnInvite(ctx context.Context, one *Session, i *store.Invite) error {
	if !one.Role.Permissions.Has(store.InviteUsers) {
		return fault.New(fault.Denied, "Your role does not let you invite people.")
	}
	if !one.Role.Permissions.Has(store.ManageInvites) {
		n, err := s.DB.InvitesSince(ctx, one.Actor.ID, s.Now().Add(-24*time.Hour).UnixMilli())
		if err != nil {
			return err
		}
		if n >= invitesADay {
			return fault.New(fault.TooMany, "You have made %d invites today. Please go on tomorrow.", n)
		}
	}
	i.Creator = one.Actor.ID
	return s.NewInvite(ctx, i)
}

// RevokeInvite ends an invite of a creator, or of anybody for creator 0.
func (s *Service) RevokeInvite(ctx context.Context, by int64, code string, creator int64) (*store.Invite, error) {
	var i *store.Invite
	err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		if i, err = tx.RevokeInvite(ctx, code, creator); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: "revoke", Kind: "invite", Target: i.ID, Name: "#" + strconv.FormatInt(i.ID, 10)})
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New(fault.NotFound, "There is no such invite.")
	}
	return i, err
}

// InviteLink is the address with which an invite is used.
func (s *Service) InviteLink(i *store.Invite) string { return s.URL + "/invite/" + i.Code }

// MailInvite sends an invite for one to an address.
func (s *Service) MailInvite(ctx context.Context, by int64, email, name string) error {
	if s.Mail == nil {
		return errNoInviteMail
	}
	problems := FieldErrors{}
	if err := s.checkEmail(ctx, problems, email); err != nil {
		return err
	}
	if len(problems) > 0 {
		return problems
	}
	i := &store.Invite{Creator: by, MaxUses: 1, Expires: s.Now().Add(30 * 24 * time.Hour).UnixMilli(), Comment: cutTo(email, maxInviteComment)}
	if err := s.NewInvite(ctx, i); err != nil {
		return err
	}
	hello := "Hello"
	if name = strings.Join(strings.Fields(name), " "); name != "" {
		hello += " " + cutTo(name, 100)
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		return enqueue(ctx, tx, "notice-mail", "", noticePayload{email, "You are invited to " + s.Domain,
			hello + ",\n\nyou are invited to join " + s.Domain + ". With this link you can make an account, within 30 days:\n\n" + s.InviteLink(i) + "\n"})
	})
}

var errNoInviteMail = fault.New(fault.Invalid, "This server sends no mail. Make an invite, and send its link yourself.")

func cutTo(text string, n int) string {
	if len(text) > n {
		return strings.ToValidUTF8(text[:n], "")
	}
	return text
}
