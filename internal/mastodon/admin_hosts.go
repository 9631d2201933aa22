package mastodon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// adminDomainBlock is a blocked host as admins see it.
//
// spec: masto:entities/Admin_DomainBlock
type adminDomainBlock struct {
	ID             string  `json:"id"`
	Domain         string  `json:"domain"`
	Digest         string  `json:"digest"`
	Created        *string `json:"created_at"`
	Severity       string  `json:"severity"`
	RejectMedia    bool    `json:"reject_media"`
	RejectReports  bool    `json:"reject_reports"`
	PrivateComment *string `json:"private_comment"`
	PublicComment  *string `json:"public_comment"`
	Obfuscate      bool    `json:"obfuscate"`

	Pleroma pleromaBlock `json:"pleroma"`
}

// pleromaBlock is what can be decided about a host beside that, under Pleroma's names.
type pleromaBlock struct {
	MediaNSFW     bool `json:"media_nsfw"`
	FollowersOnly bool `json:"followers_only"`
	AvatarRemoval bool `json:"avatar_removal"`
	BannerRemoval bool `json:"banner_removal"`
	RejectDeletes bool `json:"reject_deletes"`
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func drawDomainBlock(b *store.HostBlock) *adminDomainBlock {
	return &adminDomainBlock{itoa(b.ID), b.Domain, digest(b.Domain), isoTime(vocab.TimeOf(b.ID).UnixMilli()), b.Severity, b.RejectMedia, b.RejectReports,
		orNil(b.PrivateComment), orNil(b.PublicComment), b.Obfuscate,
		pleromaBlock{b.MediaNSFW, b.FollowersOnly, b.RejectAvatars, b.RejectBanners, b.RejectDeletes}}
}

// adminDomainAllow is a host that is let in where federation is limited.
//
// spec: masto:entities/Admin_DomainAllow
type adminDomainAllow struct {
	ID      string  `json:"id"`
	Domain  string  `json:"domain"`
	Created *string `json:"created_at"`
}

func drawDomainAllow(n *store.NameRow) *adminDomainAllow {
	return &adminDomainAllow{itoa(n.ID), n.Name, isoTime(vocab.TimeOf(n.ID).UnixMilli())}
}

// readBlock takes what a request says of a block; what isn't named stays.
func readBlock(r *Request, b *store.HostBlock) {
	b.Severity = orElse(r.String("severity"), b.Severity)
	b.RejectMedia = r.Bool("reject_media", b.RejectMedia)
	b.RejectReports = r.Bool("reject_reports", b.RejectReports)
	b.Obfuscate = r.Bool("obfuscate", b.Obfuscate)
	b.MediaNSFW = r.Bool("media_nsfw", b.MediaNSFW)
	b.FollowersOnly = r.Bool("followers_only", b.FollowersOnly)
	b.RejectAvatars = r.Bool("avatar_removal", b.RejectAvatars)
	b.RejectBanners = r.Bool("banner_removal", b.RejectBanners)
	b.RejectDeletes = r.Bool("reject_deletes", b.RejectDeletes)
	if r.Has("private_comment") {
		b.PrivateComment = strings.TrimSpace(r.String("private_comment"))
	}
	if r.Has("public_comment") {
		b.PublicComment = strings.TrimSpace(r.String("public_comment"))
	}
}

// rowID reads the id that the path names.
func rowID(r *Request) (int64, error) { return parseID(r.PathValue("id")) }

// askedBlock returns the block that the path names.
func (api *API) askedBlock(r *Request) (*store.HostBlock, error) {
	id, err := rowID(r)
	if err != nil {
		return nil, err
	}
	return api.DB.HostBlock(r.Context(), id)
}

// domainParam reads a domain for a rule.
func domainParam(r *Request) (string, error) {
	domain := r.String("domain")
	if domain == "" {
		return "", invalidField("Domain can't be blank")
	}
	return pipeline.NormalDomain(domain)
}

// listRows draws a page of rows of the staff.
func listRows[T any, E any](r *Request, read func(context.Context, store.Page) ([]T, error), id func(*T) int64, draw func(*T) E) (any, error) {
	page, err := r.page(manyRows)
	if err != nil {
		return nil, err
	}
	list, err := read(r.Context(), page)
	if err != nil {
		return nil, err
	}
	drawn := make([]E, len(list))
	for i := range list {
		drawn[i] = draw(&list[i])
	}
	if len(list) > 0 {
		r.links(prevByMin, id(&list[0]), id(&list[len(list)-1]), len(list) == page.Limit || page.Min != 0)
	}
	return drawn, nil
}

// spec: masto:methods/admin/domain_blocks
var (
	_ = admin("GET /api/v1/admin/domain_blocks", "admin:read:domain_blocks", store.ManageFederation, func(api *API, r *Request) (any, error) {
		return listRows(r, api.DB.HostBlocks, func(b *store.HostBlock) int64 { return b.ID }, drawDomainBlock)
	})
	_ = admin("GET /api/v1/admin/domain_blocks/{id}", "admin:read:domain_blocks", store.ManageFederation, func(api *API, r *Request) (any, error) {
		b, err := api.askedBlock(r)
		if err != nil {
			return nil, err
		}
		return drawDomainBlock(b), nil
	})
	_ = admin("POST /api/v1/admin/domain_blocks", "admin:write:domain_blocks", store.ManageFederation, func(api *API, r *Request) (any, error) {
		domain, err := domainParam(r)
		if err != nil {
			return nil, err
		}
		if _, err := api.DB.HostBlockOf(r.Context(), domain); err == nil {
			return nil, invalidField("You have already imposed limits on %s", domain)
		} else if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		b := &store.HostBlock{Domain: domain, Severity: "silence"}
		readBlock(r, b)
		if err := api.Pipeline.SetHostBlock(r.Context(), r.User.ID, b); err != nil {
			return nil, err
		}
		api.cache.forgetAll()
		return drawDomainBlock(b), nil
	})
	_ = admin("PUT /api/v1/admin/domain_blocks/{id}", "admin:write:domain_blocks", store.ManageFederation, func(api *API, r *Request) (any, error) {
		b, err := api.askedBlock(r)
		if err != nil {
			return nil, err
		}
		readBlock(r, b)
		if err := api.Pipeline.SetHostBlock(r.Context(), r.User.ID, b); err != nil {
			return nil, err
		}
		api.cache.forgetAll()
		return drawDomainBlock(b), nil
	})
	_ = admin("DELETE /api/v1/admin/domain_blocks/{id}", "admin:write:domain_blocks", store.ManageFederation, func(api *API, r *Request) (any, error) {
		b, err := api.askedBlock(r)
		if err != nil {
			return nil, err
		}
		if err := api.Pipeline.RemoveHostBlock(r.Context(), r.User.ID, b); err != nil {
			return nil, err
		}
		api.cache.forgetAll()
		return drawDomainBlock(b), nil
	})
)

// spec: masto:methods/admin/domain_allows
var (
	_ = admin("GET /api/v1/admin/domain_allows", "admin:read:domain_allows", store.ManageFederation, func(api *API, r *Request) (any, error) {
		return listRows(r, api.names(store.HostAllows), nameID, drawDomainAllow)
	})
	_ = admin("GET /api/v1/admin/domain_allows/{id}", "admin:read:domain_allows", store.ManageFederation, func(api *API, r *Request) (any, error) {
		n, err := api.askedName(r, store.HostAllows)
		if err != nil {
			return nil, err
		}
		return drawDomainAllow(n), nil
	})
	_ = admin("POST /api/v1/admin/domain_allows", "admin:write:domain_allows", store.ManageFederation, func(api *API, r *Request) (any, error) {
		domain, err := domainParam(r)
		if err != nil {
			return nil, err
		}
		n := &store.NameRow{Name: domain}
		if old, err := api.DB.NamesIn(r.Context(), store.HostAllows, []string{domain}); err != nil {
			return nil, err
		} else if len(old) > 0 {
			return drawDomainAllow(&old[0]), nil
		}
		if err := api.Pipeline.SetHostAllow(r.Context(), r.User.ID, n, true); err != nil {
			return nil, err
		}
		api.cache.forgetAll()
		return drawDomainAllow(n), nil
	})
	_ = admin("DELETE /api/v1/admin/domain_allows/{id}", "admin:write:domain_allows", store.ManageFederation, func(api *API, r *Request) (any, error) {
		n, err := api.askedName(r, store.HostAllows)
		if err != nil {
			return nil, err
		}
		if err := api.Pipeline.SetHostAllow(r.Context(), r.User.ID, n, false); err != nil {
			return nil, err
		}
		api.cache.forgetAll()
		return drawDomainAllow(n), nil
	})
)

// publicBlock is a blocked host as everybody may see it.
//
// spec: masto:entities/DomainBlock
type publicBlock struct {
	Domain   string `json:"domain"`
	Digest   string `json:"digest"`
	Severity string `json:"severity"`
	Comment  string `json:"comment,omitempty"`
}

// obfuscated is a domain of which the middle is hidden.
func obfuscated(domain string) string {
	letters := []rune(domain)
	show := len(letters) / 4
	for i, c := range letters {
		if i >= show && i < len(letters)-show && c != '.' {
			letters[i] = '*'
		}
	}
	return string(letters)
}

// Which hosts are blocked, for those to whom the admins show it.
//
// spec: masto:methods/instance#domain_blocks
var _ = route("GET /api/v1/instance/domain_blocks", "", func(api *API, r *Request) (any, error) {
	allowed := func(to string) bool { return to == "all" || to == "users" && r.User != nil }
	if !allowed(api.Settings.ShowBlocks) {
		if api.Settings.ShowBlocks == "users" {
			return nil, fault.New(fault.Unauthorized, "This method requires an authenticated user")
		}
		return nil, errNotFound()
	}
	all, err := api.DB.AllHostBlocks(r.Context())
	if err != nil {
		return nil, err
	}
	list := []publicBlock{}
	for _, b := range all {
		if b.Severity == "noop" {
			continue
		}
		one := publicBlock{Domain: b.Domain, Digest: digest(b.Domain), Severity: b.Severity}
		if b.Obfuscate {
			one.Domain = obfuscated(b.Domain)
		}
		if allowed(api.Settings.ShowBlockReasons) {
			one.Comment = b.PublicComment
		}
		list = append(list, one)
	}
	slices.SortStableFunc(list, func(a, b publicBlock) int { return strings.Compare(b.Severity, a.Severity) }) // Suspended ones first.
	return list, nil
})
