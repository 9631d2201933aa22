package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"kenoma/internal/vocab"
)

// text is a note that says something.
func text(content string) vocab.Activity {
	return note(func(o *vocab.Object) { o.Content = content })
}

// naming is a note that names n people here.
func naming(n int) vocab.Activity {
	return note(func(o *vocab.Object) {
		for i := range n {
			o.Cc = append(o.Cc, vocab.IRI("https://a.test/users/"+strings.Repeat("x", i+1)))
		}
	})
}

func with(f Facts, change func(*Facts)) Facts {
	change(&f)
	return f
}

var (
	now   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	local = with(remote, func(f *Facts) { f.Local, f.Host, f.Now = true, "a.test", now })
	young = with(remote, func(f *Facts) { f.Now, f.FirstSeen = now, now.Add(-time.Hour) })
	known = with(remote, func(f *Facts) { f.Now, f.FirstSeen = now, now.Add(-100*24*time.Hour) })
)

func says(want string) func(*testing.T, *Case) {
	return func(t *testing.T, c *Case) {
		t.Helper()
		if got := c.Post().Content; got != want {
			t.Errorf("the post says %q, want %q", got, want)
		}
	}
}

func sensitive(t *testing.T, c *Case) {
	t.Helper()
	if !c.Post().Sensitive {
		t.Error("the post is not marked as sensitive")
	}
}

