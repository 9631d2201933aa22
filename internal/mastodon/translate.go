package mastodon

import (
	"context"
	"errors"
	"html"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/translate"
)

const (
	// translationWait is how long an app may wait for the service.
	translationWait = 5 * time.Second
	translationLife = 7 * 24 * time.Hour
	languagesLife   = 24 * time.Hour
)

// translations asks the translation service for posts, each once.
type translations struct {
	flights singleflight.Group
	mu      sync.Mutex
	known   map[string][]string // Languages.
	until   time.Time
}

// translation is Translation.
//
// spec: masto:entities/Translation
type translation struct {
	Content  string            `json:"content"`
	Spoiler  string            `json:"spoiler_text"`
	Language string            `json:"language"`
	Poll     *translatedPoll   `json:"poll"`
	Media    []translatedMedia `json:"media_attachments"`
	Detected string            `json:"detected_source_language"`
	Provider string            `json:"provider"`
}

type translatedPoll struct {
	ID      string             `json:"id"`
	Options []translatedOption `json:"options"`
}

type translatedOption struct {
	Title string `json:"title"`
}

type translatedMedia struct {
	ID          string `json:"id"`
	Description string `json:"description"`
}

var errNoTranslation = fault.New(fault.NotFound, "Translation is not offered on this server")

// spec: masto:methods/statuses#translate, masto:methods/instance#translation_languages
var (
	_ = route("POST /api/v1/statuses/{id}/translate", "app read:statuses", func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		if api.Translate == nil {
			return nil, errNoTranslation
		}
		st, err := api.visiblePost(ctx, r.User, r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		if st.Visibility > 1 || st.LocalOnly {
			return nil, errNotAllowed // It must not leave the server for the service.
		}
		return api.translated(ctx, st, api.targetLanguage(r))
	})
	_ = route("GET /api/v1/instance/translation_languages", "", func(api *API, r *Request) (any, error) {
		if api.Translate == nil {
			return empty, nil
		}
		return api.translationLanguages(r.Context())
	})
)

// targetLanguage is the one asked for, else the reader's, else the server's.
func (api *API) targetLanguage(r *Request) string {
	if lang := r.String("lang"); lang != "" {
		return lang
	}
	if r.Session != nil && r.Session.Account != nil && r.Session.Account.Locale != "" {
		return r.Session.Account.Locale
	}
	if len(api.Settings.Languages) > 0 {
		return api.Settings.Languages[0]
	}
	return "en"
}

// translationLanguages asks the service, once a day.
func (api *API) translationLanguages(ctx context.Context) (map[string][]string, error) {
	t := &api.translations
	t.mu.Lock()
	known := t.known
	if api.Now().After(t.until) {
		known = nil
	}
	t.mu.Unlock()
	if known != nil {
		return known, nil
	}
	got, err, _ := t.flights.Do("languages", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), translationWait)
		defer cancel()
		all, err := api.Translate.Languages(ctx)
		if err != nil {
			return nil, err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.known, t.until = all, api.Now().Add(languagesLife)
		return all, nil
	})
	if err != nil {
		return nil, err
	}
	return got.(map[string][]string), nil
}

// knownTarget returns the form of a language that the service knows for texts of
// another one.
func knownTarget(known map[string][]string, from, to string) (string, error) {
	if from == "" {
		from = translate.Unknown
	}
	targets, ok := known[from]
	if primary, _, cut := strings.Cut(from, "-"); !ok && cut {
		targets = known[primary]
	}
	primary, _, _ := strings.Cut(to, "-")
	for _, code := range []string{to, primary} {
		if i := slices.IndexFunc(targets, func(t string) bool { return strings.EqualFold(t, code) }); i >= 0 {
			return targets[i], nil
		}
	}
	return "", fault.New(fault.NotFound, "This post can't be translated to %s.", to)
}

