package remote

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// Bounds of a WebFinger answer. What is beyond the counts is not looked at.
const (
	maxFinger      = 64 << 10 // Bytes.
	maxFingerLinks = 100
	maxAliases     = 32
	maxHandle      = 512 // Bytes.
	maxXMLDepth    = 16
)

const subscribeRel = "http://ostatus.org/schema/1.0/subscribe"

// Finger is what a host says about a handle.
type Finger struct {
	Subject string    // As sent, mostly "acct:user@host"; may name another host than was asked.
	Actor   vocab.IRI // The ActivityPub actor; "" when there is none.
	// Actors are all that the answer names, Actor first: on some hosts a person and
	// a group share a name.
	Actors            []vocab.IRI
	Aliases           []string
	SubscribeTemplate string // http(s) address with {uri}, where the user confirms a follow from elsewhere; "" when there is none.
}

// descriptor is a JRD or XRD document, bounded.
//
// spec: rfc7033#section-4.4, xrd-1.0
type descriptor struct {
	subject string
	aliases []string
	links   []descriptorLink
}

type descriptorLink struct {
	Rel      string
	Type     string
	Href     string
	Template string
}

var (
	jrd = Accept{Header: "application/jrd+json, application/json"}
	xrd = Accept{Header: "application/xrd+xml, application/xml, text/xml"}
)

// Finger asks handle's host who "user@host" is. Where WebFinger has no answer, it
// asks at the template of the host's host-meta. Nothing is confirmed yet: the
// subject may name any host, see VerifyHandle. An error is NotFound also where
// the answer names no ActivityPub actor that may be fetched.
func (c *Client) Finger(ctx context.Context, handle string) (*Finger, error) {
	user, host, err := splitHandle(handle)
	if err != nil {
		return nil, fault.Because(err, fault.Invalid, "This is not a handle: %.100q.", handle)
	}
	resource := "acct:" + user + "@" + host
	base := c.opt.Scheme + "://" + host
	f, err := c.finger(ctx, vocab.IRI(base+"/.well-known/webfinger?resource="+url.QueryEscape(resource)))
	if err == nil || fault.Is(err, fault.Transient) || fault.Is(err, fault.Gone) {
		return f, err
	}
	template, metaErr := c.hostMeta(ctx, vocab.IRI(base+"/.well-known/host-meta"))
	if metaErr != nil {
		return nil, err // The first failure says more.
	}
	at := strings.ReplaceAll(template, "{uri}", url.QueryEscape(resource))
	if f, err2 := c.finger(ctx, vocab.IRI(at)); err2 == nil {
		return f, nil
	}
	return nil, err
}

// finger fetches one answer and checks that its actor may be asked.
func (c *Client) finger(ctx context.Context, at vocab.IRI) (*Finger, error) {
	resp, err := c.get(ctx, at, jrd, nil, maxFinger)
	if err != nil {
		return nil, err
	}
	f, err := ParseFinger(resp.Body, resp.ContentType)
	if err != nil {
		return nil, err
	}
	f.Actors = slices.DeleteFunc(f.Actors, func(id vocab.IRI) bool {
		_, err := c.target(id)
		return err != nil
	})
	if len(f.Actors) == 0 {
		return nil, fault.New(fault.NotFound, "%s knows this handle, but no ActivityPub account for it.", hostOf(resp.URL))
	}
	f.Actor = f.Actors[0]
	return f, nil
}

// hostMeta fetches a host-meta document and returns its template for handles.
//
// spec: rfc6415#section-4.2
func (c *Client) hostMeta(ctx context.Context, at vocab.IRI) (string, error) {
	resp, err := c.get(ctx, at, xrd, nil, maxFinger)
	if err != nil {
		return "", err
	}
	return parseHostMeta(resp.Body)
}

// parseHostMeta returns the template of a host-meta document: an http(s) address
// with {uri} in it.
func parseHostMeta(body []byte) (string, error) {
	d, err := parseDescriptor(body)
	if err != nil {
		return "", err
	}
	for _, l := range d.links {
		if l.Rel == "lrdd" && isTemplate(l.Template) {
			return l.Template, nil
		}
	}
	return "", fault.New(fault.NotFound, "The host has no lookup for handles.")
}

