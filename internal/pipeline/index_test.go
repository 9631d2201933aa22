package pipeline

import (
	"context"
	"reflect"
	"testing"
	"time"

	"kenoma/internal/store"
)

// TestIndexOld wants posts that have no words indexed as if they came now.
func TestIndexOld(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		ann := w.person("ann")
		w.person("dan")
		var posts []int64
		for i := range 2*indexChunk + 1 {
			id, err := w.Post(ctx, ann, Draft{Text: "A walrus @dan", Poll: &DraftPoll{Options: []string{"yes", "no"}, Expires: time.Hour}})
			if err != nil {
				t.Fatal(i, err)
			}
			posts = append(posts, id)
		}
		table := "status_words"
		if w.DB.Engine() == "sqlite" {
			table = "status_words_list"
		}
		query := "SELECT * FROM " + table
		before := w.dump(query)
		err := w.DB.Write(ctx, func(tx *store.Tx) error {
			for _, id := range posts {
				if err := tx.SetWords(ctx, id, []string{"other"}, true); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.ScheduleIndexing(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := w.DB.Setting(ctx, indexedSetting); err == nil {
			t.Error("noted as done before it was")
		}
		if err := w.indexOld(ctx, indexJob{Before: 1<<63 - 1}); err != nil {
			t.Fatal(err)
		}
		if after := w.dump(query); !reflect.DeepEqual(after, before) {
			t.Errorf("got %q, want %q", after, before)
		}
		if done, err := w.DB.Setting(ctx, indexedSetting); err != nil || done != "1" {
			t.Errorf("not noted as done: %v", err)
		}
	})
}
