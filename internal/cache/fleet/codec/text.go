package codec

import (
	"github.com/cognito-broker/broker/internal/cache"
)

import "encoding/binary"

// appendTexts encodes texts, each with its length.
func appendTexts(b []byte, texts ...string) []byte {
	for _, text := range texts {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return b
}

// readTexts reads what appendTexts encoded, which is all of b.
func readTexts(b []byte, texts ...*string) (ok bool) {
	for _, into := range texts {
		text, rest, ok := cutText(b)
		if !ok {
			return false
		}
		*into, b = string(text), rest
	}
	return len(b) == 0
}

// cutText reads the first of the texts that appendTexts encoded, as a part of b.
func cutText(b []byte) (text, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	end := size + int(n)
	return b[size:end:end], b[end:], true
}

// PackScopes encodes scopes, each with its length.
func PackScopes(scopes []cache.Scope) []byte {
	var b []byte
	for _, s := range scopes {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

// UnpackScopes reads what PackScopes encoded. It fails with ErrSealed.
func UnpackScopes(b []byte) ([]cache.Scope, error) {
	var scopes []cache.Scope
	for len(b) > 0 {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return nil, ErrSealed
		}
		scopes = append(scopes, cache.Scope(b[size:size+int(n)]))
		b = b[size+int(n):]
	}
	return scopes, nil
}
