package vocab

import (
	"reflect"
	"slices"
	"testing"
)

func TestVisibilityOf(t *testing.T) {
	const other IRI = "https://b.test/users/eve/followers"
	for _, tt := range []struct {
		name   string
		to, cc []IRI
		want   string
	}{
		{"public in to", []IRI{Public}, []IRI{followers}, "public"},
		{"public alone", []IRI{Public}, nil, "public"},
		{"public beside others in to", []IRI{bob, Public}, nil, "public"},
		{"public in both", []IRI{Public}, []IRI{Public}, "public"},
		{"public only in cc", []IRI{followers}, []IRI{Public}, "unlisted"},
		{"public in cc, nobody in to", nil, []IRI{Public}, "unlisted"},
		{"followers in to", []IRI{followers}, nil, "private"},
		{"followers in cc", []IRI{bob}, []IRI{followers}, "private"},
		{"somebody else's followers", []IRI{other}, nil, "direct"},
		{"a person", []IRI{bob}, nil, "direct"},
		{"nobody", nil, nil, "direct"},
		{"another casing", []IRI{"https://www.w3.org/ns/activitystreams#public"}, nil, "direct"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := VisibilityOf(tt.to, tt.cc, followers).Name; got != tt.want {
				t.Errorf("VisibilityOf(to %v, cc %v) = %q, want %q", tt.to, tt.cc, got, tt.want)
			}
		})
	}
	if got := VisibilityOf([]IRI{""}, nil, "").Name; got != "direct" {
		t.Errorf("an empty address matches an author without followers: %q", got)
	}
}

// What is stored and what apps know must never change.
func TestVisibilitiesAreStable(t *testing.T) {
	var names []string
	for i, v := range Visibilities {
		names = append(names, v.Name)
		byName, ok := VisibilityNamed(v.Name)
		if v.Level != int16(i) || !ok || byName != v || VisibilityLevel(v.Level) != v {
			t.Errorf("%+v is not found by name and level %d", v, i)
		}
	}
	if want := []string{"public", "unlisted", "private", "direct"}; !slices.Equal(names, want) {
		t.Errorf("visibilities %q, want %q", names, want)
	}
	if _, ok := VisibilityNamed("Public"); ok {
		t.Error("a misspelt name was found")
	}
	if got := VisibilityLevel(99).Name; got != "direct" {
		t.Errorf("an unknown level is %q, want the narrowest", got)
	}
}

func TestAudience(t *testing.T) {
	people := []IRI{bob, bob, followers, ""}
	for name, want := range map[string][2][]IRI{
		"public":   {{Public}, {followers, bob}},
		"unlisted": {{followers}, {Public, bob}},
		"private":  {{followers}, {bob}},
		"direct":   {{bob, followers}, nil},
	} {
		v, _ := VisibilityNamed(name)
		to, cc := v.Audience(followers, people)
		if !reflect.DeepEqual([2][]IRI{to, cc}, want) {
			t.Errorf("%s: to %q, cc %q, want %q", name, to, cc, want)
		}
		to, cc = v.Audience(followers, []IRI{bob})
		if got := VisibilityOf(to, cc, followers); got != v {
			t.Errorf("what is sent as %s is read as %s", name, got.Name)
		}
	}
}

func TestTypeTables(t *testing.T) {
	lists := map[Class][]string{ActivityClass: ActivityTypes}
	for _, o := range ObjectTypes {
		lists[ObjectClass] = append(lists[ObjectClass], o.Name)
	}
	for _, a := range ActorTypes {
		lists[ActorClass] = append(lists[ActorClass], a.Name)
	}
	for _, c := range CollectionTypes {
		lists[CollectionClass] = append(lists[CollectionClass], c.Name)
	}
	seen := map[string]bool{}
	for class, list := range lists {
		for _, name := range list {
			if seen[name] {
				t.Errorf("%s stands in two tables", name)
			}
			seen[name] = true
			if ClassOf(name) != class || IsActivity(name) != (class == ActivityClass) || IsObject(name) != (class == ObjectClass) ||
				IsActor(name) != (class == ActorClass) || IsCollection(name) != (class == CollectionClass) {
				t.Errorf("%s has class %d, want %d", name, ClassOf(name), class)
			}
		}
	}
	for name, want := range map[string]PostKind{"Note": NotePost, "Question": NotePost, "Article": TitlePost, "Event": TitlePost, "Tombstone": NoPost, "ChatMessage": NotePost, "Person": NoPost, "Foo": NoPost, "": NoPost} {
		if PostKindOf(name) != want || IsPost(name) != (want != NoPost) {
			t.Errorf("%q is shown as %d, want %d", name, PostKindOf(name), want)
		}
	}
	if !IsBot("Service") || IsBot("Person") || ClassOf("note") != UnknownClass {
		t.Error("bots or casing are wrong")
	}
}
