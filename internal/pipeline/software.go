package pipeline

import (
	"context"
	"time"

	"kenoma/internal/store"
)

// softwareEvery is how often a host is asked at most what it runs, and softwareDelay
// how long after a new account of it came: not in the way of what is urgent.
const (
	softwareEvery = 24 * time.Hour
	softwareDelay = time.Minute
)

type softwareJob struct {
	Host string `json:"host"`
}

// askSoftware has a host of which a new account came be asked what it runs, once a
// day.
func (p *Pipeline) askSoftware(ctx context.Context, tx *store.Tx, host string) error {
	if p.Remote == nil || host == p.host {
		return nil
	}
	ask, err := tx.AskSoftware(ctx, host, softwareEvery)
	if err != nil || !ask {
		return err
	}
	s := &Step{Tx: tx, p: p}
	return s.enqueueAt(ctx, "software", host, "software "+host, p.Now().Add(softwareDelay).UnixMilli(), softwareJob{Host: host})
}

// fetchSoftware is the job. A host that says nothing keeps what it said before.
func (p *Pipeline) fetchSoftware(ctx context.Context, j softwareJob) error {
	if p.Remote == nil || p.Hosts.Refuses(j.Host) {
		return nil
	}
	software, err := p.Remote.Software(ctx, j.Host)
	if err != nil {
		p.Log.Debug("software of a host not learnt", "host", j.Host, "err", err)
		return nil // It is asked again another day.
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetSoftware(ctx, j.Host, software.String()) })
}
