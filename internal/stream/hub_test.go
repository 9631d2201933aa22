package stream_test

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kenoma/internal/pgtest"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/stream"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Stop()
	os.Exit(code)
}

func TestTopics(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event stream.Event
		want  []stream.Topic
	}{
		{"nothing", stream.Event{Kind: "account_changed"}, nil},
		{"a post at home and in a list", stream.Event{Kind: "update", Home: []int64{1, 2}, Lists: []int64{3}}, []stream.Topic{"user:1", "user:2", "list:3"}},
		{"a notification", stream.Event{Kind: "notification", Home: []int64{1}}, []stream.Topic{"user:1", "user:notification:1"}},
		{"a direct post", stream.Event{Kind: "update", Direct: []int64{4}}, []stream.Topic{"direct:4"}},
		{"public from here", stream.Event{Kind: "update", Public: true, Local: true, Tags: []string{"go"}}, []stream.Topic{"public", "public:local", "hashtag:go", "hashtag:local:go"}},
		{"public from elsewhere with a picture", stream.Event{Kind: "update", Public: true, Media: true, Tags: []string{"go"}},
			[]stream.Topic{"public", "public:remote", "public:media", "public:remote:media", "hashtag:go"}},
		{"not public, so in no tag", stream.Event{Kind: "update", Local: true, Media: true, Tags: []string{"go"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := slices.Collect(tt.event.Topics); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("Topics = %v, want %v", got, tt.want)
			}
		})
	}
}

func hub(t testing.TB, o stream.Options) *stream.Hub {
	h := stream.New(o)
	t.Cleanup(h.Close)
	return h
}

func next(t testing.TB, l *stream.Listener) *stream.Event {
	t.Helper()
	select {
	case e := <-l.Events:
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("no event came")
		return nil
	}
}

func TestListenersGetTheirTopicsOnce(t *testing.T) {
	h := hub(t, stream.Options{})
	ann := h.Subscribe(t.Context(), stream.User(1), stream.Public, stream.PublicLocal)
	bob := h.Subscribe(t.Context(), stream.User(2))
	h.Publish(stream.Event{Kind: "update", Status: 10, Home: []int64{1}, Public: true, Local: true})
	h.Publish(stream.Event{Kind: "update", Status: 11, Home: []int64{1, 2}})
	for _, want := range []int64{10, 11} {
		if e := next(t, ann); e.Status != want {
			t.Errorf("Ann got %d, want %d", e.Status, want)
		}
	}
	if e := next(t, bob); e.Status != 11 {
		t.Errorf("Bob got %d, want 11 only", e.Status)
	}
}

func TestChangingTopics(t *testing.T) {
	h := hub(t, stream.Options{})
	l := h.Subscribe(t.Context())
	h.Publish(stream.Event{Kind: "update", Status: 1, Public: true})
	sync := h.Subscribe(t.Context(), stream.User(9))
	flush := func() { // Events go in order, so what came before has been handed out.
		h.Publish(stream.Event{Kind: "update", Home: []int64{9}})
		next(t, sync)
	}
	flush()
	l.Add(stream.Public, stream.List(3))
	h.Publish(stream.Event{Kind: "update", Status: 2, Public: true})
	flush()
	l.Remove(stream.Public)
	h.Publish(stream.Event{Kind: "update", Status: 3, Public: true})
	h.Publish(stream.Event{Kind: "update", Status: 4, Lists: []int64{3}})
	flush()
	l.Set(stream.Hashtag("go"))
	h.Publish(stream.Event{Kind: "update", Status: 5, Lists: []int64{3}})
	h.Publish(stream.Event{Kind: "update", Status: 6, Public: true, Tags: []string{"go"}})
	for _, want := range []int64{2, 4, 6} {
		if e := next(t, l); e.Status != want {
			t.Errorf("got %d, want %d", e.Status, want)
		}
	}
	l.Set()
	sync.Set()
	if s := h.Status(); s.Topics != 0 {
		t.Errorf("%d topics kept that nobody listens to", s.Topics)
	}
}

func TestMatched(t *testing.T) {
	h := hub(t, stream.Options{})
	l := h.Subscribe(t.Context(), stream.User(1), stream.Notifications(1), stream.Public, stream.List(5))
	many := make([]int64, 300)
	for i := range many {
		many[i] = int64(300 - i)
	}
	for _, tt := range []struct {
		event stream.Event
		want  []stream.Topic
	}{
		{stream.Event{Kind: "update", Home: []int64{1}, Public: true}, []stream.Topic{"public", "user:1"}},
		{stream.Event{Kind: "notification", Home: []int64{1}}, []stream.Topic{"user:1", "user:notification:1"}},
		{stream.Event{Kind: "update", Home: many, Public: true, Lists: []int64{5}}, []stream.Topic{"list:5", "public", "user:1"}},
		{stream.Event{Kind: "notification", Home: many}, []stream.Topic{"user:1", "user:notification:1"}},
		{stream.Event{Kind: "update", Home: []int64{2}}, nil},
	} {
		got := l.Matched(&tt.event)
		slices.Sort(got)
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Matched(%v) = %v, want %v", tt.event.Kind, got, tt.want)
		}
	}
}

