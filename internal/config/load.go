package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// Size is a number of bytes: "16MB", "1GB", "500KB", "2048".
type Size int64

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	Where   string // "kenoma.toml:3", or the name of the variable.
	Key     string
	What    string
	Allowed string // What would be right.
}

// Problems is everything that is wrong, which stops the start.
type Problems []Problem

// Error lists the problems, a line each.
func (ps Problems) Error() string {
	var lines []string
	for _, p := range ps {
		line := p.Where + ": " + p.Key + ": " + p.What
		if p.Allowed != "" {
			line += "; allowed: " + p.Allowed
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// Setting is one key with its present value.
type Setting struct {
	Key, Env, Default, Value string
	From                     string // "default", the file with the line, "environment", or "follows from …".
	Doc                      string
	Allowed                  string
	Secret                   bool
	owner                    string // The type whose field it is.
	field                    reflect.Value
	tag                      reflect.StructTag
}

// Prefix begins the names of the environment's variables.
const Prefix = "KENOMA_"

// foreign variables share the prefix but are no settings.
var foreign = []string{"KENOMA_CONFIG", "KENOMA_TEST_", "KENOMA_BIN", "KENOMA_BENCH_"}

// Load reads the settings: environment (a list as os.Environ gives) over file (""
// means none) over defaults. The error is Problems where the admin has to mend
// something.
func Load(file string, environ []string) (*Config, error) {
	c, _, err := load(file, environ)
	return c, err
}

func load(file string, environ []string) (*Config, []*Setting, error) {
	c := &Config{}
	all := settings(reflect.ValueOf(c).Elem(), "")
	byKey, byEnv := map[string]*Setting{}, map[string]*Setting{}
	var problems Problems
	for _, s := range all {
		byKey[s.Key], byEnv[s.Env] = s, s
		if err := s.set(s.Default, "default"); err != nil {
			return nil, nil, fmt.Errorf("default of %s: %w", s.Key, err)
		}
	}
	if file != "" {
		entries, err := readFile(file)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range entries {
			where := fmt.Sprintf("%s:%d", file, e.line)
			s := byKey[e.key]
			if s == nil {
				problems = append(problems, Problem{where, e.key, "there is no such setting", nearest(e.key, all)})
			} else if err := s.set(e.value, where); err != nil {
				problems = append(problems, Problem{where, e.key, err.Error(), s.Allowed})
			}
		}
	}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, Prefix) || value == "" || slices.ContainsFunc(foreign, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		s := byEnv[name]
		if s == nil {
			problems = append(problems, Problem{"environment", name, "there is no such setting", ""})
		} else if err := s.set(value, "environment"); err != nil {
			problems = append(problems, Problem{"environment", name, err.Error(), s.Allowed})
		}
	}
	if len(problems) == 0 {
		problems = c.complete(byKey)
	}
	if len(problems) > 0 {
		return nil, nil, problems
	}
	c.from = map[string]string{}
	for _, s := range all {
		c.from[s.Key] = s.From
	}
	return c, all, nil
}

// complete fills what follows from other settings, and says what does not fit
// together.
func (c *Config) complete(byKey map[string]*Setting) (problems Problems) {
	c.URL = strings.TrimRight(c.URL, "/")
	byKey["url"].Value = c.URL
	if s := byKey["domain"]; c.Domain == "" {
		_, c.Domain, _ = strings.Cut(c.URL, "://")
		s.Value, s.From = c.Domain, "follows from url"
	}
	if s := byKey["database"]; c.Database == "" {
		c.Database = "sqlite:" + filepath.Join(c.DataDir, "kenoma.db")
		s.Value, s.From = c.Database, "follows from data_dir"
	}
	if !slices.ContainsFunc([]string{"sqlite:", "postgres://", "postgresql://"}, func(p string) bool { return strings.HasPrefix(c.Database, p) }) {
		s := byKey["database"]
		problems = append(problems, Problem{s.From, s.Key, fmt.Sprintf("%q is no database", c.Database), "sqlite:PATH or postgres://…"})
	}
	if c.SMTP.Host != "" && c.SMTP.From == "" {
		problems = append(problems, Problem{byKey["smtp.host"].From, "smtp.from", "mail needs a sender", "an address such as kenoma@example.org"})
	}
	return problems
}

// entry is one line of the file.
type entry struct {
	key, value string
	line       int
}

// readFile returns the keys of a TOML file, dotted, with their lines.
func readFile(file string) ([]entry, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var whole map[string]any
	if err := toml.Unmarshal(text, &whole); err != nil {
		var d *toml.DecodeError
		if errors.As(err, &d) {
			row, _ := d.Position()
			return nil, Problems{{fmt.Sprintf("%s:%d", file, row), strings.Join(d.Key(), "."), d.Error(), "TOML: key = \"value\""}}
		}
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	lines := keyLines(text)
	var entries []entry
	flatten("", whole, func(key string, v any) {
		line, at := 0, key
		for line == 0 && at != "" { // What stands in an inline table has the line of its table.
			line, at = lines[at], at[:max(strings.LastIndexByte(at, '.'), 0)]
		}
		entries = append(entries, entry{key, plain(v), line})
	})
	sort.Slice(entries, func(i, j int) bool { return entries[i].line < entries[j].line })
	return entries, nil
}

// keyLines returns in which line each dotted key stands.
func keyLines(text []byte) map[string]int {
	lines := map[string]int{}
	p := unstable.Parser{}
	p.Reset(text)
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		var parts []string
		offset := uint32(0)
		for it := e.Key(); it.Next(); {
			if len(parts) == 0 {
				offset = it.Node().Raw.Offset
			}
			parts = append(parts, string(it.Node().Data))
		}
		key := strings.Join(parts, ".")
		line := strings.Count(string(text[:min(int(offset), len(text))]), "\n") + 1
		if e.Kind == unstable.Table || e.Kind == unstable.ArrayTable {
			table, lines[key] = key+".", line
			continue
		}
		lines[table+key] = line
	}
	return lines
}

func flatten(prefix string, m map[string]any, visit func(string, any)) {
	for k, v := range m {
		if sub, ok := v.(map[string]any); ok {
			flatten(prefix+k+".", sub, visit)
		} else {
			visit(prefix+k, v)
		}
	}
}

// mark begins every part of a list from the file, whose parts may hold commas.
const mark = "\x00"

// plain is a TOML value as it would stand in the environment; see mark.
func plain(v any) string {
	if list, ok := v.([]any); ok {
		var parts []string
		for _, one := range list {
			parts = append(parts, fmt.Sprint(one))
		}
		return mark + strings.Join(parts, mark)
	}
	return fmt.Sprint(v)
}

// settings lists the fields below v.
func settings(v reflect.Value, prefix string) []*Setting {
	var all []*Setting
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Tag.Get("key") == "" {
			continue // Not a setting.
		}
		key := prefix + f.Tag.Get("key")
		if f.Type.Kind() == reflect.Struct {
			all = append(all, settings(v.Field(i), key+".")...)
			continue
		}
		all = append(all, &Setting{Key: key, Env: Prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_")), Default: f.Tag.Get("default"),
			Secret: f.Tag.Get("secret") == "true", Allowed: allowed(f), owner: v.Type().Name(), field: v.Field(i), tag: f.Tag})
	}
	return all
}

// allowed says in words what a field takes.
func allowed(f reflect.StructField) string {
	between := func(what string) string {
		low, high := f.Tag.Get("min"), f.Tag.Get("max")
		switch {
		case low != "" && high != "":
			return what + " from " + low + " to " + high
		case low != "":
			return what + " of at least " + low
		}
		return what
	}
	switch f.Type {
	case reflect.TypeFor[time.Duration]():
		return between("a time such as 90s, 12h or 7d")
	case reflect.TypeFor[Size]():
		return between("a size such as 500KB, 16MB or 1GB")
	case reflect.TypeFor[[]netip.Prefix]():
		return "networks such as 10.0.0.0/8"
	case reflect.TypeFor[[]string]():
		if each := f.Tag.Get("each"); each != "" {
			return "a list of " + strings.ReplaceAll(each, ",", ", ")
		}
		return "a list"
	}
	switch {
	case f.Tag.Get("enum") != "":
		return strings.ReplaceAll(f.Tag.Get("enum"), ",", ", ")
	case f.Tag.Get("kind") != "":
		return kinds[f.Tag.Get("kind")].allowed
	case f.Type.Kind() == reflect.Bool:
		return "true or false"
	case f.Type.Kind() == reflect.Int:
		return between("a number")
	}
	return "a text"
}

// kinds are what a text may be, by the tag of that name. An empty text is the
// absence of one.
var kinds = map[string]struct {
	allowed string
	valid   func(string) bool
}{
	"url": {"an address such as https://example.org", func(v string) bool {
		u, err := url.Parse(v)
		return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil &&
			strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == ""
	}},
	"host": {"a host such as example.org", func(v string) bool {
		u, err := url.Parse("https://" + v)
		return err == nil && u.Host == v && v == strings.ToLower(v)
	}},
	"listen": {"an address and port such as 127.0.0.1:4000 or :4000", func(v string) bool {
		_, port, err := net.SplitHostPort(v)
		n, errPort := strconv.ParseUint(port, 10, 16)
		return err == nil && errPort == nil && n <= 65535
	}},
}

// set parses value into the field.
func (s *Setting) set(value, from string) error {
	v, err := s.parse(value)
	if err != nil {
		return err
	}
	s.field.Set(v)
	s.Value, s.From = strings.ReplaceAll(strings.TrimPrefix(value, mark), mark, ", "), from
	return nil
}

func (s *Setting) parse(value string) (reflect.Value, error) {
	bad := fmt.Errorf("%q is not right", strings.ReplaceAll(value, mark, " "))
	switch s.field.Interface().(type) {
	case string:
		if strings.Contains(value, mark) {
			return reflect.Value{}, bad
		}
		if list := s.tag.Get("enum"); list != "" && !slices.Contains(strings.Split(list, ","), value) {
			return reflect.Value{}, bad
		}
		if k, ok := kinds[s.tag.Get("kind")]; ok && value != "" && !k.valid(value) {
			return reflect.Value{}, bad
		}
		return reflect.ValueOf(value), nil
	case bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return reflect.Value{}, bad
		}
		return reflect.ValueOf(b), nil
	case int:
		n, err := strconv.Atoi(value)
		if err != nil || !s.inRange(int64(n), func(t string) (int64, error) { return strconv.ParseInt(t, 10, 64) }) {
			return reflect.Value{}, bad
		}
		return reflect.ValueOf(n), nil
	case Size:
		n, err := parseSize(value)
		if err != nil || !s.inRange(n, parseSize) {
			return reflect.Value{}, bad
		}
		return reflect.ValueOf(Size(n)), nil
	case time.Duration:
		n, err := parseDuration(value)
		if err != nil || !s.inRange(n, parseDuration) {
			return reflect.Value{}, bad
		}
		return reflect.ValueOf(time.Duration(n)), nil
	case []string:
		all := list(value)
		if each := s.tag.Get("each"); each != "" {
			for _, one := range all {
				if !slices.Contains(strings.Split(each, ","), one) {
					return reflect.Value{}, fmt.Errorf("%q is not right", one)
				}
			}
		}
		return reflect.ValueOf(all), nil
	case []netip.Prefix:
		var all []netip.Prefix
		for _, one := range list(value) {
			p, err := netip.ParsePrefix(one)
			if err != nil {
				return reflect.Value{}, fmt.Errorf("%q is not right", one)
			}
			all = append(all, p)
		}
		return reflect.ValueOf(all), nil
	}
	return reflect.Value{}, fmt.Errorf("no rule for %s", s.field.Type())
}

