package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// PushSubscription is where an app of an account wants to be told of notifications.
type PushSubscription struct {
	ID, Token, Actor int64
	Bearer           string // The token, as apps want to find it in messages.
	Endpoint, Host   string
	P256DH, Auth     string // As given, base64.
	Standard         bool   // RFC 8291, otherwise the draft before it.
	Policy           string // all, followed, follower, none: whose doings.
	Alerts           []string
}

// PushPolicies are the values of a subscription's policy.
//
// spec: masto:methods/push#create
var PushPolicies = []string{"all", "followed", "follower", "none"}

const subscriptionColumns = "p.id, p.token, p.actor, p.bearer, p.endpoint, p.host, p.p256dh, p.auth, p.standard, p.policy, p.alerts"

// subscriptionRow is a PushSubscription with its alerts as stored.
type subscriptionRow struct {
	PushSubscription
	alerts string
}

func (s *subscriptionRow) scan() []any {
	return []any{&s.ID, &s.Token, &s.Actor, &s.Bearer, &s.Endpoint, &s.Host, &s.P256DH, &s.Auth, &s.Standard, &s.Policy, &s.alerts}
}

func (s *subscriptionRow) value() *PushSubscription {
	s.Alerts = strings.FieldsFunc(s.alerts, func(c rune) bool { return c == ',' })
	return &s.PushSubscription
}

// PushSubscription returns the one with an id; ErrNotFound when there is none, or its
// token is no longer good.
func (q *Q) PushSubscription(ctx context.Context, id int64) (*PushSubscription, error) {
	return q.subscription(ctx, "p.id = $1", id)
}

// SubscriptionOf returns that of an access token.
func (q *Q) SubscriptionOf(ctx context.Context, token int64) (*PushSubscription, error) {
	return q.subscription(ctx, "p.token = $1", token)
}

func (q *Q) subscription(ctx context.Context, where string, id int64) (*PushSubscription, error) {
	var s subscriptionRow
	err := q.row(ctx, "SELECT "+subscriptionColumns+" FROM push_subscriptions p JOIN tokens t ON t.id = p.token WHERE "+where, id).Scan(s.scan()...)
	if err != nil {
		return nil, fmt.Errorf("push subscription %d: %w", id, err)
	}
	return s.value(), nil
}

// SetPushSubscription keeps a subscription, which gets an id; that of the same token
// is replaced.
func (tx *Tx) SetPushSubscription(ctx context.Context, s *PushSubscription) error {
	if err := tx.RemovePushSubscription(ctx, s.Token); err != nil {
		return err
	}
	for range 8 {
		s.ID = 1 + rand.Int64N(1<<31-2)
		n, err := tx.exec(ctx, `INSERT INTO push_subscriptions (id, token, actor, bearer, endpoint, host, p256dh, auth, standard, policy, alerts)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING`,
			s.ID, s.Token, s.Actor, s.Bearer, s.Endpoint, s.Host, s.P256DH, s.Auth, s.Standard, s.Policy, strings.Join(s.Alerts, ","))
		if err != nil || n > 0 {
			return wrapped(err, "push subscription of %d", s.Actor)
		}
	}
	return fmt.Errorf("push subscription of %d: no free id", s.Actor)
}

// RetunePush changes what a subscription is told of.
func (tx *Tx) RetunePush(ctx context.Context, s *PushSubscription) error {
	_, err := tx.exec(ctx, "UPDATE push_subscriptions SET policy = $2, alerts = $3 WHERE id = $1", s.ID, s.Policy, strings.Join(s.Alerts, ","))
	return wrapped(err, "push subscription %d", s.ID)
}

// RemovePushSubscription drops that of an access token.
func (tx *Tx) RemovePushSubscription(ctx context.Context, token int64) error {
	_, err := tx.exec(ctx, "DELETE FROM push_subscriptions WHERE token = $1", token)
	return wrapped(err, "push subscription of token %d", token)
}

// SweepPush drops subscriptions whose token is gone, some at a time, and tells
// whether there may be more.
func (tx *Tx) SweepPush(ctx context.Context) (more bool, err error) {
	n, err := tx.exec(ctx, `DELETE FROM push_subscriptions WHERE id IN (
		SELECT p.id FROM push_subscriptions p WHERE NOT EXISTS (SELECT 1 FROM tokens t WHERE t.id = p.token) LIMIT $1)`, swept)
	return n == swept, wrapped(err, "sweeping push subscriptions")
}

// PushJob is the payload of a job of kind "push": tell one subscription of one
// notification.
type PushJob struct {
	Subscription int64 `json:"subscription"`
	Owner        int64 `json:"owner"`
	Notification int64 `json:"notification"`
}

// maxPushes bounds how many apps of one account are told.
const maxPushes = 50

// push leaves a job for each subscription of the owner that wants to hear of n.
func (tx *Tx) push(ctx context.Context, n Notification) error {
	rows, err := tx.query(ctx, "SELECT "+subscriptionColumns+" FROM push_subscriptions p JOIN tokens t ON t.id = p.token WHERE p.actor = $1 LIMIT $2", n.Owner, maxPushes)
	all, err := collect(rows, err, (*subscriptionRow).scan)
	if err != nil || len(all) == 0 {
		return wrapped(err, "push subscriptions of %d", n.Owner)
	}
	var jobs []Job
	var known *acquaintance
	for i := range all {
		s := all[i].value()
		if !slices.Contains(s.Alerts, KindName(n.Kind)) {
			continue
		}
		if known == nil && s.Policy != "all" {
			a, err := tx.acquaintance(ctx, n)
			if err != nil {
				return err
			}
			known = &a
		}
		if !s.wants(n, known) {
			continue
		}
		payload, err := json.Marshal(PushJob{Subscription: s.ID, Owner: n.Owner, Notification: n.ID})
		if err != nil {
			return err
		}
		jobs = append(jobs, Job{Kind: "push", Part: s.Host, Uniq: fmt.Sprintf("push %d %d", s.ID, n.ID), Payload: payload})
	}
	if len(jobs) == 0 {
		return nil
	}
	return tx.EnqueueAll(ctx, jobs)
}

// wants tells whether the subscription's policy lets a notification through. What
// nobody else did is always wanted, but by "none".
func (s *PushSubscription) wants(n Notification, by *acquaintance) bool {
	switch s.Policy {
	case "all":
		return true
	case "followed":
		return n.Actor == n.Owner || by.Following
	case "follower":
		return n.Actor == n.Owner || by.Follower != 0
	}
	return false
}
