package config

import "reflect"

// byDefault is where a setting comes from that neither file nor environment has.
const byDefault = "default"

// Site returns the settings that admins may change in the database while the server
// runs. Those that file or environment have stay as they are there: Editable tells.
func (c *Config) Site() []*Setting {
	var list []*Setting
	for _, s := range settings(reflect.ValueOf(c).Elem(), "") {
		if s.tag.Get("site") == "true" {
			s.Value, s.From = s.field.String(), c.from[s.Key]
			list = append(list, s)
		}
	}
	return list
}

// Editable tells whether neither file nor environment has the setting.
func (s *Setting) Editable() bool { return s.From == byDefault }

// Check tells what is wrong with a value; nil nothing.
func (s *Setting) Check(value string) error {
	_, err := s.parse(value)
	return err
}
