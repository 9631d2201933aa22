package vocab

import (
	"strconv"
	"strings"
	"time"

	"kenoma/internal/fault"
)

// layouts are the forms of dates that were seen, the usual one first. Go reads
// fractions of a second in all of them.
//
// spec: as2-core#dates, which asks for RFC 3339
var layouts = []string{
	time.RFC3339,
	"2006-01-02T15:04:05-0700", // Threads
	"2006-01-02T15:04:05-07",
	"2006-01-02T15:04:05", // Without a zone: UTC.
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05-0700",
	"2006-01-02 15:04:05 -0700",
	"2006-01-02 15:04:05 UTC",
	"2006-01-02 15:04:05",
	"2006-01-02",
	time.RFC1123,
	time.RFC1123Z,
}

// ParseTime reads a date in any of the forms that peers send, in UTC. A date that
// does not exist or a year of more than four digits is an error, fault.Invalid.
func ParseTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	s = strings.TrimSpace(s)
	if len(s) >= len("2006-01-02") && len(s) <= 64 {
		for _, layout := range layouts {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC(), nil
			}
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "%q is not a date.", cut([]byte(s), 64))
}

// Earliest is the first moment that a post can be from: before it there was no
// network to be read from.
var Earliest = time.Date(2007, 1, 1, 0, 0, 0, 0, time.UTC)

// ClampTime fits the time that a stranger claims into what can be sorted by: the
// future and the zero time (absent, unreadable) become now, what is before
// Earliest becomes that.
func ClampTime(t, now time.Time) time.Time {
	switch {
	case t.IsZero() || t.After(now):
		return now
	case t.Before(Earliest):
		return Earliest
	}
	return t
}

// maxDuration is how long a recording can be, in seconds: a year.
const maxDuration = 365 * 24 * 3600

// parseDuration reads a number of seconds from an xsd:duration such as "PT1M4.5S"
// or from a bare number. It returns 0 for what it can't read, for months and years
// (which have no fixed length), and at most a year.
//
// spec: as2-vocabulary#dfn-duration
func parseDuration(s string) float64 {
	if f, err := strconv.ParseFloat(s, 64); err == nil && f >= 0 {
		return min(f, maxDuration)
	}
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || len(s) > 64 {
		return 0
	}
	units := map[byte]float64{'D': 86400, 'W': 7 * 86400}
	var total float64
	for rest != "" {
		if rest[0] == 'T' {
			units = map[byte]float64{'H': 3600, 'M': 60, 'S': 1}
			rest = rest[1:]
			continue
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if end <= 0 {
			return 0
		}
		n, err := strconv.ParseFloat(rest[:end], 64)
		unit, known := units[rest[end]]
		if err != nil || !known {
			return 0
		}
		total += n * unit
		rest = rest[end+1:]
	}
	return min(total, maxDuration)
}
