package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWhoMayAskFromElsewhere(t *testing.T) {
	h := new(Server).open(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for _, tt := range []struct {
		method, path string
		allowed      bool
		status       int
	}{
		{"POST", "/api/v1/apps", true, 418}, // Of the sign-in, as all of the API.
		{"GET", "/api/v1/timelines/public", true, 418},
		{"OPTIONS", "/api/v1/statuses", true, 204},
		{"POST", "/oauth/token", true, 418},
		{"OPTIONS", "/oauth/revoke/", true, 204},
		{"GET", "/.well-known/oauth-authorization-server", true, 418},
		{"GET", "/nodeinfo/2.0", true, 418},
		{"GET", "/static/avatar.svg", true, 418}, // Clients look at its colours.
		{"POST", "/oauth/authorize", false, 418},
		{"POST", "/auth/sign_in", false, 418},
		{"OPTIONS", "/settings/password", false, 418},
		{"GET", "/@ann", false, 418},
	} {
		r := httptest.NewRequest(tt.method, tt.path, nil)
		r.Header.Set("Origin", "https://app.test")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Result().Header
		if allowed := got.Get("Access-Control-Allow-Origin") == "*" && strings.Contains(got.Get("Access-Control-Expose-Headers"), "Link"); allowed != tt.allowed || w.Code != tt.status {
			t.Errorf("%s %s from elsewhere: %d, allowed %t, want %d, %t", tt.method, tt.path, w.Code, allowed, tt.status, tt.allowed)
		}
		if tt.status == 204 && !strings.Contains(got.Get("Access-Control-Allow-Headers"), "Authorization") {
			t.Errorf("%s %s: no token may be sent: %v", tt.method, tt.path, got)
		}
	}
}
