package fleet

import (
	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// ErrBreakerOpen says that a server is not asked.
var ErrBreakerOpen = redisconn.ErrBreakerOpen

// EpochName is what a scope's epoch is called in Redis.
func (f *Fleet) EpochName(scope cache.Scope) string { return f.codec.Names.Epoch(scope) }

// PoolChangesName and LeasesName are what the changes that are noted, and the table of leases,
// are called in Redis.
func (f *Fleet) PoolChangesName() string { return f.codec.Names.PoolChanges() }
func (f *Fleet) LeasesName() string      { return f.codec.Names.Shared("leases") }
