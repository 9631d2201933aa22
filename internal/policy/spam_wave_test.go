package policy

import (
	"fmt"
	"testing"
	"time"

	"kenoma/internal/vocab"
)

const ann vocab.IRI = "https://a.test/users/ann"

// spamWave is the rule as it ships.
func spamWave() *SpamWave {
	return &SpamWave{NewFor: 7 * 24 * time.Hour, MaxPeople: 3, Links: true, PerAccount: 3, PerHost: 5, Overall: 25, SameText: 3, TellStaff: true}
}

func withheld(t *testing.T, c *Case) {
	t.Helper()
	if !c.Patch.Withhold || c.Visibility().Name == "public" {
		t.Errorf("not withheld: %s %v", c.Patch.String(), c.Decisions)
	}
}

func TestSpamWave(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	facts := func(change func(*Facts)) Facts {
		f := remote
		f.Now, f.FirstSeen, f.Strangers = now, now.Add(-time.Hour), []vocab.IRI{ann}
		if change != nil {
			change(&f)
		}
		return f
	}
	to := func(content string, people ...vocab.IRI) vocab.Activity {
		return note(func(o *vocab.Object) {
			o.Content, o.Cc = content, append(o.Cc, ann)
			o.Cc = append(o.Cc, people...)
			o.Tags = []vocab.Tag{{Type: "Mention", Name: "@ann@a.test", Href: ann}}
		})
	}
	mention := `<p><a href="https://a.test/@ann" class="u-url mention">@ann</a> `
	judge(t, []verdict{
		{name: "a new account says hello to one person", rule: spamWave(), facts: facts(nil), activity: to(mention + "hello, I liked your talk</p>")},
		{name: "with a hashtag, and a mention without a class", rule: spamWave(), facts: facts(nil),
			activity: to(`<p><a href="https://a.test/users/ann">@ann</a> see <a href="https://b.test/tags/go" class="mention hashtag">#go</a></p>`)},
		{name: "with a link", rule: spamWave(), facts: facts(nil), activity: to(mention + `<a href="https://spam.test/">win</a></p>`), check: withheld},
		{name: "with a bare link", rule: spamWave(), facts: facts(nil), activity: to(mention + `https://spam.test/</p>`), check: withheld},
		{name: "with a picture", rule: spamWave(), facts: facts(nil), check: withheld, activity: func() vocab.Activity {
			a := to(mention + "look</p>")
			a.Inline.Attachments = []vocab.Attachment{{Type: "Document", URL: "https://b.test/x.png"}}
			return a
		}()},
		{name: "to many", rule: spamWave(), facts: facts(nil), activity: to(mention+"hi</p>", "https://a.test/users/bob", "https://a.test/users/cid", "https://c.test/users/dan"), check: withheld},
		{name: "an old account with a link", rule: spamWave(), facts: facts(func(f *Facts) { f.Created = now.Add(-365 * 24 * time.Hour) }), activity: to(mention + `https://fine.test/</p>`)},
		{name: "known here for long", rule: spamWave(), facts: facts(func(f *Facts) { f.FirstSeen = now.Add(-30 * 24 * time.Hour) }), activity: to(mention + `https://fine.test/</p>`)},
		{name: "somebody here follows it", rule: spamWave(), facts: facts(func(f *Facts) { f.FollowedHere = true }), activity: to(mention + `https://fine.test/</p>`)},
		{name: "it answers us", rule: spamWave(), facts: facts(func(f *Facts) { f.AnswersUs = true }), activity: to(mention + `https://fine.test/</p>`)},
		{name: "whom it names follows it", rule: spamWave(), facts: facts(func(f *Facts) { f.Strangers = nil }), activity: to(mention + `https://fine.test/</p>`)},
		{name: "it names nobody of ours", rule: spamWave(), facts: facts(func(f *Facts) { f.Strangers = nil }), activity: note(func(o *vocab.Object) { o.Content = "https://news.test/" })},
		{name: "one of ours", rule: spamWave(), facts: facts(func(f *Facts) { f.Local = true }), activity: to(mention + `https://fine.test/</p>`)},
		{name: "fetched for a thread", rule: spamWave(), facts: facts(func(f *Facts) { f.Fetched = true }), activity: to(mention + `https://fine.test/</p>`)},
	})
}

