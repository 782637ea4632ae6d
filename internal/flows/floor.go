package flows

import (
	"time"
)

// Floors are the least remaining lives that the configuration asks for.
type Floors struct {
	Default time.Duration
	Pools   map[string]time.Duration
}

// floor is the least remaining life that this client is served from the cache, of
// credentials granted for life: the largest of what the configuration, the pool,
// the client and the request ask for. The default counts at most half of the
// life, the others at most nine tenths.
func (f Floors) floor(pool string, info *CallInfo, life time.Duration) time.Duration {
	wanted := max(f.Pools[pool], info.ClientFloor, info.RequestFloor)
	return max(min(f.Default, life/2), min(wanted, life/10*9))
}
