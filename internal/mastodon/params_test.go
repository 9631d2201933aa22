package mastodon

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"

	"kenoma/internal/fault"
)

// parse reads a request of one content type.
func parse(t *testing.T, query, contentType, body string) Params {
	t.Helper()
	r := httptest.NewRequest("POST", "/api/v1/statuses?"+query, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	p, done, err := readParams(r, maxBody, t.TempDir())
	t.Cleanup(done)
	if err != nil {
		t.Fatalf("readParams(%q): %v", body, err)
	}
	return p
}

const form = "application/x-www-form-urlencoded"

// multipartOf turns "a=1&b=2" into a multipart form.
func multipartOf(t *testing.T, text string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, pair := range strings.Split(text, "&") {
		k, v, _ := strings.Cut(pair, "=")
		if err := w.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	return w.FormDataContentType(), b.String()
}

// Every way of writing the same gives the same.
func TestParamsAreAlike(t *testing.T) {
	multiType, multi := multipartOf(t, "status=Hi&sensitive=true&media_ids[]=1&media_ids[]=2&poll[options][]=a&poll[options][]=b&poll[expires_in]=300&fields_attributes[0][name]=n&fields_attributes[1][name]=m&source[privacy]=private")
	for _, tt := range []struct{ name, kind, body string }{
		{"form", form, "status=Hi&sensitive=1&media_ids[]=1&media_ids[]=2&poll[options][]=a&poll[options][]=b&poll[expires_in]=300&fields_attributes[0][name]=n&fields_attributes[1][name]=m&source[privacy]=private"},
		{"escaped form", form, "status=Hi&sensitive=on&media_ids%5B%5D=1&media_ids%5B%5D=2&poll%5Boptions%5D%5B%5D=a&poll%5Boptions%5D%5B%5D=b&poll%5Bexpires_in%5D=300&fields_attributes%5B0%5D%5Bname%5D=n&fields_attributes[1][name]=m&source%5Bprivacy%5D=private"},
		{"form with indexes", form, "status=Hi&sensitive=true&media_ids[1]=2&media_ids[0]=1&poll[options][0]=a&poll[options][1]=b&poll[expires_in]=300&fields_attributes[][name]=n&fields_attributes[][name]=m&source[privacy]=private"},
		{"form with repeated keys", form, "status=Hi&sensitive=true&media_ids=1&media_ids=2&poll[options]=a&poll[options]=b&poll[expires_in]=300&fields_attributes[0][name]=n&fields_attributes[1][name]=m&source[privacy]=private"},
		{"multipart", multiType, multi},
		{"JSON", "application/json", `{"status":"Hi","sensitive":true,"media_ids":["1",2],"poll":{"options":["a","b"],"expires_in":300},"fields_attributes":[{"name":"n"},{"name":"m"}],"source":{"privacy":"private"}}`},
		{"JSON with indexes", "application/json; charset=utf-8", `{"status":"Hi","sensitive":"1","media_ids":{"1":2,"0":1},"poll":{"options":["a","b"],"expires_in":"300"},"fields_attributes":{"0":{"name":"n"},"1":{"name":"m"}},"source":{"privacy":"private"}}`},
		{"JSON with form keys", "application/json", `{"status":"Hi","sensitive":true,"media_ids[]":["1","2"],"poll[options]":["a","b"],"poll[expires_in]":3e2,"fields_attributes":[{"name":"n"},{"name":"m"}],"source[privacy]":"private"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := parse(t, "", tt.kind, tt.body)
			seconds, err := p.Int("poll[expires_in]", 0)
			var names []string
			for _, f := range p.List("fields_attributes") {
				names = append(names, f.String("name"))
			}
			got := []any{p.String("status"), p.Bool("sensitive", false), p.Strings("media_ids"), p.IDs("media_ids"), p.Sub("poll").Strings("options"), seconds, names,
				p.String("source[privacy]")}
			want := []any{"Hi", true, []string{"1", "2"}, []int64{1, 2}, []string{"a", "b"}, int64(300), []string{"n", "m"}, "private"}
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %v (%v), want %v", got, err, want)
			}
		})
	}
}

func TestParamsPresence(t *testing.T) {
	p := parse(t, "limit=5&status=query", "application/json", `{"a": null, "b": "", "status": "body", "list": [null, 1]}`)
	if !p.Has("a") || !p.Has("b") || p.Has("c") || p.Has("a[b]") {
		t.Error("Has is wrong")
	}
	if p.String("a") != "" || p.Bool("a", true) != true || p.Bool("b", true) != true {
		t.Error("null and nothing must give the default")
	}
	if n, err := p.Int("limit", 0); n != 5 || err != nil {
		t.Errorf("Int(limit) = %d, %v", n, err)
	}
	if _, err := p.Int("status", 0); !fault.Is(err, fault.Invalid) {
		t.Errorf("Int(status) = %v, want Invalid", err)
	}
	if got := p.String("status"); got != "body" {
		t.Errorf("status = %q, want the body's", got)
	}
	if got := p.Strings("list"); !reflect.DeepEqual(got, []string{"1"}) {
		t.Errorf("list = %v, want only the 1", got)
	}
	if got := parse(t, "", form, "sensitive=f").Bool("sensitive", true); got {
		t.Error("f is no")
	}
}

func TestUploadIsRemoved(t *testing.T) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, _ := w.CreateFormFile("file", "a.png")
	part.Write([]byte("bytes"))
	w.WriteField("description", "A picture")
	w.Close()
	r := httptest.NewRequest("POST", "/", &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	p, done, err := readParams(r, 100, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	u := p.File("file")
	if u == nil || u.Size != 5 || u.Name != "a.png" || p.String("description") != "A picture" {
		t.Fatalf("upload = %+v, description %q", u, p.String("description"))
	}
	f, err := u.Open()
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(f); string(got) != "bytes" {
		t.Errorf("content = %q", got)
	}
	name := u.file.Name()
	done()
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		t.Errorf("the temporary file is still there: %v", err)
	}
}

func TestParamsAreBounded(t *testing.T) {
	many := strings.Repeat("a[]=1&", maxParams+1)
	deepForm := "a" + strings.Repeat("[b]", 20) + "=1"
	deepJSON := strings.Repeat(`{"a":`, 30) + "1" + strings.Repeat("}", 30)
	fileType, file := func() (string, string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		part, _ := w.CreateFormFile("file", "a")
		part.Write(make([]byte, 200))
		w.Close()
		return w.FormDataContentType(), b.String()
	}()
	for _, tt := range []struct {
		name, kind, body string
		want             fault.Kind
	}{
		{"too many values", form, many, fault.Malformed},
		{"too deep a form", form, deepForm, fault.Malformed},
		{"too deep JSON", "application/json", deepJSON, fault.Malformed},
		{"too long", form, "a=" + strings.Repeat("x", maxBody), fault.TooLarge},
		{"too large a file", fileType, file, fault.TooLarge},
		{"a list as body", "application/json", "[]", fault.Malformed},
		{"broken JSON", "application/json", "{", fault.Malformed},
		{"more than one value", "application/json", "{} {}", fault.Malformed},
		{"a bad escape", form, "a=%zz", fault.Malformed},
		{"multipart without boundary", "multipart/form-data", "x", fault.Malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.kind)
			_, done, err := readParams(r, 100, t.TempDir())
			done()
			if fault.KindOf(err) != tt.want {
				t.Errorf("readParams = %v, want %v", err, tt.want)
			}
		})
	}
}

func FuzzParams(f *testing.F) {
	for _, s := range []string{"a=1&a=2", "a[]=1&a[b]=2&a[0][c]=3", `{"a":[{"b":null}],"a[b]":1,"a[][c]":2}`, "--x\r\nContent-Disposition: form-data; name=\"a[]\"\r\n\r\nb\r\n--x--", "a[][b]=1&a[]=2&a[][b][]=3"} {
		f.Add(s, uint8(0))
		f.Add(s, uint8(1))
		f.Add(s, uint8(2))
	}
	f.Fuzz(func(t *testing.T, body string, kind uint8) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", []string{form, "application/json", "multipart/form-data; boundary=x"}[kind%3])
		p, done, err := readParams(r, 1000, "")
		defer done()
		if err != nil {
			if fault.Is(err, fault.Internal) {
				t.Fatalf("an internal error for a bad request: %v", err)
			}
			return
		}
		for _, name := range append(p.root.order, "a", "a[b]", "a[0][c]") { // Nothing panics.
			_, _, _, _ = p.String(name), p.Strings(name), p.IDs(name), p.Bool(name, true)
			_, _ = p.Int(name, 0)
			_, _, _, _ = p.Sub(name).Has("b"), p.List(name), p.File(name), p.Has(name)
		}
	})
}
