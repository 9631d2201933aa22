package server

import (
	"context"

	"kenoma/internal/push"
	"kenoma/internal/store"
)

// pushSecret is the setting that holds the key by which push services know us.
const pushSecret = "push_key"

// buildPush makes the sender of push messages. Its key is made at the first start.
func (s *Server) buildPush(ctx context.Context) error {
	keys, err := push.NewKeys()
	if err != nil {
		return err
	}
	secret := ""
	err = s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		secret, err = tx.SettingOnce(ctx, pushSecret, keys.Secret())
		return err
	})
	if err != nil {
		return err
	}
	if keys, err = push.ReadKeys(secret); err != nil {
		return err
	}
	subject := s.Config.URL
	if contact := s.Config.Instance.Contact; contact != "" {
		subject = "mailto:" + contact
	}
	s.push = &push.Sender{Keys: keys, Remote: s.Remote, Subject: subject, Now: s.Now}
	return nil
}
