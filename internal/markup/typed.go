package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// part is a stretch of typed text.
type part uint8

const (
	words   part = iota // Nothing special.
	address             // http:// or https:// with what follows.
	mention             // @user or @user@host.
	hashtag             // #tag.
	emoji               // :shortcode:, which stays in the text.
)

// scan splits s into its parts, in order; together they are s.
func scan(s string, yield func(p part, text string)) {
	from, before := 0, ' '
	for i := 0; i < len(s); {
		if p, n := partAt(s[i:], before); n > 0 {
			if from < i {
				yield(words, s[from:i])
			}
			yield(p, s[i:i+n])
			i += n
			from = i
			before, _ = utf8.DecodeLastRuneInString(s[:i])
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		before = r
		i += n
	}
	if from < len(s) {
		yield(words, s[from:])
	}
}

// partAt returns the special part with which s begins, and its length in bytes;
// 0 when there is none. before is the character in front of it.
func partAt(s string, before rune) (part, int) {
	switch s[0] {
	case 'h', 'H':
		if before >= utf8.RuneSelf || !isWord(before) { // Scripts without spaces run into it.
			return address, addressLen(s)
		}
	case '@':
		if !isWord(before) && before != '/' && before != '=' && before != '@' {
			return mention, mentionLen(s)
		}
	case '#', "＃"[0]:
		if !isWord(before) && before != '/' && before != '=' && before != ')' && before != '&' && before != '#' {
			return hashtag, hashtagLen(s)
		}
	case ':':
		if !unicode.IsLetter(before) && !unicode.IsDigit(before) && before != ':' {
			return emoji, emojiLen(s)
		}
	}
	return words, 0
}

// isWord tells whether r belongs to a word, in any script.
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_'
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Pc)
}

// addressLen returns the length of the web address with which s begins. It ends
// before white space, quotes, angle brackets and full-width punctuation, and
// without the punctuation of the sentence around it.
func addressLen(s string) int {
	start := len("http://")
	switch {
	case len(s) > start && strings.EqualFold(s[:start], "http://"):
	case len(s) > start+1 && strings.EqualFold(s[:start+1], "https://"):
		start++
	default:
		return 0
	}
	host := hostLen(s[start:])
	if host == 0 {
		return 0
	}
	end := start + host
	if port := portLen(s[end:]); port > 0 {
		end += port
	}
	switch {
	case end == len(s):
		return end
	case s[end] == '@':
		return 0 // What looks like the host is a user name; the link would mislead.
	case strings.IndexByte("/?#", s[end]) < 0:
		return end
	}
	return end + pathLen(s[end:])
}

// hostLen returns the length of the host name with which s begins: labels with
// dots between, "localhost", or an IPv6 address in brackets.
func hostLen(s string) int {
	if strings.HasPrefix(s, "[") {
		n := strings.IndexFunc(s[1:], func(r rune) bool { return r != ':' && r != '.' && !isHex(r) })
		if n > 1 && s[n+1] == ']' {
			return n + 2
		}
		return 0
	}
	n := strings.IndexFunc(s, func(r rune) bool { return r != '.' && r != '-' && !isWord(r) })
	if n < 0 {
		n = len(s)
	}
	host := strings.TrimRight(s[:n], ".-")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if cut := strings.IndexFunc(last, isCJK); cut > 0 && last[0] < utf8.RuneSelf {
		host = host[:len(host)-len(last)+cut] // "example.com" with text after it.
	}
	if host != "localhost" && !strings.Contains(host, ".") || strings.HasPrefix(host, ".") || strings.Contains(host, "..") {
		return 0
	}
	return len(host)
}

func isHex(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F'
}

// isCJK tells whether r is of a script that is written without spaces.
func isCJK(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai)
}

// portLen returns the length of ":8080" at the start of s.
func portLen(s string) int {
	n := 1
	for n < len(s) && n < 6 && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if s == "" || s[0] != ':' || n == 1 {
		return 0
	}
	return n
}

// pathLen returns how much of s, which follows a host, belongs to the address.
func pathLen(s string) int {
	n := strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == '<' || r == '>' || r == '"' || r == '`' ||
			r == utf8.RuneError || r >= 0x2028 && r <= 0x202e || r >= 0x3000 && (unicode.IsPunct(r) || unicode.IsSpace(r))
	})
	if n < 0 {
		n = len(s)
	}
	surplus := map[rune]int{}
	for _, pair := range []string{"()", "[]", "{}"} {
		surplus[rune(pair[1])] = strings.Count(s[:n], pair[1:]) - strings.Count(s[:n], pair[:1])
	}
	for n > 0 {
		r, size := utf8.DecodeLastRuneInString(s[:n])
		if surplus[r] > 0 {
			surplus[r]-- // Closes what was opened before the address.
		} else if !strings.ContainsRune(".,:;!?'…’”»", r) {
			break
		}
		n -= size
	}
	return n
}

// mentionLen returns the length of "@user" or "@user@host[:port]" at the start of s.
func mentionLen(s string) int {
	user := nameLen(s[1:], func(c rune) bool { return c < utf8.RuneSelf && isWord(c) })
	if user == 0 {
		return 0
	}
	n := 1 + user
	if n < len(s) && s[n] == '@' {
		if host := nameLen(s[n+1:], isWord); host > 0 {
			n += 1 + host
			n += portLen(s[n:])
		}
	}
	return n
}

// nameLen returns the length of letters, and dots and hyphens between them, with
// which s begins.
func nameLen(s string, letter func(rune) bool) int {
	n := strings.IndexFunc(s, func(r rune) bool { return r != '.' && r != '-' && !letter(r) })
	if n < 0 {
		n = len(s)
	}
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "-") {
		return 0
	}
	return len(strings.TrimRight(s[:n], ".-"))
}

// hashtagLen returns the length of the hashtag with which s begins: letters,
// digits and marks of any script, with · ・ and a zero-width non-joiner inside.
// Digits alone are a number, not a tag.
//
// spec: masto:user/posting#hashtags
func hashtagLen(s string) int {
	sigil := 1
	if s[0] != '#' {
		if sigil = len("＃"); !strings.HasPrefix(s, "＃") {
			return 0
		}
	}
	end, letters := sigil, false
	for i, r := range s[sigil:] {
		if isWord(r) {
			end = sigil + i + utf8.RuneLen(r)
			letters = letters || unicode.IsLetter(r)
		} else if i == 0 || r != '·' && r != '・' && r != '\u200c' {
			break
		}
	}
	if !letters && !strings.ContainsAny(strings.Trim(s[sigil:end], "_"), "_·・\u200c") {
		return 0
	}
	return end
}

// emojiLen returns the length of ":shortcode:" at the start of s, at least two
// characters between the colons and no word right behind.
func emojiLen(s string) int {
	n := 1
	for n < len(s) && n <= 65 && s[n] < utf8.RuneSelf && (isWord(rune(s[n])) || s[n] == '-') {
		n++
	}
	if n < 3 || n == len(s) || s[n] != ':' {
		return 0
	}
	if after, _ := utf8.DecodeRuneInString(s[n+1:]); n+1 < len(s) && (unicode.IsLetter(after) || unicode.IsDigit(after) || after == ':') {
		return 0
	}
	return n + 1
}
