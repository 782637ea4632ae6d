package codec

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/cognito-broker/broker/internal/cache"
)

// ownerSize is the length of a broker's id, in hexadecimal, with which a value begins.
const ownerSize = 32

// PackPoolChange encodes the field of a change, and its value but for the broker that looks after
// it.
func (k *Codec) PackPoolChange(d cache.PoolChange) (field string, rest []byte) {
	field = k.Names.PoolChangePrefix(d.Pool) + base64.RawURLEncoding.EncodeToString(d.ID[:])
	plain := append([]byte(d.Pool+"\x00"), d.Text...)
	return field, k.Seal.Seal(nil, plain, k.Names.PoolChanges()+field)
}

// UnpackPoolChange reads a change from its field and its value. It fails with ErrSealed.
func (k *Codec) UnpackPoolChange(field, value string) (d cache.PoolChange, err error) {
	if len(value) < ownerSize {
		return d, fmt.Errorf("%w: %d bytes", ErrSealed, len(value))
	}
	plain, err := k.Seal.Open([]byte(value[ownerSize:]), k.Names.PoolChanges()+field)
	if err != nil {
		return d, err
	}
	_, spelt, _ := strings.Cut(field, ":")
	id, err := base64.RawURLEncoding.DecodeString(spelt)
	if err != nil || copy(d.ID[:], id) != len(d.ID) {
		return d, fmt.Errorf("%w: the id of a change", ErrSealed)
	}
	pool, text, _ := strings.Cut(string(plain), "\x00")
	d.Pool, d.Text = pool, []byte(text)
	return d, nil
}
