package activitypub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// arrivalJob is the kind of the jobs that look after stored requests.
const arrivalJob = "arrival"

// arrivalBounds: a host that is met for the first time may send what it has; one
// that makes up actors does not get far.
var arrivalBounds = store.ArrivalBounds{PerHost: 200, Total: 20_000, Age: 7 * 24 * time.Hour}

// waitForKey is how long a request waits for a key that can't be had at the moment.
const waitForKey = 2 * 24 * time.Hour

// maxSigned bounds the signed header fields of a stored request, in bytes.
const maxSigned = 16 << 10

// arrivalPayload is what an arrival's job says.
type arrivalPayload struct {
	Arrival int64 `json:"arrival"`
}

// request is the part of a request that its signature is about, for storing.
type request struct {
	Method string      `json:"method"`
	Target string      `json:"target"` // Path and query as they came.
	Host   string      `json:"host"`
	Header http.Header `json:"header"`
}

// keep stores a request whose key is not known, with the job that will fetch it.
// What could never be taken is refused at once.
func (h *Handler) keep(r *http.Request, s *remote.Signature, body []byte) error {
	a, err := claim(body)
	if err != nil {
		return err
	}
	if !vocab.SameHost(a.Actor, s.KeyID()) {
		if err := h.passable(r.Context(), a, body, s.KeyID().Host()); err != nil {
			return err
		}
	}
	if leaving(a) {
		// Of somebody who was never here there is nothing to delete, and mostly the
		// key is gone as well.
		if _, err := h.DB.ActorByURI(r.Context(), a.Actor); errors.Is(err, store.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
	}
	if host := s.KeyID().Host(); h.Refuses != nil && h.Refuses(host) {
		return fault.New(fault.Rejected, "This server does not talk to %s.", host)
	}
	return h.store(r, s, body)
}

// store keeps a request with the job that looks after it.
func (h *Handler) store(r *http.Request, s *remote.Signature, body []byte) error {
	stored, err := storable(r, s)
	if err != nil {
		return err
	}
	host := s.KeyID().Host()
	return h.DB.Write(r.Context(), func(tx *store.Tx) error {
		row := &store.Arrival{Host: host, Arrived: h.Now().UnixMilli(), Request: stored, Body: string(body)}
		if err := tx.AddArrival(r.Context(), row, arrivalBounds); err != nil {
			return err
		}
		payload, err := json.Marshal(arrivalPayload{row.ID})
		if err != nil {
			return err
		}
		// One key is fetched once: those who wait for it go one after the other.
		return tx.Enqueue(r.Context(), store.Job{Kind: arrivalJob, Part: host, Lane: laneOf(s.KeyID()), Payload: payload})
	})
}

// claim reads an unverified document that was signed with a key and makes sure that
// it could be true: well-formed, and its id on its actor's host.
func claim(body []byte) (*vocab.Activity, error) {
	a, err := vocab.DecodeActivity(body)
	if err != nil {
		return nil, err
	}
	if err := a.Actor.Valid(); err != nil {
		return nil, fault.Because(err, fault.Malformed, "The activity names no actor.")
	}
	if a.ID != "" && !vocab.SameHost(a.ID, a.Actor) {
		return nil, fault.New(fault.Rejected, "The activity's id is on another host than its actor.")
	}
	return a, nil
}

// storable is the signed part of r as text.
func storable(r *http.Request, s *remote.Signature) (string, error) {
	q := request{Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: http.Header{}}
	if !strings.HasPrefix(q.Target, "/") {
		q.Target = r.URL.RequestURI()
	}
	for _, name := range append(s.Covered(), "signature", "signature-input", "authorization", "content-type") {
		name = http.CanonicalHeaderKey(name)
		if values := r.Header.Values(name); len(values) > 0 {
			q.Header[name] = values
		}
	}
	text, err := json.Marshal(q)
	if err != nil {
		return "", err
	}
	if len(text) > maxSigned {
		return "", fault.New(fault.TooLarge, "The signed header fields are too long.")
	}
	return string(text), nil
}

// restore is the request as it came.
func restore(text string, body []byte) (*http.Request, error) {
	var q request
	if err := json.Unmarshal([]byte(text), &q); err != nil {
		return nil, err
	}
	u, err := url.ParseRequestURI(q.Target)
	if err != nil {
		return nil, err
	}
	return &http.Request{Method: q.Method, URL: u, RequestURI: q.Target, Host: q.Host, Header: q.Header, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewReader(body))}, nil
}

// laneOf puts the requests that wait for one key behind each other.
func laneOf(key vocab.IRI) int64 {
	sum := fnv.New64a()
	sum.Write([]byte(key))
	return int64(sum.Sum64()>>1) | 1
}

