package fleet

import "go.uber.org/zap"

// changes are what the log was told of last. It is told once per change, as it stands twice a
// second, and nothing of identities.
type changes struct {
	health   string
	failing  bool // fences are
	leased   bool
	held     bool // a lease was, once
	missed   int64
	replaced int
}

// tell tells the log what has changed; health is what is wrong with Redis now.
func (c *changes) tell(f *Fleet, health string) {
	if replaced := f.redis.MastersReplaced(); replaced != c.replaced {
		f.log.Info("a redis master was replaced or started again", zap.Int("so_far", replaced))
		c.replaced = replaced
	}
	if missed := f.AnnouncementsMissed(); missed != c.missed {
		if c.held { // else there was nothing in memory
			f.log.Info("announcements of other brokers may have been missed: memory is empty", zap.Int64("so_far", missed))
		}
		c.missed = missed
	}
	if leased := f.Lease().Held(); leased != c.leased {
		if c.leased, c.held = leased, true; leased {
			f.log.Info("lease held: memory serves")
		} else {
			f.log.Warn("lease lost: memory does not serve", zap.NamedError("reason", f.SessionError()))
		}
	}
	if err := f.BeginError(); (err != nil) != c.failing {
		if c.failing = err != nil; c.failing {
			f.log.Warn("fences cannot begin: changes are refused", zap.NamedError("reason", err))
		} else {
			f.log.Info("fences begin again")
		}
	}
	if health != c.health {
		if c.health = health; health == "" {
			f.log.Info("redis is well again")
		} else {
			f.log.Warn("redis is degraded", zap.String("reason", health))
		}
	}
}
