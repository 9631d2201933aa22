package contract

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// typ is a parsed type expression.
type typ struct {
	kind string // alt, array, map, object, entity, or a scalar's name
	name string // Of an entity.
	elem *typ   // Of an array or map.
	alts []*typ
	node *node // Of an object.
}

// scalars are the types that checkScalar knows.
var scalars = []string{"String", "Integer", "Float", "Number", "Boolean", "Hash", "Null", "Any", "Empty"}

func mustType(expr string) *typ {
	t, err := parseType(expr)
	if err != nil {
		panic(err)
	}
	return t
}

// parseType reads an expression:
//
//	type  = one *( "|" one )
//	one   = "Array of " one / "Hash of String to " one / object / NAME
//	object = "{" name ": " type *( ", " name ": " type ) "}"
func parseType(expr string) (*typ, error) {
	t, rest, err := parseAlternatives(expr)
	if err == nil && rest != "" {
		err = fmt.Errorf("what follows %q is not understood", strings.TrimSuffix(expr, rest))
	}
	if err != nil {
		return nil, fmt.Errorf("type %q: %w", expr, err)
	}
	return t, nil
}

func parseAlternatives(s string) (*typ, string, error) {
	t, rest, err := parseOne(s)
	if err != nil || !strings.HasPrefix(rest, "|") {
		return t, rest, err
	}
	alt := &typ{kind: "alt", alts: []*typ{t}}
	for strings.HasPrefix(rest, "|") {
		if t, rest, err = parseOne(rest[1:]); err != nil {
			return nil, "", err
		}
		alt.alts = append(alt.alts, t)
	}
	return alt, rest, nil
}

func parseOne(s string) (*typ, string, error) {
	for prefix, kind := range map[string]string{"Array of ": "array", "Hash of String to ": "map"} {
		if after, ok := strings.CutPrefix(s, prefix); ok {
			elem, rest, err := parseOne(after)
			return &typ{kind: kind, elem: elem}, rest, err
		}
	}
	if strings.HasPrefix(s, "{") {
		return parseObject(s[1:])
	}
	end := strings.IndexAny(s, "|,}")
	if end < 0 {
		end = len(s)
	}
	name, rest := s[:end], s[end:]
	switch {
	case name == "":
		return nil, "", fmt.Errorf("a name is missing before %q", rest)
	case slices.Contains(scalars, name):
		return &typ{kind: name}, rest, nil
	}
	return &typ{kind: "entity", name: name}, rest, nil
}

func parseObject(s string) (*typ, string, error) {
	n := &node{keys: map[string]*key{}}
	for {
		name, after, ok := strings.Cut(s, ": ")
		if !ok {
			return nil, "", fmt.Errorf("no name in %q", s)
		}
		t, rest, err := parseAlternatives(after)
		if err != nil {
			return nil, "", err
		}
		n.keys[name] = &key{typ: t}
		if after, ok := strings.CutPrefix(rest, ", "); ok {
			s = after
			continue
		}
		if after, ok := strings.CutPrefix(rest, "}"); ok {
			return &typ{kind: "object", node: n}, after, nil
		}
		return nil, "", fmt.Errorf("no end of the object in %q", rest)
	}
}

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("the string %.60q", v)
	case json.Number:
		return "the number " + v.String()
	case bool:
		return fmt.Sprintf("%t", v)
	case []any:
		return "an array"
	}
	return "an object"
}

func checkScalar(kind string, v any, a attribute) error {
	ok := false
	switch kind {
	case "Any":
		return nil
	case "Null":
		ok = v == nil
	case "Boolean":
		_, ok = v.(bool)
	case "Hash":
		_, ok = v.(map[string]any)
	case "Empty":
		m, isMap := v.(map[string]any)
		ok = isMap && len(m) == 0
	case "Integer":
		n, isNumber := v.(json.Number)
		f, err := n.Float64()
		ok = isNumber && err == nil && f == math.Trunc(f) && !strings.ContainsAny(n.String(), ".eE")
		if ok {
			return checkFormat(a, n.String())
		}
	case "Float", "Number":
		var n json.Number
		if n, ok = v.(json.Number); ok {
			return checkFormat(a, n.String())
		}
	case "String":
		var s string
		if s, ok = v.(string); ok {
			return checkFormat(a, s)
		}
	}
	if !ok {
		return fmt.Errorf("%s, want %s", kindOf(v), kind)
	}
	return nil
}

// formats are the notations of strings. html and the like have none to check.
var formats = map[string]*regexp.Regexp{
	"id":             regexp.MustCompile(`^\S+$`),
	"datetime":       regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)$`),
	"date":           regexp.MustCompile(`^\d{4}-\d\d-\d\d$`),
	"language":       regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]+)*$`),
	"integer-string": regexp.MustCompile(`^\d+$`),
	"unix-timestamp": regexp.MustCompile(`^\d+$`),
	"sha256":         regexp.MustCompile(`^[0-9a-f]{64}$`),
	"blurhash":       regexp.MustCompile(`^[0-9A-Za-z#$%*+,\-.:;=?@\[\]^_{|}~]{6,}$`),
	"email":          regexp.MustCompile(`^$|^[^@\s]+@[^@\s]+$`), // "" when the server has no contact.
}

func checkFormat(a attribute, s string) error {
	if len(a.Enum) > 0 && !slices.Contains(a.Enum, s) && !strings.HasPrefix(s, "pleroma:") { // A kind of notification that Pleroma added.
		return fmt.Errorf("%q, want one of %s", s, strings.Join(a.Enum, ", "))
	}
	ok := true
	switch a.Format {
	case "url":
		if s != "" { // Where there is none and null is not allowed, as in cards.
			u, err := url.Parse(s)
			ok = err == nil && u.Scheme != ""
		}
	case "ip":
		_, err := netip.ParseAddr(s)
		_, perr := netip.ParsePrefix(s)
		ok = err == nil || perr == nil
	case "date-or-datetime":
		ok = formats["date"].MatchString(s) || formats["datetime"].MatchString(s)
	default:
		if re := formats[a.Format]; re != nil {
			ok = re.MatchString(s)
		}
	}
	if a.Format == "id" {
		// Ours are decimal and fit 64 bits; apps compare them by length, then by text.
		_, err := strconv.ParseInt(s, 10, 64)
		ok = ok && (err == nil || !decimal.MatchString(s))
	}
	if !ok {
		return fmt.Errorf("%q is no %s", s, a.Format)
	}
	return nil
}

var decimal = regexp.MustCompile(`^\d+$`)
