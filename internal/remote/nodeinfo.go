package remote

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// Software is what a host runs.
type Software struct {
	Name    string // In lower case: "mastodon". At most 32 letters, digits, dots, hyphens, underscores.
	Version string // "4.5.1+glitch". At most 64 printable characters of ASCII.
}

// String is both in one line, "" when nothing is known.
func (s Software) String() string { return strings.TrimSpace(s.Name + " " + s.Version) }

// Bounds of what is read.
const (
	maxNodeInfo      = 64 << 10
	maxNodeInfoLinks = 32
)

// nodeInfoSchemas are the versions that are read, the best first.
var nodeInfoSchemas = []string{"2.1", "2.0", "2.2", "1.1", "1.0"}

const nodeInfoSchema = "nodeinfo.diaspora.software/ns/schema/"

// Software asks a host what it runs. Both documents must be on that host.
//
// spec: nodeinfo-protocol#discovery
func (c *Client) Software(ctx context.Context, host string) (Software, error) {
	start := vocab.IRI(c.opt.Scheme + "://" + host + "/.well-known/nodeinfo")
	resp, err := c.get(ctx, start, anyJSON, nil, maxNodeInfo)
	if err != nil {
		return Software{}, err
	}
	link := NodeInfoLink(resp.Body)
	if link == "" || !vocab.SameHost(link, start) {
		return Software{}, fault.New(fault.Rejected, "%s names no NodeInfo of its own.", host)
	}
	if resp, err = c.get(ctx, link, anyJSON, nil, maxNodeInfo); err != nil {
		return Software{}, err
	}
	if !vocab.SameHost(resp.URL, start) {
		return Software{}, fault.New(fault.Rejected, "%s has another host say what it runs.", host)
	}
	return ParseNodeInfo(resp.Body)
}

// anyJSON asks for JSON, with whatever profile it is labelled.
var anyJSON = Accept{
	Header: "application/json",
	Match: func(mediaType string, _ map[string]string) bool {
		return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
	},
}

// NodeInfoLink returns the address of the best NodeInfo that a host's discovery
// document names; "" when there is none.
func NodeInfoLink(body []byte) vocab.IRI {
	d, err := parseJRD(body)
	if err != nil {
		return ""
	}
	for _, version := range nodeInfoSchemas {
		for _, l := range d.links[:min(len(d.links), maxNodeInfoLinks)] {
			if iri := vocab.IRI(l.Href); strings.HasSuffix(l.Rel, nodeInfoSchema+version) && iri.Valid() == nil {
				return iri
			}
		}
	}
	return ""
}

// ParseNodeInfo reads which software a NodeInfo names. What is none of the allowed
// characters is left out of its name.
//
// spec: nodeinfo-2.1#software
func ParseNodeInfo(body []byte) (Software, error) {
	var doc struct {
		Software struct {
			Name    jsontext.Value `json:"name"`
			Version jsontext.Value `json:"version"`
		} `json:"software"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return Software{}, fault.Because(err, fault.Rejected, "The host's NodeInfo can't be read.")
	}
	s := Software{Name: plainName(strings.ToLower(jsonString(doc.Software.Name)), 32, "._-"), Version: plainName(jsonString(doc.Software.Version), 64, "._-+~: ()/")}
	if s.Name == "" {
		return Software{}, fault.New(fault.Rejected, "The host's NodeInfo names no software.")
	}
	return s, nil
}

// plainName keeps the letters and digits of ASCII, and those of more, up to n bytes.
func plainName(s string, n int, more string) string {
	var b strings.Builder
	for _, r := range s[:min(len(s), 4*n)] {
		if b.Len() < n && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(more, r)) {
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}
