package mastodon

import "strconv"

// Reports of somebody's year are not made here: nobody has one, and nobody is eligible,
// which is what Mastodon answers where the feature is off.
//
// spec: masto:methods/annual_reports
var (
	_ = route("GET /api/v1/annual_reports", "read:accounts", func(*API, *Request) (any, error) {
		return map[string]any{"annual_reports": []struct{}{}, "accounts": []struct{}{}, "statuses": []struct{}{}}, nil
	})
	_ = route("GET /api/v1/annual_reports/{year}", "read:accounts", func(*API, *Request) (any, error) { return nil, errNotFound() })
	_ = route("POST /api/v1/annual_reports/{year}/read", "write:accounts", func(*API, *Request) (any, error) { return nil, errNotFound() })
	_ = route("GET /api/v1/annual_reports/{year}/state", "read:accounts", func(_ *API, r *Request) (any, error) {
		return map[string]string{"state": "ineligible"}, aYear(r)
	})
	_ = route("POST /api/v1/annual_reports/{year}/generate", "write:accounts", func(_ *API, r *Request) (any, error) { return empty, aYear(r) })
)

// aYear refuses what is no year.
func aYear(r *Request) error {
	if year, err := strconv.Atoi(r.PathValue("year")); err != nil || year < 2000 || year > 9999 {
		return errNotFound()
	}
	return nil
}
