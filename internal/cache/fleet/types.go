package fleet

import (
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
	"github.com/cognito-broker/broker/internal/cache/fleet/registry"
)

// The types that users of a Fleet name, from the packages that have them.
type (
	// Server says where Redis is and how it is spoken to.
	Server = redisconn.Server
	// Rate is how fast Reserve lets something happen.
	Rate = registry.Rate
	// Identities are the facts about identities that the fleet remembers.
	Identities = registry.Identities
	// IdentityFacts is what a backend's answers told of an identity.
	IdentityFacts = registry.IdentityFacts
	// SettingsRecord is what the fleet has of settings under a name.
	SettingsRecord = registry.SettingsRecord
)

// SettingsInUseFor is how long a record of settings counts as in use since it was written
// or kept last.
const SettingsInUseFor = registry.SettingsInUseFor
