package proof

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/piprate/json-gold/ld"

	"kenoma/internal/vocab"
)

// Bounds of a document whose Linked Data Signature is checked: bringing it into its
// canonical form takes some tens of milliseconds at these.
const (
	maxLinked     = 128 << 10 // Bytes.
	maxNodes      = 600       // JSON objects in it, those of contexts not counted.
	maxContexts   = 16        // In one @context.
	maxTerms      = 300       // That one context defines.
	maxInside     = 3         // Nameless objects in one that is nameless too …
	maxInsideAll  = 64        // … and in all of them: more of them alike take factorial time.
	maxNamelessIn = 3         // How deep nameless objects stand in each other.
	maxDepth      = 32
)

// signatureContext is that of the options of a Linked Data Signature.
const signatureContext = "https://w3id.org/identity/v1"

// Linked is a Linked Data Signature of a document, not yet verified.
type Linked struct {
	creator vocab.IRI
	created time.Time
	value   []byte
	options document
	doc     document // Without the signature.
}

// Creator names the key that is said to have signed. Check whose it is before
// believing it.
func (l *Linked) Creator() vocab.IRI { return l.creator }

// Created is when the document was signed, as the signature says; zero when it does not.
func (l *Linked) Created() time.Time { return l.created }

// FindLinked returns the Linked Data Signature of doc; nil when there is none of a kind that
// is understood. An error means that there is one which can't be read.
//
// spec: RsaSignature2017, https://docs.joinmastodon.org/spec/security/#ld
func FindLinked(doc []byte) (*Linked, error) {
	d, err := read(doc)
	if err != nil {
		return nil, err
	}
	value := d.get("signature")
	if value.Kind() != '{' {
		return nil, nil
	}
	options, err := read(value)
	if err != nil {
		return nil, err
	}
	if options.text("type") != "RsaSignature2017" {
		return nil, nil
	}
	l := &Linked{creator: vocab.IRI(options.text("creator")), options: options, doc: d.without("signature")}
	if err := l.creator.Valid(); err != nil {
		return nil, err
	}
	if l.created, err = options.time("created"); err != nil {
		return nil, err
	}
	if l.value, err = base64.StdEncoding.DecodeString(options.text("signatureValue")); err != nil {
		return nil, err
	}
	return l, nil
}

// Verify checks that the holder of pub signed the document, and returns it as it is to be
// processed: with nothing in it but what was signed, in terms of our own choice.
// Whatever a document's own context makes of names, or what was left out of the
// signature, is gone from it. Documents that can be read in two ways are refused.
func (l *Linked) Verify(pub crypto.PublicKey, now time.Time) (plain []byte, err error) {
	key, ok := pub.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("a signature of this kind is not made with a %T", pub)
	}
	if l.created.After(now.Add(maxSkew)) {
		return nil, errors.New("the signature is from the future")
	}
	defer func() {
		if p := recover(); p != nil { // A library reads what strangers wrote.
			plain, err = nil, fmt.Errorf("the document can't be read as linked data: %v", p)
		}
	}()
	expanded, err := expand(l.doc.bytes())
	if err != nil {
		return nil, err
	}
	text, err := linkedText(l.options, expanded)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], l.value); err != nil {
		return nil, errors.New("the signature was not made with this key over this document")
	}
	strip(expanded)
	return compact(expanded)
}

// SignLinked returns doc, a JSON object without a signature, with one by key made at that
// time. It takes about 3 ms.
func SignLinked(doc []byte, id vocab.IRI, key *rsa.PrivateKey, created time.Time) ([]byte, error) {
	d, err := read(doc)
	if err != nil {
		return nil, fmt.Errorf("sign linked data: %w", err)
	}
	expanded, err := expand(doc)
	if err != nil {
		return nil, fmt.Errorf("sign linked data: %w", err)
	}
	fields := map[string]string{"type": "RsaSignature2017", "creator": string(id), "created": created.UTC().Format("2006-01-02T15:04:05Z")}
	plain, err := json.Marshal(fields, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("sign linked data: %w", err)
	}
	options, err := read(plain)
	if err != nil {
		return nil, fmt.Errorf("sign linked data: %w", err)
	}
	text, err := linkedText(options, expanded)
	if err != nil {
		return nil, fmt.Errorf("sign linked data: %w", err)
	}
	sum := sha256.Sum256(text)
	value, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign linked data: %w", err)
	}
	fields["signatureValue"] = base64.StdEncoding.EncodeToString(value)
	if plain, err = json.Marshal(fields, json.Deterministic(true)); err != nil {
		return nil, fmt.Errorf("sign linked data: %w", err)
	}
	return append(d, member{"signature", plain}).bytes(), nil
}

