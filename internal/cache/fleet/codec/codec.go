package codec

import (
	"fmt"

	"github.com/cognito-broker/broker/internal/cache"
)

// Codec is how things are named and encoded in Redis: all but numbers and random ids is sealed or
// digested. It is safe for concurrent use.
type Codec struct {
	Names Names
	Seal  *Seal
	// OpenFailed is told of each sealed value that did not open.
	OpenFailed func()
}

// New makes one of 32-byte keys: the first of keys seals, all of them open; nameKey
// digests names.
func New(keys [][]byte, nameKey []byte, openFailed func()) (*Codec, error) {
	seal, err := NewSeal(keys...)
	if err != nil {
		return nil, err
	}
	if len(nameKey) != 32 {
		return nil, fmt.Errorf("name key has %d bytes, want 32", len(nameKey))
	}
	return &Codec{Names: Names{cache.NewNamer(nameKey)}, Seal: seal, OpenFailed: openFailed}, nil
}
