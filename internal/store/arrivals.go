package store

import (
	"context"
	"fmt"
	"time"

	"kenoma/internal/fault"
)

// Arrival is a signed request that waits for its key, as it came.
type Arrival struct {
	ID      int64  // 0 when added means a new one.
	Host    string // Of the key.
	Arrived int64  // ms
	Request string // Method, path and signed headers, in the form that its door gives them.
	Body    string
}

// ArrivalBounds say how many arrivals may wait.
type ArrivalBounds struct {
	PerHost int
	Total   int
	Age     time.Duration // Older ones are dropped: the job that was to handle them is gone.
}

// AddArrival keeps a request, which is there once the transaction is durable. With
// too many waiting, of its host or in all, it is a fault of kind Transient.
func (tx *Tx) AddArrival(ctx context.Context, a *Arrival, b ArrivalBounds) error {
	if a.ID == 0 {
		a.ID = tx.NewID()
	}
	if a.Arrived == 0 {
		a.Arrived = tx.now().UnixMilli()
	}
	old := tx.DB.IDs.Floor(tx.now().Add(-b.Age))
	if _, err := tx.exec(ctx, "DELETE FROM arrivals WHERE id < $1", old); err != nil {
		return fmt.Errorf("dropping old arrivals: %w", err)
	}
	var host, total int
	if err := tx.row(ctx, "SELECT COUNT(*) FROM arrivals WHERE host = $1", a.Host).Scan(&host); err != nil {
		return fmt.Errorf("counting arrivals: %w", err)
	}
	if host >= b.PerHost {
		return fault.New(fault.Transient, "Too many requests of %s wait for their keys.", a.Host)
	}
	if err := tx.row(ctx, "SELECT COUNT(*) FROM arrivals").Scan(&total); err != nil {
		return fmt.Errorf("counting arrivals: %w", err)
	}
	if total >= b.Total {
		return fault.New(fault.Transient, "Too many requests wait for their keys.")
	}
	_, err := tx.exec(ctx, "INSERT INTO arrivals (id, host, arrived, request, body) VALUES ($1, $2, $3, $4, $5)",
		a.ID, a.Host, a.Arrived, a.Request, a.Body)
	if err != nil {
		return fmt.Errorf("keeping an arrival from %s: %w", a.Host, err)
	}
	return nil
}

// Arrival returns a request that waits.
func (q *Q) Arrival(ctx context.Context, id int64) (*Arrival, error) {
	a := Arrival{ID: id}
	err := q.row(ctx, "SELECT host, arrived, request, body FROM arrivals WHERE id = $1", id).Scan(&a.Host, &a.Arrived, &a.Request, &a.Body)
	if err != nil {
		return nil, fmt.Errorf("arrival %d: %w", id, err)
	}
	return &a, nil
}

// DropArrival ends the wait of a request.
func (tx *Tx) DropArrival(ctx context.Context, id int64) error {
	if _, err := tx.exec(ctx, "DELETE FROM arrivals WHERE id = $1", id); err != nil {
		return fmt.Errorf("arrival %d: %w", id, err)
	}
	return nil
}
