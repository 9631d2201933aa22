package auth

import (
	"context"
	"errors"
	"net/mail"
	"regexp"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// Mailer sends what has to reach a person outside of the server.
type Mailer interface {
	Send(ctx context.Context, to, subject, text string) error
}

// Registration is what somebody fills in to join.
type Registration struct {
	Username, Email, Password string
	Reason, Locale, Invite    string
	Agreement                 bool
	IP                        string
}

// FieldErrors says what is wrong with which field, in Mastodon's terms.
//
// spec: masto:methods/accounts#create
type FieldErrors map[string][]FieldError

// FieldError is one thing that is wrong: ERR_TAKEN, ERR_INVALID … and a sentence.
type FieldError struct {
	Code        string `json:"error"`
	Description string `json:"description"`
}

// Error implements error.
func (f FieldErrors) Error() string {
	var parts []string
	for _, field := range []string{"username", "email", "password", "agreement", "reason", "invite_code"} {
		for _, e := range f[field] {
			parts = append(parts, strings.ToUpper(field[:1])+field[1:]+" "+e.Description)
		}
	}
	return "Validation failed: " + strings.Join(parts, ", ")
}

var usernameForm = regexp.MustCompile(`^[A-Za-z0-9_]{1,30}$`)

// reserved names would be taken for the server itself.
var reserved = map[string]bool{"admin": true, "administrator": true, "root": true, "abuse": true, "postmaster": true, "webmaster": true, "hostmaster": true,
	"support": true, "security": true, "moderator": true, "mod": true, "actor": true, "instance": true, "kenoma": true, "everyone": true, "here": true, "null": true}

// confirmLife and inviteLife are how long such links work.
const (
	confirmLife = 7 * 24 * time.Hour
	setupLife   = 7 * 24 * time.Hour
)

// Register makes an account as the server's rules have it: at once, after
// approval, or with an invite; a mail asks to confirm the address where mail is
// set up. The error is FieldErrors where the person can mend something.
func (s *Service) Register(ctx context.Context, r Registration) (*store.Actor, error) {
	if s.Registrations == "closed" {
		return nil, fault.New(fault.Denied, "This server does not take new members at the moment.")
	}
	problems := s.checkRegistration(r)
	if s.Registrations == "invite" {
		if _, err := s.DB.Token(ctx, "invite", Hash(r.Invite)); err != nil {
			problems["invite_code"] = append(problems["invite_code"], FieldError{"ERR_INVALID", "is not valid"})
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return s.create(ctx, r, store.NewAccount{Approved: s.Registrations != "approval", Confirmed: s.Mail == nil})
}

// checkRegistration looks at what was filled in.
func (s *Service) checkRegistration(r Registration) FieldErrors {
	problems := FieldErrors{}
	add := func(field, code, text string) { problems[field] = append(problems[field], FieldError{code, text}) }
	switch {
	case r.Username == "":
		add("username", "ERR_BLANK", "can't be blank")
	case !usernameForm.MatchString(r.Username):
		add("username", "ERR_INVALID", "must contain only letters, numbers and underscores, at most 30")
	case reserved[strings.ToLower(r.Username)]:
		add("username", "ERR_RESERVED", "is reserved")
	}
	if a, err := mail.ParseAddress(r.Email); r.Email == "" {
		add("email", "ERR_BLANK", "can't be blank")
	} else if err != nil || a.Address != r.Email || len(r.Email) > 254 {
		add("email", "ERR_INVALID", "is not a valid e-mail address")
	}
	if r.Password == "" {
		add("password", "ERR_BLANK", "can't be blank")
	} else if len([]rune(r.Password)) < minPassword {
		add("password", "ERR_TOO_SHORT", "is too short (minimum is 8 characters)")
	} else if CheckPassword(r.Password) != nil {
		add("password", "ERR_TOO_LONG", "is too long (maximum is 256 characters)")
	}
	if !r.Agreement {
		add("agreement", "ERR_ACCEPTED", "must be accepted")
	}
	if s.Registrations == "approval" && strings.TrimSpace(r.Reason) == "" {
		add("reason", "ERR_BLANK", "can't be blank")
	}
	return problems
}

// create hashes the password and has the pipeline make the account.
func (s *Service) create(ctx context.Context, r Registration, n store.NewAccount) (*store.Actor, error) {
	hash, err := HashPassword(ctx, r.Password)
	if err != nil {
		return nil, err
	}
	n.Username, n.Email, n.Password, n.Reason, n.Locale, n.IP = r.Username, r.Email, hash, r.Reason, r.Locale, r.IP
	actor, err := s.Accounts.CreateAccount(ctx, n)
	switch {
	case fault.Is(err, fault.Conflict):
		return nil, FieldErrors{"username": {{"ERR_TAKEN", "has already been taken"}}}
	case errors.Is(err, store.ErrExists):
		return nil, FieldErrors{"email": {{"ERR_TAKEN", "has already been taken"}}}
	case err != nil:
		return nil, err
	}
	if r.Invite != "" && s.Registrations == "invite" {
		err := s.DB.Write(ctx, func(tx *store.Tx) error { _, err := tx.TakeToken(ctx, "invite", Hash(r.Invite)); return err })
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	if !n.Confirmed {
		return actor, s.sendConfirmation(ctx, actor, r.Email)
	}
	return actor, nil
}

// CreateAccount makes a confirmed and approved account, as the command line does.
func (s *Service) CreateAccount(ctx context.Context, username, email, password, role string) (*store.Actor, error) {
	if !usernameForm.MatchString(username) {
		return nil, fault.New(fault.Invalid, "A name has letters, numbers and underscores, at most 30.")
	}
	if err := CheckPassword(password); err != nil {
		return nil, err
	}
	return s.create(ctx, Registration{Username: username, Email: email, Password: password}, store.NewAccount{Role: role, Confirmed: true, Approved: true})
}

func (s *Service) sendConfirmation(ctx context.Context, actor *store.Actor, email string) error {
	secret, err := s.NewToken(ctx, "confirm", store.Token{Actor: actor.ID}, confirmLife)
	if err != nil {
		return err
	}
	return s.Mail.Send(ctx, email, "Welcome to "+s.Domain,
		"Hello "+actor.Username+",\n\nplease confirm your e-mail address by opening this link:\n\n"+s.URL+"/auth/confirm/"+secret+
			"\n\nIf you have not signed up at "+s.Domain+", just ignore this message.\n")
}

// Confirm takes the link of a confirmation mail.
func (s *Service) Confirm(ctx context.Context, secret string) (*store.Account, error) {
	var account *store.Account
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		t, err := tx.TakeToken(ctx, "confirm", Hash(secret))
		if err != nil {
			return err
		}
		if account, err = tx.Account(ctx, t.Actor); err != nil {
			return err
		}
		account.Confirmed = s.Now().UnixMilli()
		return tx.UpdateAccount(ctx, account)
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New(fault.NotFound, "This link is not valid any more.")
	}
	s.Forget()
	return account, err
}

// SetPassword replaces a password and ends all sessions and apps' access.
func (s *Service) SetPassword(ctx context.Context, actor int64, password string) error {
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
		a.Password = hash
		for _, kind := range []string{"session", "access"} {
			if err := tx.DropTokens(ctx, kind, actor, 0); err != nil {
				return err
			}
		}
		return tx.UpdateAccount(ctx, a)
	})
	s.Forget()
	return err
}

// SetupLink returns a link with which the first admin account is made, once; ""
// when there is an account already. Earlier links stop working.
func (s *Service) SetupLink(ctx context.Context) (string, error) {
	if any, err := s.DB.AnyAccount(ctx); err != nil || any {
		return "", err
	}
	if err := s.DB.Write(ctx, func(tx *store.Tx) error { return tx.DropKind(ctx, "setup") }); err != nil {
		return "", err
	}
	secret, err := s.NewToken(ctx, "setup", store.Token{}, setupLife)
	return s.URL + "/setup/" + secret, err
}

// SetupValid tells whether a setup link still works.
func (s *Service) SetupValid(ctx context.Context, secret string) bool {
	_, err := s.DB.Token(ctx, "setup", Hash(secret))
	return err == nil
}

// Setup makes the first account, an admin, with the secret of the setup link.
func (s *Service) Setup(ctx context.Context, secret string, r Registration) (*store.Actor, error) {
	r.Agreement = true
	problems := s.checkRegistration(r)
	delete(problems, "reason")
	if strings.EqualFold(r.Username, "admin") {
		delete(problems, "username") // Fine for the one who is.
	}
	if len(problems) > 0 {
		return nil, problems
	}
	if !s.SetupValid(ctx, secret) {
		return nil, fault.New(fault.NotFound, "This link is not valid any more. Restart the server for a new one.")
	}
	actor, err := s.create(ctx, r, store.NewAccount{Role: "admin", Confirmed: true, Approved: true})
	if err != nil {
		return nil, err
	}
	return actor, s.DB.Write(ctx, func(tx *store.Tx) error { return tx.DropKind(ctx, "setup") })
}
