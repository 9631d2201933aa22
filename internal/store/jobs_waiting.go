package store

import "context"

// JobWaits tells whether a job of that name waits or runs.
func (q *Q) JobWaits(ctx context.Context, uniq string) (bool, error) {
	waits, err := q.exists(ctx, "SELECT 1 FROM jobs WHERE uniq = $1 AND uniq <> ''", uniq)
	return waits, wrapped(err, "job %s", uniq)
}
