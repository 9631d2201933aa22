package auth

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"kenoma/internal/store"
)

// noticeJob sends a mail to one of our accounts. Where no mail is set up, or the
// account has no address, there is nothing to do.
func (s *Service) noticeJob(ctx context.Context, j store.Job) error {
	var n store.Notice
	if err := json.Unmarshal(j.Payload, &n); err != nil {
		return err
	}
	if s.Mail == nil {
		return nil
	}
	account, err := s.DB.Account(ctx, n.Actor)
	if errors.Is(err, store.ErrNotFound) || err == nil && (account.Email == "" || account.Confirmed == 0) {
		return nil
	} else if err != nil {
		return err
	}
	actor, err := s.DB.Actor(ctx, n.Actor)
	if err != nil {
		return err
	}
	return s.Mail.Send(ctx, account.Email, n.Subject, "Hello "+actor.Username+",\n\n"+n.Text+"\n\n"+s.Domain+" "+s.URL+"\n")
}

// Saw notes from where an account came, at most every ten minutes for one address,
// without keeping anybody waiting.
func (s *Service) Saw(actor int64, ip string) {
	key := strconv.FormatInt(actor, 10) + " " + ip
	now := s.Now()
	s.sawMu.Lock()
	last, ok := s.saw[key]
	fresh := ok && now.Sub(last) < touchEvery
	if !fresh {
		if s.saw == nil || len(s.saw) > 10_000 {
			s.saw = map[string]time.Time{}
		}
		s.saw[key] = now
	}
	s.sawMu.Unlock()
	if fresh {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.DB.Write(ctx, func(tx *store.Tx) error { return tx.SawIP(ctx, actor, ip) }); err != nil {
			s.Log.Debug("address not noted", "err", err)
		}
	}()
}
