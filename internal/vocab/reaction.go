package vocab

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reaction is an emoji with which somebody reacts to a post.
type Reaction struct {
	// Name is the emoji itself, in its one fully qualified form; of a custom emoji its
	// shortcode without colons, with "@host" of the server that it belongs to.
	Name string
	Icon IRI // Picture of a custom emoji; "" for one of Unicode.
}

// oldReactions are the words that Misskey sent before it sent emoji, and what they
// meant.
var oldReactions = map[string]string{
	"like": "👍", "love": "❤️", "laugh": "😆", "hmm": "🤔", "surprise": "😮", "congrats": "🎉",
	"angry": "💢", "confused": "😥", "rip": "😇", "pudding": "🍮", "star": "⭐",
}

// Reaction returns what a reacts with, in EmojiReact or in a Like that has content;
// false when that is nothing that can be shown: text, markup, several emoji, or a
// custom one that no tag explains.
//
// A custom emoji belongs to the host that its tag's id names, provided that the
// picture is of that host too; otherwise to the actor's.
//
// spec: fep-c0e0
func (a *Activity) Reaction() (Reaction, bool) {
	content := strings.TrimSpace(a.Content)
	if old, ok := oldReactions[strings.Trim(content, ":")]; ok && len(a.emojiTags()) == 0 {
		return Reaction{Name: old}, true
	}
	if name, ok := UnicodeEmoji(content); ok {
		return Reaction{Name: name}, true
	}
	// Some name the host of the emoji in the text: ":blob@b.test:", ":blob@.:".
	name, _, _ := strings.Cut(strings.Trim(content, ":"), "@")
	for _, t := range a.emojiTags() {
		if name == "" || strings.Trim(t.Name, ":") != name {
			continue
		}
		host := a.Actor.Host()
		if at := t.ID.Host(); at != "" && SameHost(t.ID, t.Icon) {
			host = at
		}
		return Reaction{Name: name + "@" + host, Icon: t.Icon}, true
	}
	return Reaction{}, false
}

func (a *Activity) emojiTags() []Tag {
	var list []Tag
	for _, t := range a.Tags {
		if t.Type == "Emoji" && t.Icon != "" {
			list = append(list, t)
		}
	}
	return list
}

// Bounds of one emoji. The longest that exists has 10 characters and 35 bytes.
const (
	maxEmojiBytes = 64
	maxEmojiParts = 5
)

// UnicodeEmoji returns the one emoji that s is, fully qualified: ❤ and ❤️ are the
// same. false when s is anything else. It accepts what the grammar allows: emoji of
// the future too, and sequences that nobody draws, of at most five parts.
//
// spec: uts51#EBNF_and_Regex
func UnicodeEmoji(s string) (string, bool) {
	if s == "" || len(s) > maxEmojiBytes || !utf8.ValidString(s) {
		return "", false
	}
	p := emojiParser{rest: []rune(s)}
	if !p.flag() && !p.key() {
		for parts := 1; ; parts++ {
			if parts > maxEmojiParts || !p.part() {
				return "", false
			}
			if !p.take('\u200d') {
				break
			}
			p.out.WriteRune('\u200d')
		}
		p.subdivision()
	}
	if len(p.rest) > 0 {
		return "", false
	}
	return p.out.String(), true
}

// emojiParser reads an emoji from rest and writes it fully qualified.
type emojiParser struct {
	rest []rune
	out  strings.Builder
}

// take removes the next character when it is r.
func (p *emojiParser) take(r rune) bool {
	if len(p.rest) == 0 || p.rest[0] != r {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// flag reads two regional indicators.
func (p *emojiParser) flag() bool {
	if len(p.rest) != 2 || !isRegional(p.rest[0]) || !isRegional(p.rest[1]) {
		return false
	}
	p.out.WriteString(string(p.rest))
	p.rest = nil
	return true
}

func isRegional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// key reads a keycap, 1️⃣.
func (p *emojiParser) key() bool {
	if len(p.rest) < 2 || !strings.ContainsRune("0123456789#*", p.rest[0]) {
		return false
	}
	key := p.rest[0]
	p.rest = p.rest[1:]
	p.take('\ufe0f')
	p.out.WriteString(string(key) + "\ufe0f\u20e3")
	return p.take('\u20e3')
}

// part reads a pictograph with its skin tone or the mark that it is shown as emoji.
func (p *emojiParser) part() bool {
	if len(p.rest) == 0 || !unicode.Is(pictographs, p.rest[0]) {
		return false
	}
	r := p.rest[0]
	p.rest = p.rest[1:]
	p.out.WriteRune(r)
	p.take('\ufe0f')
	if len(p.rest) > 0 && p.rest[0] >= 0x1f3fb && p.rest[0] <= 0x1f3ff {
		if !unicode.Is(toned, r) {
			return false
		}
		p.out.WriteRune(p.rest[0])
		p.rest = p.rest[1:]
		return true
	}
	if unicode.Is(texty, r) {
		p.out.WriteRune('\ufe0f')
	}
	return true
}

// subdivision reads the rest of the flag of England and the like: tags and their end.
func (p *emojiParser) subdivision() {
	if p.out.String() != "🏴" || len(p.rest) < 2 || len(p.rest) > 8 || p.rest[len(p.rest)-1] != 0xe007f {
		return
	}
	for _, r := range p.rest[:len(p.rest)-1] {
		if (r < 0xe0030 || r > 0xe0039) && (r < 0xe0061 || r > 0xe007a) {
			return
		}
	}
	p.out.WriteString(string(p.rest))
	p.rest = nil
}
