package blocklist

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kenoma/internal/fault"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []Entry
		skipped    int
	}{
		{"Mastodon's export", "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\nBad.Test,suspend,false,false,\"spam, and more\",true\nloud.test,silence,true,true,,false\n",
			[]Entry{{Domain: "bad.test", Severity: "suspend", PublicComment: "spam, and more", Obfuscate: true}, {Domain: "loud.test", Severity: "silence", RejectMedia: true, RejectReports: true}}, 0},
		{"Oliphant's, with the words of Python", "domain,severity,public_comment,reject_media,reject_reports,obfuscate\nbad.test,suspend,harassment,True,False,FALSE\n",
			[]Entry{{Domain: "bad.test", Severity: "suspend", RejectMedia: true, PublicComment: "harassment"}}, 0},
		{"FediBlockHole's, with private comments", "\xef\xbb\xbfdomain,severity,private_comment,public_comment\r\nbad.test,limit,seen by us,loud\r\n",
			[]Entry{{Domain: "bad.test", Severity: "silence", PublicComment: "loud", PrivateNotes: "seen by us"}}, 0},
		{"allowed hosts", "#domain\ngood.test\n", []Entry{{Domain: "good.test", Severity: "suspend"}}, 0},
		{"a host a line", "# my list\nbad.test\n\n*.Worse.Test # spam\nhttps://ugly.test/\n@x.test\n",
			[]Entry{{Domain: "bad.test", Severity: "suspend"}, {Domain: "ugly.test", Severity: "suspend"}, {Domain: "worse.test", Severity: "suspend"}, {Domain: "x.test", Severity: "suspend"}}, 0},
		{"CSV without a header", "bad.test,silence,true\n", []Entry{{Domain: "bad.test", Severity: "silence", RejectMedia: true}}, 0},
		{"a host twice: the hardest stands", "bad.test,silence,true,false,one\nbad.test,suspend,false,false,two\n",
			[]Entry{{Domain: "bad.test", Severity: "suspend", RejectMedia: true, PublicComment: "one; two"}}, 0},
		{"what can't be used is told", "b*d.test\nnot a host\nbad.test,mild\nfine.test,noop\n", []Entry{{Domain: "fine.test", Severity: "noop"}}, 3},
		{"names in other alphabets", "bücher.test\n", []Entry{{Domain: "xn--bcher-kva.test", Severity: "suspend"}}, 0},
		{"Mastodon's answer", `[{"domain":"bad.test","digest":"00","severity":"suspend","comment":"spam"},{"domain":"b**.test","severity":"silence","comment":null}]`,
			[]Entry{{Domain: "bad.test", Severity: "suspend", PublicComment: "spam"}}, 1},
		{"RapidBlock's", `{"publishedAt":"2026-01-01T00:00:00Z","blocks":{"bad.test":{"isBlocked":true,"reason":"spam"},"was.test":{"isBlocked":false}}}`,
			[]Entry{{Domain: "bad.test", Severity: "suspend", PublicComment: "spam"}}, 0},
		{"nothing", " \n", nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Entries, tt.want) || len(got.Skipped) != tt.skipped {
				t.Errorf("got %+v, skipped %+v\nwant %+v and %d", got.Entries, got.Skipped, tt.want, tt.skipped)
			}
		})
	}
	for name, text := range map[string]string{"a page": "<!doctype html><p>404", "other JSON": `{"error":"no"}`, "half of it": `[{"domain":`, "no text": "\xff\xfe"} {
		if _, err := Parse([]byte(text)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want it to be invalid", name, err)
		}
	}
	if _, err := Parse(make([]byte, MaxBytes+1)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("a huge list: %v", err)
	}
	var many strings.Builder
	for n := range maxEntries + 1 {
		fmt.Fprintf(&many, "h%d.test\n", n)
	}
	if _, err := Parse([]byte(many.String())); !fault.Is(err, fault.TooLarge) {
		t.Errorf("too many hosts: %v", err)
	}
}