// arrival is the job: it fetches who signed a stored request, verifies it as of the
// time of its arrival and processes it. Trouble that may pass is returned for
// another try, for two days; a definite no is put on record.
func (h *Handler) arrival(ctx context.Context, j store.Job) error {
	var payload arrivalPayload
	if err := json.Unmarshal(j.Payload, &payload); err != nil {
		return fault.Because(err, fault.Malformed, "The job's payload can't be read.")
	}
	row, err := h.DB.Arrival(ctx, payload.Arrival)
	if errors.Is(err, store.ErrNotFound) {
		return nil // Done before a crash.
	} else if err != nil {
		return err
	}
	refusal, err := h.settle(ctx, row)
	if err != nil && fault.Retryable(err) {
		if h.Now().Sub(msTime(row.Arrived)) < waitForKey {
			return err
		}
		refusal = h.refusal(row, "signature", err)
	}
	return h.DB.Write(ctx, func(tx *store.Tx) error {
		if refusal != nil {
			if err := tx.Refuse(ctx, *refusal); err != nil {
				return err
			}
		}
		return tx.DropArrival(ctx, row.ID)
	})
}

// settle takes a stored request to its end. What the pipeline refuses it has put on
// record itself; what never came so far is returned as a refusal.
func (h *Handler) settle(ctx context.Context, row *store.Arrival) (*store.Refusal, error) {
	body := []byte(row.Body)
	r, err := restore(row.Request, body)
	if err != nil {
		return h.refusal(row, "signature", err), nil
	}
	s, err := h.parse(r)
	if err != nil {
		return h.refusal(row, "signature", err), nil
	}
	a, err := claim(body)
	if err != nil {
		return h.refusal(row, "decode", err), nil
	}
	actor, err := h.signerOf(ctx, s, r, row, a)
	switch {
	case err == nil:
	case fault.Retryable(err):
		return nil, err
	case a.Type == "Delete" && (fault.Is(err, fault.Gone) || fault.Is(err, fault.NotFound)):
		return nil, nil
	default:
		return h.refusal(row, "signature", err), nil
	}
	from := origin(r, actor)
	if foreign(a, actor) && !from.Relay {
		taken, err := h.Pipeline.RelayPassedOn(ctx, a, from)
		if err == nil && !taken {
			err = h.settlePassedOn(ctx, a, body, actor.Host)
		}
		if err != nil && fault.Retryable(err) {
			return nil, err
		} else if err != nil {
			return h.refusal(row, "forwarded", err), nil
		}
		return nil, nil
	}
	err = h.Pipeline.ProcessDocument(ctx, body, from)
	if err != nil && fault.Retryable(err) {
		return nil, err
	}
	return nil, nil
}

// signerOf returns who signed a stored request: the owner of the key if it is known
// by now, else whoever the key's id leads to, else the activity's actor, the last
// two fetched.
func (h *Handler) signerOf(ctx context.Context, s *remote.Signature, r *http.Request, row *store.Arrival, a *vocab.Activity) (*store.Actor, error) {
	body, at := []byte(row.Body), msTime(row.Arrived)
	actor, err := h.known(ctx, s.KeyID())
	if err == nil {
		return h.check(ctx, s, r, body, actor, at)
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	ids := []vocab.IRI{keyOwner(s.KeyID())}
	if a.Actor != ids[0] {
		ids = append(ids, s.KeyID())
		if vocab.SameHost(a.Actor, s.KeyID()) {
			ids = append(ids, a.Actor)
		}
	}
	var first error
	for _, id := range ids {
		actor, err := h.Pipeline.RefreshActor(ctx, id)
		if err == nil && actor.Host != s.KeyID().Host() {
			err = fault.New(fault.Unauthorized, "The key does not belong to %s.", actor.URI)
		}
		if err == nil {
			err = h.verifyWith(ctx, s, r, body, actor, at)
		}
		if err == nil || fault.Retryable(err) {
			return actor, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// verifyWith is verify with the keys of an actor as they are known.
func (h *Handler) verifyWith(ctx context.Context, s *remote.Signature, r *http.Request, body []byte, actor *store.Actor, at time.Time) error {
	keys, err := h.keysOf(ctx, actor, s.KeyID())
	if err != nil {
		return err
	}
	return h.verify(s, r, body, keys, at)
}

// refusal tells inspect why a stored request came to nothing. It is nobody's word
// but the sender's who it is from.
func (h *Handler) refusal(row *store.Arrival, stage string, cause error) *store.Refusal {
	f := &store.Refusal{Origin: row.Host, Stage: stage, Reason: cut(cause.Error(), 500)}
	if a, err := vocab.DecodeActivity([]byte(row.Body)); err == nil {
		f.URI, f.Type, f.Actor = cut(string(a.ID), 2048), cut(a.Type, 64), cut(string(a.Actor), 2048)
	}
	return f
}

// cut shortens s to n bytes of whole letters.
func cut(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
