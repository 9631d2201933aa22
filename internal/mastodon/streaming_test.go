package mastodon

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kenoma/internal/mastodon/contract"
	"kenoma/internal/stream"
)

// socket opens a WebSocket and waits until its subscriptions stand, so that what is
// done next arrives.
func (w *world) socket(query string, opts *websocket.DialOptions) *websocket.Conn {
	w.t.Helper()
	conn, _, err := websocket.Dial(w.t.Context(), w.server.URL+"/api/v1/streaming"+query, opts)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.CloseNow() })
	w.settled(conn)
	return conn
}

// settled waits until the server has handled what was sent before: it answers an
// unknown stream in its turn.
func (w *world) settled(conn *websocket.Conn) {
	w.t.Helper()
	say(w.t, conn, `{"type":"subscribe","stream":"echo"}`)
	if got := hear(w.t, conn); !strings.Contains(got, `"error":"Unknown stream type"`) || !strings.Contains(got, `"status":400`) {
		w.t.Fatalf("an unknown stream is answered with %s", got)
	}
}

func say(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, data, err := conn.Read(ctx)
	if err != nil {
		t.Fatalf("nothing came: %v", err)
	}
	return string(data)
}

// event reads the next message and checks its shape and that of its payload.
func event(t *testing.T, conn *websocket.Conn) (name, payload string, names []string) {
	t.Helper()
	text := hear(t, conn)
	if err := contract.Check("StreamingMessage", []byte(text)); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	var m struct {
		Stream         []string
		Event, Payload string
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	if entity := map[string]string{"update": "Status", "status.update": "Status", "notification": "Notification", "conversation": "Conversation"}[m.Event]; entity != "" {
		if err := contract.Check(entity, []byte(m.Payload)); err != nil {
			t.Errorf("%s: %v\n%s", m.Event, err, m.Payload)
		}
	}
	return m.Event, m.Payload, m.Stream
}

// The token may come in four ways; without a good one there is no socket.
func TestSocketToken(t *testing.T) {
	w := onSQLite(t)
	token := w.token("ann", "read")
	w.socket("?access_token="+token, nil)
	w.socket("", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}})
	w.socket("/", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}})
	conn := w.socket("?stream=user", &websocket.DialOptions{Subprotocols: []string{token}})
	if got := conn.Subprotocol(); got != token {
		t.Errorf("the sub-protocol that came back is %q", got)
	}
	for name, query := range map[string]string{"none": "", "a wrong one": "?access_token=wrong", "an app's own": "?access_token=" + w.token("", "read")} {
		if conn, res, err := websocket.Dial(t.Context(), w.server.URL+"/api/v1/streaming"+query, nil); err == nil {
			conn.CloseNow()
			t.Errorf("%s: the socket opened", name)
		} else if res.StatusCode != 401 && res.StatusCode != 422 {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
}

func TestSocketEvents(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.follow("bob", "ann")
		w.person("cid")
		conn := w.socket("?stream=user&access_token="+w.token("bob", "read"), nil)

		id := w.post("ann", "status=Hi")
		name, payload, names := event(t, conn)
		if name != "update" || !strings.Contains(payload, `"id":"`+id+`"`) || !slices.Equal(names, []string{"user"}) {
			t.Errorf("a new post is %s on %v: %s", name, names, payload)
		}
		w.as("ann", "PUT", "/api/v1/statuses/"+id, "status=Ho").want(200, "")
		if name, payload, _ := event(t, conn); name != "status.update" || !strings.Contains(payload, "<p>Ho</p>") {
			t.Errorf("an edit is %s: %s", name, payload)
		}
		w.as("ann", "DELETE", "/api/v1/statuses/"+id, "").want(200, "")
		if name, payload, _ := event(t, conn); name != "delete" || payload != id {
			t.Errorf("a deletion is %s: %s", name, payload)
		}
		mine := w.post("bob", "status=Mine")
		if name, payload, _ := event(t, conn); name != "update" || !strings.Contains(payload, mine) {
			t.Errorf("an own post is %s: %s", name, payload)
		}
		w.as("cid", "POST", "/api/v1/statuses/"+mine+"/favourite", "").want(200, "")
		if name, payload, _ := event(t, conn); name != "notification" || !strings.Contains(payload, `"type":"favourite"`) || !strings.Contains(payload, `"is_seen":false`) {
			t.Errorf("a favourite is %s: %s", name, payload)
		}
		w.api.Hub.Publish(stream.Event{Kind: "filters_changed", Home: []int64{w.person("bob").ID}})
		if text := hear(t, conn); !strings.Contains(text, "filters_changed") || strings.Contains(text, "payload") {
			t.Errorf("filters_changed = %s, want no payload at all", text)
		}
	})
}

