package policy

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"kenoma/internal/fault"
)

// ScriptSettings bound what policies of the admin's own may take.
type ScriptSettings struct {
	// Steps is how many steps a script may take for an activity.
	Steps int `key:"steps" default:"100000" min:"1000" max:"10000000"`

	// Time is how long it may take.
	Time time.Duration `key:"time" default:"50ms" min:"1ms" max:"5s"`

	// Memory is how many bytes it may make of texts and lists.
	Memory int `key:"memory" default:"4194304" min:"65536" max:"67108864"`

	// FailClosed refuses an activity on which a script fails. Else it passes the script
	// as if the script were not there, and the failure is counted.
	FailClosed bool `key:"fail_closed" default:"false"`
}

// ScriptLimits are the bounds of one run. Zero values are the defaults.
type ScriptLimits struct {
	Steps      uint64
	Time       time.Duration
	Memory     int
	FailClosed bool
}

// Limits are the settings as a script takes them.
func (s *ScriptSettings) Limits() ScriptLimits {
	return ScriptLimits{Steps: uint64(s.Steps), Time: s.Time, Memory: s.Memory, FailClosed: s.FailClosed}
}

// Script is a policy of the admin's own, in Starlark. It can read the activity and the
// facts and answer; there is no way out of it.
type Script struct {
	Name   string
	limits ScriptLimits
	check  *starlark.Function
	wants  Want

	failures atomic.Int64
	last     atomic.Pointer[string]
}

// maxScript bounds the length of a script, in bytes.
const maxScript = 64 << 10

// needs are the facts that a script asks for by a list called NEEDS.
var needs = map[string]Want{"known": WantKnown, "posts": WantCounts, "followers": WantCounts, "followed_here": WantFollowed, "name": WantProfile,
	"account_created": WantProfile, "strangers": WantReaders, "parent_summary": WantParent}

// NewScript makes a script ready. The error tells its author what is wrong.
func NewScript(name, source string, l ScriptLimits) (*Script, error) {
	if l.Steps == 0 {
		l.Steps = 100_000
	}
	if l.Time == 0 {
		l.Time = 50 * time.Millisecond
	}
	if l.Memory == 0 {
		l.Memory = 4 << 20
	}
	if len(source) > maxScript {
		return nil, fmt.Errorf("it has more than %d bytes", maxScript)
	}
	s := &Script{Name: name, limits: l}
	program, err := compileScript(name+".star", source)
	if err != nil {
		return nil, err
	}
	var globals starlark.StringDict
	err = s.bounded(func(t *starlark.Thread) (err error) {
		globals, err = program.Init(t, surroundings)
		return err
	})
	if err != nil {
		return nil, err
	}
	globals.Freeze()
	check, ok := globals["check"].(*starlark.Function)
	if !ok || check.NumParams() != 2 {
		return nil, fmt.Errorf("it has no function check(activity, facts)")
	}
	s.check = check
	if list, ok := globals["NEEDS"].(*starlark.List); ok {
		for i := range list.Len() {
			text, _ := starlark.AsString(list.Index(i))
			want, known := needs[text]
			if !known {
				return nil, fmt.Errorf("NEEDS: there is no fact %q", text)
			}
			s.wants |= want
		}
	}
	return s, nil
}

// Failures returns how many runs ended in an error, and the last one.
func (s *Script) Failures() (n int64, last string) {
	if text := s.last.Load(); text != nil {
		last = *text
	}
	return s.failures.Load(), last
}

// Wants implements Rule.
func (s *Script) Wants(*Case) Want { return s.wants }

// Check implements Rule.
func (s *Script) Check(c *Case) error {
	var answer starlark.Value
	err := s.bounded(func(t *starlark.Thread) (err error) {
		answer, err = starlark.Call(t, s.check, starlark.Tuple{activityValue(c), factsValue(c)}, nil)
		return err
	})
	if err == nil {
		err = s.heed(c, answer)
	}
	if err == nil || fault.Is(err, fault.Rejected) {
		return err
	}
	s.failures.Add(1)
	text := err.Error()
	s.last.Store(&text)
	if s.limits.FailClosed {
		return c.Reject("This server could not check this.")
	}
	c.Note("the script failed and was left out: %.200s", text)
	return nil
}

// bounded runs something in a thread of its own within the limits.
func (s *Script) bounded(run func(*starlark.Thread) error) (err error) {
	t := &starlark.Thread{Name: s.Name, Print: func(*starlark.Thread, string) {}}
	t.SetMaxExecutionSteps(s.limits.Steps)
	t.SetLocal(budgetKey, &budget{left: s.limits.Memory})
	timer := time.AfterFunc(s.limits.Time, func() { t.Cancel("it takes too long") })
	defer timer.Stop()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the script broke: %v", p)
		}
	}()
	return run(t)
}

// heed does what the script answered: nothing, or what accept, reject and rewrite made.
func (s *Script) heed(c *Case, answer starlark.Value) error {
	if answer == starlark.None {
		return nil
	}
	v, ok := answer.(*verdictValue)
	if !ok {
		return fmt.Errorf("check must return accept(), reject(…) or rewrite(…), not %s", answer.Type())
	}
	if v.reject {
		return c.Reject("%s", v.why)
	}
	why := v.why
	if why == "" {
		why = "so decided by the script"
	}
	if v.content != nil || v.summary != nil || v.name != nil {
		c.SetText(v.content, v.summary, v.name, why)
	}
	for _, act := range []struct {
		on bool
		do func(string)
	}{{v.sensitive, c.MarkSensitive}, {v.stripMedia, c.StripMedia}, {v.delist, c.Delist}, {v.followersOnly, c.FollowersOnly}, {v.quiet, c.Quiet}} {
		if act.on {
			act.do(why)
		}
	}
	return nil
}

