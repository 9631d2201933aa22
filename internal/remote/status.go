package remote

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

const (
	snippetSize   = 500            // Bytes of an answer that are kept to tell what went wrong.
	maxRetryAfter = 24 * time.Hour // A longer Retry-After counts as this.
)

// Answer is what a host said, without a document.
type Answer struct {
	Status     int           // HTTP status.
	RetryAfter time.Duration // 0 when it was not given; at most a day.
	Body       string        // The first 500 bytes as printable text; "" for a success.
}

// StatusError is the cause in an error for an answer whose status is no success;
// find it with errors.As.
type StatusError struct {
	URL vocab.IRI
	Answer
}

// Error implements error, for logs.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d %s %.100q", e.URL, e.Status, http.StatusText(e.Status), e.Body)
}

// kindOfStatus is what a status means for the one who asked; of a class that is
// not listed, 5xx is Transient and the rest Rejected.
var kindOfStatus = map[int]fault.Kind{
	http.StatusUnauthorized:       fault.Denied,
	http.StatusForbidden:          fault.Denied,
	http.StatusNotFound:           fault.NotFound,
	http.StatusGone:               fault.Gone,
	http.StatusRequestTimeout:     fault.Transient,
	http.StatusTooEarly:           fault.Transient,
	http.StatusTooManyRequests:    fault.Transient,
	http.StatusMisdirectedRequest: fault.Transient,
}

// messages are the sentences for each kind; %s is the host.
var messages = map[fault.Kind]string{
	fault.Denied:    "%s does not let us see this.",
	fault.NotFound:  "%s has nothing at this address.",
	fault.Gone:      "%s says that this was deleted.",
	fault.Transient: "%s can't answer at the moment.",
	fault.Rejected:  "%s refused the request.",
}

// failed makes the error for an answer that is no success, reading the start of
// its body.
func (c *Client) failed(resp *http.Response) error {
	u := resp.Request.URL
	e := &StatusError{URL: vocab.IRI(u.String()), Answer: Answer{
		Status:     resp.StatusCode,
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), c.opt.Now()),
		Body:       snippet(resp.Body),
	}}
	kind, ok := kindOfStatus[e.Status]
	switch {
	case ok:
	case e.Status >= 500:
		kind = fault.Transient
	default:
		kind = fault.Rejected
	}
	return fault.Because(e, kind, messages[kind], u.Host)
}

// retryAfter reads a Retry-After header: seconds or a date. What is unreadable or
// past counts as not given.
//
// spec: rfc9110#section-10.2.3
func retryAfter(value string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31); err == nil {
		d = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(value); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}

// snippet reads at most snippetSize bytes of r as text that is fit for a log.
func snippet(r io.Reader) string {
	b, _ := io.ReadAll(io.LimitReader(r, snippetSize)) // A broken body is no news here.
	return strings.Map(func(c rune) rune {
		if c == '\n' || c == '\t' {
			return ' '
		}
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(string(b), ""))
}
