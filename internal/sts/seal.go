package sts

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
)

// A session token is the base64 of
//
//	version (1) | key id (4) | nonce (12) | sealed payload | tag (16)
//
// sealed by AES-256-GCM with the domain, version, key id and access key as
// associated data: neither half of a token, nor a token and another session's
// access key, go together. The nonce is random, so a key should retire before it
// has sealed 2^32 tokens; a repeated nonce would still yield no secret access
// key, which comes from a sub-key of its own.
//
// The version says how the payload is laid out. A session without policies is
// sealed in the first version, so that brokers of an earlier release open it. A
// session with policies is not: an earlier release would ignore its limits.
const (
	versionPlain    = 1
	versionPolicies = 2
	versionTags     = 3

	keyIDBytes    = 4
	headerBytes   = 1 + keyIDBytes
	overhead      = headerBytes + 12 + 16
	maxTokenChars = 4096
	secretBytes   = 30 // 40 characters of base64, no padding
	sealDomain    = "broker/sts/session-token/v1"
)

// Why a token is refused; for the log, never for the caller.
var (
	errEncoding   = errors.New("session token is not canonical base64 of a fitting length")
	errVersion    = errors.New("session token has an unknown version")
	errUnknownKey = errors.New("session token names an unknown key")
	errUnsealed   = errors.New("session token and access key do not prove themselves")
)

// sealKey is one configured key, as the sub-keys derived from it. It is
// immutable and safe for concurrent use.
type sealKey struct {
	id     [keyIDBytes]byte
	aead   cipher.AEAD
	secret []byte // keys the derivation of secret access keys
}

// newSealKey derives the sub-keys, so that no key serves two purposes and the
// published id tells nothing of the key.
func newSealKey(key []byte) (*sealKey, error) {
	derive := func(purpose string, n int) ([]byte, error) {
		return hkdf.Key(sha256.New, key, nil, "broker/sts/v1/"+purpose, n)
	}
	id, err := derive("key-id", keyIDBytes)
	if err != nil {
		return nil, fmt.Errorf("derive key id: %w", err)
	}
	seal, err := derive("seal", 32)
	if err != nil {
		return nil, fmt.Errorf("derive sealing key: %w", err)
	}
	secret, err := derive("secret-access-key", 32)
	if err != nil {
		return nil, fmt.Errorf("derive secrets key: %w", err)
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return &sealKey{id: [keyIDBytes]byte(id), aead: aead, secret: secret}, nil
}

// seal makes the raw token for accessKey; false if it would be too long.
func (k *sealKey) seal(accessKey string, version byte, plain []byte) ([]byte, bool) {
	if base64.StdEncoding.EncodedLen(overhead+len(plain)) > maxTokenChars {
		return nil, false
	}
	raw := make([]byte, headerBytes, overhead+len(plain))
	raw[0] = version
	copy(raw[1:], k.id[:])
	return k.aead.Seal(raw, nil, plain, associated(raw, accessKey)), true
}

// open is the inverse of seal.
func (k *sealKey) open(accessKey string, raw []byte) ([]byte, error) {
	plain, err := k.aead.Open(nil, nil, raw[headerBytes:], associated(raw, accessKey))
	if err != nil {
		return nil, errUnsealed
	}
	return plain, nil
}

// secretFor derives the secret access key of a raw token and its access key.
func (k *sealKey) secretFor(accessKey string, raw []byte) string {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write([]byte(accessKey)) // its length is fixed, so the two do not run together
	mac.Write(raw)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)[:secretBytes])
}

// associated is the data that a token is bound to. All parts but the last have
// fixed lengths.
func associated(raw []byte, accessKey string) []byte {
	data := append([]byte(sealDomain), raw[:headerBytes]...)
	return append(data, accessKey...)
}

// decodeToken takes the one base64 form of a token that this package writes.
func decodeToken(token string) ([]byte, error) {
	if len(token) > maxTokenChars {
		return nil, errEncoding
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < overhead {
		return nil, errEncoding
	}
	// The decoder skips line feeds wherever they stand.
	if subtle.ConstantTimeCompare([]byte(base64.StdEncoding.EncodeToString(raw)), []byte(token)) != 1 {
		return nil, errEncoding
	}
	return raw, nil
}