// verdictValue is what accept, reject and rewrite make.
type verdictValue struct {
	reject, sensitive, stripMedia, delist, followersOnly, quiet bool
	why                                                         string
	content, summary, name                                      *string
}

func (*verdictValue) String() string        { return "verdict" }
func (*verdictValue) Type() string          { return "verdict" }
func (*verdictValue) Freeze()               {}
func (*verdictValue) Truth() starlark.Bool  { return true }
func (*verdictValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: verdict") }

func accept(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return starlark.None, starlark.UnpackArgs(b.Name(), args, kwargs)
}

// maxReason bounds what a script says, in bytes.
const maxReason = 500

func reject(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	v := &verdictValue{reject: true, why: "This server does not take this."}
	err := starlark.UnpackArgs(b.Name(), args, kwargs, "why?", &v.why)
	v.why = strings.ToValidUTF8(v.why[:min(len(v.why), maxReason)], "")
	return v, err
}

func rewrite(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	v := &verdictValue{}
	var content, summary, name starlark.Value
	err := starlark.UnpackArgs(b.Name(), args, kwargs, "why?", &v.why, "content?", &content, "summary?", &summary, "name?", &name, "sensitive?", &v.sensitive,
		"strip_media?", &v.stripMedia, "delist?", &v.delist, "followers_only?", &v.followersOnly, "quiet?", &v.quiet)
	v.why = strings.ToValidUTF8(v.why[:min(len(v.why), maxReason)], "")
	for _, t := range []struct {
		from starlark.Value
		to   **string
	}{{content, &v.content}, {summary, &v.summary}, {name, &v.name}} {
		if text, ok := starlark.AsString(t.from); ok {
			*t.to = &text
		}
	}
	return v, err
}

// record is a frozen value with named fields.
type record struct {
	kind   string
	fields starlark.StringDict
}

func (r *record) String() string        { return r.kind }
func (r *record) Type() string          { return r.kind }
func (r *record) Freeze()               {}
func (r *record) Truth() starlark.Bool  { return true }
func (r *record) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: %s", r.kind) }
func (r *record) AttrNames() []string   { return r.fields.Keys() }
func (r *record) Attr(name string) (starlark.Value, error) {
	return r.fields[name], nil
}

func texts[T ~string](list []T) *starlark.List {
	all := make([]starlark.Value, 0, len(list))
	for _, one := range list {
		all = append(all, starlark.String(one))
	}
	l := starlark.NewList(all)
	l.Freeze()
	return l
}

func seconds(t time.Time) starlark.Value {
	if t.IsZero() {
		return starlark.None
	}
	return starlark.MakeInt64(t.Unix())
}

// activityValue is the activity as scripts see it.
func activityValue(c *Case) starlark.Value {
	a := c.Activity
	to, cc := c.Audience()
	fields := starlark.StringDict{"id": starlark.String(a.ID), "type": starlark.String(a.Type), "actor": starlark.String(a.Actor), "object": starlark.String(a.Object),
		"to": texts(to), "cc": texts(cc), "visibility": starlark.String(c.Visibility().Name), "people": texts(c.People()), "post": starlark.None}
	if o := c.Post(); o != nil {
		var media, tags []starlark.Value
		for _, m := range o.Attachments {
			media = append(media, &record{"file", starlark.StringDict{"type": starlark.String(m.Type), "media_type": starlark.String(m.MediaType), "url": starlark.String(m.URL), "name": starlark.String(m.Name)}})
		}
		for _, t := range o.Tags {
			tags = append(tags, &record{"tag", starlark.StringDict{"type": starlark.String(t.Type), "name": starlark.String(t.Name), "href": starlark.String(t.Href)}})
		}
		files, named := starlark.NewList(media), starlark.NewList(tags)
		files.Freeze()
		named.Freeze()
		fields["post"] = &record{"post", starlark.StringDict{"id": starlark.String(o.ID), "type": starlark.String(o.Type), "content": starlark.String(o.Content),
			"text": starlark.String(strings.TrimSpace(plain(o.Content))), "summary": starlark.String(o.Summary), "name": starlark.String(o.Name), "language": starlark.String(o.Language),
			"in_reply_to": starlark.String(o.InReplyTo), "quote": starlark.String(o.QuoteURL), "sensitive": starlark.Bool(o.Sensitive), "published": seconds(o.Published),
			"media": files, "tags": named, "links": texts(links(o))}}
	}
	return &record{"activity", fields}
}

// factsValue are the facts as scripts see them. Those that NEEDS does not name are as
// if nothing were known.
func factsValue(c *Case) starlark.Value {
	return &record{"facts", starlark.StringDict{"local": starlark.Bool(c.Local), "host": starlark.String(c.Host), "fetched": starlark.Bool(c.Fetched), "now": seconds(c.Now),
		"first_seen": seconds(c.FirstSeen), "username": starlark.String(c.Username), "bot": starlark.Bool(c.Service), "tags": texts(c.Tags), "known": starlark.Bool(c.Known),
		"posts": starlark.MakeInt64(c.Posts), "followers": starlark.MakeInt64(c.FollowerCount), "followed_here": starlark.Bool(c.FollowedHere), "name": starlark.String(c.Name),
		"account_created": seconds(c.Created), "parent_summary": starlark.String(c.ParentSummary), "strangers": starlark.MakeInt(len(c.Strangers))}}
}

// scriptForm is the language: no while, no recursion, nothing loaded.
var scriptForm = &syntax.FileOptions{Set: true, TopLevelControl: true}
