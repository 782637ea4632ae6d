package callers

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
)

// maxKeys is how many keys of a kind a caller has at a time: the one in use, and
// the one that is to replace it.
const maxKeys = 2

// AccessKey signs requests (SigV4).
type AccessKey struct {
	ID     string // 1 to 128 of [\w]; public
	Secret string
}

// Digest is the SHA-256 of an API key: enough to know the key by, and not to be
// it. Print none all the same: a short key can be found by trying.
type Digest [sha256.Size]byte

// DigestOf is the digest of an API key.
func DigestOf(key string) Digest { return sha256.Sum256([]byte(key)) }

// known is a key with whom it belongs to. Registries keep pointers to it, which
// print as addresses.
type known struct {
	caller *Caller
	secret string // of an access key
	digest Digest // of an API key
}

func (c *Config) checkKeys() error {
	switch {
	case len(c.AccessKeys)+len(c.APIKeys) == 0:
		return errors.New("keys: are missing")
	case len(c.AccessKeys) > maxKeys:
		return errors.New("access keys: want at most two")
	case len(c.APIKeys) > maxKeys:
		return errors.New("api keys: want at most two")
	}
	for i, k := range c.AccessKeys {
		switch {
		case k.ID == "":
			return fmt.Errorf("access key %d: the id is missing", i)
		case !consists(k.ID, maxAccessKey, "_"):
			return fmt.Errorf(`access key %d: want an id of 1 to 128 characters of [\w]`, i)
		case k.Secret == "":
			return fmt.Errorf("access key %d: the secret is missing", i)
		}
	}
	for i, digest := range c.APIKeys {
		if digest == (Digest{}) || digest == DigestOf("") {
			return fmt.Errorf("api key %d: is empty", i)
		}
	}
	return nil
}

// addKeys makes the keys of c known as those of caller.
func (r *Registry) addKeys(c *Config, caller *Caller) error {
	for i, k := range c.AccessKeys {
		if _, twice := r.byAccessKey[k.ID]; twice {
			return fmt.Errorf("access key %d: its id stands there twice", i)
		}
		r.byAccessKey[k.ID] = &known{caller: caller, secret: k.Secret}
	}
	for i, digest := range c.APIKeys {
		for _, other := range r.apiKeys {
			if other.digest == digest {
				return fmt.Errorf("api key %d: stands there twice", i)
			}
		}
		r.apiKeys = append(r.apiKeys, &known{caller: caller, digest: digest})
	}
	return nil
}

// ByAccessKey finds a caller, and the secret that he has to have signed with, by
// an access key id, which is public: who claims it has still to prove that he
// holds the secret. The secret must go nowhere else.
func (r *Registry) ByAccessKey(id string) (c *Caller, secret string, ok bool) {
	if r == nil {
		return nil, "", false
	}
	k, ok := r.byAccessKey[id]
	if !ok {
		return nil, "", false
	}
	return k.caller, k.secret, true
}

// ByAPIKey finds a caller by an API key, which is proof. How long it takes
// depends on the length of key and on how many keys there are, never on
// them. Keys longer than 1024 bytes are nobody's.
func (r *Registry) ByAPIKey(key string) (*Caller, bool) {
	if r == nil || len(key) > maxAPIKey {
		return nil, false
	}
	digest := DigestOf(key)
	found := -1
	for i, k := range r.apiKeys {
		equal := subtle.ConstantTimeCompare(digest[:], k.digest[:])
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	if found < 0 {
		return nil, false
	}
	return r.apiKeys[found].caller, true
}
