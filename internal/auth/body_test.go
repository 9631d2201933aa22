package auth

import (
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"kenoma/internal/fault"
)

func TestValues(t *testing.T) {
	const multi = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"c[]\"\r\n\r\n2\r\n--b--\r\n"
	for _, tt := range []struct {
		name, query, kind, body string
		want                    url.Values
		fails                   fault.Kind // 0 does not fail.
	}{
		{"query", "a=1", "", "", url.Values{"a": {"1"}}, 0},
		{"form", "", "application/x-www-form-urlencoded", "a=1&c[]=2&c[]=3", url.Values{"a": {"1"}, "c[]": {"2", "3"}}, 0},
		{"form over query", "a=0&q=9", "application/x-www-form-urlencoded; charset=utf-8", "a=1", url.Values{"a": {"1"}, "q": {"9"}}, 0},
		{"multipart", "a=0", "multipart/form-data; boundary=b", multi, url.Values{"a": {"1"}, "c[]": {"2"}}, 0},
		{"JSON", "a=0", "application/json", `{"a":"1","n":1700000000000,"t":true,"l":["x","y"],"deep":{"x":1},"none":null}`,
			url.Values{"a": {"1"}, "n": {"1700000000000"}, "t": {"true"}, "l": {"x", "y"}, "deep": nil, "none": nil}, 0},
		{"broken JSON", "", "application/json", `{"a":`, nil, fault.Malformed},
		{"a JSON list", "", "application/json", `[1]`, nil, fault.Malformed},
		{"broken form", "", "application/x-www-form-urlencoded", "a=%zz", nil, fault.Malformed},
		{"broken multipart", "", "multipart/form-data; boundary=b", "--b\r\nnonsense", nil, fault.Malformed},
		{"no boundary", "", "multipart/form-data", multi, nil, fault.Malformed},
		{"too large form", "", "application/x-www-form-urlencoded", "a=" + strings.Repeat("x", maxBody), nil, fault.TooLarge},
		{"too large JSON", "", "application/json", `{"a":"` + strings.Repeat("x", maxBody) + `"}`, nil, fault.TooLarge},
	} {
		r := httptest.NewRequest("POST", "/?"+tt.query, strings.NewReader(tt.body))
		r.Header.Set("Content-Type", tt.kind)
		got, err := values(httptest.NewRecorder(), r)
		for k, v := range tt.want {
			if v == nil && got.Has(k) {
				t.Errorf("%s: %s = %q, want it left out", tt.name, k, got[k])
			}
			if v == nil {
				delete(tt.want, k)
			}
		}
		if fault.KindOf(err) != tt.fails || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

func TestList(t *testing.T) {
	v := url.Values{"a": {"1"}, "a[]": {"2", "3"}}
	if got := list(v, "a"); !reflect.DeepEqual(got, []string{"1", "2", "3"}) {
		t.Errorf("list = %q", got)
	}
}
