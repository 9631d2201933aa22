package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// clients is how many connections a measurement uses at once.
const clients = 16

// get and form write requests as bytes, so that the generator takes little of the
// processor that it shares with the server.
func get(path, token string) []byte { return request("GET", path, token, "") }

func form(path, token, body string) []byte { return request("POST", path, token, body) }

func request(method, path, token, body string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, domain)
	if token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", token)
	}
	if method == "POST" {
		fmt.Fprintf(&b, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

// conn is one kept connection.
type conn struct {
	net.Conn
	in *bufio.Reader
}

func dial() (*conn, error) {
	c, err := net.Dial("tcp", listen)
	if err != nil {
		return nil, err
	}
	return &conn{c, bufio.NewReaderSize(c, 64<<10)}, nil
}

// do sends a request and returns the answer's status and body; the body is only
// kept when keep is set.
func (c *conn) do(req []byte, keep bool) (int, int64, []byte, http.Header, error) {
	if _, err := c.Write(req); err != nil {
		return 0, 0, nil, nil, err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, 0, nil, nil, err
	}
	defer res.Body.Close()
	if keep {
		body, err := io.ReadAll(res.Body)
		return res.StatusCode, int64(len(body)), body, res.Header, err
	}
	n, err := io.Copy(io.Discard, res.Body)
	return res.StatusCode, n, nil, nil, err
}

// once does one request on a connection of its own.
func once(req []byte) (int, []byte, http.Header, error) {
	c, err := dial()
	if err != nil {
		return 0, nil, nil, err
	}
	defer c.Close()
	status, _, body, header, err := c.do(req, true)
	return status, body, header, err
}

// result is one measured row.
type result struct {
	name     string
	ops      int
	rate     float64 // Per second.
	cpu, pg  time.Duration
	p50, p99 time.Duration
	note     string
}

// bench sends what next gives (nil ends it) on all connections for at most a time.
func (m *meter) bench(name string, next func(i int) []byte) result {
	type outcome struct {
		took   []time.Duration
		bytes  int64
		bad    int
		status int
		err    error
	}
	m.srv.settle()
	cpu, pg := m.srv.cpu(), m.pgCPU()
	var number atomic.Int64
	outcomes := make([]outcome, clients)
	began := time.Now()
	var wg sync.WaitGroup
	for w := range clients {
		wg.Go(func() {
			o := &outcomes[w]
			c, err := dial()
			if err != nil {
				o.err = err
				return
			}
			defer c.Close()
			for time.Since(began) < m.o.time {
				req := next(int(number.Add(1)) - 1)
				if req == nil {
					return
				}
				at := time.Now()
				status, n, _, _, err := c.do(req, false)
				if err != nil {
					o.err = err
					return
				}
				o.took = append(o.took, time.Since(at))
				o.bytes += n
				if status >= 300 {
					o.bad, o.status = o.bad+1, status
				}
			}
		})
	}
	wg.Wait()
	wall := time.Since(began)
	m.srv.settle()
	r := result{name: name, cpu: m.srv.cpu() - cpu, pg: m.pgCPU() - pg}
	var all []time.Duration
	var size int64
	for _, o := range outcomes {
		all, size = append(all, o.took...), size+o.bytes
		if o.err != nil {
			r.note = o.err.Error()
		}
		if o.bad > 0 {
			r.note = fmt.Sprintf("status %d", o.status)
			if o.status == http.StatusNotFound && o.bad == len(o.took) {
				r.note = "not there"
			}
		}
	}
	r.finish(all, wall)
	if len(all) > 0 && r.note == "" && size/int64(len(all)) > 1000 {
		r.note = fmt.Sprintf("%d kB", size/int64(len(all))/1000)
	}
	return m.add(r)
}

// finish turns totals into figures for one operation.
func (r *result) finish(took []time.Duration, wall time.Duration) {
	if r.ops = len(took); r.ops == 0 {
		return
	}
	slices.Sort(took)
	r.p50, r.p99 = took[len(took)/2], took[len(took)*99/100]
	r.rate = float64(r.ops) / wall.Seconds()
	r.cpu /= time.Duration(r.ops)
	r.pg /= time.Duration(r.ops)
}
