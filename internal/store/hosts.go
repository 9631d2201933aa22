package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kenoma/internal/vocab"
)

// Host is what is known of a peer.
type Host struct {
	Host      string
	FirstSeen int64  // ms
	LastOK    int64  // ms of a delivery that it took, to within an hour; 0 never.
	Failing   int64  // ms since when every delivery fails; 0 healthy.
	Software  string // As its NodeInfo says, e.g. "mastodon 4.5.1"; "" unknown.
}

// unreachableAfter is for how long a host must have failed to count as unreachable:
// then it is probed now and then, and deliveries to it are parked.
const unreachableAfter = 7 * 24 * time.Hour

// Unreachable tells whether deliveries to h are parked at that time.
func (h Host) Unreachable(now time.Time) bool {
	return h.Failing != 0 && now.Sub(time.UnixMilli(h.Failing)) >= unreachableAfter
}

const hostColumns = "host, first_seen, last_ok, failing, software"

func (h *Host) scan() []any { return []any{&h.Host, &h.FirstSeen, &h.LastOK, &h.Failing, &h.Software} }

// Hosts returns what is known of these hosts; unknown ones are left out.
func (q *Q) Hosts(ctx context.Context, hosts []string) (map[string]Host, error) {
	found := map[string]Host{}
	for chunk := range chunks(hosts) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT "+hostColumns+" FROM hosts WHERE host IN ("+list+")", args...)
		all, err := collect(rows, err, (*Host).scan)
		if err != nil {
			return nil, fmt.Errorf("hosts: %w", err)
		}
		for _, h := range all {
			found[h.Host] = h
		}
	}
	return found, nil
}

// FailingHosts returns the hosts that take no deliveries, the longest failing first.
func (q *Q) FailingHosts(ctx context.Context, limit int) ([]Host, error) {
	rows, err := q.query(ctx, "SELECT "+hostColumns+" FROM hosts WHERE failing <> 0 ORDER BY failing LIMIT $1", limit)
	return collect(rows, err, (*Host).scan)
}

// HostsOK notes that hosts took something, and returns those that were failing.
func (tx *Tx) HostsOK(ctx context.Context, hosts []string) (recovered []Host, err error) {
	if len(hosts) == 0 {
		return nil, nil
	}
	before, err := tx.Hosts(ctx, hosts)
	if err != nil {
		return nil, err
	}
	now := tx.now().UnixMilli()
	hosts = slices.Sorted(slices.Values(hosts))
	var args []any
	for _, h := range hosts {
		args = append(args, h, now, now)
		if b := before[h]; b.Failing != 0 {
			recovered = append(recovered, b)
		}
	}
	err = tx.insertRows(ctx, "INSERT INTO hosts (host, first_seen, last_ok, failing, software)", "0, ''", 3, args,
		" ON CONFLICT (host) DO UPDATE SET last_ok = excluded.last_ok, failing = 0")
	if err != nil {
		return nil, fmt.Errorf("health of hosts: %w", err)
	}
	return recovered, nil
}

// HostFailed notes that a host as a whole failed, and returns what is known of it now.
func (tx *Tx) HostFailed(ctx context.Context, host string) (Host, error) {
	var h Host
	err := tx.row(ctx, `INSERT INTO hosts (host, first_seen, last_ok, failing, software) VALUES ($1, $2, 0, $2, '')
		ON CONFLICT (host) DO UPDATE SET failing = CASE WHEN hosts.failing = 0 THEN excluded.failing ELSE hosts.failing END
		RETURNING `+hostColumns, host, tx.now().UnixMilli()).Scan(h.scan()...)
	if err != nil {
		return h, fmt.Errorf("health of %s: %w", host, err)
	}
	return h, nil
}

// SetSoftware notes what a host runs.
func (tx *Tx) SetSoftware(ctx context.Context, host, software string) error {
	_, err := tx.exec(ctx, `INSERT INTO hosts (host, first_seen, last_ok, failing, software) VALUES ($1, $2, 0, 0, $3)
		ON CONFLICT (host) DO UPDATE SET software = excluded.software`, host, tx.now().UnixMilli(), clip(software))
	if err != nil {
		return fmt.Errorf("software of %s: %w", host, err)
	}
	return nil
}

// Inbox is an address that activities are sent to.
type Inbox struct {
	ID   int64
	URL  vocab.IRI
	Host string // Authority of URL.
	Gone int64  // ms since when it answers 410; 0 alive.
}

const inboxColumns = "id, url, host, gone"

func (i *Inbox) scan() []any { return []any{&i.ID, &i.URL, &i.Host, &i.Gone} }

// Inboxes returns the inboxes with these addresses and adds those not known yet.
// Addresses without a host are left out.
func (tx *Tx) Inboxes(ctx context.Context, urls []vocab.IRI) ([]Inbox, error) {
	known, err := tx.inboxes(ctx, urls)
	if err != nil || len(known) == len(urls) {
		return known, err
	}
	have := map[vocab.IRI]bool{}
	for _, i := range known {
		have[i.URL] = true
	}
	var args []any
	for _, u := range slices.Sorted(slices.Values(urls)) {
		if host := u.Host(); host != "" && !have[u] {
			have[u] = true
			args = append(args, tx.NewID(), string(u), host)
		}
	}
	if err := tx.insertRows(ctx, "INSERT INTO inboxes (id, url, host, gone)", "0", 3, args, " ON CONFLICT (url) DO NOTHING"); err != nil {
		return nil, fmt.Errorf("adding inboxes: %w", err)
	}
	return tx.inboxes(ctx, urls)
}

func (tx *Tx) inboxes(ctx context.Context, urls []vocab.IRI) ([]Inbox, error) {
	var found []Inbox
	for chunk := range chunks(urls) {
		list, args := in(1, chunk)
		rows, err := tx.query(ctx, "SELECT "+inboxColumns+" FROM inboxes WHERE url IN ("+list+")", args...)
		all, err := collect(rows, err, (*Inbox).scan)
		if err != nil {
			return nil, fmt.Errorf("inboxes: %w", err)
		}
		found = append(found, all...)
	}
	return found, nil
}

// InboxGone marks an inbox as gone for good.
func (tx *Tx) InboxGone(ctx context.Context, inbox int64) error {
	if _, err := tx.exec(ctx, "UPDATE inboxes SET gone = $2 WHERE id = $1", inbox, tx.now().UnixMilli()); err != nil {
		return fmt.Errorf("inbox %d is gone: %w", inbox, err)
	}
	return nil
}

// AskSoftware notes that a host is asked now what it runs; false when it was within
// that time.
func (tx *Tx) AskSoftware(ctx context.Context, host string, every time.Duration) (bool, error) {
	now := tx.now().UnixMilli()
	n, err := tx.exec(ctx, `INSERT INTO hosts (host, first_seen, last_ok, failing, software, software_asked) VALUES ($1, $2, 0, 0, '', $2)
		ON CONFLICT (host) DO UPDATE SET software_asked = excluded.software_asked WHERE hosts.software_asked <= $3`, host, now, now-every.Milliseconds())
	return n > 0, wrapped(err, "software of %s", host)
}
