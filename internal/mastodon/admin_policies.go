package mastodon

import (
	"context"
	"encoding/json"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/policy"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// policySetting is a setting of the policies as the staff sees it.
type policySetting struct {
	Key     string `json:"key"`
	Value   any    `json:"value"`
	Default string `json:"default"`
	From    string `json:"from"`
	Locked  bool   `json:"locked"` // File or environment has it.
	Allowed string `json:"allowed"`
	Doc     string `json:"doc"`
}

// policyScript is a policy of the admin's own.
type policyScript struct {
	Name     string  `json:"name"`
	Source   string  `json:"source"`
	Enabled  bool    `json:"enabled"`
	Locked   bool    `json:"locked"` // It is a file in the data folder.
	Changed  *string `json:"changed_at"`
	Problem  *string `json:"problem"`
	Failures int64   `json:"failures"`
	LastFail *string `json:"last_failure"`
}

// policiesEntity is all that is set up of policies.
type policiesEntity struct {
	Available []string        `json:"available"`
	Settings  []policySetting `json:"settings"`
	Scripts   []policyScript  `json:"scripts"`
}

func (api *API) drawPolicies(ctx context.Context) (any, error) {
	view, err := api.Pipeline.PolicyView(ctx)
	if err != nil {
		return nil, err
	}
	e := policiesEntity{Available: policy.Names(), Settings: []policySetting{}, Scripts: []policyScript{}}
	for _, s := range view.Settings {
		e.Settings = append(e.Settings, policySetting{s.Key, s.Value, s.Default, s.From, s.Locked, s.Allowed, s.Doc})
	}
	for _, s := range view.Scripts {
		e.Scripts = append(e.Scripts, policyScript{s.Name, s.Source, s.Enabled, s.Locked, isoTime(max(s.Changed, 0)), orNil(s.Problem), s.Failures, orNil(s.LastFail)})
	}
	return e, nil
}

// settingChanges reads an object of settings: texts and lists of texts; null takes a
// change back.
func settingChanges(p Params) map[string]*string {
	changes := map[string]*string{}
	if p.root == nil || p.root.kind != isObject {
		return changes
	}
	for _, key := range p.root.order {
		v := p.root.fields[key]
		if v.kind == isNull {
			changes[key] = nil
			continue
		}
		var value any = v.text
		if v.kind != isText {
			list := []string{}
			for _, one := range v.elements() {
				list = append(list, one.text)
			}
			value = list
		}
		b, err := json.Marshal(value)
		if err != nil {
			continue // Texts and lists of texts can always be written.
		}
		text := string(b)
		changes[key] = &text
	}
	return changes
}

// Policies, their settings and scripts.
var (
	_ = admin("GET /api/kenoma/v1/admin/policies", "admin:read", store.ManageFederation, func(api *API, r *Request) (any, error) {
		return api.drawPolicies(r.Context())
	})
	_ = admin("PATCH /api/kenoma/v1/admin/policies", "admin:write", store.ManageFederation, func(api *API, r *Request) (any, error) {
		changes := settingChanges(r.Sub("settings"))
		if len(changes) == 0 {
			return nil, invalidField("Settings can't be blank")
		}
		if err := api.Pipeline.ChangePolicies(r.Context(), r.User.ID, changes); err != nil {
			return nil, err
		}
		return api.drawPolicies(r.Context())
	})
	_ = admin("PUT /api/kenoma/v1/admin/policies/scripts/{key}", "admin:write", store.ManageFederation, func(api *API, r *Request) (any, error) {
		s := &store.PolicyScript{Name: r.PathValue("key"), Source: r.String("source"), Enabled: r.Bool("enabled", true)}
		if err := api.Pipeline.SetScript(r.Context(), r.User.ID, s); err != nil {
			return nil, err
		}
		return api.drawPolicies(r.Context())
	})
	_ = admin("DELETE /api/kenoma/v1/admin/policies/scripts/{key}", "admin:write", store.ManageFederation, func(api *API, r *Request) (any, error) {
		if err := api.Pipeline.RemoveScript(r.Context(), r.User.ID, r.PathValue("key")); err != nil {
			return nil, err
		}
		return api.drawPolicies(r.Context())
	})
)

// Bounds of a rehearsal over the API; the command has more time.
const (
	maxRehearsedHere = 10_000
	rehearsalTime    = 25 * time.Second
)

// What policies would have done with the last activities of the log: the settings in
// force with changes, a script alone, or blocks of hosts alone. Nothing is changed.
var _ = admin("POST /api/kenoma/v1/admin/policies/rehearse", "admin:write", store.ManageFederation, func(api *API, r *Request) (any, error) {
	last, err := r.Int("last", 1000)
	if err != nil {
		return nil, err
	}
	if last < 1 || last > maxRehearsedHere {
		return nil, invalidField("Last must be from 1 to %d", maxRehearsedHere)
	}
	rehearsal := pipeline.Rehearsal{Last: int(last), Script: r.String("script")}
	if changes := settingChanges(r.Sub("settings")); len(changes) > 0 {
		rehearsal.Settings = map[string]string{}
		for key, value := range changes {
			if value != nil {
				rehearsal.Settings[key] = *value
			}
		}
	}
	for _, host := range r.Strings("reject") {
		domain, err := pipeline.NormalDomain(host)
		if err != nil {
			return nil, err
		}
		rehearsal.Hosts = append(rehearsal.Hosts, policy.HostRule{Domain: domain, Suspend: true})
	}
	ctx, cancel := context.WithTimeout(r.Context(), rehearsalTime)
	defer cancel()
	return api.Pipeline.Rehearse(ctx, rehearsal, nil)
})

// story is what is known of an arrival.
type story struct {
	Object     *storyObject   `json:"object"`
	Activities []storyChapter `json:"activities"`
	Refusals   []storyRefusal `json:"refusals"`
}

type storyObject struct {
	ID         string    `json:"id"`
	URI        vocab.IRI `json:"uri"`
	Type       string    `json:"type"`
	Visibility string    `json:"visibility"`
	Patch      any       `json:"patch"` // What policies changed.
	Deleted    *string   `json:"deleted_at"`
}

type storyChapter struct {
	URI        vocab.IRI           `json:"uri"`
	Type       string              `json:"type"`
	Actor      vocab.IRI           `json:"actor"`
	Origin     string              `json:"origin"`
	Arrived    *string             `json:"arrived_at"`
	Visibility string              `json:"visibility"`
	State      string              `json:"state"`
	Decisions  []pipeline.Decision `json:"decisions"`
	Written    []string            `json:"written"`
	Deliveries int                 `json:"deliveries"`
}

type storyRefusal struct {
	Type    string  `json:"type"`
	Actor   string  `json:"actor"`
	Origin  string  `json:"origin"`
	Arrived *string `json:"arrived_at"`
	Stage   string  `json:"stage"`
	Reason  string  `json:"reason"`
}

// What each stage decided about an activity, an object or a refused arrival.
var _ = admin("GET /api/kenoma/v1/admin/inspect", "admin:read", store.ManageFederation, func(api *API, r *Request) (any, error) {
	s, err := api.Pipeline.Explain(r.Context(), vocab.IRI(r.String("uri")))
	if err != nil {
		return nil, err
	}
	e := story{Activities: []storyChapter{}, Refusals: []storyRefusal{}}
	when := func(seq int64) *string { return isoTime(vocab.TimeOf(seq).UnixMilli()) }
	if o := s.Object; o != nil {
		patch, err := policy.ParsePatch(o.Patch)
		if err != nil {
			return nil, err
		}
		e.Object = &storyObject{ID: itoa(o.ID), URI: o.URI, Type: o.Type, Visibility: vocab.VisibilityLevel(o.Visibility).Name, Patch: patch, Deleted: isoTime(o.Deleted)}
	}
	for i := range s.Activities {
		a := &s.Activities[i]
		e.Activities = append(e.Activities, storyChapter{URI: a.URI, Type: a.Type, Actor: a.By.URI, Origin: a.Origin, Arrived: when(a.Seq),
			Visibility: vocab.VisibilityLevel(a.Visibility).Name, State: pipeline.StateName(a.State), Decisions: append([]pipeline.Decision{}, a.Decisions...),
			Written: append([]string{}, a.Written...), Deliveries: len(a.Deliveries)})
	}
	for _, f := range s.Refusals {
		e.Refusals = append(e.Refusals, storyRefusal{f.Type, f.Actor, f.Origin, when(f.Seq), f.Stage, f.Reason})
	}
	return e, nil
})

// setTags gives accounts tags, or takes them away.
func setTags(on bool) handler {
	return func(api *API, r *Request) (any, error) {
		names, tags := r.Strings("nicknames"), r.Strings("tags")
		if len(names) == 0 || len(tags) == 0 || len(names) > 100 || len(tags) > 20 {
			return nil, fault.New(fault.Invalid, "nicknames and tags are needed.")
		}
		var accounts []*store.Actor
		for _, name := range names {
			a, err := api.byHandle(r.Context(), name)
			if err != nil {
				return nil, err
			}
			accounts = append(accounts, a)
		}
		if err := api.Pipeline.TagAccounts(r.Context(), r.User.ID, accounts, tags, on); err != nil {
			return nil, err
		}
		return answer{status: 204}, nil
	}
}

// spec: pleroma:admin_api#put-apiv1pleromaadminuserstag
var (
	_ = admin("PUT /api/v1/pleroma/admin/users/tag", "admin:write:accounts", store.ManageUsers, setTags(true))
	_ = admin("DELETE /api/v1/pleroma/admin/users/tag", "admin:write:accounts", store.ManageUsers, setTags(false))
	_ = admin("PUT /api/pleroma/admin/users/tag", "admin:write:accounts", store.ManageUsers, setTags(true))
	_ = admin("DELETE /api/pleroma/admin/users/tag", "admin:write:accounts", store.ManageUsers, setTags(false))
)
