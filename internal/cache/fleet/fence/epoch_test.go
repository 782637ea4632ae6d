package fence_test

import (
	"testing"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/redistest"
)

// An epoch that was lost never comes back, also not by a command that was sent twice over a
// connection that broke, and of which the first copy arrives late.
func TestEpochThatIsOpenedTwice(t *testing.T) {
	t.Parallel()
	s := redistest.Single(t)
	f := fences(t, s.Addr())
	epochs, err := f.OpenTwice(t.Context(), cache.IdentityScope("x"), func(name string) error {
		return s.Client().Del(t.Context(), name).Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(epochs[0]) != 16 || len(epochs[1]) != 16 || epochs[0] == epochs[1] {
		t.Errorf("got epochs of %d and %d bytes, the same: %v; want two", len(epochs[0]), len(epochs[1]), epochs[0] == epochs[1])
	}
}