// linkedText is what the key signs: the hashes of the options and the document, each
// in hexadecimal.
func linkedText(options document, expanded []any) ([]byte, error) {
	o := map[string]any{"@context": signatureContext}
	for _, m := range options {
		if m.name == "type" || m.name == "id" || m.name == "signatureValue" || m.name == "@context" {
			continue
		}
		var v any
		if err := json.Unmarshal(m.value, &v); err != nil {
			return nil, err
		}
		if _, ok := v.(string); !ok {
			return nil, errors.New("the options of the signature are no plain values")
		}
		o[m.name] = v
	}
	wide, err := ld.NewJsonLdProcessor().Expand(o, ldOptions())
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, part := range [][]any{wide, expanded} {
		sum, err := graphHash(part)
		if err != nil {
			return nil, err
		}
		out = hex.AppendEncode(out, sum[:])
	}
	return out, nil
}

// graphHash hashes the canonical form of an expanded document.
//
// spec: https://www.w3.org/TR/rdf-canon/
func graphHash(expanded []any) ([sha256.Size]byte, error) {
	api := ld.NewJsonLdApi()
	opts := ldOptions()
	dataset, err := api.ToRDF(expanded, opts)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	text, err := api.Normalize(dataset, opts)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	s, ok := text.(string)
	if !ok {
		return [sha256.Size]byte{}, errors.New("no canonical form")
	}
	return sha256.Sum256([]byte(s)), nil
}

func ldOptions() *ld.JsonLdOptions {
	o := ld.NewJsonLdOptions("")
	o.DocumentLoader = shelf{}
	o.Algorithm = ld.AlgorithmURDNA2015
	o.Format = "application/n-quads"
	return o
}

//go:embed contexts/*.json
var contextFiles embed.FS

// shelved are the contexts that are known, by their addresses.
var shelved = map[string]string{
	"https://www.w3.org/ns/activitystreams":       "activitystreams",
	"http://www.w3.org/ns/activitystreams":        "activitystreams",
	"http://w3id.org/security/v1":                 "security-v1",
	"https://w3id.org/identity/v1":                "identity-v1",
	"https://w3id.org/security/v1":                "security-v1",
	"https://w3id.org/security/data-integrity/v1": "security-data-integrity-v1",
	"https://w3id.org/security/data-integrity/v2": "security-data-integrity-v2",
	"https://w3id.org/security/multikey/v1":       "security-multikey-v1",
	"https://www.w3.org/ns/did/v1":                "did-v1",
}

// shelf is a loader that never goes out.
type shelf struct{}

// LoadDocument implements ld.DocumentLoader.
func (shelf) LoadDocument(address string) (*ld.RemoteDocument, error) {
	doc, err := fromShelf(address)
	if err != nil {
		return nil, ld.NewJsonLdError(ld.LoadingDocumentFailed, err)
	}
	return &ld.RemoteDocument{DocumentURL: address, Document: doc}, nil
}

var (
	shelfMu sync.Mutex
	taken   = map[string]any{}
)

func fromShelf(address string) (any, error) {
	name := shelved[address]
	if name == "" {
		return nil, fmt.Errorf("the context %.100q is not known", address)
	}
	shelfMu.Lock()
	defer shelfMu.Unlock()
	if doc := taken[name]; doc != nil {
		return doc, nil
	}
	raw, err := contextFiles.ReadFile("contexts/" + name + ".json")
	if err != nil {
		return nil, err
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	taken[name] = doc
	return doc, nil
}

// expand brings a document into the form without contexts, after making sure that
// it means one thing.
func expand(doc []byte) ([]any, error) {
	if len(doc) > maxLinked {
		return nil, fmt.Errorf("a document of more than %d bytes", maxLinked)
	}
	var root map[string]any
	if err := json.Unmarshal(doc, &root); err != nil {
		return nil, err
	}
	if err := checkInput(root); err != nil {
		return nil, err
	}
	expanded, err := ld.NewJsonLdProcessor().Expand(root, ldOptions())
	if err != nil {
		return nil, err
	}
	return expanded, checkExpanded(expanded)
}

// proofProperty is where an integrity proof stands that the signature covers.
const proofProperty = "https://w3id.org/security#proof"

// strip takes out what no context defines, which is not signed, and integrity proofs.
func strip(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			strip(e)
		}
	case map[string]any:
		for key, e := range v {
			if unsigned(key) || key == proofProperty {
				delete(v, key)
				continue
			}
			strip(e)
		}
	}
}

