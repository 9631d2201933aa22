package auth

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"

	"kenoma/internal/fault"
)

// maxBody bounds what the OAuth endpoints read.
const maxBody = 64 << 10

// values reads the query and a form, multipart or JSON body into one set. Apps
// send all three.
func values(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	v := r.URL.Query()
	if r.Body == nil || r.Method == http.MethodGet {
		return v, nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			return nil, fault.Because(err, fault.Malformed, "The request body is no JSON object.")
		}
		for k, one := range body {
			if list, ok := one.([]any); ok {
				for _, item := range list {
					v.Add(k, fmt.Sprint(item))
				}
			} else if one != nil {
				v.Set(k, fmt.Sprint(one))
			}
		}
		return v, nil
	case "multipart/form-data":
		if err := r.ParseMultipartForm(maxBody); err != nil {
			return nil, fault.Because(err, fault.Malformed, "The form can't be read.")
		}
		defer r.MultipartForm.RemoveAll()
	default:
		if err := r.ParseForm(); err != nil {
			return nil, fault.Because(err, fault.Malformed, "The form can't be read.")
		}
	}
	for k, list := range r.PostForm {
		v[k] = list
	}
	if r.MultipartForm != nil {
		for k, list := range r.MultipartForm.Value {
			v[k] = list
		}
	}
	return v, nil
}

// list returns the values of a key, also in the form "key[]".
func list(v url.Values, key string) []string {
	return append(v[key], v[key+"[]"]...)
}
