package codec

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
)

// A failure reads back as it was spelt; whatever else is read, nothing breaks.
func TestFailuresRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &cache.Failure{
			Code: rapid.String().Draw(t, "code"), Message: rapid.String().Draw(t, "message"),
			ServerFault: rapid.Bool().Draw(t, "server"), BackendDown: rapid.Bool().Draw(t, "behind"),
		}
		copy(f.Tokens[:], rapid.SliceOfN(rapid.Byte(), len(f.Tokens), len(f.Tokens)).Draw(t, "tokens"))
		packed := PackFailure(f)
		if got, ok := UnpackFailure(packed); !ok || *got != *f {
			t.Fatalf("got %v %v, want %v", got, ok, f)
		}
		cut := rapid.IntRange(0, len(packed)-1).Draw(t, "cut")
		if got, ok := UnpackFailure(packed[:cut]); ok {
			t.Fatalf("of %d bytes of %d: got %v, want none", cut, len(packed), got)
		}
		if got, ok := UnpackFailure(append(packed, 0)); ok {
			t.Fatalf("of a byte too many: got %v, want none", got)
		}
	})
}
