package flows

import (
	"context"
	"slices"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// presentStamp is the stamp of scopes' present epochs. Where the fleet cannot be
// reached, nothing can be kept under it.
func (c *Config) presentStamp(ctx context.Context, scopes ...cache.Scope) cache.Stamp {
	stamp := c.Epochs.Read(scopes...)
	if c.Shared == nil {
		return stamp
	}
	shared, err := c.Shared.Stamp(ctx, stamp)
	if err != nil {
		return stamp
	}
	return shared
}

// quietPeriod tells of which scopes no change ended since it began, here and in the fleet.
type quietPeriod struct {
	config   *Config
	recorder *cache.InvalidationRecorder
	began    time.Time
}

// beginQuietPeriod begins one, which must be ended.
func (c *Config) beginQuietPeriod() *quietPeriod {
	return &quietPeriod{config: c, recorder: c.Epochs.RecordInvalidations(), began: time.Now()}
}

func (p *quietPeriod) end() { p.recorder.Close() }

// stamp is the stamp of the scopes' present epochs, where no change of any of them ended in the
// period; else one that never stands.
func (p *quietPeriod) stamp(ctx context.Context, scopes ...cache.Scope) cache.Stamp {
	stamp := p.config.Epochs.Read(scopes...)
	if p.config.Shared != nil {
		var err error
		if stamp, err = p.config.Shared.StampQuiet(ctx, stamp, time.Since(p.began)); err != nil {
			return cache.Stamp{}
		}
	}
	if slices.ContainsFunc(scopes, p.recorder.Ended) {
		return cache.Stamp{}
	}
	return stamp
}

// covers reports whether no change of any of the scopes ended in the period.
func (p *quietPeriod) covers(ctx context.Context, scopes []cache.Scope) bool {
	return !slices.ContainsFunc(scopes, func(s cache.Scope) bool { return !p.stamp(ctx, s).Stands() })
}
