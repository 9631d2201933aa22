package pipeline

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"kenoma/internal/blocklist"
	"kenoma/internal/fault"
	"kenoma/internal/remote"
	"kenoma/internal/store"
)

// serves has the world fetch texts by their path from a server of its own.
func (w *world) serves(texts map[string]string) {
	srv := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		text, ok := texts[r.URL.Path]
		if !ok {
			http.NotFound(out, r)
			return
		}
		out.Header().Set("Content-Type", "text/plain")
		io.WriteString(out, text)
	}))
	w.t.Cleanup(srv.Close)
	w.Remote = remote.New(remote.Options{AllowHTTP: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, srv.Listener.Addr().String())
	}})
}

// rules lists the rules about hosts: what lists brought has a star.
func (w *world) rules() string {
	w.t.Helper()
	all, err := w.DB.AllHostBlocks(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var list []string
	for _, b := range all {
		one := b.Domain + " " + b.Severity
		if b.Listed {
			one += "*"
		}
		list = append(list, one)
	}
	return strings.Join(list, ", ")
}

func (w *world) refresh() {
	w.t.Helper()
	if err := w.refreshLists(w.t.Context(), blocklistsJob{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) subscribe(b *store.Blocklist) {
	w.t.Helper()
	if err := w.SetBlocklist(w.t.Context(), 0, b); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) wantRules(when, want string) {
	w.t.Helper()
	if got := w.rules(); got != want {
		w.t.Errorf("%s: %s\nwant %s", when, got, want)
	}
}

// A list that is subscribed to brings rules and takes them back; what somebody here
// decided stands.
func TestBlocklistSubscription(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		texts := map[string]string{"/one.csv": "#domain,#severity\nbad.test,suspend\nloud.test,silence\nours.test,suspend\nsub.ours.test,suspend\na.test,suspend\n", "/two.txt": "bad.test\nugly.test\n"}
		w.serves(texts)
		if err := w.SetHostBlock(ctx, 0, &store.HostBlock{Domain: "ours.test", Severity: "noop"}); err != nil {
			t.Fatal(err)
		}
		one := &store.Blocklist{Name: "one", URL: "http://lists.test/one.csv"}
		w.subscribe(one)
		w.subscribe(&store.Blocklist{Name: "two", URL: "http://lists.test/two.txt", Cap: "silence"})
		w.refresh()
		w.wantRules("at first", "bad.test suspend*, loud.test silence*, ours.test noop, ugly.test silence*")
		if !w.Hosts.Refuses("sub.bad.test") {
			t.Error("the rule is not in force")
		}
		b, err := w.DB.HostBlockOf(ctx, "bad.test")
		if err != nil || b.PrivateComment != "Lists: one, two" {
			t.Errorf("whence: %+v, %v", b, err)
		}
		if lists, entries, err := w.DB.ListedBy(ctx, "bad.test"); err != nil || len(lists) != 2 || lists[1].Name != "two" || entries[1].Severity != "suspend" {
			t.Errorf("who names it: %+v %+v, %v", lists, entries, err)
		}

		// Not due: nothing is fetched. Later, one host is gone from the list, another new.
		texts["/one.csv"] = "#domain,#severity\nloud.test,suspend\nnew.test,silence\n"
		w.refresh()
		w.wantRules("not due", "bad.test suspend*, loud.test silence*, ours.test noop, ugly.test silence*")
		w.clock = w.clock.Add(25 * time.Hour)
		w.refresh()
		w.wantRules("a day later", "bad.test silence*, loud.test suspend*, new.test silence*, ours.test noop, ugly.test silence*")

		// A list that can't be had, or is empty or no list, keeps what it said.
		for _, text := range []string{"", "<html>gone</html>"} {
			texts["/one.csv"] = text
			w.clock = w.clock.Add(25 * time.Hour)
			w.refresh()
			w.wantRules("with trouble", "bad.test silence*, loud.test suspend*, new.test silence*, ours.test noop, ugly.test silence*")
			if l, err := w.DB.Blocklist(ctx, one.ID); err != nil || l.Problem == "" || l.Hosts != 2 {
				t.Errorf("the trouble is not noted: %+v, %v", l, err)
			}
		}
		delete(texts, "/one.csv")
		w.clock = w.clock.Add(25 * time.Hour)
		w.refresh()
		w.wantRules("gone", "bad.test silence*, loud.test suspend*, new.test silence*, ours.test noop, ugly.test silence*")

		// Somebody here decides otherwise: changed is kept, lifted stays lifted.
		b, err = w.DB.HostBlockOf(ctx, "new.test")
		if err != nil {
			t.Fatal(err)
		}
		b.Severity = "suspend"
		if err := w.SetHostBlock(ctx, 0, b); err != nil {
			t.Fatal(err)
		}
		if b, err = w.DB.HostBlockOf(ctx, "loud.test"); err != nil {
			t.Fatal(err)
		}
		if err := w.RemoveHostBlock(ctx, 0, b); err != nil {
			t.Fatal(err)
		}
		w.refresh()
		w.wantRules("after decisions here", "bad.test silence*, new.test suspend, ours.test noop, ugly.test silence*")

		// Rules of merging count at once, and the end of a subscription lifts the rest.
		rules, err := w.BlocklistRules(ctx)
		if err != nil || !slices.Equal(rules.Except, []string{"loud.test"}) {
			t.Errorf("exceptions: %+v, %v", rules, err)
		}
		rules.Needs = 2
		if err := w.SetBlocklistRules(ctx, 0, rules); err != nil {
			t.Fatal(err)
		}
		w.refresh()
		w.wantRules("two lists must agree", "new.test suspend, ours.test noop")
		rules.Needs = 1
		if err := w.SetBlocklistRules(ctx, 0, rules); err != nil {
			t.Fatal(err)
		}
		w.refresh()
		all, err := w.DB.Blocklists(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for i := range all {
			if err := w.RemoveBlocklist(ctx, 0, &all[i]); err != nil {
				t.Fatal(err)
			}
		}
		w.refresh()
		w.wantRules("without lists", "new.test suspend, ours.test noop")
		if left := w.dump("SELECT * FROM blocklist_entries"); len(left["SELECT * FROM blocklist_entries"]) != 0 {
			t.Errorf("entries left: %v", left)
		}
	})
}

// The dry run says whom a list concerns; what ends many follows waits for an admin.
func TestBlocklistPlanHolds(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		boss := w.moderator("boss")
		w.MailStaff = true
		for n := range 3 {
			other := w.person(fmt.Sprintf("p%d@sub.big.test", n))
			for _, name := range []string{"ann", "cid"} {
				w.send(fmt.Sprintf(`{"id":"%s/f/%s","type":"Follow","actor":%q,"object":"https://a.test/users/%s"}`, other.URI, w.person(name).Username, other.URI, name))
			}
		}
		if err := w.SetBlocklistRules(ctx, 0, blocklist.Rules{AskAbove: 5}); err != nil {
			t.Fatal(err)
		}
		list, err := blocklist.Parse([]byte("big.test\nsmall.test\n"))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := w.PlanBlocklists(ctx, blocklist.Source{Name: "dry", Entries: list.Entries})
		if err != nil || len(plan) != 2 || plan[0].Domain != "big.test" || !plan[0].Held || plan[0].Concern.Accounts != 3 || plan[0].Concern.Followers != 6 || plan[1].Held {
			t.Fatalf("the plan: %+v, %v", plan, err)
		}
		w.wantRules("after a dry run", "")
		if err := w.ImportList(ctx, 0, "mine", false, list, "1"); err != nil {
			t.Fatal(err)
		}
		w.refresh()
		w.refresh()
		w.wantRules("without a yes", "small.test suspend*")
		if mails := w.jobs("notice-mail"); len(mails) != 1 || !strings.Contains(mails[0], "big.test") {
			t.Errorf("mails: %q, want one", mails)
		}
		if done, err := w.ApplyBlocklists(ctx, boss.ID, true); err != nil || len(done) != 1 {
			t.Errorf("applied %+v, %v", done, err)
		}
		w.wantRules("with a yes", "big.test suspend*, small.test suspend*")
		w.runJobs("host-rule", "restore-follows")
		if left := w.follows(); len(left) != 0 {
			t.Errorf("follows left: %q", left)
		}
		// The next file retracts it: the follows come back.
		list.Entries = list.Entries[1:]
		if err := w.ImportList(ctx, 0, "mine", false, list, "2"); err != nil {
			t.Fatal(err)
		}
		w.refresh()
		w.runJobs("host-rule", "restore-follows")
		w.wantRules("retracted", "small.test suspend*")
		if back := w.follows(); len(back) != 6 {
			t.Errorf("follows that came back: %q", back)
		}
		log, err := w.DB.AuditLog(ctx, store.AuditQuery{Action: "destroy"}, store.Page{Limit: 10})
		if err != nil || len(log) != 1 || log[0].Name != "big.test" {
			t.Errorf("the audit log: %+v, %v", log, err)
		}
	})
}

