package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/policy"
	"kenoma/internal/store"
)

// setUp gives a world settings of policies that can be changed.
func (w *world) setUp() {
	w.Setup.Configure = func(values map[string]string) (*policy.Settings, []policy.Setting, []error) {
		s := &policy.Settings{}
		list := []policy.Setting{{Key: "policies"}, {Key: "keyword.reject"}, {Key: "locked", Locked: true, From: "kenoma.toml:1"}}
		var problems []error
		for key, value := range values {
			parts := strings.Split(strings.Trim(value, `[]"`), `","`)
			switch {
			case value == "7":
				problems = append(problems, errors.New(key+" is not right"))
			case key == "policies":
				s.Policies = parts
			case key == "keyword.reject":
				s.Keyword.Reject = parts
			}
		}
		return s, list, problems
	}
}

func text(s string) *string { return &s }

func TestChangePolicies(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.setting()
		w.setUp()
		if err := w.ChangePolicies(ctx, 0, map[string]*string{"policies": text(`["KeywordPolicy"]`), "keyword.reject": text(`["casino"]`)}); err != nil {
			t.Fatal(err)
		}
		if err := w.deliver(note(1, "a casino", "")); err == nil {
			t.Error("the rule does not hold at once")
		}
		for name, change := range map[string]map[string]*string{"unknown": {"nonsense": text("1")}, "locked": {"locked": text("1")}, "wrong": {"policies": text("7")},
			"no such policy": {"policies": text(`["Nonsense"]`)}, "a bad pattern": {"keyword.reject": text(`["~r/(/"]`)}} {
			if err := w.ChangePolicies(ctx, 0, change); err == nil {
				t.Errorf("%s: it is changed", name)
			}
		}
		if err := w.ChangePolicies(ctx, 0, map[string]*string{"policies": nil}); err != nil {
			t.Fatal(err)
		}
		w.send(note(2, "a casino", ""))
		if audit := rowsOf(w, `SELECT name FROM audit WHERE kind = 'policy'`); len(audit) != 3 {
			t.Errorf("the audit log has %v", audit)
		}
	})
}

func TestScriptsInForce(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.setting()
		w.setUp()
		s := &store.PolicyScript{Name: "coins", Enabled: true, Source: "def check(activity, facts):\n  if activity.post and 'coins' in activity.post.text:\n    return reject('no coins')"}
		if err := w.SetScript(ctx, 0, s); err != nil {
			t.Fatal(err)
		}
		if err := w.deliver(note(1, "coins", "")); err == nil || err.Error() != "no coins" {
			t.Errorf("refused: %v", err)
		}
		if refusals := must2(w.DB.Refusals(ctx, "https://b.test/create/1"))(t); len(refusals) != 1 || refusals[0].Stage != "policy script coins" {
			t.Errorf("on record: %+v", refusals)
		}
		s.Source = "def check(activity, facts):\n  return activity.nothing"
		if err := w.SetScript(ctx, 0, s); err != nil {
			t.Fatal(err)
		}
		w.send(note(2, "coins", "")) // A script that fails loses nothing.
		if view := must2(w.PolicyView(ctx))(t); len(view.Scripts) != 1 || view.Scripts[0].Failures != 1 || view.Scripts[0].LastFail == "" {
			t.Errorf("seen: %+v", view.Scripts)
		}
		if err := w.SetScript(ctx, 0, &store.PolicyScript{Name: "bad", Source: "def"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a script that can't be: %v", err)
		}
		if err := w.SetScript(ctx, 0, &store.PolicyScript{Name: "../x", Source: s.Source}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a name that can't be: %v", err)
		}
		if err := w.RemoveScript(ctx, 0, "coins"); err != nil {
			t.Fatal(err)
		}
		if err := w.RemoveScript(ctx, 0, "coins"); !fault.Is(err, fault.NotFound) {
			t.Errorf("removed twice: %v", err)
		}
	})
}

