package auth

import (
	"context"
	"encoding/json"
	"errors"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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
	DateOfBirth               string // 2006-01-02; asked for where there is a least age.
	Agreement                 bool
	IP                        string
	App                       int64  // 0: on our pages.
	CaptchaToken, Captcha     string // What was read in which picture.
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

func (f FieldErrors) add(field, code, text string) {
	f[field] = append(f[field], FieldError{code, text})
}

// Error implements error.
func (f FieldErrors) Error() string {
	var parts []string
	for _, field := range []string{"username", "email", "password", "agreement", "date_of_birth", "reason", "invite_code", "captcha"} {
		for _, e := range f[field] {
			parts = append(parts, strings.ToUpper(field[:1])+strings.ReplaceAll(field[1:], "_", " ")+" "+e.Description)
		}
	}
	return "Validation failed: " + strings.Join(parts, ", ")
}

// maxName is how long a username may be.
const maxName = 30

var usernameForm = regexp.MustCompile(`^[A-Za-z0-9_]{1,30}$`)

// reserved names would be taken for the server itself.
var reserved = map[string]bool{"admin": true, "administrator": true, "root": true, "abuse": true, "postmaster": true, "webmaster": true, "hostmaster": true,
	"support": true, "security": true, "moderator": true, "mod": true, "actor": true, "relay": true, "instance": true, "kenoma": true, "everyone": true, "here": true, "null": true}

// How long links work.
const (
	confirmLife = 7 * 24 * time.Hour
	setupLife   = 7 * 24 * time.Hour
)

// Bounds of what is filled in, in bytes.
const (
	maxEmail  = 254
	maxReason = 2000
)

// errClosed is for those who come to a closed door.
var errClosed = fault.New(fault.Denied, "This server does not take new members at the moment.")

// Register makes an account as the server's rules have it: at once, after
// approval, or with an invite, which also spares the approval. Where mail is set
// up one is sent that asks to confirm the address. The error is FieldErrors where
// the person can mend something.
//
// spec: masto:methods/accounts#create
func (s *Service) Register(ctx context.Context, r Registration) (*store.Actor, error) {
	if s.Registrations == "closed" {
		return nil, errClosed
	}
	invited, err := s.invited(ctx, r.Invite)
	if err != nil {
		return nil, err
	}
	problems, err := s.check(ctx, r)
	if err != nil {
		return nil, err
	}
	if s.Registrations == "invite" && !invited {
		problems.add("invite_code", "ERR_INVALID", "is not valid")
	}
	s.checkAge(problems, r.DateOfBirth)
	flagged, err := s.checkBlocks(ctx, problems, r)
	if err != nil {
		return nil, err
	}
	approval := s.Registrations == "approval" && !invited
	if reason := strings.TrimSpace(r.Reason); approval && reason == "" {
		problems.add("reason", "ERR_BLANK", "can't be blank")
	} else if len(reason) > maxReason {
		problems.add("reason", "ERR_TOO_LONG", "is too long")
	}
	if len(problems) == 0 && s.Captcha { // Last, since it can be answered once.
		if err := s.checkCaptcha(ctx, problems, r.CaptchaToken, r.Captcha); err != nil {
			return nil, err
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	if left, _ := s.asked.take(limitSignUps, s.networkOf(r.IP)); left < 0 && s.Throttle {
		return nil, errTooMany
	}
	n := store.NewAccount{Approved: !approval && !flagged, Confirmed: s.Mail == nil}
	if invited {
		n.Invite = r.Invite
	}
	return s.create(ctx, r, n)
}

// invited tells whether a code invites somebody.
func (s *Service) invited(ctx context.Context, code string) (bool, error) {
	if code == "" {
		return false, nil
	}
	_, err := s.DB.Invite(ctx, code)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (s *Service) networkOf(ip string) string { return network(parseAddr(ip)) }

// once makes an account with a secret that is good for one: it is taken first, and
// given back when there was a failure.
func (s *Service) once(ctx context.Context, kind, secret string, create func() (*store.Actor, error)) (*store.Actor, error) {
	var t *store.Token
	err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		t, err = tx.TakeToken(ctx, kind, Hash(secret))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New(fault.NotFound, "This link is not valid any more.")
	} else if err != nil {
		return nil, err
	}
	actor, err := create()
	if err == nil {
		return actor, nil
	}
	ctx = context.WithoutCancel(ctx)
	return nil, errors.Join(err, s.DB.Write(ctx, func(tx *store.Tx) error { return tx.InsertToken(ctx, t) }))
}

// check looks at what everybody has to fill in.
func (s *Service) check(ctx context.Context, r Registration) (FieldErrors, error) {
	problems := FieldErrors{}
	if err := s.checkName(ctx, problems, r.Username); err != nil {
		return nil, err
	}
	if err := s.checkEmail(ctx, problems, r.Email); err != nil {
		return nil, err
	}
	switch n := utf8.RuneCountInString(r.Password); {
	case r.Password == "":
		problems.add("password", "ERR_BLANK", "can't be blank")
	case n < minPassword:
		problems.add("password", "ERR_TOO_SHORT", "is too short (minimum is 8 characters)")
	case n > maxPassword:
		problems.add("password", "ERR_TOO_LONG", "is too long (maximum is 256 characters)")
	}
	if !r.Agreement {
		problems.add("agreement", "ERR_ACCEPTED", "must be accepted")
	}
	return problems, nil
}

func (s *Service) checkName(ctx context.Context, problems FieldErrors, name string) error {
	switch {
	case name == "":
		problems.add("username", "ERR_BLANK", "can't be blank")
	case len(name) > maxName:
		problems.add("username", "ERR_TOO_LONG", "is too long (maximum is 30 characters)")
	case !usernameForm.MatchString(name):
		problems.add("username", "ERR_INVALID", "must contain only letters, numbers and underscores")
	case reserved[strings.ToLower(name)]:
		problems.add("username", "ERR_RESERVED", "is reserved")
	default:
		_, err := s.DB.ActorByHandle(ctx, name, "")
		if err == nil {
			problems.add("username", "ERR_TAKEN", "has already been taken")
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

func (s *Service) checkEmail(ctx context.Context, problems FieldErrors, address string) error {
	a, err := mail.ParseAddress(address)
	switch {
	case address == "":
		problems.add("email", "ERR_BLANK", "can't be blank")
	case err != nil || a.Address != address || len(address) > maxEmail || strings.ContainsAny(address, "\r\n"):
		problems.add("email", "ERR_INVALID", "is not a valid e-mail address")
	default:
		_, err := s.DB.AccountByEmail(ctx, address)
		if err == nil {
			problems.add("email", "ERR_TAKEN", "has already been taken")
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

// create hashes the password and has the pipeline make the account. Somebody else
// may have taken name or address meanwhile.
func (s *Service) create(ctx context.Context, r Registration, n store.NewAccount) (*store.Actor, error) {
	hash, err := HashPassword(ctx, r.Password)
	if err != nil {
		return nil, err
	}
	n.Username, n.Email, n.Password, n.Reason, n.Locale, n.IP = r.Username, r.Email, hash, strings.TrimSpace(r.Reason), r.Locale, r.IP
	n.App = r.App
	actor, err := s.Accounts.CreateAccount(ctx, n)
	switch {
	case fault.Is(err, fault.Conflict):
		return nil, FieldErrors{"username": {{"ERR_TAKEN", "has already been taken"}}}
	case errors.Is(err, store.ErrExists):
		return nil, FieldErrors{"email": {{"ERR_TAKEN", "has already been taken"}}}
	case err != nil:
		return nil, err
	}
	if !n.Confirmed {
		if err := s.SendConfirmation(ctx, actor.ID); err != nil {
			s.Log.Error("no mail to confirm an address", "account", actor.Username, "err", err) // The account is there; signing in sends another.
		}
	}
	return actor, nil
}

// CreateAccount makes a confirmed and approved account, as the command line does.
// The address may be left out.
func (s *Service) CreateAccount(ctx context.Context, username, email, password, role string) (*store.Actor, error) {
	if !usernameForm.MatchString(username) {
		return nil, fault.New(fault.Invalid, "A name has letters, numbers and underscores, at most 30.")
	}
	if err := CheckPassword(password); err != nil {
		return nil, err
	}
	if email != "" {
		problems := FieldErrors{}
		if err := s.checkEmail(ctx, problems, email); err != nil {
			return nil, err
		}
		if len(problems) > 0 {
			return nil, problems
		}
	}
	return s.create(ctx, Registration{Username: username, Email: email, Password: password}, store.NewAccount{Role: role, Confirmed: true, Approved: true})
}

// mailPayload says whom a confirm-mail job is for. The secret is made when the mail
// is sent, so that it stands in no table.
type mailPayload struct {
	Actor int64 `json:"actor"`
}

// SendConfirmation has a mail sent, soon, with which an account confirms its
// address: a few times an hour at most. Where no mail is set up it does nothing.
func (s *Service) SendConfirmation(ctx context.Context, actor int64) error {
	if s.Mail == nil {
		return nil
	}
	if left, _ := s.asked.take(limitMails, strconv.FormatInt(actor, 10)); left < 0 && s.Throttle {
		return fault.New(fault.TooMany, "We have sent some mails already. Please look for them, or try again in an hour.")
	}
	payload, err := json.Marshal(mailPayload{actor})
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Enqueue(ctx, store.Job{Kind: "confirm-mail", Uniq: "confirm-mail " + strconv.FormatInt(actor, 10), Payload: payload})
	})
}

// mailJob sends a confirmation mail. Links in earlier ones stop working.
func (s *Service) mailJob(ctx context.Context, j store.Job) error {
	var p mailPayload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return err
	}
	account, err := s.DB.Account(ctx, p.Actor)
	if errors.Is(err, store.ErrNotFound) || err == nil && (account.Confirmed != 0 || s.Mail == nil) {
		return nil
	} else if err != nil {
		return err
	}
	actor, err := s.DB.Actor(ctx, p.Actor)
	if err != nil {
		return err
	}
	if err := s.DB.Write(ctx, func(tx *store.Tx) error { return tx.DropTokens(ctx, "confirm", p.Actor, 0) }); err != nil {
		return err
	}
	secret, err := s.NewToken(ctx, "confirm", store.Token{Actor: p.Actor}, confirmLife)
	if err != nil {
		return err
	}
	return s.Mail.Send(ctx, account.Email, "Welcome to "+s.Domain,
		"Hello "+actor.Username+",\n\nplease confirm your e-mail address by opening this link:\n\n"+s.URL+"/auth/confirm/"+secret+
			"\n\nIf you have not signed up at "+s.Domain+", just ignore this message.\n")
}

// ConfirmValid tells whether the link of a confirmation mail still works.
func (s *Service) ConfirmValid(ctx context.Context, secret string) bool {
	_, err := s.DB.Token(ctx, "confirm", Hash(secret))
	return err == nil
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
	if err != nil {
		return "", err
	}
	return s.URL + "/setup/" + secret, nil
}

// errSetup is for a setup link that was used, or is not needed any more.
var errSetup = fault.New(fault.NotFound, "This link is not valid any more. As long as there is no account, a restart of the server prints a new one.")

// SetupValid tells whether a setup link works: the error is NotFound when it does
// not, as when there is an account by now.
func (s *Service) SetupValid(ctx context.Context, secret string) error {
	any, err := s.DB.AnyAccount(ctx)
	if err == nil {
		_, err = s.DB.Token(ctx, "setup", Hash(secret))
	}
	if any || errors.Is(err, store.ErrNotFound) {
		return errSetup
	}
	return err
}

// Setup makes the first account, the owner's, with the secret of the setup link.
func (s *Service) Setup(ctx context.Context, secret string, r Registration) (*store.Actor, error) {
	if err := s.SetupValid(ctx, secret); err != nil {
		return nil, err
	}
	r.Agreement = true
	problems, err := s.check(ctx, r)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(r.Username, "admin") {
		delete(problems, "username") // Fine for the one who is.
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return s.once(ctx, "setup", secret, func() (*store.Actor, error) {
		return s.create(ctx, r, store.NewAccount{Role: "owner", Confirmed: true, Approved: true})
	})
}
