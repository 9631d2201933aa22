package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/push"
	"kenoma/internal/queue"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// subscriptionEntity is a WebPushSubscription.
//
// spec: masto:entities/WebPushSubscription
type subscriptionEntity struct {
	ID        int64           `json:"id"` // Small: apps read it as a number of 32 bits.
	Endpoint  string          `json:"endpoint"`
	Standard  bool            `json:"standard"`
	ServerKey string          `json:"server_key"`
	Alerts    map[string]bool `json:"alerts"`
}

func (api *API) drawSubscription(s *store.PushSubscription) *subscriptionEntity {
	e := &subscriptionEntity{ID: s.ID, Endpoint: s.Endpoint, Standard: s.Standard, ServerKey: api.vapidKey(), Alerts: map[string]bool{}}
	for _, k := range store.NotificationKinds {
		if k.Alert {
			e.Alerts[k.Name] = slices.Contains(s.Alerts, k.Name)
		}
	}
	return e
}

// vapidKey is the public key that apps subscribe with; "" where nothing is sent.
func (api *API) vapidKey() string {
	if api.Push == nil {
		return ""
	}
	return api.Push.Keys.Public()
}

// subscriptionData reads which notifications a subscription is for. What is not
// named stays; where alerts are named, those that are not are off.
func subscriptionData(r *Request, s *store.PushSubscription) error {
	if r.Has("data[alerts]") {
		s.Alerts = nil
		for _, k := range store.NotificationKinds {
			if r.Bool("data[alerts]["+k.Name+"]", false) {
				s.Alerts = append(s.Alerts, k.Name)
			}
		}
	}
	if policy := orElse(r.String("data[policy]"), r.String("policy")); policy != "" {
		if !slices.Contains(store.PushPolicies, policy) {
			return invalidField("Policy is not included in the list")
		}
		s.Policy = policy
	}
	return nil
}

// ownSubscription returns that of the token which asks.
func (api *API) ownSubscription(r *Request) (*store.PushSubscription, error) {
	s, err := api.DB.SubscriptionOf(r.Context(), r.Session.Token.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNotFound()
	}
	return s, err
}

// Each access token has one subscription; another one takes its place.
//
// spec: masto:methods/push
var (
	_ = route("POST /api/v1/push/subscription", "push", func(api *API, r *Request) (any, error) {
		s := &store.PushSubscription{Token: r.Session.Token.ID, Actor: r.User.ID, Bearer: auth.Bearer(r.Request), Policy: "all",
			Endpoint: r.String("subscription[endpoint]"), P256DH: r.String("subscription[keys][p256dh]"), Auth: r.String("subscription[keys][auth]"),
			Standard: r.Bool("subscription[standard]", false)}
		if api.Push == nil {
			return nil, fault.New(fault.Invalid, "This server sends no push messages.")
		}
		if err := subscriptionData(r, s); err != nil {
			return nil, err
		}
		if _, err := push.NewSubscription(vocab.IRI(s.Endpoint), s.P256DH, s.Auth, s.Standard); err != nil {
			return nil, err
		}
		s.Host = strings.ToLower(vocab.IRI(s.Endpoint).Host())
		if err := api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.SetPushSubscription(r.Context(), s) }); err != nil {
			return nil, err
		}
		return api.drawSubscription(s), nil
	})
	_ = route("GET /api/v1/push/subscription", "push", func(api *API, r *Request) (any, error) {
		s, err := api.ownSubscription(r)
		if err != nil {
			return nil, err
		}
		return api.drawSubscription(s), nil
	})
	_ = route("PUT /api/v1/push/subscription", "push", func(api *API, r *Request) (any, error) {
		s, err := api.ownSubscription(r)
		if err != nil {
			return nil, err
		}
		if err := subscriptionData(r, s); err != nil {
			return nil, err
		}
		if err := api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.RetunePush(r.Context(), s) }); err != nil {
			return nil, err
		}
		return api.drawSubscription(s), nil
	})
	_ = route("DELETE /api/v1/push/subscription", "push", func(api *API, r *Request) (any, error) {
		return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.RemovePushSubscription(r.Context(), r.Session.Token.ID) })
	})
)

// pushMessage is what an app decrypts.
//
// spec: mastodon's web_push_notification_worker, which apps were written against
type pushMessage struct {
	AccessToken      string `json:"access_token"`
	PreferredLocale  string `json:"preferred_locale"`
	NotificationID   int64  `json:"notification_id"`
	NotificationType string `json:"notification_type"`
	Icon             string `json:"icon"`
	Title            string `json:"title"`
	Body             string `json:"body"`
}

// Bounds of what a message says, in characters: it must fit push.MaxMessage.
const (
	maxPushTitle = 120
	maxPushBody  = 140
	maxPushIcon  = 1000
)

