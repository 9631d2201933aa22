package archives

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"kenoma/internal/fault"
)

// rationed gives a decoder only so many bytes for one entry: a value of a gigabyte is
// an error and no memory.
type rationed struct {
	r    io.Reader
	left int
}

// ration is for one entry, with what a decoder reads ahead.
const ration = maxItem + 256<<10

func (r *rationed) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, fault.New(fault.TooLarge, "An entry in the archive is larger than 1 MB.")
	}
	n, err := r.r.Read(p[:min(len(p), r.left, 64<<10)])
	r.left -= n
	return n, err
}

// items calls do with each entry of a list, or of the orderedItems or items of a
// collection. Entries are compact JSON, valid until do returns.
func items(r io.Reader, do func(item []byte) error) error {
	in := &rationed{r: r, left: ration}
	d := jsontext.NewDecoder(in, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	bad := func(err error) error {
		if fault.KindOf(err) != fault.Internal {
			return err
		}
		return fault.Because(err, fault.Invalid, "The archive holds JSON that can't be read.")
	}
	t, err := d.ReadToken()
	if err != nil {
		return bad(err)
	}
	if t.Kind() == '{' {
		for {
			name, err := d.ReadToken()
			if err != nil {
				return bad(err)
			}
			if name.Kind() == '}' {
				return nil
			}
			if s := name.String(); (s == "orderedItems" || s == "items") && d.PeekKind() == '[' {
				if _, err := d.ReadToken(); err != nil {
					return bad(err)
				}
				break
			}
			in.left = ration
			if err := d.SkipValue(); err != nil {
				return bad(err)
			}
		}
	} else if t.Kind() != '[' {
		return fault.New(fault.Invalid, "The archive holds JSON that can't be read.")
	}
	for d.PeekKind() != ']' {
		in.left = ration
		v, err := d.ReadValue()
		if err != nil {
			return bad(err)
		}
		if len(v) > maxItem {
			continue
		}
		if err := v.Compact(); err != nil {
			return bad(err)
		}
		if err := do(v); err != nil {
			return err
		}
	}
	return nil
}

// errEnough ends the reading of a list that has more than is taken.
var errEnough = errors.New("enough")

// posts appends the entries of an outbox, or Misskey's notes, to the file of posts.
func (u *unpacking) posts(r io.Reader, notes bool) (err error) {
	if u.c.Posts > 0 && notes != u.c.Notes {
		u.leave("x.json")
		return nil
	}
	f, err := os.OpenFile(u.c.PostsFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 64<<10)
	defer func() { err = errors.Join(err, w.Flush(), f.Close()) }()
	u.c.Notes = notes
	err = items(r, func(item []byte) error {
		if item[0] != '{' {
			return nil
		}
		if u.c.Posts >= u.l.Posts {
			return errEnough
		}
		u.c.Posts++
		_, err := w.Write(append(item, '\n'))
		return err
	})
	if errors.Is(err, errEnough) {
		u.c.Left["posts beyond the most that are taken"] = 1
		err = nil
	}
	return err
}

// jsonLists are collections of addresses, by the name of their file.
var jsonLists = map[string]string{"likes.json": "likes", "bookmarks.json": "bookmarks", "following.json": "following", "featured.json": "pins"}

// addresses keeps a collection of addresses as a list.
func (u *unpacking) addresses(kind string, r io.Reader) error {
	return u.list(kind, func(row func(...string) error) error {
		return items(r, func(item []byte) error {
			var entry any
			if err := json.Unmarshal(item, &entry); err != nil {
				return nil
			}
			uri, _ := entry.(string)
			if o, ok := entry.(map[string]any); ok {
				uri, _ = o["id"].(string)
			}
			if !strings.HasPrefix(uri, "https://") && !strings.HasPrefix(uri, "http://") {
				return nil
			}
			return row(uri)
		})
	})
}

// list appends rows to the file of a list.
func (u *unpacking) list(kind string, fill func(row func(...string) error) error) (err error) {
	f, err := os.OpenFile(u.c.ListFile(kind), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	defer func() { err = errors.Join(err, w.Flush(), f.Close()) }()
	err = fill(func(fields ...string) error {
		if u.c.Rows[kind] >= u.l.Rows {
			return errEnough
		}
		line, err := json.Marshal(fields)
		if err != nil || len(line) > 4096 {
			return err
		}
		u.c.Rows[kind]++
		_, err = w.Write(append(line, '\n'))
		return err
	})
	if errors.Is(err, errEnough) {
		u.c.Left[kind+" beyond the most that are taken"] = 1
		err = nil
	}
	return err
}

// csvLists are lists by how the names of their files begin. Of two that fit, the
// longer is meant.
var csvLists = []struct{ begins, kind string }{
	{"following", "following"}, {"blocked_accounts", "blocks"}, {"blocks", "blocks"}, {"blocking", "blocks"}, {"muted_accounts", "mutes"}, {"mute", "mutes"},
	{"blocked_domains", "domain_blocks"}, {"domain_blocks", "domain_blocks"}, {"lists", "lists"}, {"user-lists", "lists"}, {"bookmarks", "bookmarks"}, {"likes", "likes"},
}

// headers are first fields by which a row is known as a header.
var headers = map[string]bool{"account address": true, "domain": true, "list name": true, "uri": true, "#domain": true, "#account address": true}

// csv keeps a list that came as CSV. A row keeps its fields in the order of the file,
// headers included: what they mean is for whoever reads the list.
func (u *unpacking) csv(base string, r io.Reader) error {
	kind, longest := "", 0
	for _, l := range csvLists {
		if strings.HasPrefix(base, l.begins) && len(l.begins) > longest {
			kind, longest = l.kind, len(l.begins)
		}
	}
	if kind == "" {
		u.leave(base)
		return nil
	}
	if kind == "bookmarks" && u.c.Rows[kind] > 0 {
		return nil // In bookmarks.json too.
	}
	text, err := io.ReadAll(io.LimitReader(r, maxCSV+1))
	if err != nil {
		return err
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if len(text) > maxCSV || !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		u.leave(base)
		return nil
	}
	in := csv.NewReader(bytes.NewReader(text))
	in.FieldsPerRecord, in.LazyQuotes, in.TrimLeadingSpace = -1, true, true
	return u.list(kind, func(row func(...string) error) error {
		for first := true; ; first = false {
			fields, err := in.Read()
			if errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return nil // What was readable is kept.
			}
			if len(fields) == 0 || first && headers[strings.ToLower(strings.TrimSpace(fields[0]))] {
				continue
			}
			if len(fields) > 4 {
				fields = fields[:4]
			}
			if kind == "following" && strings.HasPrefix(base, "following-") { // Misskey's second column is another one.
				fields = fields[:1]
			}
			if err := row(fields...); err != nil {
				return err
			}
		}
	})
}
