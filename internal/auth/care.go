package auth

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// How people look after their accounts: passwords and addresses. Secrets in mails
// are made by the job that sends the mail, so that they stand in no table.

const (
	// resetLife is how long the link of a mail that resets a password works.
	resetLife = time.Hour

	// emailLife is that of a mail to a new address.
	emailLife = 24 * time.Hour
)

var (
	limitResets   = limit{"resets", 10, 30 * time.Minute} // From one network.
	limitResetsOf = limit{"resets of", 3, time.Hour}      // Mails to one address.
	errLink       = fault.New(fault.NotFound, "This link is not valid any more. Please ask for a new one.")
	errPassword   = fault.New(fault.Unauthorized, "The password is not right.")
	errTooOften   = fault.New(fault.TooMany, "Too many attempts. Please try again later.")
	errNoMail     = fault.New(fault.Invalid, "This server sends no mail. Please ask its admin for a new password.")
	errOtherApp   = fault.New(fault.Denied, "This method is only available to the application the user originally signed-up with")
	errConfirmed  = fault.New(fault.Denied, "This method is only available while the e-mail is awaiting confirmation")
	errManyMails  = fault.New(fault.TooMany, "We have sent some mails already. Please look for them, or try again in an hour.")
	errOwnAddress = fault.New(fault.Invalid, "This is your address already.")
)

// addressPayload says for which address, and for which account, a mail is. The
// job of a reset has no account: whether there is one is nobody's business.
type addressPayload struct {
	Actor int64  `json:"actor,omitempty"`
	Email string `json:"email"`
}

// noticePayload is a mail that holds no secret.
type noticePayload struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// enqueue leaves a job with a JSON payload.
func enqueue(ctx context.Context, tx *store.Tx, kind, uniq string, payload any) error {
	b, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: kind, Uniq: uniq, Payload: b})
}

// careJobs are the mails of this file.
func (s *Service) careJobs() map[string]func(context.Context, store.Job) error {
	return map[string]func(context.Context, store.Job) error{
		"reset-mail": payload(s.resetMail),
		"email-mail": payload(s.emailMail),
		"care-mail":  payload(s.noticeMail),
	}
}

func payload[T any](f func(context.Context, T) error) func(context.Context, store.Job) error {
	return func(ctx context.Context, j store.Job) error {
		var p T
		if err := json.Unmarshal(j.Payload, &p); err != nil {
			return fault.Because(err, fault.Malformed, "The job's payload can't be read.")
		}
		return f(ctx, p)
	}
}

// RequestReset has a mail sent with which the owner of an address sets a new
// password. The answer is the same, and takes as long, whether or not there is
// such an account. The error is TooMany for networks that ask too often.
func (s *Service) RequestReset(ctx context.Context, email string, ip netip.Addr) error {
	email = strings.TrimSpace(email)
	switch {
	case s.Mail == nil:
		return errNoMail
	case email == "" || len(email) > maxEmail || !strings.Contains(email, "@"):
		return fault.New(fault.Invalid, "Please enter your e-mail address.")
	}
	if left, _ := s.asked.take(limitResets, network(ip)); left < 0 && s.Throttle {
		return errTooOften
	}
	key := store.EmailKey(email)
	if left, _ := s.asked.take(limitResetsOf, key); left < 0 && s.Throttle {
		return nil // Its owner has had some. Saying so would say that there is one.
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		return enqueue(ctx, tx, "reset-mail", "reset-mail "+Hash(key), addressPayload{Email: email})
	})
}

// resetMail sends the link, if there is such an account. Earlier links stop working.
func (s *Service) resetMail(ctx context.Context, p addressPayload) error {
	account, actor, err := s.byAddress(ctx, p.Email)
	if errors.Is(err, store.ErrNotFound) || err == nil && (s.Mail == nil || actor.Deleted != 0) {
		return nil
	} else if err != nil {
		return err
	}
	secret, err := s.onlyToken(ctx, "reset", store.Token{Actor: actor.ID}, resetLife)
	if err != nil {
		return err
	}
	return s.Mail.Send(ctx, account.Email, "Your password at "+s.Domain,
		"Hello "+actor.Username+",\n\nsomebody, hopefully you, wants a new password for your account at "+s.Domain+". To set it, open this link within an hour:\n\n"+
			s.URL+"/auth/password/"+secret+"\n\nIf it wasn't you, ignore this message: your password stays as it is.\n")
}

