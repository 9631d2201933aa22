package auth

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// The severities of blocked networks.
//
// spec: masto:entities/Admin_IpBlock#severity
const (
	NoAccess         = "no_access"
	NoSignUp         = "sign_up_block"
	SignUpByApproval = "sign_up_requires_approval"
)

// blockBook is the blocked networks, kept in memory: each request is checked.
type blockBook struct {
	now atomic.Pointer[blockedNets]
}

type blockedNets struct {
	nets map[netip.Prefix]blockedNet
	bits [2][]int // The lengths that occur, of IPv4 and IPv6: a look-up for each.
}

type blockedNet struct {
	severity string
	expires  int64 // ms, 0 never
}

// ReloadBlocks reads the blocked networks from the database into memory.
func (s *Service) ReloadBlocks(ctx context.Context) error {
	book := &blockedNets{nets: map[netip.Prefix]blockedNet{}}
	seen := [2][129]bool{}
	page := store.Page{Limit: 1000}
	for {
		all, err := s.DB.IPBlocks(ctx, page)
		if err != nil {
			return err
		}
		for _, b := range all {
			page.Max = b.ID
			p, err := netip.ParsePrefix(b.IP)
			if err != nil {
				continue // Not written by us.
			}
			book.nets[p.Masked()] = blockedNet{b.Severity, b.Expires}
			family := 0
			if p.Addr().Is6() {
				family = 1
			}
			if !seen[family][p.Bits()] {
				seen[family][p.Bits()] = true
				book.bits[family] = append(book.bits[family], p.Bits())
			}
		}
		if len(all) < page.Limit {
			break
		}
	}
	s.blocks.now.Store(book)
	return nil
}

// Blocked returns the severity with which an address is blocked, the worst of all
// networks that hold it; "" when it isn't.
func (s *Service) Blocked(ip netip.Addr) string {
	book := s.blocks.now.Load()
	if book == nil || len(book.nets) == 0 || !ip.IsValid() {
		return ""
	}
	ip = ip.Unmap().WithZone("")
	family := 0
	if ip.Is6() {
		family = 1
	}
	worst, now := "", s.Now().UnixMilli()
	for _, bits := range book.bits[family] {
		p, err := ip.Prefix(bits)
		if err != nil {
			continue
		}
		b, ok := book.nets[p]
		if !ok || b.expires != 0 && b.expires <= now {
			continue
		}
		if b.severity == NoAccess || worst == "" || worst == SignUpByApproval {
			worst = b.severity
		}
		if worst == NoAccess {
			break
		}
	}
	return worst
}

// errBlocked is for those whose network is blocked.
var errBlocked = fault.New(fault.Denied, "Access from your network is blocked.")

// Admit refuses requests from networks that have no access at all.
func (s *Service) Admit(r *http.Request) error {
	if book := s.blocks.now.Load(); book == nil || len(book.nets) == 0 {
		return nil
	}
	if s.Blocked(ClientIP(r, s.TrustedProxies)) == NoAccess {
		return errBlocked
	}
	return nil
}

// checkBlocks looks at whom the admins keep out: e-mail providers, mailboxes and
// networks. approval tells that a moderator has to decide.
//
// spec: masto:methods/accounts#create (ERR_BLOCKED)
func (s *Service) checkBlocks(ctx context.Context, problems FieldErrors, r Registration) (approval bool, err error) {
	switch s.Blocked(parseAddr(r.IP)) {
	case NoAccess, NoSignUp:
		return false, errBlocked
	case SignUpByApproval:
		approval = true
	}
	_, domain, ok := strings.Cut(store.EmailKey(r.Email), "@")
	if !ok {
		return approval, nil
	}
	ask, err := s.blockedNames(ctx, problems, withParents(domain))
	if err == nil && len(problems) == 0 {
		approval = approval || ask
		ask, err = s.checkMX(ctx, problems, domain)
	}
	if approval = approval || ask; err != nil || len(problems) > 0 {
		return approval, err
	}
	same, err := s.DB.NamesIn(ctx, store.CanonicalEmailBlocks, []string{store.CanonicalEmail(r.Email)})
	if err == nil && len(same) > 0 {
		problems.add("email", "ERR_TAKEN", "has already been taken")
	}
	return approval, err
}

// withParents lists a domain and those above it, at most eight.
func withParents(domain string) []string {
	all := []string{domain}
	for len(all) < 8 {
		_, above, ok := strings.Cut(all[len(all)-1], ".")
		if !ok || above == "" {
			break
		}
		all = append(all, above)
	}
	return all
}
