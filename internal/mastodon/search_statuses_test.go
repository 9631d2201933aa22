package mastodon

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"kenoma/internal/store"
)

// searched returns the ids of the posts that a search finds.
func (w *world) searched(who, q, more string) []string {
	w.t.Helper()
	var got struct{ Statuses []struct{ ID string } }
	res := w.as(who, "GET", "/api/v2/search?type=statuses&q="+url.QueryEscape(q)+more, "").want(200, "")
	if err := json.Unmarshal(res.body, &got); err != nil {
		w.t.Fatal(err)
	}
	ids := []string{}
	for _, s := range got.Statuses {
		ids = append(ids, s.ID)
	}
	return ids
}

func (w *world) finds(who, q string, want ...string) {
	w.t.Helper()
	if got := w.searched(who, q, ""); !reflect.DeepEqual(got, append([]string{}, want...)) {
		w.t.Errorf("%s finds %v with %s, want %v", who, got, q, want)
	}
}

// TestSearchStatuses asks for who may find what, with each operator.
func TestSearchStatuses(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.person("cy")
		w.as("ann", "PATCH", "/api/v1/accounts/update_credentials", "indexable=true").want(200, `{"indexable": true}`)
		first := w.post("ann", "status=A black cat, a white dog&language=en")
		second := w.post("ann", "status=The cat is not black&spoiler_text=Crème+brûlée&language=de")
		third := w.post("ann", "status=東京都の猫&in_reply_to_id="+first)
		shy := w.post("bob", "status=My cat&visibility=public")
		friends := w.post("ann", "status=A secret cat&visibility=private")
		direct := w.post("bob", "status=@ann hidden cat&visibility=direct")
		poll := w.post("ann", "status=Which%3F&poll[options][]=Cheese&poll[options][]=Ham&poll[expires_in]=3600")

		w.finds("cy", "cat", second, first)
		w.finds("ann", "cat", direct, friends, second, first)
		w.finds("bob", "CAT", direct, shy, second, first)
		w.finds("cy", `"black cat"`, first)
		w.finds("cy", "cat -dog", second)
		w.finds("cy", "cat +dog", first)
		w.finds("cy", "creme brulee", second)
		w.finds("cy", "東京", third)
		w.finds("cy", "猫", third)
		w.finds("cy", "京東")
		w.finds("cy", "cheese has:poll", poll)
		w.finds("cy", "cat from:ann", second, first)
		w.finds("cy", "cat from:@ann@a.test language:de", second)
		w.finds("cy", "cat from:nobody")
		w.finds("cy", "cat -language:de", first)
		w.finds("cy", "is:reply", third)
		w.finds("cy", "cat is:sensitive", second)
		w.finds("cy", "cat -from:ann")
		w.finds("ann", "cat in:public", second, first)
		w.finds("ann", "cat in:library", direct, friends, second, first)
		w.finds("cy", "cat in:library")
		w.finds("bob", "in:library", direct, shy)
		w.finds("cy", "cat before:2001-01-01")
		w.finds("cy", "cat after:2001-01-01", second, first)
		w.finds("cy", "after:2001-01-01", poll, third, second, first)
		w.finds("cy", "zebra")

		// What somebody did something to is theirs to find.
		w.as("cy", "POST", "/api/v1/statuses/"+shy+"/bookmark", "").want(200, "")
		w.finds("cy", "cat", shy, second, first)
		w.finds("cy", "cat in:library", shy)
		w.as("cy", "POST", "/api/v1/statuses/"+shy+"/unbookmark", "").want(200, "")
		w.as("cy", "POST", "/api/v1/statuses/"+shy+"/favourite", "").want(200, "")
		w.finds("cy", "my cat", shy)
		w.as("cy", "POST", "/api/v1/polls/"+pollID(t, w, poll)+"/votes", "choices[]=1").want(200, "")
		w.finds("cy", "ham in:library", poll)

		// Edits, deletions, mutes, blocks and a change of mind count at once.
		w.as("ann", "PUT", "/api/v1/statuses/"+first, "status=A zebra").want(200, "")
		w.finds("cy", "dog")
		w.finds("cy", "zebra", first)
		w.as("ann", "DELETE", "/api/v1/statuses/"+first, "").want(200, "")
		w.finds("cy", "zebra")
		w.as("cy", "POST", fmt.Sprintf("/api/v1/accounts/%d/mute", w.person("ann").ID), "").want(200, "")
		w.finds("cy", "cat", shy)
		w.as("cy", "POST", fmt.Sprintf("/api/v1/accounts/%d/unmute", w.person("ann").ID), "").want(200, "")
		w.finds("cy", "cat", shy, second)
		w.as("ann", "PATCH", "/api/v1/accounts/update_credentials", "indexable=false").want(200, "")
		w.finds("cy", "cat", shy)

		w.as("", "GET", "/api/v2/search?q=cat", "").want(200, `{"statuses": []}`)
		w.as("cy", "GET", "/api/v2/search?type=statuses", "").want(400, "")
	})
}

