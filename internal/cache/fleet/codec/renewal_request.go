package codec

import (
	"encoding/binary"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// Renewal request in Redis has the header of an entry: its expiry is when the renewal request
// lapses, its epochs are those of the entry beside it.

// PackRequest spells what of renewal request is sealed.
func PackRequest(m *cache.RenewalRequest) []byte {
	b := append(make([]byte, 0, len(m.Key)+32+len(m.Home)+len(m.Pool)+len(m.Call)), m.Key[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(milli(m.Until)))
	for _, text := range []string{string(m.Home), string(m.Pool), string(m.Call)} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return b
}

// OpenRequest opens a blob that stands under name. ok is false for one that does
// not open.
func (k *Codec) OpenRequest(name, blob string) (m *cache.RenewalRequest, lapses time.Time, ok bool) {
	h, ok := ReadHeader(blob)
	if !ok {
		return nil, time.Time{}, false
	}
	size := HeaderFixed + 16*len(h.Epochs)
	plain, err := k.Seal.Open([]byte(blob[size:]), name+blob[:size])
	if err != nil {
		return nil, time.Time{}, false
	}
	m = &cache.RenewalRequest{Epochs: h.Epochs}
	if len(plain) < len(m.Key)+8 {
		return nil, time.Time{}, false
	}
	copy(m.Key[:], plain)
	m.Until = instant(int64(binary.BigEndian.Uint64(plain[len(m.Key):])))
	b := plain[len(m.Key)+8:]
	var home, pool, call string
	for _, into := range []*string{&home, &pool, &call} {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return nil, time.Time{}, false
		}
		*into = string(b[size : size+int(n)])
		b = b[size+int(n):]
	}
	m.Home, m.Pool, m.Call = cache.Scope(home), cache.Scope(pool), []byte(call)
	return m, h.Expires, len(b) == 0
}
