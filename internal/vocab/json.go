package vocab

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"kenoma/internal/fault"
)

// Bounds of a document. What is over them is refused as a whole.
const (
	// MaxDocument is how large a document may be, in bytes. The largest honest one
	// in our collection has 40 kB; long articles with inline pictures come near.
	//
	// It is the same limit that Mastodon sets for bodies.
	MaxDocument = 1 << 20

	// maxDepth is how deep objects and lists may nest. Honest documents need 9.
	maxDepth = 32

	// maxValues is how many values one document may hold. A page of 1,000 inline
	// posts has about 40,000; more is only memory spent for somebody else.
	maxValues = 1 << 16
)

// document is a JSON text that was read strictly, as a flat tree. Values are
// decoded when asked for, so that members nobody looks at cost one pass.
type document struct {
	src   []byte
	nodes []node
}

// node is a value of a document. Its first child, if it has one, is the next
// node in the list; its next sibling is the one at skip.
type node struct {
	keyStart, keyEnd uint32 // Name in the parent object, without quotes and known prefix; empty in a list.
	start, end       uint32 // The value's bytes in src.
	skip             int32
	kind             jsontext.Kind
}

// reader is what parsing needs and can be used again.
type reader struct {
	doc   document
	buf   bytes.Buffer
	dec   jsontext.Decoder
	stack [maxDepth]int32 // Open objects and lists.
}

var readers = sync.Pool{New: func() any { return &reader{doc: document{nodes: make([]node, 0, 256)}} }}

// parse reads doc, which must be one JSON object: case-sensitive, without
// duplicate names (also not one with and one without a known prefix), in valid
// UTF-8. Call release with the reader after the last use of the value; strings
// taken from it stay valid.
//
// The errors are fault.Malformed and fault.TooLarge.
func parse(doc []byte) (value, *reader, error) {
	if len(doc) > MaxDocument {
		return value{}, nil, fault.New(fault.TooLarge, "The document is larger than 1 MB.")
	}
	doc, err := normalise(doc)
	if err != nil {
		return value{}, nil, malformed(err)
	}
	r := readers.Get().(*reader)
	r.doc.src = doc
	r.doc.nodes = r.doc.nodes[:0]
	r.buf = *bytes.NewBuffer(doc)
	r.dec.Reset(&r.buf)
	if err := r.read(); err != nil {
		r.release()
		return value{}, nil, malformed(err)
	}
	root := value{&r.doc, 0}
	if root.kind() != '{' {
		r.release()
		return value{}, nil, fault.New(fault.Malformed, "The document is not a JSON object.")
	}
	return root, r, nil
}

// release gives the reader back. A large one is left to the garbage collector.
func (r *reader) release() {
	r.doc.src = nil
	r.buf = bytes.Buffer{}
	r.dec.Reset(&r.buf)
	if cap(r.doc.nodes) <= 4096 {
		readers.Put(r)
	}
}

func malformed(err error) error {
	switch {
	case fault.KindOf(err) != fault.Internal:
		return err
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fault.Because(err, fault.Malformed, "The document names a property twice.")
	}
	return fault.Because(err, fault.Malformed, "The document is not valid JSON.")
}

// normalise rewrites what would make a second reading of doc possible: U+0000 is
// cut out, as no database text can hold it, and documents with escapes in names
// are spelt out. Nearly every document comes back as it is.
func normalise(doc []byte) ([]byte, error) {
	nul, escapes := suspicious(doc)
	if nul {
		doc = withoutNUL(doc)
	}
	if !escapes || !escapedName(doc) {
		return doc, nil
	}
	return jsontext.AppendFormat(nil, doc, jsontext.PreserveRawStrings(false))
}

// suspicious tells whether doc has the escape of U+0000, and whether any that
// could spell a name: each letter, digit and sign of those we read is below
// U+0080.
func suspicious(doc []byte) (nul, escapes bool) {
	for {
		i := bytes.IndexByte(doc, '\\')
		if i < 0 || i+1 == len(doc) {
			return nul, escapes
		}
		switch rest := doc[i+1:]; {
		case rest[0] == '/':
			escapes = true
		case len(rest) >= 5 && string(rest[:3]) == "u00":
			escapes = true
			nul = nul || string(rest[3:5]) == "00"
		}
		doc = doc[i+2:]
	}
}

// escapedName tells whether a name in doc may be written with escapes. It looks at
// the string before each colon; a false alarm only costs time.
func escapedName(doc []byte) bool {
	inString, escaped, last := false, false, false
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case inString && c == '\\':
			escaped = true
			i++
		case c == '"':
			if inString {
				last = escaped
			}
			inString, escaped = !inString, false
		case c == ':' && !inString && last:
			return true
		case !inString && (c == ',' || c == '{' || c == '['):
			last = false
		}
	}
	return false
}