// translated returns a post in another language, from the service or as kept.
func (api *API) translated(ctx context.Context, st *store.Status, lang string) (*translation, error) {
	known, err := api.translationLanguages(ctx)
	if err != nil {
		return nil, err
	}
	if lang, err = knownTarget(known, st.Language, lang); err != nil {
		return nil, err
	}
	contents, err := api.DB.Contents(ctx, []int64{st.ID})
	if err != nil {
		return nil, err
	}
	c := contents[st.ID]
	if c == nil {
		return nil, errNotFound()
	}
	poll, err := api.DB.Poll(ctx, st.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	texts := textsOf(c, poll)
	kept, err := api.keptTranslation(ctx, st, texts, lang)
	if err != nil {
		return nil, err
	}
	return drawTranslation(st, c, poll, lang, kept), nil
}

// textsOf is what is translated, as HTML: content, warning, answers, descriptions.
func textsOf(c *store.Content, poll *store.Poll) []string {
	texts := []string{c.HTML, html.EscapeString(c.Spoiler)}
	if poll != nil {
		for _, o := range poll.Options {
			texts = append(texts, html.EscapeString(o.Title))
		}
	}
	for _, m := range c.Media {
		texts = append(texts, html.EscapeString(m.Description))
	}
	return texts
}

// keptTranslation returns the translation of texts, asked for once.
func (api *API) keptTranslation(ctx context.Context, st *store.Status, texts []string, lang string) (*store.Translation, error) {
	source := store.LinkID(st.Language + "\x00" + strings.Join(texts, "\x00"))
	oldest := api.Now().Add(-translationLife).UnixMilli()
	kept, err := api.DB.Translation(ctx, st.ID, lang, source, oldest)
	if err == nil && len(kept.Texts) == len(texts) {
		return kept, nil
	} else if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	got, err, _ := api.translations.flights.Do(itoa(st.ID)+lang, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), translationWait)
		defer cancel()
		made, err := api.askTranslation(ctx, texts, st.Language, lang)
		if err != nil {
			return nil, err
		}
		err = api.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetTranslation(ctx, st.ID, lang, source, made, oldest) })
		return made, err
	})
	if err != nil {
		return nil, err
	}
	return got.(*store.Translation), nil
}

// askTranslation translates what is not empty.
func (api *API) askTranslation(ctx context.Context, texts []string, from, to string) (*store.Translation, error) {
	var ask []string
	for _, t := range texts {
		if t != "" {
			ask = append(ask, t)
		}
	}
	made := &store.Translation{Texts: make([]string, len(texts)), Detected: from, Provider: api.Translate.Name()}
	if len(ask) == 0 {
		return made, nil
	}
	got, err := api.Translate.Translate(ctx, ask, from, to)
	if err != nil {
		return nil, err
	}
	if len(got.Texts) != len(ask) {
		return nil, fault.New(fault.Transient, "The translation service left something out. Try again later.")
	}
	made.Detected = orElse(got.Detected, from)
	next := 0
	for i, t := range texts {
		if t != "" {
			made.Texts[i] = got.Texts[next]
			next++
		}
	}
	return made, nil
}

// drawTranslation puts texts back in their places. What comes from the service is as
// little trusted as a stranger's.
func drawTranslation(st *store.Status, c *store.Content, poll *store.Poll, lang string, made *store.Translation) *translation {
	rest := made.Texts
	take := func() string {
		s := rest[0]
		rest = rest[1:]
		return s
	}
	t := &translation{Content: strings.TrimSpace(markup.Sanitize(take())), Spoiler: markup.PlainText(take()), Language: lang, Media: []translatedMedia{}, Detected: made.Detected, Provider: made.Provider}
	if poll != nil {
		t.Poll = &translatedPoll{ID: itoa(st.ID), Options: []translatedOption{}}
		for range poll.Options {
			t.Poll.Options = append(t.Poll.Options, translatedOption{markup.PlainText(take())})
		}
	}
	for _, m := range c.Media {
		t.Media = append(t.Media, translatedMedia{itoa(m.ID), markup.PlainText(take())})
	}
	return t
}
