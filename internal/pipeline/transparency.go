package pipeline

import (
	"context"
	"slices"
	"strings"

	"kenoma/internal/store"
)

// hostLists are the lists that Pleroma publishes about hosts, by name.
var hostLists = []struct {
	name string
	on   func(*store.HostBlock) bool
}{
	{"reject", func(b *store.HostBlock) bool { return b.Severity == "suspend" }},
	{"federated_timeline_removal", func(b *store.HostBlock) bool { return b.Severity == "silence" }},
	{"media_removal", func(b *store.HostBlock) bool { return b.RejectMedia }},
	{"media_nsfw", func(b *store.HostBlock) bool { return b.MediaNSFW }},
	{"followers_only", func(b *store.HostBlock) bool { return b.FollowersOnly }},
	{"report_removal", func(b *store.HostBlock) bool { return b.RejectReports }},
	{"avatar_removal", func(b *store.HostBlock) bool { return b.RejectAvatars }},
	{"banner_removal", func(b *store.HostBlock) bool { return b.RejectBanners }},
	{"reject_deletes", func(b *store.HostBlock) bool { return b.RejectDeletes }},
}

// Federation is what NodeInfo tells of the policies, in Pleroma's form.
//
// spec: pleroma:nodeinfo#metadata.federation
func (p *Pipeline) Federation(ctx context.Context) (map[string]any, error) {
	said := map[string]any{"enabled": true, "quarantined_instances": []string{}}
	settings := p.inForce.Load()
	if settings == nil || !settings.Transparency {
		return said, nil
	}
	blocks, err := p.DB.AllHostBlocks(ctx)
	if err != nil {
		return nil, err
	}
	simple, reasons, excluded := map[string][]string{}, map[string]map[string]any{}, false
	for i := range blocks {
		b := &blocks[i]
		if slices.Contains(settings.TransparencyExclusions, b.Domain) {
			excluded = true
			continue
		}
		name := b.Domain
		if settings.TransparencyObfuscateDomains || b.Obfuscate {
			name = stars(name)
		}
		for _, list := range hostLists {
			if !list.on(b) {
				continue
			}
			simple[list.name] = append(simple[list.name], name)
			if b.PublicComment != "" {
				if reasons[list.name] == nil {
					reasons[list.name] = map[string]any{}
				}
				reasons[list.name][name] = map[string]string{"reason": b.PublicComment}
			}
		}
	}
	names := []string{"SimplePolicy"}
	for _, rule := range p.Policies.Load().Rules {
		if name := rule.Name; name != "Simple" && !strings.HasPrefix(name, "script ") {
			names = append(names, name+"Policy")
		}
	}
	said["mrf_policies"], said["mrf_simple"], said["mrf_simple_info"], said["exclusions"] = names, simple, reasons, excluded
	return said, nil
}

// stars hides the middle of a name: ex****.org.
func stars(domain string) string {
	labels := strings.Split(domain, ".")
	for i, l := range labels[:max(len(labels)-1, 1)] {
		if keep := min(2, len(l)/2); len(l) > 1 {
			labels[i] = l[:keep] + strings.Repeat("*", len(l)-keep)
		}
	}
	return strings.Join(labels, ".")
}
