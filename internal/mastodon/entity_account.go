package mastodon

import (
	"strconv"
	"strings"
	"time"

	"kenoma/internal/policy"
	"kenoma/internal/store"
)

// person is what an Account is drawn from.
type person struct {
	actor   *store.Actor
	profile *store.Profile
	counts  store.ActorCounts
	account *store.Account // Of ours; nil for remote ones.
	role    *store.Role    // The same.
	moved   *person        // Where it moved to, if that is known.
}

// noProfile stands in for accounts that have none, such as deleted ones.
var noProfile = &store.Profile{Type: "Person"}

// Who may put an account into a collection: everybody, if it is ours and wants to be
// discovered; nobody else's are asked.
//
// spec: masto:entities/FeatureApproval
const (
	automaticApproval = `{"automatic":["public"],"manual":[],"current_user":"automatic"}`
	noApproval        = `{"automatic":[],"manual":[],"current_user":"denied"}`
	unknownApproval   = `{"automatic":[],"manual":[],"current_user":"missing"}`
)

func featureApproval(p *person) string {
	switch {
	case !p.actor.Local:
		return unknownApproval
	case p.profile == nil || p.profile.Discoverable == nil || !*p.profile.Discoverable || p.actor.Hidden():
		return noApproval
	}
	return automaticApproval
}

// drawAccount returns the Account, without its closing brace, so that
// CredentialAccount, MutedAccount and "moved" can add to it.
//
// spec: masto:entities/Account, Pleroma's additions under "pleroma" and "fqn"
func (d *drawing) drawAccount(b []byte, p *person) *object {
	a, f := p.actor, p.profile
	if f == nil || a.Hidden() {
		f = noProfile
	}
	o := begin(b)
	o.id("id", a.ID)
	o.str("username", a.Username)
	o.str("acct", a.Acct())
	o.str("url", orElse(string(f.URL), string(a.URI)))
	o.str("uri", string(a.URI))
	o.str("display_name", orElse(f.DisplayName, a.Username))
	o.str("note", f.Note)
	avatar, header := d.picture(a, string(f.Avatar), "avatar"), d.picture(a, string(f.Header), "header")
	o.str("avatar", avatar)
	o.str("avatar_static", avatar)
	o.str("avatar_description", f.AvatarDescription)
	o.str("header", header)
	o.str("header_static", header)
	o.str("header_description", f.HeaderDescription)
	o.flag("locked", f.Locked)
	o.list("fields", len(f.Fields), func(b []byte, i int) []byte { return appendField(b, &f.Fields[i]) })
	o.list("emojis", len(f.Emoji), func(b []byte, i int) []byte { return d.appendEmoji(b, &f.Emoji[i], a.Local) })
	o.flag("bot", f.Bot)
	o.flag("group", f.Group)
	if f.Discoverable == nil {
		o.raw("discoverable", "null")
	} else {
		o.flag("discoverable", *f.Discoverable)
	}
	o.flag("indexable", f.Indexable)
	o.flag("noindex", !f.Indexable)
	if f.Memorial {
		o.flag("memorial", true)
	}
	if a.Hidden() {
		o.flag("suspended", true)
	}
	if a.Silenced != 0 {
		o.flag("limited", true)
	}
	o.time("created_at", day(f.Created))
	if p.counts.LastStatus == 0 {
		o.raw("last_status_at", "null")
	} else {
		o.str("last_status_at", time.UnixMilli(p.counts.LastStatus).UTC().Format(time.DateOnly))
	}
	o.num("statuses_count", max(0, p.counts.Statuses))
	followers, following := p.counts.Followers, p.counts.Following
	hidden := p.account != nil && p.account.Preferences.HideNetwork
	if hidden {
		followers, following = 0, 0
	}
	o.num("followers_count", max(0, followers))
	o.num("following_count", max(0, following))
	o.flag("hide_collections", hidden)
	var prefs store.Preferences
	if p.account != nil {
		prefs = p.account.Preferences
	}
	o.flag("show_media", !prefs.HideMedia)
	o.flag("show_media_replies", !prefs.HideMediaReplies)
	o.flag("show_featured", !prefs.HideFeatured)
	if p.moved != nil && !a.Hidden() {
		o.raw("moved", string(d.drawAccount(nil, p.moved).close()))
	}
	o.raw("roles", publicRoles(p.role))
	o.raw("feature_approval", featureApproval(p))
	o.str("fqn", d.fqn(a))
	d.pleromaAccount(o, p, hidden)
	return o
}

