package codec

import (
	"encoding/binary"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// A renewal request in Redis has the header of an entry: its expiry is when the request lapses, its
// epochs are those of the entry beside it.

// PackRequest encodes what of a renewal request is sealed.
func PackRequest(m *cache.RenewalRequest) []byte {
	b := binary.BigEndian.AppendUint64(append([]byte(nil), m.Key[:]...), uint64(milli(m.Until)))
	return appendTexts(b, string(m.Home), string(m.Pool), string(m.Call))
}

// OpenRequest opens a renewal request that was sealed for name, and tells when it lapses. ok is
// false for one that does not open.
func (k *Codec) OpenRequest(name, blob string) (m *cache.RenewalRequest, lapses time.Time, ok bool) {
	h, ok := ReadHeader(blob)
	if !ok {
		return nil, time.Time{}, false
	}
	size := HeaderFixed + 16*len(h.Epochs)
	plain, err := k.Seal.Open([]byte(blob[size:]), name+blob[:size])
	m = &cache.RenewalRequest{Epochs: h.Epochs}
	if err != nil || len(plain) < len(m.Key)+8 {
		return nil, time.Time{}, false
	}
	copy(m.Key[:], plain)
	m.Until = instant(int64(binary.BigEndian.Uint64(plain[len(m.Key):])))
	var home, pool, call string
	ok = readTexts(plain[len(m.Key)+8:], &home, &pool, &call)
	m.Home, m.Pool, m.Call = cache.Scope(home), cache.Scope(pool), []byte(call)
	return m, h.Expires, ok
}
