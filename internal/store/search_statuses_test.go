package store_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// TestWords wants posts by their words, from either end, and of writes that fail
// beside others no words.
func TestWords(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		boom := errors.New("boom")
		var wg sync.WaitGroup
		for i := range int64(120) {
			wg.Go(func() {
				err := db.Write(ctx, func(tx *store.Tx) error {
					words := []string{"all", []string{"even", "odd"}[i%2], "京都"}
					if i == 50 {
						words = append(words, "fifty", `·is`)
					}
					if err := tx.SetWords(ctx, i+1, words, false); err != nil {
						return err
					}
					if i%10 == 3 {
						return boom
					}
					return nil
				})
				if failed := i%10 == 3; failed != errors.Is(err, boom) {
					t.Errorf("write %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		find := func(w store.WordQuery) []int64 {
			t.Helper()
			return must(db.WithWords(ctx, w))(t)
		}
		for _, tt := range []struct {
			name string
			w    store.WordQuery
			want []int64
		}{
			{"the newest", store.WordQuery{Words: []string{"all"}, Page: store.Page{Limit: 3}}, []int64{120, 119, 118}},
			{"two words", store.WordQuery{Words: []string{"all", "odd"}, Page: store.Page{Max: 17, Limit: 3}}, []int64{16, 12, 10}}, // 14 failed.
			{"upwards", store.WordQuery{Words: []string{"京都", "odd"}, Page: store.Page{Min: 2, Limit: 2}}, []int64{6, 8}},
			{"without a word", store.WordQuery{Words: []string{"all"}, Not: []string{"even"}, Page: store.Page{Max: 9, Limit: 2}}, []int64{8, 6}},
			{"between", store.WordQuery{Words: []string{"even"}, Page: store.Page{Max: 50, Since: 44, Limit: 9}}, []int64{49, 47, 45}},
			{"what only one has", store.WordQuery{Words: []string{"all", "fifty", "·is"}}, []int64{51}},
			{"a word of nobody", store.WordQuery{Words: []string{"all", "none"}}, nil},
		} {
			got := find(tt.w)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		}
		change(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.SetWords(ctx, 51, []string{"other"}, true) })
		if got := find(store.WordQuery{Words: []string{"fifty"}}); len(got) != 0 {
			t.Errorf("found by a word that it has no longer: %v", got)
		}
		if got := find(store.WordQuery{Words: []string{"other"}}); !reflect.DeepEqual(got, []int64{51}) {
			t.Errorf("by its new word: %v", got)
		}
		if _, err := db.WithWords(ctx, store.WordQuery{}); err == nil {
			t.Error("a search for nothing succeeds")
		}
	})
}
