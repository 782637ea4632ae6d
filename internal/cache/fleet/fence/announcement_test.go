package fence

import (
	"slices"
	"testing"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
)

// The scopes of an announcement open under its own id and the number of the broker that made it alone:
// one that was copied under other ids ends nothing, and shows that something was missed.
func TestAnnouncementsAreSealedForTheirIDs(t *testing.T) {
	key := make([]byte, 32)
	k, err := codec.New([][]byte{key}, key, func() {})
	if err != nil {
		t.Fatal(err)
	}
	m := &membership{codec: k}
	before, id, by := codec.Random(), codec.Random(), codec.Random()
	sealed := k.Seal.Seal(nil, codec.PackScopes([]cache.Scope{"i/a", "l/b"}), sealedFor(id, by))
	whole := slices.Concat(before[:], id[:], by[:], sealed)
	if a, err := m.openAnnouncement(string(whole)); err != nil || !slices.Equal(a.scopes, []cache.Scope{"i/a", "l/b"}) {
		t.Fatalf("as it was made: got %v, %v; want its scopes", a.scopes, err)
	}
	for at := len(before); at < announcementSize; at++ {
		other := slices.Clone(whole)
		other[at] ^= 1
		if a, err := m.openAnnouncement(string(other)); err == nil {
			t.Errorf("another byte %d: got %v, want an error", at, a.scopes)
		}
	}
	for n := range whole {
		if _, err := m.openAnnouncement(string(whole[:n])); err == nil {
			t.Errorf("its first %d bytes: got no error, want one", n)
		}
	}
}
