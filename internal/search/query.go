package search

import (
	"slices"
	"strings"
	"time"
)

// maxTerms bounds the terms of one query, and so the work for it.
const maxTerms = 16

// Scopes of a search.
const (
	All     = "all"     // What the searcher had to do with, and what is public.
	Library = "library" // The former.
	Public  = "public"  // The latter.
)

// Query is what somebody looks for. All of it must hold.
//
// spec: masto:user/network#search (the operators)
type Query struct {
	Terms, Without []Term
	words, not     []string
	From, NotFrom  []string  // Handles without the first @; "me" is the searcher.
	After, Before  time.Time // Published at or after, and before; zero: no bound.
	In             string    // All, Library or Public.
}

// Parse reads what somebody typed. It never fails: what is no operator is a word.
//
//	cat "black cat" +cat -dog       words and phrases, all but -dog must be there
//	from:ann@a.test from:me         whose it is
//	has:media has:poll has:image …  media, poll, image, video, audio, link, embed, quote
//	is:reply is:sensitive
//	language:en
//	before:2026-01-31 after: during:
//	in:library in:public in:all
//
// A minus before an operator turns it around, except for in and the dates.
func Parse(text string) *Query {
	q := &Query{In: All}
	if len(text) > 2048 {
		text = text[:2048]
	}
	for len(q.Terms)+len(q.Without)+len(q.words)+len(q.not)+len(q.From)+len(q.NotFrom) < maxTerms {
		var p piece
		if p, text = next(text); p == (piece{}) {
			break
		}
		if p.quoted || !q.operator(p) {
			q.term(p)
		}
	}
	return q
}

// piece is a word, phrase or operator of what was typed.
type piece struct {
	minus, quoted bool
	text          string
}

// next cuts the first piece off.
func next(text string) (piece, string) {
	var p piece
	text = strings.TrimLeft(text, " \t\n\r\u3000")
	if text == "" {
		return p, ""
	}
	if text[0] == '-' || text[0] == '+' {
		p.minus = text[0] == '-'
		text = text[1:]
	}
	if inner, ok := strings.CutPrefix(text, `"`); ok {
		p.quoted = true
		p.text, text, _ = strings.Cut(inner, `"`)
		if p.text == "" {
			p.text = " " // Nothing, but not the end.
		}
		return p, text
	}
	end := strings.IndexAny(text, " \t\n\r\"\u3000")
	if end < 0 {
		end = len(text)
	}
	p.text, text = text[:end], text[end:]
	if strings.HasSuffix(p.text, ":") && strings.HasPrefix(text, `"`) { // from:"ann"
		value, rest, _ := strings.Cut(text[1:], `"`)
		p.text, text = p.text+value, rest
	}
	if p.text == "" {
		p.text = " "
	}
	return p, text
}

func (q *Query) term(p piece) {
	t := Term{units(p.text)}
	switch {
	case len(t.units) == 0:
	case p.minus:
		q.Without = append(q.Without, t)
	default:
		q.Terms = append(q.Terms, t)
	}
}

// operator takes p if it is one.
func (q *Query) operator(p piece) bool {
	name, value, ok := strings.Cut(p.text, ":")
	if !ok || value == "" {
		return false
	}
	value = strings.ToLower(value)
	property := func(word string) bool {
		if p.minus {
			q.not = append(q.not, word)
		} else {
			q.words = append(q.words, word)
		}
		return true
	}
	switch strings.ToLower(name) {
	case "from":
		handle := strings.TrimPrefix(value, "@")
		if p.minus {
			q.NotFrom = append(q.NotFrom, handle)
		} else {
			q.From = append(q.From, handle)
		}
		return true
	case "has":
		return slices.Contains([]string{"media", "poll", "image", "video", "audio", "link", "embed", "quote"}, value) && property(hasWord(value))
	case "is":
		return slices.Contains([]string{"reply", "sensitive"}, value) && property(isWord(value))
	case "language", "lang":
		return len(value) <= 12 && strings.Trim(value, "abcdefghijklmnopqrstuvwxyz-") == "" && property(languageWord(value))
	case "in":
		if value != All && value != Library && value != Public {
			return false
		}
		q.In = value
		return true
	case "before", "after", "during":
		return q.date(name, value)
	}
	return false
}

// date takes an operator of time. Days are those of UTC; after a day is from the
// next one on.
func (q *Query) date(name, value string) bool {
	day, err := time.Parse(time.DateOnly, value)
	next := day.AddDate(0, 0, 1)
	if err != nil {
		if day, err = time.Parse("2006-01", value); err == nil {
			next = day.AddDate(0, 1, 0)
		} else if day, err = time.Parse("2006", value); err == nil {
			next = day.AddDate(1, 0, 0)
		} else {
			return false
		}
	}
	from, to := day, next
	switch strings.ToLower(name) {
	case "before":
		from, to = time.Time{}, day
	case "after":
		from, to = next, time.Time{}
	}
	if !from.IsZero() && from.After(q.After) {
		q.After = from
	}
	if !to.IsZero() && (q.Before.IsZero() || to.Before(q.Before)) {
		q.Before = to
	}
	return true
}

// Words returns which words of the index a post must have, the more telling first.
func (q *Query) Words() []string {
	var words []string
	add := func(w string) {
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	for _, t := range q.Terms {
		for _, w := range t.Words() {
			if len(words) < maxTerms {
				add(w)
			}
		}
	}
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	for _, w := range q.words {
		add(w)
	}
	return words
}

// Not returns which words of the index a post must not have.
func (q *Query) Not() []string {
	words := slices.Clone(q.not)
	for _, t := range q.Without {
		if t.Simple() {
			words = append(words, t.Words()...)
		}
	}
	return words
}

// Empty tells whether nothing is looked for.
func (q *Query) Empty() bool {
	return len(q.Terms) == 0 && len(q.Without) == 0 && len(q.words) == 0 && len(q.not) == 0 && len(q.From) == 0 && len(q.NotFrom) == 0 &&
		q.After.IsZero() && q.Before.IsZero() && q.In == All
}

// NeedsText tells whether Matches must be asked: the index doesn't know the order of
// words.
func (q *Query) NeedsText() bool {
	open := func(t Term) bool { return !t.Simple() }
	return slices.ContainsFunc(q.Without, open) || slices.ContainsFunc(q.Terms, open)
}

// Has tells whether a post has the words and none of those that it must not have.
func Has(p *Post, words, not []string) bool {
	has := map[string]bool{}
	for _, w := range p.Words() {
		has[w] = true
	}
	return !slices.ContainsFunc(words, func(w string) bool { return !has[w] }) && !slices.ContainsFunc(not, func(w string) bool { return has[w] })
}

// Matches tells whether a text has every term, and none that it must not have.
func (q *Query) Matches(text string) bool {
	x := NewText(text)
	for _, t := range q.Terms {
		if !t.Simple() && !x.Has(t) {
			return false
		}
	}
	return !slices.ContainsFunc(q.Without, x.Has)
}
