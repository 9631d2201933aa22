package pages

import (
	"context"
	"testing"

	"kenoma/internal/store"
)

func TestAbout(t *testing.T) {
	w := onSQLite(t, nil)
	w.pages.Text = func(_ context.Context, name string) (string, string, error) {
		if name == "about" || name == "terms-of-service/2026-01-01" {
			return "On " + name, "<p>Hello <b>there</b></p>", nil
		}
		return "", "", store.ErrNotFound
	}
	w.pages.RuleTexts = func(context.Context) ([]string, error) { return []string{"Be <kind>"}, nil }
	b := w.browser()
	b.get("/about").want(200, "On about", "<b>there</b>")
	b.get("/terms-of-service/2026-01-01").want(200, "On terms-of-service/2026-01-01")
	b.get("/terms-of-service").want(404, "nothing here")
	b.get("/auth/sign_up").want(200, "Be &lt;kind&gt;")
}
