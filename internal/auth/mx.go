package auth

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"kenoma/internal/store"
)

// Resolver looks up who takes the mail of a domain: *net.Resolver.
type Resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupHost(ctx context.Context, name string) ([]string, error)
}

const (
	// mxTime is how long somebody who signs up waits for the answer. Without one in time
	// the address passes: their mail has to be confirmed anyway.
	mxTime = 3 * time.Second
	maxMX  = 10 // Hosts that are looked at.
)

// mailHosts are the hosts that take the mail of a domain; none tells that there can't
// be any. The error is of the network.
func (s *Service) mailHosts(ctx context.Context, domain string) (hosts []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, mxTime)
	defer cancel()
	records, err := s.Resolver.LookupMX(ctx, domain)
	var unknown *net.DNSError
	if errors.As(err, &unknown) && unknown.IsNotFound {
		records, err = nil, nil
	}
	if err != nil && len(records) == 0 {
		return nil, err
	}
	for _, r := range records[:min(len(records), maxMX)] {
		if host := strings.TrimSuffix(strings.ToLower(r.Host), "."); host != "" { // "." takes none, RFC 7505.
			hosts = append(hosts, host)
		}
	}
	if len(records) > 0 {
		return hosts, nil
	}
	if _, err = s.Resolver.LookupHost(ctx, domain); errors.As(err, &unknown) && unknown.IsNotFound {
		return nil, nil
	}
	return []string{domain}, err // Without MX the host itself takes it, rfc5321#section-5.1.
}

// checkMX looks whether anybody takes the mail of a domain, and whether that is a host
// that is kept out: many throw-away domains share one.
func (s *Service) checkMX(ctx context.Context, problems FieldErrors, domain string) (approval bool, err error) {
	if s.Resolver == nil {
		return false, nil
	}
	hosts, err := s.mailHosts(ctx, domain)
	if err != nil {
		s.Log.Info("nobody could tell who takes the mail of a domain", "domain", domain, "err", err)
		return false, nil
	}
	if len(hosts) == 0 {
		problems.add("email", "ERR_UNREACHABLE", "is at a domain that takes no mail")
		return false, nil
	}
	var names []string
	for _, host := range hosts {
		names = append(names, withParents(host)...)
	}
	return s.blockedNames(ctx, problems, names)
}

// blockedNames looks for mail domains that are kept out; approval tells that a moderator
// has to decide.
func (s *Service) blockedNames(ctx context.Context, problems FieldErrors, names []string) (approval bool, err error) {
	found, err := s.DB.NamesIn(ctx, store.EmailDomainBlocks, names)
	if err != nil {
		return false, err
	}
	for _, b := range found {
		if err := s.DB.Write(ctx, func(tx *store.Tx) error { return tx.CountEmailDomainUse(ctx, b.ID) }); err != nil {
			return false, err
		}
		if b.Flag {
			approval = true
			continue
		}
		problems.add("email", "ERR_BLOCKED", "is of a provider that is not allowed here")
		break
	}
	return approval, nil
}