// ParseFinger reads a WebFinger answer, JRD or XRD. Many hosts serve it as a plain
// file, so the first byte decides which it is and contentType only refuses pages.
// An error is a fault of kind Rejected.
func ParseFinger(body []byte, contentType string) (*Finger, error) {
	if strings.HasPrefix(strings.ToLower(contentType), "text/html") {
		return nil, fault.New(fault.Rejected, "The host answered with a web page.")
	}
	d, err := parseDescriptor(body)
	if err != nil {
		return nil, err
	}
	f := &Finger{Subject: d.subject, Aliases: d.aliases}
	for _, l := range d.links {
		switch {
		case l.Rel == "self" && isActorType(l.Type) && isHTTP(l.Href):
			if id := vocab.IRI(l.Href); !slices.Contains(f.Actors, id) {
				f.Actors = append(f.Actors, id)
			}
		case l.Rel == subscribeRel && f.SubscribeTemplate == "" && isTemplate(l.Template):
			f.SubscribeTemplate = l.Template
		}
	}
	if len(f.Actors) > 0 {
		f.Actor = f.Actors[0]
	}
	return f, nil
}

func isActorType(t string) bool {
	t, params, _ := strings.Cut(strings.ToLower(t), ";")
	switch strings.TrimSpace(t) {
	case "application/activity+json":
		return true
	case "application/ld+json":
		return strings.Contains(params, activityStreams)
	}
	return false
}

func isHTTP(s string) bool {
	_, err := parseURL(s)
	return err == nil
}

func isTemplate(s string) bool {
	return strings.Contains(s, "{uri}") && isHTTP(strings.ReplaceAll(s, "{uri}", "x"))
}

// parseDescriptor reads a JRD or XRD document.
func parseDescriptor(body []byte) (d *descriptor, err error) {
	body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff"))
	switch {
	case len(body) > maxFinger:
		err = errors.New("too long")
	case bytes.HasPrefix(body, []byte("{")):
		d, err = parseJRD(body)
	case bytes.HasPrefix(body, []byte("<")):
		d, err = parseXRD(body)
	default:
		err = errors.New("neither JSON nor XML")
	}
	if err != nil {
		return nil, fault.Because(err, fault.Rejected, "The host's answer can't be read.")
	}
	return d, nil
}