// ready compiles a rule.
func ready[R compiler](t *testing.T, r R) R {
	t.Helper()
	if err := r.compile(&Settings{}); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTextRules(t *testing.T) {
	words := ready(t, &Keyword{Reject: []string{"casino", "~r/free\\s+money/i"}, FederatedTimelineRemoval: []string{"gossip"}, Replace: []string{"Cloud => butt", "~r/colou?r/ => hue"}})
	tags := &Hashtag{Sensitive: []string{"nsfw"}, FederatedTimelineRemoval: []string{"#ad"}, Reject: []string{"spam"}}
	hash := func(name string) vocab.Activity {
		return note(func(o *vocab.Object) { o.Tags = []vocab.Tag{{Type: "Hashtag", Name: "#" + name}} })
	}
	dot := note(func(o *vocab.Object) {
		o.Content, o.Attachments = "<p>.</p>", []vocab.Attachment{{URL: "https://b.test/a.png"}}
	})
	rich := text(`<h1>Big</h1><p>a <b>b</b> <a href="https://x.test">c</a></p>`)
	quote := note(func(o *vocab.Object) { o.QuoteURL = "https://c.test/1?a&b" })
	copied := note(func(o *vocab.Object) { o.InReplyTo, o.Summary = "https://c.test/1", "Food" })
	judge(t, []verdict{
		{"a refused word", words, remote, text("<p>best CASINO ever</p>"), true, nil},
		{"a refused word parted by markup", words, remote, text("cas<span>ino</span>"), true, nil},
		{"a refused pattern", words, remote, text("free   Money"), true, nil},
		{"a refused word in the content warning", words, remote, note(func(o *vocab.Object) { o.Summary = "casino" }), true, nil},
		{"a refused word of ours", words, local, text("casino"), true, nil},
		{"an unlisted word", words, remote, text("some gossip"), false, visibility("unlisted")},
		{"a replaced word", words, remote, text("in the CLOUD, cloud"), false, says("in the butt, butt")},
		{"a replaced pattern", words, remote, text("color colour"), false, says("hue hue")},
		{"no such word", words, remote, text("hello"), false, nil},
		{"a refused hashtag", tags, remote, hash("Spam"), true, nil},
		{"an unlisted hashtag", tags, remote, hash("ad"), false, visibility("unlisted")},
		{"a sensitive hashtag", tags, remote, hash("NSFW"), false, sensitive},
		{"another hashtag", tags, remote, hash("cats"), false, nil},
		{"a full stop for no text", NoPlaceholderText{}, remote, dot, false, says("")},
		{"a full stop alone", NoPlaceholderText{}, remote, text("."), false, nil},
		{"all formatting stays", &NormalizeMarkup{ScrubPolicy: "default"}, remote, rich, false, nil},
		{"links stay", &NormalizeMarkup{ScrubPolicy: "twitter_text"}, remote, rich, false, says(`Big<p>a b <a href="https://x.test">c</a></p>`)},
		{"no markup stays", &NormalizeMarkup{ScrubPolicy: "no_markup"}, remote, rich, false, says(`Big<p>a b c</p>`)},
		{"a quote's link", &InlineQuote{Prefix: "RE"}, remote, quote, false, func(t *testing.T, c *Case) {
			if !strings.HasSuffix(c.Post().Content, `RE: <a href="https://c.test/1?a&amp;b">https://c.test/1?a&amp;b</a></span>`) {
				t.Errorf("the post says %s", c.Post().Content)
			}
		}},
		{"no quote", &InlineQuote{Prefix: "RE"}, remote, note(nil), false, nil},
		{"a copied content warning", EnsureRePrepended{}, with(remote, func(f *Facts) { f.ParentSummary = "food" }), copied, false, func(t *testing.T, c *Case) {
			if c.Post().Summary != "re: Food" {
				t.Errorf("the content warning is %q", c.Post().Summary)
			}
		}},
		{"another content warning", EnsureRePrepended{}, with(remote, func(f *Facts) { f.ParentSummary = "drink" }), copied, false, nil},
		{"ours says nothing", NoEmpty{}, local, text(`<p><a href="https://b.test">@<span>bob</span></a></p>`), true, nil},
		{"ours says something", NoEmpty{}, local, text("@bob hi"), false, nil},
		{"a stranger says nothing", NoEmpty{}, remote, text(""), false, nil},
	})
}

func TestPeopleRules(t *testing.T) {
	hell, spam := &Hellthread{DelistThreshold: 2, RejectThreshold: 4}, &AntiMentionSpam{UserAge: 24 * time.Hour, Mentions: 2}
	strangers := func(n int) Facts {
		return with(young, func(f *Facts) { f.Strangers = make([]vocab.IRI, n) })
	}
	direct := note(func(o *vocab.Object) {
		o.To, o.Cc = []vocab.IRI{"https://a.test/users/ann", "https://a.test/users/zed"}, nil
		o.Tags = []vocab.Tag{{Type: "Mention", Href: "https://a.test/users/ann"}, {Type: "Mention", Href: "https://a.test/users/zed"}}
	})
	toAnn := note(func(o *vocab.Object) { o.To, o.Cc = []vocab.IRI{"https://a.test/users/ann"}, nil })
	closed := with(remote, func(f *Facts) { f.Closed = []vocab.IRI{"https://a.test/users/ann"} })
	private := note(func(o *vocab.Object) { o.To, o.Cc = []vocab.IRI{followers}, nil })
	judge(t, []verdict{
		{"two people", hell, remote, naming(2), false, nil},
		{"three people", hell, remote, naming(3), false, visibility("unlisted")},
		{"five people", hell, local, naming(5), true, nil},
		{"an actor not to be named", &Mention{Actors: []string{"https://a.test/users/x"}}, remote, naming(1), true, nil},
		{"another one", &Mention{Actors: []string{"https://a.test/users/y"}}, remote, naming(1), false, nil},
		{"a new account names strangers", spam, strangers(3), naming(3), true, nil},
		{"a new account names friends", spam, strangers(1), naming(3), false, nil},
		{"a known account names strangers", spam, with(known, func(f *Facts) { f.Strangers = make([]vocab.IRI, 3) }), naming(3), false, nil},
		{"who takes no direct messages", DirectMessageDisabled{}, closed, toAnn, true, nil},
		{"one of two takes none", DirectMessageDisabled{}, closed, direct, false, func(t *testing.T, c *Case) {
			if !slices.Equal(c.Post().To, []vocab.IRI{"https://a.test/users/zed"}) || len(c.Post().Tags) != 1 {
				t.Errorf("addressed to %v, tags %v", c.Post().To, c.Post().Tags)
			}
		}},
		{"followers only, refused", &RejectNonPublic{}, remote, private, true, nil},
		{"followers only, allowed", &RejectNonPublic{AllowFollowersOnly: true}, remote, private, false, nil},
		{"direct, refused", &RejectNonPublic{AllowFollowersOnly: true}, remote, toAnn, true, nil},
		{"direct, allowed", &RejectNonPublic{AllowDirect: true}, remote, toAnn, false, nil},
		{"direct, ours", &RejectNonPublic{}, local, toAnn, false, nil},
		{"public", &RejectNonPublic{}, remote, note(nil), false, nil},
	})
}

func TestAccountRules(t *testing.T) {
	follow := vocab.Activity{Type: "Follow", Actor: "https://b.test/users/bob", Object: "https://a.test/users/ann"}
	bot := with(remote, func(f *Facts) { f.Username = "fedibot" })
	tag := func(names ...string) Facts { return with(remote, func(f *Facts) { f.Tags = names }) }
	target := func(names ...string) Facts { return with(remote, func(f *Facts) { f.TargetTags = names }) }
	picture := note(func(o *vocab.Object) { o.Attachments = []vocab.Attachment{{URL: "https://b.test/a.png"}} })
	link := text(`<p>see <a href="https://buy.test">this</a></p>`)
	mention := text(`<p><a href="https://a.test/@ann" class="u-url mention">@ann</a></p>`)
	allow := ready(t, &UserAllowList{Actors: []string{"https://b.test/users/bea"}})
	sub := &Subchain{MatchActor: []string{`^https://b\.test/ => ForceBotUnlisted, Drop`}}
	if err := sub.compile(&Settings{}); err != nil {
		t.Fatal(err)
	}
	if err := (&Subchain{MatchActor: []string{`x => Subchain`}}).compile(&Settings{}); err == nil {
		t.Error("a Subchain stands in itself")
	}
	judge(t, []verdict{
		{"a bot that follows everybody", AntiFollowbot{}, bot, follow, true, nil},
		{"the same, followed back", AntiFollowbot{}, with(bot, func(f *Facts) { f.TargetFollows = true }), follow, false, nil},
		{"a person", AntiFollowbot{}, remote, follow, false, nil},
		{"a useful bot", AntiFollowbot{}, with(remote, func(f *Facts) { f.Service = true }), follow, false, nil},
		{"its name shows it", AntiFollowbot{}, with(remote, func(f *Facts) { f.Name = "Federation Bot" }), follow, true, nil},
		{"a link of nobody's", AntiLinkSpam{}, remote, link, true, nil},
		{"a link of somebody with a post", AntiLinkSpam{}, with(remote, func(f *Facts) { f.Posts = 1 }), link, false, nil},
		{"a link of somebody with a follower", AntiLinkSpam{}, with(remote, func(f *Facts) { f.FollowerCount = 1 }), link, false, nil},
		{"a mention is no link", AntiLinkSpam{}, remote, mention, false, nil},
		{"an account just seen", &RejectNewlyCreatedAccountNotes{Age: 24 * time.Hour}, young, note(nil), true, nil},
		{"an account seen long ago", &RejectNewlyCreatedAccountNotes{Age: 24 * time.Hour}, known, note(nil), false, nil},
		{"a bot's post", ForceBotUnlisted{}, with(remote, func(f *Facts) { f.Service = true }), note(nil), false, visibility("unlisted")},
		{"a person's post", ForceBotUnlisted{}, remote, note(nil), false, nil},
		{"not on the host's list", allow, remote, note(nil), true, nil},
		{"of a host without list", allow, with(remote, func(f *Facts) { f.Host = "c.test" }), note(nil), false, nil},
		{"a type not taken", &Vocabulary{Accept: []string{"Follow"}}, remote, note(nil), true, nil},
		{"a type taken", &Vocabulary{Accept: []string{"Create", "Note"}}, remote, note(nil), false, nil},
		{"an object refused", &Vocabulary{Reject: []string{"Note"}}, remote, note(nil), true, nil},
		{"ours is not looked at", &Vocabulary{Reject: []string{"Note"}}, local, note(nil), false, nil},
		{"tagged: unlisted", Tag{}, tag("mrf_tag:force-unlisted"), note(nil), false, visibility("unlisted")},
		{"tagged: sandbox", Tag{}, tag("sandbox"), note(nil), false, visibility("private")},
		{"tagged: sensitive", Tag{}, tag("mrf_tag:media-force-nsfw"), picture, false, sensitive},
		{"tagged: no media", Tag{}, tag("mrf_tag:media-strip"), picture, false, func(t *testing.T, c *Case) {
			if len(c.Post().Attachments) != 0 {
				t.Error("the media is still there")
			}
		}},
		{"tagged with something else", Tag{}, tag("friend"), picture, false, nil},
		{"tagged: no follows from elsewhere", Tag{}, target("mrf_tag:disable-remote-subscription"), follow, true, nil},
		{"the same, one of ours follows", Tag{}, with(target("mrf_tag:disable-remote-subscription"), func(f *Facts) { f.Local = true }), follow, false, nil},
		{"tagged: no follows", Tag{}, with(target("mrf_tag:disable-any-subscription"), func(f *Facts) { f.Local = true }), follow, true, nil},
		{"nothing", NoOp{}, remote, note(nil), false, nil},
		{"everything", Drop{}, remote, note(nil), true, nil},
		{"everything, ours", Drop{}, local, note(nil), false, nil},
	})
	t.Run("a chain for some actors", func(t *testing.T) {
		a := note(nil)
		err := (&Set{Rules: []Named{{"Subchain", sub}}}).Judge(&Case{Activity: &a, Facts: remote})
		if Refused(err) != "Subchain Drop" {
			t.Errorf("refused by %q (%v)", Refused(err), err)
		}
		a.Actor = "https://c.test/users/cat"
		if err := (&Set{Rules: []Named{{"Subchain", sub}}}).Judge(&Case{Activity: &a, Facts: remote}); err != nil {
			t.Errorf("others: %v", err)
		}
	})
}

func TestTimeRules(t *testing.T) {
	age := &ObjectAge{Threshold: 7 * 24 * time.Hour, Actions: []string{"delist", "strip_followers"}}
	reject := &ObjectAge{Threshold: 7 * 24 * time.Hour, Actions: []string{"reject"}}
	at := func(days int) vocab.Activity {
		return note(func(o *vocab.Object) { o.Published = now.Add(-time.Duration(days) * 24 * time.Hour) })
	}
	judge(t, []verdict{
		{"an old post", age, known, at(8), false, func(t *testing.T, c *Case) {
			visibility("unlisted")(t, c)
			if !c.Patch.Quiet {
				t.Error("it comes into homes")
			}
		}},
		{"a new post", age, known, at(6), false, nil},
		{"an old post that is here", age, with(known, func(f *Facts) { f.Known = true }), at(8), false, nil},
		{"an old post that was fetched", age, with(known, func(f *Facts) { f.Fetched = true }), at(8), false, nil},
		{"an old post of ours", age, local, at(8), false, nil},
		{"an old post, refused", reject, known, at(8), true, nil},
		{"ours lives for a day", &ActivityExpiration{Days: 1}, local, note(nil), false, func(t *testing.T, c *Case) {
			if !c.Expires.Equal(now.Add(24 * time.Hour)) {
				t.Errorf("it is deleted at %v", c.Expires)
			}
		}},
		{"a stranger's post lives on", &ActivityExpiration{Days: 1}, known, note(nil), false, nil},
	})
}

func TestRulesThatAsk(t *testing.T) {
	steal := ready(t, &StealEmoji{Hosts: []string{"b.test"}, RejectedShortcodes: []string{"~r/^bad/"}, SizeLimit: 1000})
	emoji := note(func(o *vocab.Object) {
		for _, name := range []string{":blob:", ":badblob:"} {
			o.Tags = append(o.Tags, vocab.Tag{Type: "Emoji", Name: name, Icon: "https://b.test/" + vocab.IRI(name) + ".png"})
		}
		o.Tags = append(o.Tags, vocab.Tag{Type: "Emoji", Name: ":far:", Icon: "https://c.test/far.png"})
	})
	picture := note(func(o *vocab.Object) { o.Attachments = []vocab.Attachment{{URL: "https://b.test/a.png"}} })
	judge(t, []verdict{
		{"emoji of a chosen host", steal, remote, emoji, false, func(t *testing.T, c *Case) {
			if len(c.Jobs) != 1 || c.Jobs[0].Payload.(StealJob).Shortcode != "blob" {
				t.Errorf("asks for %+v", c.Jobs)
			}
		}},
		{"emoji of another host", steal, with(remote, func(f *Facts) { f.Host = "c.test" }), emoji, false, nil},
		{"media", MediaProxyWarming{}, remote, picture, false, func(t *testing.T, c *Case) {
			if len(c.Jobs) != 1 || !slices.Equal(c.Jobs[0].Payload.(WarmJob).URLs, []string{"https://b.test/a.png"}) {
				t.Errorf("asks for %+v", c.Jobs)
			}
		}},
		{"media that was fetched", MediaProxyWarming{}, with(remote, func(f *Facts) { f.Fetched = true }), picture, false, nil},
	})
}

func TestSettingsBuild(t *testing.T) {
	s := &Settings{Policies: []string{"Elixir.Pleroma.Web.ActivityPub.MRF.KeywordPolicy", "SimplePolicy", "NoOp"}, Keyword: Keyword{Reject: []string{"x"}}}
	set, err := s.Build(&Hosts{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range set.Rules {
		names = append(names, r.Name)
	}
	if !slices.Equal(names, []string{"Simple", "Keyword", "NoOp"}) {
		t.Errorf("the rules are %v", names)
	}
	for _, bad := range []*Settings{{Policies: []string{"Nonsense"}}, {Policies: []string{"Keyword"}, Keyword: Keyword{Reject: []string{"~r/(/"}}},
		{Policies: []string{"Keyword"}, Keyword: Keyword{Replace: []string{"x"}}}, {Policies: []string{"Subchain"}, Subchain: Subchain{MatchActor: []string{"( => NoOp"}}}} {
		if _, err := bad.Build(&Hosts{}); err == nil {
			t.Errorf("%+v can be built", bad.Policies)
		}
	}
	for _, name := range Names() {
		if _, err := (&Settings{Policies: []string{name}}).Build(&Hosts{}); err != nil {
			t.Errorf("%s without settings: %v", name, err)
		}
	}
}
