package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// maxPayload is how long the payload of a notice may be, in bytes: PostgreSQL
// refuses 8,000 and more.
const maxPayload = 7900

// Listen calls f with the payload of each notice on a channel, from every node
// that shares the database, this one included; on SQLite that is this process. It
// is called in the order of sending and must be quick. On PostgreSQL it is called
// with "" whenever its connection was made (again): what was sent before is lost,
// so whoever caches must forget what it knows. stop ends it.
func (d *DB) Listen(channel string, f func(payload string)) (stop func()) {
	l := &d.notices
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.channels == nil {
		l.channels = map[string][]*func(string){}
	}
	fresh := len(l.channels[channel]) == 0
	l.channels[channel] = append(l.channels[channel], &f)
	if d.dialect == &postgresDialect {
		if l.quit == nil {
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan struct{})
			l.quit = func() { cancel(); <-ended }
			go func() { defer close(ended); d.receive(ctx) }()
		} else if fresh && l.interrupt != nil {
			l.interrupt() // So that it listens to the new channel too.
		}
	}
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.channels[channel] = slices.DeleteFunc(slices.Clone(l.channels[channel]), func(g *func(string)) bool { return g == &f })
	})
}

// Notify sends a notice to all who Listen on a channel, on every node. It is not
// durable. The payload may be up to 7,900 bytes long.
func (d *DB) Notify(ctx context.Context, channel string, payloads ...string) error {
	for _, p := range payloads {
		if len(p) > maxPayload {
			return fmt.Errorf("notice on %s: %d bytes are too many", channel, len(p))
		}
	}
	if d.dialect != &postgresDialect {
		for _, p := range payloads {
			d.notices.dispatch(channel, p)
		}
		return nil
	}
	for len(payloads) > 0 {
		n := maxRows
		for n > len(payloads) {
			n /= 2
		}
		args := []any{channel}
		text := "SELECT "
		for i, p := range payloads[:n] {
			if i > 0 {
				text += ","
			}
			text += fmt.Sprintf("pg_notify($1, $%d)", i+2)
			args = append(args, p)
		}
		rows, err := d.query(ctx, text, args...)
		if err != nil {
			return fmt.Errorf("notice on %s: %w", channel, err)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return fmt.Errorf("notice on %s: %w", channel, err)
		}
		payloads = payloads[n:]
	}
	return nil
}

// notices are who listens in this process, and on PostgreSQL the connection that
// hears the other nodes.
type notices struct {
	mu        sync.Mutex
	channels  map[string][]*func(string)
	interrupt func() // Ends the present wait; nil while there is none.
	quit      func() // Ends receiving.
}

func (l *notices) dispatch(channel, payload string) {
	l.mu.Lock()
	fs := l.channels[channel]
	l.mu.Unlock()
	for _, f := range fs {
		(*f)(payload)
	}
}

func (l *notices) names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for name := range l.channels {
		names = append(names, name)
	}
	return names
}

func (l *notices) close() {
	l.mu.Lock()
	quit := l.quit
	l.mu.Unlock()
	if quit != nil {
		quit()
	}
}

// receive hears notices until ctx ends, over a connection of its own that is made
// anew when it breaks.
func (d *DB) receive(ctx context.Context) {
	for ctx.Err() == nil {
		err := d.receiveOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		d.opts.Log.Warn("lost the connection for notices, connecting again", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (d *DB) receiveOnce(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, d.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	listening := map[string]bool{}
	for {
		wait, cancel := context.WithCancel(ctx)
		d.notices.mu.Lock()
		d.notices.interrupt = cancel
		d.notices.mu.Unlock()
		for _, name := range d.notices.names() {
			if listening[name] {
				continue
			}
			if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{name}.Sanitize()); err != nil {
				cancel()
				return err
			}
			listening[name] = true
			d.notices.dispatch(name, "") // What was sent before is not heard.
		}
		n, err := conn.WaitForNotification(wait)
		interrupted := wait.Err() != nil
		cancel()
		switch {
		case err == nil:
			d.notices.dispatch(n.Channel, n.Payload)
		case ctx.Err() != nil:
			return ctx.Err()
		case !interrupted || conn.IsClosed():
			return err
		}
	}
}
