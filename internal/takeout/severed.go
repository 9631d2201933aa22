package takeout

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strconv"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// WriteSevered writes whom owner followed, or who followed owner, before an event ended
// it, in the form of the lists of follows. An event that concerns somebody else is NotFound.
func (s *Service) WriteSevered(ctx context.Context, w io.Writer, owner, event int64, following bool) error {
	known, err := s.DB.Severances(ctx, owner, []int64{event})
	if err != nil {
		return err
	}
	if known[event] == nil {
		return fault.Because(errors.New("not the owner's event"), fault.NotFound, "There is no such list.")
	}
	out := csv.NewWriter(w)
	header := []string{"Account address"}
	if following {
		header = kinds[0].Header
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for after := int64(0); ; {
		lost, err := s.DB.SeveredFollows(ctx, owner, event, following, after, pageRows)
		if err != nil {
			return err
		}
		if err := s.severedRows(ctx, out, lost); err != nil {
			return err
		}
		if len(lost) < pageRows {
			out.Flush()
			return out.Error()
		}
		after = lost[len(lost)-1].Other
	}
}

func (s *Service) severedRows(ctx context.Context, out *csv.Writer, lost []store.SeveredFollow) error {
	ids, byID := make([]int64, len(lost)), map[int64]*store.SeveredFollow{}
	for i := range lost {
		ids[i], byID[lost[i].Other] = lost[i].Other, &lost[i]
	}
	return s.handles(ctx, ids, func(id int64, handle string) error {
		f := byID[id]
		if !f.Following {
			return out.Write([]string{handle})
		}
		return out.Write([]string{handle, strconv.FormatBool(f.Boosts), strconv.FormatBool(f.Notify), commaSpaced(f.Languages)})
	})
}
