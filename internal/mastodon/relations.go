package mastodon

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kenoma/internal/store"
)

// relations are whom and what a reader doesn't want to see, kept between requests.
type relations struct {
	store.Avoided
	matchers []matcher
}

// relations returns those of a viewer; nil for nobody.
func (api *API) relations(ctx context.Context, viewer *store.Actor) (*relations, error) {
	if viewer == nil {
		return nil, nil
	}
	now := api.Now().UnixMilli()
	r, epoch, ok := get(api.cache, api.cache.viewers, viewer.ID, now)
	if ok {
		return r, nil
	}
	avoided, err := api.DB.Avoided(ctx, viewer.ID)
	if err != nil {
		return nil, err
	}
	r = &relations{Avoided: *avoided}
	for i := range r.Filters {
		r.matchers = append(r.matchers, newMatcher(&r.Filters[i]))
	}
	keep(api.cache, api.cache.viewers, viewer.ID, r, epoch, now+viewerLife, maxViewers)
	return r, nil
}

// relationsChanged must be called after a write that changes what a viewer avoids:
// mutes, domain blocks, filters. Other nodes learn it from an event.
func (api *API) relationsChanged(viewer int64) { api.cache.forgetViewer(viewer) }

// avoids tells whether statuses of an account are hidden from the reader.
func (r *relations) avoids(account int64, now int64) bool {
	if r == nil {
		return false
	}
	if r.Blocks[account] {
		return true
	}
	until, muted := r.Mutes[account]
	return muted && (until == 0 || until > now)
}

// silences tells whether the reader doesn't want to be notified of what an account does.
func (r *relations) silences(account, now int64) bool {
	return r.avoids(account, now) && (r.Blocks[account] || !r.Heard[account])
}

// matcher is a filter made ready.
type matcher struct {
	*store.Filter
	contexts []string
	words    []string // Keywords in lower case.
}

func newMatcher(f *store.Filter) matcher {
	m := matcher{Filter: f, contexts: strings.Split(f.Contexts, ",")}
	for _, k := range f.Keywords {
		m.words = append(m.words, strings.ToLower(k.Keyword))
	}
	return m
}

// apply tells whether the post is to be hidden altogether in a context (home,
// notifications, public, thread, account), and draws what filters say of it.
// nil, false: nothing.
//
// spec: masto:entities/FilterResult
func (r *relations) apply(p *post, where string, viewer, now int64) (drawn []byte, hide bool) {
	if r == nil || len(r.matchers) == 0 || p.row.Actor == viewer {
		return nil, false
	}
	text := "" // In lower case, when a filter wants it.
	for i := range r.matchers {
		m := &r.matchers[i]
		if !slices.Contains(m.contexts, where) || m.Expires != 0 && m.Expires <= now {
			continue
		}
		if text == "" && len(m.words) > 0 {
			text = strings.ToLower(p.text)
		}
		words, caught := m.match(text, p.row.ID)
		if len(words) == 0 && !caught {
			continue
		}
		if m.Action == "hide" {
			return nil, true
		}
		drawn = appendResult(drawn, m, words, caught, p.row.ID)
	}
	if drawn != nil {
		drawn = append(drawn, ']')
	}
	return drawn, false
}

func (m *matcher) match(text string, id int64) (words []string, caught bool) {
	for i, w := range m.words {
		if containsWord(text, w, m.Keywords[i].WholeWord) {
			words = append(words, m.Keywords[i].Keyword)
		}
	}
	for _, s := range m.Statuses {
		caught = caught || s.Status == id
	}
	return words, caught
}

func appendResult(b []byte, m *matcher, words []string, caught bool, id int64) []byte {
	if b == nil {
		b = append(b, '[')
	} else {
		b = append(b, ',')
	}
	o := begin(b)
	o.key("filter")
	o.b = appendFilter(o.b, m.Filter)
	if len(words) == 0 {
		o.raw("keyword_matches", "null")
	} else {
		o.list("keyword_matches", len(words), func(b []byte, i int) []byte { return appendString(b, words[i]) })
	}
	if caught {
		o.raw("status_matches", `["`+itoa(id)+`"]`)
	} else {
		o.raw("status_matches", "null")
	}
	return o.close()
}

// appendFilter draws a Filter without its keywords and statuses, as it stands in a
// FilterResult.
//
// spec: masto:entities/Filter
func appendFilter(b []byte, f *store.Filter) []byte {
	contexts := strings.Split(f.Contexts, ",")
	o := begin(b)
	o.id("id", f.ID)
	o.str("title", f.Title)
	o.list("context", len(contexts), func(b []byte, i int) []byte { return appendString(b, contexts[i]) })
	o.timeOr("expires_at", f.Expires)
	o.str("filter_action", f.Action)
	return o.close()
}

// containsWord tells whether text has word in it; whole: not as a part of a larger
// one. Both are in lower case. A boundary matters only where the word itself begins
// or ends with a letter or digit.
func containsWord(text, word string, whole bool) bool {
	if word == "" {
		return false
	}
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(word)
		before, _ := utf8.DecodeLastRuneInString(text[:start])
		after, _ := utf8.DecodeRuneInString(text[end:])
		first, size := utf8.DecodeRuneInString(word)
		last, _ := utf8.DecodeLastRuneInString(word)
		if !whole || !(start > 0 && inWord(before) && inWord(first)) && !(end < len(text) && inWord(after) && inWord(last)) {
			return true
		}
		from = start + size
	}
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }
