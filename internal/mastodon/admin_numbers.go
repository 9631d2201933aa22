package mastodon

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// dashboardDays bounds the time that is looked at.
const dashboardDays = 366

// dayMillis is the length of a day in ms.
const dayMillis = int64(24 * time.Hour / time.Millisecond)

// when is the time that the staff asks about: whole days, the last one included. ms.
type when struct{ from, to int64 }

// readWhen reads start_at and end_at: dates or times.
func readWhen(r *Request) (when, error) {
	var bounds [2]int64
	for i, name := range []string{"start_at", "end_at"} {
		text := r.String(name)
		if text == "" {
			return when{}, fault.New(fault.Malformed, "param is missing or the value is empty: %s", name)
		}
		var at time.Time
		var err error
		for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05.999", "2006-01-02T15:04"} {
			if at, err = time.Parse(layout, text); err == nil {
				break
			}
		}
		if err != nil {
			return when{}, fault.New(fault.Malformed, "%s is not a date.", name)
		}
		bounds[i] = store.Day(at.UnixMilli())
	}
	w := when{bounds[0], bounds[1] + dayMillis}
	if w.from < 0 || w.to <= w.from || w.to-w.from > dashboardDays*dayMillis {
		return when{}, fault.New(fault.Malformed, "end_at must be after start_at, by at most a year.")
	}
	return w, nil
}

// before is the time of the same length before.
func (w when) before() when { return when{2*w.from - w.to, w.from} }

// remembered keeps answers that are expensive to make, for some minutes.
type remembered struct {
	mu   sync.Mutex
	made map[string]*cached[any]
}

const (
	dashboardLife = 5 * 60_000 // ms
	maxRemembered = 500
)

// remember returns what make returns, or did so a short time ago.
func (api *API) remember(key string, make func() (any, error)) (any, error) {
	m := &api.dashboard
	now := api.Now().UnixMilli()
	m.mu.Lock()
	hit := m.made[key]
	m.mu.Unlock()
	if hit != nil && hit.expires > now {
		return hit.value, nil
	}
	v, err := make()
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made == nil || len(m.made) > maxRemembered {
		m.made = map[string]*cached[any]{}
	}
	m.made[key] = &cached[any]{value: v, expires: now + dashboardLife}
	return v, nil
}

// measure is how to get a number: by day, and where it isn't their sum, in total.
type measure struct {
	param string // What the key needs beside: id of a tag, domain of a host; "" nothing.
	days  func(ctx context.Context, api *API, arg string, w when) ([]store.DayCount, error)
	total func(ctx context.Context, api *API, arg string) (int64, error)
}

// measureEntity is Admin::Measure.
//
// spec: masto:entities/Admin_Measure
type measureEntity struct {
	Key      string        `json:"key"`
	Unit     *string       `json:"unit"`
	Total    string        `json:"total"`
	Previous *string       `json:"previous_total,omitempty"`
	Data     []measureDate `json:"data"`
}

type measureDate struct {
	Date  *string `json:"date"`
	Value string  `json:"value"`
}

// measures is the one table of what the staff can have counted.
//
// spec: masto:methods/admin/measures
var measures = map[string]measure{
	"active_users": {days: func(ctx context.Context, api *API, _ string, w when) ([]store.DayCount, error) {
		return api.DB.Active(ctx, store.ActiveDay, w.from, w.to)
	}},
	"new_users": {days: func(ctx context.Context, api *API, _ string, w when) ([]store.DayCount, error) {
		return api.DB.NewAccounts(ctx, w.from, w.to)
	}},
	"interactions": {days: func(ctx context.Context, api *API, _ string, w when) ([]store.DayCount, error) {
		return api.DB.Daily(ctx, "interactions", "", w.from, w.to)
	}},
	"opened_reports": {days: func(ctx context.Context, api *API, _ string, w when) ([]store.DayCount, error) {
		return api.DB.ReportsByDay(ctx, w.from, w.to, false)
	}},
	"resolved_reports": {days: func(ctx context.Context, api *API, _ string, w when) ([]store.DayCount, error) {
		return api.DB.ReportsByDay(ctx, w.from, w.to, true)
	}},
	"tag_accounts":               tagMeasure(func(u store.TagUse) int64 { return u.Accounts }),
	"tag_uses":                   tagMeasure(func(u store.TagUse) int64 { return u.Uses }),
	"tag_servers":                tagMeasure(func(u store.TagUse) int64 { return u.Servers }),
	"instance_accounts":          hostMeasure("accounts", func(n store.HostNumbers) int64 { return n.Accounts }),
	"instance_media_attachments": hostMeasure("media", func(n store.HostNumbers) int64 { return n.Media }),
	"instance_reports":           hostMeasure("reports", func(n store.HostNumbers) int64 { return n.Reports }),
	"instance_follows":           hostMeasure("follows", func(n store.HostNumbers) int64 { return n.Follows }),
	"instance_followers":         hostMeasure("followers", func(n store.HostNumbers) int64 { return n.Followers }),
	"instance_statuses": {param: "domain", days: func(ctx context.Context, api *API, domain string, w when) ([]store.DayCount, error) {
		return api.DB.Daily(ctx, "statuses", domain, w.from, w.to)
	}, total: func(ctx context.Context, api *API, domain string) (int64, error) {
		n, err := api.DB.HostNumbers(ctx, domain)
		return n.Statuses, err
	}},
}

func tagMeasure(pick func(store.TagUse) int64) measure {
	return measure{param: "id", days: func(ctx context.Context, api *API, id string, w when) ([]store.DayCount, error) {
		tag, err := parseID(id)
		if err != nil {
			return nil, err
		}
		uses, err := api.DB.TagUses(ctx, tag, w.from, w.to)
		var days []store.DayCount
		for _, u := range uses {
			days = append(days, store.DayCount{Day: u.Day, N: pick(u)})
		}
		return days, err
	}}
}

func hostMeasure(what string, pick func(store.HostNumbers) int64) measure {
	return measure{param: "domain", days: func(ctx context.Context, api *API, domain string, w when) ([]store.DayCount, error) {
		return api.DB.HostByDay(ctx, what, domain, w.from, w.to)
	}, total: func(ctx context.Context, api *API, domain string) (int64, error) {
		n, err := api.DB.HostNumbers(ctx, domain)
		return pick(n), err
	}}
}

func sumOf(days []store.DayCount) (n int64) {
	for _, d := range days {
		n += d.N
	}
	return n
}

// askedKeys reads the keys, of which each must be in a table.
func askedKeys[T any](r *Request, known map[string]T) ([]string, error) {
	keys := r.Strings("keys")
	if len(keys) == 0 {
		return nil, fault.New(fault.Malformed, "param is missing or the value is empty: keys")
	}
	kept := []string{}
	for _, k := range keys {
		if _, ok := known[k]; ok && !slices.Contains(kept, k) {
			kept = append(kept, k)
		}
	}
	return kept, nil
}

// argOf reads what a key needs: tag_uses[id]=5.
func argOf(r *Request, key, param string) (string, error) {
	if param == "" {
		return "", nil
	}
	arg := r.String(key + "[" + param + "]")
	if arg == "" {
		return "", fault.New(fault.Malformed, "param is missing or the value is empty: %s[%s]", key, param)
	}
	return arg, nil
}

// drawMeasure makes a measure, a value for each day.
func (api *API) drawMeasure(ctx context.Context, key, arg string, w when) (*measureEntity, error) {
	m := measures[key]
	days, err := m.days(ctx, api, arg, w)
	if err != nil {
		return nil, err
	}
	byDay := map[int64]int64{}
	for _, d := range days {
		byDay[d.Day] += d.N
	}
	e := &measureEntity{Key: key, Data: []measureDate{}}
	for day := w.from; day < w.to; day += dayMillis {
		e.Data = append(e.Data, measureDate{isoDay(day), itoa(byDay[day])})
	}
	if m.total != nil {
		n, err := m.total(ctx, api, arg)
		e.Total = itoa(n)
		return e, err
	}
	e.Total = itoa(sumOf(days))
	before, err := m.days(ctx, api, arg, w.before())
	previous := itoa(sumOf(before))
	e.Previous = &previous
	return e, err
}

// isoDay is the beginning of a day as apps read it, also that of 1970.
func isoDay(ms int64) *string {
	s := time.UnixMilli(ms).UTC().Format(timeFormat)
	return &s
}

// spec: masto:methods/admin/measures
var _ = admin("POST /api/v1/admin/measures", "admin:read", store.ViewDashboard, func(api *API, r *Request) (any, error) {
	keys, err := askedKeys(r, measures)
	if err != nil {
		return nil, err
	}
	w, err := readWhen(r)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, key := range keys {
		arg, err := argOf(r, key, measures[key].param)
		if err != nil {
			return nil, err
		}
		one, err := api.remember(fmt.Sprintf("measure %s %q %d %d", key, arg, w.from, w.to), func() (any, error) { return api.drawMeasure(r.Context(), key, arg, w) })
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
})

// dimension is how to get the parts of something.
type dimension struct {
	param  string
	human  func(string) string // How a value is called; nil: as it is.
	shares func(ctx context.Context, api *API, arg string, w when, limit int) ([]store.Share, error)
	texts  func(ctx context.Context, api *API) ([]dimensionData, error) // Instead of shares.
}

// dimensionEntity is Admin::Dimension.
//
// spec: masto:entities/Admin_Dimension
type dimensionEntity struct {
	Key  string          `json:"key"`
	Data []dimensionData `json:"data"`
}

type dimensionData struct {
	Key        string `json:"key"`
	HumanKey   string `json:"human_key"`
	Value      string `json:"value"`
	Unit       string `json:"unit,omitempty"`
	HumanValue string `json:"human_value,omitempty"`
}

// dimensions is the one table of what the staff can have taken apart.
//
// spec: masto:methods/admin/dimensions
var dimensions = map[string]dimension{
	"languages": {human: languageName, shares: func(ctx context.Context, api *API, _ string, w when, limit int) ([]store.Share, error) {
		return api.DB.AccountLanguages(ctx, store.Month(w.to-1), limit)
	}},
	"sources": {human: func(s string) string { return orElse(s, "Website") }, shares: func(ctx context.Context, api *API, _ string, w when, limit int) ([]store.Share, error) {
		return api.DB.AccountSources(ctx, w.from, w.to, limit)
	}},
	"servers": {human: nil, shares: func(ctx context.Context, api *API, _ string, w when, limit int) ([]store.Share, error) {
		return api.ownNamed(api.DB.BusyServers(ctx, w.from, w.to, limit))
	}},
	"tag_servers": {param: "id", shares: func(ctx context.Context, api *API, id string, w when, limit int) ([]store.Share, error) {
		tag, err := parseID(id)
		if err != nil {
			return nil, err
		}
		return api.ownNamed(api.DB.TagServers(ctx, tag, w.from, w.to, limit))
	}},
	"tag_languages": {param: "id", human: languageName, shares: func(ctx context.Context, api *API, id string, w when, limit int) ([]store.Share, error) {
		tag, err := parseID(id)
		if err != nil {
			return nil, err
		}
		return api.DB.TagLanguages(ctx, tag, w.from, w.to, limit)
	}},
	"instance_accounts": {param: "domain", shares: func(ctx context.Context, api *API, domain string, _ when, limit int) ([]store.Share, error) {
		return api.DB.HostAccounts(ctx, domain, limit)
	}},
	"instance_languages": {param: "domain", human: languageName, shares: func(ctx context.Context, api *API, domain string, w when, limit int) ([]store.Share, error) {
		return api.DB.HostLanguages(ctx, domain, w.from, w.to, limit)
	}},
	"space_usage": {texts: func(ctx context.Context, api *API) ([]dimensionData, error) {
		size, _, err := api.DB.DatabaseSize(ctx)
		if err != nil {
			return nil, err
		}
		files, err := api.DB.UploadsSize(ctx)
		return []dimensionData{sized(api.DB.Engine(), databaseNames[api.DB.Engine()], size), sized("media", "Media storage", files)}, err
	}},
	"software_versions": {texts: func(ctx context.Context, api *API) ([]dimensionData, error) {
		_, version, err := api.DB.DatabaseSize(ctx)
		return []dimensionData{{Key: "kenoma", HumanKey: "Kenoma", Value: api.Settings.Version, HumanValue: api.Settings.Version},
			{Key: "go", HumanKey: "Go", Value: runtime.Version(), HumanValue: runtime.Version()},
			{Key: api.DB.Engine(), HumanKey: databaseNames[api.DB.Engine()], Value: version, HumanValue: version}}, err
	}},
}

var databaseNames = map[string]string{"sqlite": "SQLite", "postgres": "PostgreSQL"}

func sized(key, name string, bytes int64) dimensionData {
	return dimensionData{Key: key, HumanKey: name, Value: itoa(bytes), Unit: "bytes", HumanValue: strconv.FormatFloat(float64(bytes)/(1<<20), 'f', 1, 64) + " MB"}
}

func languageName(code string) string { return orElse(code, "unknown") }

// ownNamed gives our own host its name.
func (api *API) ownNamed(all []store.Share, err error) ([]store.Share, error) {
	for i := range all {
		all[i].Name = orElse(all[i].Name, api.Domain)
	}
	return all, err
}

func (api *API) drawDimension(ctx context.Context, key, arg string, w when, limit int) (*dimensionEntity, error) {
	d := dimensions[key]
	e := &dimensionEntity{Key: key, Data: []dimensionData{}}
	if d.texts != nil {
		data, err := d.texts(ctx, api)
		e.Data = append(e.Data, data...)
		return e, err
	}
	shares, err := d.shares(ctx, api, arg, w, limit)
	if err != nil {
		return nil, err
	}
	for _, s := range shares {
		name := s.Name
		if d.human != nil {
			name = d.human(s.Name)
		}
		e.Data = append(e.Data, dimensionData{Key: orElse(s.Name, "none"), HumanKey: name, Value: itoa(s.N)})
	}
	return e, nil
}

// maxParts is how many parts of a dimension are drawn at most.
const maxParts = 100

// spec: masto:methods/admin/dimensions
var _ = admin("POST /api/v1/admin/dimensions", "admin:read", store.ViewDashboard, func(api *API, r *Request) (any, error) {
	keys, err := askedKeys(r, dimensions)
	if err != nil {
		return nil, err
	}
	w, err := readWhen(r)
	if err != nil {
		return nil, err
	}
	limit, err := r.limit(pageSize{10, maxParts})
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, key := range keys {
		arg, err := argOf(r, key, dimensions[key].param)
		if err != nil {
			return nil, err
		}
		one, err := api.remember(fmt.Sprintf("dimension %s %q %d %d %d", key, arg, w.from, w.to, limit), func() (any, error) { return api.drawDimension(r.Context(), key, arg, w, limit) })
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
})

// cohortEntity is Admin::Cohort.
//
// spec: masto:entities/Admin_Cohort
type cohortEntity struct {
	Period    *string      `json:"period"`
	Frequency string       `json:"frequency"`
	Data      []cohortData `json:"data"`
}

type cohortData struct {
	Date  *string `json:"date"`
	Rate  float64 `json:"rate"`
	Value string  `json:"value"`
}

// maxCohorts bounds how many cohorts are drawn; each costs two queries.
const maxCohorts = 36

// periods returns the beginnings of the days or months of a time, and the end.
func periods(w when, month bool) []int64 {
	var all []int64
	at := w.from
	if month {
		at = store.Month(w.from)
	}
	for at < w.to && len(all) <= maxCohorts {
		all = append(all, at)
		if month {
			at = time.UnixMilli(at).UTC().AddDate(0, 1, 0).UnixMilli()
		} else {
			at += dayMillis
		}
	}
	return append(all, at)
}

func (api *API) cohorts(ctx context.Context, w when, frequency string) (any, error) {
	kind := store.ActiveDay
	if frequency == "month" {
		kind = store.ActiveMonth
	}
	bounds := periods(w, frequency == "month")
	if len(bounds)-1 > maxCohorts {
		return nil, fault.New(fault.Malformed, "These are too many periods, at most %d are drawn.", maxCohorts)
	}
	list := []*cohortEntity{}
	for i, from := range bounds[:len(bounds)-1] {
		made, active, err := api.DB.Cohort(ctx, kind, from, bounds[i+1], bounds[len(bounds)-1])
		if err != nil {
			return nil, err
		}
		e := &cohortEntity{Period: isoDay(from), Frequency: frequency, Data: []cohortData{}}
		for j := i; j < len(bounds)-1; j++ {
			n := int64(0)
			if k := sort.Search(len(active), func(k int) bool { return active[k].Day >= bounds[j] }); k < len(active) && active[k].Day == bounds[j] {
				n = active[k].N
			}
			if j == i {
				n = made
			}
			d := cohortData{Date: isoDay(bounds[j]), Value: itoa(n)}
			if made > 0 {
				d.Rate = float64(n) / float64(made)
			}
			e.Data = append(e.Data, d)
		}
		list = append(list, e)
	}
	return list, nil
}

// spec: masto:methods/admin/retention
var _ = admin("POST /api/v1/admin/retention", "admin:read", store.ViewDashboard, func(api *API, r *Request) (any, error) {
	w, err := readWhen(r)
	if err != nil {
		return nil, err
	}
	frequency := orElse(r.String("frequency"), "day")
	if frequency != "day" && frequency != "month" {
		return nil, fault.New(fault.Malformed, "frequency is day or month.")
	}
	key := fmt.Sprintf("retention %s %d %d", frequency, w.from, w.to)
	return api.remember(key, func() (any, error) { return api.cohorts(r.Context(), w, frequency) })
})
