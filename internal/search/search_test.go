package search

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kenoma/internal/store"
)

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"case and punctuation", "Hello, WORLD! hello", []string{"hello", "world"}},
		{"accents of Latin letters", "Crème BRÛLÉE naïve", []string{"creme", "brulee", "naive"}},
		{"apostrophes and underscores cut", "l'amour snake_case", []string{"l", "amour", "snake", "case"}},
		{"compatibility forms", "ﬁne ＡＢＣ", []string{"fine", "abc"}},
		{"Japanese in characters and pairs", "東京都", []string{"東", "京", "東京", "都", "京都"}},
		{"a voiced sound is another one", "がか", []string{"が", "か", "がか"}},
		{"half-width Katakana", "ﾈｺ", []string{"ネ", "コ", "ネコ"}},
		{"scripts mixed", "AI技術2026", []string{"ai", "技", "術", "技術", "2026"}},
		{"Korean", "한국 사람", []string{"한", "국", "한국", "사", "람", "사람"}},
		{"Hindi keeps its marks", "हिन्दी", []string{"हिन्दी"}},
		{"Arabic without vowel signs", "مَرحَبا", []string{"مرحبا"}},
		{"nothing to index", "… 🎉 —", nil},
	} {
		if got := Words(tt.text); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: Words(%q) = %q, want %q", tt.name, tt.text, got, tt.want)
		}
	}
}

// TestWordsAreBounded wants few and short words, whatever is sent.
func TestWordsAreBounded(t *testing.T) {
	var long strings.Builder
	for i := range 5000 {
		long.WriteString(strings.Repeat(string(rune('a'+i%26)), i%90+1) + string(rune('a'+i/26%26)) + " ")
	}
	words := Words(long.String())
	if len(words) != maxWords {
		t.Errorf("%d words, want %d", len(words), maxWords)
	}
	if i := slices.IndexFunc(words, func(w string) bool { return len(w) > maxWord || strings.ContainsAny(w, " \"") }); i >= 0 {
		t.Errorf("the word %q is indexed", words[i])
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		query, text string
		want        bool
	}{
		{`"black cat"`, "A Black  cat!", true},
		{`"black cat"`, "cat black", false},
		{`東京都`, "京都と東京", false},
		{`東京都`, "ここは東京都です", true},
		{`don't`, "I don’t", true},
		{`-dog cat`, "cat and dog", false},
		{`-dog cat`, "cat", true},
		{`-"black cat" cat`, "a cat so black", true},
		{`-"black cat" cat`, "a black cat", false},
	} {
		if got := Parse(tt.query).Matches(tt.text); got != tt.want {
			t.Errorf("Parse(%s).Matches(%q) = %t", tt.query, tt.text, got)
		}
	}
}

func TestParse(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, tt := range []struct {
		text  string
		words []string
		check func(q *Query) bool
	}{
		{`Cats +dogs`, []string{"cats", "dogs"}, func(q *Query) bool { return !q.NeedsText() && len(q.Without) == 0 }},
		{`東京都`, []string{"東京", "京都"}, (*Query).NeedsText},
		{`猫`, []string{"猫"}, func(q *Query) bool { return !q.NeedsText() }},
		{`"black cat" -dog -"a b"`, []string{"black", "cat"}, func(q *Query) bool { return len(q.Terms) == 1 && reflect.DeepEqual(q.Not(), []string{"dog"}) }},
		{`from:@Ann@a.test -from:me x`, []string{"x"}, func(q *Query) bool {
			return reflect.DeepEqual(q.From, []string{"ann@a.test"}) && reflect.DeepEqual(q.NotFrom, []string{"me"})
		}},
		{`from:"bob"`, nil, func(q *Query) bool { return reflect.DeepEqual(q.From, []string{"bob"}) }},
		{`has:image -is:reply language:EN`, []string{"·hasimage", "·langen"}, func(q *Query) bool { return reflect.DeepEqual(q.Not(), []string{"·isreply"}) }},
		{`has:cheese`, []string{"cheese", "has"}, (*Query).NeedsText},
		{`in:library x`, []string{"x"}, func(q *Query) bool { return q.In == Library }},
		{`during:2026-01-31`, nil, func(q *Query) bool { return q.After.Equal(day("2026-01-31")) && q.Before.Equal(day("2026-02-01")) }},
		{`after:2026-01-31 before:2026-03`, nil, func(q *Query) bool { return q.After.Equal(day("2026-02-01")) && q.Before.Equal(day("2026-03-01")) }},
		{`before:christmas`, []string{"christmas", "before"}, func(q *Query) bool { return q.Before.IsZero() }},
		{`- + "" "`, nil, (*Query).Empty},
		{`"never closed`, []string{"closed", "never"}, func(q *Query) bool { return len(q.Terms) == 1 }},
		{strings.Repeat("a b ", 400), []string{"a", "b"}, func(q *Query) bool { return len(q.Terms) == maxTerms }},
	} {
		q := Parse(tt.text)
		if got := q.Words(); !reflect.DeepEqual(got, tt.words) || !tt.check(q) {
			t.Errorf("Parse(%.40q): words %q, want %q; %+v", tt.text, got, tt.words, q)
		}
	}
}

func TestPostWords(t *testing.T) {
	p := Post{Status: &store.Status{Actor: 35, Visibility: 0, IsReply: true, Media: 1, Language: "de-AT"},
		Content: &store.Content{HTML: `<p>Servus <a class="mention" href="https://a.test/@x">@x</a> <a href="https://youtu.be/1">v</a></p>`, Spoiler: "Warnung", Quote: "https://a.test/1",
			Media: []store.Media{{Kind: "gifv", Description: "Ein Hund"}}},
		Options: []string{"Ja"}, Mentioned: []int64{36}}
	words := p.Words()
	for _, want := range []string{"servus", "warnung", "hund", "ja", "x", "·fromz", "·to10", "·public", "·isreply", "·langde", "·langde-at", "·hasmedia", "·hasvideo", "·haspoll", "·haslink", "·hasembed", "·hasquote"} {
		if !slices.Contains(words, want) {
			t.Errorf("%q is missing in %q", want, words)
		}
	}
	p = Post{Status: &store.Status{Actor: 1, Visibility: 2}, Content: &store.Content{HTML: `<a class="mention hashtag" href="https://a.test/tags/x">#x</a>`}}
	if got := p.Words(); !reflect.DeepEqual(got, []string{"x", "·from1"}) {
		t.Errorf("a plain post is indexed as %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`from:me "a b" -c`)
	f.Fuzz(func(t *testing.T, text string) {
		q := Parse(text)
		q.Matches(text)
		for _, w := range append(q.Words(), q.Not()...) {
			if w == "" || strings.ContainsAny(w, "\" \x00") {
				t.Errorf("%q asks for the word %q", text, w)
			}
		}
	})
}
