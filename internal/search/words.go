// Package search decides which posts a search finds, without a database: it cuts
// texts into the words that both engines index, and reads what people type.
package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds of what is indexed of one post, whoever wrote it.
const (
	maxText  = 32 << 10 // Bytes that are looked at.
	maxWords = 480      // Different ones. What comes later in an article is not found.
	maxWord  = 60       // Bytes; longer words are cut.
)

// unit is a word, or one character of a script that is written without spaces.
type unit struct {
	text   string
	single bool // Such a character.
	joined bool // It follows another one directly.
}

// units cuts a text. Letters are folded: compatibility forms, case, and the accents
// of Latin, Greek and Cyrillic letters make no difference. The marks of other
// scripts stay, they tell words apart.
func units(text string) []unit {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	var all []unit
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			all = append(all, unit{text: word.String()})
			word.Reset()
		}
	}
	joined := false
	for _, r := range fold(text) {
		switch {
		case unspaced(r):
			end()
			all = append(all, unit{text: string(r), single: true, joined: joined})
			joined = true
			continue
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
			if word.Len()+utf8.RuneLen(r) <= maxWord {
				word.WriteRune(r)
			}
		default:
			end()
		}
		joined = false
	}
	end()
	return all
}

// fold is the form in which words are compared.
func fold(text string) string {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return norm.NFC.String(strings.Map(func(r rune) rune {
				if r >= 0x300 && r <= 0x36F || r >= 0x64B && r <= 0x652 { // Accents; Arabic vowel signs.
					return -1
				}
				return unicode.ToLower(r)
			}, norm.NFKD.String(text)))
		}
	}
	return strings.ToLower(text)
}

// unspaced tells whether words of r's script are written without spaces between
// them. Korean has spaces, but particles hang on its words.
func unspaced(r rune) bool {
	return r >= 0x0E00 && (r == 0x30FC || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar))
}

// Words returns the different words of a text as they are indexed: words, single
// characters of scripts without spaces, and pairs of such that stand together.
func Words(text string) []string {
	seen := map[string]bool{}
	var words []string
	add := func(w string) {
		if !seen[w] && len(words) < maxWords {
			seen[w] = true
			words = append(words, w)
		}
	}
	all := units(text)
	for i, u := range all {
		add(u.text)
		if u.joined {
			add(all[i-1].text + u.text)
		}
	}
	return words
}

// Term is something that a post must hold (or must not): words that follow each
// other.
type Term struct{ units []unit }

// Words returns which words of the index a post with the term has: pairs in place of
// single characters, wherever there are two.
func (t Term) Words() []string {
	var words []string
	for i, u := range t.units {
		switch {
		case u.joined:
			words = append(words, t.units[i-1].text+u.text)
		case u.single && i+1 < len(t.units) && t.units[i+1].joined:
		default:
			words = append(words, u.text)
		}
	}
	return words
}

// Simple tells whether a post that has the words has the term.
func (t Term) Simple() bool {
	return len(t.units) == 1 || len(t.units) == 2 && t.units[1].joined
}

// Text is a text that terms are looked for in.
type Text struct{ units []unit }

// NewText cuts a text.
func NewText(text string) *Text { return &Text{units(text)} }

// Has tells whether the words of a term follow each other in the text.
func (x *Text) Has(t Term) bool {
	for i := 0; i+len(t.units) <= len(x.units); i++ {
		if x.hasAt(t, i) {
			return true
		}
	}
	return false
}

func (x *Text) hasAt(t Term, at int) bool {
	for i, u := range t.units {
		if x.units[at+i].text != u.text || u.joined && !x.units[at+i].joined {
			return false
		}
	}
	return true
}
