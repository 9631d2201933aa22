// Package fault holds the one error type whose text may reach a person or
// another server. Every other error is wrapped with %w, logged, and shown as
// "Something went wrong on our side."
package fault

import (
	"errors"
	"fmt"
	"net/http"
)

// Kind says what went wrong, as far as the one who asked can act on it.
type Kind int

// The kinds. The zero value is Internal, so that a forgotten kind shows nothing.
const (
	Internal     Kind = iota
	Malformed         // The request can't be read: broken JSON, a missing parameter.
	Unauthorized      // Nobody is signed in, or the token or signature is not valid.
	Denied            // Known, but not allowed.
	NotFound          // No such thing, or not for the eyes of the one who asks.
	Conflict          // It collides with something that exists.
	Gone              // It was there and was deleted.
	TooLarge          // A body or file is over its limit.
	Unsupported       // A media type that is not handled.
	Invalid           // Readable, but a value breaks a rule.
	TooMany           // A rate limit was reached.
	Rejected          // A policy of this server refuses it.
	Transient         // It may work later: a peer is down, a queue is full.
)

// kinds is the one table of what a kind means on the wire.
var kinds = map[Kind]struct {
	name   string
	status int
	retry  bool
}{
	Internal:     {"internal", http.StatusInternalServerError, true},
	Malformed:    {"malformed", http.StatusBadRequest, false},
	Unauthorized: {"unauthorized", http.StatusUnauthorized, false},
	Denied:       {"denied", http.StatusForbidden, false},
	NotFound:     {"not found", http.StatusNotFound, false},
	Conflict:     {"conflict", http.StatusConflict, false},
	Gone:         {"gone", http.StatusGone, false},
	TooLarge:     {"too large", http.StatusRequestEntityTooLarge, false},
	Unsupported:  {"unsupported", http.StatusUnsupportedMediaType, false},
	Invalid:      {"invalid", http.StatusUnprocessableEntity, false},
	TooMany:      {"too many", http.StatusTooManyRequests, true},
	Rejected:     {"rejected", http.StatusForbidden, false},
	Transient:    {"transient", http.StatusServiceUnavailable, true},
}

// String names the kind for logs.
func (k Kind) String() string { return kinds[k].name }

// Error is a failure with a message fit for the person or server that asked.
type Error struct {
	Kind    Kind
	Message string // Plain language, one sentence, says what to do if anything can be done.
	Err     error  // Cause, for the log only. May be nil.
}

// Error implements error; the text is for logs and includes the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + " (" + e.Err.Error() + ")"
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an Error of kind k. Without args the format is used verbatim.
func New(k Kind, format string, args ...any) error {
	return Because(nil, k, format, args...)
}

// Because is New with the cause err, which only the log sees. err may be nil.
func Because(err error, k Kind, format string, args ...any) error {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return &Error{Kind: k, Message: format, Err: err}
}

// KindOf returns the kind of the first Error in err's chain, Internal if there is none.
func KindOf(err error) Kind {
	var f *Error
	if errors.As(err, &f) {
		return f.Kind
	}
	return Internal
}

// Is tells whether err is a fault of kind k.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// Retryable tells whether the same work may succeed later. A definite no is not retried.
func Retryable(err error) bool { return kinds[KindOf(err)].retry }

// Public returns the HTTP status and the text to send for err. Causes never leak.
func Public(err error) (status int, message string) {
	var f *Error
	if !errors.As(err, &f) || f.Kind == Internal {
		return http.StatusInternalServerError, "Something went wrong on our side."
	}
	return kinds[f.Kind].status, f.Message
}