func (s *Service) byAddress(ctx context.Context, email string) (*store.Account, *store.Actor, error) {
	account, err := s.DB.AccountByEmail(ctx, email)
	if err != nil {
		return nil, nil, err
	}
	actor, err := s.DB.Actor(ctx, account.Actor)
	return account, actor, err
}

// onlyToken makes a token in place of all of its kind that the actor has.
func (s *Service) onlyToken(ctx context.Context, kind string, t store.Token, life time.Duration) (string, error) {
	if err := s.DB.Write(ctx, func(tx *store.Tx) error { return tx.DropTokens(ctx, kind, t.Actor, 0) }); err != nil {
		return "", err
	}
	return s.NewToken(ctx, kind, t, life)
}

// LinkValid tells whether the secret of a link sent by mail still works.
func (s *Service) LinkValid(ctx context.Context, kind, secret string) error {
	_, err := s.DB.Token(ctx, kind, Hash(secret))
	if errors.Is(err, store.ErrNotFound) {
		return errLink
	}
	return err
}

// Reset sets a new password with the secret of a mail, which works once, and ends
// all sessions and apps' access. Who got the mail has the address, so it is
// confirmed.
func (s *Service) Reset(ctx context.Context, secret, password string) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	if err := s.LinkValid(ctx, "reset", secret); err != nil {
		return err // Before anything is hashed.
	}
	hash, err := HashPassword(ctx, password)
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		t, err := tx.TakeToken(ctx, "reset", Hash(secret))
		if errors.Is(err, store.ErrNotFound) {
			return errLink
		} else if err != nil {
			return err
		}
		a, err := tx.Account(ctx, t.Actor)
		if err != nil {
			return err
		}
		if a.Confirmed == 0 {
			a.Confirmed = s.Now().UnixMilli()
		}
		return s.replacePassword(ctx, tx, a, hash, 0, true)
	})
	s.Forget()
	return err
}

// SetPassword replaces a password and ends all sessions and apps' access.
func (s *Service) SetPassword(ctx context.Context, actor int64, password string) error {
	return s.changePassword(ctx, actor, password, 0, true)
}

// ChangePassword replaces one's own password, which must be known, and ends all
// sessions but the one that asks; apps too, those of the person's other browsers.
func (s *Service) ChangePassword(ctx context.Context, one *Session, password string, apps bool) error {
	return s.changePassword(ctx, one.Actor.ID, password, one.Token.ID, apps)
}

func (s *Service) changePassword(ctx context.Context, actor int64, password string, keep int64, apps bool) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	hash, err := HashPassword(ctx, password)
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(ctx, actor)
		if err != nil {
			return err
		}
		return s.replacePassword(ctx, tx, a, hash, keep, apps)
	})
	s.Forget()
	return err
}

// replacePassword writes a new hash, drops what was handed out under the old
// password but the session keep, and tells the owner.
func (s *Service) replacePassword(ctx context.Context, tx *store.Tx, a *store.Account, hash string, keep int64, apps bool) error {
	kinds := []string{"session", "second", "reset", "email"}
	if apps {
		kinds = append(kinds, "code", "access")
	}
	for _, kind := range kinds {
		if err := tx.DropTokens(ctx, kind, a.Actor, keep); err != nil {
			return err
		}
	}
	a.Password = hash
	if err := tx.UpdateAccount(ctx, a); err != nil {
		return err
	}
	return s.tell(ctx, tx, a, "Your password was changed", "the password of your account at "+s.Domain+" was changed.")
}

