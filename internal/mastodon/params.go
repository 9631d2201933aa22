package mastodon

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"kenoma/internal/fault"
)

// Bounds of what is read of a request.
const (
	maxParams  = 2000    // Values in one request.
	maxDepth   = 8       // a[b][c]…, or JSON in JSON.
	maxBody    = 1 << 20 // Bytes without files; all text parts of a form with files.
	maxUploads = 8
	maxKey     = 512
)

// value is one parameter: a text, null, a list, or an object. Form keys such as
// "a[b][]" and JSON bodies give the same tree.
type value struct {
	kind   valueKind
	text   string
	list   []*value
	fields map[string]*value
	order  []string // Of fields, as they came.
	file   *Upload
}

type valueKind uint8

const (
	isNull valueKind = iota
	isText
	isList
	isObject
	isFile
)

// Params are what a request says: the query and its body, be it urlencoded,
// multipart or JSON. Names may reach into objects: "source[privacy]". The zero
// value holds nothing.
type Params struct{ root *value }

// Upload is a file of a multipart form, kept in a temporary file until the request
// is answered.
type Upload struct {
	Name string
	Type string // As the sender says.
	Size int64
	file *os.File
}

// Open returns the file from its start. It is closed with the request.
func (u *Upload) Open() (io.ReadSeeker, error) {
	_, err := u.file.Seek(0, io.SeekStart)
	return u.file, err
}

func newObject() *value { return &value{kind: isObject, fields: map[string]*value{}} }

func (v *value) set(name string, to *value) {
	if _, ok := v.fields[name]; !ok {
		v.order = append(v.order, name)
	}
	v.fields[name] = to
}

// splitKey cuts "a[b][]" into "a", "b", "". What is not in this form is one part.
func splitKey(key string) []string {
	open := strings.IndexByte(key, '[')
	if open <= 0 || !strings.HasSuffix(key, "]") {
		return []string{key}
	}
	parts := []string{key[:open]}
	for rest := key[open:]; rest != ""; {
		end := strings.IndexByte(rest, ']')
		if rest[0] != '[' || end < 0 {
			return []string{key}
		}
		parts = append(parts, rest[1:end])
		rest = rest[end+1:]
	}
	return parts
}

// get finds a parameter; nil when it isn't there.
func (p Params) get(name string) *value {
	v := p.root
	for _, part := range splitKey(name) {
		if v == nil || v.kind != isObject {
			return nil
		}
		v = v.fields[part]
	}
	return v
}

// Has tells whether the parameter was sent, even if null or empty.
func (p Params) Has(name string) bool { return p.get(name) != nil }

// String returns a text; "" when it isn't there, null, or no text.
func (p Params) String(name string) string {
	v := p.get(name)
	if v == nil {
		return ""
	}
	if v.kind == isList && len(v.list) > 0 { // A repeated key: the last one stands.
		v = v.list[len(v.list)-1]
	}
	return v.text
}

// Bool reads a switch as Rails does: what isn't a form of "no" is yes. Without a
// value it is def.
func (p Params) Bool(name string, def bool) bool {
	switch p.String(name) {
	case "":
		return def
	case "0", "f", "F", "false", "FALSE", "off", "OFF", "no":
		return false
	}
	return true
}

// Int reads a number; def without one. A fault when it is something else.
func (p Params) Int(name string, def int64) (int64, error) {
	s := p.String(name)
	if s == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		if f, ferr := strconv.ParseFloat(s, 64); ferr == nil && f == float64(int64(f)) {
			return int64(f), nil // 86400.0 and 1e3, as JSON may write it.
		}
		return 0, fault.New(fault.Invalid, "%s must be a number.", name)
	}
	return n, nil
}

// ID reads an id, 0 without one. An id that can't be is a NotFound.
func (p Params) ID(name string) (int64, error) {
	s := p.String(name)
	if s == "" {
		return 0, nil
	}
	return parseID(s)
}

func parseID(s string) (int64, error) {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id <= 0 {
		return 0, errNotFound()
	}
	return id, nil
}

// elements returns the values of a list in its order. A single value is a list of
// one; an object whose keys are numbers is a list, as in a[0], a[1].
func (v *value) elements() []*value {
	switch {
	case v == nil || v.kind == isNull:
		return nil
	case v.kind == isList:
		return v.list
	case v.kind != isObject:
		return []*value{v}
	}
	if only := v.fields[""]; only != nil && len(v.fields) == 1 {
		return only.elements()
	}
	keys := slices.Clone(v.order)
	for _, k := range keys {
		if _, err := strconv.Atoi(k); err != nil {
			return []*value{v}
		}
	}
	slices.SortStableFunc(keys, func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x - y
	})
	all := make([]*value, len(keys))
	for i, k := range keys {
		all[i] = v.fields[k]
	}
	return all
}

