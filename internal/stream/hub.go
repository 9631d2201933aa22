package stream

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kenoma/internal/store"
)

// Options tune a Hub. The zero value serves one process.
type Options struct {
	DB    *store.DB    // Its other nodes get what is published here. nil: there are none.
	Queue int          // Events that may wait for a listener. 0 means 64.
	Log   *slog.Logger // nil means slog.Default().
}

const (
	// channel of the notices that carry events to other nodes.
	channel = "kenoma_events"
	// maxNotice is how long an event may be on the way there, in bytes.
	maxNotice = 7500
	// chunk is how many owners one notice names at most: 20 bytes each.
	chunk = 250
	// maxPending is how many events may wait for the database to carry them.
	maxPending = 10_000
)

// Hub hands events to listeners. It is safe for concurrent use.
type Hub struct {
	opts Options
	node string

	mu       sync.RWMutex
	topics   map[Topic]map[*Listener]bool
	watchers []*func(*Event)
	closed   bool

	events   chan *Event // Published here, in their order.
	quit     chan struct{}
	wg       sync.WaitGroup
	unlisten func()
	lost     atomic.Int64

	pendingMu sync.Mutex
	pending   []string // Notices for other nodes.
	sendable  chan struct{}
}

// New makes a Hub, which runs until Close.
func New(opts Options) *Hub {
	if opts.Queue <= 0 {
		opts.Queue = 64
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	h := &Hub{opts: opts, node: strconv.FormatInt(rand.Int64(), 36), topics: map[Topic]map[*Listener]bool{},
		events: make(chan *Event, 256), quit: make(chan struct{}), sendable: make(chan struct{}, 1)}
	h.wg.Go(h.run)
	if h.travels() {
		h.wg.Go(h.send)
		h.unlisten = opts.DB.Listen(channel, h.receive)
	}
	return h
}

// travels tells whether there may be other nodes.
func (h *Hub) travels() bool { return h.opts.DB != nil && h.opts.DB.Engine() == "postgres" }

// Publish gives e to all who listen to one of its topics, here and on the other
// nodes. It returns before they have it, and waits for no listener; the watchers of
// this node have it.
func (h *Hub) Publish(e Event) {
	e.memo = &memo{}
	h.watched(&e)
	select {
	case h.events <- &e:
	case <-h.quit:
	}
}

// run hands out what is published, in its order.
func (h *Hub) run() {
	for {
		select {
		case e := <-h.events:
			h.deliver(e)
			if h.travels() {
				h.post(e)
			}
		case <-h.quit:
			return
		}
	}
}

// watched tells the watchers, before whoever published e goes on: so that who wrote
// something reads what was written.
func (h *Hub) watched(e *Event) {
	h.mu.RLock()
	watchers := h.watchers
	h.mu.RUnlock()
	for _, f := range watchers {
		(*f)(e)
	}
}

// deliver gives e to the listeners of this node.
func (h *Hub) deliver(e *Event) {
	h.mu.RLock()
	var seen map[*Listener]bool
	var slow []*Listener
	for topic := range e.Topics {
		for l := range h.topics[topic] {
			if seen[l] {
				continue
			}
			if seen == nil {
				seen = map[*Listener]bool{}
			}
			seen[l] = true
			select {
			case l.events <- e:
			default:
				slow = append(slow, l)
			}
		}
	}
	h.mu.RUnlock()
	for _, l := range slow {
		h.drop(l)
		h.lost.Add(1)
	}
}

// Watch calls f with every event of every node, whatever its topics, as caches
// need it, before any listener gets it, and before Publish returns. f must be quick. An Event of kind "resync" says that some were lost.
// stop ends it.
func (h *Hub) Watch(f func(*Event)) (stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers = append(slices.Clone(h.watchers), &f)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.watchers = slices.DeleteFunc(slices.Clone(h.watchers), func(g *func(*Event)) bool { return g == &f })
	}
}

// Listener gets the events of its topics, each once.
type Listener struct {
	// Events is closed when the listener's context ends, when the hub closes, and
	// when the listener falls behind: it should then close its connection, and the
	// client comes back and fetches what it missed.
	Events <-chan *Event

	events chan *Event
	hub    *Hub
	topics map[Topic]bool // Guarded by hub.mu.
	gone   bool
}

// Subscribe makes a listener for topics, until ctx ends.
func (h *Hub) Subscribe(ctx context.Context, topics ...Topic) *Listener {
	events := make(chan *Event, h.opts.Queue)
	l := &Listener{Events: events, events: events, hub: h, topics: map[Topic]bool{}}
	h.mu.Lock()
	if h.closed {
		l.gone = true
		close(events)
	}
	h.mu.Unlock()
	l.Add(topics...)
	context.AfterFunc(ctx, func() { h.drop(l) })
	return l
}

// Add has l listen to topics too.
func (l *Listener) Add(topics ...Topic) {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	if l.gone {
		return
	}
	for _, t := range topics {
		set := l.hub.topics[t]
		if set == nil {
			set = map[*Listener]bool{}
			l.hub.topics[t] = set
		}
		set[l] = true
		l.topics[t] = true
	}
}

// Remove has l no longer listen to topics.
func (l *Listener) Remove(topics ...Topic) {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	for _, t := range topics {
		l.hub.forget(l, t)
	}
}

