package pages

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/vocab"
)

// TestPublicOnly wants nothing on a public page that is not for everybody.
func TestPublicOnly(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, nil)
		ann, bob := w.person("ann"), w.person("bob")
		root := w.post(ann, pipeline.Draft{Text: "ROOT"})
		b := w.browser()
		drafts := []struct {
			text  string
			draft pipeline.Draft
			shown bool
		}{
			{"PUBLIC", pipeline.Draft{}, true},
			{"UNLISTED", pipeline.Draft{Visibility: "unlisted"}, true},
			{"PRIVATE", pipeline.Draft{Visibility: "private"}, false},
			{"DIRECT", pipeline.Draft{Visibility: "direct"}, false},
			{"LOCAL", pipeline.Draft{LocalOnly: true}, false},
		}
		var hidden []string
		for _, tt := range drafts {
			d := tt.draft
			d.Text = tt.text
			own := w.post(ann, d)
			d.Text, d.InReplyTo = "ANSWER-"+tt.text, root
			answer := w.post(bob, d)
			got := b.get(fmt.Sprintf("/@ann/%d", own))
			below := b.get(fmt.Sprintf("/@bob/%d", answer))
			if tt.shown {
				got.want(200, tt.text)
				below.want(200, "ANSWER-"+tt.text, "ROOT")
				continue
			}
			got.want(404, "There is no such post, or it is not public.").without(tt.text)
			below.want(404).without(tt.text)
			hidden = append(hidden, tt.text)
			// What hangs below it is not shown with it, either.
			under := w.post(bob, pipeline.Draft{Text: "UNDER", InReplyTo: answer})
			if page := b.get(fmt.Sprintf("/@bob/%d", under)); page.status == 200 {
				page.want(200, "UNDER").without("ANSWER-"+tt.text, "ROOT")
			}
		}
		b.get("/@ann").want(200, "ROOT", "PUBLIC", "UNLISTED").without(hidden...)
		b.get("/@bob").want(200).without(hidden...).without("ANSWER-PUBLIC") // Answers to others are no posts of the page.
		b.get(fmt.Sprintf("/@ann/%d", root)).want(200, "ROOT", "ANSWER-PUBLIC", "ANSWER-UNLISTED").without("PRIVATE", "DIRECT", "LOCAL")
		for _, path := range []string{"/@nobody", fmt.Sprintf("/@bob/%d", root), "/@ann/1", "/@ann@b.test"} {
			b.get(path).want(404)
		}
	})
}

// TestThread wants what a post answers above it and what answers it below, not the
// whole conversation.
func TestThread(t *testing.T) {
	w := onSQLite(t, nil)
	ann := w.person("ann")
	say := func(text string, to int64) int64 { return w.post(ann, pipeline.Draft{Text: text, InReplyTo: to}) }
	root := say("ROOT", 0)
	left, right := say("LEFT", root), say("RIGHT", root)
	say("LEAF-OF-LEFT", left)
	middle := say("MIDDLE", right)
	say("LEAF-OF-MIDDLE", middle)
	body := w.browser().get(fmt.Sprintf("/@ann/%d", middle)).want(200).without("LEFT").body
	body = body[strings.Index(body, "<main"):]
	var at []int
	for _, text := range []string{"<p>ROOT", "<p>RIGHT", "post h-entry focus", "<p>MIDDLE", "<p>LEAF-OF-MIDDLE"} {
		at = append(at, strings.Index(body, text))
	}
	for i := range at {
		if at[i] < 0 || i > 0 && at[i] < at[i-1] {
			t.Fatalf("parts at %v, want them all, in this order: %s", at, body)
		}
	}
}

// TestHead wants a preview to show no more than the page does without a click.
func TestHead(t *testing.T) {
	w := onSQLite(t, nil)
	ann := w.person("ann")
	b := w.browser()
	plain := w.post(ann, pipeline.Draft{Text: `Say "hi" & <b>bye</b>`})
	page := b.get(fmt.Sprintf("/@ann/%d", plain)).want(200,
		`<meta property="og:title" content="ann">`,
		`<meta property="og:description" content="Say &#34;hi&#34; &amp; &lt;b&gt;bye&lt;/b&gt;">`,
		`<meta property="og:type" content="article">`,
		fmt.Sprintf(`<meta property="og:url" content="%s/@ann/%d">`, w.url, plain),
		`<meta property="og:site_name" content="Test &amp; Co">`,
		fmt.Sprintf(`<link rel="alternate" type="application/activity+json" href="%s/objects/%d">`, w.url, plain),
		fmt.Sprintf(`<link rel="canonical" href="%s/@ann/%d">`, w.url, plain),
		`<meta name="robots" content="noindex">`)
	if got := page.header.Get("Vary"); got != "Accept, Cookie" {
		t.Errorf("Vary %q", got)
	}
	spoiled := w.post(ann, pipeline.Draft{Text: "the butler did it", Spoiler: "how it ends", Sensitive: true})
	head, _, _ := strings.Cut(b.get(fmt.Sprintf("/@ann/%d", spoiled)).want(200, "<summary>how it ends</summary>", "the butler did it").body, "</head>")
	if !strings.Contains(head, `og:description" content="how it ends"`) || strings.Contains(head, "butler") {
		t.Errorf("the head tells %s", head)
	}
	b.get("/@ann").want(200, `<meta property="og:type" content="profile">`, `href="`+w.url+`/users/ann">`, "@ann@a.test").without("noindex")
	if err := w.pipeline.EditProfile(t.Context(), ann, func(a *vocab.Actor) { no := false; a.Discoverable = &no }); err != nil {
		t.Fatal(err)
	}
	b.get("/@ann").want(200, `<meta name="robots" content="noindex">`)
}

