package codec

import (
	"strings"

	"github.com/cognito-broker/broker/internal/cache"
)

// PackDeferredEnd encodes a deferred end, sealed.
func (k *Codec) PackDeferredEnd(d cache.DeferredEnd) []byte {
	return k.Seal.Seal(nil, []byte(d.Identity+"\x00"+string(d.Scope)), k.Names.Shared("deferred"))
}

// UnpackDeferredEnd reads a deferred end. It fails with ErrSealed.
func (k *Codec) UnpackDeferredEnd(value string) (d cache.DeferredEnd, err error) {
	plain, err := k.Seal.Open([]byte(value), k.Names.Shared("deferred"))
	if err != nil {
		return d, err
	}
	identity, scope, _ := strings.Cut(string(plain), "\x00")
	return cache.DeferredEnd{Scope: cache.Scope(scope), Identity: identity}, nil
}
