package mastodon

import (
	"net/url"
	"strconv"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// pageSize is the default and the maximum of a list's limit.
//
// spec: reference/mastodon-limits#pagination
type pageSize struct{ def, max int }

var (
	somePosts  = pageSize{20, 40}
	somePeople = pageSize{40, 80}
	manyRows   = pageSize{100, 200}
)

// page reads max_id, since_id, min_id and limit.
func (r *Request) page(size pageSize) (store.Page, error) {
	limit, err := r.limit(size)
	p := store.Page{Limit: limit}
	for _, bound := range []struct {
		name string
		to   *int64
	}{{"max_id", &p.Max}, {"since_id", &p.Since}, {"min_id", &p.Min}} {
		if s := r.String(bound.name); s != "" && err == nil {
			if *bound.to, err = strconv.ParseInt(s, 10, 64); err != nil {
				err = fault.New(fault.Malformed, "%s is not an id.", bound.name)
			}
		}
	}
	return p, err
}

// limit reads how many are asked for, held within 1 and the maximum.
func (r *Request) limit(size pageSize) (int, error) {
	n, err := r.Int("limit", int64(size.def))
	if err != nil {
		return 0, fault.Because(err, fault.Malformed, "limit must be a number.")
	}
	return int(max(1, min(n, int64(size.max)))), nil
}

// How a list names the cursor of the page before.
const (
	prevByMin   = "min_id"
	prevBySince = "since_id"
)

// links sets the Link header of a page whose newest and oldest cursors are these;
// 0 means that it is empty, and no header is set. more says whether there may be
// an older page.
func (r *Request) links(prev string, newest, oldest int64, more bool) {
	if newest == 0 {
		return
	}
	var parts []string
	if more {
		parts = append(parts, r.link("max_id", oldest, "next"))
	}
	parts = append(parts, r.link(prev, newest, "prev"))
	r.header.Set("Link", strings.Join(parts, ", "))
}

// link is one entry of a Link header: this request with another cursor. Other
// parameters of the query are kept.
//
// spec: rfc8288#section-3
func (r *Request) link(param string, id int64, rel string) string {
	q := url.Values{}
	for k, v := range r.URL.Query() {
		switch k {
		case "max_id", "since_id", "min_id", "offset", "access_token":
		default:
			q[k] = v
		}
	}
	q.Set(param, strconv.FormatInt(id, 10))
	return "<" + r.api.URL + r.URL.EscapedPath() + "?" + q.Encode() + `>; rel="` + rel + `"`
}