func TestSlowListenerIsDropped(t *testing.T) {
	h := hub(t, stream.Options{Queue: 4})
	slow := h.Subscribe(t.Context(), stream.Public)
	quick := h.Subscribe(t.Context(), stream.Public)
	for i := range int64(20) {
		h.Publish(stream.Event{Kind: "update", Status: i, Public: true})
		if e := next(t, quick); e.Status != i {
			t.Fatalf("the quick listener got %d, want %d", e.Status, i)
		}
	}
	n := 0
	for range slow.Events { // Ends because it was closed.
		n++
	}
	if s := h.Status(); n != 4 || s.Dropped != 1 {
		t.Errorf("the slow one got %d events, %d were dropped; want its queue of 4, and 1", n, s.Dropped)
	}
	slow.Add(stream.User(1)) // Of no effect.
	if s := h.Status(); s.Topics != 1 {
		t.Errorf("%d topics, want that of the quick listener only", s.Topics)
	}
}

func TestEnds(t *testing.T) {
	h := stream.New(stream.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	one := h.Subscribe(ctx, stream.Public)
	two := h.Subscribe(t.Context(), stream.Public)
	cancel()
	for range one.Events {
		t.Error("an event out of nowhere")
	}
	h.Close()
	h.Close()
	for range two.Events {
		t.Error("an event out of nowhere")
	}
	for range h.Subscribe(t.Context(), stream.Public).Events {
		t.Error("an event of a closed hub")
	}
	h.Publish(stream.Event{Public: true}) // Does not hang.
}

func TestOnce(t *testing.T) {
	h := hub(t, stream.Options{})
	var wg sync.WaitGroup
	var rendered atomic.Int64
	for i := range 50 {
		l := h.Subscribe(t.Context(), stream.Public)
		wg.Go(func() {
			e := next(t, l)
			class := fmt.Sprint("viewers ", i%2)
			got := e.Once(class, func() []byte { rendered.Add(1); return []byte(class) })
			if string(got) != class {
				t.Errorf("Once = %q, want %q", got, class)
			}
		})
	}
	h.Publish(stream.Event{Kind: "update", Public: true})
	wg.Wait()
	if rendered.Load() != 2 {
		t.Errorf("rendered %d times, want once per class of viewers", rendered.Load())
	}
}

func TestWatchersComeFirst(t *testing.T) {
	h := hub(t, stream.Options{})
	var known atomic.Int64
	stop := h.Watch(func(e *stream.Event) { known.Store(e.Status) })
	l := h.Subscribe(t.Context(), stream.Public)
	h.Publish(stream.Event{Status: 1, Public: true})
	if known.Load() != 1 {
		t.Error("the watcher was not told before Publish returned")
	}
	next(t, l)
	stop()
	h.Publish(stream.Event{Status: 2, Public: true})
	next(t, l)
	if known.Load() != 1 {
		t.Error("a watcher that was stopped got an event")
	}
}

// Two nodes share a database: what one publishes the other's listeners get, once.
func TestEventsTravel(t *testing.T) {
	db := storetest.Postgres(t, store.Options{})
	a, b := hub(t, stream.Options{DB: db}), stream.New(stream.Options{DB: db})
	defer b.Close()
	many := make([]int64, 1000)
	for i := range many {
		many[i] = 1<<50 + int64(i)
	}
	la := a.Subscribe(t.Context(), stream.Public)
	lb := b.Subscribe(t.Context(), stream.Public, stream.User(many[999]))
	last := b.Subscribe(t.Context(), stream.Public)
	waitFor(t, a, last)
	a.Publish(stream.Event{Kind: "update", Status: 7, Home: many, Public: true, Local: true, Tags: []string{"go"}})
	a.Publish(stream.Event{Kind: "update", Status: 8, Public: true})
	for _, tt := range []struct {
		who  string
		l    *stream.Listener
		want []int64
	}{
		{"the other node's", lb, []int64{7, 7, 8}}, // The post once for the public timelines, once for home.
		{"the publisher's", la, []int64{7, 8}},     // Its own notices must not come back.
	} {
		var got []int64
		for len(got) < len(tt.want) {
			if e := next(t, tt.l); e.Kind != "probe" {
				got = append(got, e.Status)
			}
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s listener got %v, want %v", tt.who, got, tt.want)
		}
	}
}

// waitFor publishes on h until l has heard of it: LISTEN takes a moment to be in force.
func waitFor(t *testing.T, h *stream.Hub, l *stream.Listener) {
	t.Helper()
	for range 1000 {
		h.Publish(stream.Event{Kind: "probe", Public: true})
		select {
		case <-l.Events:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("the nodes don't hear each other")
}

func TestIdleListenersAreSmall(t *testing.T) {
	h := hub(t, stream.Options{})
	const n = 2000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	all := make([]*stream.Listener, n)
	for i := range all {
		all[i] = h.Subscribe(t.Context(), stream.User(int64(i)), stream.Public)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (after.HeapAlloc - before.HeapAlloc) / n; each > 4000 {
		t.Errorf("an idle listener takes %d bytes, want at most 4,000 of the 10,000 that a connection may", each)
	}
	runtime.KeepAlive(all)
}

// BenchmarkPublish200 is one public post to 200 listeners who each get the shared
// rendering; an op ends when the last has it.
func BenchmarkPublish200(b *testing.B) {
	h := hub(b, stream.Options{})
	body := make([]byte, 2000)
	var wg sync.WaitGroup
	for i := range 200 {
		l := h.Subscribe(b.Context(), stream.Public, stream.User(int64(i)))
		go func() {
			for e := range l.Events {
				if len(e.Once("any", func() []byte { return slices.Clone(body) })) != 2000 {
					panic("wrong rendering")
				}
				wg.Done()
			}
		}()
	}
	for b.Loop() {
		wg.Add(200)
		h.Publish(stream.Event{Kind: "update", Status: 1, Public: true, Local: true, Home: []int64{1, 2, 3}})
		wg.Wait()
	}
}
