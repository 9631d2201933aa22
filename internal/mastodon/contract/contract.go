// Package contract checks answers of the client API against the documented
// entities, strictly: required keys, types, nullability, formats, enums, and no
// keys that the documentation doesn't know, except those listed in extensions.
// It is for tests.
package contract

import (
	"bytes"
	_ "embed" // The reference data.
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed testdata/mastodon-entities.json
var entitiesJSON []byte

//go:embed testdata/mastodon-api.tsv
var apiTSV string

// extensions are the keys that any entity ("*") or one of them may have beside
// the documented ones. What is inside of them is not checked.
var extensions = map[string][]string{
	"*":      {"pleroma"},
	"Status": {"local_only"},
	"MediaAttachment": {"meta.original", "meta.small", "meta.length", "meta.duration", "meta.fps", "meta.size", "meta.width", "meta.height", "meta.aspect",
		"meta.audio_encode", "meta.audio_bitrate", "meta.audio_channels", "meta.colors"},
	"Token":        {"me", "id", "refresh_token", "expires_in"},
	"Application":  {"id", "client_id", "client_secret"},
	"V1::Instance": {"max_toot_chars", "max_media_attachments", "poll_limits", "upload_limit", "avatar_upload_limit", "background_upload_limit", "banner_upload_limit", "description_limit", "vapid_public_key"},
	"Account":      {"fqn"},
	// Of the kinds that Pleroma added, and where an account moved.
	"Notification": {"emoji", "emoji_url", "target"}, "NotificationGroup": {"emoji", "emoji_url"},
	"PreviewCard":  {"language", "image_description"},                          // Mastodon sends them, its reference lacks them.
	"Trends::Link": {"language", "image_description", "id", "requires_review"}, // The last two for moderators.
}

// furtherValues are values of enums that the reference lacks, by entity and key.
var furtherValues = map[string][]string{
	"Notification.type":      {"move"}, // Pleroma's.
	"NotificationGroup.type": {"move"},
}

// attribute is one documented key of an entity. Its name is a path through nested
// objects, joined by dots.
type attribute struct {
	Type     string   `json:"type"`
	Nullable bool     `json:"nullable"`
	Optional bool     `json:"optional"`
	Removed  *string  `json:"removed"`
	Format   string   `json:"format"`
	Enum     []string `json:"enum"`
	Unless   string   `json:"unless"` // May be left out where this sibling is.
	Keys     []string `json:"keys"`   // The path, where a part holds a dot.
}

type entity struct {
	Extends    string               `json:"extends"`
	Attributes map[string]attribute `json:"attributes"`
}

// node is an entity or a nested object, with its keys.
type node struct {
	name string // Of the entity.
	path string // Within it, "" for the entity itself.
	keys map[string]*key
}

type key struct {
	attribute
	typ  *typ
	node *node // Of a Hash with known keys, else nil.
}

type reference struct {
	nodes map[string]*node
	calls []call
}

var load = sync.OnceValue(func() *reference {
	var entities map[string]entity
	if err := json.Unmarshal(entitiesJSON, &entities); err != nil {
		panic(err)
	}
	ref := &reference{nodes: map[string]*node{}, calls: append(parseCalls(apiTSV), older...)}
	for name := range entities {
		ref.nodes[name] = buildNode(entities, name)
	}
	return ref
})

// buildNode makes the tree of an entity, those that it extends included.
func buildNode(entities map[string]entity, name string) *node {
	root := &node{name: name, keys: map[string]*key{}}
	for e := name; e != ""; e = entities[e].Extends {
		paths := make([]string, 0, len(entities[e].Attributes))
		for path := range entities[e].Attributes {
			paths = append(paths, path)
		}
		// Parents stand before their children.
		slices.SortFunc(paths, func(a, b string) int {
			return strings.Count(a, ".") - strings.Count(b, ".")
		})
		for _, path := range paths {
			root.add(path, entities[e].Attributes[path])
		}
	}
	return root
}

func (n *node) add(path string, a attribute) {
	if more := furtherValues[n.name+"."+path]; len(a.Enum) > 0 {
		a.Enum = append(slices.Clone(a.Enum), more...)
	}
	parts := a.Keys
	if parts == nil {
		parts = strings.Split(path, ".")
	}
	at := n
	for _, part := range parts[:len(parts)-1] {
		parent := at.keys[part]
		if parent == nil { // Named only by its children.
			parent = &key{attribute: attribute{Type: "Hash"}, typ: mustType("Hash")}
			at.keys[part] = parent
		}
		if parent.node == nil {
			parent.node = &node{name: n.name, path: join(at.path, part), keys: map[string]*key{}}
		}
		at = parent.node
	}
	last := parts[len(parts)-1]
	if at.keys[last] == nil {
		at.keys[last] = &key{attribute: a, typ: mustType(a.Type)}
	}
}

func join(path, part string) string {
	if path == "" {
		return part
	}
	return path + "." + part
}

// extended tells whether the key may be there although nothing documents it.
func (n *node) extended(k string) bool {
	full := join(n.path, k)
	if strings.HasPrefix(k, "pleroma:") { // Kinds of notifications that Pleroma added.
		return true
	}
	if slices.Contains(extensions["*"], k) || slices.Contains(extensions[n.name], full) {
		return true
	}
	if strings.HasSuffix(n.name, "Account") && slices.Contains(extensions["Account"], full) {
		return true
	}
	return strings.HasSuffix(n.name, "Application") && slices.Contains(extensions["Application"], full)
}

// Check tells whether body is what the type expression says, such as "Status" or
// "Array of Account". The error names every violation by its place.
func Check(returns string, body []byte) error {
	t, err := parseType(returns)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return fmt.Errorf("%s: not JSON: %w", returns, err)
	}
	if dec.More() {
		return fmt.Errorf("%s: more than one JSON value", returns)
	}
	c := checker{ref: load()}
	c.value(returns, t, v, attribute{})
	return errors.Join(c.errs...)
}