// Strings returns the texts of a list: a[], a[0], a JSON list, or one value.
func (p Params) Strings(name string) []string {
	var all []string
	for _, e := range p.get(name).elements() {
		if e.kind == isText {
			all = append(all, e.text)
		}
	}
	return all
}

// IDs is Strings for ids; what can't be one is left out.
func (p Params) IDs(name string) []int64 {
	var ids []int64
	for _, s := range p.Strings(name) {
		if id, err := parseID(s); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// List returns the objects of a list.
func (p Params) List(name string) []Params {
	var all []Params
	for _, e := range p.get(name).elements() {
		if e.kind == isObject {
			all = append(all, Params{e})
		}
	}
	return all
}

// Sub returns a nested object; the zero Params when there is none.
func (p Params) Sub(name string) Params {
	if v := p.get(name); v != nil && v.kind == isObject {
		return Params{v}
	}
	return Params{}
}

// File returns an uploaded file, nil when there is none.
func (p Params) File(name string) *Upload {
	if v := p.get(name); v != nil {
		return v.file
	}
	return nil
}

// reader builds the tree of a request's parameters within the bounds.
type reader struct {
	root    *value
	count   int
	uploads []*Upload
	dir     string // Of the uploads.
}

func malformed(err error) error {
	return fault.Because(err, fault.Malformed, "The request's parameters can't be read.")
}

var errTooMany = errors.New("too many or too deep parameters")

// readParams reads query and body. maxFiles is how many bytes its files may have,
// which wait in dir ("" is the system's).
// The caller calls done when the request is answered.
func readParams(r *http.Request, maxFiles int64, dir string) (p Params, done func(), err error) {
	rd := &reader{root: newObject(), dir: dir}
	done = rd.close
	if err := rd.form(r.URL.RawQuery); err != nil {
		return p, done, malformed(err)
	}
	if r.Body != nil && r.Body != http.NoBody {
		if err := rd.body(r, maxFiles); err != nil {
			return p, done, err
		}
	}
	return Params{rd.root}, done, nil
}

func (rd *reader) close() {
	for _, u := range rd.uploads {
		u.file.Close()
		os.Remove(u.file.Name())
	}
	rd.uploads = nil
}

// body reads by the content type. Types that nobody would send parameters in are
// left alone: some clients send text/plain with nothing in it.
func (rd *reader) body(r *http.Request, maxFiles int64) error {
	kind, args, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		return rd.multipart(multipart.NewReader(io.LimitReader(r.Body, maxFiles+2*maxBody), args["boundary"]), maxFiles)
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return malformed(err)
	}
	if len(data) > maxBody {
		return tooLarge()
	}
	if kind == "application/json" || strings.HasSuffix(kind, "+json") {
		return rd.json(data)
	}
	if kind == "application/x-www-form-urlencoded" || kind == "" {
		if err := rd.form(string(data)); err != nil {
			return malformed(err)
		}
	}
	return nil
}

func tooLarge() error { return fault.New(fault.TooLarge, "This is larger than the server allows.") }

// form reads an urlencoded text.
func (rd *reader) form(text string) error {
	seen := map[string]bool{}
	for text != "" {
		var pair string
		pair, text, _ = strings.Cut(text, "&")
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(k)
		if err != nil {
			return err
		}
		val, err := url.QueryUnescape(v)
		if err != nil {
			return err
		}
		if err := rd.put(key, &value{kind: isText, text: strings.ToValidUTF8(val, "\uFFFD")}, seen); err != nil {
			return err
		}
	}
	return nil
}

// put places a form's value in the tree. seen holds the plain keys of this form: a
// key that comes twice makes a list, one that another part of the request had is
// replaced.
func (rd *reader) put(key string, v *value, seen map[string]bool) error {
	if rd.count++; rd.count > maxParams || len(key) > maxKey {
		return errTooMany
	}
	parts := splitKey(key)
	if len(parts) > maxDepth {
		return errTooMany
	}
	at := rd.root
	for i, part := range parts[:len(parts)-1] {
		at = at.child(part, parts[i+1])
	}
	at.place(parts[len(parts)-1], v, seen[key])
	seen[key] = true
	return nil
}

// child returns the object or list under a name, made where it is missing. next is
// what will be looked for in it.
func (v *value) child(name, next string) *value {
	kind := isObject
	if next == "" {
		kind = isList
	}
	if v.kind == isList { // a[][b]: a new element when the last one has a b already.
		if n := len(v.list); n > 0 && v.list[n-1].kind == isObject && v.list[n-1].fields[next] == nil {
			return v.list[n-1]
		}
		c := newObject()
		v.list = append(v.list, c)
		return c
	}
	c := v.fields[name]
	if c == nil || c.kind != kind && !(c.kind == isObject || c.kind == isList) {
		c = &value{kind: kind, fields: map[string]*value{}}
		v.set(name, c)
	}
	return c
}

func (v *value) place(name string, to *value, again bool) {
	if v.kind == isList {
		v.list = append(v.list, to)
		return
	}
	if was := v.fields[name]; was != nil && again {
		if was.kind != isList {
			was = &value{kind: isList, list: []*value{was}, fields: map[string]*value{}}
		}
		was.list = append(was.list, to)
		to = was
	}
	v.set(name, to)
}

// json reads an object. Nothing at all is an empty one.
func (rd *reader) json(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := rd.decode(dec, 0)
	if err == nil && v.kind != isObject {
		err = errors.New("the body is no object")
	}
	if err == nil && dec.More() {
		err = errors.New("more than one value")
	}
	if err != nil {
		return malformed(err)
	}
	for _, k := range v.order {
		rd.root.set(k, v.fields[k])
	}
	return nil
}

func (rd *reader) decode(dec *json.Decoder, depth int) (*value, error) {
	if rd.count++; rd.count > maxParams || depth > maxDepth {
		return nil, errTooMany
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case string:
		return &value{kind: isText, text: t}, nil
	case json.Number:
		return &value{kind: isText, text: t.String()}, nil
	case bool:
		return &value{kind: isText, text: strconv.FormatBool(t)}, nil
	case json.Delim:
		if t == '[' {
			return rd.decodeList(dec, depth)
		}
		return rd.decodeObject(dec, depth)
	}
	return &value{kind: isNull}, nil
}

func (rd *reader) decodeList(dec *json.Decoder, depth int) (*value, error) {
	v := &value{kind: isList, fields: map[string]*value{}}
	for dec.More() {
		e, err := rd.decode(dec, depth+1)
		if err != nil {
			return nil, err
		}
		v.list = append(v.list, e)
	}
	_, err := dec.Token()
	return v, err
}

func (rd *reader) decodeObject(dec *json.Decoder, depth int) (*value, error) {
	v := newObject()
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		e, err := rd.decode(dec, depth+1)
		if err != nil {
			return nil, err
		}
		v.setPath(splitKey(name.(string)), e)
	}
	_, err := dec.Token()
	return v, err
}