// Set has l listen to topics and nothing else.
func (l *Listener) Set(topics ...Topic) {
	l.hub.mu.Lock()
	for t := range l.topics {
		if !slices.Contains(topics, t) {
			l.hub.forget(l, t)
		}
	}
	l.hub.mu.Unlock()
	l.Add(topics...)
}

// Matched returns which of l's topics e belongs to, in no particular order; none
// when l has turned away from them meanwhile.
func (l *Listener) Matched(e *Event) []Topic {
	l.hub.mu.RLock()
	defer l.hub.mu.RUnlock()
	var matched []Topic
	if len(e.Home) <= len(l.topics) {
		for t := range e.Topics {
			if l.topics[t] {
				matched = append(matched, t)
			}
		}
		return matched
	}
	for t := range l.topics { // An event may have hundreds of owners.
		if e.belongs(t) {
			matched = append(matched, t)
		}
	}
	return matched
}

// belongs tells whether t is one of e's topics.
func (e *Event) belongs(t Topic) bool {
	if rest, ok := strings.CutPrefix(string(t), "user:"); ok {
		id, isNotifications := strings.CutPrefix(rest, "notification:")
		n, err := strconv.ParseInt(id, 10, 64)
		return err == nil && slices.Contains(e.Home, n) && (!isNotifications || e.Kind == "notification")
	}
	others := *e
	others.Home = nil
	for topic := range others.Topics {
		if topic == t {
			return true
		}
	}
	return false
}

// forget ends l's listening to t; mu is held.
func (h *Hub) forget(l *Listener, t Topic) {
	delete(l.topics, t)
	delete(h.topics[t], l)
	if len(h.topics[t]) == 0 {
		delete(h.topics, t)
	}
}

// drop ends l.
func (h *Hub) drop(l *Listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.gone {
		return
	}
	l.gone = true
	for t := range l.topics {
		h.forget(l, t)
	}
	close(l.events) // deliver sends under the lock, to those in topics only.
}

// Close ends all listeners.
func (h *Hub) Close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	var all []*Listener
	for _, set := range h.topics {
		for l := range set {
			all = append(all, l)
		}
	}
	h.mu.Unlock()
	close(h.quit)
	if h.unlisten != nil {
		h.unlisten()
	}
	h.wg.Wait()
	for _, l := range all {
		h.drop(l)
	}
}

// Status is how busy a hub is.
type Status struct {
	Topics  int   // Listened to.
	Dropped int64 // Listeners that fell behind since the start.
}

// Status returns how busy the hub is.
func (h *Hub) Status() Status {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return Status{Topics: len(h.topics), Dropped: h.lost.Load()}
}

// notice is an event on its way to another node.
type notice struct {
	Node  string `json:"n"`
	Event Event  `json:"e"`
}

// post leaves an event to send.
func (h *Hub) post(e *Event) {
	h.pendingMu.Lock()
	defer h.pendingMu.Unlock()
	if len(h.pending) >= maxPending {
		h.pending = nil // The database is away. What is live now will not be then.
		h.opts.Log.Warn("events for other nodes dropped, the database does not take them")
	}
	for part := range parts(e) {
		b, err := json.Marshal(notice{h.node, part})
		if err != nil || len(b) > maxNotice {
			h.opts.Log.Error("event too large for other nodes", "kind", e.Kind, "bytes", len(b), "err", err)
			continue
		}
		h.pending = append(h.pending, string(b))
	}
	select {
	case h.sendable <- struct{}{}:
	default:
	}
}

// parts cuts an event into some that fit a notice each; every topic is in one.
func parts(e *Event) func(func(Event) bool) {
	return func(yield func(Event) bool) {
		first := *e
		first.memo = nil
		bare := Event{Kind: e.Kind, Status: e.Status, Author: e.Author, Notification: e.Notification, Local: e.Local, Media: e.Media}
		if len(e.Home)+len(e.Lists)+len(e.Direct) <= chunk {
			yield(first)
			return
		}
		first.Home, first.Lists, first.Direct = nil, nil, nil
		if !yield(first) {
			return
		}
		for _, list := range []struct {
			ids []int64
			set func(*Event, []int64)
		}{
			{e.Home, func(p *Event, ids []int64) { p.Home = ids }},
			{e.Lists, func(p *Event, ids []int64) { p.Lists = ids }},
			{e.Direct, func(p *Event, ids []int64) { p.Direct = ids }},
		} {
			for ids := range slices.Chunk(list.ids, chunk) {
				p := bare
				list.set(&p, ids)
				if !yield(p) {
					return
				}
			}
		}
	}
}

// send carries what is posted to the other nodes, many at a time.
func (h *Hub) send() {
	for {
		select {
		case <-h.quit:
			return
		case <-h.sendable:
		}
		h.pendingMu.Lock()
		all := h.pending
		h.pending = nil
		h.pendingMu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := h.opts.DB.Notify(ctx, channel, all...); err != nil {
			h.opts.Log.Warn("live events did not reach other nodes", "events", len(all), "err", err)
		}
		cancel()
	}
}

// receive hands out what another node published.
func (h *Hub) receive(payload string) {
	if payload == "" {
		e := &Event{Kind: "resync", memo: &memo{}}
		h.watched(e)
		h.deliver(e)
		return
	}
	var n notice
	if err := json.Unmarshal([]byte(payload), &n); err != nil {
		h.opts.Log.Warn("unreadable event from another node", "err", err)
		return
	}
	if n.Node == h.node {
		return
	}
	n.Event.memo = &memo{}
	h.watched(&n.Event)
	h.deliver(&n.Event)
}
