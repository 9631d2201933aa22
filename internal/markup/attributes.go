package markup

import (
	"strings"

	"golang.org/x/net/html"
)

// linkRel is what every link of a stranger carries, so that search engines don't
// reward it and the page behind it learns nothing of ours.
const linkRel = "nofollow noopener noreferrer"

// attributes writes those of attrs that elements of kind k may have, always in
// the same order. It returns false for a link without a usable target.
func (w *writer) attributes(k kind, attrs []html.Attribute) bool {
	switch k {
	case link:
		href, ok := target(attribute(attrs, "href"))
		if !ok {
			return false
		}
		w.attribute("href", href)
		w.class(attrs)
		if hasWord(attribute(attrs, "rel"), "tag") {
			w.attribute("rel", "tag "+linkRel)
		} else {
			w.attribute("rel", linkRel)
		}
		w.attribute("target", "_blank")
		w.translate(attrs)
	case inline, paragraph:
		w.class(attrs)
		w.translate(attrs)
		if k == inline {
			w.mfm(attrs)
		}
	case list:
		w.number("start", attrs)
		for _, a := range attrs {
			if a.Key == "reversed" {
				w.attribute("reversed", "reversed")
				break
			}
		}
	case item:
		w.number("value", attrs)
	}
	return true
}

func (w *writer) attribute(key, value string) {
	w.out = append(append(append(w.out, ' '), key...), `="`...)
	w.out = append(appendValue(w.out, value), '"')
}

// class writes the known class names, each once.
func (w *writer) class(attrs []html.Attribute) {
	var kept []string
	for name := range strings.FieldsSeq(attribute(attrs, "class")) {
		if classes[name] && !hasWord(strings.Join(kept, " "), name) {
			kept = append(kept, name)
		}
	}
	if len(kept) > 0 {
		w.attribute("class", strings.Join(kept, " "))
	}
}

func (w *writer) translate(attrs []html.Attribute) {
	if attribute(attrs, "translate") == "no" {
		w.attribute("translate", "no")
	}
}

// number writes an integer. bluemonday has checked its form; a longer one can't come.
func (w *writer) number(key string, attrs []html.Attribute) {
	if v := attribute(attrs, key); v != "" {
		w.attribute(key, v)
	}
}

// target returns href as it is written, and whether a link to it is allowed: an
// absolute address of a known scheme. bluemonday has parsed it.
func target(href string) (string, bool) {
	if strings.HasPrefix(href, "//") {
		href = "https:" + href
	}
	scheme, rest, ok := strings.Cut(href, ":")
	if !ok || strings.ContainsAny(href, " \t\r\n\\") {
		return "", false
	}
	for i, s := range schemes {
		if strings.EqualFold(s, scheme) {
			web := i < 2
			return href, rest != "" && (!web || strings.HasPrefix(rest, "//") && len(rest) > 2 && rest[2] != '/')
		}
	}
	return "", false
}

func hasWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if w == word {
			return true
		}
	}
	return false
}
