package codec

import (
	"strings"

	"github.com/cognito-broker/broker/internal/cache"
)

// PackDeferredEnd spells the field of a deferred end, and its value.
func (k *Codec) PackDeferredEnd(d cache.DeferredEnd) (field string, value []byte) {
	field = k.Names.DeferredEnd(d.Scope)
	return field, k.Seal.Seal(nil, []byte(d.Identity+"\x00"+string(d.Scope)), k.Names.Shared("deferred")+field)
}

// UnpackDeferredEnd reads a deferred end from its field and its value. It fails with ErrSealed.
func (k *Codec) UnpackDeferredEnd(field, value string) (d cache.DeferredEnd, err error) {
	plain, err := k.Seal.Open([]byte(value), k.Names.Shared("deferred")+field)
	if err != nil {
		return d, err
	}
	identity, scope, _ := strings.Cut(string(plain), "\x00")
	return cache.DeferredEnd{Scope: cache.Scope(scope), Identity: identity}, nil
}