// tell leaves a mail to an account's owner about something that happened to it,
// where mail is set up. what goes on after the greeting.
func (s *Service) tell(ctx context.Context, tx *store.Tx, a *store.Account, subject, what string) error {
	if s.Mail == nil || a.Email == "" {
		return nil
	}
	actor, err := tx.Actor(ctx, a.Actor)
	if err != nil {
		return err
	}
	return enqueue(ctx, tx, "care-mail", "", noticePayload{a.Email, subject, "Hello " + actor.Username + ",\n\n" + what +
		"\n\nIf it wasn't you, set a new password at once: " + s.URL + "/auth/password\n"})
}

func (s *Service) noticeMail(ctx context.Context, p noticePayload) error {
	if s.Mail == nil {
		return nil
	}
	return s.Mail.Send(ctx, p.To, p.Subject, p.Text)
}

// CheckOwn wants the password of somebody who is signed in, before something that
// a stranger at the keyboard must not do. Wrong ones make wait.
func (s *Service) CheckOwn(ctx context.Context, actor int64, password string, ip netip.Addr) error {
	address, own := "ip "+network(ip), "own "+strconv.FormatInt(actor, 10)
	if err := s.attempt(limitOf{address, longestWait}, limitOf{own, longestWait}); err != nil {
		return err
	}
	account, err := s.DB.Account(ctx, actor)
	if err != nil {
		return err
	}
	ok, err := passwordMatches(ctx, password, account.Password)
	if err != nil {
		return err
	}
	if !ok {
		return errPassword
	}
	s.logins.undo(address)
	s.logins.forget(own)
	return nil
}

// attempt counts one try that stands as failed until it is taken back. The error
// is TooMany for those who have to wait, and says how long.
func (s *Service) attempt(keys ...limitOf) error {
	if !s.Throttle {
		return nil
	}
	if wait := s.logins.try(keys...); wait > 0 {
		return fault.New(fault.TooMany, "Too many attempts. Please try again in %s.", max(time.Second, wait.Round(time.Second)))
	}
	return nil
}

// RequestEmail begins the change of an account's address: the new one gets a link
// to confirm it, the old one is told. Without mail it is changed at once; done says
// so. The error is FieldErrors where the address will not do.
func (s *Service) RequestEmail(ctx context.Context, actor int64, email string) (done bool, err error) {
	email = strings.TrimSpace(email)
	account, err := s.DB.Account(ctx, actor)
	if err != nil {
		return false, err
	}
	if store.EmailKey(account.Email) == store.EmailKey(email) {
		return false, errOwnAddress
	}
	problems := FieldErrors{}
	if err := s.checkEmail(ctx, problems, email); err != nil {
		return false, err
	}
	if len(problems) > 0 {
		return false, problems
	}
	if s.Mail == nil {
		_, err := s.setEmail(ctx, actor, email)
		return true, err
	}
	if left, _ := s.asked.take(limitMails, strconv.FormatInt(actor, 10)); left < 0 && s.Throttle {
		return false, errManyMails
	}
	return false, s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := s.tell(ctx, tx, account, "Your address is to be changed", "the e-mail address of your account at "+s.Domain+" is to be changed to "+email+". It will be once that address is confirmed."); err != nil {
			return err
		}
		return enqueue(ctx, tx, "email-mail", "", addressPayload{actor, email})
	})
}

// emailMail sends the link that confirms a new address.
func (s *Service) emailMail(ctx context.Context, p addressPayload) error {
	actor, err := s.DB.Actor(ctx, p.Actor)
	if errors.Is(err, store.ErrNotFound) || err == nil && (s.Mail == nil || actor.Deleted != 0) {
		return nil
	} else if err != nil {
		return err
	}
	secret, err := s.onlyToken(ctx, "email", store.Token{Actor: p.Actor, Data: p.Email}, emailLife)
	if err != nil {
		return err
	}
	return s.Mail.Send(ctx, p.Email, "Confirm your new address at "+s.Domain,
		"Hello "+actor.Username+",\n\nplease confirm the new e-mail address of your account at "+s.Domain+" by opening this link:\n\n"+s.URL+"/auth/email/"+secret+
			"\n\nIf you have no account there, just ignore this message.\n")
}

