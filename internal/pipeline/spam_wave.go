package pipeline

import (
	"context"
	"errors"
	"strconv"
	"time"

	"kenoma/internal/policy"
	"kenoma/internal/store"
)

// waveJob is the job that the rule asks for.
const waveJob = policy.SpamWaveJob

// waveTold is the setting with the time, in ms, at which the staff was told of a wave.
const waveTold = "spam_wave_told"

// waveAgain is after how long the staff is told of a wave once more.
const waveAgain = 6 * time.Hour

// tellWave is the job that tells who handles reports that many new accounts of other
// servers write to people here.
func (p *Pipeline) tellWave(ctx context.Context, _ struct{}) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		now := p.Now().UnixMilli()
		text, err := tx.Setting(ctx, waveTold)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if last, err := strconv.ParseInt(text, 10, 64); err == nil && now-last < waveAgain.Milliseconds() {
			return nil
		}
		if err := tx.SetSetting(ctx, waveTold, strconv.FormatInt(now, 10)); err != nil {
			return err
		}
		s := &Step{Tx: tx, p: p, Actor: &store.Actor{}}
		return s.tellStaff(ctx, store.ManageReports, 0, "", "Many new accounts write to people here",
			"Many new accounts of other servers send first messages to people here: this looks like a wave of spam. What comes beyond the usual is withheld: the people named find it among their notification requests. The servers that it comes from stand in the log of arrivals; you can limit or suspend them.\n\nThe rule is SpamWave, see docs/moderation.md.")
	})
}
