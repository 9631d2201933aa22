// Package translate asks a translation service that the admin has chosen:
// LibreTranslate or DeepL. The service is the admin's, so its address may be private.
package translate

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"kenoma/internal/fault"
)

// Result is texts in another language, in their order.
type Result struct {
	Texts    []string
	Detected string // Language they were in, in lower case.
}

// Service translates. It is safe for concurrent use.
type Service interface {
	// Name is what people are told.
	Name() string
	// Translate translates HTML fragments. from may be "" for unknown.
	Translate(ctx context.Context, texts []string, from, to string) (*Result, error)
	// Languages says into which languages texts of each language can be translated;
	// under "und" those for texts whose language is not known.
	Languages(ctx context.Context) (map[string][]string, error)
}

// Unknown is the code of a language that is not known.
const Unknown = "und"

// Options say which service there is. The zero value is none.
type Options struct {
	LibreTranslateURL, LibreTranslateKey string
	DeepLURL, DeepLKey                   string // An empty address is that of the key's plan.
	Client                               *http.Client
}

// New returns the service, nil when none is set. DeepL goes before LibreTranslate.
func New(o Options) Service {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	switch {
	case o.DeepLKey != "":
		base := strings.TrimSuffix(o.DeepLURL, "/")
		if base == "" {
			base = "https://api.deepl.com"
			if strings.HasSuffix(o.DeepLKey, ":fx") {
				base = "https://api-free.deepl.com"
			}
		}
		return &deepL{base, o.DeepLKey, o.Client}
	case o.LibreTranslateURL != "":
		return &libreTranslate{strings.TrimSuffix(o.LibreTranslateURL, "/"), o.LibreTranslateKey, o.Client}
	}
	return nil
}

// maxAnswer is how long an answer may be, in bytes.
const maxAnswer = 1 << 20

// ask sends JSON, or nothing where body is nil, and reads JSON into out.
func ask(ctx context.Context, client *http.Client, method, url, authorization string, body, out any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fault.Because(err, fault.Transient, "The translation service does not answer. Try again later.")
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusBadRequest:
		return fault.New(fault.NotFound, "The translation service does not know this language.")
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == 456:
		return fault.New(fault.Transient, "The translation service is used too much at the moment. Try again later.")
	case resp.StatusCode/100 != 2:
		return fault.New(fault.Transient, "The translation service answers with an error (%d).", resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return fault.Because(err, fault.Transient, "The translation service answers with something unreadable.")
	}
	return nil
}

func errShort() error {
	return fault.New(fault.Transient, "The translation service left something out. Try again later.")
}

// libreTranslate is a server of that name.
//
// spec: libretranslate.com/docs
type libreTranslate struct {
	base, key string
	client    *http.Client
}

func (l *libreTranslate) Name() string { return "LibreTranslate" }

func (l *libreTranslate) Translate(ctx context.Context, texts []string, from, to string) (*Result, error) {
	if from == "" || from == Unknown {
		from = "auto"
	}
	var out struct {
		Texts    []string        `json:"translatedText"`
		Detected json.RawMessage `json:"detectedLanguage"` // One for all, or a list.
	}
	err := ask(ctx, l.client, "POST", l.base+"/translate", "", map[string]any{"q": texts, "source": from, "target": to, "format": "html", "api_key": l.key}, &out)
	if err != nil {
		return nil, err
	}
	if len(out.Texts) != len(texts) {
		return nil, errShort()
	}
	type detected struct {
		Language string `json:"language"`
	}
	var one detected
	var many []detected
	if json.Unmarshal(out.Detected, &many) == nil && len(many) > 0 {
		one = many[0]
	} else if len(out.Detected) > 0 {
		_ = json.Unmarshal(out.Detected, &one) // Left out where the language was given.
	}
	if one.Language == "" && from != "auto" {
		one.Language = from
	}
	return &Result{out.Texts, one.Language}, nil
}

func (l *libreTranslate) Languages(ctx context.Context) (map[string][]string, error) {
	var list []struct {
		Code    string   `json:"code"`
		Targets []string `json:"targets"`
	}
	if err := ask(ctx, l.client, "GET", l.base+"/languages", "", nil, &list); err != nil {
		return nil, err
	}
	all := map[string][]string{}
	var any []string
	for _, one := range list {
		all[one.Code] = slices.DeleteFunc(slices.Clone(one.Targets), func(to string) bool { return to == one.Code })
		any = append(any, one.Targets...)
	}
	slices.Sort(any)
	all[Unknown] = slices.Compact(any)
	return all, nil
}

// deepL is the service of that name.
//
// spec: developers.deepl.com/docs/api-reference/translate
type deepL struct {
	base, key string
	client    *http.Client
}

func (d *deepL) Name() string { return "DeepL.com" }

func (d *deepL) Translate(ctx context.Context, texts []string, from, to string) (*Result, error) {
	body := map[string]any{"text": texts, "target_lang": strings.ToUpper(to), "tag_handling": "html"}
	if from != "" && from != Unknown {
		primary, _, _ := strings.Cut(from, "-") // A source has no region.
		body["source_lang"] = strings.ToUpper(primary)
	}
	var out struct {
		Translations []struct {
			Text     string `json:"text"`
			Detected string `json:"detected_source_language"`
		} `json:"translations"`
	}
	if err := ask(ctx, d.client, "POST", d.base+"/v2/translate", "DeepL-Auth-Key "+d.key, body, &out); err != nil {
		return nil, err
	}
	if len(out.Translations) != len(texts) {
		return nil, errShort()
	}
	r := &Result{}
	for _, t := range out.Translations {
		r.Texts = append(r.Texts, t.Text)
		r.Detected = strings.ToLower(t.Detected)
	}
	return r, nil
}

func (d *deepL) Languages(ctx context.Context) (map[string][]string, error) {
	sources, err := d.languages(ctx, "source")
	if err != nil {
		return nil, err
	}
	targets, err := d.languages(ctx, "target")
	if err != nil {
		return nil, err
	}
	for _, plain := range []string{"en", "pt"} { // They are offered by region only, and taken without.
		if !slices.Contains(targets, plain) {
			targets = append(targets, plain)
		}
	}
	slices.Sort(targets)
	all := map[string][]string{Unknown: targets}
	for _, from := range sources {
		all[from] = slices.DeleteFunc(slices.Clone(targets), func(to string) bool { return to == from })
	}
	return all, nil
}

func (d *deepL) languages(ctx context.Context, kind string) ([]string, error) {
	var list []struct {
		Language string `json:"language"`
	}
	if err := ask(ctx, d.client, "GET", d.base+"/v2/languages?type="+kind, "DeepL-Auth-Key "+d.key, nil, &list); err != nil {
		return nil, err
	}
	var all []string
	for _, one := range list {
		primary, region, ok := strings.Cut(one.Language, "-")
		code := strings.ToLower(primary)
		if ok {
			code += "-" + region
		}
		all = append(all, code)
	}
	return all, nil
}
