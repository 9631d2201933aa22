package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// softMemory is where Go's collector works harder (bytes). With what is not Go's, the
// program's own pages and SQLite's cache, the process stays below the budget at the
// peak. What really lives may take more on a large site: then the bound moves up, or
// the collector would do nothing but run.
const softMemory = 50 << 20

// boundMemory keeps the collector's bound at softMemory, or half again what lives.
func boundMemory(ctx context.Context) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	bound := int64(softMemory)
	debug.SetMemoryLimit(bound)
	for tick := time.NewTicker(5 * time.Second); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(live)
		next := max(softMemory, int64(live[0].Value.Uint64()+live[1].Value.Uint64())*3/2)
		if next > bound || next < bound*3/4 {
			bound = next
			debug.SetMemoryLimit(bound)
		}
	}
}
