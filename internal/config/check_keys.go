package config

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	// maxCallerKeys is how many keys of a kind a caller has at a time: the one in use,
	// and the one that is to replace it.
	maxCallerKeys = 2
	// minAPIKey is the least length of an API key, in bytes.
	minAPIKey = 16

	expectedAccessKey = "16 to 128 letters, digits or _"
	expectedDigest    = "64 hexadecimal digits, the SHA-256 of an API key"
	expectedKeys      = "access_key_id with secret_access_key, or api_key, or both"
)

func (a *Caller) checkKeys(path string) error {
	accessKeys, apiKeys := a.accessKeys(path), a.apiKeys(path)
	switch {
	case len(accessKeys)+len(apiKeys) == 0:
		return refuse(path, "keys are missing", expectedKeys)
	case len(accessKeys) > maxCallerKeys:
		return refuse(path+".access_keys", "are too many", "at most two access keys, with access_key_id")
	case len(apiKeys) > maxCallerKeys:
		return refuse(path+".api_keys", "are too many",
			"at most two API keys, with api_key and those of api_key_sha256 and api_keys_sha256")
	}
	for _, k := range accessKeys {
		if err := k.check(); err != nil {
			return err
		}
	}
	for _, k := range apiKeys {
		if err := k.check(); err != nil {
			return err
		}
	}
	return nil
}

// accessKey is an access key with the paths of its two keys.
type accessKey struct {
	id, idPath string
	secret     Secret
	secretPath string
}

// accessKeys lists them wherever they stand.
func (a *Caller) accessKeys(path string) (keys []accessKey) {
	add := func(path, id string, secret Secret) {
		keys = append(keys,
			accessKey{id: id, idPath: path + ".access_key_id", secret: secret, secretPath: path + ".secret_access_key"})
	}
	if a.AccessKeyID != "" || !a.SecretAccessKey.Empty() {
		add(path, a.AccessKeyID, a.SecretAccessKey)
	}
	for i, k := range a.AccessKeys {
		add(at(path+".access_keys", i), k.AccessKeyID, k.SecretAccessKey)
	}
	return keys
}

func (k accessKey) check() error {
	return firstOf(
		func() error { return present(k.idPath, k.id != "", expectedAccessKey) },
		func() error { return form(k.idPath, consists(k.id, wordRunes, 16, 128), expectedAccessKey) },
		func() error { return credential(k.secretPath, k.secret, 1) },
	)
}

// apiKey is an API key, or its digest alone, with its path.
type apiKey struct {
	path   string
	text   Secret
	hashed bool // text is the digest's
	digest [sha256.Size]byte
}

// apiKeys lists them wherever they stand.
func (a *Caller) apiKeys(path string) (keys []apiKey) {
	add := func(path string, text Secret, hashed bool) {
		k := apiKey{path: path, text: text, hashed: hashed, digest: sha256.Sum256([]byte(text.Reveal()))}
		if hashed {
			raw, _ := hex.DecodeString(text.Reveal()) // check refuses what is none
			copy(k.digest[:], raw)
		}
		keys = append(keys, k)
	}
	if !a.APIKey.Empty() {
		add(path+".api_key", a.APIKey, false)
	}
	if !a.APIKeySHA256.Empty() {
		add(path+".api_key_sha256", a.APIKeySHA256, true)
	}
	for i, text := range a.APIKeys {
		add(at(path+".api_keys", i), text, false)
	}
	for i, text := range a.APIKeysSHA256 {
		add(at(path+".api_keys_sha256", i), text, true)
	}
	return keys
}

func (k apiKey) check() error {
	if !k.hashed {
		return credential(k.path, k.text, minAPIKey)
	}
	if err := present(k.path, !k.text.Empty(), expectedDigest); err != nil {
		return err
	}
	raw, err := hex.DecodeString(k.text.Reveal())
	if err != nil || len(raw) != sha256.Size {
		return refuse(k.path, "has not the right form", expectedDigest)
	}
	if k.digest == sha256.Sum256(nil) {
		return refuse(k.path, "is the SHA-256 of nothing", expectedDigest)
	}
	return nil
}

// APIKeyDigests are the SHA-256 of all API keys of a caller that Load returned.
func (a *Caller) APIKeyDigests() (digests [][sha256.Size]byte) {
	for _, k := range a.apiKeys("") {
		digests = append(digests, k.digest)
	}
	return digests
}

// AllAccessKeys are all access keys of a caller that Load returned.
func (a *Caller) AllAccessKeys() (keys []AccessKey) {
	for _, k := range a.accessKeys("") {
		keys = append(keys, AccessKey{AccessKeyID: k.id, SecretAccessKey: k.secret})
	}
	return keys
}

// credential checks what is compared with a header: a character that no header
// carries would make it one that never matches.
func credential(path string, s Secret, least int) error {
	text := s.Reveal()
	switch {
	case s.Empty():
		return refuse(path, "is missing", "a secret")
	case len(text) < least:
		return refuse(path, "is too short", "at least 16 bytes")
	case len(text) > 1024 || strings.ContainsFunc(text, notVisible):
		return refuse(path, "is too long or holds blanks or other unusual characters",
			"at most 1024 visible ASCII characters")
	}
	return nil
}