func (d *drawing) pleromaAccount(o *object, p *person, hidden bool) {
	var may store.Permission
	if p.role != nil {
		may = p.role.Permissions
	}
	in := o.nest("pleroma")
	in.str("ap_id", string(p.actor.URI))
	var aliases []string
	if p.profile != nil {
		for _, a := range p.profile.AlsoKnownAs {
			aliases = append(aliases, string(a))
		}
	}
	in.list("also_known_as", len(aliases), func(b []byte, i int) []byte { return appendString(b, aliases[i]) })
	in.raw("tags", "[]")
	in.raw("relationship", "{}")
	in.flag("is_admin", may.Has(store.ManageSettings))
	in.flag("is_moderator", may.Has(store.ManageReports) && !may.Has(store.ManageSettings))
	in.flag("is_confirmed", true)
	in.flag("hide_favorites", true)
	if p.account != nil {
		in.flag("allow_following_move", !p.account.Preferences.StayOnMove)
	}
	for _, name := range []string{"hide_followers", "hide_follows", "hide_followers_count", "hide_follows_count"} {
		in.flag(name, hidden)
	}
	in.flag("skip_thread_containment", false)
	in.flag("accepts_chat_messages", false)
	in.raw("background_image", "null")
	in.raw("favicon", "null")
	o.end(in)
}

// day cuts a time to its day: apps show the day of joining, more is nobody's business.
func day(ms int64) int64 {
	const length = int64(24 * time.Hour / time.Millisecond)
	return ms - ms%length
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// fqn is the handle with the host, for our own too.
func (d *drawing) fqn(a *store.Actor) string {
	if a.Local {
		return a.Username + "@" + d.domain
	}
	return a.Acct()
}

// picture is the address of an avatar or header: our own file, a remote one
// through the proxy, or the one for those who have none.
func (d *drawing) picture(a *store.Actor, url, kind string) string {
	switch {
	case url == "" || !a.Local && d.unseen(a.Host, kind):
		return d.url + "/static/" + kind + ".svg"
	case a.Local:
		return url
	}
	return orElse(d.remote(url), d.url+"/static/"+kind+".svg")
}

// unseen tells whether the admin wants no avatars, or no headers, of a host.
func (d *drawing) unseen(host, kind string) bool {
	rule := d.hosts.Of(host)
	return rule.RejectMedia || kind == "avatar" && rule.RejectAvatars || kind == "header" && rule.RejectBanners
}

// remote is the address under which we serve a remote file; "" for addresses that
// no browser should follow.
func (d *drawing) remote(url string) string {
	here := d.proxy(url)
	if strings.HasPrefix(here, "/") {
		here = d.url + here
	}
	return here
}

// spec: masto:entities/Field
func appendField(b []byte, f *store.ProfileField) []byte {
	o := begin(b)
	o.str("name", f.Name)
	o.str("value", f.Value)
	o.timeOr("verified_at", f.Verified)
	return o.close()
}

// spec: masto:entities/CustomEmoji
func (d *drawing) appendEmoji(b []byte, e *store.Emoji, local bool) []byte {
	url := string(e.URL)
	if !local {
		url = d.remote(url)
	}
	o := begin(b)
	o.str("shortcode", e.Shortcode)
	o.str("url", url)
	o.str("static_url", url)
	o.raw("visible_in_picker", "true")
	return o.close()
}

// drawing is what all entities need to know of the server.
type drawing struct {
	url    string
	domain string
	proxy  func(string) string
	hosts  *policy.Hosts // The admin's rules.
}

// itoa is an id as text.
func itoa(id int64) string { return strconv.FormatInt(id, 10) }