func TestSocketSubscriptions(t *testing.T) {
	w := onSQLite(t)
	w.person("ann")
	conn := w.socket("?access_token="+w.token("bob", "read"), nil)
	other := w.api.Hub.Subscribe(t.Context(), stream.PublicLocal)
	w.post("ann", "status=unheard")
	<-other.Events // It was handed out.
	say(t, conn, `{"type":"subscribe","stream":"public:local"}`)
	say(t, conn, `{"type":"subscribe","stream":"hashtag","tag":"CATS"}`)
	w.settled(conn)
	id := w.post("ann", "status=%23cats")
	var got []string
	for range 2 {
		_, payload, names := event(t, conn)
		got = append(got, strings.Join(names, " "))
		if !strings.Contains(payload, id) {
			t.Errorf("payload = %s", payload)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"hashtag CATS", "public:local"}) {
		t.Errorf("streams = %v", got)
	}
	say(t, conn, `{"type":"unsubscribe","stream":"public:local"}`)
	w.settled(conn)
	w.post("ann", "status=not+tagged")
	w.post("ann", "status=hidden+%23cats&visibility=unlisted")
	last := w.post("ann", "status=again+%23cats")
	if _, payload, names := event(t, conn); names[0] != "hashtag" || !strings.Contains(payload, last) {
		t.Errorf("%v: %s", names, payload)
	}
	for _, bad := range []string{`{"type":"subscribe","stream":"list","list":"12"}`, `{"type":"subscribe","stream":"hashtag"}`, `not JSON`} {
		say(t, conn, bad)
		if text := hear(t, conn); !strings.Contains(text, `"error"`) {
			t.Errorf("%s is answered with %s", bad, text)
		}
	}
	weak := w.socket("?access_token="+w.token("bob", "read:notifications"), nil)
	say(t, weak, `{"type":"subscribe","stream":"public"}`)
	if text := hear(t, weak); !strings.Contains(text, "outside the authorized scopes") {
		t.Errorf("a token that may not read posts: %s", text)
	}
}

// Whom a reader mutes is not heard, and filters have their say.
func TestSocketAvoids(t *testing.T) {
	w := onSQLite(t)
	w.follow("bob", "ann")
	w.follow("bob", "cid")
	if err := w.api.Pipeline.Block(t.Context(), w.person("bob"), w.person("dan")); err != nil {
		t.Fatal(err)
	}
	conn := w.socket("?stream=public&access_token="+w.token("bob", "read"), nil)
	w.post("dan", "status=blocked")
	id := w.post("ann", "status=heard")
	if _, payload, _ := event(t, conn); !strings.Contains(payload, id) {
		t.Errorf("the first post that came is %s", payload)
	}
}

func TestDirectStream(t *testing.T) {
	w := onSQLite(t)
	w.person("bob")
	conn := w.socket("?stream=direct&access_token="+w.token("bob", "read"), nil)
	id := w.post("ann", "status=psst+@bob&visibility=direct")
	if name, payload, _ := event(t, conn); name != "conversation" || !strings.Contains(payload, id) {
		t.Errorf("a message is %s: %s", name, payload)
	}
}

func TestSSE(t *testing.T) {
	w := onSQLite(t)
	w.follow("bob", "ann")
	req, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+"/api/v1/streaming/user", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token("bob", "read"))
	res, err := w.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		t.Fatalf("%d %s", res.StatusCode, got)
	}
	in := bufio.NewReader(res.Body)
	line := func() string {
		for {
			s, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if s = strings.TrimSpace(s); s != "" && !strings.HasPrefix(s, ":") {
				return s
			}
		}
	}
	if s, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(s, ":") { // It is subscribed now.
		t.Fatalf("%q %v", s, err)
	}
	id := w.post("ann", "status=Hi")
	if got := line(); got != "event: update" {
		t.Errorf("line %q", got)
	}
	data, ok := strings.CutPrefix(line(), "data: ")
	if err := contract.Check("Status", []byte(data)); !ok || err != nil || !strings.Contains(data, id) {
		t.Errorf("%v: %s", err, data)
	}
	w.api.Hub.Publish(stream.Event{Kind: "filters_changed", Home: []int64{w.person("bob").ID}})
	if got := line() + line(); got != "event: filters_changeddata: undefined" {
		t.Errorf("filters_changed is %q", got)
	}
}

func TestStreamErrors(t *testing.T) {
	w := onSQLite(t)
	w.send(w.token("bob", "read"), "GET", "/api/v1/streaming/moon", "", nil).want(400, `{"error": "Unknown channel requested"}`)
	w.send(w.token("bob", "read"), "GET", "/api/v1/streaming/hashtag", "", nil).want(400, "")
	w.send(w.token("bob", "write"), "GET", "/api/v1/streaming/public", "", nil).want(403, "")
	w.send("", "GET", "/api/v1/streaming/user", "", nil).want(401, "")
	w.send(w.token("bob", "read"), "GET", "/api/v1/streaming", "", nil).want(404, "")
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, httptest.NewRequest("GET", "/api/v1/streaming/health", nil))
	if rec.Code != 200 || rec.Body.String() != "OK" {
		t.Errorf("health: %d %s", rec.Code, rec.Body)
	}
}

// A connection's number is bounded, and given back.
func TestStreamsAreCounted(t *testing.T) {
	w := onSQLite(t)
	token := w.token("bob", "read")
	w.api.streams[w.person("bob").ID] = maxStreams
	w.send(token, "GET", "/api/v1/streaming/user", "", nil).want(429, "")
	w.api.streamsMu.Lock()
	delete(w.api.streams, w.person("bob").ID)
	w.api.streamsMu.Unlock()
	conn := w.socket("?access_token="+token, nil)
	conn.CloseNow()
	for range 500 {
		w.api.streamsMu.Lock()
		left := len(w.api.streams)
		w.api.streamsMu.Unlock()
		if left == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the count never came down")
}