// first is the nth first message, of an account of a host, through the rule.
func first(r *SpamWave, tally *Tally, n int, host, text string, created, now time.Time) *Case {
	actor := vocab.IRI(fmt.Sprintf("https://%s/users/u%d", host, n))
	a := note(func(o *vocab.Object) {
		o.ID, o.AttributedTo, o.Content, o.Cc = actor+vocab.IRI(fmt.Sprintf("/notes/%d", now.UnixNano())), []vocab.IRI{actor}, "<p>"+text+"</p>", []vocab.IRI{ann}
	})
	a.Actor, a.Object = actor, a.Inline.ID
	c := &Case{Activity: &a, Tally: tally, Facts: Facts{Host: host, Now: now, FirstSeen: now, Created: created, Strangers: []vocab.IRI{ann}}}
	if err := r.Check(c); err != nil {
		panic(err)
	}
	return c
}

func TestSpamWaveCounts(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	old := start.Add(-1000 * 24 * time.Hour)
	passed := func(n int, one func(r *SpamWave, tally *Tally, i int) *Case) int {
		r, tally, through := spamWave(), &Tally{}, 0
		for i := range n {
			if !one(r, tally, i).Patch.Withhold {
				through++
			}
		}
		return through
	}
	word := func(i int) string { return fmt.Sprintf("hello %c%c", 'a'+i%26, 'a'+i/26%26) }
	second := func(i int) time.Time { return start.Add(time.Duration(i) * time.Second) }
	for _, tt := range []struct {
		name string
		want int
		got  int
	}{
		{"one account, many messages", 3, passed(20, func(r *SpamWave, y *Tally, i int) *Case {
			return first(r, y, 1, "b.test", word(i), time.Time{}, second(i))
		})},
		{"one host, many accounts", 5, passed(20, func(r *SpamWave, y *Tally, i int) *Case {
			return first(r, y, i, "b.test", word(i), time.Time{}, second(i))
		})},
		{"many hosts", 25, passed(200, func(r *SpamWave, y *Tally, i int) *Case {
			return first(r, y, i, fmt.Sprintf("h%d.test", i), word(i), time.Time{}, second(i))
		})},
		{"one text, of accounts that claim to be old", 3, passed(200, func(r *SpamWave, y *Tally, i int) *Case {
			return first(r, y, i, fmt.Sprintf("h%d.test", i), fmt.Sprintf("@ann%d@a.test Buy our wonderful things today %d", i, i), old, second(i))
		})},
		{"old accounts, each with its own words", 200, passed(200, func(r *SpamWave, y *Tally, i int) *Case {
			return first(r, y, i, "big.test", word(i), old, second(i))
		})},
		{"a host where one joins each hour", 20, passed(20, func(r *SpamWave, y *Tally, i int) *Case {
			return first(r, y, i, "b.test", word(i), time.Time{}, start.Add(time.Duration(i)*time.Hour))
		})},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %d get through, want %d", tt.name, tt.got, tt.want)
		}
	}
	r, tally := spamWave(), &Tally{}
	for i := range 30 {
		c := first(r, tally, i, fmt.Sprintf("h%d.test", i), word(i), time.Time{}, second(i))
		if told := len(c.Jobs) > 0; told != (i >= 25) {
			t.Errorf("message %d tells the staff: %t", i, told)
		}
	}
}

func TestTallyIsBounded(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tally := &Tally{}
	for i := range 3 * maxTallies {
		tally.Count(fmt.Sprint("key ", i), "x", time.Hour, start.Add(time.Duration(i)*time.Millisecond))
	}
	if len(tally.keys) > maxTallies {
		t.Errorf("%d keys are kept", len(tally.keys))
	}
	n := 0
	for i := range 3 * perTally {
		n = tally.Count("one", fmt.Sprint(i), time.Hour, start)
	}
	if n != perTally {
		t.Errorf("counted %d, want %d at most", n, perTally)
	}
	if n := tally.Count("one", "y", time.Hour, start.Add(time.Hour)); n != 1 {
		t.Errorf("an hour later %d, want 1", n)
	}
	if n := (*Tally)(nil).Count("one", "x", time.Hour, start); n != 0 {
		t.Errorf("no tally counts %d", n)
	}
}