func TestMerge(t *testing.T) {
	one := Source{Name: "one", Entries: []Entry{{Domain: "a.test", Severity: "suspend", PublicComment: "x"}, {Domain: "b.test", Severity: "silence", RejectMedia: true}, {Domain: "sub.fine.test", Severity: "suspend"}}}
	two := Source{Name: "two", Entries: []Entry{{Domain: "a.test", Severity: "silence", RejectMedia: true, PublicComment: "y"}, {Domain: "c.test", Severity: "suspend"}}}
	allow := Source{Name: "good", Allow: true, Entries: []Entry{{Domain: "c.test", Severity: "suspend"}}}
	capped := two
	capped.Cap = "silence"
	for _, tt := range []struct {
		name    string
		sources []Source
		rules   Rules
		want    string
	}{
		{"the hardest", []Source{one, two}, Rules{}, "a.test suspend media x; y [one two], b.test silence media [one], c.test suspend [two], sub.fine.test suspend [one]"},
		{"the mildest", []Source{one, two}, Rules{Combine: "min"}, "a.test silence x; y [one two], b.test silence media [one], c.test suspend [two], sub.fine.test suspend [one]"},
		{"two must agree", []Source{one, two}, Rules{Needs: 2}, "a.test suspend media x; y [one two]"},
		{"no more than silence", []Source{one, two}, Rules{Cap: "silence", Needs: 2}, "a.test silence media x; y [one two]"},
		{"a list that is trusted less", []Source{capped}, Rules{}, "a.test silence media y [two], c.test silence [two]"},
		{"exceptions, and those below", []Source{one}, Rules{Except: []string{"fine.test", "a.test"}}, "b.test silence media [one]"},
		{"a list of those that are fine", []Source{two, allow}, Rules{}, "a.test silence media y [two]"},
		{"what a host above says already", []Source{{Name: "x", Entries: []Entry{{Domain: "bad.test", Severity: "silence", RejectMedia: true}, {Domain: "a.bad.test", Severity: "silence"}, {Domain: "b.bad.test", Severity: "suspend"}}}}, Rules{},
			"b.bad.test suspend media [x], bad.test silence media [x]"},
		{"nothing is left of what is capped to nothing", []Source{one}, Rules{Cap: "noop"}, "b.test noop media [one]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, m := range Merge(tt.sources, tt.rules) {
				text := m.Domain + " " + m.Severity
				if m.RejectMedia {
					text += " media"
				}
				if m.PublicComment != "" {
					text += " " + m.PublicComment
				}
				got = append(got, fmt.Sprintf("%s %v", text, m.From))
			}
			if s := strings.Join(got, ", "); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
	for _, bad := range []Rules{{Combine: "avg"}, {Needs: -1}, {Cap: "mild"}, {AskAbove: -1}, {Except: []string{"no host"}}, {Except: make([]string, MaxExcept+1)}} {
		if err := bad.Check(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	fine := Rules{Except: []string{"B.test", "a.test", "b.test."}}
	if err := fine.Check(); err != nil || !slices.Equal(fine.Except, []string{"a.test", "b.test"}) {
		t.Errorf("%v, %v", fine.Except, err)
	}
}

// What was written is read back as it was.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\nbad.test,suspend,true,false,\"a, b\",true\n", "a.test\n# x\nb.test # y\n",
		`[{"domain":"bad.test","severity":"suspend","comment":"spam"}]`, `{"blocks":{"bad.test":{"isBlocked":true,"reason":"x"}}}`, "domain,private_comment\nx.test,\"multi\nline\"\n", "bücher.test", "\"", "\xef\xbb\xbfa.b,limit"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := Parse(text)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := Write(&b, got.Entries, true); err != nil {
			t.Fatal(err)
		}
		again, err := Parse(b.Bytes())
		if err != nil {
			t.Fatalf("%v: %q", err, b.String())
		}
		for i := range got.Entries { // The CSV reader turns \r\n into \n.
			e := &got.Entries[i]
			e.PublicComment, e.PrivateNotes = strings.ReplaceAll(e.PublicComment, "\r\n", "\n"), strings.ReplaceAll(e.PrivateNotes, "\r\n", "\n")
		}
		if len(again.Entries) != len(got.Entries) {
			t.Fatalf("%d hosts became %d: %q", len(got.Entries), len(again.Entries), b.String())
		}
		for i, e := range got.Entries {
			if a := again.Entries[i]; a.Domain != e.Domain || a.Severity != e.Severity || a.RejectMedia != e.RejectMedia || a.Obfuscate != e.Obfuscate {
				t.Fatalf("%+v became %+v", e, a)
			}
			if d, reason := Domain(e.Domain); d != e.Domain || reason != "" {
				t.Fatalf("%q is %q once more: %s", e.Domain, d, reason)
			}
		}
		Merge([]Source{{Name: "a", Entries: got.Entries}, {Name: "b", Entries: again.Entries}}, Rules{Needs: 2})
	})
}
