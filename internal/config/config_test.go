package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestLoadOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kenoma.toml")
	write(t, file, "url = \"https://file.test\"\nlisten = \"0.0.0.0:1\"\n[media]\nremote_ttl = \"7d\"\n[instance]\nrules = [\"Be kind, always\"]\n")
	c, err := Load(file, []string{"KENOMA_LISTEN=0.0.0.0:2", "KENOMA_DATA_DIR=", "KENOMA_FEDERATION_ALLOW_NETWORKS=10.0.0.0/8, 192.168.0.0/16"})
	if err != nil {
		t.Fatal(err)
	}
	if c.URL != "https://file.test" || c.Listen != "0.0.0.0:2" || c.DataDir != "./data" || c.Domain != "file.test" {
		t.Errorf("url %q, listen %q, data_dir %q, domain %q", c.URL, c.Listen, c.DataDir, c.Domain)
	}
	if c.Media.RemoteTTL != 7*24*time.Hour || len(c.Federation.AllowNetworks) != 2 {
		t.Errorf("remote_ttl %v, allow_networks %v", c.Media.RemoteTTL, c.Federation.AllowNetworks)
	}
	if want := []string{"Be kind, always"}; !reflect.DeepEqual(c.Instance.Rules, want) {
		t.Errorf("rules %q, want %q", c.Instance.Rules, want)
	}
	if c.Database != "sqlite:data/kenoma.db" {
		t.Errorf("database %q", c.Database)
	}
}

func TestProblems(t *testing.T) {
	for _, tt := range []struct {
		name, text, env string
		where, key      string
		allowed         string
	}{
		{"an unknown key", "url = \"https://a.test\"\nlisen = \"x\"\n", "", ":2", "lisen", "listen"},
		{"an unknown key in a table", "[media]\n\nmax_imag = \"1MB\"\n", "", ":3", "media.max_imag", "media.max_image"},
		{"a bad choice", "registrations = \"maybe\"\n", "", ":1", "registrations", "open, approval, invite, closed"},
		{"a bad size", "[media]\nmax_image = \"big\"\n", "", ":2", "media.max_image", "16MB"},
		{"a number beyond its bounds", "[limits]\nstatus_characters = 0\n", "", ":2", "limits.status_characters", "from 1 to 100000"},
		{"a url with a path", "url = \"https://a.test/x\"\n", "", ":1", "url", "https://example.org"},
		{"a time below its bound", "[media]\nremote_ttl = \"1m\"\n", "", ":2", "media.remote_ttl", "at least 1h"},
		{"a bad variable", "", "KENOMA_FEDERATION_ALLOW_HTTP=perhaps", "environment", "KENOMA_FEDERATION_ALLOW_HTTP", "true or false"},
		{"an unknown variable", "", "KENOMA_LISTN=x", "environment", "KENOMA_LISTN", ""},
		{"no TOML", "url = \n", "", ":1", "", "TOML"},
		{"no database", "", "KENOMA_DATABASE=mysql://x", "environment", "database", "postgres://"},
		{"no database, in the file", "# mine\ndatabase = \"mysql://x\"\n", "", ":2", "database", "sqlite:PATH"},
		{"an inline table", "\nmedia = {max_image = \"big\"}\n", "", ":2", "media.max_image", "16MB"},
		{"a dotted key", "\nmedia.max_image = \"big\"\n", "", ":2", "media.max_image", "16MB"},
		{"a list of tables", "[[media]]\nmax_image = \"1MB\"\n", "", ":1", "media", "media."},
		{"a list where a text belongs", "data_dir = [\"a\", \"b\"]\n", "", ":1", "data_dir", "a text"},
		{"a network without its size", "trusted_proxies = [\"10.0.0.1\"]\n", "", ":1", "trusted_proxies", "10.0.0.0/8"},
		{"no port", "listen = \"127.0.0.1\"\n", "", ":1", "listen", ":4000"},
		{"a port beyond the last", "", "KENOMA_ADMIN_LISTEN=:70000", "environment", "KENOMA_ADMIN_LISTEN", ":4000"},
		{"a domain that is an address", "domain = \"https://a.test\"\n", "", ":1", "domain", "example.org"},
		{"a size that overflows", "[media]\nremote_cache = \"99999999999GB\"\n", "", ":2", "media.remote_cache", "1GB"},
		{"a time that overflows", "[media]\nremote_ttl = \"99999999999d\"\n", "", ":2", "media.remote_ttl", "7d"},
		{"mail without a sender", "", "KENOMA_SMTP_HOST=mail.test", "environment", "smtp.from", "kenoma@example.org"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "kenoma.toml")
			write(t, file, tt.text)
			_, err := Load(file, []string{tt.env})
			var ps Problems
			if !errors.As(err, &ps) || len(ps) != 1 {
				t.Fatalf("Load: %v, want one problem", err)
			}
			p := ps[0]
			if !strings.HasSuffix(p.Where, tt.where) || p.Key != tt.key || !strings.Contains(p.Allowed, tt.allowed) {
				t.Errorf("%+v, want it at %s about %s, allowed %s", p, tt.where, tt.key, tt.allowed)
			}
		})
	}
}

// TestAllProblems wants to be told of everything at once.
func TestAllProblems(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kenoma.toml")
	write(t, file, "lisen = \"x\"\nregistrations = \"maybe\"\n")
	_, err := Load(file, []string{"KENOMA_LOG_LEVEL=loud"})
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != 3 || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("Load: %v, want three problems, a line each", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.toml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Load of a file that is not there: %v", err)
	}
}

func TestPrint(t *testing.T) {
	var b bytes.Buffer
	if err := Print(&b, "", []string{"KENOMA_SMTP_PASSWORD=hunter2"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"localhost:4000"               # follows from url`, `"sqlite:data/kenoma.db"        # follows from data_dir`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "hunter2") || !strings.Contains(b.String(), "(set)") {
		t.Errorf("the password shows, or is not said to be set:\n%s", b.String())
	}
}

// TestDocs wants the manual to be what the program says.
func TestDocs(t *testing.T) {
	var b bytes.Buffer
	if err := Docs(&b); err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, b.Bytes()) {
		t.Error("docs/configuration.md is not up to date: run `bin/kenoma config docs > docs/configuration.md`")
	}
	for _, s := range settings(reflect.ValueOf(&Config{}).Elem(), "") {
		all := []*Setting{s}
		if err := document(all); err != nil || s.Doc == "" {
			t.Errorf("%s has no documentation", s.Key)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
