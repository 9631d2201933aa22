package pages

import (
	"testing"

	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

func TestInspectPage(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, nil)
		ann := w.person("ann")
		if _, err := w.auth.CreateAccount(t.Context(), "boss", "boss@mail.test", password, "owner"); err != nil {
			t.Fatal(err)
		}
		id, err := w.pipeline.Post(t.Context(), ann, pipeline.Draft{Text: "<i>Hello</i>"})
		if err != nil {
			t.Fatal(err)
		}
		w.pipeline.ProcessDocument(t.Context(), []byte(`{"id":"https://evil.test/1","type":"Like","actor":"https://b.test/users/bob","object":"https://a.test/objects/1"}`),
			pipeline.Origin{Host: "evil.test"})
		b, other := w.browser(), w.browser()
		b.signIn("boss")
		other.signIn("ann")
		other.get("/moderation/inspect").want(403, "Your role does not let you")
		other.get("/settings/account").without("/moderation/inspect")
		w.browser().get("/moderation/inspect").to("/auth/sign_in")
		b.get("/settings/account").want(200, "/moderation/inspect")
		b.get("/moderation/inspect").want(200, "Create", "by ann", "Refused", "origin: ", "https://b.test/users/bob")
		uri := string(w.pipeline.ObjectURI(id))
		b.get("/moderation/inspect?uri="+uri).want(200, "Note", "public", "in effect", "wrote status: 1").without("<i>Hello</i>")
		b.get("/moderation/inspect?uri=https://evil.test/1").want(200, "Refused", "does not speak for")
		b.get("/moderation/inspect?uri=https://b.test/nothing").want(404, "Nothing is known of this address")
	})
}