// What is imported is decided here; what is exported is read back.
func TestImportExportBlocks(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		far := w.person("far@bad.test")
		list, err := blocklist.Parse([]byte("#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\nbad.test,suspend,true,false,spam,true\na.test,suspend\nfine.test,noop,true\n"))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := w.ImportBlocks(ctx, 0, list.Entries, false); err != nil || n != (Imported{Added: 2, Kept: 1}) {
			t.Errorf("imported %+v, %v; our own host is no entry", n, err)
		}
		w.runJobs("host-rule", "restore-follows")
		if a, err := w.DB.Actor(ctx, far.ID); err != nil || a.Suspended == 0 {
			t.Errorf("the account: %+v, %v", a, err)
		}
		again := []blocklist.Entry{{Domain: "bad.test", Severity: "silence"}}
		if n, err := w.ImportBlocks(ctx, 0, again, false); err != nil || n.Kept != 1 {
			t.Errorf("again %+v, %v", n, err)
		}
		w.wantRules("kept", "bad.test suspend, fine.test noop")
		all, err := w.ExportBlocks(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if err := blocklist.Write(&text, all, false); err != nil {
			t.Fatal(err)
		}
		if want := "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\nbad.test,suspend,true,false,spam,true\nfine.test,noop,true,false,,false\n"; text.String() != want {
			t.Errorf("exported\n%swant\n%s", text.String(), want)
		}
		if n, err := w.ImportBlocks(ctx, 0, again, true); err != nil || n.Changed != 1 {
			t.Errorf("overwritten %+v, %v", n, err)
		}
		w.wantRules("overwritten", "bad.test silence, fine.test noop")
		if n, err := w.AllowHosts(ctx, 0, []string{"good.test", "x.test", "good.test"}); err != nil || n != 2 {
			t.Errorf("allowed %d, %v", n, err)
		}
		if names, err := w.AllowedHosts(ctx); err != nil || !slices.Equal(names, []string{"good.test", "x.test"}) {
			t.Errorf("allowed %q, %v", names, err)
		}
	})
}

func TestBlocklistRefuses(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for _, b := range []store.Blocklist{{}, {Name: "x", URL: "ftp//no"}, {Name: "x", URL: "https://l.test/", Cap: "mild"}, {Name: "x", URL: "https://l.test/", Every: 5}} {
		if err := w.SetBlocklist(ctx, 0, &b); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", b, err)
		}
	}
	w.subscribe(&store.Blocklist{Name: "x", URL: "https://l.test/"})
	if err := w.SetBlocklist(ctx, 0, &store.Blocklist{Name: "x", URL: "https://m.test/"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a name twice: %v", err)
	}
	if err := w.ImportList(ctx, 0, "x", false, blocklist.List{}, ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("a file under the name of a subscription: %v", err)
	}
}
