package mastodon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// What the staff keeps out is made, read, listed, changed and lifted in the same way.
func TestAdminRules(t *testing.T) {
	for _, tt := range []struct {
		path, create, drawn string
		wrong               string // A form that is refused with 422.
		put, putDrawn       string
	}{
		{"domain_blocks", "domain=Bad.Test&severity=suspend&private_comment=spam&obfuscate=true", `{"domain": "bad.test", "severity": "suspend", "private_comment": "spam", "public_comment": null, "obfuscate": true}`,
			"domain=not+a+domain", "severity=silence&public_comment=loud", `{"severity": "silence", "public_comment": "loud", "private_comment": "spam"}`},
		{"domain_allows", "domain=good.test", `{"domain": "good.test"}`, "domain=", "", ""},
		{"email_domain_blocks", "domain=mail.bad.test", `{"domain": "mail.bad.test"}`, "domain=@", "", ""},
		{"canonical_email_blocks", "email=A.nn%2Bx@mail.test", `{"canonical_email_hash": "` + store.CanonicalEmail("ann@mail.test") + `"}`, "canonical_email_hash=xyz", "", ""},
		{"ip_blocks", "ip=192.0.2.77/24&severity=no_access&comment=bots&expires_in=3600", `{"ip": "192.0.2.0/24", "severity": "no_access", "comment": "bots"}`,
			"ip=192.0.2.300&severity=no_access", "severity=sign_up_block&expires_in=", `{"severity": "sign_up_block", "expires_at": null}`},
	} {
		t.Run(tt.path, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, w *world) {
				w.staff("boss", "owner")
				path := "/api/v1/admin/" + tt.path
				ask := func(method, path, form string) *response { return w.asStaff("boss", method, path, form) }
				ask("GET", path, "").want(200, `[]`)
				id := ask("POST", path, tt.create).want(200, tt.drawn).id()
				ask("POST", path, tt.wrong).want(422, "")
				ask("GET", path+"/"+id, "").want(200, tt.drawn)
				ask("GET", path+"/5", "").want(404, "")
				ask("GET", path, "").want(200, `[`+tt.drawn+`]`)
				ask("GET", path+"?max_id="+id, "").want(200, `[]`)
				ask("GET", path+"?max_id=x", "").want(400, "")
				if tt.put != "" {
					ask("PUT", path+"/"+id, tt.put).want(200, tt.putDrawn)
					ask("PUT", path+"/"+id, "severity=mild").want(422, "")
					ask("PUT", path+"/5", tt.put).want(404, "")
				}
				if tt.path != "domain_allows" { // Allowing twice is a success.
					ask("POST", path, tt.create).want(422, "")
				}
				ask("DELETE", path+"/5", "").want(404, "")
				ask("DELETE", path+"/"+id, "").want(200, `{"id": "`+id+`"}`)
				ask("GET", path, "").want(200, `[]`)
				res := ask("GET", "/api/v1/pleroma/admin/moderation_log", "").want(200, "")
				if !strings.Contains(string(res.body), `"action":"create"`) || !strings.Contains(string(res.body), `"action":"destroy"`) {
					t.Errorf("the audit log: %s", res.body)
				}
			})
		})
	}
}

func TestCanonicalEmailTest(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.staff("boss", "owner")
		w.asStaff("boss", "POST", "/api/v1/admin/canonical_email_blocks", "canonical_email_hash="+store.CanonicalEmail("ann@mail.test")).want(200, "")
		w.asStaff("boss", "POST", "/api/v1/admin/canonical_email_blocks/test", "email=AN.N%2Bspam@mail.test").want(200, `[{"canonical_email_hash": "`+store.CanonicalEmail("ann@mail.test")+`"}]`)
		w.asStaff("boss", "POST", "/api/v1/admin/canonical_email_blocks/test", "email=bob@mail.test").want(200, `[]`)
		w.asStaff("boss", "POST", "/api/v1/admin/canonical_email_blocks/test", "").want(400, "")
	})
}

