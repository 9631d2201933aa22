package delivery

import (
	"context"
	"maps"
	"slices"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/queue"
	"kenoma/internal/store"
)

// save records what became of deliveries and how their hosts are, in the
// transaction that ends the jobs.
func (d *Delivery) save(ctx context.Context, tx *store.Tx, results []queue.Result) error {
	var rows []store.Delivery
	alive, down := map[string]bool{}, map[string]bool{}
	for _, res := range results {
		reports, _ := res.Value.([]report)
		if res.GivenUp && len(reports) == 0 && res.Job.Kind == kindDeliver {
			var p deliverJob
			if decode(res.Job, &p) == nil {
				rows = append(rows, store.Delivery{Activity: p.Activity, Inbox: p.Inbox, State: store.DeliveryFailed,
					Attempts: res.Job.Attempt, Error: res.Err.Error(), At: tx.Now().UnixMilli()})
			}
		}
		for _, r := range reports {
			if res.GivenUp && r.State == store.DeliveryWaiting {
				r.State = store.DeliveryFailed
			}
			rows = append(rows, r.Delivery)
			if r.alive {
				alive[r.host] = true
			}
			if r.down {
				down[r.host] = true
			}
			if r.gone {
				if err := tx.InboxGone(ctx, r.Inbox); err != nil {
					return err
				}
			}
		}
	}
	if err := tx.SetDeliveries(ctx, rows); err != nil {
		return err
	}
	if err := d.hostsOK(ctx, tx, d.toNote(alive, tx.Now())); err != nil {
		return err
	}
	for _, host := range slices.Sorted(maps.Keys(down)) {
		if !alive[host] {
			if err := d.hostFailed(ctx, tx, host); err != nil {
				return err
			}
		}
	}
	return nil
}

// toNote returns the hosts whose success is news.
func (d *Delivery) toNote(alive map[string]bool, now time.Time) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var news []string
	for host := range alive {
		if d.failing[host] || now.Sub(d.noted[host]) >= noteEvery {
			news = append(news, host)
		}
	}
	return news
}

// hostsOK notes that hosts work. Those that were unreachable get what was parked.
func (d *Delivery) hostsOK(ctx context.Context, tx *store.Tx, hosts []string) error {
	recovered, err := tx.HostsOK(ctx, hosts)
	if err != nil {
		return err
	}
	now := tx.Now()
	for _, h := range recovered {
		if h.Unreachable(now) {
			job := store.Job{Kind: kindUnpark, Uniq: kindUnpark + " " + h.Host, Payload: encode(hostJob{h.Host})}
			if err := tx.Enqueue(ctx, job); err != nil {
				return err
			}
		}
	}
	tx.OnCommit(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, host := range hosts {
			delete(d.failing, host)
			if len(d.noted) >= maxNoted {
				clear(d.noted)
			}
			d.noted[host] = now
		}
	})
	return nil
}

// hostFailed notes that a host does not work. One that has not for a week is
// unreachable: what waits for it is parked.
func (d *Delivery) hostFailed(ctx context.Context, tx *store.Tx, host string) error {
	h, err := tx.HostFailed(ctx, host)
	if err != nil {
		return err
	}
	tx.OnCommit(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.noted, host)
		if len(d.failing) < maxNoted {
			d.failing[host] = true
		}
	})
	if !h.Unreachable(tx.Now()) {
		return nil
	}
	return tx.Enqueue(ctx, store.Job{Kind: kindPark, Uniq: kindPark + " " + host, Payload: encode(hostJob{host})})
}

// firstProbe is how long after its end a host is first probed.
const firstProbe = 6 * time.Hour

// probeOf is the job that looks whether an unreachable host is back. There is one
// at a time.
func probeOf(host string, now time.Time) store.Job {
	return store.Job{Kind: kindProbe, Part: host, RunAt: now.Add(firstProbe).UnixMilli(), Uniq: kindProbe + " " + host, Payload: encode(hostJob{host})}
}

// atOnce is how many parked deliveries are handled in one transaction.
const atOnce = 200

// park sets aside what waits for an unreachable host.
func (d *Delivery) park(ctx context.Context, job store.Job) error {
	var p hostJob
	if err := decode(job, &p); err != nil {
		return err
	}
	for more := true; more; {
		if ctx.Err() != nil {
			return ctx.Err() // The rest in the next run.
		}
		err := d.opts.DB.Write(ctx, func(tx *store.Tx) error {
			health, err := tx.Hosts(ctx, []string{p.Host})
			if err != nil || !health[p.Host].Unreachable(tx.Now()) {
				more = false
				return err
			}
			n, err := tx.ParkDeliveries(ctx, kindDeliver, p.Host, atOnce)
			if err != nil {
				return err
			}
			if more = n == atOnce; more {
				return nil
			}
			return tx.Enqueue(ctx, probeOf(p.Host, tx.Now()))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// probe offers an unreachable host the oldest thing that is parked for it.
func (d *Delivery) probe(ctx context.Context, job store.Job) error {
	var p hostJob
	if err := decode(job, &p); err != nil {
		return err
	}
	list, err := d.opts.DB.Parked(ctx, p.Host, atOnce)
	if err != nil {
		return err
	}
	var reports []report
	defer func() { queue.Report(ctx, reports) }()
	for _, one := range list {
		r, err := d.send(ctx, deliverJob{one.Activity, one.Inbox}, job.Attempt)
		if r != nil {
			if r.State == store.DeliveryWaiting {
				r.State = store.DeliveryParked
			}
			reports = append(reports, *r)
			if r.alive {
				return nil // With the host's recovery the others follow, this one too if it was put off.
			}
		}
		if err != nil {
			return err
		}
	}
	if len(list) == atOnce {
		return fault.New(fault.Transient, "All that was looked at need not be sent any more.")
	}
	return nil
}

// unpark sends what was set aside for a host that is back.
func (d *Delivery) unpark(ctx context.Context, job store.Job) error {
	var p hostJob
	if err := decode(job, &p); err != nil {
		return err
	}
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		list, err := d.opts.DB.Parked(ctx, p.Host, atOnce)
		if err != nil {
			return err
		}
		err = d.opts.DB.Write(ctx, func(tx *store.Tx) error {
			var jobs []store.Job
			for _, one := range list {
				ok, err := tx.Unpark(ctx, one)
				if err != nil {
					return err
				}
				if ok {
					jobs = append(jobs, deliveryJob(one.Activity, one.Object, one.Inbox, p.Host))
				}
			}
			return tx.EnqueueAll(ctx, jobs)
		})
		if err != nil || len(list) < atOnce {
			return err
		}
	}
}

// expireEvery is how often old records are dropped.
const expireEvery = time.Hour

func (d *Delivery) scheduleExpiry(ctx context.Context) error {
	return d.opts.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Enqueue(ctx, store.Job{Kind: kindExpire, Uniq: kindExpire, RunAt: tx.Now().Add(expireEvery).UnixMilli()})
	})
}

// expire drops the records of old deliveries, in small pieces.
func (d *Delivery) expire(ctx context.Context, _ store.Job) error {
	for more := true; more && ctx.Err() == nil; {
		err := d.opts.DB.Write(ctx, func(tx *store.Tx) error {
			n, err := tx.ExpireDeliveries(ctx, chunk)
			if err != nil {
				return err
			}
			m, err := tx.ExpireForwards(ctx, chunk)
			more = n == chunk || m == chunk
			return err
		})
		if err != nil {
			return err
		}
	}
	return d.scheduleExpiry(ctx) // It is this job, asked for once more.
}