// Jobs returns the handlers of the door's jobs by kind, for the queue.
func (api *API) Jobs() map[string]queue.Handler {
	return map[string]queue.Handler{"push": api.sendPush, "dismiss": api.dismissAll, "notification-requests": api.settleRequests, store.ScheduledJob: api.publishScheduled}
}

// Kinds says how they run: push services are up, or a message is too old soon.
func (api *API) Kinds() map[string]queue.Kind {
	return map[string]queue.Kind{
		"push": {Schedule: queue.Schedule{5 * time.Second, 30 * time.Second, 5 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour}},
	}
}

// sendPush tells one app of one notification. What was taken back, read about in
// another app's message long ago, or is by somebody whom the owner avoids, is not
// sent.
func (api *API) sendPush(ctx context.Context, j store.Job) error {
	var p store.PushJob
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return fault.Because(err, fault.Malformed, "The job's payload can't be read.")
	}
	s, err := api.DB.PushSubscription(ctx, p.Subscription)
	if errors.Is(err, store.ErrNotFound) || api.Push == nil {
		return nil
	} else if err != nil {
		return err
	}
	message, err := api.pushMessage(ctx, s, p.Notification)
	if err != nil || message == nil {
		return err
	}
	to, err := push.NewSubscription(vocab.IRI(s.Endpoint), s.P256DH, s.Auth, s.Standard)
	if err != nil {
		return err
	}
	answer, err := api.Push.Send(ctx, to, message)
	switch {
	case answer != nil && (answer.Status == http.StatusNotFound || answer.Status == http.StatusGone):
		return api.DB.Write(ctx, func(tx *store.Tx) error { return tx.RemovePushSubscription(ctx, s.Token) })
	case err != nil && !fault.Retryable(err):
		api.Log.Info("a push service refused a message", "host", s.Host, "err", err)
		return nil
	case err != nil && answer != nil && answer.RetryAfter > 0:
		return queue.PartDown(queue.RetryAfter(err, answer.RetryAfter))
	case err != nil && answer == nil:
		return queue.PartDown(err) // The service is down, for all of its subscriptions.
	}
	return err
}

// pushMessage makes the message about a notification; nil when there is nothing to
// be said any more.
func (api *API) pushMessage(ctx context.Context, s *store.PushSubscription, notification int64) ([]byte, error) {
	if api.Now().Sub(vocab.TimeOf(notification)) > push.Keep {
		return nil, nil
	}
	viewer, err := api.DB.Actor(ctx, s.Actor)
	if err != nil {
		return nil, err
	}
	n, err := api.DB.Notification(ctx, s.Actor, notification)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if drawn, err := api.drawNotification(ctx, viewer, n.ID); err != nil || drawn == nil {
		return nil, err // Filtered by words, muted, blocked, or its status is gone.
	}
	people, err := api.loadPeople(ctx, []int64{n.Actor, s.Actor})
	if err != nil || people[n.Actor] == nil {
		return nil, err
	}
	body, err := api.pushBody(ctx, n, people[n.Actor])
	if err != nil {
		return nil, err
	}
	by, locale := people[n.Actor], "en"
	if own := people[s.Actor]; own != nil && own.account != nil {
		locale = orElse(own.account.Locale, locale)
	}
	icon, name := "", by.actor.Username
	if by.profile != nil {
		icon, name = string(by.profile.Avatar), orElse(by.profile.DisplayName, name)
	}
	if icon = api.draw.picture(by.actor, icon, "avatar"); len(icon) > maxPushIcon {
		icon = api.draw.picture(by.actor, "", "avatar")
	}
	return marshal(pushMessage{AccessToken: s.Bearer, PreferredLocale: locale, NotificationID: n.ID, NotificationType: store.KindName(n.Kind), Icon: icon,
		Title: pushTitle(store.Kind(n.Kind).Title, cutRunes(name, maxPushTitle)), Body: cutRunes(body, maxPushBody)})
}

func pushTitle(format, name string) string {
	if !strings.Contains(format, "%s") {
		return format
	}
	return fmt.Sprintf(format, name)
}

// pushBody is the beginning of what the notification is about: the post, its
// warning where it has one, or what the account says of itself.
func (api *API) pushBody(ctx context.Context, n *store.Notification, by *person) (string, error) {
	if n.Status == 0 {
		if n.Actor == n.Owner || by.profile == nil {
			return "", nil
		}
		return markup.PlainText(by.profile.Note), nil
	}
	posts, err := api.posts(ctx, []int64{n.Status})
	if err != nil || posts[n.Status] == nil {
		return "", err
	}
	return orElse(posts[n.Status].spoiler, posts[n.Status].text), nil
}