// A blocked host is gone at once, and comes back when the block is lifted.
func TestDomainBlockEffects(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.staff("boss", "owner")
		w.api.Settings.ShowBlocks = "users"
		far := w.stranger("far", "sub.b.test")
		note := func(id string) map[string]any {
			return map[string]any{"id": "https://sub.b.test/create/" + id, "type": "Create", "actor": string(far.URI), "to": []string{"as:Public"},
				"object": map[string]any{"id": "https://sub.b.test/notes/" + id, "type": "Note", "attributedTo": string(far.URI), "to": []string{"as:Public"}, "content": "hi " + id,
					"attachment": []map[string]any{{"type": "Image", "mediaType": "image/png", "url": "https://sub.b.test/p.png"}}}}
		}
		w.arrives("sub.b.test", note("1"))
		public := func(who string, n int) []string {
			t.Helper()
			got := w.as(who, "GET", "/api/v1/timelines/public", "").want(200, "").ids()
			if len(got) != n {
				t.Errorf("%q gets %d public posts, want %d", who, len(got), n)
			}
			return got
		}
		post := public("", 1)[0]
		w.as("ann", "POST", "/api/v1/accounts/"+itoa(far.ID)+"/follow", "").want(200, "")

		id := w.asStaff("boss", "POST", "/api/v1/admin/domain_blocks", "domain=b.test&severity=noop&reject_media=true").want(200, "").id()
		w.as("", "GET", "/api/v1/statuses/"+post, "").want(200, `{"media_attachments": [], "account": {"avatar": "https://a.test/static/avatar.svg"}}`)
		w.asStaff("boss", "PUT", "/api/v1/admin/domain_blocks/"+id, "severity=silence&reject_media=false").want(200, "")
		w.as("", "GET", "/api/v1/statuses/"+post, "").want(200, `{"media_attachments": [{"type": "image"}], "account": {"limited": true}}`)
		public("", 0)
		w.asStaff("boss", "PUT", "/api/v1/admin/domain_blocks/"+id, "severity=suspend").want(200, "")
		w.as("ann", "GET", "/api/v1/accounts/"+itoa(far.ID), "").want(200, `{"suspended": true}`)
		public("ann", 0)
		doc, err := json.Marshal(note("2"))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.api.Pipeline.ProcessDocument(ctx, doc, pipeline.Origin{Host: "sub.b.test"}); !fault.Is(err, fault.Rejected) {
			t.Errorf("a post of a blocked host: %v, want it rejected", err)
		}
		w.as("ann", "GET", "/api/v1/instance/domain_blocks", "").want(200, `[{"domain": "b.test", "severity": "suspend"}]`)

		// The job ends follows and marks the accounts.
		number, err := parseID(id)
		if err != nil {
			t.Fatal(err)
		}
		run := func() {
			t.Helper()
			payload := fmt.Sprintf(`{"domain":"b.test","since":%d}`, vocab.TimeOf(number).UnixMilli())
			if err := w.api.Pipeline.Jobs()["host-rule"](ctx, store.Job{Payload: []byte(payload)}); err != nil {
				t.Fatal(err)
			}
		}
		run()
		w.as("ann", "GET", "/api/v1/accounts/relationships?id[]="+itoa(far.ID), "").want(200, `[{"following": false, "requested": false}]`)
		w.as("", "GET", "/api/v1/statuses/"+post, "").want(404, "")
		w.asStaff("boss", "DELETE", "/api/v1/admin/domain_blocks/"+id, "").want(200, "")
		run()
		w.api.cache.forgetAll()
		public("", 1)
		w.arrives("sub.b.test", note("3"))
		public("", 2)
	})
}