func pollID(t *testing.T, w *world, status string) string {
	t.Helper()
	var s struct{ Poll struct{ ID string } }
	if err := json.Unmarshal(w.as("ann", "GET", "/api/v1/statuses/"+status, "").want(200, "").body, &s); err != nil {
		t.Fatal(err)
	}
	return s.Poll.ID
}

// TestSearchStatusesPages wants pages by offset and by id, and that many posts that
// nobody may find don't hide those that one may.
func TestSearchStatusesPages(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.as("ann", "PATCH", "/api/v1/accounts/update_credentials", "indexable=true").want(200, "")
		var all []string
		for i := range 7 {
			all = append([]string{w.post("ann", fmt.Sprintf("status=page %d", i))}, all...)
		}
		mine := w.post("bob", "status=page of mine")
		for i := range 150 {
			w.post("cy", fmt.Sprintf("status=page of nobody %d", i))
		}
		if got := w.searched("dan", "page", ""); !reflect.DeepEqual(got, all) {
			t.Errorf("found %v, want %v", got, all)
		}
		for more, want := range map[string][]string{
			"&limit=3":                    all[:3],
			"&limit=3&offset=2":           all[2:5],
			"&offset=7":                   {},
			"&limit=2&max_id=" + all[2]:   all[3:5],
			"&limit=2&min_id=" + all[4]:   all[2:4],
			"&limit=2&since_id=" + all[4]: all[:2],
			fmt.Sprintf("&account_id=%d", w.person("bob").ID): {},
		} {
			if got := w.searched("dan", "page", more); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%s finds %v, want %v", more, got, want)
			}
		}
		w.finds("bob", "page mine", mine)
		old := searchRounds
		defer func() { searchRounds = old }()
		searchRounds = []int{3, 4}
		w.finds("bob", "page in:library", mine)
		w.as("bob", "POST", "/api/v1/statuses/"+all[6]+"/reblog", "").want(200, "")
		w.finds("bob", "page in:library", mine, all[6])
	})
}

// TestSearchHandsOff wants remote posts found only where their author agrees.
func TestSearchRemoteStatuses(t *testing.T) {
	w := onSQLite(t)
	gus := w.stranger("gus", "g.test")
	w.arrives("g.test", map[string]any{"id": "https://g.test/c/1", "type": "Create", "actor": gus.URI, "to": []string{"as:Public"},
		"object": map[string]any{"id": "https://g.test/n/1", "type": "Note", "attributedTo": gus.URI, "to": []string{"as:Public"}, "content": "<p>Walrus</p>"}})
	w.finds("ann", "walrus")
	err := w.db.Write(t.Context(), func(tx *store.Tx) error {
		return tx.SetProfile(t.Context(), gus.ID, &store.Profile{Type: "Person", Indexable: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.searched("ann", "walrus", ""); len(got) != 1 {
		t.Errorf("found %v, want the one post", got)
	}
}

// TestSearchV1 wants tags by name only, and a token.
func TestSearchV1(t *testing.T) {
	w := onSQLite(t)
	post := w.post("ann", "status=%23Catnip is nice")
	w.as("ann", "GET", "/api/v1/search?q=catnip&exclude_unreviewed=true", "").want(200, `{"hashtags": ["catnip"], "accounts": [], "statuses": [{"id": "`+post+`"}]}`)
	w.as("ann", "GET", "/api/v2/search?q=%23catn", "").want(200, `{"hashtags": [{"name": "Catnip"}]}`)
	w.as("", "GET", "/api/v1/search?q=catnip", "").want(401, "")
	w.as("ann", "GET", "/api/v1/search", "").want(400, "")
}
