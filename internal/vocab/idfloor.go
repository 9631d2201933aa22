package vocab

import "time"

// Floor returns the smallest id of the millisecond of t, for ranges.
func (g *IDs) Floor(t time.Time) int64 { return t.UnixMilli() << 16 }
