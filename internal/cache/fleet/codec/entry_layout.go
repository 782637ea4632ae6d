package codec

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// An entry in Redis is a header in clear and a sealed rest. The header is a version, the number of
// epochs, when the entry expires (milliseconds), and the epochs that it was stamped with: first
// that of its home scope, whose tag its name carries, then its pool's, then those of logins and
// others. The header is authenticated with the name.
const (
	entryVersion = 1
	HeaderFixed  = 2 + 8
	MaxEpochs    = 16 // a call has ten logins at most
	// entryFixed is the length of what is sealed before the texts: two times and the
	// jitter.
	entryFixed = 3 * 8
)

// Header is what stands before a sealed entry.
type Header struct {
	Expires time.Time
	Epochs  []cache.Epoch
}

// AppendHeader appends a header to b.
func AppendHeader(b []byte, h Header) []byte {
	b = append(b, entryVersion, byte(len(h.Epochs)))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Expires.UnixMilli()))
	for _, epoch := range h.Epochs {
		b = append(b, epoch[:]...)
	}
	return b
}

// ReadHeader reads the header of a blob.
func ReadHeader(blob string) (h Header, ok bool) {
	if len(blob) < HeaderFixed || blob[0] != entryVersion || blob[1] > MaxEpochs ||
		len(blob) < HeaderFixed+16*int(blob[1]) {
		return Header{}, false
	}
	h.Expires = time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(blob[2:10]))))
	h.Epochs = make([]cache.Epoch, blob[1])
	for i := range h.Epochs {
		copy(h.Epochs[i][:], blob[HeaderFixed+16*i:])
	}
	return h, true
}

// PackEntry encodes what of an entry is sealed.
func PackEntry(e *cache.Entry, others []cache.Scope) []byte {
	c := &e.Credentials
	b := make([]byte, 0, entryFixed+40+len(c.IdentityID)+len(c.AccessKeyID)+len(c.SecretKey)+len(c.SessionToken))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Expires.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Issued.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(e.Jitter))
	return appendTexts(b, c.IdentityID, c.AccessKeyID, c.SecretKey, c.SessionToken, string(PackScopes(others)))
}

// UnpackEntry reads what PackEntry encoded.
func UnpackEntry(b []byte) (e *cache.Entry, others []cache.Scope, ok bool) {
	var g cache.EntryView
	jitter, spelt, ok := CutEntry(b, &g)
	if !ok {
		return nil, nil, false
	}
	e = &cache.Entry{Issued: g.Issued, Jitter: jitter, Credentials: cache.Credentials{
		IdentityID: string(g.IdentityID), AccessKeyID: string(g.AccessKeyID),
		SecretKey: string(g.SecretKey), SessionToken: string(g.SessionToken), Expires: g.Expires,
	}.Compact()}
	others, err := UnpackScopes(spelt)
	return e, others, err == nil
}

// OpenEntry opens an entry that stands under a name as blob, whose header is h, and returns the
// scopes that it rests on beside its home scope and its pool. It fails with ErrSealed.
func (k *Codec) OpenEntry(name, blob string, h Header) (e *cache.Entry, others []cache.Scope, err error) {
	size := HeaderFixed + 16*len(h.Epochs)
	plain, err := k.Seal.Open([]byte(blob[size:]), name+blob[:size])
	if err != nil {
		return nil, nil, err
	}
	e, others, ok := UnpackEntry(plain)
	if !ok || len(others) != len(h.Epochs)-2 {
		return nil, nil, ErrSealed
	}
	return e, others, nil
}

// CutEntry reads what PackEntry encoded; its texts are parts of b.
func CutEntry(b []byte, g *cache.EntryView) (jitter float64, others []byte, ok bool) {
	if len(b) < entryFixed {
		return 0, nil, false
	}
	g.Expires = time.Unix(0, int64(binary.BigEndian.Uint64(b))).UTC()
	g.Issued = time.Unix(0, int64(binary.BigEndian.Uint64(b[8:])))
	jitter, b = math.Float64frombits(binary.BigEndian.Uint64(b[16:])), b[entryFixed:]
	for _, into := range [...]*[]byte{&g.IdentityID, &g.AccessKeyID, &g.SecretKey, &g.SessionToken, &others} {
		if *into, b, ok = cutText(b); !ok {
			return 0, nil, false
		}
	}
	return jitter, others, len(b) == 0
}

// HeaderMatches reports whether the header of a blob has those epochs, and no others.
func HeaderMatches(blob []byte, epochs string) bool {
	size := HeaderFixed + len(epochs)
	return len(blob) > size && blob[0] == entryVersion && int(blob[1]) == len(epochs)/16 &&
		string(blob[HeaderFixed:size]) == epochs
}
