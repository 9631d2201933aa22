package control

import (
	"strings"
	"testing"

	"kenoma/internal/fault"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

func TestRelays(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		env := newEnv(db)
		env.Pipeline.Remote = remote.New(remote.Options{})
		do := func(args ...string) (string, error) {
			var out strings.Builder
			err := run(t.Context(), env, args[0], args[1:], &out)
			return out.String(), err
		}
		member := &store.Relay{Inbox: "https://m.test/inbox", Actor: "https://m.test/actor", Host: "m.test", Member: store.RelayAsked, MemberFollow: "https://m.test/follow"}
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.PutRelay(t.Context(), member) }); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			args []string
			want string // In the output; "" an error.
		}{
			{[]string{"relay add", "https://relay.test/inbox"}, "https://relay.test/inbox is asked"},
			{[]string{"relay add", "relay.test"}, ""},
			{[]string{"relay list"}, "https://m.test/actor      no          pending"},
			{[]string{"relay accept", "m.test"}, "https://m.test/actor: accepted"},
			{[]string{"relay accept", "relay.test"}, ""},
			{[]string{"relay reject", "https://m.test/actor"}, "https://m.test/actor: rejected"},
			{[]string{"relay remove", "relay.test"}, "removed"},
			{[]string{"relay remove", "relay.test"}, ""},
		} {
			out, err := do(tt.args...)
			if (err != nil) != (tt.want == "") || !strings.Contains(out, tt.want) {
				t.Errorf("%v: %q, %v", tt.args, out, err)
			}
			if err != nil && fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.NotFound {
				t.Errorf("%v: %v", tt.args, err)
			}
		}
	})
}