// withoutNUL returns doc without the escapes of U+0000. Unescaped it is no JSON.
func withoutNUL(doc []byte) []byte {
	out := make([]byte, 0, len(doc))
	for i := 0; i < len(doc); {
		if doc[i] != '\\' || i+1 == len(doc) {
			out = append(out, doc[i])
			i++
			continue
		}
		if bytes.HasPrefix(doc[i:], []byte(`\u0000`)) {
			i += len(`\u0000`)
			continue
		}
		out = append(out, doc[i], doc[i+1])
		i += 2
	}
	return out
}

// read fills r.doc.nodes from the decoder.
func (r *reader) read() error {
	var key struct{ start, end uint32 }
	named, prefixed, depth := false, false, 0
	for {
		if len(r.doc.nodes) > maxValues {
			return fault.New(fault.Malformed, "The document holds too many values.")
		}
		kind := r.dec.PeekKind()
		inObject := depth > 0 && r.doc.nodes[r.stack[depth-1]].kind == '{'
		switch {
		case kind == '}' || kind == ']':
			if _, err := r.dec.ReadToken(); err != nil {
				return err
			}
			depth--
			n := &r.doc.nodes[r.stack[depth]]
			n.end, n.skip = uint32(r.dec.InputOffset()), int32(len(r.doc.nodes))
		case inObject && !named:
			v, err := r.dec.ReadValue()
			if err != nil {
				return err
			}
			end := uint32(r.dec.InputOffset())
			key.start, key.end = end-uint32(len(v))+1, end-1
			n := plainName(r.doc.src[key.start:key.end])
			prefixed = prefixed || n != 0
			key.start += n
			named = true
			continue
		case (kind == '{' || kind == '[') && !(named && string(r.doc.src[key.start:key.end]) == "@context"):
			if _, err := r.dec.ReadToken(); err != nil {
				return err
			}
			if depth == maxDepth {
				return fault.New(fault.Malformed, "The document nests too deep.")
			}
			r.stack[depth] = int32(len(r.doc.nodes))
			depth++
			r.doc.nodes = append(r.doc.nodes, node{key.start, key.end, uint32(r.dec.InputOffset()) - 1, 0, 0, kind})
		default:
			v, err := r.dec.ReadValue()
			if err != nil {
				return err
			}
			end := uint32(r.dec.InputOffset())
			next := int32(len(r.doc.nodes)) + 1
			r.doc.nodes = append(r.doc.nodes, node{key.start, key.end, end - uint32(len(v)), end, next, kind})
		}
		key.start, key.end, named = 0, 0, false
		if depth == 0 {
			break
		}
	}
	if _, err := r.dec.ReadToken(); err != io.EOF {
		return errors.Join(err, errors.New("text after the end of the document"))
	}
	if prefixed {
		return r.doc.checkNames()
	}
	return nil
}

// prefixes are those of JSON-LD names whose properties we read. A peer that
// compacts against another context, or does not compact at all, sends them.
var prefixes = []string{
	"as:", "toot:", "misskey:", "litepub:", "fedibird:", "ostatus:", "schema:", "sec:", "security:", "pt:", "lemmy:", "gts:",
	"https://www.w3.org/ns/activitystreams#", "http://www.w3.org/ns/activitystreams#",
	"https://w3id.org/security#", "https://w3id.org/security/v1#",
	"http://joinmastodon.org/ns#", "https://joinmastodon.org/ns#",
	"http://litepub.social/ns#", "https://misskey-hub.net/ns#", "http://schema.org#", "http://schema.org/",
	"http://ostatus.org#", "http://fedibird.com/ns#", "https://gotosocial.org/ns#", "https://w3id.org/fep/044f#",
}

// plainName returns how many bytes at the start of a name or type are a known
// prefix: "as:Note", "https://www.w3.org/ns/activitystreams#Note" and "Note" are
// the same. The keywords @id and @type lose their at sign.
//
// spec: json-ld11#aliasing-keywords
func plainName(name []byte) uint32 {
	if len(name) > 0 && name[0] == '@' {
		if string(name) == "@id" || string(name) == "@type" {
			return 1
		}
		return 0
	}
	if bytes.IndexByte(name, ':') < 0 {
		return 0
	}
	for _, p := range prefixes {
		if len(name) > len(p) && string(name[:len(p)]) == p {
			return uint32(len(p))
		}
	}
	return 0
}

// checkNames refuses an object in which two names are the same once their
// prefixes are gone.
func (d *document) checkNames() error {
	for i := range d.nodes {
		if d.nodes[i].kind != '{' {
			continue
		}
		seen := map[string]bool{}
		for name := range (value{d, int32(i)}).members() {
			if seen[name] {
				return jsontext.ErrDuplicateName
			}
			seen[name] = true
		}
	}
	return nil
}

