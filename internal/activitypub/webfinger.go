package activitypub

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
)

// jrd is a description of something that has an address.
//
// spec: rfc7033#section-4.4
type jrd struct {
	Subject string    `json:"subject,omitempty"`
	Aliases []string  `json:"aliases,omitempty"`
	Links   []jrdLink `json:"links"`
}

type jrdLink struct {
	Rel      string `json:"rel"`
	Type     string `json:"type,omitempty"`
	Href     string `json:"href,omitempty"`
	Template string `json:"template,omitempty"`
}

// The relations of the links.
const (
	relPage      = "http://webfinger.net/rel/profile-page"
	relSelf      = "self"
	relSubscribe = "http://ostatus.org/schema/1.0/subscribe"
	relLRDD      = "lrdd"
)

// maxResource bounds what is asked for, in bytes.
const maxResource = 2048

// webFinger is GET /.well-known/webfinger: who is acct:name@domain, or the address
// of an actor or of its page. It is readable by anybody, always.
//
// spec: rfc7033
func (h *Handler) webFinger(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	resource := r.URL.Query().Get("resource")
	if resource == "" || len(resource) > maxResource {
		return fault.New(fault.Malformed, "The parameter resource must say who is asked for, as acct:name@%s.", h.Domain)
	}
	d, err := h.describe(r.Context(), resource)
	if err != nil {
		return err
	}
	if rels := r.URL.Query()["rel"]; len(rels) > 0 {
		d.Links = slices.DeleteFunc(d.Links, func(l jrdLink) bool { return !slices.Contains(rels, l.Rel) })
	}
	return writeJSON(w, r, "application/jrd+json; charset=utf-8", d)
}

func writeJSON(w http.ResponseWriter, r *http.Request, contentType string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return answer(w, r, http.StatusOK, contentType, body, forLong)
}

func (h *Handler) describe(ctx context.Context, resource string) (*jrd, error) {
	name, ok := h.nameIn(resource)
	if !ok {
		return nil, noActor
	}
	subscribe := jrdLink{Rel: relSubscribe, Template: h.URL + "/authorize_interaction?uri={uri}"}
	if name == "" {
		id := h.URL + pipeline.InstanceActor
		return &jrd{
			Subject: "acct:" + h.Domain + "@" + h.Domain,
			Aliases: []string{id},
			Links:   []jrdLink{{Rel: relPage, Type: "text/html", Href: h.URL + "/about"}, {Rel: relSelf, Type: activityJSON, Href: id}, subscribe},
		}, nil
	}
	p, err := h.person(ctx, name)
	if fault.Is(err, fault.NotFound) && name == "relay" {
		id := string(h.Pipeline.RelayURI())
		return &jrd{Subject: "acct:relay@" + h.Domain, Aliases: []string{id}, Links: []jrdLink{{Rel: relSelf, Type: activityJSON, Href: id}}}, nil
	}
	if err != nil {
		return nil, err
	}
	if p.Deleted != 0 {
		return nil, fault.New(fault.Gone, "This account was deleted.")
	}
	page := h.URL + "/@" + p.Username
	return &jrd{
		Subject: "acct:" + p.Username + "@" + h.Domain,
		Aliases: []string{page, string(p.URI)},
		Links:   []jrdLink{{Rel: relPage, Type: "text/html", Href: page}, {Rel: relSelf, Type: activityJSON, Href: string(p.URI)}, subscribe},
	}, nil
}

// nameIn returns the name of ours that a resource stands for; "" is the server
// itself. It is not ok where the resource is somewhere else.
func (h *Handler) nameIn(resource string) (name string, ok bool) {
	if rest, ok := cutBase(resource, h.URL); ok {
		for _, before := range []string{"/users/", "/@"} {
			if name, ok := strings.CutPrefix(rest, before); ok {
				return name, name != "" && !strings.Contains(name, "/")
			}
		}
		if rest == pipeline.RelayActor {
			return "relay", true
		}
		return "", rest == "" || rest == "/" || rest == pipeline.InstanceActor
	}
	handle := strings.TrimPrefix(strings.TrimPrefix(resource, "acct:"), "@")
	at := strings.LastIndexByte(handle, '@')
	if at <= 0 {
		return "", false
	}
	name = handle[:at]
	if !h.ours(handle[at+1:]) {
		return "", false
	}
	if h.ours(name) {
		return "", true
	}
	return name, true
}

// cutBase removes the server's address from the start of a resource, written in
// any case.
func cutBase(resource, base string) (rest string, ok bool) {
	if len(resource) < len(base) || !strings.EqualFold(resource[:len(base)], base) {
		return "", false
	}
	rest = resource[len(base):]
	return rest, rest == "" || rest[0] == '/'
}

// hostMeta is GET /.well-known/host-meta: where WebFinger is asked.
//
// spec: rfc6415#section-3
func (h *Handler) hostMeta(w http.ResponseWriter, r *http.Request) error {
	if strings.Contains(r.Header.Get("Accept"), "json") {
		return h.hostMetaJSON(w, r)
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Vary", "Accept")
	var template strings.Builder
	if err := xml.EscapeText(&template, []byte(h.fingerTemplate())); err != nil {
		return err
	}
	body := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">` + "\n" +
		`  <Link rel="` + relLRDD + `" template="` + template.String() + `"/>` + "\n</XRD>\n"
	return answer(w, r, http.StatusOK, "application/xrd+xml; charset=utf-8", []byte(body), forLong)
}

func (h *Handler) hostMetaJSON(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Vary", "Accept")
	return writeJSON(w, r, "application/json; charset=utf-8", &jrd{Links: []jrdLink{{Rel: relLRDD, Template: h.fingerTemplate()}}})
}

func (h *Handler) fingerTemplate() string { return h.URL + "/.well-known/webfinger?resource={uri}" }