// parseJRD reads the JSON form. A member of a wrong type counts as absent; names
// are case-sensitive and must not repeat.
func parseJRD(body []byte) (*descriptor, error) {
	var doc struct {
		Subject jsontext.Value `json:"subject"`
		Aliases jsontext.Value `json:"aliases"`
		Links   jsontext.Value `json:"links"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, err
	}
	d := &descriptor{subject: jsonString(doc.Subject)}
	for _, a := range jsonList(doc.Aliases, maxAliases) {
		if s := jsonString(a); s != "" {
			d.aliases = append(d.aliases, s)
		}
	}
	for _, v := range jsonList(doc.Links, maxFingerLinks) {
		var l struct {
			Rel      jsontext.Value `json:"rel"`
			Type     jsontext.Value `json:"type"`
			Href     jsontext.Value `json:"href"`
			Template jsontext.Value `json:"template"`
		}
		if json.Unmarshal(v, &l) != nil {
			continue
		}
		d.links = append(d.links, descriptorLink{
			Rel: jsonString(l.Rel), Type: jsonString(l.Type),
			Href: jsonString(l.Href), Template: jsonString(l.Template),
		})
	}
	return d, nil
}

// jsonString returns v where it is a string, else "".
func jsonString(v jsontext.Value) string {
	var s string
	if v.Kind() != '"' || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// jsonList returns the first n elements of v where it is a list, else none.
func jsonList(v jsontext.Value, n int) []jsontext.Value {
	var list []jsontext.Value
	if v.Kind() != '[' || json.Unmarshal(v, &list) != nil {
		return nil
	}
	return list[:min(len(list), n)]
}

// parseXRD reads the XML form. A document type, and with it every entity, is
// refused.
func parseXRD(body []byte) (*descriptor, error) {
	dec := xml.NewDecoder(bytes.NewReader(body))
	d := &descriptor{}
	depth := 0
	text := "" // Name of the element whose text is being read.
	for {
		token, err := dec.RawToken()
		if err == io.EOF && depth == 0 {
			return d, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, errors.New("document type")
		case xml.StartElement:
			depth++
			switch {
			case depth > maxXMLDepth:
				return nil, errors.New("nested too deeply")
			case depth == 1 && t.Name.Local != "XRD":
				return nil, errors.New("not an XRD document")
			case depth == 2:
				text = d.open(t)
			default:
				text = ""
			}
		case xml.EndElement:
			if depth--; depth < 0 {
				return nil, errors.New("not well-formed")
			}
			text = ""
		case xml.CharData:
			d.text(text, strings.TrimSpace(string(t)))
		}
	}
}

// open takes an element below the root and returns its name when its text counts.
func (d *descriptor) open(e xml.StartElement) string {
	switch e.Name.Local {
	case "Subject", "Alias":
		return e.Name.Local
	case "Link":
		if len(d.links) == maxFingerLinks {
			return ""
		}
		var l descriptorLink
		for _, a := range e.Attr {
			if a.Name.Space != "" {
				continue
			}
			switch a.Name.Local {
			case "rel":
				l.Rel = a.Value
			case "type":
				l.Type = a.Value
			case "href":
				l.Href = a.Value
			case "template":
				l.Template = a.Value
			}
		}
		d.links = append(d.links, l)
	}
	return ""
}

func (d *descriptor) text(of, s string) {
	switch {
	case s == "":
	case of == "Subject" && d.subject == "":
		d.subject = s
	case of == "Alias" && len(d.aliases) < maxAliases:
		d.aliases = append(d.aliases, s)
	}
}

// VerifyHandle finds out under which handle, "user@host", actor goes. The handle's
// host and the actor's may differ; then both must confirm it: WebFinger on the
// actor's host names the other one, and WebFinger there leads back to the actor's
// id. Where the actor's host does not answer WebFinger, its own word is taken and
// the handle is preferredUsername at the actor's host. An error is Rejected where
// a host says otherwise.
func (c *Client) VerifyHandle(ctx context.Context, actor *vocab.Actor) (handle string, err error) {
	at, err := c.target(actor.ID)
	if err != nil {
		return "", err
	}
	own, err := joinHandle(actor.PreferredUsername, at.Host)
	if err != nil {
		return "", fault.Because(err, fault.Invalid, "The account has no usable name: %.100q.", actor.PreferredUsername)
	}
	if claim := cleanHandle(actor.Webfinger); claim != "" && claim != own && c.confirms(ctx, claim, actor.ID) {
		return claim, nil // Its own document and the other host agree (FEP-2c59).
	}
	f, err := c.Finger(ctx, own)
	switch {
	case ctx.Err() != nil:
		return "", fault.Because(ctx.Err(), fault.Transient, "%s does not answer.", at.Host)
	case err != nil:
		return own, nil
	}
	if !f.names(actor.ID) {
		return "", fault.New(fault.Rejected, "%s is another account than %s.", own, actor.ID)
	}
	subject := cleanHandle(strings.TrimPrefix(f.Subject, "acct:"))
	if subject == "" || strings.EqualFold(subject, own) {
		return own, nil // Old servers have a page's address or a bare name as subject.
	}
	if !c.confirms(ctx, subject, actor.ID) {
		return "", fault.New(fault.Rejected, "%s does not confirm that %s is its account.", subject, actor.ID)
	}
	return subject, nil
}

// confirms tells whether handle's own host says that handle is the actor id.
func (c *Client) confirms(ctx context.Context, handle string, id vocab.IRI) bool {
	f, err := c.Finger(ctx, handle)
	return err == nil && f.names(id) &&
		strings.EqualFold(cleanHandle(strings.TrimPrefix(f.Subject, "acct:")), handle)
}

func (f *Finger) names(id vocab.IRI) bool {
	return slices.ContainsFunc(f.Actors, func(a vocab.IRI) bool { return sameAddress(a, id) })
}

// splitHandle reads "user@host", "@user@host" or "acct:user@host"; host is made
// canonical and may have a port.
func splitHandle(handle string) (user, host string, err error) {
	handle = strings.TrimPrefix(strings.TrimPrefix(handle, "acct:"), "@")
	at := strings.LastIndexByte(handle, '@')
	if at < 0 {
		return "", "", errors.New("no @ in it")
	}
	user = handle[:at]
	if user == "" || len(handle) > maxHandle || strings.ContainsFunc(user, badInUser) {
		return "", "", errors.New("no usable user name")
	}
	host, err = canonicalHost("https", handle[at+1:])
	return user, host, err
}

func badInUser(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune(`@/\?#:"<>`, r)
}

// joinHandle makes the handle of user at host, where both are usable.
func joinHandle(user, host string) (string, error) {
	user, host, err := splitHandle(user + "@" + host)
	if err != nil {
		return "", err
	}
	return user + "@" + host, nil
}

// cleanHandle returns handle as "user@host", "" where it is none.
func cleanHandle(handle string) string {
	user, host, err := splitHandle(handle)
	if err != nil {
		return ""
	}
	return user + "@" + host
}