// setPath places a JSON value. Some clients write form keys such as "media_ids[]"
// into JSON.
func (v *value) setPath(parts []string, to *value) {
	if len(parts) == 2 && parts[1] == "" {
		parts = parts[:1]
	}
	if len(parts) > maxDepth {
		return
	}
	for i, part := range parts[:len(parts)-1] {
		next := v.fields[part]
		if next == nil || next.kind != isObject {
			next = newObject()
			v.set(part, next)
		}
		v, parts[i] = next, ""
	}
	v.set(parts[len(parts)-1], to)
}

// multipart reads a form part by part; files go to temporary files.
func (rd *reader) multipart(mr *multipart.Reader, maxFiles int64) error {
	seen := map[string]bool{}
	texts, files := int64(maxBody), maxFiles
	for {
		part, err := mr.NextRawPart()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return malformed(err)
		}
		var v *value
		if part.FileName() != "" {
			v, err = rd.upload(part, &files)
		} else {
			v, err = textPart(part, &texts)
		}
		if err != nil {
			return err
		}
		if err := rd.put(part.FormName(), v, seen); err != nil {
			return malformed(err)
		}
	}
}

func textPart(part *multipart.Part, left *int64) (*value, error) {
	data, err := io.ReadAll(io.LimitReader(part, *left+1))
	if err != nil {
		return nil, malformed(err)
	}
	if *left -= int64(len(data)); *left < 0 {
		return nil, tooLarge()
	}
	return &value{kind: isText, text: strings.ToValidUTF8(string(data), "\uFFFD")}, nil
}

func (rd *reader) upload(part *multipart.Part, left *int64) (*value, error) {
	if len(rd.uploads) >= maxUploads {
		return nil, malformed(errTooMany)
	}
	f, err := os.CreateTemp(rd.dir, "kenoma-upload-*")
	if err != nil {
		return nil, err
	}
	u := &Upload{Name: part.FileName(), Type: part.Header.Get("Content-Type"), file: f}
	rd.uploads = append(rd.uploads, u)
	if u.Size, err = io.Copy(f, io.LimitReader(part, *left+1)); err != nil {
		return nil, malformed(err)
	}
	if *left -= u.Size; *left < 0 {
		return nil, tooLarge()
	}
	return &value{kind: isFile, file: u}, nil
}
