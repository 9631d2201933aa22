package auth

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"

	"kenoma/internal/fault"
)

// maxBody bounds what the OAuth endpoints read.
const maxBody = 64 << 10

// values reads the query and a form, multipart or JSON body into one set, in which
// the body counts more. Apps send all three.
func values(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	v := r.URL.Query()
	if r.Body == nil || r.Method == http.MethodGet {
		return v, nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var body url.Values
	var err error
	switch kind {
	case "application/json":
		body, err = jsonValues(r)
	case "multipart/form-data":
		if err = r.ParseMultipartForm(maxBody); err == nil {
			defer r.MultipartForm.RemoveAll()
			body = r.MultipartForm.Value
		}
	default:
		err = r.ParseForm()
		body = r.PostForm
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, fault.Because(err, fault.TooLarge, "The request is too large.")
	} else if err != nil {
		return nil, fault.Because(err, fault.Malformed, "The body of the request can't be read.")
	}
	for k, all := range body {
		v[k] = all
	}
	return v, nil
}

// jsonValues reads an object of texts, numbers, truths and lists of them; what is
// deeper is left out.
func jsonValues(r *http.Request) (url.Values, error) {
	var body map[string]any
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	if err := d.Decode(&body); err != nil {
		return nil, err
	}
	v := url.Values{}
	for k, one := range body {
		items, ok := one.([]any)
		if !ok {
			items = []any{one}
		}
		for _, item := range items {
			switch item := item.(type) {
			case string:
				v.Add(k, item)
			case json.Number:
				v.Add(k, item.String())
			case bool:
				v.Add(k, map[bool]string{false: "false", true: "true"}[item])
			}
		}
	}
	return v, nil
}

// list returns the values of a key, also in the form "key[]".
func list(v url.Values, key string) []string { return slices.Concat(v[key], v[key+"[]"]) }
