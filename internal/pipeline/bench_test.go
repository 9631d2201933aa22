package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"kenoma/internal/store"
)

// benchWorld has 50 accounts of ours that follow 20 others each, on a file that is
// synced as in service.
func benchWorld(b *testing.B) (*Pipeline, []*store.Actor) {
	b.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(b.TempDir(), "bench.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	p := New(Options{DB: db, URL: "https://a.test", Domain: "a.test", NewKey: oneKey})
	var people []*store.Actor
	for i := range 50 {
		a, err := p.CreateAccount(ctx, store.NewAccount{Username: fmt.Sprintf("user%d", i), Confirmed: true, Approved: true})
		if err != nil {
			b.Fatal(err)
		}
		people = append(people, a)
	}
	for i, a := range people {
		for j := 1; j <= 20; j++ {
			if err := p.Follow(ctx, a, people[(i+j)%50]); err != nil {
				b.Fatal(err)
			}
		}
	}
	return p, people
}

// parallel runs op b.N times on 16 goroutines, as many clients would.
func parallel(b *testing.B, op func(i int) error) {
	b.Helper()
	b.ReportAllocs()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				i := int(next.Add(1))
				if i > b.N {
					return
				}
				if err := op(i); err != nil {
					b.Error(err)
					return
				}
			}
		}()
	}
	wg.Wait()
}

func BenchmarkPost(b *testing.B) {
	p, people := benchWorld(b)
	parallel(b, func(i int) error {
		_, err := p.Post(context.Background(), people[i%50], Draft{Text: fmt.Sprintf("Good morning number %d, this is a post of a usual length with a #tag and a little more to say about it.", i)})
		return err
	})
}

func BenchmarkFavourite(b *testing.B) {
	p, people := benchWorld(b)
	ids := make([]int64, b.N)
	for i := range ids {
		ids[i], _ = p.Post(context.Background(), people[i%50], Draft{Text: "A post"})
	}
	parallel(b, func(i int) error { return p.Favourite(context.Background(), people[(i+1)%50], ids[i-1]) })
}
