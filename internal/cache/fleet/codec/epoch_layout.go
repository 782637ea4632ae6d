package codec

import (
	"crypto/rand"

	"github.com/cognito-broker/broker/internal/cache"
)

// A scope's epoch is a string: 16 random bytes, 16 of the replication id of the master on which
// it was made and, while fences are open, a record of 24 for each: its random id, and the
// deadline at which it lapses, in milliseconds of Redis's clock. Whoever reads more than 32
// bytes reads a pending epoch. A record whose deadline is 0 is of no fence: in place of the id
// it has the epoch that stood before the fences that are open, 16 zero bytes where none did, to
// which the scope returns when all of them are cancelled. It is dropped when one ends
// otherwise, or lapses. A server that took over, or that read an old state back from its disk,
// may not know of a fence: an epoch of another replication id than its own is none. Only the
// scripts of package fence write epochs.
const (
	// ReplicationIDSize is how much of a replication id is kept.
	ReplicationIDSize = 16
	// EpochSize is the length of an epoch that is not pending.
	EpochSize = 16 + ReplicationIDSize
)

// Random is a random value: an epoch, an id or a token.
func Random() (id [16]byte) {
	rand.Read(id[:])
	return id
}

// ParseEpoch is the epoch that a script or a reader tells; ok is false for none or a pending
// one.
func ParseEpoch(value string) (epoch cache.Epoch, ok bool) {
	if len(value) != len(epoch) {
		return cache.Epoch{}, false
	}
	copy(epoch[:], value)
	return epoch, true
}

// ParseEpochs is ParseEpoch for scopes; those without an epoch are left out.
func ParseEpochs(scopes []cache.Scope, values []string) map[cache.Scope]cache.Epoch {
	epochs := make(map[cache.Scope]cache.Epoch, len(scopes))
	for i, scope := range scopes {
		if epoch, ok := ParseEpoch(values[i]); ok {
			epochs[scope] = epoch
		}
	}
	return epochs
}