// ChangeEmail takes the link of a mail to a new address, once, and returns it.
func (s *Service) ChangeEmail(ctx context.Context, secret string) (string, error) {
	t, err := s.DB.Token(ctx, "email", Hash(secret))
	if errors.Is(err, store.ErrNotFound) {
		return "", errLink
	} else if err != nil {
		return "", err
	}
	old, err := s.setEmail(ctx, t.Actor, t.Data)
	if err != nil {
		return "", err
	}
	return t.Data, s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DropTokens(ctx, "email", t.Actor, 0); err != nil {
			return err
		}
		return s.tell(ctx, tx, old, "Your address was changed", "the e-mail address of your account at "+s.Domain+" is "+t.Data+" now.")
	})
}

// setEmail writes a confirmed address, ends links to the old one, and returns the
// account as it was.
func (s *Service) setEmail(ctx context.Context, actor int64, email string) (*store.Account, error) {
	var old store.Account
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(ctx, actor)
		if err != nil {
			return err
		}
		old = *a
		if other, err := tx.AccountByEmail(ctx, email); err == nil && other.Actor != actor {
			return FieldErrors{"email": {{"ERR_TAKEN", "has already been taken"}}}
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		for _, kind := range []string{"reset", "confirm"} {
			if err := tx.DropTokens(ctx, kind, actor, 0); err != nil {
				return err
			}
		}
		a.Email = email
		if s.Mail != nil || a.Confirmed == 0 {
			a.Confirmed = s.Now().UnixMilli()
		}
		return tx.UpdateAccount(ctx, a)
	})
	s.Forget()
	return &old, err
}

// Reconfirm sends the mail of a sign-up once more, to another address if one is
// given: for the app through which somebody signed up, as long as the address is
// not confirmed.
//
// spec: masto:methods/emails#confirmation
func (s *Service) Reconfirm(ctx context.Context, one *Session, email string) error {
	switch {
	case one == nil || one.Account == nil:
		return errNeedsUser
	case one.Token.App == 0:
		return errOtherApp // Before the address is confirmed only the app that made the account has a token.
	case one.Account.Confirmed != 0:
		return errConfirmed
	}
	email = strings.TrimSpace(email)
	if email != "" && store.EmailKey(email) != store.EmailKey(one.Account.Email) {
		problems := FieldErrors{}
		if err := s.checkEmail(ctx, problems, email); err != nil {
			return err
		}
		if len(problems) > 0 {
			return problems
		}
		err := s.DB.Write(ctx, func(tx *store.Tx) error {
			a, err := tx.Account(ctx, one.Account.Actor)
			if err != nil {
				return err
			}
			if other, err := tx.AccountByEmail(ctx, email); err == nil && other.Actor != a.Actor {
				return FieldErrors{"email": {{"ERR_TAKEN", "has already been taken"}}}
			} else if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if a.Confirmed != 0 {
				return errConfirmed
			}
			a.Email = email
			if err := tx.DropTokens(ctx, "confirm", a.Actor, 0); err != nil {
				return err
			}
			return tx.UpdateAccount(ctx, a)
		})
		s.Forget()
		if err != nil {
			return err
		}
	}
	return s.SendConfirmation(ctx, one.Account.Actor)
}

// age returns how many whole years have passed between two days.
func age(born, now time.Time) int {
	years := now.Year() - born.Year()
	if now.Month() < born.Month() || now.Month() == born.Month() && now.Day() < born.Day() {
		years--
	}
	return years
}

// checkAge wants a date of birth where the admin has set a least age. It is not
// kept.
//
// spec: masto:methods/accounts#create
func (s *Service) checkAge(problems FieldErrors, born string) {
	if s.MinimumAge == 0 {
		return
	}
	day, err := time.Parse(time.DateOnly, born)
	switch {
	case born == "":
		problems.add("date_of_birth", "ERR_BLANK", "can't be blank")
	case err != nil || day.After(s.Now()) || age(day, s.Now()) > 150:
		problems.add("date_of_birth", "ERR_INVALID", "is not a valid date")
	case age(day, s.Now()) < s.MinimumAge:
		problems.add("date_of_birth", "ERR_BELOW_LIMIT", "is below the age limit of "+strconv.Itoa(s.MinimumAge))
	}
}