func TestTaggedAccounts(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.setting()
		w.withRules(policy.Tag{})
		ann, bob := w.person("ann"), w.person("bob@b.test")
		if err := w.TagAccounts(ctx, 0, []*store.Actor{bob, ann}, []string{"mrf_tag:force-unlisted", "mrf_tag:disable-remote-subscription"}, true); err != nil {
			t.Fatal(err)
		}
		w.send(note(1, "hello", ""))
		if got := rowsOf(w, `SELECT 'at ' || visibility FROM statuses`); len(got) != 1 || !strings.Contains(got[0], "at 1") {
			t.Errorf("the post has the visibility %v, want unlisted", got)
		}
		follow := `{"id":"https://c.test/follow/1","type":"Follow","actor":"https://c.test/users/cat","object":"https://a.test/users/ann"}`
		if err := w.deliver(follow); err == nil {
			t.Error("ann can be followed from elsewhere")
		}
		if err := w.TagAccounts(ctx, 0, []*store.Actor{ann}, []string{"mrf_tag:disable-remote-subscription"}, false); err != nil {
			t.Fatal(err)
		}
		w.send(follow)
		if tags := w.TagsOf(bob.ID); len(tags) != 2 {
			t.Errorf("bob has the tags %v", tags)
		}
	})
}

func TestExpiration(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		ann := w.person("ann")
		w.withRules(&policy.ActivityExpiration{Days: 1})
		short := must2(w.Post(ctx, ann, Draft{Text: "short", Lifetime: time.Hour}))(t)
		long := must2(w.Post(ctx, ann, Draft{Text: "long", Lifetime: 100 * 24 * time.Hour}))(t)
		pinned := must2(w.Post(ctx, ann, Draft{Text: "pinned"}))(t)
		if err := w.Pin(ctx, ann, pinned, true); err != nil {
			t.Fatal(err)
		}
		ends := func(id int64) time.Duration {
			return time.UnixMilli(must2(w.DB.Contents(ctx, []int64{id}))(t)[id].Expires).Sub(w.clock).Round(time.Minute)
		}
		if ends(short) != time.Hour || ends(long) != 24*time.Hour {
			t.Errorf("they live for %v and %v", ends(short), ends(long))
		}
		w.rebuild()
		if ends(short) != time.Hour {
			t.Errorf("rebuilt, it lives for %v", ends(short))
		}
		if err := w.expire(ctx, expireJob{short}); err != nil || w.gone(short) {
			t.Errorf("deleted too early (%v)", err)
		}
		w.clock = w.clock.Add(25 * time.Hour)
		for _, id := range []int64{short, long, pinned, short} {
			if err := w.expire(ctx, expireJob{id}); err != nil {
				t.Fatal(err)
			}
		}
		if !w.gone(short) || !w.gone(long) || w.gone(pinned) {
			t.Errorf("gone: %t %t, pinned %t", w.gone(short), w.gone(long), w.gone(pinned))
		}
	})
}

func (w *world) gone(status int64) bool {
	_, err := w.DB.Status(context.Background(), status)
	return errors.Is(err, store.ErrNotFound)
}

func TestClosedToDirectMessages(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.setting()
		w.withRules(policy.DirectMessageDisabled{})
		ann := w.person("ann")
		direct := func(n int, who string) string {
			return strings.ReplaceAll(strings.ReplaceAll(note(n, "psst", ""), `"as:Public"`, `"https://a.test/users/ann"`), "https://b.test/users/bob", "https://b.test/users/"+who)
		}
		w.person("eve@b.test")
		prefer := func(from string) {
			t.Helper()
			err := w.DB.Write(ctx, func(tx *store.Tx) error {
				account, err := tx.Account(ctx, ann.ID)
				if err != nil {
					return err
				}
				account.Preferences.DirectFrom = from
				return tx.UpdateAccount(ctx, account)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		prefer("people_i_follow")
		if err := w.deliver(direct(1, "eve")); err == nil {
			t.Error("a stranger's message comes in")
		}
		w.send(direct(2, "bob"))
		prefer("nobody")
		if err := w.deliver(direct(3, "bob")); err == nil {
			t.Error("a message comes in")
		}
	})
}