// checker collects what is wrong, up to maxErrors.
type checker struct {
	ref  *reference
	errs []error
}

const maxErrors = 20

func (c *checker) fail(place, format string, args ...any) {
	if len(c.errs) < maxErrors {
		c.errs = append(c.errs, fmt.Errorf("%s: %s", place, fmt.Sprintf(format, args...)))
	}
}

// value checks v against t; a gives format and enum for strings.
func (c *checker) value(place string, t *typ, v any, a attribute) {
	switch t.kind {
	case "alt":
		c.alternative(place, t, v, a)
	case "array":
		list, ok := v.([]any)
		if !ok {
			c.fail(place, "%s, want an array", kindOf(v))
			return
		}
		for i, item := range list {
			c.value(fmt.Sprintf("%s[%d]", place, i), t.elem, item, a)
		}
	case "map":
		m, ok := v.(map[string]any)
		if !ok {
			c.fail(place, "%s, want an object", kindOf(v))
			return
		}
		for k, item := range m {
			c.value(place+"."+k, t.elem, item, a)
		}
	case "object":
		c.object(place, t.node, v)
	case "entity":
		n := c.ref.nodes[t.name]
		if n == nil {
			c.fail(place, "no entity is called %s", t.name)
			return
		}
		c.object(place, n, v)
	default:
		if err := checkScalar(t.kind, v, a); err != nil {
			c.fail(place, "%v", err)
		}
	}
}

// alternative succeeds when any of t's choices does, else it reports the first.
func (c *checker) alternative(place string, t *typ, v any, a attribute) {
	var first []error
	for _, choice := range t.alts {
		one := checker{ref: c.ref}
		one.value(place, choice, v, a)
		if len(one.errs) == 0 {
			return
		}
		if first == nil {
			first = one.errs
		}
	}
	for _, err := range first {
		c.fail(place, "none of the alternatives fits: %v", err)
	}
}

func (c *checker) object(place string, n *node, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		c.fail(place, "%s, want an object", kindOf(v))
		return
	}
	for name, k := range n.keys {
		item, there := m[name]
		if !there {
			_, instead := m[k.Unless]
			if !k.Optional && k.Removed == nil && !(k.Unless != "" && instead) {
				c.fail(place, "lacks %q", name)
			}
			continue
		}
		c.attribute(place+"."+name, k, item)
	}
	for name := range m {
		if n.keys[name] == nil && !n.extended(name) {
			c.fail(place, "has %q, which is not documented", name)
		}
	}
}

func (c *checker) attribute(place string, k *key, v any) {
	if v == nil {
		if !k.Nullable && k.typ.kind != "Null" && k.typ.kind != "Any" {
			c.fail(place, "null, want %s", k.Type)
		}
		return
	}
	if k.node == nil {
		c.value(place, k.typ, v, k.attribute)
		return
	}
	if k.typ.kind == "array" {
		list, ok := v.([]any)
		if !ok {
			c.fail(place, "%s, want an array", kindOf(v))
		}
		for i, item := range list {
			c.object(fmt.Sprintf("%s[%d]", place, i), k.node, item)
		}
		return
	}
	c.object(place, k.node, v)
}
