package codec

import (
	"crypto/rand"

	"github.com/cognito-broker/broker/internal/cache"
)

// A scope's epoch is a string: 16 random bytes, 16 of the replication id in which it was made
// and, while fences are open, a record of 24 for each: its random id, and the deadline
// at which it lapses, in milliseconds of Redis's clock. Whoever reads more than 32
// bytes reads a pending epoch. A record whose deadline is 0 is of no fence: in place of the
// id it has the epoch that stood before the fences that are open, 16 zero bytes where none
// did, and the scope returns to it when all of them are cancelled. It is dropped when one
// ends otherwise, or lapses. A server that took over, or that read an old state back
// from its disk, may not know of a fence: what was not made in its own replication id is no
// epoch of its own. Only the scripts below write one.
const (
	ReplicationIDSize = 16
	EpochSize         = 16 + ReplicationIDSize
)

func Random() (id [16]byte) {
	rand.Read(id[:])
	return id
}

// ParseEpoch is the epoch that a script or the reader tells; ok is false for none or a
// pending one.
func ParseEpoch(value string) (epoch cache.Epoch, ok bool) {
	if len(value) != len(epoch) {
		return cache.Epoch{}, false
	}
	copy(epoch[:], value)
	return epoch, true
}
