package mastodon

import (
	"slices"
	"strconv"

	"kenoma/internal/store"
)

// appendPoll draws a poll. own is what the viewer chose; signedIn whether there is
// one; now is in ms.
//
// spec: masto:entities/Poll
func appendPoll(b []byte, p *store.Poll, own []int, signedIn, mine bool, now int64) []byte {
	o := begin(b)
	o.id("id", p.Status)
	o.timeOr("expires_at", p.Ends)
	o.flag("expired", p.Closed != 0 || p.Ends != 0 && p.Ends <= now)
	o.flag("multiple", p.Multiple)
	var votes int64
	for _, option := range p.Options {
		votes += option.Votes
	}
	o.num("votes_count", votes)
	voters := p.Voters
	if voters < 0 && !p.Multiple {
		voters = votes
	}
	if voters < 0 {
		o.raw("voters_count", "null")
	} else {
		o.num("voters_count", voters)
	}
	o.list("options", len(p.Options), func(b []byte, i int) []byte {
		in := begin(b)
		in.str("title", p.Options[i].Title)
		in.num("votes_count", p.Options[i].Votes)
		return in.close()
	})
	o.raw("emojis", "[]")
	if signedIn {
		slices.Sort(own)
		o.flag("voted", mine || len(own) > 0)
		o.list("own_votes", len(own), func(b []byte, i int) []byte { return strconv.AppendInt(b, int64(own[i]), 10) })
	}
	return o.close()
}