func TestPublicDomainBlocks(t *testing.T) {
	w := onSQLite(t)
	w.staff("boss", "owner")
	for _, form := range []string{"domain=very-bad.example.test&severity=suspend&obfuscate=true&public_comment=spam", "domain=loud.test&severity=silence", "domain=fine.test&severity=noop"} {
		w.asStaff("boss", "POST", "/api/v1/admin/domain_blocks", form).want(200, "")
	}
	for _, tt := range []struct {
		show, reasons, who string
		status             int
		want               string
	}{
		{"all", "all", "", 200, `[{"domain": "very-***.*******.test", "severity": "suspend", "comment": "spam"}, {"domain": "loud.test", "severity": "silence"}]`},
		{"all", "users", "", 200, `[{"comment": null}, {}]`},
		{"users", "users", "ann", 200, `[{"comment": "spam"}, {}]`},
		{"users", "users", "", 401, `{}`},
		{"disabled", "all", "ann", 404, `{}`},
	} {
		w.api.Settings.ShowBlocks, w.api.Settings.ShowBlockReasons = tt.show, tt.reasons
		w.as(tt.who, "GET", "/api/v1/instance/domain_blocks", "").want(tt.status, tt.want)
	}
}

// Who is kept out does not get in.
func TestSignUpBlocks(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.staff("boss", "owner")
		token := w.token("", "read write")
		n := 0
		w.api.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
		w.api.Auth.TrustedProxies = w.api.TrustedProxies
		sign := func(email, ip string, status int, want string) *response {
			t.Helper()
			n++
			h := http.Header{}
			h.Set("X-Forwarded-For", ip)
			return w.send(token, "POST", "/api/v1/accounts", "username=new"+itoa(int64(n))+"&password=long+enough&agreement=true&email="+email, h).want(status, want)
		}
		for path, forms := range map[string][]string{
			"email_domain_blocks":    {"domain=trash.test", "domain=odd.test&allow_with_approval=true"},
			"canonical_email_blocks": {"email=eve@mail.test"},
			"ip_blocks":              {"ip=192.0.2.0/24&severity=no_access", "ip=198.51.100.7&severity=sign_up_block", "ip=2001:db8::/32&severity=sign_up_requires_approval"},
		} {
			for _, form := range forms {
				w.asStaff("boss", "POST", "/api/v1/admin/"+path, form).want(200, "")
			}
		}
		sign("a@sub.trash.test", "203.0.113.1", 422, `{"details": {"email": [{"error": "ERR_BLOCKED"}]}}`)
		sign("e.ve%2Bx@mail.test", "203.0.113.1", 422, `{"details": {"email": [{"error": "ERR_TAKEN"}]}}`)
		sign("b@mail.test", "192.0.2.9", 403, `{}`)
		sign("b@mail.test", "198.51.100.7", 403, `{}`)
		pending := func(want int) {
			t.Helper()
			if got := w.asStaff("boss", "GET", "/api/v2/admin/accounts?status=pending", "").want(200, "").ids(); len(got) != want {
				t.Errorf("%d wait for approval, want %d", len(got), want)
			}
		}
		sign("b@mail.test", "203.0.113.1", 200, "")
		pending(0)
		sign("c@odd.test", "203.0.113.1", 200, "")
		pending(1)
		sign("d@mail.test", "2001:db8::5", 200, "")
		pending(2)
		w.asStaff("boss", "GET", "/api/v1/admin/email_domain_blocks", "").want(200, `[{"domain": "odd.test"}, {"domain": "trash.test"}]`)
		h := http.Header{}
		h.Set("X-Forwarded-For", "192.0.2.200")
		w.send("", "GET", "/api/v1/instance", "", h).want(403, `{"error": "Access from your network is blocked."}`)
		h.Set("X-Forwarded-For", "198.51.100.7")
		w.send("", "GET", "/api/v1/instance", "", h).want(200, "")
		if got := w.api.Auth.Blocked(netip.MustParseAddr("::ffff:192.0.2.1")); got != auth.NoAccess {
			t.Errorf("a mapped address: %q", got)
		}
	})
}
