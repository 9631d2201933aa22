package cards

import (
	"bytes"
	"encoding/json"
	"strings"
)

// article is what JSON-LD says of a page.
type article struct {
	title, description, language, image, published string
	author, authorURL, publisher                   string
	weight                                         int // Articles count more than the site.
}

// Bounds of a JSON-LD document.
const (
	maxDepth = 6
	maxNodes = 200
)

// weights are the types that describe a page, by how well they do.
var weights = map[string]int{"NewsArticle": 3, "Article": 3, "BlogPosting": 3, "ReportageNewsArticle": 3, "SocialMediaPosting": 2, "VideoObject": 2, "WebPage": 1}

// articlesIn reads what describes pages in a JSON-LD document, also where a
// publisher has wrapped it in CDATA. What can't be read is none.
//
// spec: json-ld11#embedding-json-ld-in-html-documents
func articlesIn(doc []byte) []article {
	doc = bytes.TrimSpace(doc)
	doc = bytes.TrimSuffix(bytes.TrimPrefix(doc, []byte("//<![CDATA[")), []byte("//]]>"))
	var root any
	if len(doc) > maxScript || tooDeep(doc) || json.Unmarshal(doc, &root) != nil {
		return nil
	}
	var found []article
	left := maxNodes
	var visit func(v any, depth int)
	visit = func(v any, depth int) {
		if left--; left < 0 || depth > maxDepth {
			return
		}
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				visit(one, depth+1)
			}
		case map[string]any:
			if w := weightOf(v["@type"]); w > 0 {
				found = append(found, describe(v, w))
			}
			visit(v["@graph"], depth+1)
			visit(v["mainEntity"], depth+1)
		}
	}
	visit(root, 0)
	return found
}

// tooDeep tells whether brackets are nested beyond what articles are.
func tooDeep(doc []byte) bool {
	depth := 0
	for _, b := range doc {
		switch b {
		case '[', '{':
			if depth++; depth > 64 {
				return true
			}
		case ']', '}':
			depth--
		}
	}
	return false
}

func weightOf(types any) int {
	w := 0
	switch t := types.(type) {
	case string:
		w = weights[t]
	case []any:
		for _, one := range t[:min(len(t), 8)] {
			if s, ok := one.(string); ok {
				w = max(w, weights[s])
			}
		}
	}
	return w
}

func describe(m map[string]any, weight int) article {
	author := one(m["author"])
	a := article{weight: weight, title: or(str(m["headline"]), str(m["name"])), description: str(m["description"]), language: str(m["inLanguage"]),
		published: or(str(m["datePublished"]), str(m["uploadDate"])), author: nameOf(author), publisher: nameOf(one(m["publisher"]))}
	if o, ok := author.(map[string]any); ok {
		a.authorURL = str(o["url"])
	}
	for _, key := range []string{"image", "thumbnailUrl"} {
		switch image := one(m[key]).(type) {
		case string:
			a.image = or(a.image, clip(image))
		case map[string]any:
			a.image = or(a.image, str(image["url"]), str(image["contentUrl"]))
		}
	}
	return a
}

// one is the first of a list, or what is no list.
func one(v any) any {
	if list, ok := v.([]any); ok {
		if len(list) == 0 {
			return nil
		}
		return list[0]
	}
	return v
}

func str(v any) string {
	s, _ := one(v).(string)
	return strings.TrimSpace(clip(s))
}

func nameOf(v any) string {
	if o, ok := v.(map[string]any); ok {
		return str(o["name"])
	}
	return str(v)
}

// best returns the article that says most about the page.
func best(all []article) article {
	var found article
	for _, a := range all {
		if a.weight > found.weight {
			found = a
		}
	}
	return found
}
