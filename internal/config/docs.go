package config

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"reflect"
	"strings"

	"kenoma/internal/policy"
)

// List returns every setting with its value and where it comes from, in order.
func List(file string, environ []string) ([]*Setting, error) {
	_, all, err := load(file, environ)
	if err != nil {
		return nil, err
	}
	return all, document(all)
}

// Print writes the settings in force, secrets masked.
func Print(w io.Writer, file string, environ []string) error {
	all, err := List(file, environ)
	if err != nil {
		return err
	}
	for _, s := range all {
		value := s.Value
		if s.Secret && value != "" {
			value = "(set)"
		}
		if _, err := fmt.Fprintf(w, "%-32s = %-30q # %s\n", s.Key, value, s.From); err != nil {
			return err
		}
	}
	return nil
}

// Docs writes the manual of all settings as Markdown.
func Docs(w io.Writer) error {
	all := settings(reflect.ValueOf(&Config{}).Elem(), "")
	if err := document(all); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("# Configuration\n\nMade by `kenoma config docs` from the settings' own documentation.\n\n" +
		"Settings are read from the environment, then from the TOML file that `--config` names, then from the defaults below. " +
		"An empty variable counts as not set. An unknown key or a bad value stops the start and says where it stands.\n")
	section := "?"
	for _, s := range all {
		group := s.Key[:max(strings.LastIndexByte(s.Key, '.'), 0)]
		if group != section {
			section = group
			if group == "" {
				b.WriteString("\n## General\n")
			} else {
				fmt.Fprintf(&b, "\n## [%s]\n", group)
			}
		}
		fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n- Variable: `%s`\n- Allowed: %s\n", s.Key, s.Doc, s.Env, s.Allowed)
		if s.Default != "" {
			fmt.Fprintf(&b, "- Default: `%s`\n", s.Default)
		} else {
			b.WriteString("- Default: empty\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// document fills Doc from the comments in the sources.
func document(all []*Setting) error {
	docs := map[string]string{} // By the field's type and key.
	if err := comments("config.go", source, docs); err != nil {
		return err
	}
	files, err := policy.Sources.ReadDir(".")
	if err != nil {
		return err
	}
	for _, f := range files {
		text, err := policy.Sources.ReadFile(f.Name())
		if err != nil {
			return err
		}
		if err := comments(f.Name(), string(text), docs); err != nil {
			return err
		}
	}
	for _, s := range all {
		s.Doc = docs[s.owner+"."+s.Key[strings.LastIndexByte(s.Key, '.')+1:]]
	}
	return nil
}

// comments adds the comments of a source's settings to docs.
func comments(name, text string, docs map[string]string) error {
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
	if err != nil {
		return err
	}
	ast.Inspect(f, func(n ast.Node) bool {
		t, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if st, ok := t.Type.(*ast.StructType); ok {
			for _, field := range st.Fields.List {
				if field.Tag != nil && len(field.Names) == 1 {
					tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`"))
					docs[t.Name.Name+"."+tag.Get("key")] = manual(field, tag.Get("key"))
				}
			}
		}
		return false
	})
	return nil
}

// manual is the comment of a field as its reader wants it: with the setting's name,
// not Go's.
func manual(field *ast.Field, key string) string {
	text := strings.Join(strings.Fields(field.Doc.Text()), " ")
	if rest, ok := strings.CutPrefix(text, field.Names[0].Name+" "); ok {
		return "`" + key + "` " + rest
	}
	return text
}