// value is one value of a document. The zero value is an absent one; every method
// may be called on it.
type value struct {
	d *document
	i int32
}

func (v value) node() *node { return &v.d.nodes[v.i] }

// kind is '{', '[', '"', '0', 't', 'f' or 'n'; 0 when absent.
func (v value) kind() jsontext.Kind {
	if v.d == nil {
		return 0
	}
	return v.node().kind
}

// raw is the value as it stood, sharing the document's bytes.
func (v value) raw() []byte {
	if v.d == nil {
		return nil
	}
	n := v.node()
	return v.d.src[n.start:n.end:n.end]
}

// get returns the first of the named members that is there and not null.
func (v value) get(names ...string) value {
	if v.kind() != '{' {
		return value{}
	}
	nodes, src := v.d.nodes, v.d.src
	end := nodes[v.i].skip
	for _, name := range names {
		first, size := name[0], uint32(len(name))
		for i := v.i + 1; i < end; i = nodes[i].skip {
			n := &nodes[i]
			if n.keyEnd-n.keyStart == size && src[n.keyStart] == first && string(src[n.keyStart:n.keyEnd]) == name {
				if n.kind != 'n' {
					return value{v.d, i}
				}
				break
			}
		}
	}
	return value{}
}

// members yields the members of an object, nulls too.
func (v value) members() iter.Seq2[string, value] {
	return func(yield func(string, value) bool) {
		if v.kind() != '{' {
			return
		}
		for i, end := v.i+1, v.node().skip; i < end; i = v.d.nodes[i].skip {
			n := &v.d.nodes[i]
			if !yield(string(v.d.src[n.keyStart:n.keyEnd]), value{v.d, i}) {
				return
			}
		}
	}
}

// each yields the entries of a list without its nulls, a lone value as a list of
// one, nothing for null. JSON-LD does not tell these apart.
func (v value) each() iter.Seq[value] {
	return func(yield func(value) bool) {
		switch v.kind() {
		case 0, 'n':
		case '[':
			for i, end := v.i+1, v.node().skip; i < end; i = v.d.nodes[i].skip {
				if v.d.nodes[i].kind != 'n' && !yield(value{v.d, i}) {
					return
				}
			}
		default:
			yield(v)
		}
	}
}

// lone is the only entry of a list of one, else v.
func (v value) lone() value {
	if v.kind() == '[' && v.node().skip > v.i+1 && v.d.nodes[v.i+1].skip == v.node().skip {
		return value{v.d, v.i + 1}
	}
	return v
}

// str is the text of a string, or of {"@value": …}, cut to at most limit bytes
// between two characters; "" for anything else.
func (v value) str(limit int) string {
	switch v.kind() {
	case '"':
	case '{':
		if v = v.get("@value"); v.kind() != '"' {
			return ""
		}
	default:
		return ""
	}
	raw := v.raw()
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(cut(raw[1:len(raw)-1], limit))
	}
	text, err := jsontext.AppendUnquote(make([]byte, 0, len(raw)), raw)
	if err != nil {
		return "" // Not reached: the document was read strictly.
	}
	return string(cut(text, limit))
}

// cut shortens text to at most limit bytes without halving a character.
func cut(text []byte, limit int) []byte {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// text is str of the first entry that has any.
func (v value) text(limit int) string {
	for e := range v.each() {
		if s := e.str(limit); s != "" {
			return s
		}
	}
	return ""
}

// truth is a boolean, also as the string that some send; known is false for
// anything else.
func (v value) truth() (b, known bool) {
	switch v.kind() {
	case 't':
		return true, true
	case 'f':
		return false, true
	case '"':
		b, err := strconv.ParseBool(v.str(5))
		return b, err == nil
	}
	return false, false
}

// count is a number that counts something, from 0 to 2³¹−1, also as a string;
// unknown if it is none.
func (v value) count(unknown int) int {
	f, err := v.number()
	if err != nil {
		return unknown
	}
	return int(min(max(f, 0), math.MaxInt32))
}

// number is a number, also as a string. What is too large for a float64 is
// infinite.
func (v value) number() (float64, error) {
	var text string
	switch v.kind() {
	case '0':
		text = string(v.raw())
	case '"':
		text = strings.TrimSpace(v.str(40))
	default:
		return 0, strconv.ErrSyntax
	}
	f, err := strconv.ParseFloat(text, 64)
	if errors.Is(err, strconv.ErrRange) {
		err = nil
	}
	if math.IsNaN(f) {
		err = strconv.ErrSyntax
	}
	return f, err
}

// time is the first readable date.
func (v value) time() time.Time {
	for e := range v.each() {
		if t, err := ParseTime(e.str(64)); err == nil {
			return t
		}
	}
	return time.Time{}
}