// unsigned tells whether a member of an expanded object is no part of the graph.
func unsigned(key string) bool {
	return strings.HasPrefix(key, "_:") || !strings.Contains(key, ":") && !strings.HasPrefix(key, "@")
}

// maxProofNodes bounds an integrity proof inside a signed document.
const maxProofNodes = 16

// count tells how many objects v is made of.
func count(v any) (n int) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			n += count(e)
		}
	case map[string]any:
		n = 1
		for _, e := range v {
			n += count(e)
		}
	}
	return n
}

// checkInput refuses keywords and contexts that let a document say one thing as JSON
// and another one as a graph, and documents that would take long.
func checkInput(root map[string]any) error {
	nodes := 0
	var walk func(v any, depth int) error
	walk = func(v any, depth int) error {
		if nodes++; nodes > 20*maxNodes || depth > maxDepth {
			return errors.New("too large or too deep")
		}
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				if err := walk(e, depth+1); err != nil {
					return err
				}
			}
		case map[string]any:
			for name, e := range v {
				var err error
				if name == "@context" {
					err = checkContext(e)
				} else if strings.HasPrefix(name, "@") && name != "@id" && name != "@type" && name != "@value" && name != "@language" && name != "@list" {
					err = fmt.Errorf("the keyword %.50q", name)
				} else {
					err = walk(e, depth+1)
				}
				if err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(root, 0)
}

// definitionKeys are what a term's definition may say.
var definitionKeys = map[string]bool{"@id": true, "@type": true, "@container": true, "@language": true, "@protected": true}

// checkContext refuses contexts that are not known and definitions that do more than
// name things.
func checkContext(v any) error {
	switch v := v.(type) {
	case nil:
		return errors.New("a context that forgets what was before")
	case string:
		if shelved[v] == "" {
			return fmt.Errorf("the context %.100q is not known", v)
		}
	case []any:
		if len(v) > maxContexts {
			return errors.New("too many contexts")
		}
		for _, e := range v {
			if _, list := e.([]any); list {
				return errors.New("a list of lists of contexts")
			}
			if err := checkContext(e); err != nil {
				return err
			}
		}
	case map[string]any:
		if len(v) > maxTerms {
			return errors.New("too many terms")
		}
		for term, definition := range v {
			if err := checkTerm(term, definition); err != nil {
				return err
			}
		}
	default:
		return errors.New("a context of no kind")
	}
	return nil
}

func checkTerm(term string, definition any) error {
	if strings.HasPrefix(term, "@") {
		if term == "@version" || term == "@language" || term == "@vocab" {
			return nil
		}
		return fmt.Errorf("the keyword %.50q in a context", term)
	}
	name := definition
	if m, ok := definition.(map[string]any); ok {
		name = m["@id"]
		for key, v := range m {
			if !definitionKeys[key] {
				return fmt.Errorf("the keyword %.50q in the definition of a term", key)
			}
			if c, ok := v.(string); key == "@container" && (!ok || c != "@list" && c != "@set" && c != "@language") {
				return errors.New("a container of another kind")
			}
		}
	}
	if s, ok := name.(string); ok && strings.HasPrefix(s, "@") && s != "@id" && s != "@type" {
		return fmt.Errorf("another name for %.50q", s)
	}
	return nil
}

// walker checks an expanded document.
type walker struct {
	described map[string]bool // Names of objects that have members.
	named     []string        // All names, but the root's as the root.
	nodes     int
	inside    int // Nameless objects in nameless ones.
}

// checkExpanded refuses what would be left out of the graph although a reader of JSON
// sees it, as names that are no addresses, and objects that stand in several places.
func checkExpanded(expanded []any) error {
	if len(expanded) != 1 {
		return errors.New("not one document")
	}
	root, ok := expanded[0].(map[string]any)
	if !ok {
		return errors.New("not an object")
	}
	id, ok := root["@id"].(string)
	if !ok {
		return errors.New("a document without an id")
	}
	w := &walker{described: map[string]bool{}}
	if err := w.object(root, 0, 0); err != nil {
		return err
	}
	for _, name := range w.named[1:] {
		if name == id {
			return errors.New("a document that speaks of itself")
		}
	}
	return nil
}

// object checks a node. nameless is how many nameless ones stand around it.
func (w *walker) object(o map[string]any, depth, nameless int) error {
	if w.nodes++; w.nodes > maxNodes || depth > maxDepth {
		return errors.New("too large or too deep")
	}
	if id, named := o["@id"]; named {
		name, ok := id.(string)
		if !ok || !absolute(name) {
			return fmt.Errorf("the name %.100v is no address", id)
		}
		w.named = append(w.named, name)
		if len(o) > 1 {
			if w.described[name] {
				return fmt.Errorf("%.100s stands in several places", name)
			}
			w.described[name] = true
		}
		nameless = 0
	} else if nameless++; nameless > maxNamelessIn {
		return errors.New("too many nameless objects in each other")
	}
	inside := 0
	for key, v := range o {
		switch {
		case key == "@id":
		case key == proofProperty:
			if count(v) > maxProofNodes {
				return errors.New("a proof of many parts")
			}
		case key == "@type":
			types, ok := v.([]any)
			if !ok {
				return errors.New("a type of no kind")
			}
			for _, t := range types {
				if name, ok := t.(string); !ok || !absolute(name) && !strings.HasPrefix(name, "_:") {
					return fmt.Errorf("the type %.100v is no address", t)
				}
			}
		case strings.HasPrefix(key, "@"):
			return fmt.Errorf("the keyword %.50q", key)
		case !absolute(key) && !unsigned(key):
			return fmt.Errorf("the property %.100q is no address", key)
		default:
			list, ok := v.([]any)
			if !ok {
				return errors.New("a property of no kind")
			}
			n, err := w.values(list, depth, nameless)
			if err != nil {
				return err
			}
			inside += n
		}
	}
	if nameless > 0 {
		w.inside += inside
		if inside > maxInside || w.inside > maxInsideAll {
			return errors.New("too many nameless objects in a nameless one")
		}
	}
	return nil
}

// values checks a property's values and tells how many are nameless objects.
func (w *walker) values(list []any, depth, nameless int) (n int, err error) {
	for _, v := range list {
		o, ok := v.(map[string]any)
		if !ok {
			return 0, errors.New("a value of no kind")
		}
		if inner, ok := o["@list"]; ok {
			entries, ok := inner.([]any)
			if !ok || len(o) > 1 {
				return 0, errors.New("a list of no kind")
			}
			m, err := w.values(entries, depth+1, nameless)
			if err != nil {
				return 0, err
			}
			n += m
			continue
		}
		if _, ok := o["@value"]; ok {
			if err := checkValue(o); err != nil {
				return 0, err
			}
			continue
		}
		if _, named := o["@id"]; !named {
			n++
		}
		if err := w.object(o, depth+1, nameless); err != nil {
			return 0, err
		}
	}
	return n, nil
}

func checkValue(o map[string]any) error {
	for key, v := range o {
		switch key {
		case "@value":
			switch v.(type) {
			case string, bool, float64:
			default:
				return errors.New("a value of no kind")
			}
		case "@language":
			if s, ok := v.(string); !ok || !isLanguage(s) {
				return fmt.Errorf("the language %.50v", v)
			}
		case "@type":
			if s, ok := v.(string); !ok || !absolute(s) {
				return fmt.Errorf("the type %.100v is no address", v)
			}
		default:
			return fmt.Errorf("the keyword %.50q in a value", key)
		}
	}
	return nil
}

// isLanguage tells whether s has the form of a language tag.
func isLanguage(s string) bool {
	for i, part := range strings.Split(s, "-") {
		if part == "" || len(part) > 8 {
			return false
		}
		for _, c := range []byte(part) {
			if letter := c|0x20 >= 'a' && c|0x20 <= 'z'; !letter && (i == 0 || c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}

// absolute tells whether s is an address that the graph keeps.
func absolute(s string) bool {
	if ld.IsRelativeIri(s) || strings.HasPrefix(s, "_:") || strings.ContainsAny(s, " <>\"{}|\\^`") {
		return false
	}
	if strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") {
		return ld.IsURL(s)
	}
	scheme, _, ok := strings.Cut(s, ":")
	return ok && scheme != ""
}

// readingContext is what documents are read with: ActivityStreams, and the names of
// what others add to it whose form the graph does not keep.
var readingContext = map[string]any{
	"@context": []any{"https://www.w3.org/ns/activitystreams", map[string]any{
		"toot":       "http://joinmastodon.org/ns#",
		"focalPoint": map[string]any{"@id": "toot:focalPoint", "@container": "@list"},
	}},
}

// compact brings an expanded document back into the form that is read here.
func compact(expanded []any) ([]byte, error) {
	doc, err := ld.NewJsonLdProcessor().Compact(expanded, readingContext, ldOptions())
	if err != nil {
		return nil, err
	}
	return json.Marshal(doc, json.Deterministic(true))
}
