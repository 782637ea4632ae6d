package codec

import (
	"bytes"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// Whatever stands in Redis, and whatever a key of ours once sealed, is read or
// refused; what is read encodes the same again.
func FuzzStored(f *testing.F) {
	e := &cache.Entry{Issued: time.Unix(1, 2), Jitter: 0.5, Credentials: cache.Credentials{
		IdentityID: "id", AccessKeyID: "key", SecretKey: "secret", SessionToken: "token", Expires: time.Unix(3, 4),
	}}
	f.Add([]byte(nil))
	f.Add(PackEntry(e, []cache.Scope{"l/one", "l/two"}))
	f.Add(AppendHeader(nil, Header{Expires: time.UnixMilli(5), Epochs: make([]cache.Epoch, 3)}))
	f.Add(PackRequest(&cache.RenewalRequest{Home: "i/i", Pool: "p/p", Call: []byte("call")}))
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, others, ok := UnpackEntry(b); ok {
			again := PackEntry(e, others)
			if e, others, ok := UnpackEntry(again); !ok || !bytes.Equal(PackEntry(e, others), again) {
				t.Errorf("an entry of %q: got something else when it was read again", b)
			}
		}
		if h, ok := ReadHeader(string(b)); ok {
			if again := AppendHeader(nil, h); !bytes.Equal(again[2:], b[2:len(again)]) {
				t.Errorf("a header of %q: got %q again", b, again)
			}
		}
		if HeaderMatches(b, string(make([]byte, 32))) {
			if h, ok := ReadHeader(string(b)); !ok || len(h.Epochs) != 2 {
				t.Errorf("a header of %q: got it taken for one of two epochs", b)
			}
		}
		UnpackFailure(b)
		for n := range 9 { // a record and a moment, wherever one ends
			if size := len(b) - n; size >= 0 {
				UnpackUsage(string(b[:size]), string(b[size:]))
			}
		}
	})
}
