package queue

import (
	"errors"
	"math/rand/v2"
	"time"

	"kenoma/internal/fault"
)

// Schedule lists the waits after the first, second … failed attempt; the last one
// repeats.
type Schedule []time.Duration

// Week is for work at other hosts: 16 attempts over seven days. A restart is
// bridged in seconds, a night's outage within hours of its end.
var Week = Schedule{
	10 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour,
	20 * time.Hour, 24 * time.Hour, 30 * time.Hour, 32 * time.Hour, 36 * time.Hour,
}

// After returns how long to wait after the nth failed attempt, from 1: the entry
// of the schedule, spread by ±25 % so that a host that was down is not hit by
// everyone at once.
func (s Schedule) After(attempt int) time.Duration {
	if len(s) == 0 {
		s = Week
	}
	d := s[min(max(attempt, 1), len(s))-1]
	return d*3/4 + rand.N(d/2+1)
}

// partDown marks an error as the failure of the whole part.
type partDown struct{ error }

func (e partDown) Unwrap() error { return e.error }

// PartDown says that err is no fault of the job: nothing in its part would have
// succeeded. The job is retried, and the whole part backs off. nil stays nil.
func PartDown(err error) error {
	if err == nil {
		return nil
	}
	return partDown{err}
}

// retryAfter carries the wait that the other side asked for.
type retryAfter struct {
	error
	wait time.Duration
}

func (e retryAfter) Unwrap() error { return e.error }

// RetryAfter has the job that fails with err, or with PartDown its whole part,
// wait for at least d. nil stays nil.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return retryAfter{err, d}
}

// verdict is what an error means for the job.
type verdict struct {
	retry bool
	part  bool          // The whole part failed.
	wait  time.Duration // At least.
}

func judge(err error) verdict {
	v := verdict{retry: fault.Retryable(err)}
	var p partDown
	if errors.As(err, &p) {
		v.part = true
	}
	var r retryAfter
	if errors.As(err, &r) {
		v.wait = r.wait
	}
	return v
}