// TestProfileFields wants links that say "me", for those who check where they lead.
func TestProfileFields(t *testing.T) {
	w := onSQLite(t, nil)
	ann := w.person("ann")
	err := w.pipeline.EditProfile(t.Context(), ann, func(a *vocab.Actor) {
		a.Name, a.Summary = `Ann <3`, "<p>Hello <script>alert(1)</script>world</p>"
		a.Fields = []vocab.Field{{Name: "Home & away", Value: `<a href="https://ann.test/" onclick="x()">ann.test</a>`}}
	})
	if err != nil {
		t.Fatal(err)
	}
	page := w.browser().get("/@ann").want(200, "Ann &lt;3", "Home &amp; away", `href="https://ann.test/"`, "world").without("onclick", "alert(1)")
	if !regexp.MustCompile(`<a href="https://ann.test/"[^>]* rel="me nofollow noopener noreferrer"`).MatchString(page.body) {
		t.Errorf("the link does not say me: %s", page.body)
	}
}

// TestPagesAreBounded fills profile and thread with as much as people may write;
// every answer of the server is held to 30 kB, and all can be reached.
func TestPagesAreBounded(t *testing.T) {
	w := onSQLite(t, nil)
	ann := w.person("ann")
	long := strings.Repeat("word ", 999)
	root := w.post(ann, pipeline.Draft{Text: "ROOT " + long})
	for i := range 24 {
		w.post(ann, pipeline.Draft{Text: fmt.Sprintf("ANSWER%02d %s", i, long[:2500]), InReplyTo: root})
	}
	b := w.browser()
	for _, tt := range []struct{ path, rel, text string }{
		{"/@ann", "Older posts", "ANSWER"},
		{fmt.Sprintf("/@ann/%d", root), "More answers", "ANSWER"},
	} {
		seen := map[string]bool{}
		pages := 0
		for path := tt.path; path != ""; pages++ {
			page := b.get(path).want(200)
			for _, m := range regexp.MustCompile(`<p>(ANSWER\d\d|ROOT)`).FindAllStringSubmatch(page.body, -1) {
				seen[m[1]] = true
			}
			m := regexp.MustCompile(`<a href="([^"]*)" rel="next">` + tt.rel).FindStringSubmatch(page.body)
			path = ""
			if m != nil {
				path = m[1]
			}
			if pages > 40 {
				t.Fatalf("%s: no end", tt.path)
			}
		}
		if len(seen) != 25 || pages < 3 {
			t.Errorf("%s: %d posts on %d pages, want all 25 on several", tt.path, len(seen), pages)
		}
	}
}

func TestCut(t *testing.T) {
	many := func(sizes ...int) []post {
		var all []post
		for i, n := range sizes {
			all = append(all, post{ID: int64(i + 1), Link: fmt.Sprint("/", i+1), Spoiler: strings.Repeat("x", n)})
		}
		return all
	}
	big := roomBytes
	for _, tt := range []struct {
		name          string
		posts         []post
		focus         int
		after         int64
		want          []int64
		earlier, more string
	}{
		{"all has room", many(1, 1, 1), 1, 0, []int64{1, 2, 3}, "", ""},
		{"alone", many(1), 0, 0, []int64{1}, "", ""},
		{"a large post alone", many(3 * big), 0, 0, []int64{1}, "", ""},
		{"large before", many(1, big, 1, 1), 2, 0, []int64{3, 4}, "/2", ""},
		{"the first answer is always there", many(1, big, big), 0, 0, []int64{1, 2}, "", "/1?after=2"},
		{"the next answers", many(1, big, big, big), 0, 2, []int64{1, 3}, "", "/1?after=3"},
		{"the last answer", many(1, big, big, big), 0, 3, []int64{1, 4}, "", ""},
		{"further answers leave out what is before", many(1, 1, 1, 1), 1, 3, []int64{2, 4}, "/1", ""},
	} {
		got := cut(tt.posts, tt.focus, tt.after)
		var ids []int64
		for _, p := range got.Posts {
			ids = append(ids, p.ID)
		}
		if fmt.Sprint(ids) != fmt.Sprint(tt.want) || got.Earlier != tt.earlier || got.More != tt.more {
			t.Errorf("%s: %v, earlier %q, more %q; want %v, %q, %q", tt.name, ids, got.Earlier, got.More, tt.want, tt.earlier, tt.more)
		}
	}
}

func TestAttachment(t *testing.T) {
	p := New(Options{URL: "https://a.test", Proxy: func(u string) string { return "/proxy/x" }})
	for _, tt := range []struct {
		kind string
		url  vocab.IRI
		want attachment
	}{
		{"image", "https://a.test/media/1/x.png", attachment{Kind: "image", URL: "https://a.test/media/1/x.png"}},
		{"image", "https://b.test/x.png", attachment{Kind: "image", URL: "/proxy/x"}},
		{"gifv", "https://a.test/media/1/x.mp4", attachment{Kind: "video", URL: "https://a.test/media/1/x.mp4"}},
		{"audio", "https://a.test/media/1/x.ogg", attachment{Kind: "audio", URL: "https://a.test/media/1/x.ogg"}},
		{"video", "https://b.test/x.mp4", attachment{URL: "https://b.test/x.mp4"}},
		{"video", "https://a.test.evil/x.mp4", attachment{URL: "https://a.test.evil/x.mp4"}},
		{"unknown", "https://a.test/media/1/x.pdf", attachment{URL: "https://a.test/media/1/x.pdf"}},
	} {
		if got := p.attachment(store.Media{Kind: tt.kind, URL: tt.url}); got != tt.want {
			t.Errorf("%s %s: %+v, want %+v", tt.kind, tt.url, got, tt.want)
		}
	}
}
