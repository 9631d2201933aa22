package server

import (
	"fmt"
	"net/http"
	"runtime"
	"sort"
	"strings"
)

// metrics answers Prometheus on the admin's listener.
//
// spec: prometheus text-based format 0.0.4
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	gauge := func(name, help string, values map[string]float64) {
		fmt.Fprintf(&b, "# HELP kenoma_%s %s\n# TYPE kenoma_%s gauge\n", name, help, name)
		var labels []string
		for l := range values {
			labels = append(labels, l)
		}
		sort.Strings(labels)
		for _, l := range labels {
			fmt.Fprintf(&b, "kenoma_%s%s %g\n", name, l, values[l])
		}
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	gauge("memory_bytes", "Memory that the Go runtime has from the system.", map[string]float64{"": float64(mem.Sys)})
	gauge("heap_bytes", "Memory in use by objects.", map[string]float64{"": float64(mem.HeapAlloc)})
	gauge("goroutines", "Goroutines.", map[string]float64{"": float64(runtime.NumGoroutine())})
	q := s.Queue.Status()
	gauge("jobs_running", "Jobs at work in this process.", map[string]float64{"": float64(q.Running)})
	hub := s.Hub.Status()
	gauge("stream_topics", "Topics that streams listen to.", map[string]float64{"": float64(hub.Topics)})
	gauge("stream_dropped", "Streams that fell behind since the start.", map[string]float64{"": float64(hub.Dropped)})
	if counts, err := s.DB.JobCounts(r.Context()); err == nil {
		byKind := map[string]float64{}
		for _, c := range counts {
			byKind[fmt.Sprintf("{kind=%q}", c.Kind)] = float64(c.Jobs)
		}
		gauge("jobs_stored", "Jobs in the database by kind.", byKind)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write([]byte(b.String()))
}
