package vocab

import (
	"strings"
	"testing"
)

func TestUnicodeEmoji(t *testing.T) {
	for _, tt := range []struct{ what, in, want string }{
		{"a plain one", "👌", "👌"},
		{"one that is text without its mark", "❤", "❤️"},
		{"one that has it", "❤️", "❤️"},
		{"a mark that is not needed", "🔥\ufe0f", "🔥"},
		{"a skin tone", "👍🏽", "👍🏽"},
		{"a skin tone instead of the mark", "✌\ufe0f🏽", "✌🏽"},
		{"a family", "👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"},
		{"a kiss in colour", "👩🏻‍❤️‍💋‍👩🏻", "👩🏻‍❤️‍💋‍👩🏻"},
		{"a sequence without its marks", "🏳‍🌈", "🏳️‍🌈"},
		{"a flag", "🇺🇦", "🇺🇦"},
		{"a part of a country", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"},
		{"a key", "1⃣", "1️⃣"},
		{"a copyright sign", "©", "©️"},
		{"nothing", "", ""},
		{"a digit", "1", ""},
		{"a letter", "a", ""},
		{"a word", "pudding", ""},
		{"two", "👍👍", ""},
		{"a flag and a half", "🇺🇦🇺", ""},
		{"one regional letter", "🇺", ""},
		{"a colour where none can be", "🍕🏽", ""},
		{"a colour alone", "🏽", ""},
		{"markup", "<script>x</script>", ""},
		{"an unfinished sequence", "👩‍", ""},
		{"an endless sequence", strings.Repeat("👩‍", 200) + "👩", ""},
		{"six parts", "👩‍👩‍👩‍👩‍👩‍👩", ""},
		{"tags on something else", "🔥󠁧󠁢󠁿", ""},
		{"bytes that are no text", "\xff", ""},
	} {
		if got, ok := UnicodeEmoji(tt.in); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: UnicodeEmoji(%q) = %q, %t, want %q", tt.what, tt.in, got, ok, tt.want)
		}
	}
}

func TestReaction(t *testing.T) {
	emoji := func(name, id, icon string) string {
		return `,"tag":[{"type":"Emoji","id":"` + id + `","name":"` + name + `","icon":{"type":"Image","url":"` + icon + `"}}]`
	}
	for _, tt := range []struct{ what, doc, name, icon string }{
		{"an emoji", `"content":"👌"`, "👌", ""},
		{"Misskey's own property", `"_misskey_reaction":"👌"`, "👌", ""},
		{"an old word", `"content":"pudding"`, "🍮", ""},
		{"an old word with colons", `"content":":star:"`, "⭐", ""},
		{"an old word that is a custom emoji", `"content":":star:"` + emoji(":star:", "https://b.test/e/star", "https://b.test/f"), "star@b.test", "https://b.test/f"},
		{"a custom one", `"content":":blob:"` + emoji(":blob:", "https://b.test/e/blob", "https://b.test/f"), "blob@b.test", "https://b.test/f"},
		{"a custom one, its picture elsewhere", `"content":":blob:"` + emoji(":blob:", "https://b.test/e/blob", "https://cdn.test/f"), "blob@b.test", "https://cdn.test/f"},
		{"without colons in its tag", `"content":":blob:"` + emoji("blob", "", "https://b.test/f"), "blob@b.test", "https://b.test/f"},
		{"another server's", `"content":":blob:"` + emoji("blob", "https://c.test/e/blob", "https://c.test/f"), "blob@c.test", "https://c.test/f"},
		{"said to be another server's", `"content":":blob:"` + emoji("blob", "https://c.test/e/blob", "https://evil.test/f"), "blob@b.test", "https://evil.test/f"},
		{"with a host in its name", `"content":":blob@c.test:"` + emoji("blob", "https://c.test/e/blob", "https://c.test/f"), "blob@c.test", "https://c.test/f"},
		{"without a tag", `"content":":blob:"`, "", ""},
		{"with another one's tag", `"content":":blob:"` + emoji(":cat:", "", "https://b.test/f"), "", ""},
		{"text", `"content":"hello"`, "", ""},
		{"nothing", `"summary":"👌"`, "", ""},
		{"markup", `"content":"<b>👌</b>"`, "", ""},
	} {
		a, err := DecodeActivity([]byte(`{"id":"https://b.test/r","type":"EmojiReact","actor":"https://b.test/bob","object":"https://a.test/1",` + tt.doc + `}`))
		if err != nil {
			t.Fatalf("%s: %v", tt.what, err)
		}
		got, ok := a.Reaction()
		if got != (Reaction{tt.name, IRI(tt.icon)}) || ok != (tt.name != "") {
			t.Errorf("%s: Reaction() = %+v, %t, want %q %q", tt.what, got, ok, tt.name, tt.icon)
		}
	}
}