// inRange holds n against the tags min and max, which parse reads.
func (s *Setting) inRange(n int64, parse func(string) (int64, error)) bool {
	if low := s.tag.Get("min"); low != "" {
		if m, err := parse(low); err != nil || n < m {
			return false
		}
	}
	if high := s.tag.Get("max"); high != "" {
		if m, err := parse(high); err != nil || n > m {
			return false
		}
	}
	return true
}

// list splits at commas, or at the marks of a list from the file.
func list(value string) []string {
	sep := ","
	if strings.HasPrefix(value, mark) {
		sep = mark
	}
	var all []string
	for _, one := range strings.Split(value, sep) {
		if one = strings.TrimSpace(one); one != "" {
			all = append(all, one)
		}
	}
	return all
}

var units = []struct {
	name string
	n    int64
}{{"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}, {"B", 1}, {"", 1}}

func parseSize(text string) (int64, error) {
	for _, u := range units {
		if number, ok := strings.CutSuffix(strings.ToUpper(text), u.name); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			if err != nil || n < 0 || n > (1<<62)/u.n {
				return 0, fmt.Errorf("%q is no size", text)
			}
			return n * u.n, nil
		}
	}
	return 0, fmt.Errorf("%q is no size", text)
}

func parseDuration(text string) (int64, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16) // 65535 days are 179 years.
		return int64(n) * int64(24*time.Hour), err
	}
	d, err := time.ParseDuration(text)
	return int64(d), err
}

// nearest suggests the setting whose name shares most with key.
func nearest(key string, all []*Setting) string {
	best, most := "", 0
	for _, s := range all {
		n := 0
		for n < len(key) && n < len(s.Key) && key[n] == s.Key[n] {
			n++
		}
		if strings.HasSuffix(s.Key, key) || strings.HasSuffix(key, s.Key) {
			n += 10
		}
		if n > most {
			best, most = s.Key, n
		}
	}
	if most < 3 {
		return "see docs/configuration.md"
	}
	return "perhaps " + best
}
