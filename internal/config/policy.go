package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"kenoma/internal/policy"
)

// policyPrefix begins the keys of the policies' settings.
const policyPrefix = "policy."

// PolicySettings returns the settings of the policies, with the values of the database
// (JSON, by key without "policy.") over those that neither file nor environment has.
// Values that are not right are left out and named.
func (c *Config) PolicySettings(values map[string]string) (*policy.Settings, []policy.Setting, []error) {
	next := c.Policy
	all := settings(reflect.ValueOf(&next).Elem(), policyPrefix)
	if err := document(all); err != nil {
		return &next, nil, []error{err}
	}
	var list []policy.Setting
	var problems []error
	for _, s := range all {
		key := strings.TrimPrefix(s.Key, policyPrefix)
		one := policy.Setting{Key: key, Default: s.Default, From: c.from[s.Key], Allowed: s.Allowed, Doc: s.Doc}
		one.Locked = one.From != byDefault && one.From != ""
		if text, ok := values[key]; ok && !one.Locked {
			value, err := plainJSON(text)
			if err == nil {
				err = s.set(value, "database")
			}
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w; allowed: %s", key, err, s.Allowed))
			} else {
				one.From = "database"
			}
		}
		one.Value = s.field.Interface()
		switch v := one.Value.(type) {
		case time.Duration:
			one.Value = v.String()
		case []string:
			one.Value = append([]string{}, v...)
		}
		list = append(list, one)
	}
	return &next, list, problems
}

// plainJSON is a JSON value as the environment would have it.
func plainJSON(text string) (string, error) {
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("%q is no JSON", text)
	}
	switch v := v.(type) {
	case map[string]any, nil:
		return "", fmt.Errorf("%s is not right", text)
	case []any:
		for _, one := range v {
			if s, ok := one.(string); !ok || strings.Contains(s, mark) {
				return "", fmt.Errorf("%s is no list of texts", text)
			}
		}
	}
	return plain(v), nil
}
