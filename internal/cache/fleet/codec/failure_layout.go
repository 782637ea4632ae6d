package codec

import (
	"github.com/cognito-broker/broker/internal/cache"
)

// PackFailure encodes what of a failure is sealed.
func PackFailure(f *cache.Failure) []byte {
	b := append([]byte{0}, f.Tokens[:]...)
	if f.ServerFault {
		b[0] |= 1
	}
	if f.BackendDown {
		b[0] |= 2
	}
	return appendTexts(b, f.Code, f.Message)
}

// UnpackFailure reads what PackFailure encoded.
func UnpackFailure(b []byte) (*cache.Failure, bool) {
	f := &cache.Failure{}
	if len(b) < 1+len(f.Tokens) {
		return nil, false
	}
	f.ServerFault, f.BackendDown = b[0]&1 != 0, b[0]&2 != 0
	copy(f.Tokens[:], b[1:])
	ok := readTexts(b[1+len(f.Tokens):], &f.Code, &f.Message)
	return f, ok
}
